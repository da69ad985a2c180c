"""What `G4FLLM` takes, keeps, copies, shows and is known by."""

import copy
import inspect
import json
import pickle

import pytest
from g4f.providers.base_provider import AsyncGeneratorProvider
from llama_index.core import Settings
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager, LlamaDebugHandler
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, ValidationError

from g4f_integrations import Endpoint, Resilience, Route
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply

URL = "http://127.0.0.1:1337/v1"
HI = [ChatMessage("Hi")]


class OwnProvider(AsyncGeneratorProvider):
    """A provider of a user's own, found by its import path."""

    working = True

    @classmethod
    async def create_async_generator(cls, model, messages, **kwargs):
        yield "own"


class Word(BaseModel):
    word: str


@pytest.mark.parametrize(
    ("alias", "field", "value", "kept"),
    [
        ("model_name", "model", "gpt-4o", "gpt-4o"),
        ("api_base", "base_url", URL, URL),
        ("headers", "default_headers", {"X-A": "b"}, (("X-A", "b"),)),
        ("additional_kwargs", "model_kwargs", {"top_k": 3}, {"top_k": 3}),
        ("request_timeout", "timeout", 5, 5.0),
    ],
)
def test_names_of_other_integrations_are_understood(alias, field, value, kept):
    assert getattr(G4FLLM(**{alias: value}), field) == kept


def test_further_parameters_are_found_under_llamaindexs_name_too():
    assert G4FLLM(model_kwargs={"top_k": 3}).additional_kwargs == {"top_k": 3}


def test_llamaindexs_own_arguments_are_known():
    manager, parser = CallbackManager([]), PydanticOutputParser(Word)

    llm = G4FLLM(system_prompt="Be kind.", callback_manager=manager, output_parser=parser)

    assert (llm.system_prompt, llm.callback_manager, llm.output_parser) == ("Be kind.", manager, parser)


def test_a_misspelt_argument_is_refused_with_the_right_one():
    with pytest.raises(ConfigurationError, match=r"G4FLLM.*'sytem_prompt'.*'system_prompt'"):
        G4FLLM(sytem_prompt="x")


def test_values_of_the_wrong_kind_are_refused():
    with pytest.raises(ValidationError):
        G4FLLM(temperature="hot")
    with pytest.raises(ConfigurationError):
        G4FLLM(routes=["A:m"], provider="A")


# What LlamaIndex goes by ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "window"),
    [
        ({}, 8_192),
        ({"context_window": 32_000}, 32_000),
        ({"routes": ["A:m"]}, 8_192),
        ({"routes": [Route("A", "m", context_window=4_000), "B:m"]}, 4_000),
        ({"routes": [Route("A", "m", context_window=4_000), "B:m"], "context_window": 2_000}, 2_000),
        ({"routes": [Route("A", context_window=9_000), Endpoint(URL, context_window=7_000)]}, 7_000),
        ({"routes": [Route("A", context_window=64_000)], "context_window": 8_000}, 64_000),
        ({"model": "gpt-4o"}, 128_000),
        ({"model": "gpt-4o", "fallback_models": ["gpt-3.5-turbo", "m"]}, 16_385),
        ({"model": "gpt-4o", "provider": "A B"}, 128_000),
        ({"model": "gpt-4o", "base_url": URL}, 128_000),
        ({"model": "gpt-4o", "context_window": 5_000}, 5_000),
        ({"routes": ["A:gpt-4o", "B:gpt-3.5-turbo", "C:m"]}, 16_385),
        ({"model": "a-model-nobody-knows"}, 8_192),
    ],
)
def test_the_window_is_the_smallest_that_is_known_of_the_pool(settings, window):
    assert G4FLLM(**settings).metadata.context_window == window


def test_metadata_promise_chat_and_tools_on_every_route():
    metadata = G4FLLM(model="gpt-4o", max_tokens=5).metadata

    assert (metadata.is_chat_model, metadata.is_function_calling_model) == (True, True)
    assert (metadata.num_output, metadata.model_name) == (-1, "gpt-4o")


def test_metadata_stay_the_same_whoever_answers():
    llm = G4FLLM(provider=[ScriptedProvider(RuntimeError("down")), ScriptedProvider("Hello", default_model="other")])
    before = llm.metadata

    llm.chat(HI, max_retries=3)

    assert llm.metadata == before


def test_it_can_be_the_default_llm():
    before = Settings._llm
    try:
        Settings.llm = G4FLLM(provider=ScriptedProvider("Hello"))
        assert str(Settings.llm.complete("Hi")) == "Hello"
    finally:
        Settings._llm = before


# Copies -----------------------------------------------------------------------------------------------------------


