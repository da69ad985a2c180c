"""Fragments of tool calls, put together: a call is whole or it is invalid."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.assembly import ToolCallAssembler, new_call_id
from g4f_integrations.core.events import InvalidToolCall, ToolCall, ToolCallDelta

fuzz = settings(deadline=None, max_examples=200)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def assembled(*deltas):
    assembler = ToolCallAssembler()
    for delta in deltas:
        assembler.feed(delta)
    return assembler.close()


def one(arguments, name="f"):
    (call,) = assembled(ToolCallDelta(0, "a", name, arguments))
    return call


@fuzz
@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3), st.integers(1, 9), st.booleans())
def test_arguments_in_pieces_of_any_size_make_the_same_object(arguments, size, ascii_only):
    text = json.dumps(arguments, ensure_ascii=ascii_only)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]

    calls = assembled(ToolCallDelta(0, "a", "f"), *(ToolCallDelta(0, arguments=piece) for piece in pieces))

    assert calls == [ToolCall("a", "f", arguments)]


@pytest.mark.parametrize("arguments", ["", "  \n", "null", "{}", '""', '"{}"'])
def test_no_arguments_are_an_empty_object(arguments):
    assert one(arguments).arguments == {}


def test_arguments_that_were_encoded_twice_are_decoded_twice():
    assert one(json.dumps('{"x": 1}')) == ToolCall("a", "f", {"x": 1})


@pytest.mark.parametrize(
    "arguments",
    [
        '{"x": 1',
        '{"x": 1}{"y": 2}',
        "[1]",
        "5",
        '"text"',
        "{" * 100_000,
        '{"x": ' * 100_000,
        f'{{"x": {"9" * 5_000}}}',
        "\ud83d",
    ],
)
def test_arguments_that_are_no_object_make_an_invalid_call_with_the_raw_text(arguments):
    call = one(arguments)

    assert isinstance(call, InvalidToolCall)
    assert (call.id, call.name, call.arguments) == ("a", "f", arguments)
    assert call.error.startswith("The arguments are no JSON")


def test_a_call_without_a_name_is_invalid():
    assert one("{}", name=None) == InvalidToolCall("a", "", "{}", "The call names no tool.")


def test_arguments_without_an_end_are_given_up():
    assembler = ToolCallAssembler()
    for _ in range(40):
        assembler.feed(ToolCallDelta(0, "a", "f", "x" * 100_000))

    (call,) = assembler.close()

    assert isinstance(call, InvalidToolCall)
    assert len(call.arguments) == 1_000


def test_calls_come_by_choice_and_index_whatever_their_order_on_the_wire():
    calls = assembled(
        ToolCallDelta(1, "c", "g", "{}", choice=1),
        ToolCallDelta(2, "b", "g", "{"),
        ToolCallDelta(0, "a", "f", "{}"),
        ToolCallDelta(2, arguments="}"),
    )

    assert [(call.choice, call.id) for call in calls] == [(0, "a"), (0, "b"), (1, "c")]


def test_a_repeated_id_or_name_changes_nothing():
    (call,) = assembled(ToolCallDelta(0, "a", "f", "{"), ToolCallDelta(0, "a", "f", "}"))

    assert (call.id, call.name) == ("a", "f")


def test_a_call_without_an_id_gets_one_that_every_provider_accepts():
    (call,) = assembled(ToolCallDelta(0, None, "f", "{}"))

    assert len(call.id) == 9
    assert call.id.isalnum()
    assert len({new_call_id() for _ in range(100)}) == 100


def test_an_assembler_is_empty_after_its_calls_were_taken():
    assembler = ToolCallAssembler()
    assert not assembler
    assembler.feed(ToolCallDelta(0, "a", "f", "{}"))
    assert assembler

    assert len(assembler.close()) == 1
    assert assembler.close() == []
