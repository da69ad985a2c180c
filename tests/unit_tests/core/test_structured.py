"""Answers that must be JSON: how they are asked for, brought to that form, and let through as they come."""

import json
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.prompts import load_prompt
from g4f_integrations.core.structured import JSONAnswer, ask_for_json, settle_json
from g4f_integrations.core.structured.continuing import rest_of
from g4f_integrations.core.structured.scanning import MAX_DEPTH, StrictScanner
from g4f_integrations.core.structured.shapes import KINDS, shape_of

USER = {"role": "user", "content": "Tell me a joke."}
OBJECT = {"type": "json_object"}
JOKE_SCHEMA = {
    "type": "object",
    "properties": {"setup": {"type": "string"}, "punchline": {"type": "string"}, "rating": {"type": "integer"}},
    "required": ["setup", "punchline"],
}
GOOD = '{"setup": "Why?", "punchline": "Därum \\"so\\"."}'


def schema_form(schema, **more):
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **more}}


JOKE = schema_form(JOKE_SCHEMA, strict=True)


def settled(text, form=JOKE):
    answer, problem = settle_json(text, form)
    assert problem is None
    return json.loads(answer)


def streamed(text, form=JOKE, size=1):
    """What comes out before the end, the rest, and the problem, when `text` comes in pieces of `size`."""
    answer = JSONAnswer(form)
    came = "".join(answer.feed(text[at : at + size]) for at in range(0, len(text), size))
    return (came, *answer.close())


# Asking


def test_the_schema_is_asked_for_in_the_system_message_and_recalled_at_the_end():
    messages = ask_for_json([{"role": "system", "content": "Be brief."}, USER], JOKE)

    assert messages[0]["content"].startswith("Be brief.\n\nYour final answer must be JSON")
    assert json.dumps(JOKE_SCHEMA) in messages[0]["content"]
    assert messages[1]["content"] == f"Tell me a joke.\n\n{load_prompt('json_reminder')}"


def test_any_object_is_asked_for_without_a_schema():
    assert ask_for_json([USER], OBJECT)[0] == {"role": "system", "content": load_prompt("json_object")}


@pytest.mark.parametrize("form", [{"type": "text"}, {}, {"type": "grammar"}])
def test_for_text_nothing_is_asked(form):
    assert ask_for_json([USER], form) == [USER]


def test_the_callers_messages_stay_as_they_are_and_tool_calls_are_left_alone():
    history = [USER, {"role": "assistant", "content": None, "tool_calls": [{}]}, {"role": "tool", "content": "x"}]
    before = deepcopy(history)

    asked = ask_for_json(history, JOKE)

    assert history == before
    assert asked[2] is history[1]
    assert asked[3] is history[2]


# What a schema says of the outermost value


@pytest.mark.parametrize(
    ("schema", "kinds", "yes", "no"),
    [
        ({}, KINDS, "a", None),
        (True, KINDS, "a", None),
        ({"type": "object"}, {"object"}, "a", None),
        (JOKE_SCHEMA, {"object"}, "setup", "a"),
        ({"properties": {"a": {}}}, {"object"}, "a", "b"),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
            {"object"},
            "b",
            None,
        ),
        ({"type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {}}}, {"object"}, "xa", None),
        ({"$ref": "#/$defs/J", "$defs": {"J": JOKE_SCHEMA}}, {"object"}, "setup", "a"),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "array"}}}, {"array"}, None, None),
        ({"$ref": "#"}, KINDS, "a", None),
        ({"$ref": "https://127.0.0.1/x"}, KINDS, "a", None),
        ({"$ref": "#/nowhere"}, KINDS, "a", None),
        ({"anyOf": [JOKE_SCHEMA, {"type": "null"}]}, {"object", "null"}, "setup", "a"),
        ({"oneOf": [JOKE_SCHEMA, {"type": "object", "properties": {"a": {}}}]}, {"object"}, "a", "b"),
        ({"anyOf": [JOKE_SCHEMA, {"type": "object"}]}, {"object"}, "b", None),
        ({"allOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}, {"object"}, "b", "c"),
        ({"items": {}}, {"array"}, None, None),
        ({"type": "number"}, {"number", "integer"}, None, None),
        ({"type": ["string", "null"]}, {"string", "null"}, None, None),
        ({"type": "any"}, KINDS, None, None),
        ({"const": 1}, {"integer"}, None, None),
        (
            {"enum": ["a", None, 1.5, [], {}, True]},
            {"string", "null", "number", "array", "object", "boolean"},
            None,
            None,
        ),
    ],
)
def test_the_types_and_keys_of_the_outermost_value(schema, kinds, yes, no):
    shape = shape_of(schema)

    assert shape.kinds == kinds
    assert yes is None or shape.has_key(yes)
    assert no is None or not shape.has_key(no)


