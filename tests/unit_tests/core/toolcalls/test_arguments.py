"""A call's arguments: right ones stay as they are, wrong ones are repaired where it is plain, all others are named."""

from __future__ import annotations

import copy
import inspect
import json
import subprocess
import sys

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.events import InvalidToolCall, ToolCall
from g4f_integrations.core.toolcalls import budget
from g4f_integrations.core.toolcalls.arguments import repair_value, settle_call
from g4f_integrations.core.toolcalls.quick_check import compile_check

fuzz = settings(deadline=None, max_examples=150)

INTEGER, NUMBER, STRING, BOOLEAN, NULL = ({"type": name} for name in ("integer", "number", "string", "boolean", "null"))


def array_of(items, **more):
    return {"type": "array", "items": items, **more}


def object_of(*required, closed=False, **properties):
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {**schema, "additionalProperties": False} if closed else schema


def field(schema, **more):
    """An object with one optional field."""
    return {"type": "object", "properties": {"a": schema}, **more}


WEATHER = object_of(
    "city",
    city=STRING,
    days={**INTEGER, "minimum": 1},
    unit={"enum": ["celsius", "fahrenheit"]},
    hours={"anyOf": [array_of(INTEGER), NULL], "default": None},
)


def tool(schema, name="get_weather"):
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def settled(arguments, schema=WEATHER):
    """The arguments of the valid call that comes of these."""
    call = settle_call("a1b2c3d4e", "get_weather", arguments, [tool(schema)])
    assert isinstance(call, ToolCall), call
    return call.arguments


def refused(arguments, schema=WEATHER, name="get_weather"):
    call = settle_call("a1b2c3d4e", name, arguments, [tool(schema)])
    assert isinstance(call, InvalidToolCall), call
    return call


# Valid arguments.


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (WEATHER, {"city": "Köln", "days": 3, "unit": "celsius", "hours": [1, 2], "extra": {"kept": [None]}}),
        (WEATHER, {"city": "Köln", "hours": None}),
        ({}, {"anything": [1, {"goes": None}]}),
        (field({"oneOf": [INTEGER, array_of(STRING)]}), {"a": ["x"]}),
        (field({"type": ["string", "null"]}), {"a": None}),
        (field({"type": "string", "nullable": True}), {"a": None}),
        (field({**STRING, "format": "uri"}), {"a": "https://en.wikipedia.org/wiki/Go_(game)"}),
        (field(True), {"a": object}),
    ],
)
def test_valid_arguments_stay_the_same_object(schema, value):
    before = copy.copy(value)

    assert settled(value, schema) is value
    assert value == before


@pytest.mark.parametrize(
    "text", ["123", "true", "null", '{"a": 1}', "[1]", "", " x ", "None", "3.0", "[a](http://b)", "'q'", "007"]
)
@pytest.mark.parametrize("wanted", [STRING, {"type": ["string", "integer", "null"]}, {"anyOf": [INTEGER, STRING]}, {}])
def test_a_string_that_may_be_a_string_is_never_touched(text, wanted):
    assert settled({"a": text}, field(wanted)) == {"a": text}
    assert settled(json.dumps({"a": text}), field(wanted)) == {"a": text}
    assert settled({"a": [{"b": text}]}, field(array_of(object_of(b=wanted)))) == {"a": [{"b": text}]}


# The forms in which arguments come.


@pytest.mark.parametrize(
    "arguments",
    [
        {"city": "Köln", "days": 3},
        '{"city": "Köln", "days": 3}',
        "{'city': 'Köln', days: 3,} // so",
        json.dumps(json.dumps({"city": "Köln", "days": 3})),
        json.dumps(json.dumps(json.dumps({"city": "Köln", "days": 3}))),
        r"{\"city\": \"Köln\", \"days\": 3}",
        '{"city": "Köln", "days": 3',
        [{"city": "Köln", "days": 3}],
        {"arguments": {"city": "Köln", "days": 3}},
        '{"parameters": {"city": "Köln", "days": 3}}',
        {"parameters": '{"city": "Köln", "days": "3"}'},
        {"name": "get_weather", "arguments": {"city": "Köln", "days": 3}},
    ],
)
def test_arguments_are_read_in_every_form(arguments):
    assert settled(arguments) == {"city": "Köln", "days": 3}


@pytest.mark.parametrize("arguments", [None, "", "  ", {}, "{}", "null", '""'])
def test_no_arguments_are_an_empty_object(arguments):
    assert settled(arguments, {}) == {}
    assert settled(arguments, object_of(a=INTEGER)) == {}


