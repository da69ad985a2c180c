"""Events of the engine as LangChain's chunks and results."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _update_message_content_to_blocks
from langchain_core.messages import AIMessage
from langchain_core.outputs.chat_generation import merge_chat_generation_chunks

from g4f_integrations.core.events import (
    AnswerInfo,
    Attempt,
    Finish,
    InvalidToolCall,
    Logprobs,
    Media,
    ReasoningDelta,
    ResponseInfo,
    Sources,
    TextDelta,
    ToolCall,
    Usage,
)
from g4f_integrations.langchain._chunks import ChunkBuilder, ResultBuilder
from g4f_integrations.langchain._fast import _is_faithful, chunk_maker, validated_chunk

ATTEMPTS = (Attempt("A", "m", "rate_limit", "429", 0.1), Attempt("B", "m-large", "ok", None, 0.2))
CALLS = [ToolCall("c1", "add", {"a": 1, "b": [2]}), ToolCall("c2", "now", {})]


def answer(*events, reason="stop", **info):
    return [
        *events,
        Usage(7, 5, 12, {"cached_tokens": 3, "reasoning_tokens": 2}),
        Finish(reason),
        AnswerInfo("B", "m-large", ATTEMPTS, **info),
    ]


def streamed(events, **settings):
    builder = ChunkBuilder(**settings)
    return [chunk for chunk in map(builder.feed, events) if chunk is not None]


def merged(events, **settings):
    return merge_chat_generation_chunks(streamed(events, **settings)).message


def folded(events):
    builder = ResultBuilder()
    for event in events:
        builder.feed(event)
    return builder.result()


def both_ways(events):
    return folded(events).generations[0].message, merged(events)


def test_headers_worth_keeping_are_told_where_there_are_any():
    for message in both_ways(answer(TextDelta("a"), headers={"x-request-id": "r1"})):
        assert message.response_metadata["g4f"]["headers"] == {"x-request-id": "r1"}
    for message in both_ways(answer(TextDelta("a"))):
        assert "headers" not in message.response_metadata["g4f"]


def test_text_is_streamed_piece_by_piece():
    chunks = streamed(answer(TextDelta("Hel"), TextDelta("lo")))

    assert [chunk.text for chunk in chunks] == ["Hel", "lo", ""]
    assert [chunk.message.chunk_position for chunk in chunks] == [None, None, "last"]


@given(st.lists(st.text()))
def test_the_pieces_and_the_whole_are_the_same_text(pieces):
    whole, parts = both_ways(answer(*map(TextDelta, pieces)))

    assert whole.content == parts.content == "".join(pieces)


def test_the_metadata_tell_who_answered_and_how_in_both_ways():
    events = answer(TextDelta("hi"), dropped=["seed"], response_id="r1", extra={"system_fingerprint": "f"})

    whole, parts = both_ways(events)

    assert whole.response_metadata == parts.response_metadata
    assert whole.response_metadata == {
        "model_name": "m-large",
        "model_provider": "g4f",
        "finish_reason": "stop",
        "id": "r1",
        "system_fingerprint": "f",
        "g4f": events[-1].to_dict(),
    }


def test_usage_is_in_langchains_words_and_counted_once():
    chunks = streamed(answer(TextDelta("a"), TextDelta("b")))
    whole, parts = both_ways(answer(TextDelta("a"), TextDelta("b")))

    assert [chunk.message.usage_metadata is None for chunk in chunks] == [True, True, False]
    assert whole.usage_metadata == parts.usage_metadata
    assert whole.usage_metadata == {
        "input_tokens": 7,
        "output_tokens": 5,
        "total_tokens": 12,
        "input_token_details": {"cache_read": 3},
        "output_token_details": {"reasoning": 2},
    }


def test_a_stream_can_leave_the_usage_out():
    assert merged(answer(TextDelta("a")), usage=False).usage_metadata is None


def test_reasoning_stands_apart_from_the_text():
    whole, parts = both_ways(answer(ReasoningDelta("hm, "), ReasoningDelta("yes"), TextDelta("42")))

    assert whole.content == parts.content == "42"
    assert whole.additional_kwargs == parts.additional_kwargs == {"reasoning_content": "hm, yes"}
    assert [block["type"] for block in parts.content_blocks] == ["reasoning", "text"]


def test_tool_calls_come_whole_with_id_and_arguments():
    whole, parts = both_ways(answer(TextDelta("let me see"), *CALLS, reason="tool_calls"))

    assert whole.tool_calls == parts.tool_calls
    assert [(call["id"], call["name"], call["args"]) for call in whole.tool_calls] == [
        ("c1", "add", {"a": 1, "b": [2]}),
        ("c2", "now", {}),
    ]
    assert whole.response_metadata["finish_reason"] == "tool_calls"


def test_no_chunk_holds_text_and_a_tool_call():
    chunks = streamed(answer(TextDelta("let me see"), *CALLS, TextDelta("done")))

    held = [(bool(chunk.message.content), bool(chunk.message.tool_call_chunks)) for chunk in chunks]
    assert set(held) == {(True, False), (False, True), (False, False)}


@pytest.mark.parametrize("raw", ['{"a": 1', '{"a": 1} trailing', "", "[1]", "not json"])
def test_a_broken_tool_call_is_never_taken_for_a_whole_one(raw):
    whole, parts = both_ways(answer(InvalidToolCall("c1", "add", raw, "broken")))

    assert whole.tool_calls == parts.tool_calls == []
    assert whole.invalid_tool_calls[0]["args"] == raw
    assert raw in parts.invalid_tool_calls[0]["args"]
    assert [call["id"] for call in parts.invalid_tool_calls] == ["c1"]


def test_pictures_make_the_content_a_list_of_standard_blocks():
    events = answer(
        TextDelta("Here:"), Media("image", ["http://x/a.png", "data:image/png;base64,AAAA"]), TextDelta("!")
    )

    whole, parts = both_ways(events)

    assert whole.content == [
        {"type": "text", "text": "Here:"},
        {"type": "image", "url": "http://x/a.png"},
        {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
        {"type": "text", "text": "!"},
    ]
    assert [block["type"] for block in parts.content_blocks] == ["text", "image", "image", "text"]
    assert whole.text == parts.text == "Here:!"


def test_what_is_said_in_a_recording_stands_beside_it():
    whole, parts = both_ways(answer(Media("audio", ["data:audio/wav;base64,UklG"], "Hello.")))

    sound = {"type": "audio", "base64": "UklG", "mime_type": "audio/wav", "extras": {"transcript": "Hello."}}
    assert whole.content == [sound]
    assert parts.content == [{**sound, "index": "lc_media_0"}]


def test_under_output_version_v1_no_block_swallows_another():
    events = answer(
        ReasoningDelta("hm"), TextDelta("a"), *CALLS, TextDelta("b"), Media("image", ["http://x/1", "http://x/2"])
    )
    chunks = streamed(events, output_version="v1")
    number, last_type = -1, ""
    for chunk in chunks:  # as BaseChatModel.stream does it
        chunk.message = _update_message_content_to_blocks(chunk.message, "v1")
        for block in chunk.message.content:
            if block["type"] != last_type:
                number, last_type = number + 1, block["type"]
            block.setdefault("index", number)

    blocks = merge_chat_generation_chunks(chunks).message.content

    assert [block["type"] for block in blocks] == [
        *("reasoning", "text", "tool_call", "tool_call", "text", "image", "image")
    ]
    assert [block["url"] for block in blocks[-2:]] == ["http://x/1", "http://x/2"]


def test_sources_and_logprobs_are_in_the_metadata():
    token = {"token": "a", "logprob": -0.1, "bytes": None, "top_logprobs": []}
    events = answer(TextDelta("aa"), Logprobs([token]), Logprobs([token]), Sources([{"url": "http://x"}]))

    for message in both_ways(events):
        assert message.response_metadata["logprobs"] == {"content": [token, token]}
        assert message.response_metadata["g4f"]["sources"] == [{"url": "http://x"}]


def test_each_choice_of_a_blocking_answer_is_a_generation_and_usage_is_counted_once():
    events = [
        *(TextDelta("a", 0), TextDelta("b", 1), TextDelta("c", 1), ToolCall("c1", "f", {}, 1)),
        *(Usage(1, 2, 3), Finish("stop", 0), Finish("tool_calls", 1), AnswerInfo("B", "m", ATTEMPTS)),
    ]

    first, second = [generation.message for generation in folded(events).generations]

    assert (first.content, second.content) == ("a", "bc")
    assert (first.usage_metadata["total_tokens"], second.usage_metadata) == (3, None)
    assert second.response_metadata["finish_reason"] == "tool_calls"
    assert second.tool_calls[0]["id"] == "c1"


def test_a_stream_holds_the_first_choice_only_and_says_that_n_was_dropped():
    message = merged(answer(TextDelta("a", 0), TextDelta("b", 1)), dropped=["n"])

    assert message.content == "a"
    assert message.response_metadata["g4f"]["dropped"] == ["n"]


def test_events_about_the_journey_make_no_chunk():
    assert ChunkBuilder().feed(ResponseInfo(model="m")) is None


def test_the_metadata_can_be_written_as_json():
    whole, parts = both_ways(answer(TextDelta("hi")))

    assert json.loads(json.dumps(whole.response_metadata)) == parts.response_metadata


def test_a_result_holds_a_finished_message():
    assert type(folded(answer(TextDelta("hi"))).generations[0].message) is AIMessage


def test_quick_chunks_are_in_use_and_equal_to_validated_ones():
    assert chunk_maker() is not validated_chunk
    assert _is_faithful(chunk_maker())


def test_chunks_that_share_a_container_are_not_taken_for_faithful():
    shared = validated_chunk("a", "").message.response_metadata

    def careless(text, reasoning):
        chunk = validated_chunk(text, reasoning)
        chunk.message.__dict__["response_metadata"] = shared
        return chunk

    assert not _is_faithful(careless)


def test_chunks_that_lack_a_field_are_not_taken_for_faithful():
    def careless(text, reasoning):
        chunk = validated_chunk(text, reasoning)
        chunk.message.__dict__.pop("name")
        return chunk

    assert not _is_faithful(careless)