# Whole answers


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"~~~\n{GOOD}\n~~~",
        f"Here is [1] the {{joke}} you wanted:\n\n```json\n{GOOD}\n```\nI hope you {{like}} it.",
        f"Sure! {GOOD} Enjoy.",
        f'{{"setup": "a", "punchline": "b"}} No, better: {GOOD}',
        f'```json\n{GOOD}\n```\nIt has the form {{"setup": "", "punchline": ""}}.',
        f'{{"answer": {GOOD}}}',
        f"[{GOOD}]",
        f"<answer>{GOOD}</answer>",
        f"{{ well, {GOOD}",
        json.dumps(GOOD),
        GOOD + "}",
    ],
)
def test_a_valid_value_is_found_and_stays_as_it_was_written(text):
    assert settle_json(text, JOKE) == (GOOD, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'setup': 'a', 'punchline': 'b',}", {"setup": "a", "punchline": "b"}),
        ('{setup: "a", punchline: "b"}', {"setup": "a", "punchline": "b"}),
        ('"setup": "a", "punchline": "b"}', {"setup": "a", "punchline": "b"}),
        ('{"setup": "a", "punchline": "b"', {"setup": "a", "punchline": "b"}),
        ('{"setup": "a\nb", "punchline": "b" // so\n}', {"setup": "a\nb", "punchline": "b"}),
        ('```json\n{"setup": "a", "punchline": "b"', {"setup": "a", "punchline": "b"}),
        ('{"setup": "ä", "punchline": "b", "rating": "3"}', {"setup": "ä", "punchline": "b", "rating": 3}),
    ],
)
def test_a_sloppy_value_is_put_right(text, value):
    assert settled(text) == value


def test_what_is_put_right_is_written_in_plain_characters():
    assert settle_json("{'setup': '北京', 'punchline': 'ü'}", JOKE) == ('{"setup": "北京", "punchline": "ü"}', None)


def test_a_valid_value_goes_before_one_that_must_be_put_right():
    assert settled("{'setup': 'a', 'punchline': 'b'}\n" + GOOD + "\n{'setup': 'c', 'punchline': 'd'}") == json.loads(
        GOOD
    )


@pytest.mark.parametrize("text", ["I cannot do that.", "", "   "])
def test_an_answer_without_json_is_returned_with_the_problem(text):
    assert settle_json(text, JOKE) == (text.strip(), "the answer holds no JSON")


def test_of_invalid_values_the_largest_is_returned_with_what_is_wrong():
    text, problem = settle_json('{"setup": "a long one"} and {"setup": "a"}', JOKE)

    assert text == '{"setup": "a long one"}'
    assert "punchline" in problem
    assert "\n" not in problem


def test_for_text_nothing_is_touched():
    assert settle_json(" a\n", {"type": "text"}) == (" a\n", None)
    assert settle_json(" a\n", None) == (" a\n", None)


@pytest.mark.parametrize(
    "text", ['{"a": 1}', 'Sure: {"a": 1}', '```\n{"a": 1}\n```', '{"a": 1}\nOr {} if there is none.']
)
def test_any_object_will_do_where_no_schema_is_given(text):
    assert settle_json(text, OBJECT) == ('{"a": 1}', None)


