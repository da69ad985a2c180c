"""Answers that arrive in pieces: what goes out at once, what is held, and what that costs."""

from __future__ import annotations

import itertools
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.toolcalls import CallSplitter, parse_tool_calls
from g4f_integrations.core.toolcalls.ids import is_call_id
from unit_tests.core.toolcalls.corpus.cases import HOUSE, TOOLS

fuzz = settings(deadline=None, max_examples=300)
CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'


def fed(*pieces, tools=HOUSE):
    splitter = CallSplitter(tools)
    return [splitter.feed(piece) for piece in pieces], splitter


# What goes out, and when.


def test_prose_goes_out_with_the_piece_it_came_in():
    said, splitter = fed("The", " weather", " is", " fine.")

    assert said == ["The", " weather", " is", " fine."]
    assert not splitter.holding


def test_blanks_wait_for_what_follows_them():
    said, splitter = fed("One.\n", "\n", "Two.")

    assert said == ["One.", "", "\n\nTwo."]
    assert splitter.close().text == ""


def test_text_is_held_from_where_a_call_may_begin():
    said, splitter = fed("I look.\n\n", "```", "json\n", '{"name": "get_weather", ')

    assert said == ["I look.", "", "", ""]
    assert splitter.holding


@pytest.mark.parametrize(
    ("held", "more"),
    [
        ("<tool", "box> is a word."),
        ("<", " 3"),
        ("{", "curly}"),
        ("[", "a link](https://example.org)"),
        ("Act", "ors play."),
        ("Action:", " open the door\n"),
        ("```", "python\nx"),
        ("```json\n", '{"temperature": 22'),
        ('{"name": "', 'Ada"'),
        ('[{"id": 1, "name": ', '"Ada"'),
        ("get_weather", " gives the weather."),
        ("call", " me"),
        ("<|", "|>"),
    ],
)
def test_what_turns_out_to_be_no_call_goes_out_as_soon_as_that_is_seen(held, more):
    said, splitter = fed(held, more)

    assert said == ["", (held + more).rstrip()]
    assert not splitter.holding


def test_a_code_fence_streams_on():
    said, _ = fed("So:\n```python\n", "x = ", "{'name': ", "'get_weather'}\n", "```", "\nDone.")

    assert said == ["So:\n```python", "\nx =", " {'name':", " 'get_weather'}", "", "\n```\nDone."]


def test_a_json_answer_streams_on_after_its_first_key():
    said, _ = fed("```json\n", "{\n", '  "temperature"', ": 22", ",\n", '  "unit": "C"', "\n}", "\n```")

    assert said == ["", "", "", '```json\n{\n  "temperature": 22', ",", '\n  "unit": "C"', "\n}", ""]


def test_prose_goes_on_after_a_call():
    said, splitter = fed("I look.\n", f"<tool_call>{CALL}</tool_call>", "\nPlease", " wait.")

    assert said == ["I look.", "", "\nPlease", " wait."]
    assert [call.name for call in splitter.close().calls] == ["get_weather"]


def test_nothing_goes_out_after_a_made_up_result():
    said, splitter = fed(f"<tool_call>{CALL}</tool_call>\n", "Observation:", " 22\n", "It is warm.", f"\n{CALL}")

    assert said == [""] * 5
    assert len(splitter.close().calls) == 1


def test_without_tools_nothing_is_held_and_nothing_is_parsed():
    answer = f"I look. \n```json\n[{CALL}]\n```\n"
    said, splitter = fed(*answer, tools=[])

    assert "".join(said) == answer
    assert splitter.close().calls == []
    assert parse_tool_calls(answer, []).text == answer


# Ids.


def test_every_call_has_an_id_of_nine_alphanumerics_of_its_own():
    calls = parse_tool_calls(f"[{CALL}, {CALL}, {CALL}]", HOUSE).calls

    assert all(is_call_id(call.id) for call in calls)
    assert len({call.id for call in calls}) == 3


@pytest.mark.parametrize(
    ("given_id", "kept"), [("a1B2c3D4e", True), ("call_0", False), ("ä1B2c3D4e", False), (123456789, True)]
)
def test_an_id_of_the_models_own_is_kept_only_in_our_form(given_id, kept):
    (call,) = parse_tool_calls(CALL.replace("{", f'{{"id": {given_id!r}, ', 1).replace("'", '"'), HOUSE).calls

    assert (call.id == str(given_id)) is kept
    assert is_call_id(call.id)


def test_a_repeated_id_is_replaced():
    one = CALL.replace("{", '{"id": "a1B2c3D4e", ', 1)
    first, second = parse_tool_calls(f"[{one}, {one}]", HOUSE).calls

    assert first.id == "a1B2c3D4e" != second.id


# Sizes.


def test_arguments_of_more_than_a_mebibyte_are_an_invalid_call():
    answers = [
        '<tool_call>{"name": "run_python", "arguments": {"code": "%s"}}</tool_call>',
        '<function=run_python>{"code": "%s"}</function>',
        '[TOOL_CALLS]run_python[ARGS]{"code": "%s"}',
    ]
    for answer in answers:
        parsed = parse_tool_calls(answer % ("x" * ((1 << 20) + 10)), HOUSE)

        assert [call.name for call in parsed.invalid] == ["run_python"]
        assert "1 MiB" in parsed.invalid[0].error
        assert len(parsed.invalid[0].arguments) <= 1000


# Whatever comes.

