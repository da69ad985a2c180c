"""OpenAI's chat format, as written by us and as really sent by servers."""

import json

import pytest

from g4f_integrations.core.candidates.candidate import Candidate, route_key
from g4f_integrations.core.events import (
    Finish,
    Logprobs,
    Media,
    ReasoningDelta,
    ResponseInfo,
    Sources,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from g4f_integrations.core.request import CallNotes, Request
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.core.wire.body import build_body, dump_body
from g4f_integrations.core.wire.chunks import ChunkReader
from g4f_integrations.core.wire.decoding import decode_json
from g4f_integrations.core.wire.errors import is_error, status_of
from g4f_integrations.core.wire.refusals import refused_parameters
from g4f_integrations.core.wire.usage import read_usage
from g4f_integrations.errors import ConfigurationError
from loopback import chunk, completion

MESSAGES = [{"role": "user", "content": "Hi"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]


def candidate(model="m", body_provider=None):
    endpoint = Endpoint("http://127.0.0.1:1/v1", model or None)
    key = route_key(None, endpoint.name, model, base_url=endpoint.base_url)
    return Candidate(endpoint, endpoint.name, model, None, None, None, None, body_provider, None, key)


def body_of(request, refused=(), **route):
    return build_body(candidate(**route), request, refused, CallNotes())


def events_of(*read, patient=False):
    reader, events = ChunkReader(), []
    reader.patient = patient
    for item in read:
        reader.read(item, events)
    return [event for event in [*events, *reader.close()] if not isinstance(event, ResponseInfo)]


def calls_of(*deltas):
    read = [chunk({"tool_calls": delta}) for delta in deltas]
    return [event for event in events_of(*read) if isinstance(event, ToolCallDelta)]


# The request


def test_every_parameter_passes_under_its_own_name():
    params = {"n": 2, "seed": 7, "logprobs": True, "presence_penalty": 0.5, "response_format": {"type": "json_object"}}
    params |= {"metadata": {"a": "b"}, "user": "u", "reasoning_effort": "low", "web_search": True, "max_tokens": 9}

    body = body_of(Request(MESSAGES, params=params, stop=("END",)))

    assert body == {"model": "m", "messages": MESSAGES, **params, "stop": ["END"], "stream": False}


def test_tools_go_with_their_choice():
    request = Request(MESSAGES, tools=TOOLS, tool_choice="required", parallel_tool_calls=False)

    body = body_of(request)

    assert (body["tools"], body["tool_choice"], body["parallel_tool_calls"]) == (TOOLS, "required", False)


def test_a_tool_choice_without_tools_is_left_out():
    assert "tool_choice" not in body_of(Request(MESSAGES, tool_choice="auto"))


def test_a_stream_asks_for_its_usage_unless_the_caller_says_otherwise():
    theirs = Request(MESSAGES, stream=True, params={"stream_options": {"include_usage": False}})

    assert body_of(Request(MESSAGES, stream=True))["stream_options"] == {"include_usage": True}
    assert body_of(theirs)["stream_options"] == {"include_usage": False}
    assert "stream_options" not in body_of(theirs.replacing(stream=False))


def test_extra_body_wins_over_everything():
    body = body_of(Request(MESSAGES, params={"seed": 1}, extra_body={"seed": 2, "top_k": 5}))

    assert (body["seed"], body["top_k"]) == (2, 5)


def test_a_model_left_to_the_server_and_a_provider_named_to_it():
    body = body_of(Request(MESSAGES), model="", body_provider="Pollinations")

    assert "model" not in body
    assert body["provider"] == "Pollinations"


def test_refused_parameters_are_left_out_and_noted():
    notes = CallNotes()

    body = build_body(candidate(), Request(MESSAGES, params={"seed": 1, "n": 2}), ("seed", "user"), notes)

    assert "seed" not in body
    assert notes.dropped == ["seed"]


def test_usage_that_only_we_asked_for_is_not_noted_as_dropped():
    notes = CallNotes()

    body = build_body(candidate(), Request(MESSAGES, stream=True), ("stream_options",), notes)

    assert "stream_options" not in body
    assert notes.dropped == []


def test_max_tokens_goes_under_its_other_name_before_it_is_given_up():
    notes = CallNotes()
    request = Request(MESSAGES, params={"max_tokens": 5})

    assert build_body(candidate(), request, ("max_tokens",), notes)["max_completion_tokens"] == 5
    assert notes.dropped == []
    assert "max_completion_tokens" not in build_body(
        candidate(), request, ("max_tokens", "max_completion_tokens"), notes
    )
    assert notes.dropped == ["max_tokens"]


def test_text_is_written_as_it_is():
    text = 'Grüße 🙂 \u2028 "q" \\ \n'

    written = dump_body({"messages": [{"content": text}]})

    assert json.loads(written)["messages"][0]["content"] == text
    assert "Grüße 🙂".encode() in written


def test_half_an_emoji_is_escaped_instead_of_failing():
    assert json.loads(dump_body({"content": "a\ud83d"})) == {"content": "a\ud83d"}


def test_read_only_mappings_are_written_as_objects():
    request = Request(MESSAGES)

    assert json.loads(dump_body({"x": request.params, "y": ({1},)})) == {"x": {}, "y": [[1]]}


@pytest.mark.parametrize("thing", [object(), b"\xff", float], ids=["object", "bytes", "class"])
def test_what_json_cannot_hold_is_told_before_anything_is_sent(thing):
    with pytest.raises(ConfigurationError, match="cannot be written as JSON"):
        dump_body({"x": thing, "y": "\ud83d"})


# Refusals


SENT = ["model", "messages", "stream", "tools", "seed", "n", "user", "logprobs", "top_logprobs", "max_tokens", "stop"]
SENT += ["temperature", "response_format", "tool_choice", "stream_options", "presence_penalty", "metadata"]


def error(message, **members):
    return json.dumps({"error": {"message": message, **members}})


def detail(kind, loc, message):
    return json.dumps({"detail": [{"type": kind, "loc": loc, "msg": message, "input": {"n": 1, "user": "u"}}]})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (error("Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens'."), ["max_tokens"]),
        (error("Unrecognized request arguments supplied: logprobs, n"), ["n", "logprobs", "top_logprobs"]),
        (error("Unrecognized request argument supplied: user"), ["user"]),
        (error("property 'seed' is unsupported"), ["seed"]),
        (error("Only the default (1) is supported.", param="temperature", code="unsupported_value"), ["temperature"]),
        (error('Invalid JSON payload received. Unknown name "seed": Cannot find field.'), ["seed"]),
        (json.dumps({"error": "Argument not supported on this model: presencePenalty"}), ["presence_penalty"]),
        (detail("extra_forbidden", ["body", "seed"], "Extra inputs are not permitted"), ["seed"]),
        (detail("string_type", ["body", "tool_choice", "str"], "Input should be a valid string"), ["tool_choice"]),
        ("stream_options is not supported", ["stream_options"]),
        (error("upstream", metadata={"raw": error("Unknown parameter: 'seed'.")}), ["seed"]),
        (error("`temperature` is deprecated for this model."), ["temperature"]),
        (error("temperature cannot be used with reasoning models"), ["temperature"]),
        (error("The parameter `seed` should not be provided."), ["seed"]),
        (error("`temperature` and `presence_penalty` cannot both be specified."), ["presence_penalty"]),
        (error("presence_penalty and temperature are mutually exclusive"), ["temperature"]),
    ],
)
def test_a_parameter_refused_by_name_is_found(text, names):
    assert sorted(refused_parameters(400, text, SENT)) == sorted(names)


