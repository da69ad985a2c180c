"""What we rely on in g4f, name by name: it must hold on the oldest and on the newest g4f that we support.

All that is used of g4f stands here. A release of g4f that breaks us fails here first, by name.
"""

import asyncio
import inspect
import subprocess
import sys

import g4f
import pytest
from aiohttp import ClientSession
from g4f import errors, get_async_provider_method
from g4f.models import ModelUtils
from g4f.Provider import ProviderLoader, ProviderUtils
from g4f.providers import any_model_map, response
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.requests import close_shared_connectors
from g4f.requests.aiohttp import get_shared_connector
from g4f.tools.auth import AuthManager


class Echo(AsyncGeneratorProvider):
    working = True
    supports_stream = True
    default_model = "echo-1"

    @classmethod
    async def create_async_generator(cls, model, messages, **kwargs):
        yield cls.__name__
        yield messages
        yield kwargs


async def collect(provider, *args, **kwargs):
    return [chunk async for chunk in get_async_provider_method(provider)(*args, **kwargs)]


# The provider's method


async def test_the_method_is_the_providers_own_and_hands_everything_over_as_it_is():
    messages = [{"role": "user", "content": "hi", "extra": 1}]

    name, seen, kwargs = await collect(Echo, model="m", messages=messages, stream=True, response_format={"type": "x"})

    assert name == "Echo"
    assert seen is messages
    assert kwargs == {"stream": True, "response_format": {"type": "x"}}


def test_calling_the_method_sends_nothing_before_the_first_chunk_is_asked_for():
    stream = get_async_provider_method(Echo)(model="m", messages=[])

    assert inspect.isasyncgen(stream)


async def test_closing_the_stream_runs_the_providers_finally_before_it_returns():
    closed = []

    class Closing(AsyncGeneratorProvider):
        @classmethod
        async def create_async_generator(cls, model, messages, **kwargs):
            try:
                yield "a"
            finally:
                await asyncio.sleep(0)
                closed.append(True)

    stream = get_async_provider_method(Closing)(model="m", messages=[])
    await anext(stream)
    await stream.aclose()

    assert closed == [True]


async def test_a_provider_with_only_create_async_gives_one_chunk():
    class Whole:
        @classmethod
        async def create_async(cls, model, messages, **kwargs):
            return "all of it"

    assert await collect(Whole, model="m", messages=[]) == ["all of it"]


async def test_a_provider_with_only_create_completion_is_iterated_in_the_running_loop():
    class Blocking:
        @classmethod
        def create_completion(cls, model, messages, **kwargs):
            yield from ("a", "b")

    assert await collect(Blocking, model="m", messages=[]) == ["a", "b"]


def test_a_provider_without_any_method_is_refused():
    with pytest.raises(NotImplementedError):
        get_async_provider_method(type("Nothing", (), {}))


@pytest.mark.parametrize(
    ("attribute", "default"),
    [
        ("working", False),
        ("needs_auth", False),
        ("supports_stream", True),
        ("supports_message_history", False),
        ("supports_system_message", False),
    ],
)
def test_a_provider_class_says_what_it_can(attribute, default):
    class Plain(AsyncGeneratorProvider):
        pass

    assert getattr(Plain, attribute) is default


def test_a_provider_knows_its_parent():
    assert Echo.get_parent() == "Echo"


# Chunks

