"""Which candidate is asked next, and when: breadth first, without needless waits, within every limit."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.candidates.candidate import Candidate, route_key
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.failures import AttemptFailed, Failure
from g4f_integrations.core.health import BreakerSettings, LocalHealth
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.retrying import RetryDriver
from g4f_integrations.core.rotation import Rotation
from g4f_integrations.core.routes import Route

fuzz = settings(deadline=None, max_examples=200)
NETWORK = Failure("network")
BREAKER = BreakerSettings(failures=1, cooldown=1_000.0)


def candidate(name="A", model="m", key=None, attempts=None):
    secret = Secret.of(key)
    route = Route(name, model)
    identity = route_key(None, name, model, api_key=secret)
    return Candidate(route, name, model, None, secret, None, None, None, attempts, identity)


class Course:
    """One call's rotation, with a clock of its own and all the jitter that there is."""

    def __init__(self, *candidates, store=None, chance=1.0, **policy):
        self.candidates = [candidate(each) if isinstance(each, str) else each for each in candidates]
        self.store = store or LocalHealth()
        self.rotation = Rotation(self.candidates, Resilience(**policy), self.store, lambda: chance)
        self.now = time.monotonic()
        self.waits = []
        self.asked = []
        self.probes = []
        self.beside = []

    def ask(self):
        """Ask the next candidate; its name, or ``None`` when none is left."""
        choice = self.rotation.choose(self.now)
        if choice is None:
            return None
        self.now += choice.wait
        self.waits.append(choice.wait)
        self.probes.append(choice.is_probe)
        self.beside.append(choice.beside and choice.beside.name)
        self.rotation.began(choice.candidate)
        self.asked.append(choice.candidate.name)
        return choice.candidate.name

    def fail(self, failure=NETWORK, **how):
        self.rotation.failed(failure, self.now, **how)

    def run(self, failure=NETWORK, most=50):
        """Ask and fail until nobody is left; the names in order, joined."""
        while len(self.asked) < most and self.ask() is not None:
            self.fail(failure)
        return "".join(self.asked)


def known(**failures):
    """A store that knows of failures: name → (kind, retry_after)."""
    store = LocalHealth(chance=lambda: 0.0)
    for name, (kind, retry_after) in failures.items():
        store.failed(candidate(name).key, kind, retry_after, BREAKER)
    return store


def cooled(store, name="A"):
    """The same store after the cooldown of `name`."""
    store.view(candidate(name).key).open_until = time.monotonic() - 1
    return store


# Order and limits


@pytest.mark.parametrize(
    ("names", "policy", "order"),
    [
        ("A", {}, "A" * 8),
        ("A", {"max_attempts": 3}, "AAA"),
        ("ABC", {}, "ABCABC"),
        ("ABC", {"attempts_per_route": 1}, "ABC"),
        ("AB", {"attempts_per_route": 3}, "ABABAB"),
    ],
)
def test_every_candidate_once_before_any_twice(names, policy, order):
    assert Course(*names, backoff_initial=0.0, **policy).run() == order


@fuzz
@given(st.integers(1, 6), st.integers(1, 4), st.floats(0, 1), st.floats(0, 30))
def test_breadth_first_whatever_the_backoff(count, per_route, chance, backoff):
    names = "ABCDEF"[:count]

    order = Course(*names, chance=chance, attempts_per_route=per_route, backoff_initial=backoff).run()

    assert order[:count] == names
    assert Counter(order) == dict.fromkeys(names, per_route)


def test_a_candidate_may_have_a_limit_of_its_own_unless_the_policy_states_one():
    three = candidate("A", attempts=3)

    assert Counter(Course(three, "B").run()) == {"A": 3, "B": 2}
    assert Counter(Course(three, "B", attempts_per_route=1).run()) == {"A": 1, "B": 1}


def test_nobody_is_chosen_of_nobody():
    assert Course().ask() is None


@pytest.mark.parametrize(
    "kind", ["auth", "quota", "model_not_found", "bad_request", "context_length", "content_filter"]
)
def test_a_route_that_cannot_be_helped_is_not_asked_again(kind):
    course = Course("A", "B", backoff_initial=0.0)
    course.ask()
    course.fail(Failure(kind))

    assert course.run() == "ABB"


