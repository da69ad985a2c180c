"""Two routes for one answer: the first real content wins, the other is closed, and a budget keeps it from being a storm."""

from __future__ import annotations

import asyncio
import gc

import pytest
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import Reasoning

from asking import Answer, ask, start
from g4f_integrations import errors
from g4f_integrations.core.events import Retrying
from g4f_integrations.core.health import default_store
from g4f_integrations.core.hedging import HEDGING
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint, Route
from g4f_integrations.testing import ScriptedProvider, cut, stall
from loopback import Reply, Stall

HEDGED = Resilience(hedge_after=0.005, backoff_initial=0.001, backoff_max=0.002)
FOREVER = stall(30)

both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])


def silent(**details):
    return ScriptedProvider(FOREVER, "late", name="Silent", **details)


@both_ways
async def test_a_second_route_answers_for_one_that_keeps_silent(stream):
    answer = await ask(silent(), ScriptedProvider("Quick", " answer.", name="Quick"), policy=HEDGED, stream=stream)

    assert answer.text == "Quick answer."
    assert (answer.providers, answer.outcomes) == (["Silent", "Quick"], ["cancelled", "ok"])
    assert answer.info.provider == "Quick"


@both_ways
async def test_a_route_that_answers_in_time_is_asked_alone(stream):
    other = ScriptedProvider("never asked")

    answer = await ask(ScriptedProvider("Quick."), other, policy=Resilience(hedge_after=5), stream=stream)

    assert (answer.outcomes, other.calls) == (["ok"], [])


@both_ways
async def test_the_first_may_still_win(stream):
    first = ScriptedProvider(stall(0.03), "First.", name="First")

    answer = await ask(first, ScriptedProvider(FOREVER, name="Second"), policy=HEDGED, stream=stream)

    assert answer.text == "First."
    assert sorted(zip(answer.providers, answer.outcomes, strict=True)) == [("First", "ok"), ("Second", "cancelled")]


@both_ways
async def test_an_empty_chunk_or_a_notice_wins_nothing(stream):
    hollow = ScriptedProvider("", "Rate limit exceeded.", name="Hollow")

    answer = await ask(silent(), hollow, ScriptedProvider("Third."), policy=HEDGED, stream=stream)

    assert answer.text == "Third."
    assert set(answer.outcomes) == {"cancelled", "rate_limit", "ok"}


async def test_reasoning_is_content_for_it_is_shown():
    thinker = ScriptedProvider(Reasoning("Let me see."), stall(0.03), "Thought.", name="Thinker")

    answer = await ask(silent(), thinker, policy=HEDGED)

    assert (answer.reasoning, answer.text) == ("Let me see.", "Thought.")


@both_ways
async def test_a_failure_is_followed_by_the_next_route_at_once(stream):
    failing = ScriptedProvider(RuntimeError("Error 500: overloaded"), name="Failing")

    answer = await ask(silent(), failing, ScriptedProvider("Third."), policy=HEDGED, stream=stream)

    assert answer.text == "Third."
    assert sorted(answer.outcomes) == ["cancelled", "ok", "overloaded"]


@both_ways
async def test_when_all_fail_the_call_goes_on_as_ever(stream):
    failing = [
        ScriptedProvider(per_call=[[stall(0.02), RuntimeError("Error 500: overloaded")], ["Better."]]) for _ in "12"
    ]

    answer = await ask(*failing, policy=HEDGED, stream=stream)

    assert answer.text == "Better."
    assert answer.outcomes[:2] == ["overloaded", "overloaded"]


async def test_never_more_attempts_than_allowed_and_never_the_same_route():
    lonely = ScriptedProvider(stall(0.04), "At last.", name="Lonely")

    answer = await ask(lonely, policy=HEDGED)
    with pytest.raises(errors.ProviderTimeoutError) as caught:
        await ask(
            *[silent() for _ in "1234"], policy=Resilience(hedge_after=0.002, max_attempts=3, first_token_timeout=0.04)
        )

    assert (answer.outcomes, len(lonely.calls)) == (["ok"], 1)
    assert len(caught.value.attempts) == 3


async def test_a_route_that_asked_to_be_left_alone_is_no_hedge():
    resting = ScriptedProvider(
        per_call=[[RuntimeError("Error 429: Too many requests. Retry after 30 seconds")], ["x"]], name="Resting"
    )
    await ask(resting, ScriptedProvider("."))

    answer = await ask(ScriptedProvider(stall(0.03), "Alone.", name="Slow"), resting, policy=HEDGED)

    assert (answer.text, answer.outcomes, len(resting.calls)) == ("Alone.", ["ok"], 1)


async def test_a_route_at_its_cap_is_no_hedge():
    full = ScriptedProvider(stall(0.06), "busy", name="Full")
    route = Route(full, max_concurrency=1)
    busy = asyncio.create_task(ask(routes=(route,)))
    await asyncio.sleep(0.01)

    slow = Route(ScriptedProvider(stall(0.02), "Alone.", name="Slow"))
    answer = await ask(routes=(slow, route), policy=HEDGED)

    assert (answer.text, answer.outcomes, len(full.calls)) == ("Alone.", ["ok"], 1)
    await busy


@both_ways
async def test_the_losers_connection_is_closed(loopback, stream):
    loopback.replies(Reply.body(Stall(30)))
    routes = (Endpoint(loopback.base_url, "m"), Route(ScriptedProvider("Quick.")))

    answer = await ask(routes=routes, policy=HEDGED, stream=stream)

    assert answer.text == "Quick."
    loopback.wait_until_left()


