"""Cells about time limits: how soon the server sees that its reader has left, and how exact our clocks are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from clients import KEY, PROMPT, asked, chat_g4f, chat_openai, provider_from
from g4f.client import create_custom_provider
from measuring import AsyncSubject, Report, Samples, at_most, interleave, medians
from setting import Server

from g4f_integrations import Resilience
from g4f_integrations.errors import IntegrationError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import reset_health

_READ_FIRST = 3  # chunks, so that the stream is under way
_GIVE_UP = 2.0  # seconds after which a connection counts as left open
_LIMIT = 0.1  # seconds, of every clock that is measured
_NEVER: dict[str, Any] = dict.fromkeys(("first_token_timeout", "attempt_timeout", "deadline", "total_timeout"))


async def close(server: Server, report: Report, rounds: int) -> None:
    """From leaving a stream to the moment when the server has seen it, both on the machine's monotonic clock."""
    url = server.url("endless")
    provider = create_custom_provider(url, api_key=KEY, default_model="bench", models=["bench"])
    ours, openai = chat_g4f(url), chat_openai(url)
    models = {
        "ChatG4F over a provider": ChatG4F(provider=provider, model="bench"),
        "ChatG4F": ours,
        "ChatOpenAI": openai,
    }
    subjects: dict[str, AsyncSubject] = {}
    for name, model in models.items():
        for leave in (_closed, _dropped, _cancelled, _left_sync):
            subjects[f"{name}, {(leave.__doc__ or '').rstrip('.')}"] = _seen(server, model, leave)
    samples = await interleave(subjects, max(5, rounds // 10), warm_up=1)
    took = {name: value * 1000 for name, value in medians(samples).items()}
    report.figures(f"Early close seen by the server ({_GIVE_UP * 1000:,.0f} is never)", "ms", took, 1)
    for name, value in took.items():
        if name.startswith("ChatG4F"):
            report.judge(f"early close: {name}", value, at_most(50), "ms")


def _seen(server: Server, model: Any, leave: Callable[[Any], Awaitable[float]]) -> AsyncSubject:
    async def measure() -> float:
        await asked(server.url("closed"))  # forget earlier ones
        left = await leave(model)
        while time.monotonic() < left + _GIVE_UP:
            if closings := await asked(server.url("closed")):
                return float(closings[0]) - left
            await asyncio.sleep(0.001)
        return _GIVE_UP

    return measure


async def _closed(model: Any) -> float:
    """aclosing."""
    async with aclosing(model.astream(PROMPT)) as chunks:
        return await _read_some(chunks)


async def _dropped(model: Any) -> float:
    """break."""
    return await _read_some(model.astream(PROMPT))


async def _cancelled(model: Any) -> float:
    """task cancelled."""
    under_way = asyncio.Event()

    async def read() -> None:
        count = 0
        async for _ in model.astream(PROMPT):
            count += 1
            if count == _READ_FIRST:
                under_way.set()

    task = asyncio.create_task(read())
    await under_way.wait()
    left = time.monotonic()
    while not task.done():  # ChatOpenAI waits by `wait_for`, which can swallow a cancellation, and then reads for ever
        task.cancel()
        await asyncio.wait({task}, timeout=_GIVE_UP)
    return left


async def _left_sync(model: Any) -> float:
    """sync break."""

    def read() -> float:
        for count, _ in enumerate(model.stream(PROMPT), 1):
            if count == _READ_FIRST:
                left = time.monotonic()
                break
        return left

    return await asyncio.to_thread(read)


async def _read_some(chunks: AsyncIterator[Any]) -> float:
    count, left = 0, 0.0
    async for _ in chunks:
        count += 1
        if count == _READ_FIRST:
            left = time.monotonic()
            break
    return left


async def clocks(server: Server, report: Report, rounds: int) -> None:
    """How long after its limit each clock ends a call of one attempt."""
    sleeper = provider_from(_sleep, "Sleeper")
    stubborn = provider_from(_swallow, "Stubborn")
    blocking = provider_from(_block, "Blocking")
    silent = server.url("silent")
    subjects: dict[str, AsyncSubject] = {
        "first_token_timeout": _over(_streaming(_limited(silent, first_token_timeout=_LIMIT))),
        "stall_timeout": _stalled(_limited(server.url("stall"), stall_timeout=_LIMIT)),
        "total_timeout": _over(_streaming(_limited(server.url("endless"), total_timeout=_LIMIT))),
        "attempt_timeout": _over(_calling(_limited(silent, attempt_timeout=_LIMIT))),
        "deadline": _over(_calling(_limited(silent, deadline=_LIMIT))),
        "attempt_timeout, sync": _over(_calling_sync(_limited(silent, attempt_timeout=_LIMIT))),
        "first_token_timeout, provider that sleeps": _over(_streaming(_asking(sleeper))),
        "first_token_timeout, provider that will not be cancelled": _over(_streaming(_asking(stubborn))),
        "first_token_timeout, provider that blocks its loop": _over(_streaming(_asking(blocking))),
        "(asyncio.timeout alone)": _over(_plain_timeout),
    }
    samples: Samples = await interleave(subjects, max(5, rounds // 10), warm_up=1)
    over = {name: value * 1000 for name, value in medians(samples).items()}
    report.figures(f"Clocks of {_LIMIT * 1000:.0f} ms, overshoot, median", "ms", over, 2)
    report.figures("The same, worst", "ms", {name: max(values) * 1000 for name, values in samples.items()}, 2)
    for name, value in over.items():
        if not name.startswith("("):
            report.judge(f"overshoot of {name}", value, at_most(10), "ms")


def _policy(**limits: float) -> Resilience:
    return Resilience(max_attempts=1, **(_NEVER | limits))


def _limited(url: str, **limits: float) -> ChatG4F:
    return chat_g4f(url, resilience=_policy(**limits))


def _asking(provider: type) -> ChatG4F:
    return ChatG4F(provider=provider, model="bench", resilience=_policy(first_token_timeout=_LIMIT))


def _over(act: Callable[[], Awaitable[object]]) -> AsyncSubject:
    """Seconds beyond the limit that `act` takes to be ended by it."""

    async def measure() -> float:
        reset_health()
        began = time.perf_counter()
        with suppress(IntegrationError, TimeoutError):
            await act()
            message = "the clock did not ring"
            raise RuntimeError(message)
        return time.perf_counter() - began - _LIMIT

    return measure


def _stalled(model: ChatG4F) -> AsyncSubject:
    async def measure() -> float:
        reset_health()
        began = 0.0
        with suppress(IntegrationError):
            async for chunk in model.astream(PROMPT):
                if chunk.text.strip():  # a blank that was still held is handed over when the clock has rung
                    began = time.perf_counter()
        return time.perf_counter() - began - _LIMIT

    return measure


def _streaming(model: ChatG4F) -> Callable[[], Awaitable[object]]:
    async def read() -> None:
        async for _ in model.astream(PROMPT):
            pass

    return read


def _calling(model: ChatG4F) -> Callable[[], Awaitable[object]]:
    return lambda: model.ainvoke(PROMPT)


def _calling_sync(model: ChatG4F) -> Callable[[], Awaitable[object]]:
    return lambda: asyncio.to_thread(model.invoke, PROMPT)


async def _plain_timeout() -> None:
    async with asyncio.timeout(_LIMIT):
        await asyncio.sleep(60)


async def _sleep(**_: Any) -> AsyncIterator[str]:
    await asyncio.sleep(60)
    yield "too late"


async def _swallow(**_: Any) -> AsyncIterator[str]:
    until = time.monotonic() + 0.5
    while (left := until - time.monotonic()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(left)
    yield "too late"


async def _block(**_: Any) -> AsyncIterator[str]:
    time.sleep(0.3)  # noqa: ASYNC251  blocking is what it is for
    yield "too late"
