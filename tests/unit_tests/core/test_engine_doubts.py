"""Corners of the engine: whose fault an error is, what is remembered of a route, and what counts as an attempt."""

from __future__ import annotations

import json

import pytest
from g4f.providers.response import FinishReason, Reasoning, ToolCalls

from asking import FAST, ask
from g4f_integrations import errors
from g4f_integrations.core.endpoint import refused_parameters
from g4f_integrations.core.events import InvalidToolCall
from g4f_integrations.core.filters import ReasoningTags
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.testing import ScriptedProvider, cut
from loopback import Reply

both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
}
ADD = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": NUMBERS}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": NUMBERS}}
LONG = {
    "type": "json_schema",
    "json_schema": {"name": "text", "schema": {"type": "object", "required": ["text", "end"]}},
}


def native(*calls):
    members = [
        {"index": place, "id": f"call_{place}", "function": {"name": "add", "arguments": arguments}}
        for place, arguments in enumerate(calls)
    ]
    return ToolCalls(members)


GOOD = '{"a": 1, "b": 2}'


# A mistake of ours, and one of a provider's


@both_ways
@pytest.mark.parametrize("mistake", [TypeError("of ours"), AttributeError("of ours"), ImportError("of ours")])
async def test_a_mistake_in_our_own_rooms_surfaces_at_once(monkeypatch, stream, mistake):
    room = {"__name__": "g4f_integrations.core.filters", "mistake": mistake}
    exec("def feed(self, text):\n    raise mistake", room)
    monkeypatch.setattr(ReasoningTags, "feed", room["feed"])
    provider = ScriptedProvider("<Hello")

    with pytest.raises(errors.IntegrationError, match="inside this package") as caught:
        await ask(provider, ScriptedProvider("never asked"), stream=stream)

    assert caught.value.__cause__ is mistake
    assert (len(provider.calls), caught.value.is_retryable) == (1, False)


@both_ways
@pytest.mark.parametrize("mistake", [TypeError, AttributeError, ImportError])
async def test_a_providers_own_mistake_is_classified_and_rotated_away_from(stream, mistake):
    answer = await ask(ScriptedProvider(mistake("of its own")), ScriptedProvider("Fine."), stream=stream)

    assert (answer.text, answer.outcomes) == ("Fine.", ["unknown", "ok"])


class _Wrong:
    """A provider whose method takes nothing of what it is called with."""

    working = True
    supports_stream = True

    @classmethod
    async def create_async_generator(cls, model):
        yield model


@both_ways
async def test_a_provider_that_cannot_be_called_is_the_provider_s_fault(stream):
    answer = await ask(
        ScriptedProvider(name="Odd", create_async_generator=_Wrong.create_async_generator),
        ScriptedProvider("Fine."),
        stream=stream,
    )

    assert answer.text == "Fine."


# What the user gives


@pytest.mark.parametrize(
    ("tools", "named"),
    [
        (5, "tools"),
        (["x"], r"tools\[0\]"),
        ([ADD, None], r"tools\[1\]"),
        ([{"type": "function"}], r"tools\[0\]\.function"),
        ([{"type": "function", "function": {"name": ""}}], r"tools\[0\]\.function\.name"),
        ([{"type": "function", "function": {"name": "a", "parameters": []}}], r"tools\[0\]\.function\.parameters"),
        ([{"name": "a", "parameters": {"properties": [1]}}], r"tools\[0\]\.parameters\.properties"),
    ],
)
async def test_a_malformed_tool_is_named_before_anything_is_sent(tools, named):
    provider = ScriptedProvider("never asked", native_tools=True)

    with pytest.raises(errors.ConfigurationError, match=named):
        await ask(provider, tools=tools)

    assert provider.calls == []


async def test_a_choice_among_tools_must_be_one_of_them():
    choice = {"type": "function", "function": {"name": "subtract"}}

    with pytest.raises(errors.ConfigurationError, match=r"subtract.*none of the tools: add"):
        await ask(ScriptedProvider("never asked"), tools=[ADD], tool_choice=choice)


async def test_a_servers_own_tools_are_left_to_it():
    answer = await ask(ScriptedProvider("Found.", native_tools=True), tools=[{"type": "web_search"}])

    assert answer.text == "Found."


# JSON that is cut where the user wanted it to be


@both_ways
async def test_json_that_the_users_own_limit_cut_is_not_asked_for_again(stream):
    provider = ScriptedProvider('{"text": "a long st', FinishReason("length"), name="Short")
    params = {"response_format": LONG, "max_tokens": 5}

    answer = await ask(provider, ScriptedProvider("never asked"), stream=stream, params=params)

    assert (answer.outcomes, answer.finish, answer.info.suspect) == (["ok"], "length", "invalid")
    assert answer.text.startswith('{"text": "a long st')