@pytest.mark.parametrize(
    "text",
    [
        error("'max_tokens' is too large: 2000. This model's maximum context length is 4096 tokens."),
        error("Invalid 'temperature': decimal above maximum value. Expected <= 2, got 5.", param="temperature"),
        error("The model `x` is not supported for this user."),
        error("Unsupported value: 'messages[0].role' does not support 'user'.", param="messages[0].role"),
        error("tools is not supported"),
        detail("float_parsing", ["body", "temperature"], "Input should be a valid number"),
        "",
        "[" * 5_000,
    ],
)
def test_a_complaint_about_anything_else_is_no_refusal(text):
    assert refused_parameters(400, text, SENT) == ()


def test_only_bad_requests_refuse_parameters():
    assert refused_parameters(500, error("Unknown parameter: 'seed'."), SENT) == ()


# The answer


def test_a_whole_answer_and_a_streamed_one_give_the_same_events():
    whole = events_of(completion("Hello"))
    streamed = events_of(chunk("Hello"), chunk({}, "stop"), {"choices": [], "usage": completion()["usage"]})

    assert whole == streamed == [TextDelta("Hello"), Usage(3, 2, 5), Finish("stop")]


def test_the_route_tells_who_answers_once():
    reader, events = ChunkReader({"x-request-id": "r"}), []
    for item in [chunk("a", provider="P", system_fingerprint="fp"), chunk("b", provider="P")]:
        reader.read(item, events)

    infos = [event for event in events if isinstance(event, ResponseInfo)]

    assert infos == [ResponseInfo("m", "P", "chatcmpl-1", {"x-request-id": "r"}, {"system_fingerprint": "fp"})]