CHUNKS = [
    (response.Reasoning("t"), {"token": "t", "status": None, "label": None, "is_thinking": None}),
    (response.Reasoning(status="s", label="l"), {"token": None, "status": "s", "label": "l"}),
    (response.Reasoning(is_thinking="<think>"), {"is_thinking": "<think>", "token": None}),
    (response.ToolCalls([{"id": "1"}]), {"list": [{"id": "1"}]}),
    (response.FinishReason("stop"), {"reason": "stop"}),
    (response.Usage(input_tokens=3, output_tokens=4), {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}),
    (response.Usage(promptTokens=1, completionTokens=2), {"prompt_tokens": 1, "completion_tokens": 2}),
    (response.ImageResponse("u", "alt", {"width": 1}), {"urls": "u", "alt": "alt", "options": {"width": 1}}),
    (response.VideoResponse(["u"], "alt"), {"urls": ["u"], "alt": "alt"}),
    (response.AudioResponse("data:x", "words"), {"data": "data:x", "transcript": "words"}),
    (response.ImagePreview("u", "alt"), {"urls": "u", "alt": "alt"}),
    (response.Sources([{"url": "u", "title": "t"}]), {"list": [{"url": "u", "title": "t"}]}),
    (response.SearchResults([{"link": "u"}]), {"list": [{"link": "u"}]}),
    (response.SourceLink("t", "u"), {"title": "t", "url": "u"}),
    (response.YouTubeResponse(["i"]), {"ids": ["i"]}),
    (response.JsonConversation(session="s"), {"session": "s"}),
    (response.ProviderInfo(name="P", model="m"), {"name": "P", "model": "m"}),
    (response.HeadersResponse(**{"x-left": "0"}), {"x-left": "0"}),
    (response.Parameters(a=1), {"a": 1}),
    (response.AuthResult(token="t"), {"token": "t"}),
    (response.TitleGeneration("t"), {"title": "t"}),
    (response.SynthesizeData("P", {"a": 1}), {"provider": "P", "data": {"a": 1}}),
    (response.SuggestedFollowups(["s"]), {"suggestions": ["s"]}),
    (response.RequestLogin("l", "u"), {"label": "l", "login_url": "u"}),
    (response.PreviewResponse("d"), {"data": "d"}),
    (response.DebugResponse("d"), {"log": "d"}),
    (response.PlainTextResponse("t"), {"text": "t"}),
    (response.VariantResponse("t"), {"text": "t"}),
    (response.ContinueResponse("t"), {"text": "t"}),
]


@pytest.mark.parametrize(("chunk", "attributes"), CHUNKS, ids=lambda value: type(value).__name__)
def test_a_chunk_holds_its_attributes(chunk, attributes):
    assert isinstance(chunk, response.ResponseType)
    assert {name: getattr(chunk, name) for name in attributes} == attributes


def test_no_kind_of_chunk_has_been_added_that_we_do_not_know():
    defined = {
        name
        for name, value in vars(response).items()
        if isinstance(value, type) and issubclass(value, response.ResponseType)
    }
    bases = {"ResponseType", "HiddenResponse", "MediaResponse", "BaseConversation"}
    raw = {"JsonResponse", "JsonRequest", "RawResponse"}

    assert defined == {type(chunk).__name__ for chunk, _ in CHUNKS} | bases | raw


def test_media_share_a_base_and_a_preview_is_hidden():
    assert issubclass(response.ImageResponse, response.MediaResponse)
    assert issubclass(response.VideoResponse, response.MediaResponse)
    assert issubclass(response.ImagePreview, response.HiddenResponse)
    assert not issubclass(response.AudioResponse, response.MediaResponse)


def test_a_conversation_is_told_from_parameters():
    assert issubclass(response.JsonConversation, response.BaseConversation)
    assert not issubclass(response.Parameters, response.BaseConversation)


def test_json_chunks_open_nested_objects_and_give_them_back_whole():
    body = {"id": "1", "choices": [{"index": 0, "message": {"content": "x"}}]}

    chunk = response.JsonResponse(**body)

    assert chunk.choices[0].message.content == "x"
    assert chunk.get_dict() == body
    assert response.JsonRequest(a=1).get_dict() == {"a": 1}


# Errors

ERRORS = {
    "G4FError": Exception,
    "ProviderNotFoundError": errors.G4FError,
    "ProviderNotWorkingError": errors.G4FError,
    "StreamNotSupportedError": errors.G4FError,
    "ModelNotFoundError": errors.G4FError,
    "ModelNotAllowedError": errors.G4FError,
    "RetryProviderError": errors.G4FError,
    "RetryNoProviderError": errors.G4FError,
    "MissingRequirementsError": errors.G4FError,
    "MissingAuthError": errors.G4FError,
    "PaymentRequiredError": errors.G4FError,
    "NoMediaResponseError": errors.G4FError,
    "NoValidHarFileError": errors.G4FError,
    "TimeoutError": errors.G4FError,
    "ConversationLimitError": errors.G4FError,
    "ProviderException": errors.G4FError,
    "ResponseError": errors.G4FError,
    "ResponseStatusError": errors.ResponseError,
    "CloudflareError": errors.ResponseStatusError,
    "BadRequestError": errors.ResponseStatusError,
    "RateLimitError": errors.ResponseStatusError,
}


