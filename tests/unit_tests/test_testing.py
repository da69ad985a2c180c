"""Scripted providers: real provider classes of g4f's that do as they are told, wherever they are carried to."""

from __future__ import annotations

import asyncio
import copy
import pickle
import subprocess
import sys
import threading

import pytest
from aiohttp import ClientPayloadError
from g4f import get_async_provider_method
from g4f.errors import RateLimitError
from g4f.Provider import ProviderLoader, ProviderUtils
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import Reasoning, Usage

from asking import ask
from g4f_integrations.core.candidates.candidate import route_key
from g4f_integrations.core.health import BreakerSettings, default_store
from g4f_integrations.core.routes import Route, parse_route
from g4f_integrations.core.threads import provider_loop
from g4f_integrations.testing import ReceivedCall, ScriptedProvider, block, cut, reset_health, stall


async def call(provider, **params):
    """What one call of the provider's own method yields."""
    method = get_async_provider_method(provider)
    return [chunk async for chunk in method(model="m", messages=[{"role": "user", "content": "Hi"}], **params)]


class Derived(ScriptedProvider("derived")):
    """A class that somebody wrote on top of a scripted one."""


# Scripts


async def test_a_script_is_followed_at_every_call():
    chunks = ("Hello", Reasoning("hm"), Usage(prompt_tokens=1))
    provider = ScriptedProvider(*chunks)

    assert await call(provider) == [*chunks]
    assert await call(provider) == [*chunks]


async def test_each_call_may_have_its_script_and_the_last_one_repeats():
    provider = ScriptedProvider(per_call=[["a"], [], ["b", "c"]])

    assert [await call(provider) for _ in range(4)] == [["a"], [], ["b", "c"], ["b", "c"]]


@pytest.mark.parametrize(
    "provider", [ScriptedProvider(), ScriptedProvider(per_call=[]), ScriptedProvider(per_call=[[]])]
)
async def test_no_script_is_an_empty_answer(provider):
    assert await call(provider) == []


def test_a_script_and_scripts_per_call_contradict_each_other():
    with pytest.raises(TypeError, match="not both"):
        ScriptedProvider("a", per_call=[["b"]])


@pytest.mark.parametrize(
    ("item", "error"),
    [(RateLimitError("429"), RateLimitError), (RateLimitError, RateLimitError), (cut(), ClientPayloadError)],
)
async def test_what_came_before_an_error_is_yielded(item, error):
    stream = get_async_provider_method(ScriptedProvider("a", item, "never"))(model="m", messages=[])

    assert await anext(stream) == "a"
    with pytest.raises(error):
        await anext(stream)


async def test_a_scripted_error_does_not_gather_tracebacks():
    error = ValueError("no")
    provider = ScriptedProvider(error)
    depths = []
    for _ in range(3):
        with pytest.raises(ValueError, match="no") as caught:
            await call(provider)
        depths.append(len(caught.traceback))

    assert len(set(depths)) == 1


async def test_a_stall_keeps_the_loop_turning():
    turns = 0

    async def turn():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turning = asyncio.create_task(turn())
    assert await call(ScriptedProvider(stall(0.02), "late")) == ["late"]
    turning.cancel()

    assert turns > 20


# Received calls


async def test_calls_are_logged_with_everything_that_was_received():
    provider = ScriptedProvider("a")

    await call(provider, stream=False, temperature=0.5)

    (received,) = provider.calls
    assert received == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": False,
        "temperature": 0.5,
    }
    assert received.temperature == 0.5
    with pytest.raises(AttributeError):
        _ = received.top_p


def test_a_received_call_can_be_copied():
    received = ReceivedCall(model="m")

    assert copy.deepcopy(received).model == pickle.loads(pickle.dumps(received)).model == "m"


# A real provider class


def test_it_is_a_provider_class_of_g4fs():
    provider = ScriptedProvider("a", native_tools=True, default_model="m", supports_system_message=False)

    assert issubclass(provider, AsyncGeneratorProvider)
    assert (provider.working, provider.supports_native_tools, provider.default_model) == (True, True, "m")
    assert provider.supports_system_message is False
    assert provider.get_parameters()


def test_unnamed_providers_have_names_of_their_own():
    first, second = ScriptedProvider(), ScriptedProvider()

    assert first.__name__ != second.__name__
    assert first.__name__ not in ProviderUtils.convert


async def test_a_named_one_is_known_by_its_name():
    provider = ScriptedProvider("by name", name="OwnScript")

    answer = await ask(provider="OwnScript")

    assert ProviderUtils.convert["OwnScript"] is ProviderUtils.convert["ownscript"] is provider
    assert answer.text == "by name"


async def test_the_newest_of_a_name_counts():
    ScriptedProvider("old", name="OwnScript")
    ScriptedProvider("new", name="OwnScript")

    assert (await ask(routes=(parse_route("OwnScript:m"),))).text == "new"


@pytest.mark.parametrize("name", ["Pollinations", "DeepInfra", "yqcloud"])
def test_a_provider_of_g4fs_own_is_never_hidden(name):
    provider = ScriptedProvider("a", name=name)

    assert provider not in ProviderLoader.loaded.values()


async def test_it_runs_in_the_callers_loop_unless_it_blocks():
    seen = []

    async def where(*script):
        provider = ScriptedProvider(*script)
        original = provider.create_async_generator

        async def noting(cls, **params):
            seen.append(threading.get_ident())
            async for chunk in original(**params):
                yield chunk

        provider.create_async_generator = classmethod(noting)
        await ask(provider)

    await where("a")
    await where(block(0.001), "a")

    assert seen == [threading.get_ident(), provider_loop().ident]


# Copies and pickles


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda provider: copy.deepcopy(Route(provider, "m")).provider,
        *(lambda provider, p=p: pickle.loads(pickle.dumps(provider, p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)),
        lambda provider: pickle.loads(pickle._dumps(provider)),
    ],
)
def test_in_its_own_process_every_copy_is_the_class_itself(copied):
    provider = ScriptedProvider("a")

    assert copied(provider) is provider


def test_a_derived_class_travels_by_its_own_name():
    assert pickle.loads(pickle.dumps(Derived)) is Derived


def test_another_process_makes_it_anew_and_only_once():
    provider = ScriptedProvider("Hello", stall(0.0), name="Travelling", default_model="m")
    broken = ScriptedProvider(per_call=[[RateLimitError("429")], ["then"]], native_tools=True)
    data = pickle.dumps([provider, provider, broken])
    program = f"""
import asyncio, pickle, sys
from g4f_integrations.core.catalog import load_g4f
provider, again, broken = pickle.loads({data!r})
load_g4f()
from g4f.Provider import ProviderLoader, ProviderUtils
async def call(provider):
    try:
        return [chunk async for chunk in provider.create_async_generator(model="m", messages=[])]
    except Exception as error:
        return type(error).__name__
print(provider is again is ProviderUtils.convert["Travelling"], provider.__name__, provider.default_model)
print(asyncio.run(call(provider)), len(provider.calls))
print(asyncio.run(call(broken)), asyncio.run(call(broken)), broken.supports_native_tools)
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.splitlines() == ["True Travelling m", "['Hello'] 1", "RateLimitError ['then'] True"]


# Health


def test_reset_forgets_what_was_learned():
    key = route_key(None, "P", "m")
    default_store().failed(key, "network", None, BreakerSettings(failures=1))

    reset_health()

    assert default_store().view(key).ready_at() == 0.0
