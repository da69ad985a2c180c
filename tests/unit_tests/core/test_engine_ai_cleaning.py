"""Adverts that no rule knows: another route is asked about the end of an answer, and believed only where it is right."""

import asyncio
import json
import re
import threading

import pytest

from asking import ask, start
from g4f_integrations.core.cleaning import AICleaning, Cleaning
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint, Route
from g4f_integrations.errors import StreamInterruptedError
from g4f_integrations.testing import ScriptedProvider, cut, stall
from loopback import LoopbackServer, Reply

HYBRID = Cleaning(mode="hybrid")
ANSWER = "Ice floats because it is less dense than water.\n\nThat is all there is to it, and it matters for lakes."
ADVERT = "\n\n---\nJoin our free channel: https://t.me/freegate_news"
KNOWN = "\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"
RAISING = Resilience(on_stream_failure="raise")
WHY = [{"role": "user", "content": "Why does ice float?"}]
TOOL = {"type": "function", "function": {"name": "post", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}}}  # fmt: skip

both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])


def advertising(*script):
    return ScriptedProvider(*(script or (ANSWER[:30], ANSWER[30:] + ADVERT[:9], ADVERT[9:])), name="FreeGate")


def pointing(words="Join"):
    """A model that points at the lines with `words` in them, and at rule lines."""

    def reply(request):
        question = request.body["messages"][-1]["content"]
        lines = [int(found[1]) for found in re.finditer(rf"^(\d+): .*(?:{words}|---)", question, re.MULTILINE)]
        return Reply.chat(json.dumps({"delete": [[line, line] for line in lines]}))(request)

    server = LoopbackServer()
    server.replies(reply)
    return server


async def told(*providers, stream, cleaning=HYBRID, **details):
    return await ask(*providers, messages=WHY, cleaning=cleaning, stream=stream, **details)


@both_ways
async def test_another_route_points_at_what_no_rule_knows(stream):
    with pointing() as server:
        answer = await told(stream=stream, routes=(Route(advertising(), "m"), Endpoint(server.base_url, "helper")))

    assert answer.text == ANSWER
    (taken,) = answer.info.cleaned
    assert (taken["rule"], taken["text"]) == ("ai", ADVERT)
    (call,) = answer.info.side_calls
    assert (call["purpose"], call["provider"][:9], call["outcome"]) == ("cleaning", "127.0.0.1", "ok")
    assert [attempt.provider for attempt in answer.info.attempts] == ["FreeGate"]


@both_ways
async def test_the_route_that_gave_the_answer_is_never_asked_about_it(stream):
    provider = advertising()

    answer = await told(provider, stream=stream)

    assert (answer.text, len(provider.calls)) == (ANSWER + ADVERT, 1)
    assert answer.info.side_calls == []


@both_ways
@pytest.mark.parametrize(
    "reply",
    ["{", "no idea", '{"delete": [[1, 99]]}', '{"delete": [[1, 1]]}', '{"has_ad": true, "cleaned_text": "Buy!"}'],
)
async def test_a_model_that_errs_or_lies_changes_nothing(reply, stream):
    liar = ScriptedProvider(reply, name="Liar")

    answer = await told(advertising(), liar, stream=stream)

    assert (answer.text, answer.info.cleaned, len(liar.calls)) == (ANSWER + ADVERT, [], 1)


@both_ways
@pytest.mark.parametrize("trouble", [RuntimeError("Error 503"), stall(5.0)], ids=["fails", "hangs"])
async def test_a_model_that_fails_or_hangs_leaves_the_result_of_the_rules(trouble, stream):
    cleaning = Cleaning(mode="hybrid", ai=AICleaning(timeout=0.05))

    answer = await told(
        advertising(ANSWER, "\0", ADVERT), ScriptedProvider(trouble, name="Broken"), cleaning=cleaning, stream=stream
    )

    assert answer.text == ANSWER + ADVERT
    assert [taken["rule"] for taken in answer.info.cleaned] == ["bytes/nul"]
    assert answer.info.side_calls[0]["outcome"] != "ok"


@both_ways
async def test_without_an_answer_the_mode_ai_falls_back_to_the_rules(stream):
    airforce = ScriptedProvider(ANSWER, KNOWN, name="Airforce")

    answer = await told(airforce, ScriptedProvider("?", name="Dumb"), cleaning=Cleaning(mode="ai"), stream=stream)

    assert answer.text == ANSWER
    assert [taken["rule"] for taken in answer.info.cleaned] == ["airforce/proxies"]