@pytest.mark.parametrize(("name", "parent"), ERRORS.items())
def test_an_error_class_keeps_its_place_and_takes_a_plain_message(name, parent):
    error = getattr(errors, name)("Error 429: slow down")

    assert isinstance(error, parent)
    assert str(error) == "Error 429: slow down"


# Names of providers and models


def test_a_provider_put_into_the_loader_is_found_by_name(monkeypatch):
    monkeypatch.setitem(ProviderLoader.loaded, "Echo", Echo)

    assert ProviderLoader.from_name("Echo") is Echo
    assert ProviderUtils.convert["Echo"] is Echo


def test_an_unknown_provider_is_an_import_error():
    with pytest.raises(ImportError):
        ProviderLoader.from_name("NoSuchProviderAnywhere")


def test_the_loader_lists_names_and_loads_a_class_of_that_name():
    assert len(ProviderLoader.names) > 40
    assert all(isinstance(name, str) for name in [*ProviderLoader.names, *ProviderLoader.extra])
    assert ProviderLoader.from_name("Pollinations").__name__ == "Pollinations"


def test_the_registry_of_models_gives_names_and_best_providers():
    models = ModelUtils.convert

    assert len(models) > 50
    assert all(models[name].name for name in models)
    assert all(hasattr(model, "best_provider") and hasattr(model, "base_provider") for model in models.values())


def test_a_best_provider_is_a_name_a_class_a_list_of_these_or_none():
    def is_one(provider):
        return isinstance(provider, str | type)

    for model in ModelUtils.convert.values():
        best = model.best_provider
        listed = getattr(best, "providers", None)
        assert best is None or is_one(best) or all(map(is_one, listed)), model.name


def test_the_map_of_models_gives_each_provider_its_own_name_for_the_model():
    assert len(any_model_map.model_map) > 100
    for providers in any_model_map.model_map.values():
        for provider, alias in providers.items():
            assert isinstance(provider, str)
            assert isinstance(alias, str | list)


def test_the_map_of_models_knows_aliases():
    assert len(any_model_map.model_aliases) > 100
    assert all(isinstance(text, str) for pair in any_model_map.model_aliases.items() for text in pair)


# Keys and connections


def test_a_key_is_looked_up_only_for_a_provider_that_needs_one(monkeypatch):
    class Locked(Echo):
        needs_auth = True

    monkeypatch.setenv("LOCKED_API_KEY", "secret")
    monkeypatch.setenv("ECHO_API_KEY", "secret")

    assert AuthManager.load_api_key(Locked) == "secret"
    assert AuthManager.load_api_key(Echo) is None


async def test_close_shared_connectors_closes_those_of_this_loop():
    connector = get_shared_connector()
    async with ClientSession(connector=connector, connector_owner=False):
        pass

    await close_shared_connectors()

    assert connector.closed


# Import


def test_importing_the_surface_reaches_for_no_network_and_prints_nothing():
    code = (
        "import g4f, g4f.models, g4f.errors, g4f.providers.response, g4f.providers.any_model_map, g4f.tools.auth, sys;"
        "assert 'g4f.providers.any_provider' not in sys.modules"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert (child.returncode, child.stdout, child.stderr) == (0, "", "")


def test_the_switches_that_silence_g4f_are_where_we_look_for_them():
    assert isinstance(g4f.debug.logging, bool)
    assert isinstance(g4f.debug.version_check, bool)


# Where its providers write files


def test_the_folder_for_media_is_a_setting_that_its_writers_read_at_every_call(tmp_path, monkeypatch):
    from g4f.image import copy_images

    monkeypatch.setattr(copy_images, "media_dir", str(tmp_path))
    monkeypatch.setattr(copy_images, "images_dir", str(tmp_path))

    assert copy_images.get_media_dir() == str(tmp_path)
