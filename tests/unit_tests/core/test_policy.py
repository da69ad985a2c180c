"""The engine's knobs: checked by name, immutable, and what the two shorthands make of them."""

from __future__ import annotations

import copy
import math
import pickle

import pytest
from pydantic import ValidationError

from g4f_integrations.core.health import LocalHealth, default_store
from g4f_integrations.core.policy import Resilience
from g4f_integrations.errors import ConfigurationError

TIMES = ("first_token_timeout", "stall_timeout", "attempt_timeout", "deadline", "total_timeout")


def changed(policy):
    """The fields in which `policy` differs from the default."""
    return {name: value for name, value in dict(policy).items() if value != getattr(Resilience(), name)}


# Fields


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            (field, value)
            for field in (*TIMES, "breaker_cooldown", "hedge_after")
            for value in (0, -1, math.nan, "soon")
        ),
        *(
            (field, value)
            for field in ("backoff_initial", "backoff_max", "max_retry_after")
            for value in (-1, math.nan, None)
        ),
        *((field, value) for field in ("max_attempts", "attempts_per_route", "breaker_failures") for value in (0, 1.5)),
        ("on_stream_failure", "repeat"),
        ("order", "random"),
        ("first_token", 5),
    ],
)
def test_a_wrong_value_is_refused_and_the_field_is_named(field, value):
    with pytest.raises(ValidationError, match=field):
        Resilience(**{field: value})


@pytest.mark.parametrize("field", TIMES)
def test_a_clock_can_be_switched_off(field):
    assert getattr(Resilience(**{field: None}), field) is None


def test_a_policy_cannot_be_changed():
    with pytest.raises(ValidationError):
        Resilience().max_attempts = 3


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda policy: pickle.loads(pickle.dumps(policy))])
def test_a_copy_is_equal(copied):
    policy = Resilience(max_attempts=3)

    assert copied(policy) == policy
    assert copied(policy).model_fields_set == {"max_attempts"}


def test_copies_share_the_store_and_a_pickle_begins_an_empty_one():
    policy = Resilience(store=LocalHealth())

    assert copy.deepcopy(policy).store is copy.copy(policy).store is policy.store
    assert isinstance(pickle.loads(pickle.dumps(policy)).store, LocalHealth)
    assert hash(policy) == hash(copy.deepcopy(policy))


def test_the_process_own_store_stays_the_process_own():
    policy = Resilience(store=default_store())

    assert pickle.loads(pickle.dumps(policy)).store is default_store()


@pytest.mark.parametrize("value", [5, {"url": "sqlite:///health.db"}, "ftp://host/health"])
def test_what_is_no_store_is_refused_when_it_is_named(value):
    with pytest.raises(ValidationError, match="store"):
        Resilience(store=value)


def test_a_store_is_not_written_out():
    assert "store" not in Resilience(store=LocalHealth()).model_dump()


# Shorthands


def test_a_timeout_sets_the_attempt_and_its_first_token():
    assert changed(Resilience().with_shorthands(timeout=5)) == {"attempt_timeout": 5, "first_token_timeout": 5}


def test_a_long_timeout_lifts_the_clocks_of_the_whole_call():
    assert changed(Resilience().with_shorthands(timeout=900)) == {
        "attempt_timeout": 900,
        "first_token_timeout": 900,
        "deadline": 900,
        "total_timeout": 900,
    }


def test_clocks_that_are_off_stay_off():
    policy = Resilience(deadline=None, total_timeout=None).with_shorthands(timeout=900)

    assert policy.deadline is policy.total_timeout is None


@pytest.mark.parametrize(("max_retries", "max_attempts"), [(0, 1), (2, 3)])
def test_retries_are_attempts_after_the_first(max_retries, max_attempts):
    assert Resilience().with_shorthands(max_retries=max_retries).max_attempts == max_attempts


def test_explicit_fields_win_over_the_shorthands():
    policy = Resilience(max_attempts=4, first_token_timeout=2, deadline=30)

    settled = policy.with_shorthands(timeout=60, max_retries=0)

    assert (settled.max_attempts, settled.first_token_timeout, settled.deadline) == (4, 2, 30)
    assert settled.attempt_timeout == 60


def test_a_field_given_with_its_default_counts_as_explicit():
    assert Resilience(attempt_timeout=60.0).with_shorthands(timeout=5).attempt_timeout == 60.0


def test_later_shorthands_win_over_earlier_ones():
    policy = Resilience(deadline=50).with_shorthands(timeout=30, max_retries=1).with_shorthands(5, 2)

    assert (policy.attempt_timeout, policy.first_token_timeout, policy.max_attempts, policy.deadline) == (5, 5, 3, 50)
    assert policy.model_fields_set == {"deadline"}


def test_the_policy_itself_stays_as_it_is():
    store = LocalHealth()
    policy = Resilience(store=store)

    assert policy.with_shorthands() is policy
    assert policy.with_shorthands(timeout=5).store is store
    assert changed(policy) == {"store": store}


@pytest.mark.parametrize(
    "shorthand",
    [*({"timeout": value} for value in (0, -1, math.nan, "5")), *({"max_retries": value} for value in (-1, 1.5, "2"))],
)
def test_a_wrong_shorthand_is_refused_by_its_own_name(shorthand):
    with pytest.raises(ConfigurationError, match=next(iter(shorthand))):
        Resilience().with_shorthands(**shorthand)
