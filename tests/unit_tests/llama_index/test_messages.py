"""LlamaIndex's messages and blocks → chat messages in OpenAI wire form."""

import base64
import copy
import json
from io import BytesIO
from types import SimpleNamespace

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from pydantic import BaseModel

from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index._messages import to_wire
from strict_openai import message_fault

PNG = base64.b64decode("iVBORw0KGgo=")
WAVE, FILM = b"RIFF\x00WAVE", b"\x00\x01film"  # no base64, which blocks would take for such
PNG_URI = "data:image/png;base64,iVBORw0KGgo="
RESULT = ChatMessage("done", role="tool", additional_kwargs={"tool_call_id": "c"})
EVERY_BLOCK = [
    TextBlock(text="text"),
    ImageBlock(image=PNG),
    ImageBlock(url="https://example.org/a.png"),
    AudioBlock(audio=WAVE, format="wav"),
    AudioBlock(url="https://example.org/a.mp3"),
    VideoBlock(video=FILM, video_mimetype="video/mp4"),
    DocumentBlock(data=b"%PDF-1.4", title="paper.pdf", document_mimetype="application/pdf"),
    DocumentBlock(data=b"# Notes", title="notes.md", document_mimetype="text/markdown"),
    DocumentBlock(url="https://example.org/a.pdf", title="afar"),
    CachePoint(cache_control=CacheControl(type="ephemeral")),
    CitableBlock(title="Book", source="shelf", content="cited words"),
    CitationBlock(cited_content="quoted words", source="shelf", title="Book", additional_location_info={"page": 3}),
    ThinkingBlock(content="pondering"),
]


def wire_of(*blocks, role="user", **details):
    [message] = to_wire([ChatMessage(role=role, blocks=list(blocks), **details)])
    return message


@pytest.mark.parametrize(
    ("role", "wire"),
    [
        ("user", "user"),
        ("system", "system"),
        ("developer", "developer"),
        ("assistant", "assistant"),
        ("chatbot", "assistant"),
        ("model", "assistant"),
    ],
)
def test_every_role_has_its_place_on_the_wire(role, wire):
    assert to_wire([ChatMessage("hi", role=role)]) == [{"role": wire, "content": "hi"}]


def test_texts_of_one_message_are_joined_as_llamaindex_shows_them():
    message = ChatMessage(role="user", blocks=[TextBlock(text="a"), TextBlock(text="b")])

    assert to_wire([message])[0]["content"] == message.content == "a\nb"


@pytest.mark.parametrize("role", [role.value for role in MessageRole])
def test_every_block_is_taken_in_every_role(role):
    call = ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="c", tool_name="t", tool_kwargs={})])
    message = ChatMessage(role=role, blocks=EVERY_BLOCK, additional_kwargs={"tool_call_id": "c"})

    *_, last = to_wire([call, message])

    told = json.dumps(last)
    assert all(word in told for word in ("text", "cited words", "quoted words", "# Notes", "afar"))
    assert ("pondering" in told) is (last["role"] != "assistant")


@pytest.mark.parametrize("role", ["system", "user", "tool"])
@pytest.mark.parametrize("arguments", [{"a": 1}, '{"a": 1}'])
def test_a_call_where_no_call_can_stand_is_told_as_text(role, arguments):
    told = wire_of(ToolCallBlock(tool_call_id="c", tool_name="add", tool_kwargs=arguments), role=role)["content"]

    assert told.endswith('add({"a": 1})')