def test_a_model_named_late_is_told_late():
    reader, events = ChunkReader(), []
    for item in [chunk("a", model=None), chunk("b", model="late")]:
        reader.read(item, events)

    assert [event.model for event in events if isinstance(event, ResponseInfo)] == [None, "late"]


@pytest.mark.parametrize("member", ["reasoning_content", "reasoning"])
def test_reasoning_comes_under_two_names_and_before_its_text(member):
    assert events_of(chunk({"content": "4", member: "2+2"}))[:2] == [ReasoningDelta("2+2"), TextDelta("4")]


def test_reasoning_under_both_names_is_told_once():
    assert events_of(chunk({"reasoning": "hm", "reasoning_content": "hm"}))[:-1] == [ReasoningDelta("hm")]


@pytest.mark.parametrize(
    "sloppy",
    [
        {"choices": [{"delta": {"content": "x"}}]},
        {"choices": [{"message": {"content": "x"}}]},
        {"choices": [{"index": None, "delta": {"content": "x", "role": None}}], "usage": None},
        {"choices": [{"delta": {"content": [{"type": "text", "text": "x"}]}}]},
        {"choices": [{"delta": None, "text": "x"}]},
        {"choices": [{"delta": {"content": "x", "tool_calls": None, "audio": None, "images": []}}]},
        {"choices": [None, 3, {"index": -1, "delta": {"content": "x"}}]},
        {"choices": [{"delta": {"content": "x"}, "finish_reason": "", "logprobs": {"content": None}}]},
        {"choices": [{"delta": {"refusal": "x"}}]},
    ],
)
def test_sloppy_servers_are_understood(sloppy):
    assert events_of(sloppy)[0].text == "x"


@pytest.mark.parametrize(
    ("content", "text"), [(42, "42"), (0.5, "0.5"), ({"a": "é"}, '{"a": "é"}'), ({"text": ""}, None), (True, None)]
)
def test_json_that_a_server_has_read_for_us_is_written_again(content, text):
    told = [event.text for event in events_of(chunk({"content": content})) if type(event) is TextDelta]

    assert told == ([text] if text else [])


def test_chunks_without_choices_say_nothing():
    assert events_of({"choices": None}, {"choices": []}, {"choices": {}}, {}, chunk("x"))[0] == TextDelta("x")


def test_a_message_that_repeats_the_stream_is_not_told_twice():
    last = {"choices": [{"index": 0, "delta": {}, "message": {"content": "ab"}, "finish_reason": "stop"}]}

    assert events_of(chunk("a"), chunk("b"), last) == [TextDelta("a"), TextDelta("b"), Finish("stop")]


def test_choices_are_kept_apart_and_each_finishes():
    events = events_of(chunk("a", index=1), chunk("b"), chunk({}, "stop"), chunk({}, "length", index=1))

    assert events == [TextDelta("a", 1), TextDelta("b", 0), Finish("stop", 0), Finish("length", 1)]


@pytest.mark.parametrize(
    ("told", "meant"),
    [("STOP", "stop"), ("end_turn", "stop"), ("MAX_TOKENS", "length"), ("function_call", "tool_calls"), ("x", "x")],
)
def test_finish_reasons_are_told_in_openais_terms(told, meant):
    assert events_of(chunk("a", told))[-1] == Finish(meant)


def test_a_finish_reason_left_out_is_stop_or_tool_calls():
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}

    assert events_of(chunk("a"))[-1] == Finish("stop")
    assert events_of(chunk({"tool_calls": [call]}))[-1] == Finish("tool_calls")


def test_logprobs_come_with_their_choice():
    tokens = [{"token": "a", "logprob": -0.1}]
    item = {"choices": [{"index": 1, "delta": {"content": "a"}, "logprobs": {"content": tokens}}]}

    assert events_of(item)[:2] == [TextDelta("a", 1), Logprobs(tokens, 1)]