async def test_json_that_a_routes_own_limit_cut_is_asked_for_again():
    short = ScriptedProvider('{"a": 1, "b', FinishReason("length"))

    answer = await ask(short, ScriptedProvider(GOOD), stream=False, params={"response_format": FORMAT})

    assert json.loads(answer.text) == {"a": 1, "b": 2}


# A schema that a route refuses


BAD_SCHEMAS = [
    "Invalid schema for response_format 'numbers': In context=(), 'oneOf' is not permitted.",
    "response_format.json_schema.schema: 'additionalProperties' is required to be supplied and to be false",
    "The provided JSON schema contains features not supported by xgrammar.",
    'Grammar error: Unimplemented keys: ["oneOf"]',
    "invalid JSON schema for response_format: 'numbers': keyword 'minLength' is not supported",
]  # fmt: skip


@pytest.mark.parametrize("message", BAD_SCHEMAS)
async def test_a_schema_that_a_route_refuses_is_told_in_words_this_once(loopback, message):
    refusal = Reply.json({"error": {"message": message, "param": "response_format"}}, status=400)
    loopback.replies(refusal, Reply.chat(GOOD), Reply.chat(GOOD))
    asked = {"routes": (Endpoint(loopback.base_url, "m"),), "params": {"response_format": FORMAT}}

    ways = [(await ask(**asked)).info.structured for _ in "12"]

    assert ways == ["prompt", "native"]


async def test_a_format_that_a_route_refuses_as_such_is_remembered(loopback):
    message = "'response_format' of type 'json_schema' is not supported with this model."
    loopback.replies(Reply.json({"error": {"message": message}}, status=400), Reply.chat(GOOD), Reply.chat(GOOD))
    asked = {"routes": (Endpoint(loopback.base_url, "m"),), "params": {"response_format": FORMAT}}

    ways = [(await ask(**asked)).info.structured for _ in "12"]

    assert (ways, len(loopback.requests)) == (["prompt", "prompt"], 3)
    refused_parameters.clear()


# Attempts


async def test_an_answer_asked_for_again_for_its_form_is_an_attempt_on_its_route():
    sloppy = ScriptedProvider(native('{"a": "many"}'), native_tools=True, name="Sloppy")
    policy = Resilience(attempts_per_route=1)

    answer = await ask(sloppy, ScriptedProvider(native(GOOD), native_tools=True), tools=[ADD], policy=policy)

    assert (len(sloppy.calls), answer.outcomes) == (1, ["invalid", "ok"])


# Calls


@both_ways
async def test_one_call_at_the_most_where_several_are_not_welcome(stream):
    provider = ScriptedProvider(native(GOOD, '{"a": 3, "b": 4}'), native_tools=True)

    answer = await ask(provider, tools=[ADD], parallel_tool_calls=False, stream=stream)

    assert [call.arguments for call in answer.calls] == [{"a": 1, "b": 2}]


JSON_OR_CALL = {"tools": [ADD], "params": {"response_format": FORMAT}, "policy": FAST}


async def test_json_that_comes_after_a_faulty_call_follows_what_was_shown_of_it():
    shown = ScriptedProvider('{"a": 1, "b": ', native('{"a": "many"}'), native_tools=True)
    second = ScriptedProvider('{"a": 1, "b": 2}', native_tools=True)

    answer = await ask(shown, second, **JSON_OR_CALL)

    assert json.loads(answer.text) == {"a": 1, "b": 2}
    assert not answer.of(InvalidToolCall)


async def test_other_json_than_what_was_shown_does_not_follow_it():
    shown = ScriptedProvider('{"a": 1, "b": ', native('{"a": "many"}'), native_tools=True)
    second = ScriptedProvider('{"a": 7, "b": 2}', native_tools=True)

    answer = await ask(shown, second, **JSON_OR_CALL)

    assert answer.text.startswith('{"a": 1')
    assert "7" not in answer.text


# Reasoning


async def test_reasoning_of_both_sorts_comes_in_the_same_order_streamed_or_not():
    script = ["<think>One. </think>", Reasoning("Two. "), "Answer."]

    told = [(await ask(ScriptedProvider(*script), stream=stream)).reasoning for stream in (True, False)]

    assert told == ["One. Two. ", "One. Two. "]


# Answers that may be notices

TIRED = "Hmm, our little AI is overloaded, come back in a bit!"
AGAIN = "Something went wrong. I will try again."


