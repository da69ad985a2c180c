"""What a shared store needs in one process, and who waits for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar

from g4f_integrations.core.health import Fact
from g4f_integrations.core.threads import LoopThread

Row = tuple[str, Fact]
"""A route's shared name, and which fact of it."""

T = TypeVar("T")


class Link:
    """What a store needs in one process: its thread, and what waits to be written and read."""

    def __init__(self, name: str) -> None:
        self.process = os.getpid()
        self.thread = LoopThread(name)
        self.wake = asyncio.Event()
        self.pending: dict[Row, tuple[float, str]] = {}
        self.readers: list[Future[None]] = []
        self.listeners: list[Future[Mapping[Row, str | bytes]]] = []  # who wants to know of all routes
        self.is_lost = False
        self.has_answered = False
        self.is_closing = False


def answer(futures: Sequence[Future[T]], with_what: T) -> None:
    """Tell those who still wait."""
    for future in futures:
        if not future.done():
            future.set_result(with_what)