def test_running_totals_of_usage_are_told_once_with_the_last_value():
    events = events_of(
        chunk("a", usage={"prompt_tokens": 3, "completion_tokens": 1}), chunk("b", usage={"total_tokens": 9})
    )

    assert [event for event in events if isinstance(event, Usage)] == [Usage(0, 0, 9)]


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ({"prompt_tokens": 3.0, "completion_tokens": "4"}, Usage(3, 4, 7)),
        ({"input_tokens": 3, "output_tokens": None, "total_tokens": float("nan")}, Usage(3, 0, 3)),
        ({"prompt_tokens": -1, "total_tokens": True, "completion_tokens": 2}, Usage(0, 2, 2)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
        ({"prompt_tokens": [], "total_tokens": "many"}, None),
    ],
)
def test_usage_is_always_whole_numbers(told, meant):
    assert read_usage(told) == meant


def test_usage_keeps_its_details():
    told = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
        "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0, "x": None},
    }

    assert read_usage(told).details == {"cached_tokens": 4, "input_audio_tokens": 1, "reasoning_tokens": 3}
    assert read_usage({"prompt_tokens": 9, "prompt_cache_hit_tokens": 7}).details == {"cached_tokens": 7}


# Tool calls


def call(arguments=None, name=None, **members):
    function = {key: value for key, value in [("name", name), ("arguments", arguments)] if value is not None}
    return {**members, "function": function}


def test_documented_fragments_pass_as_they_are():
    events = calls_of(
        [call("", "f", index=0, id="a"), call("", "g", index=1, id="b")],
        [call('{"x"', index=0)],
        [call("{}", index=1)],
        [call(":1}", index=0)],
    )

    assert events == [
        ToolCallDelta(0, "a", "f"),
        ToolCallDelta(1, "b", "g"),
        ToolCallDelta(0, None, None, '{"x"'),
        ToolCallDelta(1, None, None, "{}"),
        ToolCallDelta(0, None, None, ":1}"),
    ]


def test_id_and_name_stand_on_the_first_fragment_only():
    events = calls_of([call("{", "f", index=0, id="a")], [call("}", "f", index=0, id="a")])

    assert events == [ToolCallDelta(0, "a", "f", "{"), ToolCallDelta(0, None, None, "}")]


def test_fragments_without_index_are_joined_by_id():
    events = calls_of([call("{", "f", id="a")], [call("{", "f", id="b")], [call("}", id="a")], [call("}", id="b")])

    assert [(event.index, event.arguments) for event in events] == [(0, "{"), (1, "{"), (0, "}"), (1, "}")]


def test_fragments_without_index_and_id_follow_the_newest_call():
    events = calls_of([call("", "f", id="a")], [call("{}")], [call("", "g", id="b")], [call('{"x":')], [call("1}")])

    assert [event.index for event in events] == [0, 0, 1, 1, 1]


def test_calls_that_all_claim_index_0_are_told_apart_by_id():
    events = calls_of([call("{}", "f", index=0, id="a")], [call("{}", "f", index=0, id="b")])

    assert [(event.index, event.id) for event in events] == [(0, "a"), (1, "b")]


def test_calls_that_all_claim_one_id_are_told_apart_by_index():
    events = calls_of([call("{}", "f", index=0, id="a"), call("{}", "g", index=1, id="a")])

    assert [(event.index, event.name) for event in events] == [(0, "f"), (1, "g")]


def test_whole_calls_with_nothing_but_a_name_are_told_apart():
    events = calls_of([call('{"a":"}"}', "f")], [call("{}", "f")], [call("{}", "g")])

    assert [(event.index, event.name) for event in events] == [(0, "f"), (1, "f"), (2, "g")]


def test_a_name_repeated_over_unfinished_arguments_is_the_same_call():
    events = calls_of([call('{"a":', "f")], [call('"{"', "f")], [call("}", "f")])

    assert [(event.index, event.name, event.arguments) for event in events] == [
        (0, "f", '{"a":'),
        (0, None, '"{"'),
        (0, None, "}"),
    ]


def test_arguments_given_as_an_object_become_json():
    (event,) = calls_of([call({"città": [1]}, "f", id="a")])

    assert event.arguments == '{"città": [1]}'


