"""Server-sent events in pieces: what the format allows, what servers make of it, and every way to cut the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.sse import ErrorPayload, SSEParser


def payloads(*pieces, limit=1_000_000):
    parser = SSEParser(limit)
    return [payload for piece in pieces for payload in parser.feed(piece)] + parser.close()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_in_any_of_the_three_ways(end):
    assert payloads(end.join([b'data: {"a":1}', b"", b"data: [DONE]", b"", b""])) == [b'{"a":1}', b"[DONE]"]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data:x\n\n", [b"x"]),
        (b"data:  x\n\n", [b" x"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b": keep-alive\n\ndata: x\n\n", [b"x"]),
        (b"id: 7\nretry: 5\nevent: message\ndata: x\n\n", [b"x"]),
        (b"\xef\xbb\xbfdata: x\n\n", [b"x"]),
        (b"unknown: y\ndata: x\n\n", [b"x"]),
        (b"data\n\n", [b""]),
        (b"event: ping\n\n", []),
    ],
    ids=["no space", "one space is cut", "lines", "comment", "fields", "mark", "unknown field", "bare name", "no data"],
)
def test_the_fields_of_an_event_are_read_as_the_standard_says(stream, expected):
    assert payloads(stream) == expected


def test_an_event_named_error_is_told_apart():
    plain, error = payloads(b"data: x\n\nevent: error\ndata: y\n\n")

    assert not isinstance(plain, ErrorPayload)
    assert (error, type(error)) == (b"y", ErrorPayload)


def test_an_event_without_its_last_blank_line_is_delivered_at_the_end():
    assert payloads(b"data: x") == [b"x"]


def test_json_objects_on_consecutive_lines_are_events_of_their_own():
    assert payloads(b'data: {"a":1}\ndata: {"b":2}\ndata: [DONE]\n') == [b'{"a":1}', b'{"b":2}', b"[DONE]"]


def test_json_split_over_lines_stays_together():
    assert payloads(b'data: {"a":\ndata: 1}\n\n') == [b'{"a":\n1}']


def test_a_bare_json_line_counts_as_data():
    assert payloads(b'{"error":"no"}\n') == [b'{"error":"no"}']


def test_a_line_beyond_the_limit_stops_the_parser_and_keeps_what_came_before():
    parser = SSEParser(max_event_bytes=20)

    assert parser.feed(b"data: x\n\ndata: " + b"y" * 30) == [b"x"]
    assert parser.oversized
    assert parser.feed(b"\n\ndata: z\n\n") == []


def test_data_lines_that_add_up_beyond_the_limit_stop_it_too():
    parser = SSEParser(max_event_bytes=100)

    parser.feed(b"data: 12345678\n" * 8)

    assert parser.oversized


WORDS = [b"data: ", b"data:", b"event: error", b":", b"id: 1", b"{", b"}", b"x", "é".encode(), b"[DONE]", b"\x00"]
ENDS = [b"\n", b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b'data: {"a":1}\n\n']
TOKENS = st.sampled_from([*WORDS, *ENDS])


@given(st.lists(TOKENS, max_size=30).map(b"".join), st.sampled_from([12, 40, 1_000]), st.data())
def test_any_split_of_the_bytes_gives_the_same_events(stream, limit, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]

    whole, cut = payloads(stream, limit=limit), payloads(*pieces, limit=limit)

    assert [(type(payload), payload) for payload in cut] == [(type(payload), payload) for payload in whole]


def test_one_byte_at_a_time_costs_each_byte_once():
    parser = SSEParser()
    stream = b"data: " + b"x" * 200_000 + b"\n\n"

    found = [payload for byte in stream for payload in parser.feed(bytes([byte]))]

    assert [len(payload) for payload in found] == [200_000]