@pytest.mark.parametrize(
    ("schema", "arguments", "meant"),
    [
        (object_of("q", q=STRING), "Köln am Rhein", {"q": "Köln am Rhein"}),
        (object_of("q", q=STRING), '"Köln"', {"q": "Köln"}),
        (object_of("q", q=STRING), "007", {"q": "007"}),
        (object_of("q", q=STRING), "true", {"q": "true"}),
        (object_of("q", q=STRING), 7, {"q": "7"}),
        (object_of(n=INTEGER), "7", {"n": 7}),
        (object_of(n=INTEGER), 7, {"n": 7}),
        (object_of(n={"anyOf": [INTEGER, NULL]}), "7", {"n": 7}),
        (object_of(ids=array_of(INTEGER)), [1, 2], {"ids": [1, 2]}),
        (object_of(ids=array_of(INTEGER)), '["1", 2]', {"ids": [1, 2]}),
        (object_of(rows=array_of(object_of("x", x=INTEGER))), [{"x": "1"}], {"rows": [{"x": 1}]}),
        (WEATHER, "Köln", {"city": "Köln"}),
    ],
)
def test_a_bare_value_is_that_of_the_only_parameter(schema, arguments, meant):
    assert settled(arguments, schema) == meant


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        (object_of(arguments=object_of(a=INTEGER)), {"arguments": {"a": 1}}),
        (object_of(a=INTEGER, parameters={}), {"parameters": {"a": 1}}),
        ({"type": "object", "additionalProperties": True, "properties": {"a": INTEGER}}, {"parameters": {"a": 1}}),
        ({}, {"arguments": {"a": 1}}),
        (object_of(name=STRING, a=INTEGER), {"name": "x", "arguments": {"a": 1}}),
        (object_of(a=INTEGER), {"arguments": {"a": 1}, "b": 2}),
        (object_of(a=INTEGER), {"arguments": "no object"}),
    ],
)
def test_what_may_be_a_parameter_is_not_unwrapped(schema, arguments):
    assert settled(arguments, schema) == arguments


# Repairs.


@pytest.mark.parametrize(
    ("schema", "wrong", "right"),
    [
        # numbers, booleans, null
        (INTEGER, "3", 3),
        (INTEGER, " -3 ", -3),
        (INTEGER, "+007", 7),
        (INTEGER, "3.0", 3),
        (INTEGER, "1e3", 1000),
        (INTEGER, 3.0, 3),
        (NUMBER, "3", 3),
        (NUMBER, "3.5", 3.5),
        (STRING, 3, "3"),
        (STRING, 3.5, "3.5"),
        (STRING, True, "true"),
        (BOOLEAN, "true", True),
        (BOOLEAN, "False", False),
        (BOOLEAN, "yes", True),
        (BOOLEAN, "off", False),
        (BOOLEAN, 1, True),
        (NULL, "None", None),
        ({"type": ["integer", "null"]}, "null", None),
        ({"type": ["integer", "null"]}, "", None),
        ({"type": ["integer", "null"]}, "4", 4),
        ({"type": "int"}, "4", 4),
        ({"type": "STRING"}, 4, "4"),
        # arrays and objects
        (array_of(INTEGER), "[1, 2]", [1, 2]),
        (array_of(INTEGER), "['1', 2,]", [1, 2]),
        (array_of(STRING), "x", ["x"]),
        (array_of(STRING), "x, y", ["x, y"]),
        (array_of(STRING), 5, ["5"]),
        (array_of(STRING), "", []),
        (array_of(INTEGER), "1, 2", [1, 2]),
        (array_of({"enum": ["x", "y"]}), "X, y", ["x", "y"]),
        (array_of(STRING, minItems=2), "x,y", ["x", "y"]),
        (array_of(object_of("b", b=INTEGER)), {"b": "1"}, [{"b": 1}]),
        (array_of(object_of("b", b=INTEGER)), '{"b": "1"}', [{"b": 1}]),
        (array_of(array_of(INTEGER)), [["1"], "[2]"], [[1], [2]]),
        (object_of("b", b=INTEGER), '{"b": 1}', {"b": 1}),
        (object_of("b", b=INTEGER), "{b: '1'}", {"b": 1}),
        # options
        ({"enum": ["celsius", "fahrenheit"]}, " CELSIUS", "celsius"),
        ({"enum": ["in progress", "done"]}, "in_progress", "in progress"),
        ({"type": "string", "enum": ["a", "b"]}, "B", "b"),
        ({"enum": [1, 2]}, "2", 2),
        ({"enum": [True, None]}, "null", None),
        ({"const": "Fixed"}, "fixed", "Fixed"),
        # links
        ({**STRING, "format": "uri"}, "[site](https://x.y/z_(1))", "https://x.y/z_(1)"),
        ({**STRING, "format": "uri"}, "<https://x.y>", "https://x.y"),
        ({**STRING, "format": "path"}, "[`main.py`](src/main.py)", "src/main.py"),
        ({**STRING, "pattern": r"^[\w./]+$"}, "[main.py](src/main.py)", "src/main.py"),
        # choices
        ({"anyOf": [INTEGER, NULL]}, "5", 5),
        ({"anyOf": [INTEGER, NULL]}, "null", None),
        ({"anyOf": [array_of(INTEGER), INTEGER]}, "5", [5]),
        ({"oneOf": [BOOLEAN, INTEGER]}, "7", 7),
        ({"anyOf": [array_of(object_of("b", b=INTEGER)), object_of("b", b=INTEGER)]}, {"b": "1"}, {"b": 1}),
        (
            {"anyOf": [object_of("x", x=INTEGER, closed=True), object_of("y", y=INTEGER, closed=True)]},
            {"y": "1"},
            {"y": 1},
        ),
        ({"anyOf": [object_of(x=INTEGER, closed=True), object_of(y=INTEGER, closed=True)]}, {"y": "1"}, {"y": 1}),
        ({"allOf": [INTEGER, {"minimum": 2}]}, "2", 2),
    ],
)
def test_a_field_is_repaired(schema, wrong, right):
    repaired = settled({"a": wrong, "kept": "3"}, field(schema))

    assert repaired == {"a": right, "kept": "3"}
    assert type(repaired["a"]) is type(right)