EVERYTHING = {
    "model": "gpt-4o",
    "fallback_models": ["gpt-4o-mini"],
    "temperature": 0.5,
    "stop": ["x"],
    "timeout": 5.0,
    "resilience": Resilience(max_attempts=3),
    "model_kwargs": {"top_k": 3},
    "system_prompt": "Be kind.",
    "context_window": 9_000,
    "tool_calling": "prompt",
}


@pytest.mark.parametrize(
    "where",
    [
        {"provider": ["Pollinations", "DeepInfra"]},
        {"base_url": URL, "default_headers": {"X-Title": "app"}, "extra_body": {"user": "u"}},
        {"routes": ["A:m", URL, Route("B", "m2", weight=2.0), Endpoint(URL, "m3", headers={"X-A": "b"})]},
        {"provider": OwnProvider},
    ],
)
def test_what_is_written_down_makes_the_same_model_again(where):
    llm = G4FLLM(**EVERYTHING, **where)

    again = G4FLLM.from_dict(json.loads(llm.to_json()))

    assert again.to_dict() == llm.to_dict()
    assert (again.provider, again.base_url, again.resilience) == (llm.provider, llm.base_url, llm.resilience)
    assert [str(route) for route in again.routes] == [str(route) for route in llm.routes]
    assert again.to_dict()["class_name"] == G4FLLM.class_name() == "G4FLLM"


def test_a_scripted_provider_is_found_again_by_its_name():
    llm = G4FLLM(provider=ScriptedProvider("hi", name="FoundByLlamaIndex"))

    assert str(G4FLLM.from_dict(llm.to_dict()).complete("Hi")) == "hi"


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda llm: pickle.loads(pickle.dumps(llm)), lambda llm: llm.model_copy()]
)
def test_copies_of_every_sort_ask_the_same_routes(twin):
    Provider = ScriptedProvider("hi")
    llm = G4FLLM(provider=[Provider], system_prompt="Be kind.", resilience=Resilience(max_attempts=2))
    llm.complete("warm up")

    again = twin(llm)

    assert str(again.complete("hello")) == "hi"
    assert (len(Provider.calls), again.system_prompt, again.resilience) == (2, "Be kind.", llm.resilience)


def test_caches_of_pipelines_know_a_model_again_in_any_process():
    """LlamaIndex's caches go by the text of what is written down."""
    llm = G4FLLM(provider="Groq", resilience=Resilience(stall_timeout=9, max_attempts=2, deadline=30))
    twins = [G4FLLM.from_dict(llm.to_dict()), copy.deepcopy(llm), pickle.loads(pickle.dumps(llm))]

    assert {str(twin.to_dict()) for twin in twins} == {str(llm.to_dict())}
    assert [*llm.to_dict()["resilience"]] == ["deadline", "max_attempts", "stall_timeout"]


def test_what_cannot_be_pickled_stays_with_the_model_that_was():
    manager = CallbackManager([LlamaDebugHandler(print_trace_on_end=False)])
    llm = G4FLLM(provider=ScriptedProvider("hi"), callback_manager=manager, completion_to_prompt=lambda text: text)

    arrived = pickle.loads(pickle.dumps(llm))

    assert llm.callback_manager is manager
    assert str(llm.complete("Hi")) == str(arrived.complete("Hi")) == "hi"


def test_a_key_from_the_environment_is_read_anew_where_the_pickle_arrives(monkeypatch):
    monkeypatch.setenv("G4F_API_KEY", "first-key")
    pickled = pickle.dumps(G4FLLM(base_url=URL))
    monkeypatch.setenv("G4F_API_KEY", "second-key")

    assert b"first-key" not in pickled
    assert pickle.loads(pickled).api_key.get_secret_value() == "second-key"


def test_a_literal_key_does_not_travel_and_the_first_call_says_so():
    arrived = pickle.loads(pickle.dumps(G4FLLM(base_url=URL, model="m", api_key="sk-literal")))

    with pytest.raises(ConfigurationError, match="literal keys are not pickled"):
        arrived.chat(HI)


# Secrets ----------------------------------------------------------------------------------------------------------


def secretive(**more):
    return G4FLLM(
        base_url="http://user:hunter2@127.0.0.1:1337/v1?api_key=hunter2",
        model="m",
        api_key="hunter2hunter2",
        default_headers={"Authorization": "Bearer hunter2", "X-Title": "app"},
        proxy="http://user:hunter2@127.0.0.1:8080",
        additional_kwargs={"access_token": "hunter2"},
        extra_body={"api_key": "hunter2", "top_k": 3},
        **more,
    )


@pytest.mark.parametrize(
    "view",
    [
        repr,
        str,
        lambda llm: llm.to_json(),
        lambda llm: str(llm.to_dict()),
        lambda llm: llm.model_dump_json(),
        lambda llm: str(llm.to_payload()),
        lambda llm: str(pickle.dumps(llm)),
    ],
)
def test_no_credential_is_shown(view):
    assert "hunter2" not in view(secretive())


