"""What the engine costs a call that meets no fault, over the transport that it drives."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from typing import Any

from clients import WIRE, provider_of
from g4f import get_async_provider_method
from measuring import AsyncSubject, Report, at_most, interleave, medians
from setting import Server

from g4f_integrations.core.candidates import resolve, usable
from g4f_integrations.core.engine import answer, complete
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import CallNotes, Request
from g4f_integrations.core.routes import Route, RouteChoice
from g4f_integrations.core.transport import open_upstream

_CHUNKS = 2000
_POLICY = Resilience()


def overhead(_: Server, report: Report, options: argparse.Namespace) -> None:
    """One successful call and one long stream of an inline provider: engine, transport alone, bare method."""
    asyncio.run(_overhead(report, 2000 if options.calls >= 1000 else 400))


async def _overhead(report: Report, rounds: int) -> None:
    subjects = _subjects(10, stream=False)
    took = {name: value * 1e6 for name, value in medians(await interleave(subjects, rounds)).items()}
    report.figures("One call of an inline provider", "µs", took, 1)
    report.judge("engine minus transport, per call", took["engine"] - took["transport"], at_most(60), "µs")
    report.judge("engine minus bare method, per call", took["engine"] - took["bare method"], None, "µs")
    subjects = _subjects(_CHUNKS, stream=True)
    took = {name: value * 1e6 for name, value in medians(await interleave(subjects, rounds // 10)).items()}
    report.figures(f"A stream of {_CHUNKS:,} chunks of an inline provider", "µs", took)
    per_chunk = {name: value / _CHUNKS for name, value in took.items()}
    report.judge("engine minus transport, per chunk", per_chunk["engine"] - per_chunk["transport"], at_most(3), "µs")
    report.judge("engine minus bare method, per chunk", per_chunk["engine"] - per_chunk["bare method"], None, "µs")


def _subjects(count: int, *, stream: bool) -> dict[str, AsyncSubject]:
    provider = provider_of(count)
    choice = RouteChoice(model="bench", routes=(Route(provider, "bench", inline=True),))
    request = Request(messages=WIRE, stream=stream)
    [candidate] = usable(resolve(choice), choice, request, _POLICY)
    method: Any = get_async_provider_method(provider)

    async def engine() -> None:
        if stream:
            assert await _length(answer(choice, request, _POLICY)) >= 1
        else:
            assert await complete(choice, request, _POLICY)

    async def transport() -> None:
        upstream = open_upstream(candidate, request, CallNotes())
        events = []
        while items := await upstream.pump.take(None):
            events += upstream.reader.read(items)
        assert len(events) >= 1

    async def bare() -> None:
        assert await _length(method(model="bench", messages=[dict(message) for message in WIRE])) == count

    return {"engine": engine, "transport": transport, "bare method": bare}


async def _length(stream: AsyncIterator[Any]) -> int:
    length = 0
    async for _ in stream:
        length += 1
    return length
