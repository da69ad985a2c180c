"""How many requests run at a time, shared by all calls of an event loop: frameworks send their batches side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

_ATTRIBUTE = "_g4f_integrations_embedding_limits"


def limit(key: Hashable, most: int) -> asyncio.Semaphore:
    """The running loop's semaphore for `key`, which lets `most` through at a time."""
    loop = asyncio.get_running_loop()
    # On the loop itself: a semaphore holds its loop, so that a table of them would keep finished loops for ever.
    known: dict[tuple[Hashable, int], asyncio.Semaphore] | None = getattr(loop, _ATTRIBUTE, None)
    if known is None:
        known = {}
        setattr(loop, _ATTRIBUTE, known)
    found = known.get((key, most))
    if found is None:
        found = known[key, most] = asyncio.Semaphore(most)
    return found