@pytest.mark.parametrize(
    ("schema", "wrong", "right"),
    [
        # null
        (object_of(a=INTEGER), {"a": None}, {}),
        (object_of(a={"enum": ["x"]}, b=STRING), {"a": None, "b": "y"}, {"b": "y"}),
        (object_of(a={"anyOf": [INTEGER, STRING]}), {"a": None}, {}),
        (object_of("a", a={**INTEGER, "default": 3}), {"a": None}, {"a": 3}),
        (object_of(a=object_of(b=INTEGER)), {"a": {"b": None}}, {"a": {}}),
        # keys
        (object_of("file_path", file_path=STRING), {"filePath": "x"}, {"file_path": "x"}),
        (object_of("filePath", filePath=STRING, closed=True), {"file_path": "x"}, {"filePath": "x"}),
        (object_of(file_path=STRING, closed=True), {"File-Path": "x"}, {"file_path": "x"}),
        (object_of(a=STRING, closed=True), {"a": "x", "A": "y"}, {"a": "x"}),
        (object_of(a=STRING, closed=True), {"a": "x", "thought": "hm"}, {"a": "x"}),
        (object_of(closed=True), {"dummy": 1}, {}),
        (object_of("n_items", n_items=INTEGER), {"nItems": "3"}, {"n_items": 3}),
        # defaults
        (object_of("a", a={**INTEGER, "default": 4}, b={"default": 5}), {}, {"a": 4}),
        (object_of("a", a={"default": []}), {}, {"a": []}),
        # references
        (
            {**object_of(a={"$ref": "#/$defs/A"}), "$defs": {"A": object_of("b", b=array_of(INTEGER))}},
            {"a": {"b": "[1]"}},
            {"a": {"b": [1]}},
        ),
        (
            {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "definitions": {"A": INTEGER},
                **object_of(a={"$ref": "#/definitions/A"}),
            },
            {"a": "1"},
            {"a": 1},
        ),
        (
            {
                "$ref": "#/$defs/N",
                "$defs": {"N": object_of("v", v=INTEGER, next={"anyOf": [{"$ref": "#/$defs/N"}, NULL]})},
            },
            {"v": "1", "next": {"v": "2", "next": {"v": 3, "next": None}}},
            {"v": 1, "next": {"v": 2, "next": {"v": 3, "next": None}}},
        ),
    ],
)
def test_an_object_is_repaired(schema, wrong, right):
    before = copy.deepcopy(wrong)

    assert settled(wrong, schema) == right
    assert wrong == before


