"""What a process of its own shows of itself, printed as JSON; started by `starting`.

``footprint.py memory CLIENT URL`` tells the resident memory after import, after the first call and at its highest;
``footprint.py growth KIND COUNT URL`` by how much descriptors, tasks, threads, objects and memory grow over many calls.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

_FEW = 100
_PARTS = 8
_PROMPT = "Tell me about the fox, in one sentence."


def _resident(name: str = "VmRSS") -> float:
    """This process's resident memory in kB, now or (``VmHWM``) at its highest; NaN where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    return float(status.split(f"{name}:")[1].split()[0])


def _descriptors() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0


def _model(client: str, url: str) -> Any:
    settings = {"model": "bench", "base_url": url, "api_key": "sk-benchmark"}
    if client == "ChatG4F":
        from g4f_integrations.langchain import ChatG4F  # the import is what is measured

        return ChatG4F(**settings)
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(**settings, stream_usage=True)


def memory(client: str, url: str) -> dict[str, float]:
    """Memory of one client in MB, and how long its first call takes in ms."""
    started = time.perf_counter()
    model = _model(client, url)
    found = {"memory after import": _resident() / 1024}

    async def work() -> None:
        began = time.perf_counter()
        await model.ainvoke(_PROMPT)
        found["first call"] = (time.perf_counter() - began) * 1000
        found["import, construction and first call"] = (time.perf_counter() - started) * 1000
        found["memory after the first call"] = _resident() / 1024
        for _ in range(20):
            await asyncio.gather(*(model.ainvoke(_PROMPT) for _ in range(50)))

    asyncio.run(work())
    found["most memory, 1,000 calls by 50"] = _resident("VmHWM") / 1024
    return found


def growth(kind: str, count: int, url: str) -> dict[str, float]:
    """What `count` calls of one kind add, after half as many to warm up, and what a call leaves to the collector.

    Memory grows in steps of an allocator's own size, by 1 MB at times even where nothing happens, so its figure is
    the median growth of eight equal parts, times eight.
    """
    states: list[dict[str, float]] = []
    _KINDS[kind]([count // 2] + [count // _PARTS] * _PARTS, url, lambda: states.append(_state()))
    grown = {name: states[-1][name] - states[0][name] for name in states[0]}
    steps = [after["memory"] - before["memory"] for before, after in pairwise(states)]
    grown["memory"] = statistics.median(steps) * _PARTS
    # Then a few more without the collector: what it finds afterwards could not be freed by counting references.
    found: list[int] = []
    gc.disable()
    _KINDS[kind]([10, _FEW], url, lambda: found.append(gc.collect()))
    grown["cyclic garbage"] = round(found[-1] / _FEW, 2)
    return grown


def _state() -> dict[str, float]:
    gc.collect()
    alive = gc.get_objects()
    tasks = sum(isinstance(thing, asyncio.Task) for thing in alive)
    return {
        "descriptors": _descriptors(),
        "tasks": tasks,
        "threads": threading.active_count(),
        "objects": len(alive),
        "memory": _resident(),
    }


def _in_one_loop(parts: Sequence[int], call: Callable[[], Any], note: Callable[[], None]) -> None:
    async def work() -> None:
        for times in parts:
            for _ in range(times):
                await call()
            await asyncio.sleep(0.05)  # for what ends a moment after its call
            note()

    asyncio.run(work())


def _calls(parts: Sequence[int], url: str, note: Callable[[], None]) -> None:
    model = _model("ChatG4F", url)
    _in_one_loop(parts, lambda: model.ainvoke(_PROMPT), note)


def _provider_calls(parts: Sequence[int], url: str, note: Callable[[], None]) -> None:
    from g4f.client import create_custom_provider  # the other kinds do without g4f

    from g4f_integrations.langchain import ChatG4F

    provider = create_custom_provider(url, api_key="sk-benchmark", default_model="bench", models=["bench"])
    model = ChatG4F(provider=provider, model="bench")
    _in_one_loop(parts, lambda: model.ainvoke(_PROMPT), note)


def _broken_streams(parts: Sequence[int], url: str, note: Callable[[], None]) -> None:
    model = _model("ChatG4F", url.replace("/call/", "/s2000/"))

    async def leave() -> None:
        async with aclosing(model.astream(_PROMPT)) as chunks:
            async for _ in chunks:
                break

    _in_one_loop(parts, leave, note)


def _blocking_calls(parts: Sequence[int], url: str, note: Callable[[], None]) -> None:
    model = _model("ChatG4F", url)
    for times in parts:
        for _ in range(times):
            model.invoke(_PROMPT)
        note()


def _runs(parts: Sequence[int], url: str, note: Callable[[], None]) -> None:
    model = _model("ChatG4F", url)
    for times in parts:
        for _ in range(times):
            asyncio.run(model.ainvoke(_PROMPT))
        note()


_KINDS: dict[str, Callable[[Sequence[int], str, Callable[[], None]], None]] = {
    "calls in one loop": _calls,
    "asyncio.run for each call": _runs,
    "sync calls": _blocking_calls,
    "streams left early": _broken_streams,
    "calls of a g4f provider": _provider_calls,
}


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if what == "memory":
        print(json.dumps(memory(*arguments)))
    else:
        print(json.dumps(growth(arguments[0], int(arguments[1]), arguments[2])))
