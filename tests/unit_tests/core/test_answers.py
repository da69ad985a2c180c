"""Any bytes at all give events or a typed failure, never a hang and never a bare exception."""

import asyncio
import contextlib
import json

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.endpoint._answers import AnswerReader
from g4f_integrations.core.events import Finish
from g4f_integrations.core.failures import HTTPFailure, StreamCut
from loopback import LoopbackServer, Reply, chunk, completion
from unit_tests.core.calls import events

MARKS = [
    b"data: ",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b'"',
    b"<html>",
    b"null",
    b"event: error\n",
]
WORDS = [
    b"data: [DONE]\n\n",
    b"\xff",
    "🙂".encode(),
    b'"error":',
    b'"choices":',
    b'"delta":',
    b'"content":"a"',
    b'"\\ud83d"',
]
EVENTS = [chunk("a"), chunk({}, "stop"), {"error": 1}, {"choices": [7]}]
BODIES = [completion("a"), {"a": 1}, []]
PIECES = st.sampled_from(
    [
        *MARKS,
        *WORDS,
        *(f"data: {json.dumps(item)}\n\n".encode() for item in EVENTS),
        *(json.dumps(item).encode() for item in BODIES),
    ]
)
TYPES = ["text/event-stream", "application/json", "text/plain", ""]


def outcome(pieces, content_type, streamed):
    reader = AnswerReader(content_type=content_type, streamed=streamed)
    found = [event for piece in pieces for event in reader.feed(piece)] + reader.close()
    failure = reader.failure
    return found, type(failure), getattr(failure, "status", None), getattr(failure, "body", None)


@given(st.lists(PIECES, max_size=14).map(b"".join), st.sampled_from(TYPES), st.booleans(), st.data())
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_events_or_a_failure_whatever_their_split(stream, content_type, streamed, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    whole = outcome([stream], content_type, streamed)

    assert outcome(pieces, content_type, streamed) == whole
    assert whole[0] or whole[1] is not type(None) or not streamed


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**20) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=6,
)
MEMBERS = ["content", "reasoning", "tool_calls", "role", "images", "audio", "function_call", "text"]
CALLS = st.lists(st.fixed_dictionaries({}, optional={"index": JSON, "id": JSON, "function": JSON}), max_size=2)
DELTAS = JSON | st.fixed_dictionaries({}, optional={**dict.fromkeys(MEMBERS, JSON), "tool_calls": CALLS})
CHOICES = JSON | st.fixed_dictionaries(
    {},
    optional={"index": JSON, "delta": DELTAS, "message": DELTAS, "finish_reason": JSON, "logprobs": JSON, "text": JSON},
)
CHUNKS = st.fixed_dictionaries(
    {"choices": JSON | st.lists(CHOICES, max_size=2)},
    optional={"id": JSON, "model": JSON, "usage": JSON, "provider": JSON, "error": JSON},
)


@given(st.lists(CHUNKS, max_size=4), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_json_in_place_of_chunks_gives_events_or_a_failure(items, streamed):
    stream = b"".join(f"data: {json.dumps(item)}\n\n".encode() for item in items)

    found, *_ = outcome([stream, b"data: [DONE]\n\n"], "text/event-stream", streamed)

    for event in found:
        assert isinstance(getattr(event, "text", ""), str)
        assert isinstance(getattr(event, "arguments", ""), str)


HEADERS = st.sampled_from(
    [b"", b"Content-Encoding: gzip\r\n", b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n"]
)


@given(st.lists(PIECES, max_size=5).map(b"".join), HEADERS)
@settings(max_examples=25, deadline=None)
def test_any_bytes_on_the_wire_give_events_or_a_typed_failure(body, header):
    with LoopbackServer() as server, contextlib.suppress(HTTPFailure, StreamCut, aiohttp.ClientError, OSError):
        server.replies(Reply.raw(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n" + body))

        found = asyncio.run(events(server))

        assert isinstance(found[-1], Finish)
