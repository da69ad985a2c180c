"""What `ChatG4F` takes, keeps, copies and shows."""

import copy
import inspect
import json
import pickle
import typing

import pytest
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.retry_provider import RetryProvider
from langchain_core.load import dumps, load
from langchain_core.runnables import ConfigurableField
from pydantic import SecretStr, ValidationError

from g4f_integrations import Endpoint, Resilience, Route
from g4f_integrations.core.credentials import Secret
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider

URL = "http://127.0.0.1:1337/v1"
KEY = "sk-very-secret-key"


def revived(model, **secrets):
    plain = json.loads(dumps(model))
    return load(plain, allowed_objects=[ChatG4F], valid_namespaces=["g4f_integrations"], secrets_map=secrets)


@pytest.mark.parametrize(
    ("alias", "field", "value"),
    [
        ("model_name", "model", "gpt-4o"),
        ("openai_api_base", "base_url", URL),
        ("api_base", "base_url", URL),
        ("max_completion_tokens", "max_tokens", 5),
        ("stop_sequences", "stop", ["x"]),
        ("request_timeout", "timeout", 5.0),
    ],
)
def test_names_of_other_classes_are_understood(alias, field, value):
    assert getattr(ChatG4F(**{alias: value}), field) == value


def test_the_model_is_known_by_its_older_name_too():
    assert ChatG4F(model="gpt-4o").model_name == "gpt-4o"


def test_a_misspelt_argument_is_refused_with_the_right_one():
    with pytest.raises(ConfigurationError, match=r"'temprature'.*Did you mean 'temperature'"):
        ChatG4F(temprature=0.5)


def test_a_routes_parameter_that_resembles_a_field_is_pointed_to_its_place_too():
    with pytest.raises(ConfigurationError, match=r"Did you mean 'top_p'\? .* model_kwargs"):
        ChatG4F(top_k=3)


def test_an_argument_like_no_other_is_pointed_to_model_kwargs():
    with pytest.raises(ConfigurationError, match=r"'zzzz'.*model_kwargs"):
        ChatG4F(zzzz=1)


def test_langchains_own_arguments_are_known():
    model = ChatG4F(
        cache=False, verbose=True, callbacks=[], tags=["t"], metadata={"k": 1}, name="n", disable_streaming=True
    )

    assert (model.tags, model.name, model.metadata["k"]) == (["t"], "n", 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"routes": ["A:m"], "provider": "A"},
        {"routes": ["A:m"], "base_url": URL},
        {"base_url": "ftp://x"},
        {"base_url": 5},
        {"provider": 42},
        {"routes": [42]},
        {"routes": [{"provider": "A", "colour": "red"}]},
        {"api_key": 42},
        {"proxy": "no-url"},
        {"model": "a", "model_name": "b"},
        {"model_kwargs": {"temperature": 1}},
    ],
)
def test_contradictions_are_found_at_construction(arguments):
    with pytest.raises(ConfigurationError):
        ChatG4F(**arguments)


@pytest.mark.parametrize("arguments", [{"temperature": "hot"}, {"timeout": -1}, {"resilience": {"max_attempt": 3}}])
def test_values_of_the_wrong_kind_are_validation_errors(arguments):
    with pytest.raises(ValidationError):
        ChatG4F(**arguments)


@pytest.mark.parametrize("variable", ["G4F_BASE_URL", "API_BASE_URL"])
def test_the_environment_names_an_endpoint_and_its_key(monkeypatch, variable):
    monkeypatch.setenv(variable, URL)
    monkeypatch.setenv("G4F_API_KEY", KEY)

    model = ChatG4F()

    assert model.base_url == URL
    assert model.api_key.get_secret_value() == KEY


@pytest.mark.parametrize("arguments", [{"provider": "A"}, {"routes": ["A:m"]}])
def test_the_environment_counts_only_where_nothing_else_is_named(monkeypatch, arguments):
    monkeypatch.setenv("G4F_BASE_URL", URL)
    monkeypatch.setenv("G4F_API_KEY", KEY)

    model = ChatG4F(**arguments)

    assert (model.base_url, model.api_key) == (None, None)


@pytest.mark.parametrize("key", [KEY, SecretStr(KEY), {"Pollinations": KEY}])
def test_keys_are_secrets_however_they_are_given(key):
    model = ChatG4F(provider="Pollinations", api_key=key)

    kept = model.api_key["Pollinations"] if isinstance(key, dict) else model.api_key

    assert isinstance(kept, Secret)
    assert kept.get_secret_value() == KEY