def test_a_repaired_default_is_nobody_elses():
    schema = object_of("a", a={"default": []})
    settled({}, schema)["a"].append(1)

    assert settled({}, schema) == {"a": []}


def test_a_bare_value_can_be_repaired_too():
    assert repair_value("3", INTEGER) == (3, [])
    assert repair_value('{"a": "1"}', field(INTEGER)) == ({"a": 1}, [])


# What cannot be repaired.


@pytest.mark.parametrize(
    ("schema", "wrong", "error"),
    [
        (WEATHER, {}, "city: is required but missing"),
        (WEATHER, {"city": None}, "city: expected string, found null"),
        (WEATHER, {"city": "x", "days": "soon"}, 'days: expected integer, found "soon"'),
        (WEATHER, {"city": "x", "days": "0"}, "days: expected at least 1, found 0"),
        (WEATHER, {"city": "x", "unit": "K"}, 'unit: expected one of "celsius", "fahrenheit", found "K"'),
        (WEATHER, {"city": {"name": "x"}}, "city: expected string, found an object with name"),
        (WEATHER, {"city": "x", "hours": ["a"]}, 'hours[0]: expected integer, found "a"'),
        (WEATHER, {"city": "x", "hours": True}, "hours: expected array or null, found true"),
        (field(INTEGER), {"a": "3.5"}, 'a: expected integer, found "3.5"'),
        (field(INTEGER), {"a": True}, "a: expected integer, found true"),
        (field({"enum": ["a b", "a_b"]}), {"a": "A-B"}, 'a: expected one of "a b", "a_b", found "A-B"'),
        (field(array_of(INTEGER)), {"a": "[1, x"}, 'a[1]: expected integer, found "x"'),
        (field({**STRING, "pattern": "^x"}), {"a": "y"}, 'a: expected a match of "^x", found "y"'),
        (field({"type": ["integer", "null"]}), {"a": "x" * 99}, f'a: expected integer or null, found "{"x" * 39}…"'),
        (
            field(
                {
                    "oneOf": [
                        object_of("k", "n", k={"const": "x"}, n=INTEGER),
                        object_of("k", "m", k={"const": "y"}, m=INTEGER),
                    ]
                }
            ),
            {"a": {"k": "y", "m": "?"}},
            'a.m: expected integer, found "?"',
        ),
        (object_of("a", a=object_of("b", b=INTEGER)), {"a": {}}, "a.b: is required but missing"),
    ],
)
def test_what_is_wrong_is_said_with_path_wish_and_finding(schema, wrong, error):
    call = refused(wrong, schema)

    assert call.error == error
    assert json.loads(call.arguments) == wrong


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ('{"city" "x"}', "the arguments are no JSON: A colon is missing at character 8"),
        ("[1, 2]", "city: expected string, found an array of 2 items"),
    ],
)
def test_arguments_that_are_no_object_are_refused_as_they_were_given(arguments, error):
    call = refused(arguments)

    assert (call.arguments, call.error) == (arguments, error)


def test_a_bare_value_for_a_tool_of_several_parameters_is_refused():
    assert refused("7", object_of(a=INTEGER, b=INTEGER)).error == "expected an object of arguments, found 7"
    assert refused("so what", object_of(a=STRING, b=STRING)).error.startswith("the arguments are no JSON")


def test_an_error_is_one_short_line_with_three_problems_at_most():
    schema = object_of(*(f"field_{n}" for n in range(9)), **{f"field_{n}": {"enum": ["z" * 99] * 9} for n in range(9)})
    error = refused({f"field_{n}": "line\n" * 1000 for n in range(9)}, schema).error

    assert error.count("expected") <= 3
    assert error.endswith("; and 6 more")
    assert len(error) <= 300
    assert "\n" not in error


def test_arguments_of_more_than_a_mebibyte_are_refused():
    call = refused('{"city": "' + "x" * (1 << 20) + '"}')

    assert call.error == "the arguments are longer than 1 MiB"
    assert len(call.arguments) == 1000


def test_an_unknown_name_is_answered_with_the_known_ones():
    tools = [tool({}, f"tool_number_{n}") for n in range(12)]
    call = settle_call("a1b2c3d4e", "nope", {"a": 1}, tools, 2)

    assert call == InvalidToolCall("a1b2c3d4e", "nope", '{"a": 1}', call.error, 2)
    assert call.error.startswith('there is no tool "nope"; the tools are tool_number_0, tool_number_1')
    assert call.error.endswith("tool_number_9 and 2 more")
    assert refused({}, name="x" * 9999).error.endswith("; the tools are get_weather")
    assert settle_call("a1b2c3d4e", "f", {}, []).error == 'there is no tool "f"; no tools were offered'


