"""What is known about routes: who may be asked, from when on, and by how many at a time."""

from __future__ import annotations

import copy
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from g4f_integrations.core.candidates.candidate import route_key
from g4f_integrations.core.health import BreakerSettings, LocalHealth, default_store, reset_health

KEY = route_key(None, "P", "m")
BREAKER = BreakerSettings(failures=3, cooldown=1_000.0)
NOT_THE_ROUTES_FAULT = [
    "bad_request",
    "context_length",
    "content_filter",
    "invalid",
    "cancelled",
]
ONCE_IS_ENOUGH = ["timeout", "auth", "quota", "model_not_found"]
THE_ROUTES_FAULT = ["network", "overloaded", "blocked", "empty", "notice", "interrupted", "unknown"]


def steady():
    """A store without jitter."""
    return LocalHealth(chance=lambda: 0.0)


def failing(*kinds, store=None, retry_after=None):
    store = store or steady()
    for kind in kinds:
        store.failed(KEY, kind, retry_after, BREAKER)
    return store


def out_for(store):
    """Seconds until the route may be asked again, to the nearest ten."""
    return round(store.view(KEY).ready_at() - time.monotonic(), -1)


def rested(store):
    """The same store after the cooldown."""
    store.view(KEY).open_until = time.monotonic() - 1
    return store


# The breaker


@pytest.mark.parametrize("kind", THE_ROUTES_FAULT)
def test_failures_in_a_row_take_a_route_out(kind):
    store = failing(kind, kind)
    assert store.view(KEY).ready_at() == 0.0

    failing(kind, store=store)

    assert out_for(store) == 1_000


@pytest.mark.parametrize("kind", NOT_THE_ROUTES_FAULT)
def test_what_is_not_the_routes_fault_never_takes_it_out(kind):
    health = failing(*[kind] * 10).view(KEY)

    assert (health.failures, health.open_until, health.calls, health.last_error) == (0, 0.0, 10, kind)


@pytest.mark.parametrize("kind", ONCE_IS_ENOUGH)
def test_what_a_second_attempt_would_not_change_takes_a_route_out_at_once(kind):
    assert out_for(failing(kind)) == 1_000


def test_a_rate_limit_is_no_failure_in_a_row():
    health = failing(*["rate_limit"] * 9).view(KEY)

    assert (health.failures, health.open_until, health.calls) == (0, 0.0, 9)


def test_a_success_ends_the_row():
    store = failing("network", "network")
    store.succeeded(KEY, 0.1)

    failing("network", "network", store=store)

    assert store.view(KEY).ready_at() == 0.0


def test_other_failures_do_not_end_the_row():
    assert out_for(failing("network", "rate_limit", "network", "content_filter", "network")) == 1_000


def test_the_cooldown_doubles_with_every_failed_probe_up_to_a_bound():
    store = failing("network", "network", "network")
    seen = [out_for(store)]
    for _ in range(6):
        assert rested(store).begin_probe(KEY)
        failing("network", store=store)
        seen.append(out_for(store))

    assert seen == [1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]


def test_many_calls_that_fail_at_once_open_the_breaker_once():
    assert out_for(failing(*["network"] * 20)) == 1_000


def test_a_good_probe_closes_the_breaker_for_good():
    store = rested(failing("network", "network", "network"))
    store.begin_probe(KEY)

    store.succeeded(KEY, 0.1)

    assert store.view(KEY).ready_at() == 0.0
    assert out_for(failing("network", "network", "network", store=store)) == 1_000


# Probes


def test_one_probe_at_a_time():
    store = LocalHealth()

    assert [store.begin_probe(KEY), store.begin_probe(KEY)] == [True, False]


@pytest.mark.parametrize(
    "end",
    [
        lambda store: store.end_probe(KEY),
        lambda store: failing("network", store=store),
        lambda store: failing("rate_limit", store=store),
        lambda store: store.succeeded(KEY, 0.1),
    ],
    ids=["cancelled", "failed", "rate limited", "good"],
)
def test_the_end_of_a_probe_allows_the_next(end):
    store = rested(failing("network", "network", "network"))
    store.begin_probe(KEY)

    end(store)

    assert store.begin_probe(KEY)