@both_ways
async def test_nothing_is_left_behind(stream):
    await ask(silent(), ScriptedProvider("Quick."), policy=HEDGED, stream=stream)
    await asyncio.sleep(0)
    gc.collect()

    assert asyncio.all_tasks() == {asyncio.current_task()}


@both_ways
async def test_a_caller_who_leaves_amid_a_race_leaves_nothing_behind(stream):
    racing = asyncio.create_task(ask(silent(), ScriptedProvider(FOREVER), policy=HEDGED, stream=stream))
    await asyncio.sleep(0.03)

    racing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await racing

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_deadline_bounds_a_race():
    loop = asyncio.get_running_loop()
    began = loop.time()

    with pytest.raises(errors.ProviderTimeoutError):
        await ask(silent(), silent(), policy=Resilience(hedge_after=0.005, deadline=0.04))

    assert loop.time() - began < 0.5


async def test_a_winner_that_breaks_off_is_carried_on():
    broken = ScriptedProvider("The quick brown ", cut(), name="Broken")

    answer = await ask(silent(), broken, ScriptedProvider("fox.", name="Fine"), policy=HEDGED)

    assert answer.text == "The quick brown fox."
    assert answer.outcomes == ["cancelled", "interrupted", "ok"]


async def test_the_time_of_a_race_counts_once():
    policy = Resilience(hedge_after=0.005, total_timeout=0.2)
    slow = [ScriptedProvider(stall(0.04), *["word "] * 3, name=name) for name in ("A", "B", "C", "D", "E", "F")]

    answer = await ask(*slow, policy=policy)

    assert answer.text == "word word word "


async def test_when_all_are_slow_the_budget_stops_the_storm():
    slow = ScriptedProvider(stall(0.02), "Slow.", name="Slow")
    spare = ScriptedProvider(stall(0.04), "Spare.", name="Spare")

    await asyncio.gather(*(ask(slow, spare, policy=HEDGED) for _ in range(40)))

    assert len(slow.calls) == 40
    assert 1 <= len(spare.calls) <= 6


async def test_a_route_that_is_outrun_again_and_again_is_taken_out():
    quick = ScriptedProvider("Quick.", name="Quick")
    hole = silent()

    ways = [(await ask(hole, quick, policy=HEDGED)).providers for _ in range(4)]

    assert ways == [["Silent", "Quick"]] * 3 + [["Quick"]]


async def test_a_route_that_is_only_slow_stays_in():
    slow = ScriptedProvider(per_call=[[stall(0.04), "Slow."], [stall(0.04), "Slow."]], name="Slow")
    quick = ScriptedProvider("Quick.", name="Quick")
    await ask(slow)

    for _ in range(4):
        await ask(slow, quick, policy=Resilience(hedge_after=0.002))

    assert [health.open_until for health in default_store().known().values()] == [0, 0]


# How long one waits


def key_of(name):
    (found,) = [key for key in default_store().known() if key.name == name]
    return found


async def test_the_95th_percentile_is_the_routes_own():
    await ask(ScriptedProvider("Hi.", name="Known"))
    key, policy = key_of("Known"), Resilience(hedge_after="p95")

    before = HEDGING.delay(key, policy, streamed=True)
    for hundredths in range(1, 101):
        HEDGING.answered(key, hundredths / 100, streamed=True)

    assert before == policy.first_token_timeout / 4
    assert HEDGING.delay(key, policy, streamed=True) == pytest.approx(0.95, abs=0.02)
    assert HEDGING.delay(key, policy, streamed=False) == before


async def test_what_is_learned_hedges_the_next_call():
    policy = Resilience(hedge_after="p95")
    fickle = ScriptedProvider(per_call=[*[["Quick."]] * 12, [FOREVER]], name="Fickle")
    other = ScriptedProvider("Other.", name="Other")

    texts = [(await ask(fickle, other, policy=policy)).text for _ in range(13)]

    assert texts[-1] == "Other."


async def test_many_routes_and_providers_are_forgotten_in_time():
    await ask(ScriptedProvider("Hi.", name="Known"))
    key, policy = key_of("Known"), Resilience(hedge_after="p95")
    for number in range(3_000):
        HEDGING.answered(key._replace(model=str(number)), 0.1, streamed=True)
        HEDGING.may_hedge(str(number))

    assert len(HEDGING._routes) <= 1024
    assert len(HEDGING._budgets) <= 1024
    assert HEDGING.delay(key, policy, streamed=True) > 0


async def test_a_consumer_gets_the_winners_first_word_before_the_loser_is_closed():
    seen = Answer()

    async for batch in start(silent(), ScriptedProvider("One. ", "Two."), policy=HEDGED):
        seen.events += batch

    assert seen.text == "One. Two."


@both_ways
async def test_an_attempt_that_replaces_a_failed_one_amid_a_race_is_told_of(stream):
    slow_is_asked = asyncio.Event()

    class Failing(AsyncGeneratorProvider):
        working = runs_inline = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            await slow_is_asked.wait()
            raise RuntimeError("Error 500: down")
            yield ""

    class Slow(Failing):
        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            slow_is_asked.set()
            await asyncio.sleep(0.05)
            yield "Slow."

    answer = await ask(Failing, Slow, ScriptedProvider("Third.", name="Third"), policy=HEDGED, stream=stream)

    assert sorted(answer.providers) == ["Failing", "Slow", "Third"]
    (told,) = answer.of(Retrying)
    assert (told.attempt.provider, told.attempt.outcome, told.resumes) == ("Failing", "overloaded", False)
    assert told.state.attempt_number == 1
    assert told.state.outcome.failed