def test_calls_of_a_whole_answer_are_fragments_too():
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]

    assert events_of(completion(tool_calls=calls, finish="tool_calls"))[0] == ToolCallDelta(0, "a", "f", "{}")


def test_the_old_function_call_is_a_tool_call():
    assert events_of(chunk({"function_call": {"name": "f", "arguments": "{}"}}))[0] == ToolCallDelta(0, None, "f", "{}")


@pytest.mark.parametrize("junk", [3, "x", [None, 3, "x", []], {"a": 1}, [{"index": {}, "id": [], "function": 7}]])
def test_junk_in_place_of_tool_calls_does_no_harm(junk):
    assert [event.name for event in calls_of(junk)] in ([], [None])


# Media


def test_pictures_come_as_media():
    item = chunk({"content": "", "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]})

    media = events_of(item)[0]

    assert (media.kind, media.items) == ("image", ["data:image/png;base64,AA"])
    assert media.text == "![image](data:image/png;base64,AA)"


def test_sound_is_put_together_from_its_pieces():
    deltas = [{"audio": {"id": "x", "transcript": "He"}}, {"audio": {"data": "QUJD"}}, {"audio": {"data": "REVG"}}]

    events = events_of(*(chunk({**delta, "content": None}) for delta in deltas))

    assert events[0] == Media("audio", ["data:audio/wav;base64,QUJDREVG"], "He")


def cited(url, **more):
    return {"type": "url_citation", "url_citation": {"url": url, **more}}


def test_sources_are_told_once_wherever_a_server_tells_them():
    by_openai = [
        chunk({"annotations": [cited("http://a", title="A", start_index=0)]}),
        chunk({"annotations": [cited("http://b")]}),
    ]
    by_perplexity = [
        chunk("x", citations=["http://a", "http://b"], search_results=[{"title": "A", "url": "http://a"}])
    ] * 2

    for read in (by_openai, by_perplexity):
        assert Sources([{"url": "http://a", "title": "A"}, {"url": "http://b"}]) in events_of(*read)


@pytest.mark.parametrize(
    "junk", ["http://a", [None, 3, {}, {"url": 4}, "file:///etc/passwd"], [[["http://a"]]], {"url": "http://a"}]
)
def test_junk_in_place_of_sources_does_no_harm(junk):
    assert events_of(chunk({"content": "x", "annotations": junk}, citations=junk)) == [TextDelta("x"), Finish("stop")]


def test_parts_of_a_content_keep_their_order():
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": "https://example.org/i.png"},
        {"type": "text", "text": {"value": "b"}},
    ]

    events = events_of(chunk({"content": parts}))[:-1]

    assert [type(event).__name__ for event in events] == ["ReasoningDelta", "TextDelta", "Media", "TextDelta"]


# JSON as it comes


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b'{"a":Infinity}', {"a": float("inf")}),
        (b'{"a":"\\ud83d"}', {"a": "\ud83d"}),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"a":"x\ny"}', {"a": "x\ny"}),
        (b'{"a":123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
    ],
)
def test_json_that_a_strict_parser_refuses_is_read(text, value):
    assert decode_json(text) == value


@pytest.mark.parametrize("text", [b"", b"x", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000])
def test_what_is_no_json_is_a_value_error(text):
    with pytest.raises(ValueError):
        decode_json(text)


def test_an_emoji_cut_in_two_is_put_together():
    events = events_of(chunk("a\ud83d"), chunk("\ude42b"), patient=True)

    assert events[:2] == [TextDelta("a"), TextDelta("🙂b")]


def test_half_an_emoji_that_stays_alone_becomes_a_replacement_character():
    text = "".join(event.text for event in events_of(chunk("\ude42a\ud83d"), patient=True)[:-1])

    assert text == "\ufffda\ufffd"


@pytest.mark.parametrize(
    ("payload", "is_one", "status"),
    [
        ({"error": {"message": "no", "code": 429}}, True, 429),
        ({"error": "no", "status": "503"}, True, 503),
        ({"error": {"code": "rate_limit_exceeded"}}, True, 200),
        ({"object": "error", "message": "no", "code": 40303}, True, 200),
        ({"success": False, "errors": [{"message": "no"}]}, True, 200),
        ({"error": None, "choices": []}, False, 200),
    ],
)
def test_errors_in_json_are_found_with_their_status(payload, is_one, status):
    assert (is_error(payload), status_of(payload)) == (is_one, status)
