"""The one error of a failed call: which class, what it says, and what the user can do."""

from __future__ import annotations

import copy
import pickle

import pytest

from g4f_integrations import errors
from g4f_integrations.core.events import Attempt, ToolCall
from g4f_integrations.core.failures import Failure
from g4f_integrations.core.reporting import error_for, interruption

CLASSES = {
    "rate_limit": errors.RateLimitError,
    "context_length": errors.ContextLengthError,
    "auth": errors.AuthenticationError,
    "quota": errors.QuotaError,
    "content_filter": errors.ContentFilterError,
    "model_not_found": errors.ModelNotFoundError,
    "bad_request": errors.InvalidRequestError,
    "timeout": errors.ProviderTimeoutError,
    "empty": errors.EmptyResponseError,
    "notice": errors.ProviderNoticeError,
    "network": errors.ProviderUnavailableError,
    "overloaded": errors.ProviderUnavailableError,
    "blocked": errors.ProviderUnavailableError,
    "unknown": errors.ProviderUnavailableError,
}
WORTH_ANOTHER_CALL = {"rate_limit", "timeout", "empty", "notice", "network", "overloaded", "blocked", "unknown"}


def error_of(*failures):
    """The error of a call whose attempts, each on a route of its own, failed like this."""
    failures = [failure if isinstance(failure, Failure) else Failure(failure, message="no") for failure in failures]
    attempts = [
        Attempt(f"P{number}", "m", failure.kind, failure.message or None, number / 10)
        for number, failure in enumerate(failures, start=1)
    ]
    return error_for(attempts, failures, f"P{len(failures)}:m")


@pytest.mark.parametrize(("kind", "error_class"), CLASSES.items())
def test_one_kind_of_failure_raises_its_class(kind, error_class):
    once, twice = error_of(kind), error_of(kind, kind)

    assert type(once) is type(twice) is error_class
    assert once.kind == twice.kind == kind
    assert once.route == "P1:m"
    assert [attempt.provider for attempt in twice.attempts] == ["P1", "P2"]


@pytest.mark.parametrize("kind", CLASSES)
def test_another_call_may_help_after_one_attempt_and_never_after_several(kind):
    assert error_of(kind).is_retryable == (kind in WORTH_ANOTHER_CALL)
    assert not error_of(kind, kind).is_retryable


def test_failures_of_different_kinds_exhaust_the_routes():
    error = error_of("rate_limit", "network")

    assert type(error) is errors.RoutesExhaustedError
    assert not error.is_retryable


def test_a_refusal_by_policy_is_told_as_such_whatever_came_before():
    error = error_of("network", "content_filter")

    assert type(error) is errors.ContentFilterError
    assert error.kind == "content_filter"


def test_a_wait_that_was_asked_for_is_told():
    assert error_of(Failure("rate_limit", retry_after=7.0)).retry_after == 7.0
    assert error_of("rate_limit").retry_after is None


def test_the_size_of_a_request_that_was_too_long_is_told():
    error = error_of(Failure("context_length", limit=8_000, requested=9_000), Failure("context_length", limit=16_000))

    assert (error.limit, error.requested) == (16_000, None)
    assert error_of(Failure("context_length", limit=8_000, requested=9_000)).requested == 9_000


def test_a_notice_is_told():
    assert error_of(Failure("notice", message="Join our server!")).text == "Join our server!"


def test_what_the_newest_route_answered_is_told():
    first = Failure("rate_limit", status=429, body="slow down", headers={"x-request-id": "a"})
    last = Failure("overloaded", status=503, body="busy", headers={"cf-ray": "b"})

    error = error_of(first, last)

    assert (error.status, error.body, error.headers, error.request_id) == (503, "busy", {"cf-ray": "b"}, "b")


def test_an_error_without_an_answer_has_none_to_tell():
    error = error_of(Failure("rate_limit", status=429, body="slow down"), "network")

    assert (error.status, error.body, error.headers, error.request_id) == (None, "", {}, None)


# Texts


def test_one_attempt_is_told_in_a_sentence_with_advice():
    assert str(error_of(Failure("auth", message="Wrong key."))) == (
        "P1:m failed (auth): Wrong key. Check the api_key of this route; other routes were not given it."
    )


@pytest.mark.parametrize(
    ("kind", "text"), [("network", "P1:m failed (network)."), ("quota", "P1:m failed (quota). The")]
)
def test_a_failure_without_words_leaves_no_gap(kind, text):
    assert str(error_of(Failure(kind))).startswith(text)


def test_several_attempts_are_told_in_a_table():
    error = error_of(
        Failure("rate_limit", message="Slow down."), Failure("empty"), Failure("network", message="a\nb\tc")
    )

    assert str(error).splitlines() == [
        "All 3 attempts failed.",
        "   route  outcome     seconds  what was said",
        "1  P1:m   rate_limit  0.10     Slow down.",
        "2  P2:m   empty       0.20",
        "3  P3:m   network     0.30     a b c",
    ]


def test_several_attempts_of_one_kind_come_with_advice():
    assert str(error_of("timeout", "timeout")).splitlines()[0] == (
        "All 2 attempts failed. Raise the timeout, or add routes to rotate over."
    )


def test_a_route_without_a_model_is_named_by_its_provider():
    assert str(error_for([Attempt("P", "", "network", "no")], [Failure("network", message="no")], "P")) == (
        "P failed (network): no"
    )


# Broken streams


def test_a_broken_stream_hands_over_what_there_is():
    calls = [ToolCall("a", "f", {})]
    attempts = [Attempt("P", "m", "interrupted")]
    failure = Failure("network", message="cut", retry_after=2.0, status=502, body="bad")
    error = interruption(attempts, failure, "P:m", text="Hello", calls=calls)

    assert (error.partial_text, error.partial_tool_calls) == ("Hello", tuple(calls))
    assert (error.kind, error.is_retryable, error.retry_after) == ("interrupted", False, 2.0)
    assert (error.status, error.body) == (502, "bad")
    assert str(error) == "P:m broke off after 5 characters (network): cut"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_travels_with_all_that_it_tells(kind, copied):
    error = error_of(
        Failure(
            kind, retry_after=1.0, limit=5, requested=6, message="no", status=418, body="b", headers={"cf-ray": "1"}
        )
    )

    twin = copied(error)

    assert type(twin) is type(error)
    assert vars(twin) == vars(error)
    assert str(twin) == str(error)