def test_a_conversation_of_every_block_that_has_a_wire_form_is_taken_by_a_strict_server():
    blocks = [
        block
        for block in EVERY_BLOCK
        if not isinstance(block, VideoBlock) and not (isinstance(block, AudioBlock) and block.url)
    ]
    history = [
        ChatMessage(role="system", blocks=blocks),
        ChatMessage(role="user", blocks=blocks),
        ChatMessage(role="assistant", blocks=[*blocks, ToolCallBlock(tool_call_id="c", tool_name="t")]),
        ChatMessage(role="tool", blocks=blocks, additional_kwargs={"tool_call_id": "c"}),
    ]

    assert message_fault(to_wire(history)) is None


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (ImageBlock(image=PNG), {"type": "image_url", "image_url": {"url": PNG_URI}}),
        (ImageBlock(image=BytesIO(PNG)), {"type": "image_url", "image_url": {"url": PNG_URI}}),
        (ImageBlock(url=PNG_URI), {"type": "image_url", "image_url": {"url": PNG_URI}}),
        (
            ImageBlock(url="https://example.org/a.png", detail="low"),
            {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        ),
        (
            AudioBlock(audio=WAVE, format="wav"),
            {"type": "input_audio", "input_audio": {"data": base64.b64encode(WAVE).decode(), "format": "wav"}},
        ),
        (
            AudioBlock(audio=b"ID3\x03", format="mpeg"),
            {"type": "input_audio", "input_audio": {"data": "SUQzAw==", "format": "mp3"}},
        ),
        (
            AudioBlock(url="https://example.org/a.mp3"),
            {"type": "audio_url", "audio_url": {"url": "https://example.org/a.mp3"}},
        ),
        (
            VideoBlock(video=FILM, video_mimetype="video/mp4"),
            {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{base64.b64encode(FILM).decode()}"}},
        ),
        (
            DocumentBlock(data=b"%PDF-1.4", title="paper", document_mimetype="application/pdf"),
            {
                "type": "file",
                "file": {"filename": "paper.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQ="},
            },
        ),
    ],
)
def test_a_block_keeps_its_content(block, part):
    assert wire_of(TextBlock(text="see"), block)["content"][1] == part


def test_a_blocks_own_path_is_read(tmp_path):
    picture, notes = tmp_path / "a.png", tmp_path / "notes.md"
    picture.write_bytes(PNG)
    notes.write_text("# Notes")

    parts = wire_of(TextBlock(text="see"), ImageBlock(path=picture), DocumentBlock(path=str(notes)))["content"]

    assert parts[1]["image_url"]["url"] == PNG_URI
    assert parts[2] == {"type": "text", "text": "notes.md:\n\n# Notes"}


@pytest.mark.parametrize("kind", [ImageBlock, AudioBlock, VideoBlock, DocumentBlock])
def test_an_address_on_this_machine_is_named_and_never_read(kind, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden words")

    told = json.dumps(wire_of(TextBlock(text="see"), kind(url=secret.as_uri())))

    assert secret.name in told
    assert "hidden" not in told


def test_a_block_whose_file_is_gone_is_named():
    with pytest.raises(ConfigurationError, match=r"messages\[1\].*gone"):
        to_wire([ChatMessage("hi"), ChatMessage(role="user", blocks=[DocumentBlock(path="/gone/away.pdf")])])


def test_what_is_no_message_is_named():
    with pytest.raises(ConfigurationError, match=r"messages\[0\] \(str\)"):
        to_wire(["hi"])


def test_pictures_of_an_assistant_become_a_reference_and_are_not_told_twice():
    shown = ImageBlock(url="https://example.org/a.png")

    assert wire_of(TextBlock(text="Here:"), shown, role="assistant")["content"] == (
        "Here:\n![image](https://example.org/a.png)"
    )
    told = wire_of(TextBlock(text="Here: ![a](https://example.org/a.png)"), shown, role="assistant")["content"]
    assert told.count("a.png") == 1
    assert wire_of(ImageBlock(image=PNG), role="assistant")["content"] == "[image]"


def test_a_picture_in_a_tools_result_reaches_the_model():
    history = [
        ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="c", tool_name="draw", tool_kwargs={})]),
        ChatMessage(role="tool", blocks=[ImageBlock(image=PNG)], additional_kwargs={"tool_call_id": "c"}),
    ]

    assert to_wire(history)[1]["content"] == [{"type": "image_url", "image_url": {"url": PNG_URI}}]


# Histories of other integrations ----------------------------------------------------------------------------------


def function(name, arguments):
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize(
    ("arguments", "wire"),
    [
        ({"a": "ü"}, '{"a": "ü"}'),
        ('{"a":1}', '{"a":1}'),
        ("", "{}"),
        (None, "{}"),
        ("half {", '{"input": "half {"}'),
        ("[1]", '{"input": "[1]"}'),
        ([1], '{"input": [1]}'),
    ],
)
def test_arguments_of_every_form_become_the_text_of_an_object(arguments, wire):
    held = [{"id": "c", "type": "function", "function": function("t", arguments)}]

    message, _ = to_wire([ChatMessage(role="assistant", additional_kwargs={"tool_calls": held}), RESULT])

    assert message == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"type": "function", "id": "c", "function": function("t", wire)}],
    }


class ForeignFunction(BaseModel):
    """As the OpenAI package has it, whose objects its integrations keep in the messages."""

    name: str
    arguments: str


class ForeignCall(BaseModel):
    id: str
    type: str
    function: ForeignFunction