def test_a_list_is_no_object():
    assert settle_json("[1, 2]", OBJECT)[1] is not None


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "Sure:\n```json\n[1, 2]\n```", [1, 2]),
        ({"type": "array", "items": JOKE_SCHEMA}, f'{{"jokes": [{GOOD}]}}', [json.loads(GOOD)]),
        ({"type": "integer"}, "```json\n42\n```", 42),
        ({"type": "integer"}, "42", 42),
        ({"type": "string"}, '"a"', "a"),
        ({"type": "string"}, "plain {text}", "plain {text}"),
        ({"enum": ["red", "green"]}, "red", "red"),
        ({"type": "boolean"}, "True", True),
        ({}, "true", True),
        ({}, "It is [1, 2].", [1, 2]),
        (True, '{"a": 1}', {"a": 1}),
    ],
)
def test_values_that_are_no_objects(schema, text, value):
    assert settled(text, schema_form(schema)) == value


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', "{'a': undefined}"])
def test_what_json_does_not_know_is_not_let_through(text):
    assert settled(text, OBJECT) == {"a": None}


HOSTILE = [
    "{",
    "[",
    '{"',
    '{"a":',
    '{"a":[',
    "[{",
    '"',
    "\\",
    "{'",
    "```json\n{",
    "{}",
    '{"a": 1}',
    "}",
    '{"setup": "',
    "{ ",
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("form", [JOKE, OBJECT, schema_form({}), schema_form({"type": "string"})])
def test_hostile_answers_are_settled(piece, form):
    text, problem = settle_json(piece * (100_000 // len(piece)), form)

    assert isinstance(text, str)
    assert problem is None or len(problem) <= 500


@given(st.text(alphabet="{}[]\",:\\`\n abtruefalsn01'", max_size=60))
@settings(deadline=None, max_examples=300)
def test_whatever_is_said_to_be_settled_is_an_object(text):
    answer, problem = settle_json(text, OBJECT)

    assert problem is not None or isinstance(json.loads(answer), dict)


# The strict scanner

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)
WRITTEN = st.sampled_from([{}, {"indent": 1}, {"ensure_ascii": False}, {"separators": (",", ":")}])


@given(OBJECTS | st.lists(VALUES, max_size=4), WRITTEN, st.text(max_size=3))
@settings(deadline=None, max_examples=300)
def test_strict_json_is_followed_to_its_very_end(value, style, after):
    text = json.dumps(value, **style)
    scanner = StrictScanner()

    assert scanner.feed(text + after) == len(text)
    assert (scanner.done, scanner.failed, scanner.safe, scanner.closers) == (True, False, len(text), "")


@given(OBJECTS, WRITTEN, st.data())
@settings(deadline=None, max_examples=300)
def test_what_is_safe_can_always_be_closed_and_carried_on_to_the_whole_value(value, style, data):
    text = json.dumps(value, **style)
    scanner = StrictScanner()
    scanner.feed(text[: data.draw(st.integers(0, len(text)))])
    safe = text[: scanner.safe]

    if safe:
        json.loads(safe + scanner.closers)
        assert json.loads(safe + rest_of(safe, scanner.closers, value)) == value


BROKEN = [
    "x", "}", "'a'", "{'a': 1}", "{a: 1}", '{"a" 1}', '{"a": 1,}', '{"a": 1 "b": 2}', "[1,]", "[1 2]", "[01]", "[1.]", "[-]",
    "[+1]", "[.5]", "[1e]", "[tru]", "[True]", "[nul]", "[truefalse]", "[NaN]", '["\n"]', '["\\x"]', '["\\u12g4"]', "[1}", '{"a": 1]',
    '{"a": }', "{,}", "[,]", '{"a": // b\n1}', "{1: 2}", '{"a": 1;}', "[\u00a01]", "[" + "1" * 400 + "]",
]  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
def test_what_strict_json_does_not_allow_is_noticed(text):
    scanner = StrictScanner()
    scanner.feed(text + " ")

    assert scanner.failed
    assert not scanner.done


@given(st.text(alphabet='{}[]",:\\\n tr01u', max_size=30))
@settings(deadline=None, max_examples=300)
def test_the_scanner_and_the_parser_of_the_standard_library_agree(text):
    scanner = StrictScanner()
    taken = scanner.feed(text)
    try:
        value, end = json.JSONDecoder().raw_decode(text.lstrip(" \n\t\r"))
    except ValueError:
        assert not scanner.done
    else:
        if isinstance(value, dict | list):
            assert (scanner.done, taken) == (True, end + len(text) - len(text.lstrip(" \n\t\r")))


def test_values_that_are_nested_too_deeply_are_not_followed():
    scanner = StrictScanner()

    assert scanner.feed("[" * 1000) == MAX_DEPTH
    assert scanner.failed


# Answers that come in pieces


@pytest.mark.parametrize("before", ["", "\n", "Sure: ", "```json\n", "Here [1]:\n\n```json\n", "```\n\n  "])
@pytest.mark.parametrize("after", ["", "\n```", "\n```\nHope it helps {x}.", " Bye", GOOD])
def test_the_bare_value_comes_through_as_it_is(before, after):
    assert streamed(before + GOOD + after) == (GOOD, "", None)


def test_the_characters_of_strings_come_as_they_are_said():
    answer = JSONAnswer(JOKE)

    came = [
        answer.feed(piece) for piece in ('{"se', 'tup":', ' "W', "hy", "?", '"', ', "punch', 'line": "', "So", '"', "}")
    ]

    assert came == ["", "", '{"setup": "W', "hy", "?", "", "", '", "punchline": "', "So", "", '"}']
    assert answer.close() == ("", None)


def test_numbers_and_words_come_when_they_are_whole():
    answer = JSONAnswer(OBJECT)

    assert [answer.feed(piece) for piece in ('{"a": 1', "2", ', "b": tr', "ue", "}")] == [
        "",
        "",
        '{"a": 12',
        "",
        ', "b": true}',
    ]


def test_an_escape_comes_when_it_is_whole_and_half_a_character_with_its_other_half():
    answer = JSONAnswer(OBJECT)
    answer.feed('{"a": "')

    came = [answer.feed(piece) for piece in ("\\", "n\\u00e", "4\\ud83d", "\\ude0", "0", "x")]

    assert came == ["", "\\n", "\\u00e4", "", "\\ud83d\\ude00", "x"]


@pytest.mark.parametrize(
    "text",
    [
        '{"joke": ' + GOOD + "}",
        "[" + GOOD + "]",
        "In {braces}: " + GOOD,
        '{"properties": {}} no: ' + GOOD,
        "{} no: " + GOOD,
    ],
)
def test_nothing_comes_early_when_the_first_bracket_begins_something_else(text):
    assert streamed(text) == ("", GOOD, None)


def test_prose_without_json_comes_whole_at_the_end_with_the_problem():
    assert streamed("I cannot.") == ("", "I cannot.", "the answer holds no JSON")


@pytest.mark.parametrize(
    ("text", "came", "value"),
    [
        ('{"setup": "a\nb", "punchline": "c"}', '{"setup": "a', {"setup": "a\nb", "punchline": "c"}),
        (
            '{"setup": "he said "hi" there", "punchline": "c"}',
            '{"setup": "he said ',
            {"setup": 'he said "hi" there', "punchline": "c"},
        ),
        ('{"setup": "a", "punchline": "c",}', '{"setup": "a", "punchline": "c', {"setup": "a", "punchline": "c"}),
        ('{"setup": "a", \'punchline\': "c"}', '{"setup": "a', {"setup": "a", "punchline": "c"}),
        ('{"setup": "a", "punchline": "c"', '{"setup": "a", "punchline": "c', {"setup": "a", "punchline": "c"}),
        ('{"setup": "a", "punchline": "c', '{"setup": "a", "punchline": "c', {"setup": "a", "punchline": "c"}),
        (
            '{"setup": "a", "punchline": "c"\n```\nBye',
            '{"setup": "a", "punchline": "c',
            {"setup": "a", "punchline": "c"},
        ),
        (
            '{"rating": 3 // good\n, "setup": "a", "punchline": "c"}',
            '{"rating": 3',
            {"rating": 3, "setup": "a", "punchline": "c"},
        ),
        (
            '{"setup": "a", "punchline": "c", "rating": 3.}',
            '{"setup": "a", "punchline": "c',
            {"setup": "a", "punchline": "c", "rating": 3},
        ),
    ],
)
def test_from_the_first_mistake_on_all_is_held_and_put_right_at_the_end(text, came, value):
    first, rest, problem = streamed(text)

    assert (first, problem) == (came, None)
    assert json.loads(first + rest) == value


DEEP_SCHEMA = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
        "mood": {"anyOf": [{"enum": ["good", "bad"]}, {"type": "null"}]},
        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "$defs": {
        "Item": {"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "string"}}, "required": ["n"]}
    },
}


@pytest.mark.parametrize(
    ("text", "came", "value"),
    [
        (
            '{"setup": "a", "rating": "3", "punchline": "c"}',
            '{"setup": "a',
            {"setup": "a", "rating": 3, "punchline": "c"},
        ),
        ('{"setup": "a", "Punchline": "c"}', '{"setup": "a', {"setup": "a", "punchline": "c"}),
        ('{"setup": "a", "punchline": 3}', '{"setup": "a', {"setup": "a", "punchline": "3"}),
    ],
)
def test_what_the_schema_cannot_allow_is_held_and_put_right_at_the_end(text, came, value):
    first, rest, problem = streamed(text)

    assert (first, problem) == (came, None)
    assert json.loads(first + rest) == value


@pytest.mark.parametrize(
    ("text", "came"),
    [
        ('{"items": [{"n": 1, "t": "ab"}, {"n": 2}], "mood": "good", "more": {"x": 1}}', ...),
        ('{"items": [], "mood": null, "more": {}}', ...),
        ('{"items": [{"n": 1}, {"n": "2"}]}', '{"items": [{"n": 1}'),
        ('{"items": [{"n": 1.0, "t": "x"}]}', ""),
        ('{"items": [{"t": "x", "n": null}]}', '{"items": [{"t": "x'),
        ('{"items": [{"t": "x"}]}', '{"items": [{"t": "x'),
        ('{"items": {"n": 1}}', ""),
        ('{"items": [], "mood": "Good"}', '{"items": []'),
        ('{"items": [], "mood": true}', '{"items": []'),
        ('{"items": [], "other": 1}', '{"items": []'),
    ],
)
def test_types_keys_and_options_are_followed_into_the_value(text, came):
    first, rest, problem = streamed(text, schema_form(DEEP_SCHEMA))

    assert first == (text if came is ... else came)
    assert problem is not None or json.loads(first + rest)


def test_what_the_schema_allows_against_all_expectation_stays_as_it_was_written():
    text = '{"setup": "a",\n"note": 1e0, "punchline": "c"}'

    assert streamed(text + " Bye") == ('{"setup": "a', text.removeprefix('{"setup": "a'), None)


def test_a_mistake_that_is_out_already_is_a_problem():
    short = schema_form({"type": "object", "properties": {"a": {"type": "string", "maxLength": 2}}})

    first, rest, problem = streamed('{"a": "much"}', short)

    assert (first, rest) == ('{"a": "much"}', "")
    assert "a: expected at most 2 characters" in problem


def test_what_is_missing_is_a_problem_and_the_text_is_json_all_the_same():
    first, rest, problem = streamed('{"setup": "a')

    assert json.loads(first + rest) == {"setup": "a"}
    assert "punchline" in problem


def test_a_value_that_stops_making_sense_is_returned_as_it_is():
    answer, rest, problem = streamed('{"setup": "a", "punchline": "b" "setup": "z" }')

    assert answer + rest == '{"setup": "a", "punchline": "b" "setup": "z" }'
    assert problem is not None


@pytest.mark.parametrize(
    ("schema", "text", "came", "rest"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "[1, 2]", "[1, 2]", ""),
        ({"type": "array", "items": {"type": "integer"}}, "Sure:\n```json\n[1, 2]\n```", "[1, 2]", ""),
        ({"type": "array", "items": {"type": "integer"}}, "As [1] says: [1, 2]", "", "[1, 2]"),
        ({"type": "array", "items": JOKE_SCHEMA}, f'{{"jokes": [{GOOD}]}}', "", f"[{GOOD}]"),
        ({"type": "array"}, "[]", "[]", ""),
        ({"type": "string"}, '"a {b}"', "", '"a {b}"'),
        ({"type": "integer"}, "It is:\n```json\n42\n```", "", "42"),
        ({}, '{"a": 1}', '{"a": 1}', ""),
    ],
)
def test_other_values_come_early_where_it_is_plain_that_they_begin(schema, text, came, rest):
    assert streamed(text, schema_form(schema)) == (came, rest, None)


def test_text_passes_where_no_json_is_asked_for():
    assert streamed("a {b", {"type": "text"}) == ("a {b", "", None)


SAID = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", '"', ":", ", ", "\n", " ", "```json\n", "```", "\\", "\\u00e4", "\\ud83d\\ude00", "Sure", "'", "1", "2.5", "true",
         '"setup"', '"setup": ', '"punchline": ', '"a"', '"rating": 3', GOOD, '{"setup": "a', "//x\n", "é"]
    ),
    max_size=14,
).map("".join)  # fmt: skip
ASKED = [JOKE, OBJECT, schema_form({}), schema_form({"type": "array"}), schema_form({"type": "string"})]
FORMS = st.sampled_from([*ASKED, None])


