"""Which tool a model means by a name, and when nobody can say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.toolcalls.names import match_name, schema_of, tool_names


def tools_named(*names):
    return [{"type": "function", "function": {"name": name, "parameters": {}}} for name in names]


@pytest.mark.parametrize(
    ("name", "names", "meant"),
    [
        ("get_weather", ["get_weather", "getWeather"], "get_weather"),
        ("getWeather", ["get_weather", "getWeather"], "getWeather"),
        # what is put around a name
        ("functions.get_weather", ["get_weather"], "get_weather"),
        ("functions.get_weather:0", ["get_weather"], "get_weather"),
        ("function.get_weather", ["get_weather"], "get_weather"),
        ("tools.get_weather", ["get_weather"], "get_weather"),
        ("default_api.get_weather", ["get_weather"], "get_weather"),
        ("mcp__my_server__get_weather", ["get_weather"], "get_weather"),
        ("get_weather", ["mcp__srv__get_weather", "write"], "mcp__srv__get_weather"),
        ("`get_weather()`", ["get_weather"], "get_weather"),
        (" “get_weather” ", ["get_weather"], "get_weather"),
        # the same words, joined otherwise
        ("getWeather", ["get_weather"], "get_weather"),
        ("GetWeather", ["get-weather"], "get-weather"),
        ("Get Weather", ["get_weather"], "get_weather"),
        ("GET.WEATHER", ["get_weather"], "get_weather"),
        ("get_weather", ["getWeather"], "getWeather"),
        ("HTTPGet", ["http_get"], "http_get"),
        ("functions.getWeather:2", ["get_weather", "get_time"], "get_weather"),
        # a slip of the pen
        ("get_wether", ["get_weather", "get_time"], "get_weather"),
        ("get_weathers", ["get_weather"], "get_weather"),
        ("serach_web", ["search_web", "read_web"], "search_web"),
        ("get_the_weather", ["get_weather"], "get_weather"),
    ],
)
def test_a_name_is_known_in_another_spelling(name, names, meant):
    assert match_name(name, tools_named(*names)) == meant


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("get_weather", []),
        ("", ["get_weather"]),
        (" :0", ["get_weather"]),
        ("functions.", ["get_weather"]),
        ("send_mail", ["get_weather"]),
        # several fit
        ("Get Weather", ["get_weather", "getWeather"]),
        ("get_user", ["get_users", "get_userx"]),
        ("read", ["mcp__a__read", "mcp__b__read"]),
        # close in letters, far in meaning
        ("set_user", ["get_user"]),
        ("lock_door", ["unlock_door"]),
        ("unlockdoor", ["lock_door"]),
        ("restart_job", ["start_job"]),
        ("delete_item_2", ["delete_item_1"]),
        ("get_user", ["get_user_2"]),
    ],
)
def test_a_name_that_could_mean_nothing_or_several_tools_is_not_guessed(name, names):
    assert match_name(name, tools_named(*names)) is None


def test_very_long_names_match_only_exactly():
    name = "x" * 100_000

    assert match_name(name, tools_named(name)) == name
    assert match_name(name + "y", tools_named(name, "x" * 120)) is None


@settings(deadline=None)
@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=5))
def test_only_offered_names_come_out_and_exact_ones_always(name, names):
    meant = match_name(name, tools_named(*names))

    assert meant is None or meant in names
    assert meant == name or name not in names


def test_tools_without_a_name_are_passed_over():
    tools = [
        {"type": "function"},
        {"function": {"name": 5}},
        {"function": None},
        {"name": "bare"},
        *tools_named("a", "a"),
    ]

    assert tool_names(tools) == ("bare", "a")
    assert match_name("Bare", tools) == "bare"


def test_the_schema_of_a_tool_is_the_one_that_was_given():
    schema = {"type": "object"}
    tools = [*tools_named("a"), {"type": "function", "function": {"name": "b", "parameters": schema}}]

    assert schema_of("b", tools) is schema
    assert schema_of("B", tools) == {}
    assert schema_of("c", [{"function": {"name": "c", "parameters": None}}]) == {}
