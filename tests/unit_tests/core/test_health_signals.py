"""What takes a route out beside failures in a row: the share of successes, and failures that concern others, too."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.candidates.candidate import route_key
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.health import BreakerSettings, LocalHealth
from g4f_integrations.core.health._window import SuccessWindow, upper_bound

BREAKER = BreakerSettings(failures=1_000, cooldown=1_000.0)


def key(name="P", model="m", api_key=None, base_url=""):
    return route_key(None, name, model, base_url=base_url, api_key=Secret.of(api_key))


KEY = key()


def is_out(store, key=KEY):
    return store.view(key).open_until > time.monotonic()


# The window


@given(st.lists(st.tuples(st.floats(0, 200), st.integers(0, 1)), max_size=60))
def test_the_window_counts_exactly_what_the_newest_ten_buckets_hold(events):
    events.sort()
    window = SuccessWindow()
    for now, good in events:
        window.add(now, good)

    newest = events[-1][0] if events else 0.0
    live = [good for now, good in events if int(now / 6) > int(newest / 6) - 10]

    assert window.counts(newest) == (sum(live), len(live))


def test_the_window_forgets_after_a_minute():
    window = SuccessWindow()
    for _ in range(50):
        window.add(0.0, 0)

    assert window.is_bad(50.0)
    assert not window.is_bad(60.0)


@pytest.mark.parametrize(("good", "all_", "is_bad"), [(0, 9, False), (0, 10, True), (2, 10, True), (3, 10, False)])
def test_a_ratio_counts_when_chance_cannot_explain_it(good, all_, is_bad):
    window = SuccessWindow()
    for number in range(all_):
        window.add(1.0, int(number < good))

    assert window.is_bad(1.0) is is_bad


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_bound_lies_between_the_share_and_one(all_, share):
    good = round(share * all_)

    assert good / all_ - 1e-9 <= upper_bound(good, all_) <= 1.0 + 1e-9


def test_a_burst_of_successes_does_not_hide_an_outage_and_one_failure_in_three_is_none():
    flaky, dying = LocalHealth(), LocalHealth()
    for number in range(30):
        if number % 3:
            flaky.succeeded(KEY, 0.1)
        else:
            flaky.failed(KEY, "network", None, BREAKER)
        if number < 4:
            dying.succeeded(KEY, 0.1)
        else:
            dying.failed(KEY, "network", None, BREAKER)

    assert (is_out(flaky), is_out(dying)) == (False, True)


def test_rate_limits_count_against_the_share_of_successes():
    store = LocalHealth()
    for _ in range(10):
        store.failed(KEY, "rate_limit", None, BREAKER)

    assert is_out(store)
    assert store.view(KEY).failures == 0


@pytest.mark.parametrize("kind", ["bad_request", "context_length", "content_filter", "invalid", "cancelled"])
def test_what_is_the_requests_fault_does_not_count_at_all(kind):
    store = LocalHealth()
    for _ in range(50):
        store.failed(KEY, kind, None, BREAKER)

    assert not is_out(store)
    assert store.view(KEY).window.counts(time.monotonic()) == (0, 0)


def test_a_closed_breaker_does_not_open_again_for_old_failures():
    store = LocalHealth()
    for _ in range(10):
        store.failed(KEY, "network", None, BREAKER)
    store.recovered(KEY)

    store.failed(KEY, "network", None, BREAKER)

    assert not is_out(store)


# Cooldowns


def test_cooldowns_are_jittered_upward():
    waits = set()
    for chance in (0.0, 0.5, 0.999):
        store = LocalHealth(chance=lambda chance=chance: chance)
        store.failed(KEY, "timeout", None, BREAKER)
        waits.add(round(store.view(KEY).open_until - time.monotonic(), -1))

    assert waits == {1_000.0, 1_120.0, 1_250.0}


def test_a_route_that_is_well_only_when_probed_stays_out_longer_every_time():
    store = LocalHealth(chance=lambda: 0.0)
    waits = []
    for _ in range(3):
        store.failed(KEY, "timeout", None, BREAKER)
        waits.append(round(store.view(KEY).open_until - time.monotonic(), -1))
        store.recovered(KEY)

    assert waits == [1_000, 2_000, 4_000]


def test_an_answer_to_the_user_brings_the_first_cooldown_back():
    store = LocalHealth(chance=lambda: 0.0)
    store.failed(KEY, "timeout", None, BREAKER)
    store.recovered(KEY)
    store.succeeded(KEY, 0.1)

    store.failed(KEY, "timeout", None, BREAKER)

    assert round(store.view(KEY).open_until - time.monotonic(), -1) == 1_000


# Whom a failure concerns

MINE, OTHER_MODEL = key(api_key="k1"), key(model="n", api_key="k1")
OTHER_KEY, ELSEWHERE = key(api_key="k2"), key("Q", api_key="k1")


@pytest.mark.parametrize("are_known", [True, False], ids=["known", "met later"])
@pytest.mark.parametrize(
    ("kind", "scope", "out"),
    [
        ("auth", "key", {MINE, OTHER_MODEL}),
        ("quota", "key", {MINE, OTHER_MODEL}),
        ("model_not_found", "model", {MINE, OTHER_KEY}),
        ("network", "provider", {MINE, OTHER_MODEL, OTHER_KEY}),
        ("timeout", "provider", {MINE}),
    ],
)
def test_a_failure_takes_out_those_whom_it_concerns_and_nobody_else(kind, scope, out, are_known):
    routes = {MINE, OTHER_MODEL, OTHER_KEY, ELSEWHERE}
    store = LocalHealth()
    for each in routes if are_known else ():
        store.view(each)

    store.failed(MINE, kind, None, BreakerSettings(failures=1), scope=scope)

    assert {each for each in routes if is_out(store, each)} == out
    assert {store.view(each).last_error for each in out} == {kind}


def test_a_route_that_is_met_later_is_asked_when_the_reason_is_gone():
    store = LocalHealth()
    store.failed(MINE, "auth", None, BREAKER, scope="key")

    store.succeeded(MINE, 0.1)

    assert not is_out(store, OTHER_MODEL)


# Speed


def test_a_peak_of_latency_shows_at_once_and_wears_off():
    store = LocalHealth()
    for latency in (0.1, 4.0, 0.1):
        store.succeeded(KEY, latency)
    health, now = store.view(KEY), time.monotonic()

    assert health.peak_now(now) == pytest.approx(4.0, rel=0.05)
    assert health.peak_now(now + 10) == pytest.approx(4.0 / 2.718, rel=0.05)


def test_a_quick_failure_makes_no_route_look_fast():
    store = LocalHealth()
    store.succeeded(KEY, 0.1)

    store.failed(KEY, "overloaded", None, BREAKER, seconds=0.001)

    assert store.view(KEY).peak_now(time.monotonic()) >= 0.99
