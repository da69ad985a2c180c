"""The short way for plain answers gives what the long way gives, or leaves the body to it."""

import json

import pytest

from g4f_integrations.core.endpoint._answers import AnswerReader
from g4f_integrations.core.events import Finish, ResponseInfo, TextDelta, Usage
from g4f_integrations.core.wire.plain import read_plain_answer
from loopback import completion

HEADERS = {"x-request-id": "r1"}


def long_way(body):
    reader = AnswerReader(content_type="application/json", streamed=False, headers={}, kept=HEADERS)
    return [*reader.feed(body), *reader.close()]


def body_of(payload):
    return json.dumps(payload).encode()


def changed(**members):
    return {**completion("Hello"), **members}


def test_a_plain_answer_is_read_at_once():
    events = read_plain_answer(body_of(completion("Hel", "lo")), HEADERS)

    assert [type(event) for event in events] == [ResponseInfo, TextDelta, Usage, Finish]
    assert events[1].text == "Hello"


@pytest.mark.parametrize(
    "payload",
    [
        completion("Hello"),
        completion("Hello", finish="length"),
        completion("日本語 😀"),
        changed(usage={"prompt_tokens": 3, "completion_tokens": 4}),
        changed(model=None),
        changed(id=""),
        changed(created=1, object="chat.completion"),
    ],
    ids=range(7),
)
def test_the_short_way_gives_what_the_long_way_gives(payload):
    body = body_of(payload)

    assert read_plain_answer(body, HEADERS) == long_way(body)


@pytest.mark.parametrize(
    "payload",
    [
        [],
        {},
        "text",
        {"choices": []},
        {"choices": None},
        {"choices": [None]},
        {"error": {"message": "no"}, "choices": []},
        changed(provider="Other"),
        changed(usage=None),
        changed(usage={"prompt_tokens": 0, "completion_tokens": 0}),
        changed(usage={"prompt_tokens": True, "completion_tokens": 1}),
        changed(system_fingerprint="fp"),
        completion(""),
        completion("Hello", finish=None),
        completion("Hello", finish="content_filter"),
        completion("Hello", reasoning="because"),
        changed(choices=[{**completion("Hello")["choices"][0], "error": {"code": 429}}]),
        completion("Hello", tool_calls=[{"id": "a", "function": {"name": "f", "arguments": "{}"}}]),
        changed(citations=["http://a"]),
        changed(search_results=[{"url": "http://a"}]),
    ],
    ids=range(20),
)
def test_anything_else_is_left_to_the_long_way(payload):
    assert read_plain_answer(body_of(payload), HEADERS) is None


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"choices": "\xff"}', b"data: {}\n\n"])
def test_what_is_no_json_is_left_to_the_long_way(body):
    assert read_plain_answer(body, HEADERS) is None
