"""JSON as models write it: what strict JSON accepts is read just so, and what it refuses is read where it is plain."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.toolcalls.tolerant_json import (
    BalanceScanner,
    UnreadableJSONError,
    find_end,
    loads,
    read_value,
)

fuzz = settings(deadline=None, max_examples=200)
SIZE = 1 << 15

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
sloppy_texts = st.text(alphabet="{}[]()\"'`“”’,:/*#\\ \n.…abtrue1-0xN", max_size=80)


def error_of(read, *args):
    with pytest.raises(UnreadableJSONError) as caught:
        read(*args)
    return caught.value


def read_or_refuse(read, text):
    """Where reading failed, or zero."""
    try:
        read(text)
    except UnreadableJSONError as error:
        return error.position
    return 0


# What strict JSON accepts.


@fuzz
@given(json_values, st.sampled_from([None, 0, 2]), st.booleans())
def test_strict_json_is_read_as_strict_json(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    assert loads(text) == json.loads(text)
    assert repr(loads(text)) == repr(json.loads(text))


@fuzz
@given(
    json_values.filter(lambda value: isinstance(value, dict | list | str)), st.text(max_size=20), st.text(max_size=20)
)
def test_a_value_ends_where_strict_json_ends_it_whatever_follows(value, before, after):
    text = json.dumps(value)

    assert read_value(before + text + after, len(before)) == (value, len(before) + len(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "a": 2}', {"a": 2}),
        (r'"\ud800"', "\ud800"),
        (r'"\ud83d\ude00"', "😀"),
        ('"“smart” ‘quotes’"', "“smart” ‘quotes’"),
        ('"a\nb\tc"', "a\nb\tc"),
        (' \ufeff {"a": 1} \n', {"a": 1}),
        ("-1.5e3", -1500.0),
        ('"//no comment # at all"', "//no comment # at all"),
        ("[NaN, Infinity, -Infinity]", [None, None, None]),
    ],
)
def test_what_needs_no_tolerance(text, value):
    assert loads(text) == value


def test_strict_json_may_be_longer_than_the_first_window():
    value = {"text": "x" * 5000, "items": [{"n": n, "t": 'a "quoted" \\ text'} for n in range(5000)]}
    text = json.dumps(value)

    assert read_value(f"see {text} there", 4) == (value, 4 + len(text))


# What needs tolerance.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # quotes
        ("{'a': 'b'}", {"a": "b"}),
        ("{'a': 'it's fine', 'b': 'don\\'t'}", {"a": "it's fine", "b": "don't"}),
        ("{“a”: “b”, ‘c’: ‘d’}", {"a": "b", "c": "d"}),
        ('{“a”: “b", "c": “say ”hi” now”}', {"a": "b", "c": "say ”hi” now"}),
        ("{`a`: `b`}", {"a": "b"}),
        ('{"a": """x\n"y" z"""}', {"a": 'x\n"y" z'}),
        ("{'a': '''it's'''}", {"a": "it's"}),
        # quotes inside strings
        ('{"a": "say "hi" now"}', {"a": 'say "hi" now'}),
        ('{"a": "say "hi", he said", "b": 1}', {"a": 'say "hi", he said', "b": 1}),
        ('{"sql": "SELECT "name", "id" FROM t"}', {"sql": 'SELECT "name", "id" FROM t'}),
        ('["say "hi" now", "x"]', ['say "hi" now', "x"]),
        ('{"code": "{\n  "a": 1,\n  "b": 2\n}"}', {"code": '{\n  "a": 1,\n  "b": 2\n}'}),
        ('{"f": "call("x") here", }', {"f": 'call("x") here'}),
        # commas
        ('{"a": 1, "b": [1, 2,],}', {"a": 1, "b": [1, 2]}),
        ('{"a": "x"\n "b": 2\n "c": {"d": 1}\n e: 4}', {"a": "x", "b": 2, "c": {"d": 1}, "e": 4}),
        ('{"a": "x" "b": 1 "c": true}', {"a": "x", "b": 1, "c": True}),
        ('["a"\n"b"\n3]', ["a", "b", 3]),
        ('[{"a": 1} {"b": 2}{"c": 3}]', [{"a": 1}, {"b": 2}, {"c": 3}]),
        ("[1,,2,]", [1, 2]),
        ("[,]", []),
        # comments
        ('{"a": 1, // one\n "b": 2 # two\n /* three */ }', {"a": 1, "b": 2}),
        ('{"a": "x" // it\'s "so"\n, "b": "http://x/#y"}', {"a": "x", "b": "http://x/#y"}),
        ("// first\n{a: b /* last */}", {"a": "b"}),
        # the end is missing
        ('{"a": {"b": [1, {"c": "d', {"a": {"b": [1, {"c": "d"}]}}),
        ('{"a": 1, "b":', {"a": 1, "b": None}),
        ('{"a": 1, "b', {"a": 1}),
        (r'{"a": "x\u12', {"a": "x"}),
        ('{"a": "x\\', {"a": "x"}),
        (r'{"a": "x\\', {"a": "x\\"}),
        ('{"a": 1 /* cut', {"a": 1}),
        ('[{"a": {"b": 1}]', [{"a": {"b": 1}}]),
        ("[1, 2, ...]", [1, 2]),
        ('{"a": 1, ...}', {"a": 1}),
        ("[1, …]", [1]),
        # words
        (
            "{a: None, b: True, c: false, d: undefined, e: NULL}",
            {"a": None, "b": True, "c": False, "d": None, "e": None},
        ),
        ("{a: NaN, b: -Infinity, c: nan}", {"a": None, "b": None, "c": None}),
        (
            "{city: New York, url: http://x.y/z?q=1, time: 10:30}",
            {"city": "New York", "url": "http://x.y/z?q=1", "time": "10:30"},
        ),
        ("{a: foo // bar\n}", {"a": "foo"}),
        ("[foo, bar baz, 5 apples]", ["foo", "bar baz", "5 apples"]),
        ('{"a": , "b": }', {"a": None, "b": None}),
        ("{data-id: 1, $x.y: 2, 3: 4, ключ: 5}", {"data-id": 1, "$x.y": 2, "3": 4, "ключ": 5}),
        ('{a": 1}', {"a": 1}),
        # numbers
        ("[0x1F, -0xff, +5, 007, .5, 5., 1_000, -.5e1]", [31, -255, 5, 7, 0.5, 5.0, 1000, -5.0]),
        ("[1.2.3, 2024-01-01, 0x, --1, ١]", ["1.2.3", "2024-01-01", "0x", "--1", "١"]),
        # escapes
        (r'{"a": "c:\dir\'s", }', {"a": r"c:\dir's"}),
        (r'["\d+\.\w", ]', [r"\d+\.\w"]),
        ('["a\\\nb", ]', ["ab"]),
        (r"['\x41\u00e9\ud83d\ude00\ud800\uZZ\"']", ['Aé😀\ud800\\uZZ"']),
        (r"{\"a\": \"b \\\"c\\\"\"}", {"a": 'b "c"'}),
        # Python
        ("{'p': (1, 2), 'q': (), 'r': (x, 'y')}", {"p": [1, 2], "q": [], "r": ["x", "y"]}),
        ("None", None),
        ("True", True),
        ("'it's'", "it's"),
        ('"say "hi" now"', 'say "hi" now'),
    ],
)
def test_sloppy_json_is_read_where_it_is_plain(text, value):
    assert loads(text) == value


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("  ", 2),
        ("hello", 0),
        ('{"a" "b"}', 5),
        ("{see below}", 5),
        ('{"a": 1} and more', 9),
        ('{"a": 1, ]}', 9),
        ("{[1]: 2}", 1),
        ("{a: = 1}", 4),
        ('"a" b', 4),
        ("[" * 65, 64),
        ("{" + '"a": {' * 100, 384),
    ],
)
def test_what_is_no_value_is_refused_with_the_place(text, position):
    assert error_of(loads, text).position == position


def test_strict_json_may_nest_deeper_than_sloppy_json():
    assert loads("[" * 100 + "]" * 100) == json.loads("[" * 100 + "]" * 100)


def test_a_sloppy_value_is_read_from_the_middle_of_prose():
    text = "I call it with {'a': 'b',} now, or {c: d}."

    assert read_value(text, 15) == ({"a": "b"}, 26)
    assert read_value(text, 35) == ({"c": "d"}, 41)


def test_numbers_too_long_to_be_meant_stay_text_or_are_refused():
    assert loads(f"[{'9' * 1000},]") == ["9" * 1000]
    assert error_of(loads, f"[{'9' * 5000}]").position == 1


@fuzz
@given(sloppy_texts)
def test_any_text_is_read_or_refused(text):
    for read in (loads, read_value):
        assert read_or_refuse(read, text) in range(len(text) + 3)


@fuzz
@given(json_values.filter(lambda value: isinstance(value, dict | list)))
def test_pythons_own_notation_is_read(value):
    assert loads(repr(value)) == value


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "{",
        '{"a":',
        '"',
        "'",
        "\\",
        "//",
        "/*",
        "#\n",
        ",",
        "...",
        '" ',
        '",',
        "' \"",
        '"a":"x" ',
        "1",
        "1.",
        "a ",
        "“",
        '"""',
        "\n",
    ],
)
@pytest.mark.parametrize("start", ["", '{"a": ', '{"a": "', "['"])
def test_hostile_text_is_read_in_linear_time(start, unit):
    """A quadratic reading of all these takes many minutes, so a slip shows without a clock."""
    text = start + unit * (SIZE // len(unit))

    assert read_or_refuse(loads, text) in range(len(text) + 3)
    assert read_or_refuse(read_value, text) in range(len(text) + 3)
    assert find_end(text, 0) is None or text[0] in "{[\"'`\u201c"


# Where a value ends.


@fuzz
@given(
    json_values.filter(lambda value: isinstance(value, dict | list | str)),
    st.text(max_size=10),
    st.lists(st.integers(0, 200)),
)
def test_the_end_of_strict_json_is_found_in_any_chunks(value, after, cuts):
    text = json.dumps(value)
    whole = text + after
    scanner, ends = BalanceScanner(), []
    places = [0, *sorted({cut for cut in cuts if cut < len(whole)}), len(whole)]
    for start, end in itertools.pairwise(places):
        found = scanner.feed(whole[start:end])
        ends.append(None if found is None else start + found)
        if found is not None:
            break

    assert find_end(whole, 0) == len(text)
    assert ends[-1] == len(text)


@fuzz
@given(sloppy_texts, st.sampled_from("{[\"'"))
def test_the_end_is_the_same_in_one_piece_and_in_single_characters(text, opener):
    text = opener + text
    scanner = BalanceScanner()
    singly = next((index + 1 for index, char in enumerate(text) if scanner.feed(char) is not None), None)

    assert singly == find_end(text, 0)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ('{"a": "}"} x', 10),
        ("{'a': 'it's }'} x", 15),
        ('{"a": "say "{" now"} x', 20),
        ("{“a”: “}”} x", 10),
        ('{"a": 1, // }\n "b": /* } */ 2} x', 30),
        ('{"a": 1 # }\n} x', 13),
        ("{url: http://x/} x", 16),
        ('"a}" x', 4),
        (r'"a\"b" x', 6),
        ('{"a": "open', None),
        ("[1, [2]", None),
        ("text", None),
        ("[" * 65 + "]" * 65, None),
    ],
)
def test_brackets_in_strings_and_comments_do_not_count(text, end):
    assert find_end(text, 0) == end


def test_a_scanner_says_when_no_end_will_come():
    deep, other = BalanceScanner(), BalanceScanner()
    deep.feed("[" * 65)
    other.feed("no value")

    assert deep.failed
    assert other.failed
    assert not BalanceScanner().failed
