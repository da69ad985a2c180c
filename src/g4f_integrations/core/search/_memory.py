"""What was found lately, so that an agent's turns rest on one search, and a question asked again is not searched again.

In this process alone, for at most 64 questions; a forked child has what its parent had.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from g4f_integrations.core.search._results import SearchResults
from g4f_integrations.core.search._settings import WebSearch, short_query

FRESH = 300.0
"""Seconds for which what was found is taken for the present state of the web."""
_FAILURE_KEPT = 60.0
_MOST = 64
_LARGEST = 200_000  # characters of one search's pages


class Remembered(NamedTuple):
    """One search as it ended: what was found, or the kind of failure, and when."""

    found: SearchResults | None
    failure: str | None
    at: float


class SearchMemory:
    """The searches that were used last.

    Args:
        clock: Seconds, from whenever.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[WebSearch, Remembered] = OrderedDict()
        self.renew_lock()

    def renew_lock(self) -> None:
        """After a fork: another thread may have held it."""
        self._lock = threading.Lock()

    def get(self, settings: WebSearch, query: str, *, same_turn: bool) -> Remembered | None:
        """How this search ended, if that still holds.

        Args:
            settings: How it is searched.
            query: What for.
            same_turn: Whether an answer is being continued, after a tool's result: the model then sees what it has
                seen before, however long the tool took, and engines that have failed just now are not asked again.
        """
        key = key_of(settings, query)
        if key is None:
            return None
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
        found = kept.found is not None and len(kept.found) > 0
        limit = (math.inf if found else _FAILURE_KEPT) if same_turn else (FRESH if found else 0.0)
        return kept if self._clock() - kept.at < limit else None

    def keep(
        self, settings: WebSearch, query: str, found: SearchResults | None, failure: str | None = None
    ) -> Remembered:
        """Remember how a search ended."""
        ended = Remembered(found, failure, self._clock())
        key = key_of(settings, query)
        if key is None or sum(len(result.text) + len(result.snippet) for result in found or ()) > _LARGEST:
            return ended
        with self._lock:
            self._kept[key] = ended
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return ended

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()


def key_of(settings: WebSearch, query: str) -> WebSearch | None:
    """What makes two searches the same; ``None`` if that cannot be said."""
    key = settings.asking(query=short_query(query))
    try:
        hash(key)
    except TypeError:  # an engine that is an object without a hash
        return None
    return key


memory = SearchMemory()
"""This process's own."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=memory.renew_lock)
