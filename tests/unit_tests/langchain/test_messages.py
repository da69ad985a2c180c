"""LangChain messages in OpenAI wire form."""

import base64
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)

from g4f_integrations.errors import ConfigurationError
from g4f_integrations.langchain._messages import to_wire

PNG = "iVBORw0KGgo="


def content_of(*blocks, kind=HumanMessage):
    [message] = to_wire([kind(content=list(blocks))])
    return message["content"]


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (HumanMessage("hi"), {"role": "user", "content": "hi"}),
        (HumanMessageChunk(content="hi"), {"role": "user", "content": "hi"}),
        (SystemMessage("be kind"), {"role": "system", "content": "be kind"}),
        (
            SystemMessage("be kind", additional_kwargs={"__openai_role__": "developer"}),
            {"role": "developer", "content": "be kind"},
        ),
        (AIMessage("hello"), {"role": "assistant", "content": "hello"}),
        (AIMessageChunk(content="hello"), {"role": "assistant", "content": "hello"}),
        (ToolMessage("7", tool_call_id="c1", name="add"), {"role": "tool", "tool_call_id": "c1", "content": "7"}),
        (FunctionMessage("7", name="add"), {"role": "function", "name": "add", "content": "7"}),
        (ChatMessage("hi", role="critic"), {"role": "critic", "content": "hi"}),
        (HumanMessage("hi", name="Ann"), {"role": "user", "content": "hi", "name": "Ann"}),
        (AIMessage("hi", name="bot"), {"role": "assistant", "content": "hi", "name": "bot"}),
        (SystemMessage("hi", name="s"), {"role": "system", "content": "hi", "name": "s"}),
    ],
)
def test_every_role_has_its_place_on_the_wire(message, wire):
    assert to_wire([message]) == [wire]


@given(st.text())
def test_text_goes_through_character_by_character(text):
    assert [message["content"] for message in to_wire([HumanMessage(text), AIMessage(text), SystemMessage(text)])] == [
        text
    ] * 3


def test_tool_calls_are_json_text_in_any_script():
    call = {"name": "find", "args": {"customer": "你好"}, "id": "c1"}

    [message] = to_wire([AIMessage("", tool_calls=[call])])

    assert message == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"type": "function", "id": "c1", "function": {"name": "find", "arguments": '{"customer": "你好"}'}}
        ],
    }


def test_invalid_tool_calls_keep_their_raw_arguments():
    invalid = {"name": "find", "args": '{"a": ', "id": "c1", "error": "cut off"}

    message, _ = to_wire([AIMessage("", invalid_tool_calls=[invalid]), ToolMessage("no JSON", tool_call_id="c1")])

    assert message["tool_calls"][0]["function"] == {"name": "find", "arguments": '{"a": '}


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", 'find({"a": )'),
        ("Wait.", 'Wait.\nfind({"a": )'),
        ([{"type": "text", "text": "Wait."}], [{"type": "text", "text": t} for t in ("Wait.", 'find({"a": )')]),
    ],
)
def test_invalid_tool_calls_that_nobody_answers_are_told_in_text(content, wanted):
    said = AIMessage(content, invalid_tool_calls=[{"name": "find", "args": '{"a": ', "id": "c1", "error": "cut off"}])

    message, _ = to_wire([said, HumanMessage("Go on.")])

    assert message == {"role": "assistant", "content": wanted}
    assert (said.content, len(said.invalid_tool_calls)) == (content, 1)


def test_text_beside_tool_calls_is_kept():
    [message] = to_wire([AIMessage("let me look", tool_calls=[{"name": "f", "args": {}, "id": "c1"}])])

    assert message["content"] == "let me look"


def test_legacy_function_calls_are_kept():
    call = {"name": "add", "arguments": "{}"}

    [message] = to_wire([AIMessage("", additional_kwargs={"function_call": call})])

    assert (message["function_call"], message["content"]) == (call, None)