@pytest.mark.parametrize("kind", ["auth", "quota"])
def test_a_refused_key_takes_its_other_models_out_too(kind):
    same, other, elsewhere = candidate("A", "n", "k1"), candidate("A", "m", "k2"), candidate("B", "m", "k1")
    course = Course(candidate("A", "m", "k1"), same, other, elsewhere, attempts_per_route=1)
    course.ask()
    course.fail(Failure(kind))

    course.run()

    assert same.key.key_hash == elsewhere.key.key_hash != other.key.key_hash
    assert course.asked == ["A", "A", "B"]


def test_the_same_route_is_asked_again_at_once_when_the_request_was_mended():
    course = Course("A", "B", "C", attempts_per_route=1)
    course.ask()
    course.fail()
    course.ask()
    course.fail(Failure("bad_request"), again=True)

    assert course.run() == "ABBC"
    assert course.waits[2] == 0.0


# Waits


def test_there_is_no_wait_while_another_is_ready():
    course = Course("A", "B", "C", backoff_initial=10.0)

    course.run(most=3)

    assert course.waits == [0.0, 0.0, 0.0]


def test_waits_double_up_to_their_bound():
    course = Course("A", backoff_initial=1.0, backoff_max=5.0, max_attempts=6)
    course.run()

    assert course.waits == pytest.approx([0.0, 1.0, 2.0, 4.0, 5.0, 5.0])


def test_waits_are_jittered():
    course = Course("A", backoff_initial=1.0, chance=0.25, max_attempts=2)
    course.run()

    assert course.waits == pytest.approx([0.0, 0.25])


def test_a_great_many_attempts_overflow_nothing():
    course = Course("A", max_attempts=3_000)

    assert len(course.run(most=3_000)) == 3_000
    assert course.waits[-1] == pytest.approx(20.0)


def test_what_the_route_asked_for_is_waited_for():
    course = Course("A", max_attempts=2)
    course.run(Failure("rate_limit", retry_after=30.0))

    assert course.waits == pytest.approx([0.0, 30.0])


def test_a_route_that_asks_for_longer_is_out():
    course = Course("A", "B", backoff_initial=0.0)
    course.ask()
    course.fail(Failure("rate_limit", retry_after=30.1))

    assert course.run() == "ABB"


def test_the_readiest_is_asked_when_all_have_to_wait():
    course = Course("A", "B", chance=0.0)
    course.ask()
    course.fail(Failure("rate_limit", retry_after=20.0))
    course.ask()
    course.fail(Failure("rate_limit", retry_after=10.0))

    assert course.ask() == "B"
    assert course.waits[-1] == pytest.approx(10.0)


# Health


def test_a_route_whose_breaker_is_open_is_skipped():
    assert Course("A", "B", store=known(A=("network", None)), attempts_per_route=1).ask() == "B"


def test_a_route_that_asked_to_be_left_alone_is_skipped():
    assert Course("A", "B", store=known(A=("rate_limit", 20.0))).ask() == "B"


def test_a_route_that_rests_is_skipped():
    assert Course("A", "B", store=known(A=("rate_limit", None))).ask() == "B"


def test_a_breaker_gives_way_when_there_is_nothing_better_to_do():
    course = Course("A", "B", store=known(A=("network", None), B=("network", None)), attempts_per_route=1)

    assert course.run() == "AB"
    assert course.waits == [0.0, 0.0]


def test_what_a_route_asked_for_is_waited_for_when_nobody_else_is_left():
    course = Course("A", store=known(A=("rate_limit", 20.0)))

    assert course.ask() == "A"
    assert course.waits[0] == pytest.approx(20.0, abs=1.0)


def test_a_route_that_asked_for_too_much_is_asked_only_when_all_did():
    course = Course("A", "B", store=known(A=("rate_limit", 3_000.0), B=("rate_limit", 20.0)))
    alone = Course("A", store=known(A=("rate_limit", 3_000.0)))

    assert course.ask() == "B"
    assert (alone.ask(), alone.waits) == ("A", [0.0])


def test_a_route_is_probed_beside_one_call_after_its_cooldown():
    store = cooled(known(A=("network", None)))
    first, second = Course("A", "B", store=store), Course("A", "B", store=store)

    assert (first.ask(), first.beside) == ("B", ["A"])
    assert (second.ask(), second.beside) == ("B", [None])