def test_a_call_gets_the_tools_own_name_and_keeps_id_and_choice():
    call = settle_call("a1b2c3d4e", "functions.getWeather:0", {"city": "x"}, [tool(WEATHER)], 3)

    assert call == ToolCall("a1b2c3d4e", "get_weather", {"city": "x"}, 3)


# Schemas that are broken or hostile.


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": 5},
        {"type": "object", "properties": {"a": {"type": 7}}},
        {"type": "object", "properties": {"a": {"type": "anything"}}},
        {"type": "object", "properties": {"a": {"type": "string", "required": True}}},
        {"type": "object", "required": "a"},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"enum": 1}}},
        {"enum": {}},
        {"type": "object", "properties": {"a": {"minimum": "x"}}},
        {"type": "object", "properties": {"a": {"anyOf": 3}}},
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"$ref": "#/$defs/missing"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "http://127.0.0.1:9/draft", "type": "object"},
        {"$id": "http://127.0.0.1:9/", "$ref": "other.json"},
        {"type": "object", "default": {1, 2}},
        {"patternProperties": {"(": {}}},
    ],
)
def test_a_broken_schema_forbids_nothing_and_is_never_fetched(schema):
    assert settled({"a": "x"}, schema) == {"a": "x"}


def test_a_schema_that_was_changed_is_read_anew():
    schema = field(INTEGER)
    first = settled({"a": "1"}, schema)
    schema["properties"]["a"] = STRING

    assert first == {"a": 1}
    assert settled({"a": "1"}, schema) == {"a": "1"}


def test_values_that_nest_too_deeply_are_refused():
    deep: dict = {}
    for _ in range(5000):
        deep = {"a": deep}
    loop: dict = {}
    loop["a"] = loop

    assert refused(deep, {}).error == "the value: nests deeper than 64 levels"
    assert refused(loop, {}).error == "the value: nests deeper than 64 levels"
    assert "deeper" in refused('{"a":' * 5000).error


def exploding(levels):
    """A choice of two references at every level: a checker that tries all of them needs 2 ** `levels` steps."""
    both = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**both, f"d{levels}": INTEGER}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (exploding(40), "x"),
        ({"type": "object", "additionalProperties": INTEGER}, {f"k{n}": str(n) for n in range(2000)}),
        (object_of(*(f"k{n}" for n in range(2000)), **{f"k{n}": INTEGER for n in range(2000)}), {}),
        (object_of(closed=True, **{f"k{n}": INTEGER for n in range(2000)}), {f"K_{n}": str(n) for n in range(2000)}),
        (array_of({"enum": [f"v{n}" for n in range(500)]}), ["V7"] * 500),
        ({"uniqueItems": True}, [{"n": n} for n in range(5000)]),
        (array_of(INTEGER), ["x"] * 60_000),
        (field(array_of(INTEGER)), {"a": "[" * 100_000}),
        (field(array_of({"enum": ["x"]})), {"a": "x," * 20_000}),
        ({"$ref": "#/$defs/a", "$defs": {"a": array_of({"$ref": "#/$defs/a"})}}, "[" * 30 + "x" + "]" * 30),
    ],
    ids=range(10),
)
def test_hostile_schemas_and_values_cost_no_more_than_their_size(schema, value):
    """Each of these would take minutes or for ever, were anything quadratic or worse."""
    _, problems = repair_value(value, schema)

    assert len(problems) <= 20


ENDLESS = {"$ref": "#/$defs/a", "$defs": {"a": array_of({"$ref": "#/$defs/a"})}}


@pytest.mark.parametrize("left", range(100, 900, 50))
def test_a_caller_near_the_end_of_the_stack_gets_an_answer_and_no_crash(left, capfd):
    """Libraries below jsonschema panic there, with an exception that `except Exception` does not catch."""

    def deep_down(frames):
        return deep_down(frames - 1) if frames > 0 else repair_value("[" * 30 + "x" + "]" * 30, ENDLESS)

    used = len(inspect.stack(0))
    value, problems = deep_down(sys.getrecursionlimit() - used - left)

    assert value[:1] == "["
    assert len(problems) <= 1
    assert capfd.readouterr().err == ""