@given(SAID, FORMS, st.lists(st.integers(1, 7), min_size=1, max_size=10))
@settings(deadline=None, max_examples=300)
def test_any_cutting_into_pieces_gives_the_same(text, form, sizes):
    answer, at, came = JSONAnswer(form), 0, []
    for number in range(len(text)):
        size = sizes[number % len(sizes)]
        came.append(answer.feed(text[at : at + size]))
        at += size
    pieces = ("".join(came), *answer.close())

    assert pieces == streamed(text, form, size=max(1, len(text)))


@given(SAID, st.sampled_from(ASKED))
@settings(deadline=None, max_examples=300)
def test_without_a_problem_the_whole_is_strict_json_that_the_schema_allows(text, form):
    came, rest, problem = streamed(text, form, size=3)

    if problem is None:
        assert settle_json(came + rest, form) == (came + rest, None)


@pytest.mark.parametrize("piece", [*HOSTILE, '{"setup": "a"', '{"setup": 1', " ", '{"setup": ' + " "])
@pytest.mark.parametrize("form", [JOKE, OBJECT, schema_form({"type": "array"})])
def test_hostile_answers_in_pieces_come_to_an_end(piece, form):
    came, rest, _ = streamed('{"setup": "' + piece * (20_000 // len(piece)), form, size=7)

    assert isinstance(came + rest, str)


def test_each_character_is_looked_at_a_bounded_number_of_times(monkeypatch):
    looked = []
    feed = StrictScanner.feed
    monkeypatch.setattr(StrictScanner, "feed", lambda self, text: looked.append(len(text)) or feed(self, text))

    streamed('{"setup": ' + " " * 5000 + '"' + "a" * 5000 + '", "' + "k" * 5000, size=3)

    assert sum(looked) <= 15_100
