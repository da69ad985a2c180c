"""Cells that await: one call, the first token, streamed chunks, many calls at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from clients import (
    KEY,
    PROMPT,
    WIRE,
    BareModel,
    NoModel,
    chat_g4f,
    chat_g4f_in_process,
    chat_openai,
    provider_of,
    raw_call,
    raw_stream,
)
from g4f import get_async_provider_method
from g4f.client import AsyncClient, create_custom_provider
from langchain_core.language_models import FakeListChatModel
from measuring import AsyncSubject, Report, at_least, at_most, interleave, medians
from server import ANSWER, words
from setting import Server

from g4f_integrations.core.engine import answer, complete
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import Route, RouteChoice

_ENDPOINT, _OPENAI = "ChatG4F over an endpoint", "ChatOpenAI"
_INLINE, _THREAD = "ChatG4F over a provider, inline", "ChatG4F over a provider, own thread"
_ENGINE_INLINE, _ENGINE_THREAD = "our engine alone, inline", "our engine alone, own thread"
_BARE, _FAKE, _METHOD = "bare BaseChatModel over aiohttp", "FakeListChatModel", "g4f provider's bare method"
_NOTHING = "BaseChatModel that does nothing"
_G4F_CLIENT = "g4f AsyncClient over the endpoint"
_G4F_METHOD = "g4f provider's method over the endpoint"


def _invoking(model: Any) -> AsyncSubject:
    async def call() -> None:
        said = (await model.ainvoke(PROMPT)).text
        assert said, model

    return call


def _counting(stream: Any, expected: int) -> AsyncSubject:
    """Reads the stream that `stream()` gives; everybody must have seen at least the content chunks."""

    async def read() -> None:
        count = 0
        async for _ in stream():
            count += 1
        assert count >= expected, (stream, count)

    return read


def _engine(provider: type, *, inline: bool) -> AsyncSubject:
    """A blocking call of the engine, as the faces make it."""
    choice = RouteChoice(model="bench", routes=(Route(provider, "bench", inline=inline),))
    policy = Resilience()

    async def call() -> None:
        assert await complete(choice, Request(messages=WIRE, stream=False), policy)

    return call


def _streaming_engine(provider: type, *, inline: bool) -> Any:
    choice = RouteChoice(model="bench", routes=(Route(provider, "bench", inline=inline),))
    policy = Resilience()

    async def events() -> AsyncIterator[Any]:
        async for batch in answer(choice, Request(messages=WIRE, stream=True), policy):
            for event in batch:
                yield event

    return events


def _method(provider: Any, **arguments: Any) -> Any:
    method: Any = get_async_provider_method(provider)
    return lambda: method(model="bench", messages=[dict(message) for message in WIRE], **arguments)


def _g4f_client(url: str) -> Any:
    return AsyncClient(provider=create_custom_provider(url, api_key=KEY, default_model="bench", models=["bench"]))


async def call(server: Server, report: Report, rounds: int) -> None:
    """One blocking call after the other."""
    url = server.url("call")
    provider = provider_of(10)
    g4f_client = _g4f_client(url)
    g4f_provider = create_custom_provider(url, api_key=KEY, default_model="bench", models=["bench"])

    async def call_g4f_client() -> None:
        assert (await g4f_client.chat.completions.create(WIRE, "bench")).choices[0].message.content

    async def call_raw() -> None:
        assert await raw_call(url) == ANSWER

    subjects = {
        _ENDPOINT: _invoking(chat_g4f(url)),
        _OPENAI: _invoking(chat_openai(url)),
        _BARE: _invoking(BareModel(url=url)),
        "raw aiohttp": call_raw,
        _G4F_CLIENT: call_g4f_client,
        _G4F_METHOD: _counting(_method(g4f_provider, stream=False), 1),
        _INLINE: _invoking(chat_g4f_in_process(provider, inline=True)),
        _THREAD: _invoking(chat_g4f_in_process(provider, inline=False)),
        _FAKE: _invoking(FakeListChatModel(responses=[ANSWER])),
        _NOTHING: _invoking(NoModel(url=url)),
        _METHOD: _counting(_method(provider), 10),
    }
    took = {name: value * 1e6 for name, value in medians(await interleave(subjects, rounds)).items()}
    report.figures("One blocking call, async", "µs", took)
    report.judge("call: ChatG4F over an endpoint / ChatOpenAI", took[_ENDPOINT] / took[_OPENAI], at_most(0.33))
    report.judge("call: ChatG4F over an endpoint / bare BaseChatModel", took[_ENDPOINT] / took[_BARE])
    report.judge("call: ChatG4F over a provider, inline / FakeListChatModel", took[_INLINE] / took[_FAKE])
    report.judge("call: ChatG4F on the provider thread minus inline", took[_THREAD] - took[_INLINE], None, "µs")


async def provider_call(_: Server, report: Report, rounds: int) -> None:
    """One blocking call of a g4f provider, which waits for nothing: its method, the engine round it, LangChain on top.

    A cell of its own, because these are differences in microseconds: between a dozen other clients each would be
    measured by how cold those have left the processor's caches.
    """
    provider = provider_of(10)
    subjects = {
        _METHOD: _counting(_method(provider), 10),
        _ENGINE_INLINE: _engine(provider, inline=True),
        _ENGINE_THREAD: _engine(provider, inline=False),
    }
    took = {name: value * 1e6 for name, value in medians(await interleave(subjects, rounds)).items()}
    report.figures("One blocking call of a provider, by the engine", "µs", took)
    minus = took[_ENGINE_THREAD] - took[_METHOD]
    report.judge("provider: engine on the provider thread minus bare method", minus, at_most(150), "µs")
    report.judge("provider: engine inline minus bare method", took[_ENGINE_INLINE] - took[_METHOD], None, "µs")
    subjects = {
        _METHOD: _counting(_method(provider), 10),
        _THREAD: _invoking(chat_g4f_in_process(provider, inline=False)),
        _NOTHING: _invoking(NoModel(url="")),
    }
    took = {name: value * 1e6 for name, value in medians(await interleave(subjects, rounds)).items()}
    report.figures("One blocking call of a provider, in LangChain", "µs", took)
    report.judge(
        "provider: ChatG4F on the provider thread minus bare method, minus LangChain's own",
        took[_THREAD] - took[_METHOD] - took[_NOTHING],
        at_most(150),
        "µs",
    )


async def first_token(server: Server, report: Report, rounds: int) -> None:
    """From asking to the first word, while the rest of the answer is still 2 ms away."""
    await _first_token(server.url("first"), "first token", report, rounds)
    await _first_token(server.url("the"), "first token that a notice could begin with", report, rounds)


async def _first_token(url: str, title: str, report: Report, rounds: int) -> None:

    def timing(stream: Any) -> AsyncSubject:
        async def read() -> float:
            began = time.perf_counter()
            took = 0.0
            async for chunk in stream():
                if not took and (chunk if isinstance(chunk, str) else chunk.text):
                    took = time.perf_counter() - began
            return took

        return read

    ours, openai, bare = chat_g4f(url), chat_openai(url), BareModel(url=url)
    subjects = {
        _ENDPOINT: timing(lambda: ours.astream(PROMPT)),
        _OPENAI: timing(lambda: openai.astream(PROMPT)),
        _BARE: timing(lambda: bare.astream(PROMPT)),
        "raw aiohttp": timing(lambda: raw_stream(url)),
    }
    took = {name: value * 1e6 for name, value in medians(await interleave(subjects, rounds)).items()}
    report.figures(title.capitalize(), "µs", took)
    report.judge(f"{title}: ChatG4F / ChatOpenAI", took[_ENDPOINT] / took[_OPENAI])
    report.judge(f"{title}: ChatG4F minus bare BaseChatModel", took[_ENDPOINT] - took[_BARE], None, "µs")


async def stream(server: Server, report: Report, rounds: int) -> None:
    """Chunks per second of a stream that never makes its reader wait."""
    for count in (200, 2000):
        await _stream(server, report, rounds, count)


async def _stream(server: Server, report: Report, rounds: int, count: int) -> None:
    url = server.url(f"s{count}")
    provider = provider_of(count)
    ours, openai, bare = chat_g4f(url), chat_openai(url), BareModel(url=url)
    inline, thread = (chat_g4f_in_process(provider, inline=inline) for inline in (True, False))
    fake = FakeListChatModel(responses=["x" * count])  # a chunk for each letter
    g4f_client = _g4f_client(url)
    streams = {
        _ENDPOINT: lambda: ours.astream(PROMPT),
        _OPENAI: lambda: openai.astream(PROMPT),
        _BARE: lambda: bare.astream(PROMPT),
        "raw aiohttp": lambda: raw_stream(url),
        _G4F_CLIENT: lambda: g4f_client.chat.completions.create(WIRE, "bench", stream=True),
        _INLINE: lambda: inline.astream(PROMPT),
        _THREAD: lambda: thread.astream(PROMPT),
        _FAKE: lambda: fake.astream(PROMPT),
        _ENGINE_INLINE: _streaming_engine(provider, inline=True),
        _ENGINE_THREAD: _streaming_engine(provider, inline=False),
        _METHOD: _method(provider, stream=True),
    }
    subjects = {name: _counting(make, len(words(count))) for name, make in streams.items()}
    took = medians(await interleave(subjects, rounds))
    speed = {name: count / value for name, value in took.items()}
    report.figures(f"Streams of {count:,} chunks, async", "chunks/s", speed)
    where = f"stream of {count:,}:"
    report.judge(f"{where} ChatG4F over an endpoint / ChatOpenAI", speed[_ENDPOINT] / speed[_OPENAI], at_least(6))
    report.judge(f"{where} ChatG4F inline / FakeListChatModel", speed[_INLINE] / speed[_FAKE], at_least(1))
    report.judge(f"{where} ChatG4F on the provider thread", speed[_THREAD] / 1000, at_least(30), "k chunks/s")


async def concurrent(server: Server, report: Report, rounds: int) -> None:
    """200 calls at once, five times in a row, by clients that are warm; then 200 calls that each wait for 50 ms."""
    url = server.url("call")

    def many(one: AsyncSubject, times: int) -> AsyncSubject:
        async def all_of_them() -> None:
            for _ in range(times):
                await asyncio.gather(*(one() for _ in range(200)))

        return all_of_them

    def all_clients(url: str) -> dict[str, AsyncSubject]:
        return {
            _ENDPOINT: _invoking(chat_g4f(url)),
            _OPENAI: _invoking(chat_openai(url)),
            _BARE: _invoking(BareModel(url=url)),
            "raw aiohttp": lambda: raw_call(url),
        }

    subjects = {name: many(one, 5) for name, one in all_clients(url).items()}
    took = medians(await interleave(subjects, max(3, rounds // 20), warm_up=1, collect=True))
    speed = {name: 1000 / value for name, value in took.items()}
    report.figures("200 calls at once, warm", "calls/s", speed)
    report.judge("200 at once: ChatG4F / ChatOpenAI", speed[_ENDPOINT] / speed[_OPENAI], at_least(4))
    report.judge("200 at once: ChatG4F / bare BaseChatModel", speed[_ENDPOINT] / speed[_BARE], at_least(0.75))

    subjects = {name: many(one, 1) for name, one in all_clients(server.url("wait50")).items()}
    took = medians(await interleave(subjects, max(3, rounds // 20), warm_up=1, collect=True))
    report.figures(
        "200 calls at once that wait for 50 ms", "ms", {name: value * 1000 for name, value in took.items()}, 1
    )