def test_a_value_too_large_to_be_checked_is_refused_and_a_schema_that_cannot_be_is_not(monkeypatch):
    nothing = {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [array_of({"$ref": "#/$defs/a"}), object_of(), INTEGER]}}}
    monkeypatch.setattr(budget, "_MOST", 2_000)

    _, problems = repair_value([[["x"] * 11] * 11] * 11, nothing)

    assert problems == ["the value: is made of 1464 values, too many to look for what is wrong"]
    assert repair_value("x", exploding(40)) == ("x", [])


def test_what_is_wrong_is_told_though_the_repair_was_given_up(monkeypatch):
    monkeypatch.setattr(budget, "_MOST", 3_000)

    value, problems = repair_value({"a": ["1"] * 900}, field(array_of(INTEGER)))

    assert value == {"a": ["1"] * 900}
    assert problems[0] == 'a[0]: expected integer, found "1"'


def test_right_arguments_do_not_load_jsonschema():
    code = (
        "import sys\n"
        "from g4f_integrations.core.toolcalls.arguments import settle_call\n"
        "parameters = {'type': 'object', 'properties': {'a': {'type': 'integer'}}}\n"
        "tools = [{'type': 'function', 'function': {'name': 'f', 'parameters': parameters}}]\n"
        "settle_call('a1b2c3d4e', 'f', {'a': 1}, tools)\n"
        "print('jsonschema' in sys.modules)\n"
        "settle_call('a1b2c3d4e', 'f', {'a': '1'}, tools)\n"
        "print('jsonschema' in sys.modules)\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert child.stdout.split() == ["False", "True"]


# Whatever the schema and the value.

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(-4, 4).map(lambda n: round(n * 2) / 2)
    | st.sampled_from(["", "a", "B", "3", "2.5", "true", "no", "null", "[1]", '{"a": 1}', "a, b", "[x](http://y)"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "aB", "a_b"]), inner, max_size=3)
    ),
    max_leaves=8,
)
types = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])


def _schemas(inner):
    properties = st.dictionaries(st.sampled_from(["a", "b", "aB", "a_b"]), inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
            "properties": properties,
            "required": st.lists(st.sampled_from(["a", "b", "a_b"]), max_size=2, unique=True),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=3),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "enum": st.lists(scalars, min_size=1, max_size=3),
            "const": scalars,
            "minimum": st.integers(-3, 3),
            "maxLength": st.integers(0, 5),
            "minItems": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "pattern": st.sampled_from(["^a", "^http", r"\d"]),
            "default": scalars,
        },
    )


schemas = st.recursive(st.fixed_dictionaries({"type": types}), _schemas, max_leaves=6)


def allows(schema, value):
    return jsonschema.Draft202012Validator(schema).is_valid(value)


def has_whole_floats(value):
    if isinstance(value, dict | list):
        return any(map(has_whole_floats, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value.is_integer()


@fuzz
@given(schemas, values)
def test_a_repaired_value_is_valid_and_a_valid_one_is_not_repaired(schema, value):
    before = copy.deepcopy(value)
    repaired, problems = repair_value(value, schema)

    assert value == before
    assert problems or allows(schema, repaired)
    if allows(schema, value) and not has_whole_floats(value):
        assert repaired is value
        assert not problems
    assert all(isinstance(problem, str) and "\n" not in problem for problem in problems)


@fuzz
@given(schemas, values)
def test_the_quick_check_says_yes_only_to_valid_values(schema, value):
    assert not compile_check(schema)(value) or allows(schema, value)


keywords = [
    "type",
    "properties",
    "required",
    "items",
    "anyOf",
    "enum",
    "$ref",
    "pattern",
    "minimum",
    "additionalProperties",
    "$id",
    "not",
    "if",
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["#", "#/anyOf/0", "object"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(keywords) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@fuzz
@given(anything, anything.filter(lambda schema: isinstance(schema, dict)), st.booleans())
def test_no_schema_and_no_arguments_raise(arguments, schema, encoded):
    given_arguments = json.dumps(arguments) if encoded else arguments
    call = settle_call("a1b2c3d4e", "get_weather", given_arguments, [tool(schema)])

    assert isinstance(call, ToolCall | InvalidToolCall)
    assert isinstance(call, ToolCall) or 0 < len(call.error) <= 300


@fuzz
@given(st.text(max_size=60))
def test_no_text_of_arguments_raises(text):
    call = settle_call("a1b2c3d4e", "get_weather", text, [tool(WEATHER)])

    assert isinstance(call, ToolCall) or call.arguments == text