@both_ways
async def test_an_answer_that_reads_like_a_notice_is_asked_for_elsewhere(stream):
    answer = await ask(ScriptedProvider(TIRED, name="Tired"), ScriptedProvider("A lake.", name="Up"), stream=stream)

    assert (answer.text, answer.outcomes) == ("A lake.", ["invalid", "ok"])
    assert answer.info.suspect is None


@both_ways
async def test_it_is_given_flagged_where_nobody_does_better(stream):
    down = ScriptedProvider(ConnectionError("reset"), name="Down")
    policy = Resilience(max_attempts=3, backoff_initial=0, backoff_max=0)

    answer = await ask(ScriptedProvider(TIRED, name="Tired"), down, stream=stream, policy=policy)

    assert (answer.text, answer.info.suspect, answer.info.provider) == (TIRED, "overloaded", "Tired")
    assert set(answer.outcomes) == {"invalid", "network"}


@both_ways
async def test_it_costs_a_single_route_no_further_request(stream):
    tired = ScriptedProvider(TIRED, name="Tired")

    answer = await ask(tired, stream=stream)

    assert (answer.text, answer.info.suspect, len(tired.calls)) == (TIRED, "overloaded", 1)


@both_ways
async def test_a_second_one_in_a_call_is_given_at_once_and_neither_rests_a_route(stream):
    one, other, third = (ScriptedProvider(TIRED, name=name) for name in ("One", "Other", "Third"))

    answers = [await ask(one, other, third, stream=stream) for _ in range(4)]

    assert [answer.outcomes for answer in answers] == [["invalid", "ok"]] * 4
    assert {answer.info.provider for answer in answers} == {"Other"}
    assert third.calls == []


@both_ways
async def test_a_known_notice_is_never_given(stream):
    busy = ScriptedProvider("The server is busy. Please try again later.")

    with pytest.raises(errors.IntegrationError, match="busy"):
        await ask(busy, stream=stream, policy=Resilience(max_attempts=3, backoff_initial=0, backoff_max=0))


@both_ways
@pytest.mark.parametrize("text", [TIRED, AGAIN])
async def test_text_beside_a_call_is_no_notice(text, stream):
    provider = ScriptedProvider(text, native('{"a": 1, "b": 2}'), native_tools=True)

    answer = await ask(provider, stream=stream, tools=[ADD])

    assert (answer.outcomes, [call.name for call in answer.calls]) == (["ok"], ["add"])
    assert answer.text == text


@both_ways
async def test_what_a_model_says_of_a_tools_result_is_no_notice(stream):
    messages = [
        {"role": "user", "content": "Is the lighthouse lit?"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "no"},
    ]

    answer = await ask(ScriptedProvider(TIRED), messages=messages, stream=stream)

    assert (answer.text, answer.outcomes, answer.info.suspect) == (TIRED, ["ok"], None)


@both_ways
async def test_json_that_was_asked_for_is_no_notice(stream):
    wanted = {"type": "json_schema", "json_schema": {"name": "told", "schema": {"type": "object"}}}
    text = '{"error": "Your free chats are used up, come back tomorrow"}'

    answer = await ask(ScriptedProvider(text), stream=stream, params={"response_format": wanted})

    assert (json.loads(answer.text), answer.outcomes) == (json.loads(text), ["ok"])


@both_ways
@pytest.mark.parametrize("text", ["The server is busy. Please try again later.", "Too many requests."])
async def test_a_call_stands_beside_a_known_notice_too(text, stream):
    answer = await ask(
        ScriptedProvider(text, native('{"a": 1, "b": 2}'), native_tools=True), stream=stream, tools=[ADD]
    )

    assert (answer.outcomes, [call.name for call in answer.calls]) == (["ok"], ["add"])


@both_ways
async def test_json_in_the_form_that_was_asked_for_is_no_error_of_the_provider(stream):
    text = '{"message": "handle 429 too many requests from the api"}'

    answer = await ask(ScriptedProvider(text), stream=stream, params={"response_format": {"type": "json_object"}})

    assert (answer.text, answer.outcomes) == (text, ["ok"])


@both_ways
async def test_text_that_our_own_stop_cut_is_no_whole_notice(stream):
    provider = ScriptedProvider("Too many requests, said the clerk, and left.")

    answer = await ask(provider, stream=stream, stop=(",",))

    assert (answer.text, answer.outcomes) == ("Too many requests", ["ok"])


async def test_it_is_not_joined_to_an_answer_that_broke_off():
    first = ScriptedProvider("The page of the shop says: The sea is calm today", cut(), name="Cut")
    rest = ScriptedProvider("The page of the shop says: The sea is calm today, and the lamps are lit.", name="Up")

    answer = await ask(first, ScriptedProvider(TIRED, name="Tired"), rest)

    assert answer.text == "The page of the shop says: The sea is calm today, and the lamps are lit."