@both_ways
async def test_nobody_is_asked_where_nothing_looks_like_an_advert(stream):
    helper = ScriptedProvider('{"delete": [[1, 1]]}', name="Helper")

    answer = await told(advertising(ANSWER), helper, stream=stream)

    assert (answer.text, helper.calls, answer.info.side_calls) == (ANSWER, [], [])


@both_ways
async def test_a_known_advert_needs_nobody(stream):
    helper = ScriptedProvider('{"delete": [[1, 1]]}', name="Helper")

    answer = await told(ScriptedProvider(ANSWER, KNOWN, name="Airforce"), helper, stream=stream)

    assert (answer.text, helper.calls) == (ANSWER, [])


async def test_the_side_calls_own_answer_is_not_cleaned_by_a_model():
    chatty = ScriptedProvider('{"delete": []}\n\nJoin our free channel: https://t.me/other', name="Chatty")

    answer = await told(advertising(), chatty, stream=False)

    assert (answer.text, len(chatty.calls), len(answer.info.side_calls)) == (ANSWER + ADVERT, 1, 1)


@both_ways
async def test_a_model_named_for_it_is_asked(stream):
    with pointing() as server:
        cleaning = Cleaning(mode="hybrid", ai=AICleaning(model="judge"))
        other = ScriptedProvider("never", name="Other")
        routes = (Route(advertising(), "m"), Route(other, "m"), Endpoint(server.base_url, "judge"))

        answer = await told(stream=stream, cleaning=cleaning, routes=routes)

        assert server.requests[0].body["model"] == "judge"
    assert (answer.text, other.calls) == (ANSWER, [])


async def test_a_model_named_for_it_at_the_same_endpoint_is_asked():
    def reply(request):
        if request.body["model"] == "judge:8b":
            return Reply.chat('{"delete": [[5, 6]]}')(request)
        return Reply.chat(ANSWER + ADVERT)(request)

    with LoopbackServer() as server:
        server.replies(reply)
        cleaning = Cleaning(mode="hybrid", ai=AICleaning(model="judge:8b"))

        answer = await told(stream=False, cleaning=cleaning, base_url=server.base_url, model="big")

    assert answer.text == ANSWER


async def test_a_stream_hands_on_all_but_its_end_before_anybody_is_asked():
    long = "\n\n".join([ANSWER] * 4)
    helper = ScriptedProvider(stall(5.0), name="Slow")
    got = ""
    stream = start(advertising(long, ADVERT), helper, messages=WHY, cleaning=HYBRID)

    async for batch in stream:
        got += "".join(event.text for event in batch)
        break
    await stream.aclose()

    assert long.startswith(got)
    assert len(got) > len(long) / 2
    assert helper.calls == []


async def test_a_stream_that_breaks_is_not_looked_at():
    helper = ScriptedProvider('{"delete": []}', name="Helper")
    long = "\n\n".join([ANSWER] * 4)

    with pytest.raises(StreamInterruptedError):
        await told(advertising(long, ADVERT, cut()), helper, stream=True, policy=RAISING)

    assert helper.calls == []


async def test_leaving_while_the_model_is_asked_ends_both():
    helper = ScriptedProvider(stall(5.0), name="Slow")
    task = asyncio.create_task(told(advertising(), helper, stream=False))
    while not helper.calls:  # noqa: ASYNC110  the provider has no event to wait for
        await asyncio.sleep(0.005)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 1.0)


@both_ways
async def test_tool_calls_in_words_are_nobodys_advert(stream):
    call = '{"name": "post", "arguments": {"text": "Join our free channel: https://t.me/freegate_news"}}'
    answering = advertising(f"I post it.\n\n<tool_call>\n{call}\n</tool_call>")
    helper = ScriptedProvider('{"delete": [[3, 5]]}', name="Helper")

    answer = await told(answering, helper, stream=stream, tools=(TOOL,))

    assert [tool.name for tool in answer.calls] == ["post"]
    assert helper.calls == []


@both_ways
async def test_the_users_own_gate_is_asked_off_the_loop(stream):
    seen = []

    def gate(text):
        seen.append((text, threading.get_ident()))
        return False

    cleaning = Cleaning(mode="hybrid", ai=AICleaning(gate=gate))
    answer = await told(advertising(), ScriptedProvider("{}", name="Helper"), cleaning=cleaning, stream=stream)

    assert answer.text == ANSWER + ADVERT
    assert [(text.endswith(ADVERT.strip()), thread != threading.get_ident()) for text, thread in seen] == [(True, True)]
