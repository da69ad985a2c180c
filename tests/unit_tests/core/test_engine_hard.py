"""Tools and formats where it is hard: refusals in many words, answers cut off, several choices, text seen already."""

import json

import pytest

from asking import ask
from g4f_integrations.core.endpoint import refused_parameters
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.errors import InvalidRequestError
from loopback import Reply

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
ADD = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": NUMBERS}}
ASKED = [{"role": "user", "content": "What is 1 + 2?"}]
FORMAT = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}
GOOD = f"```json\n{json.dumps([{'id': 'x', 'name': 'add', 'arguments': {'a': 1, 'b': 2}}])}\n```"
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
