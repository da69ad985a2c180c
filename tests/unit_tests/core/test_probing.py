"""A route that was taken out is tried beside the user's calls, never at their cost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap

import pytest

from asking import ask
from g4f_integrations.core.health import LocalHealth
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.probing import _under_way
from g4f_integrations.errors import RateLimitError
from g4f_integrations.testing import ScriptedProvider, cut, stall


@pytest.fixture
def store():
    return LocalHealth(chance=lambda: 0.0)


def policy(store, **changes):
    given = {"breaker_failures": 1, "breaker_cooldown": 0.01, "backoff_initial": 0, **changes}
    return Resilience(store=store, **given)


async def probes_ended():
    while _under_way:
        await asyncio.gather(*_under_way, return_exceptions=True)


def state_of(store, provider):
    (found,) = [health for key, health in store._routes.items() if key.provider is provider]
    return found


async def taken_out(store, first, second, **changes):
    """The state of things after one failed call of `first` and its cooldown."""
    await ask(first, second, policy=policy(store, **changes))
    await asyncio.sleep(0.02)


async def test_a_healthy_route_answers_while_the_other_is_probed(store):
    first = ScriptedProvider(per_call=[[cut()], ["OK"]], name="First")
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second)

    answer = await ask(first, second, policy=policy(store))
    await probes_ended()

    assert answer.providers == ["Second"]
    assert (await ask(first, second, policy=policy(store))).providers == ["First"]


async def test_a_probe_shows_nothing_of_what_the_user_asked(store):
    first = ScriptedProvider(per_call=[[cut()], ["OK"]], name="First")
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second)

    await ask(first, second, policy=policy(store), messages=[{"role": "user", "content": "a secret"}])
    await probes_ended()

    assert "secret" not in str(first.calls[-1])


async def test_a_probe_that_hangs_delays_nobody_and_ends_by_the_clocks(store):
    first = ScriptedProvider(per_call=[[cut()], [stall(30)]], name="First")
    second = ScriptedProvider("second", name="Second")
    hasty = {"first_token_timeout": 0.02}
    await taken_out(store, first, second, **hasty)

    answer = await ask(first, second, policy=policy(store, **hasty))
    assert answer.providers == ["Second"]
    assert _under_way
    await probes_ended()

    assert state_of(store, first).cooldowns == 2


async def test_only_one_of_many_calls_probes(store):
    first = ScriptedProvider(per_call=[[cut()], [stall(0.02), "OK"]], name="First")
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second)

    await asyncio.gather(*(ask(first, second, policy=policy(store)) for _ in range(20)))
    await probes_ended()

    assert len(first.calls) == 2


async def test_a_refusal_of_the_question_itself_is_a_sign_of_life(store):
    first = ScriptedProvider(per_call=[[cut()], [RuntimeError("Error 400: bad request: no such role")]], name="First")
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second)

    await ask(first, second, policy=policy(store))
    await probes_ended()

    assert state_of(store, first).open_until == 0.0


async def test_a_rate_limit_fails_the_probe(store):
    first = ScriptedProvider(per_call=[[cut()], [RuntimeError("Error 429: too many requests")]], name="First")
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second)

    await ask(first, second, policy=policy(store))
    await probes_ended()

    assert state_of(store, first).cooldowns == 2


async def test_where_no_healthy_route_is_left_the_call_is_the_probe(store):
    only = ScriptedProvider(per_call=[[cut()], ["back"]], name="Only")
    with pytest.raises(Exception, match="Only"):
        await ask(only, policy=policy(store, max_attempts=1))
    await asyncio.sleep(0.02)

    answer = await ask(only, policy=policy(store, max_attempts=1))

    assert answer.text == "back"
    assert not _under_way


async def test_a_probe_that_is_cancelled_with_its_loop_makes_room_for_the_next(store):
    first = ScriptedProvider(per_call=[[cut()], [stall(30)]], name="First")
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second)
    await ask(first, second, policy=policy(store))

    for task in list(_under_way):
        task.cancel()
    await probes_ended()

    assert state_of(store, first).probing_since == 0.0


async def test_a_route_of_the_provider_thread_is_probed_there_and_leaves_no_task_here(store):
    first = ScriptedProvider(per_call=[[cut()], ["OK"]], name="First", runs_inline=False)
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second)

    await ask(first, second, policy=policy(store))

    assert asyncio.all_tasks() == {asyncio.current_task()}
    for _ in range(200):
        if not state_of(store, first).open_until:
            break
        await asyncio.sleep(0.01)
    assert state_of(store, first).open_until == 0.0


async def test_routes_that_all_asked_for_patience_are_no_matter_for_probes(store):
    only = ScriptedProvider(RuntimeError("Error 429: retry after 90 seconds"), name="Only")

    with pytest.raises(RateLimitError):
        await ask(only, policy=policy(store))

    assert not _under_way


async def test_one_of_five_routes_that_hangs_is_paid_for_once(store):
    hung = ScriptedProvider(stall(30), name="Hung")
    others = [ScriptedProvider("text", name=f"Well{number}") for number in range(4)]
    hasty = policy(store, breaker_cooldown=30.0, breaker_failures=3, first_token_timeout=0.02)

    answers = [await ask(hung, *others, policy=hasty) for _ in range(20)]

    assert answers[0].providers == ["Hung", "Well0"]
    assert {tuple(answer.providers) for answer in answers[1:]} == {("Well0",)}
    assert len(hung.calls) == 1


async def test_probes_beside_can_be_switched_off_and_the_call_tries_the_route_itself(store):
    first = ScriptedProvider(per_call=[[cut()], ["well again"]], name="First")
    second = ScriptedProvider("second", name="Second")
    await taken_out(store, first, second, probe_beside=False)

    answer = await ask(first, second, policy=policy(store, probe_beside=False))
    await probes_ended()

    assert answer.providers == ["First"]
    assert [call.messages[-1]["content"] for call in first.calls] == ["Say something."] * 2


def test_a_probe_under_way_does_not_outlive_the_program_and_leaves_no_warning():
    program = """
        import time
        from g4f_integrations import ChatG4F, Resilience
        from g4f_integrations.core import probing
        from g4f_integrations.testing import ScriptedProvider, cut, stall

        silent = ScriptedProvider(per_call=[[cut()], [stall(60)]], runs_inline=False)
        policy = Resilience(breaker_failures=1, breaker_cooldown=0.01)
        model = ChatG4F(provider=[silent, ScriptedProvider("fine")], resilience=policy)
        model.invoke("one")
        time.sleep(0.02)
        model.invoke("two")
        while len(silent.calls) < 2:
            time.sleep(0.001)
        print(len(probing._under_way))
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )

    assert done.stdout == "1\n"
    assert "never" not in done.stderr
    assert "Error" not in done.stderr
