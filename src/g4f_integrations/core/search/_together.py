"""Searches for the same at the same time are one search: a batch of calls on one question asks the engines once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
_ATTRIBUTE = "_g4f_integrations_searches"


@dataclass(slots=True)
class _Running:
    task: asyncio.Task[Any]
    waiting: int = 0


async def once(key: Hashable, search: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What `search` gives, or what one of the same key gives that is under way in this event loop.

    It is given up when nobody waits for it any more.
    """
    loop = asyncio.get_running_loop()
    # On the loop itself, whose tasks they are: a table of loops would keep finished ones for ever.
    known: dict[Hashable, _Running] | None = getattr(loop, _ATTRIBUTE, None)
    if known is None:
        known = {}
        setattr(loop, _ATTRIBUTE, known)
    running = known.get(key)
    if running is None:
        running = known[key] = _Running(loop.create_task(search()))
    running.waiting += 1
    try:
        found: T = await asyncio.shield(running.task)
        return found
    finally:
        running.waiting -= 1
        if not running.waiting:
            if known.get(key) is running:
                del known[key]
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)