def test_calls_that_are_objects_of_another_package_are_read():
    held = ForeignCall(id="c", type="function", function=ForeignFunction(name="t", arguments='{"a": 1}'))

    message, _ = to_wire([ChatMessage("so", role="assistant", additional_kwargs={"tool_calls": [held]}), RESULT])

    assert message["content"] == "so"
    assert message["tool_calls"][0]["function"] == function("t", '{"a": 1}')


@pytest.mark.parametrize(
    "extra",
    [
        {"tool_calls": [{"toolUseId": "c", "name": "t", "input": {"a": 1}}]},
        {"tool_calls": [{"id": "c", "name": "t", "args": {"a": 1}, "thought_signature": b"s"}]},
        {"tool_calls": [{"id": "c", "name": "t", "parameters": {"a": 1}}]},
        {"tool_calls": {"id": "c", "function": {"name": "t", "arguments": {"a": 1}}}},
        {"tool_calls": SimpleNamespace(id="c", function=SimpleNamespace(name="t", arguments='{"a": 1}'))},
        {"function_call": {"name": "t", "arguments": '{"a": 1}'}},
        {"tool_calls": [{"type": "function_call", "id": "fc", "call_id": "c", "name": "t", "arguments": '{"a": 1}'}]},
        {"tool_calls": [{"toolUse": {"toolUseId": "c", "name": "t", "input": {"a": 1}}}]},
        {"tool_calls": [{"function_call": {"name": "t", "args": {"a": 1}}}]},
    ],
    ids=[
        "bedrock",
        "gemini",
        "cohere",
        "one dict",
        "one object",
        "openai of old",
        "openai's responses",
        "bedrock, as it answers",
        "gemini, as it answers",
    ],
)
def test_calls_of_every_vendor_keep_their_names_and_arguments(extra):
    message, result = to_wire([ChatMessage(role="assistant", additional_kwargs=extra), RESULT])

    assert [call["function"] for call in message["tool_calls"]] == [function("t", '{"a": 1}')]
    assert result["tool_call_id"] == message["tool_calls"][0]["id"]


@pytest.mark.parametrize("held", ["text", ["text", 3, None], {}, object(), [{"function": {}}]])
def test_what_is_no_call_is_passed_over(held):
    assert to_wire([ChatMessage("so", role="assistant", additional_kwargs={"tool_calls": held})]) == [
        {"role": "assistant", "content": "so"}
    ]


def test_calls_that_share_an_id_are_told_apart():
    calls = [ToolCallBlock(tool_call_id="t", tool_name="t", tool_kwargs={"a": number}) for number in (1, 2)]
    results = [ChatMessage(str(n), role="tool", additional_kwargs={"tool_call_id": "t"}) for n in (1, 2)]

    message, *answered = to_wire([ChatMessage(role="assistant", blocks=calls), *results])

    ids = [call["id"] for call in message["tool_calls"]]
    assert len(set(ids)) == 2
    assert [(one["tool_call_id"], one["content"]) for one in answered] == [(ids[0], "1"), (ids[1], "2")]


def test_calls_in_blocks_are_not_told_twice_when_they_stand_in_the_additional_kwargs_too():
    block = ToolCallBlock(tool_call_id="c", tool_name="t", tool_kwargs={"a": 1})
    extra = {"tool_calls": [{"id": "c", "type": "function", "function": function("t", "{}")}], "thinking": "x"}

    message, _ = to_wire(
        [ChatMessage(role="assistant", blocks=[TextBlock(text=""), block], additional_kwargs=extra), RESULT]
    )

    assert message.keys() == {"role", "content", "tool_calls"}
    assert len(message["tool_calls"]) == 1


def test_results_without_ids_belong_to_the_calls_in_their_order():
    calls = [ToolCallBlock(tool_name="one"), ToolCallBlock(tool_name="two")]
    history = [
        ChatMessage(role="assistant", blocks=calls),
        ChatMessage("1", role="tool", additional_kwargs={"name": "one"}),
        ChatMessage("2", role="tool", additional_kwargs={"name": "two"}),
    ]

    assistant, *results = to_wire(history)

    assert [result["tool_call_id"] for result in results] == [call["id"] for call in assistant["tool_calls"]]
    assert to_wire(history) == [assistant, *results], "ids are the same each time"
    assert message_fault(to_wire(history)) is None


