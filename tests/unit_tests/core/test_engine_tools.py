"""Tools and formats over every kind of route: natively where the route has them, in words where it has not."""

import json
import sys

import pytest
from g4f.providers.response import FinishReason, ToolCalls

from asking import ask
from g4f_integrations.core.endpoint import refused_parameters
from g4f_integrations.core.events import InvalidToolCall, TextDelta, ToolCall
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
ADD = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": NUMBERS}}
SUB = {"type": "function", "function": {"name": "sub", "description": "Subtracts.", "parameters": NUMBERS}}
ASKED = [{"role": "user", "content": "What is 1 + 2?"}]
FORMAT = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}

both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])


def written(name="add", **arguments):
    return f"```json\n{json.dumps([{'id': 'x', 'name': name, 'arguments': arguments}])}\n```"


def native(name="add", identifier="call_0", arguments='{"a": 1, "b": 2}'):
    return ToolCalls([{"index": 0, "id": identifier, "function": {"name": name, "arguments": arguments}}])


GOOD = written(a=1, b=2)
BAD = written(a="many")


@pytest.fixture(autouse=True)
def _nothing_refused_yet():
    refused_parameters.clear()


def parsed_here(frames):
    """Notes the tool-call code that runs in this thread."""

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_qualname in {"settle_call", "CallSplitter.close"}:
            frames.append(frame.f_code.co_qualname)

    return note


@both_ways
@pytest.mark.parametrize("native_tools", [True, False], ids=["native", "in words"])
@pytest.mark.parametrize(("size", "here"), [(10, True), (20_000, False)], ids=["small", "large"])
async def test_a_large_call_is_checked_off_the_callers_loop(stream, native_tools, size, here):
    digits = "1" * 300
    numbers = {"a": digits, "b": digits, "c": "x" * size}
    said = native(arguments=json.dumps(numbers)) if native_tools else written(**numbers)
    provider, frames = ScriptedProvider(said, FinishReason("stop"), native_tools=native_tools), []

    sys.setprofile(parsed_here(frames))
    try:
        answer = await ask(provider, messages=ASKED, tools=[ADD], stream=stream)
    finally:
        sys.setprofile(None)

    assert answer.calls[0].arguments == numbers | {"a": int(digits), "b": int(digits)}
    assert bool(frames) is here


# In words


@both_ways
async def test_a_model_that_has_only_text_calls_tools_in_words(stream):
    provider = ScriptedProvider("Let me see. \n\n", GOOD[:20], GOOD[20:])

    answer = await ask(provider, messages=ASKED, tools=[ADD], stream=stream)

    (call,) = answer.calls
    assert (answer.text.strip(), call.name, call.arguments) == ("Let me see.", "add", {"a": 1, "b": 2})
    assert (answer.finish, answer.info.tools) == ("tool_calls", "prompt")
    assert "tools" not in provider.calls[0]
    assert '"name": "add"' in str(provider.calls[0].messages[0]["content"])


async def test_text_streams_on_while_tools_are_offered():
    answer = await ask(ScriptedProvider("The answer ", "is ", "three, ", "I think."), tools=[ADD], stream=True)

    assert answer.text == "The answer is three, I think."
    assert len([event for event in answer.events if isinstance(event, TextDelta)]) >= 3
    assert answer.info.tools == "prompt"


async def test_json_that_is_an_answer_stays_an_answer():
    answer = await ask(ScriptedProvider('{"sum": 3}'), messages=ASKED, tools=[ADD])

    assert (answer.text, answer.calls) == ('{"sum": 3}', [])


async def test_history_with_calls_is_told_in_words_to_a_model_without_tools():
    call = {"id": "a1B2c3D4e", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}
    history = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a1B2c3D4e", "content": "3"},
    ]
    provider = ScriptedProvider("It is 3.")

    answer = await ask(provider, messages=history, tools=[ADD])

    assert answer.text == "It is 3."
    roles = [message["role"] for message in provider.calls[0].messages]
    assert not {"tool", "function"} & set(roles)
    assert not any(message.get("tool_calls") for message in provider.calls[0].messages)
    assert all(part in str(provider.calls[0].messages) for part in ("a1B2c3D4e", "3", "add"))


async def test_one_call_at_a_time_is_kept_to():
    answer = await ask(ScriptedProvider(f"{GOOD}\n{written(a=3, b=4)}"), tools=[ADD], parallel_tool_calls=False)

    assert [call.arguments for call in answer.calls] == [{"a": 1, "b": 2}]