def secretive(**more):
    return ChatG4F(
        base_url="http://user:hunter2@127.0.0.1:1337/v1?api_key=hunter2",
        api_key="hunter2hunter2",
        default_headers={"Authorization": "Bearer hunter2", "X-Title": "app"},
        proxy="http://user:hunter2@127.0.0.1:8080",
        model_kwargs={"account": {"access_token": "hunter2"}, "max_new_tokens": 7},
        extra_body={"api_key": "hunter2", "top_k": 3},
        **more,
    )


@pytest.mark.parametrize(
    "view",
    [
        repr,
        str,
        dumps,
        lambda model: str(model.model_dump()),
        lambda model: model.model_dump_json(),
        lambda model: str(model.asdict()),
        lambda model: str(model._identifying_params),
        lambda model: str(model._get_invocation_params(api_key="hunter2", extra_headers={"Authorization": "hunter2"})),
        lambda model: model._get_llm_string(stop=None, api_key="hunter2", extra_body={"api_key": "hunter2"}),
    ],
)
def test_no_credential_is_shown(view):
    assert "hunter2" not in view(secretive())


def test_no_key_travels_in_a_pickle():
    model = ChatG4F(base_url=URL, api_key="hunter2", default_headers={"Authorization": "Bearer hunter2"})

    assert b"hunter2" not in pickle.dumps(model)
    assert pickle.loads(pickle.dumps(model)).api_key.is_missing


def test_a_key_from_the_environment_is_read_anew_where_the_pickle_arrives(monkeypatch):
    monkeypatch.setenv("G4F_API_KEY", "first")
    pickled = pickle.dumps(ChatG4F(base_url=URL))
    monkeypatch.setenv("G4F_API_KEY", "second")

    assert pickle.loads(pickled).api_key.get_secret_value() == "second"


def test_what_is_no_secret_is_shown():
    shown = repr(secretive())

    assert all(text in shown for text in ("127.0.0.1:1337", "X-Title", "max_new_tokens", "top_k"))


EVERYTHING = {
    "model": "gpt-4o",
    "fallback_models": ["gpt-4o-mini"],
    "temperature": 0.5,
    "stop": ["x"],
    "timeout": 5.0,
    "resilience": Resilience(max_attempts=3),
    "model_kwargs": {"top_k": 3},
    "proxy": {"http": "http://127.0.0.1:8080"},
    "streaming": True,
}


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@pytest.mark.parametrize(
    "where",
    [
        {"provider": ["Pollinations", "DeepInfra"]},
        {"base_url": URL, "api_key": KEY, "default_headers": {"X-Title": "app"}, "extra_body": {"user": "u"}},
        {"routes": ["A:m", URL, Route("B", "m2", weight=2.0), Endpoint(URL, "m3", headers={"X-A": "b"})]},
    ],
)
def test_a_round_trip_keeps_every_setting_but_the_keys(where):
    model = ChatG4F(**EVERYTHING, **where)

    again = revived(model, G4F_API_KEY=KEY)

    assert again.asdict() == model.asdict()
    assert dumps(again) == dumps(model)
    assert again.api_key == model.api_key
    assert [str(route) for route in again.routes] == [str(route) for route in model.routes]


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@pytest.mark.parametrize(
    ("where", "comes_back"),
    [
        ({"provider": "Groq", "api_key": KEY}, "sk-groq"),
        ({"provider": ["Groq"], "api_key": KEY}, "sk-groq"),
        ({"provider": "Groq", "base_url": URL, "api_key": KEY}, "sk-endpoint"),
        ({"provider": "Groq DeepInfra", "api_key": KEY}, None),
        ({"provider": ["Groq", "DeepInfra"], "api_key": {"Groq": KEY}}, None),
    ],
)
def test_a_key_that_comes_back_is_the_one_of_that_place(where, comes_back):
    again = revived(ChatG4F(**where), G4F_API_KEY="sk-endpoint", GROQ_API_KEY="sk-groq")

    assert (again.api_key and again.api_key.reveal("here")) == comes_back
    assert KEY not in dumps(ChatG4F(**where))


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_a_provider_class_is_written_down_by_a_name_that_finds_it_again():
    Named = ScriptedProvider("hi", name="FoundByName")

    again = revived(ChatG4F(provider=Named))

    assert again.invoke("hello").text == "hi"