def test_a_probe_that_never_ends_is_forgotten():
    store = LocalHealth()
    store.begin_probe(KEY)

    store.view(KEY).probing_since -= 61

    assert store.begin_probe(KEY)


# Rate limits


def test_a_route_is_left_alone_for_as_long_as_it_asked():
    store = failing("rate_limit", retry_after=700.0)

    assert out_for(store) == 700
    assert store.view(KEY).pushback_until == store.view(KEY).ready_at()


def test_a_shorter_wait_does_not_shorten_a_longer_one():
    store = failing("rate_limit", retry_after=700.0)

    assert out_for(failing("overloaded", store=store, retry_after=100.0)) == 700


def test_a_rate_limit_without_a_time_rests_the_route_a_little():
    health = failing("rate_limit").view(KEY)

    assert 0 < health.rests_until - time.monotonic() <= 5.0
    assert health.pushback_until == 0.0


def test_a_success_ends_a_rest():
    store = failing("rate_limit")

    store.succeeded(KEY, 0.1)

    assert store.view(KEY).ready_at() == 0.0


def test_a_call_that_was_under_way_does_not_end_what_the_route_asked_for():
    store = failing("rate_limit", retry_after=700.0)

    store.succeeded(KEY, 0.1)

    assert out_for(store) == 700


def test_a_wait_that_is_over_is_forgotten_with_the_next_success():
    store = failing("rate_limit", retry_after=0.0)

    store.succeeded(KEY, 0.1)

    assert store.view(KEY).ready_at() == 0.0


# Figures


def test_latency_is_smoothed():
    store = LocalHealth()
    for latency in (1.0, 2.0, 2.0):
        store.succeeded(KEY, latency)

    assert store.view(KEY).latency == pytest.approx(1.51)
    assert (store.view(KEY).calls, store.view(KEY).successes) == (3, 3)


# The registry


@pytest.mark.parametrize(
    "touch",
    [
        lambda store, key: store.view(key),
        lambda store, key: store.succeeded(key, 0.1),
        lambda store, key: store.failed(key, "network", None, BREAKER),
        lambda store, key: store.begin_probe(key),
        lambda store, key: store.end_probe(key),
    ],
    ids=["view", "succeeded", "failed", "begin_probe", "end_probe"],
)
def test_the_registry_is_bounded(touch):
    store = LocalHealth()
    for number in range(1_500):
        touch(store, route_key(None, "P", str(number)))

    assert len(store._routes) == 1_024


def test_routes_in_use_are_kept():
    store = failing("network")
    for number in range(1_500):
        store.view(route_key(None, "P", str(number)))
        store.succeeded(KEY, 0.1)

    assert store.view(KEY).successes == 1_500


def test_reset_forgets_everything():
    failing("network", "network", "network", store=default_store())

    reset_health()

    assert default_store().view(KEY).ready_at() == 0.0


def test_routes_do_not_share_their_state():
    store = failing("empty", "empty", "empty")

    assert store.view(route_key(None, "P", "n")).ready_at() == 0.0
    assert store.view(KEY) is store.view(route_key(None, "P", "m"))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_store_itself(copied):
    store = LocalHealth()

    assert copied(store) is store


def test_nothing_is_lost_between_threads():
    store = LocalHealth()

    def work(_):
        for _ in range(500):
            store.succeeded(KEY, 0.1)
            store.failed(KEY, "network", None, BREAKER)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert (store.view(KEY).calls, store.view(KEY).successes) == (8_000, 4_000)


def test_only_one_of_many_threads_probes():
    store = rested(failing("network", "network", "network"))
    together = threading.Barrier(8)

    def probe(_):
        together.wait()
        return store.begin_probe(KEY)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(probe, range(8))) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("store", [default_store(), LocalHealth()], ids=["default", "own"])
def test_a_child_does_not_wait_for_a_lock_that_was_held_while_it_was_forked(store):
    with store._lock:
        child = os.fork()
        if child == 0:
            free = store._lock.acquire(timeout=1.0)
            os._exit(0 if free else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