async def test_tools_in_words_can_be_demanded():
    provider = ScriptedProvider(GOOD, native_tools=True)

    answer = await ask(provider, messages=ASKED, tools=[ADD], tool_calling="prompt")

    assert (answer.info.tools, "tools" in provider.calls[0]) == ("prompt", False)


# Natively


async def test_tool_schemas_reach_a_native_route_as_they_are():
    provider = ScriptedProvider(native(), FinishReason("tool_calls"), native_tools=True)

    answer = await ask(provider, messages=ASKED, tools=[ADD], tool_choice="required")

    assert provider.calls[0]["tools"] == [ADD]
    assert provider.calls[0]["tool_choice"] == "required"
    assert provider.calls[0].messages == ASKED
    assert answer.info.tools == "native"


@pytest.mark.parametrize("given", ["call_0", None, "a1B2c3D4e"])
async def test_ids_are_nine_alphanumerics_and_not_those_of_earlier_turns(given):
    earlier = {"id": "a1B2c3D4e", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    history = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [earlier]},
        {"role": "tool", "tool_call_id": "a1B2c3D4e", "content": "3"},
    ]

    answer = await ask(ScriptedProvider(native(identifier=given), native_tools=True), messages=history, tools=[ADD])

    (call,) = answer.calls
    assert call.id.isalnum()
    assert len(call.id) == 9
    assert call.id != "a1B2c3D4e"


async def test_a_native_call_left_as_text_is_a_call_nevertheless():
    answer = await ask(ScriptedProvider(GOOD, native_tools=True), messages=ASKED, tools=[ADD])

    assert ([call.name for call in answer.calls], answer.info.tools) == (["add"], "native")


async def test_half_a_call_is_no_call():
    provider = ScriptedProvider(native(arguments='{"a": 1, "b": '), native_tools=True)

    answer = await ask(provider, tools=[ADD])

    assert answer.calls == []
    (invalid,) = [event for event in answer.events if isinstance(event, InvalidToolCall)]
    assert "JSON" in invalid.error


@both_ways
async def test_an_endpoint_that_refuses_tools_gets_them_in_words_within_the_call_and_ever_after(loopback, stream):
    refusal = Reply.json({"error": {"message": "registry.ollama.ai/library/m does not support tools"}}, status=400)
    loopback.replies(refusal, Reply.chat(GOOD), Reply.chat(GOOD))
    routes = (Endpoint(loopback.base_url, "m"),)

    first = await ask(routes=routes, messages=ASKED, tools=[ADD], stream=stream)
    second = await ask(routes=routes, messages=ASKED, tools=[ADD], stream=stream)

    assert [call.name for call in (*first.calls, *second.calls)] == ["add", "add"]
    assert [len(answer.info.attempts) for answer in (first, second)] == [2, 1]
    assert ["tools" in request.body for request in loopback.requests] == [True, False, False]


# The wrong form


@both_ways
async def test_a_call_that_breaks_its_schema_is_asked_for_once_more_with_the_reason(stream):
    provider = ScriptedProvider(per_call=[[BAD], [GOOD]])

    answer = await ask(provider, messages=ASKED, tools=[ADD], stream=stream)

    assert [call.arguments for call in answer.calls] == [{"a": 1, "b": 2}]
    assert [attempt.outcome for attempt in answer.info.attempts] == ["invalid", "ok"]
    faulty, complaint = provider.calls[1].messages[-2:]
    assert faulty == {"role": "assistant", "content": BAD}
    assert "expected integer" in complaint["content"]


@both_ways
async def test_after_one_more_try_the_next_route_is_asked(stream):
    poor, good = ScriptedProvider(BAD, name="Poor"), ScriptedProvider(GOOD, name="Good")

    answer = await ask(poor, good, messages=ASKED, tools=[ADD], stream=stream)

    assert [attempt.provider for attempt in answer.info.attempts] == ["Poor", "Poor", "Good"]
    assert len(answer.calls) == 1


@both_ways
async def test_if_nobody_does_better_the_invalid_call_is_given(stream):
    answer = await ask(ScriptedProvider(BAD), messages=ASKED, tools=[ADD], stream=stream)

    (invalid,) = [event for event in answer.events if isinstance(event, InvalidToolCall)]
    assert (invalid.name, answer.calls, answer.info.suspect) == ("add", [], "invalid")
    assert [attempt.outcome for attempt in answer.info.attempts] == ["invalid"] * 2


