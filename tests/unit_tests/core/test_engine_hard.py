"""Tools and formats where it is hard: refusals in many words, answers cut off, several choices, text seen already."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from g4f.providers.response import FinishReason, ImageResponse, ToolCalls

from asking import FAST, ask
from g4f_integrations.core.endpoint import refused_parameters
from g4f_integrations.core.events import Finish, InvalidToolCall, Media, TextDelta
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.errors import ConfigurationError, InvalidRequestError, StreamInterruptedError
from g4f_integrations.testing import ScriptedProvider, stall
from loopback import Reply, Stall, chunk

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
ADD = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": NUMBERS}}
ASKED = [{"role": "user", "content": "What is 1 + 2?"}]
FORMAT = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}


def written(name="add", **arguments):
    return f"```json\n{json.dumps([{'id': 'x', 'name': name, 'arguments': arguments}])}\n```"


def native(name="add", arguments='{"a": 1, "b": 2}'):
    return ToolCalls([{"index": 0, "id": "call_0", "function": {"name": name, "arguments": arguments}}])


GOOD = written(a=1, b=2)
BAD = written(a="many")
CALL = {"id": "a1B2c3D4e", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}
HISTORY = [
    *ASKED,
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "a1B2c3D4e", "content": "3"},
]

both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])


@pytest.fixture(autouse=True)
def _nothing_refused_yet():
    refused_parameters.clear()


def refusal(message, status=400, **details):
    return Reply.json({"error": {"message": message, "type": "invalid_request_error", **details}}, status=status)


# What a route refuses

NO_TOOLS = [
    (400, "registry.ollama.ai/library/gemma:2b does not support tools"),
    (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    (404, "No endpoints found that support tool use. To learn more, visit: https://example.com"),
    (400, "`tool calling` is not supported with this model"),
    (400, "m is not supported for JSON mode/function calling"),
    (500, "tools param requires --jinja flag"),
    (500, "Cannot use tools with stream"),
    (400, "Unrecognized request arguments supplied: tool_choice, tools"),
    (400, "Extra inputs are not permitted, field: 'tools', value: [{'type': 'function'}]"),
    (400, "Function calling is not enabled for models/gemma-3-27b-it"),
    (400, "Tool use with function calling is unsupported by the model."),
    (400, "Input validation error: `tools` is not a valid parameter"),
    (400, "Model 'x' does not support function/tool calling"),
    (400, "Unknown parameter: 'tools'."),
    (400, 'Invalid JSON payload received. Unknown name "tools": Cannot find field.'),
    (501, "tools not implemented"),
]
OTHER_FAULTS = [
    "tools[0].function.name is invalid",
    "Invalid schema for function 'add': In context=(), 'oneOf' is not permitted.",
    "Unknown parameter: 'tools[0].function.foo'.",
    "Unsupported value: 'tools[0].type' does not support 'custom'.",
    "Duplicate function name 'add' is not allowed",
    "Tool names with spaces are not allowed",
    "The tool 'foo' named in tool_choice is not available",
    "Unknown tool: foo",
    "More than 64 tools are not supported",
    "Function parameters of type 'date' are not supported",
    "tool schema keyword 'anyOf' is not supported",
    "Unknown name \"x\" at 'tools[0].function_declarations[0].parameters': Cannot find field.",
    "This model does not support parallel tool calls",
    "An assistant message with 'tool_calls' must be followed by tool messages.",
]


@pytest.mark.parametrize(("status", "message"), NO_TOOLS)
async def test_a_route_that_says_that_it_has_no_tools_gets_them_in_words(loopback, status, message):
    loopback.replies(refusal(message, status), Reply.chat(GOOD))

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"),), messages=ASKED, tools=[ADD])

    assert ([call.name for call in answer.calls], answer.info.tools) == (["add"], "prompt")


@pytest.mark.parametrize("message", OTHER_FAULTS)
async def test_a_complaint_about_one_tool_is_not_taken_for_a_route_without_tools(loopback, message):
    loopback.replies(refusal(message))

    with pytest.raises(InvalidRequestError):
        await ask(routes=(Endpoint(loopback.base_url, "m"),), messages=ASKED, tools=[ADD])

    assert len(loopback.requests) == 1
    assert not refused_parameters.names


async def test_a_refusal_of_parallel_calls_costs_that_parameter_and_not_the_tools(loopback):
    loopback.replies(refusal("This model does not support parallel tool calls"), Reply.chat("Hi"))
    routes = (Endpoint(loopback.base_url, "m"),)

    answer = await ask(routes=routes, messages=ASKED, tools=[ADD], parallel_tool_calls=False)

    assert (answer.info.tools, answer.info.dropped) == ("native", ["parallel_tool_calls"])


async def test_a_refused_way_of_choosing_leaves_tools_native_where_nothing_is_demanded(loopback):
    loopback.replies(
        refusal("No endpoints found that support the provided 'tool_choice' value.", 404), Reply.chat(GOOD)
    )
    routes = (Endpoint(loopback.base_url, "m"),)

    ways = [(await ask(routes=routes, messages=ASKED, tools=[ADD], tool_choice="required")).info.tools]
    ways.append((await ask(routes=routes, messages=ASKED, tools=[ADD])).info.tools)

    assert ways == ["prompt", "native"]


@pytest.mark.parametrize(
    "message",
    [
        "json mode cannot be combined with tool/function calling",
        '"tools" is incompatible with "response_format"',
        "Function calling with a response mime type: 'application/json' is unsupported",
        "Cannot use custom grammar constraints with tools.",
    ],
)
async def test_a_route_that_takes_tools_or_a_format_but_not_both_gets_the_format_in_words(loopback, message):
    loopback.replies(refusal(message), Reply.chat('{"a": 1, "b": 2}'))
    routes, params = (Endpoint(loopback.base_url, "m"),), {"response_format": FORMAT}

    together = await ask(routes=routes, messages=ASKED, tools=[ADD], params=params)
    alone = await ask(routes=routes, messages=ASKED, params=params)

    assert (together.info.tools, together.info.structured) == ("native", "prompt")
    assert alone.info.structured == "native"


async def test_a_faulty_call_that_the_route_itself_refuses_is_asked_for_again_in_words(loopback):
    failed = refusal("Failed to call a function. Please adjust your prompt.", code="tool_use_failed")
    loopback.replies(failed, Reply.chat(GOOD), Reply.chat("Hi"))
    routes = (Endpoint(loopback.base_url, "m"),)

    ways = [(await ask(routes=routes, messages=ASKED, tools=[ADD])).info.tools for _ in "12"]

    assert ways == ["prompt", "native"]


async def test_tools_that_must_be_native_are_sent_though_the_route_has_refused_them(loopback):
    loopback.replies(refusal("m does not support tools"), Reply.chat(GOOD))
    routes = (Endpoint(loopback.base_url, "m"),)
    await ask(routes=routes, messages=ASKED, tools=[ADD])

    answer = await ask(routes=routes, messages=ASKED, tools=[ADD], tool_calling="native")

    assert loopback.requests[-1].body["tools"] == [ADD]
    assert (answer.info.tools, answer.info.dropped) == ("native", [])


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "learned"])
async def test_calls_in_the_history_are_told_in_words_to_an_endpoint_without_tools(loopback, is_told):
    loopback.replies(Reply.chat("Hi") if is_told else refusal("m does not support tools"), Reply.chat("Hi"))
    routes = (Endpoint(loopback.base_url, "m", native_tools=False if is_told else None),)
    await ask(routes=routes, messages=ASKED, tools=[ADD])

    await ask(routes=routes, messages=HISTORY)

    sent = loopback.requests[-1].body["messages"]
    assert {message["role"] for message in sent} <= {"system", "user", "assistant"}
    assert "a1B2c3D4e" in str(sent)


# Answers cut off

HALF = '```json\n[{"name": "write", "arguments": {"path": "/tmp/f", "content": "keep nothing of /tmp'
WRITE = {
    "type": "function",
    "function": {
        "name": "write",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}, "content": {"type": "string"}},
            "required": ["path", "content"],
        },
    },
}


@both_ways
async def test_half_a_call_in_words_at_the_token_limit_is_not_run(stream):
    provider = ScriptedProvider(HALF, FinishReason("length"))

    answer = await ask(provider, messages=ASKED, tools=[WRITE], stream=stream)

    assert (answer.calls, answer.finish) == ([], "length")
    (invalid,) = answer.of(InvalidToolCall)
    assert "cut off" in invalid.error


@both_ways
async def test_half_a_call_in_words_before_a_stop_sequence_is_not_run(stream):
    provider = ScriptedProvider(HALF, '/x"}}]\n```')

    answer = await ask(provider, messages=ASKED, tools=[WRITE], stop=("/x",), stream=stream)

    assert answer.calls == []
    assert len(answer.of(InvalidToolCall)) == 1


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        '{"name": "add", "arguments": {"a": 1, "b": 2}}',
        '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>',
        'Action: add\nAction Input: {"a": 1, "b": 2}',
        '[TOOL_CALLS][{"name": "add", "arguments": {"a": 1, "b": 2}}]',
        "[add(a=1, b=2)]",
    ],
)
@both_ways
async def test_a_whole_call_before_a_stop_sequence_is_a_call(stream, text):
    provider = ScriptedProvider(text, "\nObservation: 3")

    answer = await ask(provider, messages=ASKED, tools=[ADD], stop=("\nObservation",), stream=stream)

    assert [call.arguments for call in answer.calls] == [{"a": 1, "b": 2}]
    assert (answer.finish, answer.outcomes) == ("tool_calls", ["ok"])


# Several choices


def several(*texts, finish="stop", pause=False):
    """An answer of several choices, each of one text."""
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        for index, text in enumerate(texts)
    ]
    told = [chunk(text, index=index) for index, text in enumerate(texts)]
    steps = [step for one in told for step in (one, *([Stall(0.02)] if pause else []))]
    ends = [chunk({}, finish, index=index) for index, _ in enumerate(texts)]
    return lambda request: (
        Reply.sse(*steps, *ends) if request.body.get("stream") else Reply.json({"model": "m", "choices": choices})
    )


@both_ways
async def test_one_call_at_a_time_means_one_in_each_choice(loopback, stream):
    loopback.replies(several(GOOD, f"{GOOD}\n{GOOD}"))
    routes = (Endpoint(loopback.base_url, "m", native_tools=False),)

    answer = await ask(
        routes=routes, messages=ASKED, tools=[ADD], params={"n": 2}, parallel_tool_calls=False, stream=stream
    )

    assert [call.choice for call in answer.calls] == [0, 1]
    assert [finish.reason for finish in answer.of(Finish)] == ["tool_calls", "tool_calls"]


async def test_a_stop_sequence_in_one_choice_does_not_end_the_others(loopback):
    loopback.replies(several("one STOP more", "two STOP more", pause=True))
    routes = (Endpoint(loopback.base_url, "m"),)

    answer = await ask(routes=routes, messages=ASKED, params={"n": 2}, stop=("STOP",), stream=True)

    assert {delta.choice: delta.text for delta in answer.of(TextDelta)} == {0: "one ", 1: "two "}


# Media, and calls that nobody asked for


@both_ways
async def test_json_before_pictures_is_told_once(stream):
    picture = ImageResponse("https://example.com/a.png", "alt")
    provider = ScriptedProvider('Sure: {"a": "1", "b": 2,}', picture, picture)

    answer = await ask(provider, params={"response_format": FORMAT}, stream=stream)

    assert json.loads(answer.text) == {"a": 1, "b": 2}
    assert answer.outcomes == ["ok"]


@both_ways
async def test_native_calls_where_none_may_be_are_asked_to_be_words(stream):
    provider = ScriptedProvider(per_call=[[native(), FinishReason("tool_calls")], ["It is 3."]], native_tools=True)

    answer = await ask(provider, messages=ASKED, tools=[ADD], tool_choice="none", stream=stream)

    assert (answer.calls, answer.text, answer.outcomes) == ([], "It is 3.", ["invalid", "ok"])


@both_ways
async def test_native_calls_beside_text_are_dropped_where_none_may_be(stream):
    provider = ScriptedProvider("It is 3.", native(), FinishReason("tool_calls"), native_tools=True)

    answer = await ask(provider, messages=ASKED, tools=[ADD], tool_choice="none", stream=stream)

    assert (answer.calls, answer.text, answer.finish) == ([], "It is 3.", "stop")


# Text that has been seen


async def test_an_answer_without_a_call_follows_what_was_seen_of_one_with_a_faulty_call():
    provider = ScriptedProvider(per_call=[["Let me add these.\n", BAD], ["The answer is 3."]])

    answer = await ask(provider, messages=ASKED, tools=[ADD], stream=True)

    assert answer.text.split("\n\n") == ["Let me add these.", "The answer is 3."]
    assert (answer.of(InvalidToolCall), answer.finish) == ([], "stop")


async def test_pictures_of_attempts_that_fail_after_text_was_seen_are_not_shown():
    picture = ImageResponse("https://example.com/a.png", "alt")
    broken, good = [picture, "Well. ", RuntimeError("down")], [picture, GOOD]
    provider = ScriptedProvider(per_call=[["Let me add these.\n", BAD], broken, good])

    answer = await ask(provider, messages=ASKED, tools=[ADD], stream=True)

    assert (len(answer.of(Media)), len(answer.calls)) == (1, 1)
    assert answer.text == "Let me add these."


@both_ways
async def test_an_empty_answer_to_a_tools_result_is_no_empty_batch(stream):
    answer = await ask(ScriptedProvider(""), messages=HISTORY, tools=[ADD], stream=stream)

    assert (answer.text, answer.outcomes) == ("", ["empty", "ok"])


# Clocks


async def test_keep_alives_after_text_do_not_keep_a_stalled_stream_alive():
    provider = ScriptedProvider("Hello there. ", "How are you? ", *([None, stall(0.02)] * 100))

    with pytest.raises(StreamInterruptedError, match="stalled"):
        await ask(provider, policy=FAST.model_copy(update={"stall_timeout": 0.1}))


@pytest.mark.parametrize("details", [{"tools": [ADD]}, {"params": {"response_format": FORMAT}}])
async def test_text_that_is_held_counts_as_a_sign_of_life(details):
    pieces = ['```json\n[{"name": "add", "arguments": {"a": 1, "b": ', *"1" * 16, "}}]\n```"]
    provider = ScriptedProvider(*(step for piece in pieces for step in (piece, stall(0.02))))
    policy = FAST.model_copy(update={"stall_timeout": 0.25, "first_token_timeout": 0.25})

    answer = await ask(provider, messages=ASKED, policy=policy, **details)

    assert "timeout" not in answer.outcomes


async def test_a_faulty_call_is_asked_for_again_though_the_text_before_it_outlasted_the_deadline():
    first = ["Let me add these.\n", *[stall(0.05)] * 8, BAD]
    policy = FAST.model_copy(update={"deadline": 0.3})

    answer = await ask(ScriptedProvider(per_call=[first, [GOOD]]), messages=ASKED, tools=[ADD], policy=policy)

    assert answer.outcomes == ["invalid", "ok"]


# What no route can be told


def nested(depth=100_000):
    schema = {}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


@pytest.mark.parametrize("native_tools", [True, False], ids=["native", "text only"])
@pytest.mark.parametrize(
    "details",
    [
        {"tools": [{"type": "function", "function": {"name": "add", "parameters": nested()}}]},
        {"params": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": nested()}}}},
        {"messages": [{"role": "user", "content": "Hi", "extra": nested()}], "tools": [ADD]},
    ],
    ids=["tools", "format", "messages"],
)
async def test_what_is_nested_too_deeply_is_the_callers_mistake(native_tools, details):
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        await ask(ScriptedProvider("Hi", native_tools=native_tools), **details)


# The first calls of a process

_BURST = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from asking import ask
from g4f_integrations.core.routes import Endpoint
from loopback import LoopbackServer, Reply

async def main():
    with LoopbackServer() as server:
        server.replies(Reply.chat("Hi"))
        routes = (Endpoint(server.base_url, "m"),)
        answers = await asyncio.gather(*(ask(routes=routes, stream=number % 2 == 0) for number in range(40)))
        print({{outcome for answer in answers for outcome in answer.outcomes}})

asyncio.run(main())
"""


def test_a_burst_of_first_calls_waits_for_the_client_to_be_imported():
    code = _BURST.format(tests=str(Path(__file__).parents[2]))

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.strip() == "{'ok'}", done.stderr
