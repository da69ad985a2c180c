"""Cells without a loop of the caller's own: one call and one stream from ordinary code."""

from __future__ import annotations

import asyncio
from typing import Any

from clients import PROMPT, BareModel, chat_g4f, chat_openai, close_session
from measuring import Report, Subject, at_least, at_most, interleave_blocking, medians
from setting import Server

from g4f_integrations.core.loop import run_blocking

_OURS, _OPENAI = "ChatG4F over an endpoint", "ChatOpenAI"
_BARE = "bare BaseChatModel over aiohttp"


def sync_call(server: Server, report: Report, rounds: int) -> None:
    """One blocking call after the other."""
    url = server.url("call")
    ours, openai, bare = chat_g4f(url), chat_openai(url), BareModel(url=url)
    subjects: dict[str, Subject] = {
        _OURS: lambda: ours.invoke(PROMPT),
        _OPENAI: lambda: openai.invoke(PROMPT),
        _BARE: lambda: bare.invoke(PROMPT),
        "ChatG4F, asyncio.run for each call": lambda: asyncio.run(ours.ainvoke(PROMPT)),  # type: ignore[arg-type]
    }
    took = {name: value * 1e6 for name, value in medians(interleave_blocking(subjects, rounds)).items()}
    report.figures("One blocking call, sync", "µs", took)
    run_blocking(close_session)
    report.judge("sync call: ChatG4F / ChatOpenAI", took[_OURS] / took[_OPENAI], at_most(0.4))
    report.judge("sync call: ChatG4F / bare BaseChatModel", took[_OURS] / took[_BARE])


def sync_stream(server: Server, report: Report, rounds: int) -> None:
    """Chunks per second of a stream read from ordinary code."""
    for count in (200, 2000):
        url = server.url(f"s{count}")
        subjects = {_OURS: _reading(chat_g4f(url), count), _OPENAI: _reading(chat_openai(url), count)}
        speed = {name: count / value for name, value in medians(interleave_blocking(subjects, rounds)).items()}
        report.figures(f"Streams of {count:,} chunks, sync", "chunks/s", speed)
        report.judge(f"sync stream of {count:,}: ChatG4F / ChatOpenAI", speed[_OURS] / speed[_OPENAI], at_least(5))


def _reading(model: Any, expected: int) -> Subject:
    def read() -> None:
        assert sum(1 for _ in model.stream(PROMPT)) >= expected

    return read
