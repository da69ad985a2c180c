"""A model's settings and one call's arguments → what the engine is asked."""

import copy
from typing import TypedDict

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from g4f_integrations import Resilience
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.langchain._calls import prepare_call
from loopback import Reply

URL = "http://127.0.0.1:1337/v1"
OTHER_URL = "http://127.0.0.1:1338/v1"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Weather(BaseModel):
    """The weather of a place."""

    place: str


def prepared(model, /, *, stop=None, stream=False, **arguments):
    return prepare_call(model, [HumanMessage("hi")], stop, arguments, stream=stream)


def test_parameters_that_nobody_set_are_absent():
    assert prepared(ChatG4F(temperature=0.0, seed=1)).request.params == {"temperature": 0.0, "seed": 1}


def test_a_calls_parameter_wins_and_none_takes_one_back():
    model = ChatG4F(temperature=0.2, seed=1, model_kwargs={"top_k": 3})

    assert prepared(model, temperature=0.9, seed=None, top_k=4).request.params == {"temperature": 0.9, "top_k": 4}


def test_what_is_no_field_goes_to_the_route():
    assert prepared(ChatG4F(), aspect_ratio="16:9").request.params == {"aspect_ratio": "16:9"}


def test_further_parameters_of_a_call_stand_beside_those_of_the_model():
    model = ChatG4F(model_kwargs={"top_k": 3, "min_p": 0.1})

    params = prepared(model, model_kwargs={"top_k": 4, "user": "u", "max_completion_tokens": 5}).request.params

    assert params == {"top_k": 4, "min_p": 0.1, "user": "u", "max_tokens": 5}


def test_a_call_can_state_the_window_or_leave_it_open():
    model = ChatG4F(context_window=8_000)

    assert prepared(model).request.context_window == 8_000
    assert prepared(model, context_window=500).request.context_window == 500
    assert prepared(model, context_window=None).request.context_window is None


@pytest.mark.parametrize("arguments", [{"context_window": 0}, {"context_window": "wide"}, {"model_kwargs": ["top_k"]}])
def test_a_setting_of_the_wrong_kind_is_named(arguments):
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        prepared(ChatG4F(), **arguments)


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_what_only_a_model_can_be_set_to_reaches_no_route_and_is_named(loopback, way):
    loopback.replies(Reply.chat("ok"))
    model = ChatG4F(base_url=loopback.base_url, model="m")

    answer = getattr(model, way)("hi", output_version="v1", disable_streaming=True)
    last = answer if way == "invoke" else list(answer)[-1]

    assert not loopback.requests[0].body.keys() & {"output_version", "disable_streaming"}
    assert last.response_metadata["g4f"]["dropped"] == ["output_version", "disable_streaming"]


def test_langchains_own_arguments_do_not_reach_the_route():
    call = prepared(ChatG4F(), ls_structured_output_format={"schema": {}}, stream=True)

    assert dict(call.request.params) == {}


@pytest.mark.parametrize(("given", "expected"), [(None, ("a",)), ([], ()), (["b"], ("b",)), ("bc", ("bc",))])
def test_stop_of_the_call_wins(given, expected):
    assert prepared(ChatG4F(stop=["a"]), stop=given).request.stop == expected


def test_a_stream_asks_for_one_choice_and_says_so():
    streamed, blocking = prepared(ChatG4F(n=3), stream=True), prepared(ChatG4F(n=3))

    assert ("n" in streamed.request.params, streamed.dropped) == (False, ("n",))
    assert (blocking.request.params["n"], blocking.dropped) == (3, ())


def test_body_and_headers_of_the_call_are_added():
    model = ChatG4F(base_url=URL, extra_body={"a": 1, "b": 1}, default_headers={"X-A": "a"})

    call = prepared(model, extra_body={"b": 2}, extra_headers={"X-B": "b"})

    assert call.request.extra_body == {"a": 1, "b": 2}
    assert call.request.headers == {"X-B": "b"}
    assert call.choice.headers == (("X-A", "a"),)


@pytest.mark.parametrize(
    ("fields", "arguments", "attempt_timeout", "max_attempts"),
    [
        ({}, {}, 60.0, 8),
        ({"timeout": 5, "max_retries": 1}, {}, 5.0, 2),
        ({"timeout": 5, "resilience": Resilience(attempt_timeout=7)}, {}, 7.0, 8),
        ({"timeout": 5, "resilience": Resilience(attempt_timeout=7)}, {"timeout": 3}, 3.0, 8),
        ({"timeout": 5}, {"request_timeout": 3, "max_retries": 0}, 3.0, 1),
        ({"max_retries": 5}, {"resilience": {"max_attempts": 3}}, 60.0, 3),
        ({}, {"resilience": Resilience(max_attempts=3), "max_retries": 7}, 60.0, 3),
    ],
)
def test_the_call_wins_over_the_model_and_explicit_fields_over_shorthands(
    fields, arguments, attempt_timeout, max_attempts
):
    policy = prepared(ChatG4F(**fields), **arguments).policy

    assert (policy.attempt_timeout, policy.max_attempts) == (attempt_timeout, max_attempts)


def test_the_choice_is_hashable_data():
    model = ChatG4F(provider=["A", "B"], fallback_models=["m"], api_key={"A": "key"}, proxy="http://127.0.0.1:1")

    assert hash(prepared(model).choice) == hash(prepared(copy.deepcopy(model)).choice)


