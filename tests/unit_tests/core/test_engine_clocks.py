"""The engine's clocks: what they bound, what they leave alone, and that nothing ever hangs."""

from __future__ import annotations

import asyncio

import pytest
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import FinishReason, Usage

from asking import FAST, Ticker, ask, start
from g4f_integrations import errors
from g4f_integrations.core.events import TextDelta
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Route
from g4f_integrations.core.threads import abandoned_provider_loops
from g4f_integrations.testing import ScriptedProvider, block, stall

GOOD = ("Good ", "answer.")


def quick(**clocks):
    return Resilience(**{"backoff_initial": 0.001, **clocks})


async def test_a_provider_that_blocks_its_loop_leaves_the_callers_loop_alone():
    blocking = ScriptedProvider(block(3), "late", name="Blocking")
    await ask(ScriptedProvider("warm"))  # g4f is imported

    async with Ticker() as ticker:
        answer = await ask(blocking, ScriptedProvider(*GOOD), policy=quick(first_token_timeout=0.2))

    assert answer.text == "Good answer."
    assert answer.outcomes == ["timeout", "ok"]
    assert ticker.worst < 0.05
    assert answer.info.attempts[0].seconds < 1.0


async def test_other_providers_of_the_blocked_thread_are_served_by_a_fresh_one():
    blocking = ScriptedProvider(block(3), "late", name="Blocking")
    before = abandoned_provider_loops()

    answer = await ask(blocking, _plain_provider("from a fresh thread"), policy=quick(first_token_timeout=0.3))

    assert answer.text == "from a fresh thread"
    assert abandoned_provider_loops() > before