class OwnProvider(AsyncGeneratorProvider):
    working = True

    @classmethod
    async def create_async_generator(cls, model, messages, **kwargs):
        yield "own"


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
@pytest.mark.parametrize("where", [{"provider": OwnProvider}, {"routes": [Route(OwnProvider, "m", weight=2.0)]}])
def test_a_users_own_provider_class_is_written_down_by_its_import_path(where):
    model = ChatG4F(model="m", **where)

    assert f"{__name__}.OwnProvider" in dumps(model)
    assert revived(model).invoke("hello").text == "own"


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m)), lambda m: m.model_copy()]
)
def test_copies_of_every_sort_ask_the_same_routes(twin):
    Provider = ScriptedProvider("hi")
    model = ChatG4F(provider=[Provider], timeout=5)
    model.invoke("warm up")

    assert twin(model).invoke("hello").text == "hi"
    assert len(Provider.calls) == 2


def test_routes_with_provider_classes_survive_a_pickle():
    Provider = ScriptedProvider("hi")
    model = pickle.loads(pickle.dumps(ChatG4F(routes=[Route(Provider, "m")])))

    assert model.invoke("hello").text == "hi"


def test_a_g4f_list_provider_is_taken_as_it_is():
    model = ChatG4F(provider=RetryProvider([ScriptedProvider("hi", default_model="m")]))

    assert model.invoke("hello").text == "hi"


def test_a_list_that_is_changed_later_changes_no_model():
    stop = ["x"]
    model = ChatG4F(provider="A", stop=stop)
    stop.append("y")

    assert model.stop == ["x"]


def test_the_version_is_stamped_for_traces():
    assert "g4f-integrations" in ChatG4F().metadata["lc_versions"]


def test_a_stated_window_is_in_the_profile():
    assert ChatG4F(context_window=8_000).profile["max_input_tokens"] == 8_000


def test_a_stated_window_is_added_to_a_profile_that_does_not_know_it():
    given = {"tool_calling": True}

    model = ChatG4F(context_window=8_000, profile=given)

    assert model.profile == {"tool_calling": True, "max_input_tokens": 8_000}
    assert given == {"tool_calling": True}
    assert ChatG4F(context_window=8_000, profile={"max_input_tokens": 5}).profile == {"max_input_tokens": 5}


def test_a_parameter_called_metadata_reaches_the_route_though_langchain_has_a_field_of_that_name():
    Provider = ScriptedProvider("hi")

    ChatG4F(provider=Provider, metadata={"for": "LangChain"}, model_kwargs={"metadata": {"for": "route"}}).invoke("hi")

    assert Provider.calls[0].metadata == {"for": "route"}


def test_how_tools_are_called_tells_models_apart():
    params = ChatG4F(tool_calling="prompt", prompts="folder")._identifying_params

    assert (params["tool_calling"], params["prompts"]) == ("prompt", "folder")


def test_streaming_is_never_taken_for_a_users_choice():
    assert "streaming" not in ChatG4F().model_fields_set


def test_a_model_made_anew_by_config_still_streams():
    model = ChatG4F(provider=ScriptedProvider("Hello", " world")).configurable_fields(
        temperature=ConfigurableField(id="t")
    )

    assert [chunk.text for chunk in model.stream("hi", {"configurable": {"t": 0.5}})] == ["Hello", " world", ""]


@pytest.mark.parametrize("where", [{"provider": "A"}, {"routes": ["A:m"]}])
def test_a_model_made_anew_by_config_leaves_the_environments_endpoint_as_others_do(monkeypatch, where):
    monkeypatch.setenv("G4F_BASE_URL", URL)
    monkeypatch.setenv("G4F_API_KEY", KEY)
    [name] = where
    model = ChatG4F().configurable_fields(**{name: ConfigurableField(id=name)})

    made, _ = model.with_config(configurable=where).prepare()

    assert (made.base_url, made.api_key) == (None, None)
    assert model.default.base_url == URL


def test_configurable_fields_make_a_model_that_works():
    Provider = ScriptedProvider("hi")
    model = ChatG4F(provider=Provider, model="a").configurable_fields(model=ConfigurableField(id="model"))

    model.invoke("hello", config={"configurable": {"model": "b"}})

    assert Provider.calls[0].model == "b"


def test_annotations_can_be_evaluated():
    """LangChain does it, to find out what a method of a model with fallbacks returns."""
    methods = inspect.getmembers(ChatG4F, inspect.isfunction)
    ours = {name: method for name, method in methods if method.__module__.startswith("g4f_integrations")}

    assert {"_generate", "_astream", "bind_tools", "with_structured_output"} <= ours.keys()
    assert [name for name, method in ours.items() if not typing.get_type_hints(method)] == []


@pytest.mark.parametrize("nobody", [[], [None], "", "  ", ["A", ""]])
def test_a_provider_that_names_nobody_is_never_taken_for_anybody(nobody):
    with pytest.raises(ConfigurationError, match="names nobody"):
        ChatG4F(provider=nobody)