@pytest.mark.parametrize("member", ["name", "tool_call_id"])
def test_results_without_ids_find_the_call_of_their_tool_in_any_order(member):
    calls = [{"name": "Box[int]", "args": {}}, {"name": "two", "args": {}}]
    results = [ChatMessage(name, role="tool", additional_kwargs={member: name}) for name in ("two", "Box[int]")]

    message, *answered = to_wire([ChatMessage(role="assistant", additional_kwargs={"tool_calls": calls}), *results])

    first, second = [call["id"] for call in message["tool_calls"]]
    assert [(one["tool_call_id"], one["content"]) for one in answered] == [(second, "two"), (first, "Box[int]")]


@pytest.mark.parametrize("member", ["tool_call_id", "tool_use_id", "toolUseId", "call_id", "id"])
def test_a_result_is_known_by_the_id_of_every_vendor(member):
    calls = [ToolCallBlock(tool_call_id=name, tool_name="t") for name in ("c", "d")]
    results = [ChatMessage(name, role="tool", additional_kwargs={member: name}) for name in ("d", "c")]

    _, *answered = to_wire([ChatMessage(role="assistant", blocks=calls), *results])

    assert [(one["tool_call_id"], one["content"]) for one in answered] == [("d", "d"), ("c", "c")]


def test_a_result_with_an_id_finds_the_call_that_lost_its_own():
    history = [
        ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_name="one")]),
        ChatMessage("1", role="tool", additional_kwargs={"tool_call_id": "one"}),
    ]

    assert message_fault(to_wire(history)) is None


def test_the_result_of_no_known_call_is_told_as_text():
    [message] = to_wire([ChatMessage("42", role="function", additional_kwargs={"name": "add"})])

    assert message == {"role": "user", "content": "Result of the tool add: 42"}


def test_the_result_of_a_call_that_a_memory_has_dropped_is_told_as_text():
    history = [ChatMessage("42", role="tool", additional_kwargs={"tool_call_id": "gone"}), ChatMessage("So?")]

    assert to_wire(history)[0] == {"role": "user", "content": "Tool result: 42"}
    assert message_fault(to_wire(history)) is None


@pytest.mark.parametrize("after", [[], [ChatMessage("So?")]])
def test_the_result_of_no_known_call_does_not_part_calls_from_their_results(after):
    calls = [ToolCallBlock(tool_call_id=name, tool_name="add") for name in ("c", "d")]
    results = [
        ChatMessage(text, role="tool", additional_kwargs={"tool_call_id": name})
        for name, text in (("c", "1"), ("c", "once more"), ("d", "2"), ("e", "3"))
    ]

    wire = to_wire([ChatMessage(role="assistant", blocks=calls), *results, *after])

    assert message_fault(wire) is None
    told = ["Tool result: once more", "Tool result: 3", *(one.content for one in after)]
    assert [message["content"] for message in wire[1:]] == ["1", "2", *told]


@pytest.mark.parametrize("after", [[], [ChatMessage("Never mind.")], [RESULT, ChatMessage("And?")]])
def test_calls_that_nobody_answered_are_told_as_text(after):
    calls = [ToolCallBlock(tool_call_id=name, tool_name="add", tool_kwargs={"a": name}) for name in ("c", "d")]

    wire = to_wire([ChatMessage(role="assistant", blocks=[TextBlock(text="Hm."), *calls]), *after])

    assert message_fault(wire) is None
    assert 'add({"a": "d"})' in wire[0]["content"]
    assert [call["id"] for call in wire[0].get("tool_calls", [])] == (["c"] if RESULT in after else [])


def test_an_assistants_message_that_holds_a_call_id_is_an_ordinary_one():
    """As LlamaIndex's agents leave it behind after a tool that answers for them."""
    [message] = to_wire([ChatMessage("done", role="assistant", additional_kwargs={"tool_call_id": "c"})])

    assert message == {"role": "assistant", "content": "done"}


def test_tools_with_names_that_no_wire_takes_get_others():
    block = ToolCallBlock(tool_call_id="c", tool_name="Box[int]", tool_kwargs={})

    message, _ = to_wire([ChatMessage(role="assistant", blocks=[block]), RESULT])

    assert message["tool_calls"][0]["function"]["name"] == "Box_int_"


def test_the_callers_messages_stay_as_they_are():
    stream = BytesIO(PNG)
    stream.seek(3)
    history = [
        ChatMessage(role="user", blocks=EVERY_BLOCK, additional_kwargs={"name": "Ann"}),
        ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_name="t", tool_kwargs={"a": [1]})]),
        ChatMessage(role="tool", blocks=[TextBlock(text="1")]),
    ]
    before = copy.deepcopy(history)

    to_wire([*history, ChatMessage(role="user", blocks=[ImageBlock(image=stream)])])

    assert history == before
    assert stream.tell() == 3