def test_wire_tool_calls_in_additional_kwargs_are_sent_when_langchain_could_not_read_them():
    raw = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "index": 0}
    message = AIMessage("")
    message.additional_kwargs["tool_calls"] = [raw]

    [wire] = to_wire([message])

    assert wire["tool_calls"] == [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ("hi", {"type": "text", "text": "hi"}),
        ({"type": "text", "text": "hi"}, {"type": "text", "text": "hi"}),
        ({"text": "hi"}, {"type": "text", "text": "hi"}),
        ({"type": "text", "text": "hi", "id": "lc_1", "index": 0}, {"type": "text", "text": "hi"}),
        (
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
        ),
        ({"type": "text-plain", "text": "notes", "mime_type": "text/plain"}, {"type": "text", "text": "notes"}),
        ({"type": "text-plain", "base64": "bm90ZXM=", "mime_type": "text/plain"}, {"type": "text", "text": "notes"}),
        (
            {"type": "text-plain", "base64": "/w==", "mime_type": "text/plain"},
            {"type": "file", "file": {"filename": "file.txt", "file_data": "data:text/plain;base64,/w=="}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "http://x/a.png", "detail": "low"}},
            {"type": "image_url", "image_url": {"url": "http://x/a.png", "detail": "low"}},
        ),
        (
            {"type": "image_url", "image_url": "http://x/a.png"},
            {"type": "image_url", "image_url": {"url": "http://x/a.png"}},
        ),
        ({"type": "image", "url": "http://x/a.png"}, {"type": "image_url", "image_url": {"url": "http://x/a.png"}}),
        (
            {"type": "image", "url": "http://x/a.png", "extras": {"detail": "high"}},
            {"type": "image_url", "image_url": {"url": "http://x/a.png", "detail": "high"}},
        ),
        (
            {"type": "image", "base64": PNG, "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"type": "image", "base64": "/9j/4AAQ"},
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/4AAQ"}},
        ),
        (
            {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"type": "image", "source": {"type": "url", "url": "http://x/a.png"}},
            {"type": "image_url", "image_url": {"url": "http://x/a.png"}},
        ),
        ({"type": "image", "file_id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
        (
            {"type": "audio", "base64": "UklG", "mime_type": "audio/wav"},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        (
            {"type": "audio", "base64": "SUQz", "mime_type": "audio/mpeg"},
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        ),
        ({"type": "audio", "url": "http://x/a.mp3"}, {"type": "audio_url", "audio_url": {"url": "http://x/a.mp3"}}),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        ({"type": "video", "url": "http://x/a.mp4"}, {"type": "video_url", "video_url": {"url": "http://x/a.mp4"}}),
        (
            {"type": "video", "base64": "AAAA", "mime_type": "video/webm"},
            {"type": "video_url", "video_url": {"url": "data:video/webm;base64,AAAA"}},
        ),
        (
            {"type": "file", "base64": "JVBE", "mime_type": "application/pdf", "filename": "a.pdf"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            {"type": "file", "base64": "JVBE", "mime_type": "application/pdf"},
            {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            {"type": "file", "url": "http://x/a.pdf", "extras": {"filename": "a.pdf"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "http://x/a.pdf"}},
        ),
        ({"type": "file", "file_id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
        ({"type": "file", "source_type": "id", "id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
        ({"type": "file", "source_type": "text", "text": "notes"}, {"type": "text", "text": "notes"}),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "notes"}},
            {"type": "text", "text": "notes"},
        ),
        (
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
            {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            {"type": "media", "mime_type": "image/png", "data": PNG},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"type": "media", "mime_type": "video/mp4", "file_uri": "https://x/a.mp4"},
            {"type": "video_url", "video_url": {"url": "https://x/a.mp4"}},
        ),
        ({"type": "input_text", "text": "hi"}, {"type": "text", "text": "hi"}),
        ({"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}, {"type": "text", "text": "hi"}),
        (
            {"type": "input_image", "image_url": "http://x/a.png", "detail": "low"},
            {"type": "image_url", "image_url": {"url": "http://x/a.png", "detail": "low"}},
        ),
        ({"type": "input_image", "file_id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
        ({"type": "input_file", "file_id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            {"type": "input_file", "filename": "a.pdf", "file_url": "http://x/a.pdf"},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "http://x/a.pdf"}},
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "notes"}]}},
            {"type": "text", "text": "notes"},
        ),
        (
            {"type": "search_result", "title": "T", "source": "http://x", "content": [{"type": "text", "text": "c"}]},
            {"type": "text", "text": "T\nhttp://x\nc"},
        ),
        ({"type": "json", "json": {"a": "ü"}}, {"type": "text", "text": '{"a": "ü"}'}),
        ({"type": "custom_tool_call_output", "output": "7"}, {"type": "text", "text": "7"}),
        (
            {"type": "audio", "base64": "UklG", "mime_type": "audio"},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        ({"type": "non_standard", "value": {"type": "text", "text": "hi"}}, {"type": "text", "text": "hi"}),
        ({"type": "refusal", "refusal": "no"}, {"type": "text", "text": "no"}),
        ({"type": "hologram", "size": 3}, {"type": "hologram", "size": 3}),
    ],
)
def test_a_users_block_of_any_dialect_becomes_the_openai_part(block, part):
    assert content_of(block) == [part]


RAW = b"\x89PNG\r\n\x1a\n\x00"
ENCODED = base64.b64encode(RAW).decode()


@pytest.mark.parametrize(
    "given", [RAW, bytearray(RAW), memoryview(RAW), base64.b64encode(RAW), base64.encodebytes(RAW)]
)
@pytest.mark.parametrize(
    "block",
    [
        lambda data: {"type": "image", "base64": data, "mime_type": "image/png"},
        lambda data: {"type": "image", "source_type": "base64", "data": data, "mime_type": "image/png"},
        lambda data: {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        lambda data: {"type": "media", "mime_type": "image/png", "data": data},
        lambda data: {"type": "audio", "base64": data, "mime_type": "audio/wav"},
        lambda data: {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        lambda data: {"type": "video", "base64": data, "mime_type": "video/mp4"},
        lambda data: {"type": "file", "base64": data, "mime_type": "application/pdf"},
        lambda data: {"type": "file", "file": {"filename": "a.pdf", "file_data": data}},
        lambda data: {"type": "hologram", "shape": {"data": data}},
    ],
)
@pytest.mark.parametrize("kind", [HumanMessage, lambda content: ToolMessage(content, tool_call_id="c1")])
def test_bytes_are_sent_as_base64_text_whether_they_were_encoded_or_not(block, given, kind):
    assert ENCODED in json.dumps(content_of(block(given), kind=kind))


def test_a_tools_result_is_unwrapped_in_a_tool_message():
    blocks = [{"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "7"}]}]

    assert content_of(*blocks, kind=lambda content: ToolMessage(content, tool_call_id="c1")) == [
        {"type": "text", "text": "7"}
    ]


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage([]),
        HumanMessage([{"type": "reasoning", "reasoning": "hm"}]),
        AIMessage([{"type": "reasoning", "reasoning": "hm"}]),
        SystemMessage([]),
        ToolMessage([], tool_call_id="c1"),
    ],
)
def test_a_message_of_which_nothing_is_left_is_an_empty_text_and_no_empty_list(message):
    assert to_wire([message])[0]["content"] == ""


def test_media_in_a_tool_message_stay_parts():
    message = ToolMessage([{"type": "image", "url": "http://x/a.png"}], tool_call_id="c1")

    assert to_wire([message])[0]["content"] == [{"type": "image_url", "image_url": {"url": "http://x/a.png"}}]


def test_what_an_assistant_thought_is_not_sent_back():
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "server_tool_call", "name": "web", "args": {}, "id": "s1"},
        {"type": "unknown_to_us"},
        {"type": "text", "text": "so"},
    ]

    assert content_of(*blocks, kind=AIMessage) == [{"type": "text", "text": "so"}]


def test_an_assistants_picture_is_named_but_not_sent_back():
    blocks = [{"type": "image", "url": "http://x/a.png"}, {"type": "image", "base64": PNG, "mime_type": "image/png"}]

    assert content_of(*blocks, kind=AIMessage) == [
        {"type": "text", "text": "![image](http://x/a.png)"},
        {"type": "text", "text": "[image]"},
    ]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "output_text", "text": "so", "annotations": []}, "so"),
        ({"type": "text", "text": "so", "citations": [{"url": "http://x"}]}, "so"),
        ({"type": "non_standard", "value": {"type": "output_text", "text": "so"}}, "so"),
        ({"type": "text-plain", "text": "so", "mime_type": "text/plain"}, "so"),
        ({"type": "audio", "base64": "UklG", "mime_type": "audio/wav"}, "[audio]"),
        ({"type": "audio", "url": "http://x/a.mp3"}, "[audio](http://x/a.mp3)"),
        ({"type": "audio", "base64": "UklG", "mime_type": "audio/wav", "extras": {"transcript": "Hi."}}, "Hi."),
        ({"type": "video", "url": "http://x/a.mp4"}, "[video](http://x/a.mp4)"),
        ({"type": "file", "base64": "JVBE", "mime_type": "application/pdf"}, "[file]"),
        ({"type": "file", "file_id": "file-1"}, "[file]"),
        ({"type": "image_url", "image_url": "http://x/a.png"}, "![image](http://x/a.png)"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}, "[image]"),
        ({"type": "image", "source": {"type": "url", "url": "http://x/a.png"}}, "![image](http://x/a.png)"),
        ({"type": "image_url"}, "[image]"),
        ({"type": "video_url", "video_url": {"url": "http://x/a.mp4"}}, "[video](http://x/a.mp4)"),
        ({"type": "audio_url", "audio_url": {"url": "http://x/a.mp3"}}, "[audio](http://x/a.mp3)"),
        ({"type": "input_file", "filename": "a.pdf", "file_url": "http://x/a.pdf"}, "[file](http://x/a.pdf)"),
        ({"type": "media", "mime_type": "image/png", "file_uri": "http://x/a.png"}, "![image](http://x/a.png)"),
        ({"type": "media", "mime_type": "application/pdf", "data": "JVBE"}, "[file]"),
    ],
)
def test_what_an_assistant_said_or_made_is_text_when_it_is_sent_back(block, text):
    assert content_of(block, kind=AIMessage) == [{"type": "text", "text": text}]


def test_an_assistants_refusal_stays_one():
    assert content_of({"type": "refusal", "refusal": "no"}, kind=AIMessage) == [{"type": "refusal", "refusal": "no"}]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        {"type": "function_call", "id": "fc_9", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "tool_call", "id": "c1", "name": "f", "args": {"a": 1}},
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_a_call_in_a_content_block_is_sent_once(block, known):
    calls = [{"name": "f", "args": {"a": 1}, "id": "c1"}] if known else []

    [message] = to_wire([AIMessage([block], tool_calls=calls)])

    assert message["content"] is None
    assert [call["function"] for call in message["tool_calls"]] == [{"name": "f", "arguments": '{"a": 1}'}]


def test_anthropic_tool_results_become_tool_messages_before_the_rest():
    message = HumanMessage(
        [
            {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "7"}]},
            {"type": "text", "text": "go on"},
        ]
    )

    assert to_wire([message]) == [
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "7"}]},
        {"role": "user", "content": [{"type": "text", "text": "go on"}]},
    ]