TOKENS = [
    "<tool_call>", "</tool_call>", "```", "```json\n", "\n```", "\n", " ", "{", "}", "[", "]", '"', "'", "\\", ",", ":", "=", "(", ")",
    "`", "~~~", "Action: ", "Action Input: ", "Observation:", "get_weather", "search", '"name"', '"arguments"', "name", "city", "Paris",
    "<function=", "<parameter=city>", "</parameter>", "</function>", '<invoke name="search">', "</invoke>", "<get_weather>", "<city>",
    "<|python_tag|>", "[TOOL_CALLS]", "[ARGS]", "<|tool_call_begin|>", "<|tool_sep|>", "<|channel|>", " to=functions.search", "<|message|>",
    "call:", '<|"|>', "<escape>", "functools[", "<arg_key>", "</arg_key>", "<arg_value>", "<think>", "</think>", "<|im_end|>",
    "<tool_response>", "Call: ", "> ", "- ", "prose", CALL, '{"query": "cats"}', '{"name": "search", ', "“", "é", "<｜DSML｜invoke ",
]  # fmt: skip
soup = st.lists(st.sampled_from(TOKENS), max_size=25).map("".join) | st.text(max_size=80)


def outcome(said, parsed):
    return (
        said + parsed.text,
        [(c.name, c.arguments) for c in parsed.calls],
        [(c.name, c.error) for c in parsed.invalid],
    )


@settings(deadline=None, max_examples=1500)
@given(soup, st.lists(st.integers(0), max_size=6), st.sampled_from(sorted(TOOLS)))
def test_any_text_in_any_pieces_is_read_alike_and_never_raises(answer, places, tools):
    edges = [0, *sorted(place % (len(answer) + 1) for place in places), len(answer)]
    pieces = [answer[start:end] for start, end in itertools.pairwise(edges)]
    said, splitter = fed(*pieces, tools=TOOLS[tools])

    assert outcome("".join(said), splitter.close()) == outcome("", parse_tool_calls(answer, TOOLS[tools]))


@settings(deadline=None, max_examples=500)
@given(soup)
def test_letter_by_letter_is_read_as_the_whole(answer):
    said, splitter = fed(*answer)

    assert outcome("".join(said), splitter.close()) == outcome("", parse_tool_calls(answer, HOUSE))


SENTENCES = [
    "The weather in Paris is fine.", "Use get_weather for it.", "- a point", "1. a step", "## Head", "> quoted", "a < b > c", "`code`",
    "see [it](https://example.org)", "[1] a note", "{x} and {y}", "**bold**", "Action is needed.", "Name: Ada", "| a | b |", "$x_1$",
    "```python\nsearch(query='cats')\n```", '```json\n{"answer": 42}\n```', "<b>bold</b>", "<br>", '{"answer": [1, 2]}', "call me",
    "`<tool_call>`", "search the web", '"get_weather"', "function calls", "Observation: it rains.", "😀", "é",
]  # fmt: skip


@fuzz
@given(st.lists(st.sampled_from(SENTENCES), max_size=12), st.sampled_from(["\n", "\n\n", " "]))
def test_prose_is_never_a_call_and_stays_as_it_is(sentences, glue):
    answer = glue.join(sentences)
    parsed = parse_tool_calls(answer, HOUSE)

    assert (parsed.text, parsed.calls, parsed.invalid) == (answer, [], [])


# What it costs, counted.

HOSTILE = [
    "{", "[", "{\n", '{"name": "get_weather", "arguments": {"a": ', '{"name": "get_weather", "arguments": {"a": \n', "[get_weather(city=\n",
    "<tool>get_weather(", "```\n", '```json\n{"name": "get_weather"\n', "`", "<tool_call>", "<tool_call>{", '<tool_call>{"name": "search", ',
    '<tool_call>{"a": "</tool_call>', "<", "<function=get_weather><parameter=city>", "<tool_call>get_weather<arg_key>city</arg_key><arg_value>",
    "<get_weather><city>", "<|tool_call_begin|>get_weather<|tool_sep|>{", "[TOOL_CALLS]get_weather[ARGS]{", "Action: search\nAction Input: ",
    "Action: search\n", 'call:get_weather{city:<|"|>', "\n", '"', "'", "get_weather\n", "<think>", "\\", "“", "<|channel|>x<|message|>{",
]  # fmt: skip


def test_calls_beyond_256_are_text():
    call = '<tool_call>{"name": "get_weather", "arguments": {"city": "Rome"}}</tool_call>'
    parsed = parse_tool_calls(call * 256 + "\n" + call * 2, HOUSE)

    assert len(parsed.calls) == 256
    assert parsed.text == call * 2


class Counting(CallSplitter):
    """Counts the characters that are joined and looked at."""

    __slots__ = ("looked",)

    def __init__(self, tools):
        super().__init__(tools)
        self.looked = 0

    def _advance(self, *, final):
        self.looked += self._size
        return super()._advance(final=final)


@pytest.mark.parametrize("unit", HOSTILE)
def test_held_text_is_looked_at_a_bounded_number_of_times(unit):
    text = (unit * 20_000)[:20_000]
    splitter = Counting(HOUSE)
    for at in range(0, len(text), 3):
        splitter.feed(text[at : at + 3])
    splitter.close()

    assert splitter.looked <= 120 * len(text)


def events_of(text):
    """How many functions are called while `text` is parsed."""
    count = 0

    def note(*_):
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        parse_tool_calls(text, HOUSE)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", HOSTILE)
def test_work_grows_no_faster_than_a_hostile_text(unit):
    small, large = ((unit * size)[:size] for size in (4_000, 16_000))

    assert events_of(large) <= 5 * events_of(small) + 20_000


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_text_of_64_kB_comes_to_an_end(unit):
    text = (unit * 65_536)[:65_536]
    parsed = parse_tool_calls(text, HOUSE)

    assert len(parsed.text) <= len(text)