@pytest.mark.parametrize("stop", [5, [None], [1, "a"]])
def test_a_stop_that_is_no_text_is_named(stop):
    model = ChatG4F(provider=ScriptedProvider("hi"))

    with pytest.raises(ConfigurationError, match="stop"):
        model.invoke("hi", stop=stop)


def test_a_parameter_that_holds_itself_is_named():
    endless = {}
    endless["me"] = endless

    with pytest.raises(ConfigurationError, match="nested too deeply"):
        ChatG4F(provider=ScriptedProvider("hi")).invoke("hi", logit_bias=endless)


def test_a_half_made_model_can_be_shown():
    assert repr(ChatG4F.__new__(ChatG4F)).startswith("ChatG4F(")


def test_credentials_inside_urls_and_parameters_stay_out_of_pickles_and_in_copies():
    secrets = ("user-secret", "word-secret", "query-secret", "body-secret", "kwarg-secret", "proxy-secret")
    model = ChatG4F(
        base_url="http://user-secret:word-secret@127.0.0.1:1/v1?key=query-secret",
        model="m",
        proxy="http://proxy-secret:x@127.0.0.1:2",
        extra_body={"api_key": "body-secret", "kept": 1},
        model_kwargs={"secret_token": "kwarg-secret"},
    )

    pickled = pickle.dumps(model)
    twin = copy.deepcopy(model)
    arrived = pickle.loads(pickled)

    assert not [secret for secret in secrets if secret.encode() in pickled]
    assert "word-secret" in twin.base_url
    assert arrived.extra_body == {"kept": 1}
    with pytest.raises(ConfigurationError, match="did not travel"):
        arrived.invoke("hi")


def test_routes_leave_the_credentials_of_their_urls_behind_too():
    model = ChatG4F(routes=[Endpoint("http://user:secret-word@127.0.0.1:1/v1", "m", api_key="k")])

    pickled = pickle.dumps(model)

    assert b"secret-word" not in pickled
    with pytest.raises(ConfigurationError, match="did not travel"):
        pickle.loads(pickled).invoke("hi")


def test_urls_among_the_routes_leave_their_credentials_behind_too():
    model = ChatG4F(routes=["http://user:secret-word@127.0.0.1:1/v1"])

    assert b"secret-word" not in pickle.dumps(model)


def test_a_cache_tells_the_routes_of_two_calls_apart():
    from langchain_core.caches import InMemoryCache

    one, two = ScriptedProvider("one"), ScriptedProvider("two")
    model = ChatG4F(provider=one, cache=InMemoryCache())

    texts = [model.invoke("hi", routes=[route]).text for route in (Route(one), Route(two), Route(one))]

    assert texts == ["one", "two", "one"]
    assert len(one.calls) == 1


def test_a_key_that_is_set_later_is_no_less_a_key(loopback):
    model = ChatG4F(base_url=loopback.base_url, model="m")
    changed = model.model_copy(update={"api_key": "sk-set-by-a-copy"})

    model.api_key = "sk-set-by-hand"

    assert "sk-set" not in f"{model!r} {changed!r}"
    changed.invoke("hi")
    model.invoke("hi")
    sent = [request.headers["authorization"] for request in loopback.requests]
    assert sent == ["Bearer sk-set-by-a-copy", "Bearer sk-set-by-hand"]


# Cleaning and trimming ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("cleaning", None, {"off": True}),
        ("cleaning", False, {"off": True}),
        ("cleaning", {"categories": ["ads"]}, {"categories": ["ads"]}),
        ("trimming", None, {"off": True}),
        ("trimming", {"keep_last": 4, "strategy": "last"}, {"keep_last": 4, "strategy": "last"}),
    ],
)
def test_what_is_cleaned_and_trimmed_is_told_and_taken_back(name, value, told):
    model = ChatG4F(**{name: value})

    shown = model._identifying_params[name]

    assert shown == told
    assert getattr(ChatG4F(**{name: shown}), name) == getattr(model, name)
    assert getattr(pickle.loads(pickle.dumps(model)), name) == getattr(model, name)


def test_models_clean_and_trim_unless_they_are_told_not_to():
    model = ChatG4F()

    assert (model.cleaning.mode, model.trimming.strategy) == ("rules", "fraction")
    assert not {"cleaning", "trimming"} & set(model._identifying_params)
    assert ChatG4F(cleaning=True).cleaning is model.cleaning


@pytest.mark.parametrize("value", [3, ["rules"]])
def test_cleaning_that_a_model_cannot_do_is_refused(value):
    with pytest.raises(ConfigurationError, match="cleaning"):
        ChatG4F(cleaning=value)