def test_a_message_of_tool_results_alone_leaves_no_empty_user_message():
    message = HumanMessage([{"type": "tool_result", "tool_use_id": "c1", "content": "7"}])

    assert [wire["role"] for wire in to_wire([message])] == ["tool"]


def test_the_callers_messages_stay_as_they_are():
    messages = [
        HumanMessage([{"type": "image", "base64": PNG}, {"type": "text", "text": "hi", "id": "1"}]),
        AIMessage([{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]),
        ToolMessage([{"type": "text", "text": "7"}], tool_call_id="c1"),
    ]
    before = copy.deepcopy(messages)

    for wire in to_wire(messages):
        wire["content"] = "changed"
        wire.clear()

    assert messages == before


def test_a_message_that_has_no_place_in_a_chat_is_named_by_its_position():
    with pytest.raises(ConfigurationError, match=r"messages\[1\] \(RemoveMessage\)"):
        to_wire([HumanMessage("hi"), RemoveMessage(id="1")])


def test_arguments_that_json_cannot_hold_are_named_by_their_position():
    call = {"name": "f", "args": {"when": {1, 2}}, "id": "c1"}

    with pytest.raises(ConfigurationError, match=r"messages\[0\] \(AIMessage\)"):
        to_wire([AIMessage("", tool_calls=[call])])