@pytest.mark.parametrize(
    ("fields", "arguments", "place", "keeps_key"),
    [
        ({"provider": "A"}, {"model": "m"}, ("A", (), None), True),
        ({"provider": "A"}, {"provider": "A"}, ("A", (), None), True),
        ({"provider": "A"}, {"provider": "B"}, ("B", (), None), False),
        ({"provider": "A"}, {"routes": ["B:m"]}, (None, ("B:m",), None), False),
        ({"provider": "A"}, {"base_url": URL}, (None, (), URL), False),
        ({"base_url": URL}, {"provider": "B"}, ("B", (), URL), True),
        ({"base_url": URL}, {"base_url": URL}, (None, (), URL), True),
        ({"base_url": URL}, {"base_url": OTHER_URL}, (None, (), OTHER_URL), False),
        ({"base_url": URL}, {"routes": ["B:m"]}, (None, ("B:m",), None), False),
    ],
)
def test_a_key_does_not_go_along_to_another_place(fields, arguments, place, keeps_key):
    model = ChatG4F(api_key="key", default_headers={"Cookie": "c"}, **fields)

    choice = prepared(model, **arguments).choice

    assert (choice.provider, choice.routes, choice.base_url) == place
    assert (choice.api_key is not None) is keeps_key
    assert bool(choice.headers) is (choice.base_url == model.base_url)


def test_a_key_of_the_call_goes_with_the_call():
    choice = prepared(ChatG4F(provider="A", api_key="first"), provider="B", api_key="second").choice

    assert choice.api_key.get_secret_value() == "second"


def test_the_endpoint_of_the_environment_steps_back_when_a_call_names_a_provider(monkeypatch):
    monkeypatch.setenv("G4F_BASE_URL", URL)
    monkeypatch.setenv("G4F_API_KEY", "key")

    choice = prepared(ChatG4F(), provider="A").choice

    assert (choice.provider, choice.base_url, choice.api_key) == ("A", None, None)


def test_routes_beside_a_provider_contradict_each_other_in_a_call_too():
    with pytest.raises(ConfigurationError):
        prepared(ChatG4F(), routes=["A:m"], provider="B")


def bound(*tools, **settings):
    return ChatG4F(provider="A").bind_tools(tools, **settings).kwargs


def test_tools_of_every_form_are_bound_in_openais():
    class Place(TypedDict):
        """A place."""

        name: str

    def subtract(a: int, b: int) -> int:
        """Subtract."""
        return a - b

    openai = {"type": "function", "function": {"name": "noop", "parameters": {"type": "object", "properties": {}}}}
    anthropic = {"name": "pick", "description": "Pick.", "input_schema": {"type": "object", "properties": {}}}

    tools = bound(add, subtract, Weather, Place, openai, anthropic)["tools"]

    assert [one["function"]["name"] for one in tools] == ["add", "subtract", "Weather", "Place", "noop", "pick"]
    assert tools[4] == openai


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("any", "required"),
        ("required", "required"),
        (True, "required"),
        ("add", {"type": "function", "function": {"name": "add"}}),
        ({"type": "function", "function": {"name": "add"}}, {"type": "function", "function": {"name": "add"}}),
        ({"type": "tool", "name": "add"}, {"type": "function", "function": {"name": "add"}}),
        ({"type": "any"}, "required"),
    ],
)
def test_every_form_of_tool_choice_is_understood(choice, wire):
    assert bound(add, Weather, tool_choice=choice)["tool_choice"] == wire
    assert prepared(ChatG4F(), tools=[add], tool_choice=choice).request.tool_choice == wire


@pytest.mark.parametrize("choice", [None, False])
def test_no_tool_choice_leaves_it_to_the_route(choice):
    assert "tool_choice" not in bound(add, tool_choice=choice)


@pytest.mark.parametrize("choice", ["sub", {"type": "function", "function": {"name": "sub"}}, 5])
def test_a_tool_that_is_not_bound_cannot_be_chosen(choice):
    with pytest.raises(ValueError, match="tool_choice"):
        bound(add, tool_choice=choice)


def test_strict_and_parallel_calls_are_passed_on():
    settings = bound(add, strict=True, parallel_tool_calls=False)

    assert settings["tools"][0]["function"]["strict"] is True
    assert settings["parallel_tool_calls"] is False


@pytest.mark.parametrize(
    ("given", "kind"),
    [({"type": "json_object"}, "json_object"), (Weather, "json_schema"), (Weather.model_json_schema(), "json_schema")],
)
def test_a_response_format_is_bound_beside_tools(given, kind):
    response_format = bound(add, response_format=given)["response_format"]

    assert response_format["type"] == kind
    assert prepared(ChatG4F(), response_format=given).request.params["response_format"] == response_format


def test_bound_tools_reach_the_request_as_they_were_bound():
    settings = bound(add, tool_choice="any", parallel_tool_calls=False)

    request = prepared(ChatG4F(), **settings).request

    assert (list(request.tools), request.tool_choice) == (settings["tools"], "required")
    assert request.parallel_tool_calls is False


def test_a_tool_choice_without_tools_is_not_sent():
    assert prepared(ChatG4F(), tool_choice="auto").request.tool_choice is None
