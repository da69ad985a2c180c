"""``order="adaptive"``: the quicker of two, by weight, inside what the user's order and the call ask for."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from asking import ask
from g4f_integrations.core.balance import draw
from g4f_integrations.core.candidates.candidate import Candidate, route_key
from g4f_integrations.core.capacity import try_enter
from g4f_integrations.core.health import LocalHealth
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Route
from g4f_integrations.testing import ScriptedProvider, stall

ADAPTIVE = Resilience(order="adaptive", backoff_initial=0)


def candidate(name, weight=1.0):
    return Candidate(
        Route(name, "m", weight=weight), name, "m", None, None, None, None, None, None, route_key(None, name, "m")
    )


def shares(candidates, latencies, draws=2_000):
    chance = random.Random(7).random
    drawn = Counter(candidates[draw(candidates, latencies, chance)].name for _ in range(draws))
    return {name: count / draws for name, count in drawn.items()}


def test_equally_fast_routes_share_by_weight():
    found = shares([candidate("A", 3.0), candidate("B")], [0.5, 0.5])

    assert found["A"] == pytest.approx(0.75, abs=0.03)


def test_the_quicker_of_two_is_asked():
    assert shares([candidate("A"), candidate("B")], [2.0, 0.5]) == {"B": 1.0}


def test_the_slowest_of_many_is_never_asked_and_the_others_share():
    found = shares([candidate(name) for name in "ABC"], [0.5, 0.5, 5.0])

    assert found.keys() == {"A", "B"}
    assert found["A"] == pytest.approx(0.5, abs=0.05)


def test_a_route_that_nobody_has_asked_is_tried():
    assert shares([candidate("A"), candidate("New")], [0.5, None])["New"] == pytest.approx(0.5, abs=0.05)


def test_calls_under_way_count_so_that_a_crowd_does_not_follow_the_first():
    busy, idle = candidate("Busy"), candidate("Idle")
    leases = [try_enter(busy, 0, 0.0) for _ in range(3)]

    assert shares([busy, idle], [0.5, 0.5]) == {"Idle": 1.0}
    assert len(leases) == 3


def test_a_heavier_route_bears_more_calls_under_way():
    heavy, light = candidate("Heavy", 3.0), candidate("Light")
    leases = [try_enter(heavy, 0, 0.0) for _ in range(3)] + [try_enter(light, 0, 0.0)]

    assert shares([heavy, light], [0.5, 0.5])["Heavy"] == pytest.approx(0.75, abs=0.03)
    assert len(leases) == 4


# In the engine


async def known_to_be_slow(store, *providers):
    for provider in providers:
        for key in [key for key in store._routes if key.provider is provider]:
            store.succeeded(key, 60.0)


async def test_the_quick_route_serves_most_calls():
    slow, quick = ScriptedProvider(stall(0.05), "slow", name="Slow"), ScriptedProvider("quick", name="Quick")

    for _ in range(30):
        await ask(slow, quick, policy=ADAPTIVE)

    assert len(quick.calls) > 15  # a busy machine makes it look slow now and then


async def test_a_call_of_its_own_order_never_looks_at_speed():
    slow, quick = ScriptedProvider(stall(0.01), "slow", name="Slow"), ScriptedProvider("quick", name="Quick")

    for _ in range(5):
        await ask(slow, quick)

    assert len(slow.calls) == 5


async def test_fallback_models_stay_behind_the_model_however_quick_they_are():
    store = LocalHealth()
    provider = ScriptedProvider("text", name="Both", models=["large", "small"])
    policy = ADAPTIVE.model_copy(update={"store": store})
    for _ in range(10):
        await ask(provider, model="large", fallback_models=("small",), policy=policy)
        for key in [key for key in store._routes if key.model == "large"]:
            store.succeeded(key, 60.0)

    assert {call["model"] for call in provider.calls} == {"large"}


TOOL = {"type": "function", "function": {"name": "look", "description": "", "parameters": {"type": "object"}}}


async def test_a_route_that_takes_tools_by_itself_is_preferred_to_a_quicker_one_that_does_not():
    store = LocalHealth()
    native = ScriptedProvider("by itself", name="Native", native_tools=True)
    told = ScriptedProvider("in words", name="Told")
    policy = ADAPTIVE.model_copy(update={"store": store})
    for _ in range(10):
        answer = await ask(native, told, tools=(TOOL,), policy=policy)
        await known_to_be_slow(store, native)

        assert answer.providers == ["Native"]


async def test_abilities_come_before_the_users_order_where_speed_does():
    told = ScriptedProvider("in words", name="Told")
    native = ScriptedProvider("by itself", name="Native", native_tools=True)

    assert (await ask(told, native, tools=(TOOL,), policy=ADAPTIVE)).providers == ["Native"]
    assert (await ask(told, native, tools=(TOOL,))).providers == ["Told"]


async def test_a_route_that_streams_is_preferred_to_a_quicker_one_that_does_not():
    store = LocalHealth()
    streams = ScriptedProvider("a piece", name="Streams")
    whole = ScriptedProvider("the whole", name="Whole", supports_stream=False)
    policy = ADAPTIVE.model_copy(update={"store": store})
    for _ in range(10):
        answer = await ask(streams, whole, policy=policy)
        await known_to_be_slow(store, streams)

        assert answer.providers == ["Streams"]


async def test_every_candidate_is_still_asked_once_before_any_twice():
    failing = [ScriptedProvider(name=f"Empty{number}") for number in range(4)]
    good = ScriptedProvider("text", name="Good")

    answer = await ask(*failing, good, policy=ADAPTIVE)

    assert len(set(answer.providers)) == len(answer.providers)
