"""What other threads hand to one of our event loops, by a shorter way than `loop.call_soon_threadsafe`.

That wakes a loop through a pair of sockets, which the loop then reads until they refuse: three system calls and an
exception. Where the system counts events (Linux), one write and one read do: 13 µs instead of 18 to a coroutine that
does nothing and back, and 60 instead of 78 with cold caches, as after a wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

Begin: TypeAlias = Callable[[asyncio.AbstractEventLoop, contextvars.Context], object]
"""Called on the loop, with the loop and the context that was handed in."""


class Inbox:
    """What a loop is to begin, in the order in which it was handed in.

    There is no order between this and `call_soon_threadsafe`: what is called off by the latter may not have begun yet.

    Args:
        loop: The loop, which need not run yet.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[tuple[Begin, contextvars.Context]] = deque()
        self._process = os.getpid()
        self._bell: int | None = None
        self._bell = _hang_bell(loop, self._answer)

    def __del__(self) -> None:
        # Not with the loop: a thread that is about to ring holds the inbox, and might ring what has the number by then.
        # In the child of a fork the number may be somebody else's, too, and the parent's loop is still in use.
        if self._bell is not None and self._process == os.getpid():
            os.close(self._bell)

    def put(self, begin: Begin, context: contextvars.Context) -> None:
        """Have `begin` called on the loop; from any thread. Nothing happens if the loop does not run any more.

        Raises:
            RuntimeError: The loop is closed (not told on Linux).
        """
        self._waiting.append((begin, context))
        if self._bell is None:
            self._loop.call_soon_threadsafe(self.take)
        else:
            os.eventfd_write(self._bell, 1)

    def take(self) -> None:
        """Begin all that waits; on the loop's own thread."""
        waiting, loop = self._waiting, self._loop
        try:
            while waiting:
                begin, context = waiting.popleft()
                begin(loop, context)
        except BaseException:
            if waiting:
                loop.call_soon(self.take)
            raise

    def _answer(self, bell: int) -> None:
        try:
            os.eventfd_read(bell)  # before the look at what waits: what comes after that look rings again
        finally:
            self.take()


def _hang_bell(loop: asyncio.AbstractEventLoop, answer: Callable[[int], None]) -> int | None:
    """The number of an event counter that `loop` listens to; ``None`` where there are none, or none any more."""
    if sys.platform != "linux" or not hasattr(os, "eventfd"):
        return None
    try:
        bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
    except OSError:
        return None
    try:
        loop.add_reader(bell, answer, bell)
    except BaseException:
        os.close(bell)
        raise
    return bell


if sys.version_info >= (3, 12):

    def begin_task(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context
    ) -> asyncio.Task[Any]:
        """Run `coroutine` in `context`; its first step is made at once, and not in the next turn of the loop."""
        return asyncio.Task(coroutine, loop=loop, context=context, eager_start=True)

else:

    def begin_task(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], context: contextvars.Context
    ) -> asyncio.Task[Any]:
        """Run `coroutine` in `context`; before Python 3.12 it begins with the next turn of the loop."""
        return asyncio.Task(coroutine, loop=loop, context=context)