async def test_text_that_has_been_seen_is_not_told_twice_when_a_call_is_asked_for_again():
    provider = ScriptedProvider(per_call=[["Let me add these two. ", "Now:\n", BAD], ["Sorry. Again:\n", GOOD]])

    answer = await ask(provider, messages=ASKED, tools=[ADD], stream=True)

    assert "".join(answer.text.split()) == "Letmeaddthesetwo.Now:"
    assert [call.arguments for call in answer.calls] == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "add"}}])
@pytest.mark.parametrize("native_tools", [True, False], ids=["native", "text only"])
async def test_a_demanded_call_that_does_not_come_is_asked_for_again_in_words(choice, native_tools):
    provider = ScriptedProvider(per_call=[["I would rather talk."], [GOOD]], native_tools=native_tools)

    answer = await ask(provider, messages=ASKED, tools=[SUB, ADD], tool_choice=choice)

    assert [call.name for call in answer.calls] == ["add"]
    assert "tools" not in provider.calls[1]


@both_ways
async def test_a_tool_that_does_not_exist_is_asked_about_again(stream):
    provider = ScriptedProvider(per_call=[[written("multiply", a=1, b=2)], [GOOD]])

    answer = await ask(provider, messages=ASKED, tools=[ADD], stream=stream)

    assert [call.name for call in answer.calls] == ["add"]
    assert "multiply" in provider.calls[1].messages[-1]["content"]


async def test_no_tool_is_called_when_none_may_be():
    answer = await ask(ScriptedProvider(GOOD), messages=ASKED, tools=[ADD], tool_choice="none")

    assert (answer.calls, answer.text) == ([], GOOD)


# Formats


@both_ways
async def test_json_comes_bare_from_a_model_that_was_asked_in_words(stream):
    provider = ScriptedProvider("Sure!\n```json\n", '{"a": 1,', ' "b": 2}\n```', "\nAnything else?")

    answer = await ask(provider, messages=ASKED, params={"response_format": FORMAT}, stream=stream)

    assert json.loads(answer.text) == {"a": 1, "b": 2}
    assert (answer.info.structured, answer.info.dropped) == ("prompt", [])
    assert '"required": ["a", "b"]' in str(provider.calls[0].messages)


async def test_a_format_reaches_an_endpoint_as_it_is_until_it_refuses(loopback):
    refusal = Reply.json(
        {"error": {"message": "Unsupported parameter: 'response_format' is not supported with this model."}}, status=400
    )
    loopback.replies(Reply.chat('{"a": 1, "b": 2}'), refusal, Reply.chat('{"a": 1, "b": 2}'))
    routes = (Endpoint(loopback.base_url, "m"),)

    ways = [
        (await ask(routes=routes, messages=ASKED, params={"response_format": FORMAT})).info.structured for _ in "12"
    ]

    assert ways == ["native", "prompt"]
    assert [request.body.get("response_format") for request in loopback.requests] == [FORMAT, FORMAT, None]
    assert loopback.requests[0].body["messages"] == ASKED


async def test_json_that_breaks_its_schema_is_mended_or_asked_for_again():
    better = ScriptedProvider(per_call=[['{"a": 1}'], ['{"a": 1, "b": 2}']])

    mended = await ask(ScriptedProvider('{"a": "1", "b": 2,}'), params={"response_format": FORMAT}, stream=False)
    again = await ask(better, params={"response_format": FORMAT}, stream=False)

    assert json.loads(mended.text) == json.loads(again.text) == {"a": 1, "b": 2}
    assert [attempt.outcome for attempt in again.info.attempts] == ["invalid", "ok"]


@both_ways
async def test_tools_and_a_format_go_together(stream):
    provider = ScriptedProvider(per_call=[[GOOD], ['{"a": 1, "b": 2}']])
    params = {"response_format": FORMAT}

    called = await ask(provider, messages=ASKED, tools=[ADD], params=params, stream=stream)
    answered = await ask(provider, messages=ASKED, tools=[ADD], params=params, stream=stream)

    assert [call.name for call in called.calls] == ["add"]
    assert (json.loads(answered.text), answered.calls) == ({"a": 1, "b": 2}, [])


async def test_calls_are_whole_events():
    answer = await ask(ScriptedProvider(GOOD), messages=ASKED, tools=[ADD], stream=True)

    assert next(type(event) for event in answer.events if not isinstance(event, TextDelta)) is ToolCall