CREDENTIALS = {
    "api_key": "hunter2hunter2",
    "extra_headers": {"Authorization": "Bearer hunter2", "X-Title": "app"},
    "extra_body": {"user": "u"},
}


@pytest.mark.parametrize("endpoint", ["chat", "complete", "stream_chat", "stream_complete"])
def test_no_credential_of_a_call_is_in_events_spans_or_callbacks_and_all_reach_the_route(
    loopback, heard, spans, endpoint
):
    debug = LlamaDebugHandler(print_trace_on_end=False)
    llm = G4FLLM(base_url=loopback.base_url, model="m", callback_manager=CallbackManager([debug]))

    result = getattr(llm, endpoint)(HI if "chat" in endpoint else "Hi", temperature=0.5, **CREDENTIALS)
    if "stream" in endpoint:
        list(result)

    shown = f"{[event.model_dump_json() for event in heard]}{spans}{debug.get_event_pairs()}"
    assert "temperature" in shown
    assert "hunter2" not in shown
    request = loopback.requests[0]
    assert request.headers["authorization"] == "Bearer hunter2"
    assert (request.headers["x-title"], request.body["user"], request.body["temperature"]) == ("app", "u", 0.5)


async def test_no_credential_of_an_async_call_is_shown_either(loopback, heard, spans):
    llm = G4FLLM(base_url=loopback.base_url, model="m")

    await llm.achat(HI, api_key="hunter2hunter2")
    [chunk async for chunk in await llm.astream_complete("Hi", api_key="hunter2hunter2")]

    assert "hunter2" not in f"{[event.model_dump_json() for event in heard]}{spans}"
    assert {request.headers["authorization"] for request in loopback.requests} == {"Bearer hunter2hunter2"}


TOOL = FunctionTool.from_defaults(lambda a: a, name="echo", description="Say it again.")
STRUCTURED = ["structured_predict", "astructured_predict", "stream_structured_predict", "astream_structured_predict"]


async def taken(result):
    """What a call of any form gives, a stream to its end."""
    result = await result if inspect.isawaitable(result) else result
    if inspect.isasyncgen(result):
        return [one async for one in result]
    return list(result) if inspect.isgenerator(result) else [result]


@pytest.mark.parametrize(
    "endpoint", ["chat_with_tools", "achat_with_tools", "stream_chat_with_tools", "astream_chat_with_tools"]
)
async def test_no_credential_of_a_call_with_tools_is_shown(loopback, heard, spans, endpoint):
    llm = G4FLLM(base_url=loopback.base_url, model="m")

    await taken(getattr(llm, endpoint)([TOOL], user_msg="Hi", api_key="hunter2hunter2"))

    assert "hunter2" not in f"{[event.model_dump_json() for event in heard]}{spans}"
    assert loopback.requests[0].headers["authorization"] == "Bearer hunter2hunter2"


@pytest.mark.parametrize("endpoint", STRUCTURED)
@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION, PydanticProgramMode.LLM])
async def test_no_credential_of_a_structured_call_is_shown(loopback, heard, spans, endpoint, mode):
    said = '{"word": "fox"}'
    if mode is PydanticProgramMode.FUNCTION:
        call = {"index": 0, "id": "c", "type": "function", "function": {"name": "Word", "arguments": said}}
        loopback.replies(Reply.chat(tool_calls=[call]))
    else:
        loopback.replies(Reply.chat(said))
    llm = G4FLLM(base_url=loopback.base_url, model="m", pydantic_program_mode=mode)
    ask, given = getattr(llm, endpoint), {"api_key": "hunter2hunter2"}

    await taken(ask(Word, PromptTemplate("A word."), llm_kwargs=given))
    await taken(ask(Word, PromptTemplate("A word."), given))

    assert "hunter2" not in f"{heard}{spans}"
    assert [one.headers["authorization"] for one in loopback.requests] == ["Bearer hunter2hunter2"] * 2


def test_spans_know_whose_method_it_is(spans):
    llm = G4FLLM(provider=ScriptedProvider("Hello"))

    llm.chat(HI)

    [(name, _, instance)] = spans
    assert name.startswith("G4FLLM.chat-")
    assert instance is llm


def test_its_tokenizer_serves_llama_index():
    llm = G4FLLM(model="gpt-4o", provider=ScriptedProvider("hi"))
    before = Settings.tokenizer
    try:
        Settings.tokenizer = llm.tokenizer

        assert len(Settings.tokenizer("Hello, world!")) == 4
    finally:
        Settings.tokenizer = before
