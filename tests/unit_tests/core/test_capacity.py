"""Caps, rates and the queue: nobody beyond a cap, first come first served, and no place lost."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import FAST, Answer, ask
from g4f_integrations.core.calling import RouteCall
from g4f_integrations.core.candidates.candidate import Candidate, route_key
from g4f_integrations.core.capacity import _gates, allow, in_flight, is_short, read_allowances, try_enter
from g4f_integrations.core.capacity import wait_for_place as wait
from g4f_integrations.core.capacity._rates import Allowance, Minute
from g4f_integrations.core.health import LocalHealth
from g4f_integrations.core.routes import Endpoint, Route
from g4f_integrations.errors import ConfigurationError, RateLimitError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider, cut, stall


def candidate(name="P", **caps):
    return Candidate(
        Route(name, "m", **caps), name, "m", None, None, None, None, None, None, route_key(None, name, "m")
    )


ONE = candidate("One", max_concurrency=1)
TWO = candidate("Two", max_concurrency=2)


# The last minute


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 50)), max_size=80), st.integers(1, 5), st.integers(10, 60))
def test_no_minute_ever_holds_more_than_the_limits(steps, requests, tokens):
    minute, now, admitted = Minute(), 0.0, []
    for pause, need in steps:
        now += pause
        now += minute.wait(now, requests, tokens, need)
        if minute.wait(now, requests, tokens, need) == 0.0:
            minute.add(now, need)
            admitted.append((now, need))

    for begin, _ in admitted:
        within = [need for at, need in admitted if begin <= at < begin + 60.0]
        assert len(within) <= requests
        assert sum(within) <= tokens or len([need for need in within if need]) == 1


def test_the_wait_is_exactly_until_the_oldest_are_a_minute_old():
    minute = Minute()
    for now in (0.0, 10.0, 20.0):
        minute.add(now, 100)

    assert minute.wait(30.0, 3, None, 0) == pytest.approx(30.0, abs=0.2)
    assert minute.wait(30.0, None, 300, 150) == pytest.approx(40.0, abs=0.2)
    assert minute.wait(30.0, 4, 400, 100) == 0.0


def test_a_request_larger_than_the_limit_goes_alone():
    minute = Minute()

    assert minute.wait(0.0, None, 10, 50) == 0.0
    minute.add(0.0, 50)
    assert minute.wait(1.0, None, 10, 50) == pytest.approx(59.0, abs=0.2)


def test_what_an_answer_really_took_is_counted():
    minute = Minute()
    entry = minute.add(0.0, 100)

    minute.correct(entry, -90)

    assert minute.wait(1.0, None, 100, 90) == 0.0


def test_an_allowance_is_used_up_and_whole_again():
    allowance = Allowance(2, 30.0, 5, 100.0)
    for _ in range(2):
        assert allowance.wait(100.0, 1) == 0.0
        allowance.take(1)

    assert allowance.wait(110.0, 1) == 20.0
    assert allowance.wait(130.0, 1) == 0.0


# Headers


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "149984",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            {"requests": (59, 1.0, 60), "tokens": (149_984, 360.0, None)},
        ),
        (
            {"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-01-27T12:00:30Z",
             "date": "Tue, 27 Jan 2026 12:00:00 GMT"},
            {"requests": (0, 30.0, None)},
        ),
        ({"ratelimit-limit": "100", "ratelimit-remaining": "50", "ratelimit-reset": "50"}, {"requests": (50, 50.0, 100)}),
        ({"ratelimit": '"default";r=50;t=30'}, {"requests": (50, 30.0, None)}),
        ({"ratelimit": "limit=100, remaining=50, reset=30"}, {"requests": (50, 30.0, 100)}),
        ({"ratelimit": "limit=100, remaining=50"}, {}),
        ({"ratelimit": '"burst";r=5;t=60, "day";r=2;t=30, "week";r=2;t=90'}, {"requests": (2, 90.0, None)}),
        ({"x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "soon"}, {}),
        ({"x-ratelimit-remaining": "9" * 400, "x-ratelimit-reset": "1"}, {"requests": (int("9" * 15), 1.0, None)}),
        ({"x-request-id": "abc"}, {}),
    ],
)  # fmt: skip
def test_headers_of_all_families_are_read(headers, told):
    assert {unit: tuple(each) for unit, each in read_allowances(headers).items()} == told


NAMES = st.sampled_from(["ratelimit", "x-ratelimit-reset", "x-ratelimit-remaining", "x-ratelimit-limit", "date"])
VALUES = st.text(max_size=20) | st.text("0123456789.:smhdTZe-+;=rt ", max_size=40)


@given(st.dictionaries(NAMES, VALUES))
def test_no_header_is_too_strange(headers):
    told = read_allowances(headers).values()

    assert all(0 <= each.left < 10**15 and 0.0 <= each.resets_in < math.inf for each in told)


# Places


def test_a_cap_is_never_exceeded():
    leases = [try_enter(TWO, 0, 0.0) for _ in range(4)]

    assert [lease is not None for lease in leases] == [True, True, False, False]
    leases[0].release()
    leases[0].release()
    assert in_flight(TWO.key) == 1


async def test_who_came_first_is_served_first_and_nobody_goes_past():
    first = try_enter(ONE, 0, 0.0)
    served = []

    async def enter(name):
        lease = await wait([ONE], 0, 0.0, None)
        served.append(name)
        await asyncio.sleep(0)
        lease.release()

    tasks = [asyncio.create_task(enter(name)) for name in "abcde"]
    await asyncio.sleep(0)
    assert try_enter(ONE, 0, 0.0) is None
    first.release()
    assert try_enter(ONE, 0, 0.0) is None
    await asyncio.gather(*tasks)

    assert served == list("abcde")
    assert in_flight(ONE.key) == 0


async def test_the_first_place_on_any_of_several_routes_is_taken():
    held = [try_enter(ONE, 0, 0.0), try_enter(TWO, 0, 0.0), try_enter(TWO, 0, 0.0)]
    waiting = asyncio.create_task(wait([ONE, TWO], 0, 0.0, None))
    await asyncio.sleep(0)

    held[1].release()

    lease = await waiting
    assert lease.candidate is TWO
    held[0].release()
    assert try_enter(ONE, 0, 0.0) is not None


async def test_waiting_ends_in_time():
    lease = try_enter(ONE, 0, 0.0)

    assert await wait([ONE], 0, 0.0, 0.01) is None
    lease.release()
    assert try_enter(ONE, 0, 0.0) is not None


async def test_a_cancelled_waiter_leaves_no_place_behind():
    lease = try_enter(ONE, 0, 0.0)
    waiting = [asyncio.create_task(wait([ONE], 0, 0.0, None)) for _ in range(10)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    lease.release()

    assert try_enter(ONE, 0, 0.0) is not None


async def test_one_that_is_cancelled_in_the_moment_it_is_served_gives_the_place_to_the_next():
    lease = try_enter(ONE, 0, 0.0)
    first = asyncio.create_task(wait([ONE], 0, 0.0, None))
    second = asyncio.create_task(wait([ONE], 0, 0.0, None))
    await asyncio.sleep(0)
    lease.release()  # served on the next turn of the loop

    first.cancel()

    assert (await second).candidate is ONE


def test_a_place_granted_to_a_loop_that_has_ended_is_not_lost():
    lease = try_enter(ONE, 0, 0.0)
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(wait([ONE], 0, 0.0, None))
    loop.run_until_complete(asyncio.sleep(0))
    lease.release()
    waiting.get_coro().close()  # as if nobody had waited for it
    waiting._log_destroy_pending = False
    loop.close()
    del waiting, loop

    assert in_flight(ONE.key) in {0, 1}
    assert try_enter(ONE, 0, 0.0) is not None


def test_loops_on_several_threads_share_the_places():
    most, lock, now = [0], threading.Lock(), [0]

    async def one():
        lease = try_enter(TWO, 0, 0.0) or await wait([TWO], 0, 0.0, None)
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        await asyncio.sleep(0.0005)
        with lock:
            now[0] -= 1
        lease.release()

    async def many():
        await asyncio.gather(*(one() for _ in range(25)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: asyncio.run(many()), range(4)))

    assert (most[0], in_flight(TWO.key)) == (2, 0)


async def test_a_queue_at_its_rate_goes_on_when_the_minute_allows_it(monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.capacity._rates.MINUTE", 0.03)
    monkeypatch.setattr("g4f_integrations.core.capacity._rates._GRAIN", 0.001)
    route = candidate("Rated", requests_per_minute=2)
    loop = asyncio.get_running_loop()
    times = []

    async def one():
        lease = try_enter(route, 0, 0.0) or await wait([route], 0, 0.0, None)
        times.append(loop.time())
        lease.release()

    await asyncio.gather(*(one() for _ in range(6)))

    assert all(later - earlier >= 0.029 for earlier, later in zip(times, times[2:], strict=False))


async def test_those_served_elsewhere_do_not_pile_up_at_a_gate_that_never_opens():
    held = try_enter(ONE, 0, 0.0)
    for _ in range(2_000):
        two = [try_enter(TWO, 0, 0.0), try_enter(TWO, 0, 0.0)]
        waiting = asyncio.create_task(wait([ONE, TWO], 0, 0.0, None))
        await asyncio.sleep(0)
        for lease in two:
            lease.release()
        (await waiting).release()

    assert len(_gates._gates[ONE.key].waiting) < 200
    assert held.candidate is ONE


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_has_all_places_for_itself():
    lease = try_enter(ONE, 0, 0.0)
    child = os.fork()
    if child == 0:
        os._exit(0 if try_enter(ONE, 0, 0.0) is not None else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lease.candidate is ONE


# Routes


@pytest.mark.parametrize("name", ["max_concurrency", "requests_per_minute", "tokens_per_minute"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "10"])
def test_a_cap_is_a_positive_whole_number(name, value):
    with pytest.raises(ConfigurationError, match=name):
        Route("P", **{name: value})
    with pytest.raises(ConfigurationError, match=name):
        Endpoint("http://127.0.0.1/v1", **{name: value})


# Calls


class Counted:
    """A provider that counts how many of its calls run at the same time."""

    def __init__(self, name):
        self.now = self.most = 0
        counter = self

        class Provider(ScriptedProvider(name=name)):
            @classmethod
            async def create_async_generator(cls, model, messages, **kwargs):
                counter.now += 1
                counter.most = max(counter.most, counter.now)
                try:
                    await asyncio.sleep(0)
                    yield "text"
                finally:
                    counter.now -= 1

        Provider.__name__ = name
        self.provider = Provider


async def test_a_batch_fills_all_routes_and_exceeds_no_cap():
    counted = [Counted(f"Counted{number}") for number in range(6)]
    model = ChatG4F(routes=[Route(each.provider, "m", max_concurrency=3 + n) for n, each in enumerate(counted)])

    answers = await model.abatch(["Say something."] * 200)

    assert {answer.content for answer in answers} == {"text"}
    assert [each.most for each in counted] == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("cap", [1, 3])
async def test_what_is_no_chat_keeps_to_the_caps_as_well(cap):
    now, most = [0], [0]

    async def draw_a_picture(_):
        now[0] += 1
        most[0] = max(most[0], now[0])
        await asyncio.sleep(0.001)
        now[0] -= 1
        return "picture"

    route = candidate("Painter", max_concurrency=cap)
    policy = FAST.model_copy(update={"deadline": 0.5})
    pictures = await asyncio.gather(*(RouteCall([route], draw_a_picture, policy).run() for _ in range(20)))

    assert (pictures, most) == (["picture"] * 20, [cap])


async def test_waiting_for_a_place_does_not_count_against_the_deadline():
    provider = ScriptedProvider(stall(0.02), "text", name="Slow")
    routes = (Route(provider, "m", max_concurrency=1),)
    policy = FAST.model_copy(update={"deadline": 0.5, "total_timeout": 0.5})

    answers = await asyncio.gather(*(ask(routes=routes, policy=policy) for _ in range(40)))

    assert {answer.text for answer in answers} == {"text"}


async def test_a_queue_may_have_an_end():
    provider = ScriptedProvider(stall(30), "text", name="Stuck")
    routes = (Route(provider, "m", max_concurrency=1),)
    first = asyncio.create_task(ask(routes=routes))
    await asyncio.sleep(0.01)

    with pytest.raises(RateLimitError, match="queue_timeout") as caught:
        await ask(routes=routes, policy=FAST.model_copy(update={"queue_timeout": 0.01}))

    assert caught.value.is_retryable
    first.cancel()


@pytest.mark.parametrize("ending", ["good", "failed", "cancelled", "closed early"])
async def test_no_place_is_left_behind_however_a_call_ends(ending):
    scripts = {"good": ["text"], "failed": [cut()], "cancelled": [stall(30)], "closed early": ["one", stall(30)]}
    provider = ScriptedProvider(*scripts[ending], name="Capped")
    routes = (Route(provider, "m", max_concurrency=1),)
    task = asyncio.create_task(ask(routes=routes, policy=FAST.model_copy(update={"max_attempts": 2}), into=Answer()))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert [gate.in_use for gate in _gates._gates.values()] == [0]


async def test_what_a_call_took_is_charged_to_the_minute():
    provider = ScriptedProvider("text", name="Metered")
    routes = (Route(provider, "m", tokens_per_minute=200),)
    policy = FAST.model_copy(update={"queue_timeout": 0.01})

    await ask(routes=routes, policy=policy, params={"max_tokens": 150})

    with pytest.raises(RateLimitError):
        await ask(routes=routes, policy=policy, params={"max_tokens": 150})


def with_headers(**headers):
    from g4f.providers.response import HeadersResponse

    return HeadersResponse(**{name.replace("_", "-"): value for name, value in headers.items()})


async def test_a_route_that_says_it_is_used_up_is_left_alone_until_it_is_not():
    spent = with_headers(x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="25s")
    first, second = ScriptedProvider(spent, "first", name="First"), ScriptedProvider("second", name="Second")
    store = LocalHealth()
    policy = FAST.model_copy(update={"store": store})

    answers = [await ask(first, second, policy=policy) for _ in range(3)]

    assert [answer.providers for answer in answers] == [["First"], ["Second"], ["Second"]]


async def test_calls_are_counted_from_when_little_is_left():
    some = with_headers(x_ratelimit_remaining_requests="2", x_ratelimit_reset_requests="25s")
    first = ScriptedProvider(per_call=[[some, "first"], ["first"]], name="First")
    second = ScriptedProvider("second", name="Second")

    answers = [await ask(first, second) for _ in range(5)]

    assert [answer.providers[0] for answer in answers] == ["First"] * 3 + ["Second"] * 2


def test_plenty_left_is_not_counted():
    key = candidate("Rich").key
    allow(key, {})

    assert not is_short(key)