def test_a_route_that_stands_behind_a_healthy_one_is_not_probed_for_it():
    course = Course("A", "B", store=cooled(known(B=("network", None)), "B"))

    assert (course.ask(), course.beside) == ("A", [None])


def test_who_cannot_probe_beside_a_call_probes_with_it():
    store = cooled(known(A=("network", None)))
    rotation = Rotation([candidate("A"), candidate("B")], Resilience(), store, probes_beside=False)

    choice = rotation.choose(time.monotonic())

    assert (choice.candidate.name, choice.is_probe, choice.beside) == ("A", True, None)


def test_at_most_half_of_the_candidates_are_held_back():
    store = known(A=("network", None), B=("network", None), C=("network", None))
    course = Course(*"ABCD", store=store, attempts_per_route=2)
    course.ask()
    course.fail()

    # D is to be waited for; one of the three has been let back, the one whose cooldown is over first.
    assert course.ask() == "A"
    assert (course.asked, course.waits) == (["D", "A"], [0.0, 0.0])


def test_a_route_that_timed_out_is_held_back_all_the_same():
    store = known(A=("timeout", None), B=("timeout", None), C=("timeout", None))
    course = Course(*"ABCD", store=store, attempts_per_route=2, chance=0.0)
    course.ask()
    course.fail()

    assert course.ask() == "D"


def test_when_all_are_out_the_one_that_is_back_soonest_is_asked():
    store = known(A=("timeout", None), B=("timeout", None))
    store.view(candidate("B").key).open_until -= 500

    assert Course("A", "B", store=store).ask() == "B"


def test_a_route_that_is_being_probed_is_asked_nevertheless_when_it_is_the_only_one():
    store = cooled(known(A=("network", None)))
    Course("A", store=store).ask()
    course = Course("A", store=store)

    assert (course.ask(), course.probes) == ("A", [False])


def test_choosing_twice_is_choosing_once():
    course = Course("A", "B")
    course.ask()
    course.fail()

    assert course.rotation.choose(course.now) == course.rotation.choose(course.now)


@fuzz
@given(st.data())
def test_no_course_of_events_exceeds_a_limit_or_waits_too_long(data):
    count = data.draw(st.integers(1, 4))
    course = Course(*"ABCD"[:count], chance=data.draw(st.floats(0, 1)), attempts_per_route=3)
    kinds = st.sampled_from(["network", "rate_limit", "auth", "bad_request", "overloaded", "empty"])
    waits = st.none() | st.floats(0, 100)

    for _ in range(count * 3 + 1):
        if course.ask() is None:
            break
        failure = Failure(data.draw(kinds), retry_after=data.draw(waits))
        course.store.failed(candidate(course.asked[-1]).key, failure.kind, failure.retry_after, BREAKER)
        course.fail(failure)

    assert course.ask() is None
    assert max(Counter(course.asked).values()) <= 3
    assert all(0.0 <= wait <= 31.0 for wait in course.waits)


# tenacity's part


class Call:
    """What tenacity asks of a call."""

    def __init__(self, waits=(0.5,), left=None, goes_on=True):
        self.waits, self.left, self.goes_on = itertools.cycle(waits), left, goes_on

    def can_go_on(self):
        return self.goes_on

    def next_wait(self):
        return next(self.waits)

    def time_left(self):
        return self.left


def decided(call, failure=NETWORK):
    driver = RetryDriver(call, 0.1)
    return asyncio.run(driver.decide(AttemptFailed(failure))), driver


@pytest.mark.parametrize(
    ("call", "wait"),
    [
        (Call(), 0.5),
        (Call(waits=[0.0]), 0.0),
        (Call(waits=[None]), None),
        (Call(goes_on=False), None),
        (Call(left=0.6), 0.5),
        (Call(left=0.5), None),
        (Call(left=-1.0), None),
    ],
)
def test_another_attempt_is_made_if_there_is_one_left_and_time_for_it(call, wait):
    assert decided(call)[0] == wait


def test_tenacitys_account_counts_the_attempts():
    _, driver = decided(Call())

    driver.go_on()

    assert driver.state.attempt_number == 2
    assert driver.state.outcome is None


def test_concurrent_calls_have_accounts_of_their_own():
    first, second = decided(Call())[1], decided(Call())[1]

    first.go_on()

    assert (first.state.attempt_number, second.state.attempt_number) == (2, 1)
    assert first.state.retry_object is not second.state.retry_object
