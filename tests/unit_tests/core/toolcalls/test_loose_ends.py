"""Histories whose calls and results do not fit together, for endpoints that refuse them."""

import pytest

from g4f_integrations.core.toolcalls.loose_ends import has_loose_ends, refuses_loose_ends, tell_loose_ends
from strict_openai import message_fault

USER = {"role": "user", "content": "Go on."}


def calling(*ids, arguments='{"a": 1}', content=None):
    calls = [{"id": one, "type": "function", "function": {"name": "add", "arguments": arguments}} for one in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls}


def result(identifier, content="3"):
    return {"role": "tool", "tool_call_id": identifier, "content": content}


IN_ORDER = [USER, calling("c1", "c2"), result("c2"), result("c1"), calling("c3", arguments=""), result("c3"), USER]
BROKEN = {
    "a result of no call": [USER, result("c9")],
    "a result at the very start": [result("c9"), USER],
    "a call without a result": [USER, calling("c1"), USER],
    "a call at the end": [USER, calling("c1")],
    "one of two results": [USER, calling("c1", "c2"), result("c1"), USER],
    "a result of another call": [USER, calling("c1"), result("c2"), USER],
    "a result twice": [USER, calling("c1"), result("c1"), result("c1"), USER],
    "an id twice": [USER, calling("c1", "c1"), result("c1"), result("c1"), USER],
    "a result that comes late": [USER, calling("c1"), USER, result("c1"), USER],
    "arguments that are no JSON": [USER, calling("c1", arguments='{"a": '), result("c1"), USER],
    "arguments that are no object": [USER, calling("c1", arguments="[1]"), result("c1"), USER],
    "a call without an id": [USER, calling(None), result(""), USER],
}


def test_a_history_in_order_stays_as_it_is():
    told = tell_loose_ends(IN_ORDER)

    assert not has_loose_ends(IN_ORDER)
    assert all(one is other for one, other in zip(told, IN_ORDER, strict=True))


@pytest.mark.parametrize("broken", BROKEN)
def test_what_does_not_fit_together_is_told_in_text(broken):
    told = tell_loose_ends(BROKEN[broken])

    assert has_loose_ends(BROKEN[broken])
    assert not has_loose_ends(told)
    assert message_fault(told) is None
    assert not any("tool_calls" in message or message["role"] == "tool" for message in told)


def test_turns_that_are_in_order_stay_beside_one_that_is_not():
    told = tell_loose_ends([*IN_ORDER, calling("c4", content="I add."), USER])

    assert told[:-2] == IN_ORDER
    assert told[-2]["content"].startswith("I add.\n\n```json\n")
    assert told[-1] is USER


@pytest.mark.parametrize(
    ("status", "text", "refused"),
    [
        (400, "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.", True),
        (400, "Not the same number of function calls and responses", True),
        (422, "Unexpected tool call id c1 in tool results", True),
        (500, "[json.exception.parse_error.101] parse error at line 1", True),
        (400, "The image is too large.", False),
        (429, "Too many requests for this tool", False),
    ],
)
def test_a_refusal_is_one_of_loose_ends_by_its_status_and_its_words(status, text, refused):
    assert refuses_loose_ends(status, text, BROKEN["a result of no call"]) is refused
    assert not refuses_loose_ends(status, text, IN_ORDER)