def _plain_provider(text):
    class Plain(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            yield text

    return Plain


async def test_keep_alives_do_not_count_as_content():
    keep_alives = [item for _ in range(100) for item in ("", stall(0.02))]
    stalling = ScriptedProvider("begun", *keep_alives, name="Stalling")

    with pytest.raises(errors.StreamInterruptedError, match="stalled") as caught:
        await ask(stalling, policy=quick(stall_timeout=0.1))

    assert caught.value.partial_text == "begun"
    assert caught.value.attempts[0].seconds < 1.0


async def test_a_stall_before_the_first_token_rotates():
    answer = await ask(
        ScriptedProvider("", stall(30), name="Sleepy"), ScriptedProvider(*GOOD), policy=quick(first_token_timeout=0.05)
    )

    assert answer.outcomes == ["timeout", "ok"]


async def test_a_consumer_that_pauses_is_not_punished():
    provider = ScriptedProvider("one ", stall(0.01), "two ", stall(0.01), "three")
    text = ""

    async for batch in start(provider, policy=quick(stall_timeout=0.04, total_timeout=0.1, deadline=0.1)):
        text += "".join(event.text for event in batch if isinstance(event, TextDelta))
        for _ in range(3):
            await asyncio.sleep(0.05)  # longer than every clock, with the chunk in hand

    assert text == "one two three"


async def test_a_blocking_attempt_is_bounded_by_its_own_clock_alone():
    slow = ScriptedProvider("a", stall(0.05), "b", name="Slow")
    hung = ScriptedProvider("a", stall(30), name="Hung")
    policy = quick(attempt_timeout=0.2, first_token_timeout=0.01, stall_timeout=0.01)

    assert (await ask(slow, stream=False, policy=policy)).text == "ab"
    assert (await ask(hung, slow, stream=False, policy=policy)).outcomes == ["timeout", "ok"]


async def test_the_deadline_bounds_the_time_to_the_first_text_over_all_attempts():
    hung = [ScriptedProvider(stall(30), name=name) for name in ("A", "B", "C", "D")]

    with pytest.raises(errors.ProviderTimeoutError) as caught:
        await ask(*hung, policy=quick(first_token_timeout=0.15, deadline=0.35))

    *_, last = caught.value.attempts
    assert len(caught.value.attempts) < len(hung)
    assert "deadline" in last.error


async def test_the_deadline_ends_with_the_first_text():
    provider = ScriptedProvider("Lighthouses ", stall(0.05), "flash ", stall(0.05), "at night.")

    answer = await ask(provider, policy=quick(deadline=0.06))

    assert answer.text == "Lighthouses flash at night."


async def test_the_total_time_bounds_the_whole_answer():
    dripping = ScriptedProvider(*[item for _ in range(100) for item in ("drop ", stall(0.02))])

    with pytest.raises(errors.StreamInterruptedError, match="total"):
        await ask(dripping, policy=quick(total_timeout=0.15))


async def test_a_provider_that_swallows_its_cancellation_holds_nobody():
    class Stubborn(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            for _ in range(20):
                try:
                    await asyncio.sleep(0.05)
                except asyncio.CancelledError:
                    continue
            yield "too late"

    answer = await ask(
        routes=(Route(Stubborn, inline=True), Route(ScriptedProvider(*GOOD))), policy=quick(first_token_timeout=0.05)
    )

    assert answer.outcomes == ["timeout", "ok"]
    assert answer.info.attempts[0].seconds < 0.2


async def test_a_provider_that_cancels_itself_does_not_cancel_the_caller():
    class SelfCancelling(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            yield ""
            raise asyncio.CancelledError

    for inline in (True, False):
        answer = await ask(routes=(Route(SelfCancelling, inline=inline), Route(ScriptedProvider(*GOOD))), policy=FAST)
        assert answer.text == "Good answer."


async def test_a_wait_that_a_route_asks_for_is_kept_before_it_is_asked_again():
    class Busy(Exception):
        retry_after = 0.05

    provider = ScriptedProvider(per_call=[[Busy("429 Too many requests")], ["at last"]])
    loop = asyncio.get_running_loop()
    began = loop.time()

    answer = await ask(provider)

    assert answer.text == "at last"
    assert loop.time() - began >= 0.05


async def test_a_longer_wait_than_allowed_is_not_waited_for():
    class Busy(Exception):
        retry_after = 3600

    with pytest.raises(errors.RateLimitError) as caught:
        await ask(ScriptedProvider(Busy("429 Too many requests")))

    assert caught.value.retry_after == 3600
    assert len(caught.value.attempts) == 1


@pytest.mark.parametrize("chunk", ["", None])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("inline", [True, False])
async def test_a_provider_that_floods_with_nothing_ends_at_its_clock(inline, stream, chunk):
    class Flooding(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            while True:
                yield chunk

    policy = quick(first_token_timeout=0.1, attempt_timeout=0.1)
    async with Ticker() as ticker:
        answer = await ask(
            routes=(Route(Flooding, inline=inline), Route(ScriptedProvider(*GOOD))), stream=stream, policy=policy
        )

    assert answer.outcomes == ["timeout", "ok"]
    assert ticker.worst < 0.1


async def test_waits_count_towards_the_total_time_and_nothing_is_sent_after_it():
    class Busy(Exception):
        retry_after = 0.2

    provider = ScriptedProvider(Busy("429 Too many requests"))

    with pytest.raises(errors.RateLimitError) as caught:
        await ask(provider, policy=quick(total_timeout=0.3, deadline=None))

    assert len(caught.value.attempts) == len(provider.calls) == 2


async def test_a_spent_total_time_ends_the_rotation():
    hung = [ScriptedProvider(stall(30), name=name) for name in ("A", "B", "C")]

    with pytest.raises(errors.ProviderTimeoutError, match="total"):
        await ask(*hung, policy=quick(total_timeout=0.1))

    assert [len(provider.calls) for provider in hung] == [1, 0, 0]


async def test_routes_are_not_blamed_for_the_clocks_of_the_call():
    from g4f_integrations.core.health import LocalHealth

    store = LocalHealth()
    for _ in range(4):
        with pytest.raises(errors.ProviderTimeoutError):
            await ask(ScriptedProvider(stall(30), name="Slow"), policy=quick(store=store, deadline=0.02))

    assert [health.failures for health in store._routes.values()] == [0] * 4


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "clock", ["stall_timeout", "attempt_timeout", "first_token_timeout", "total_timeout", "deadline"]
)
async def test_a_finished_answer_is_kept_with_any_clock_switched_off(clock, stream, monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.clocks._AFTER_FINISH_SECONDS", 0.03)
    provider = ScriptedProvider("Lighthouses flash.", FinishReason("stop"), stall(30))

    answer = await ask(provider, stream=stream, policy=quick(**{clock: None}))

    assert (answer.text, answer.outcomes) == ("Lighthouses flash.", ["ok"])


@pytest.mark.parametrize("stream", [True, False])
async def test_a_late_finish_leaves_its_moment_for_the_usage(stream, monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.clocks._AFTER_FINISH_SECONDS", 0.1)
    usage = Usage(prompt_tokens=3, completion_tokens=4)
    provider = ScriptedProvider("Lighthouses ", stall(0.15), FinishReason("stop"), stall(0.03), "flash.", usage)

    answer = await ask(provider, stream=stream)

    assert answer.text == "Lighthouses flash."
    assert not answer.info.usage_estimated


async def test_an_error_after_a_finish_without_an_answer_is_what_is_told():
    provider = ScriptedProvider(FinishReason("stop"), RuntimeError("Error 401: invalid api key"))

    with pytest.raises(errors.AuthenticationError):
        await ask(provider)
