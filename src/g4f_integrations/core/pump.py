"""Pumps: one attempt's upstream, run in a task of its own and read in batches against a clock.

The consumer never awaits provider code. It awaits a plain future that new items, the end, or the clock resolve, so
a provider that swallows its cancellation or blocks its loop costs its own attempt and nobody's time, and no clock
ever cancels the consumer's task.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from g4f_integrations.core.alarms import GRACE_TURNS, Alarm, set_alarm
from g4f_integrations.core.logs import call_logger

logger = call_logger("pump")

HELD_ITEMS = 256  # items that wait for a slow consumer before the provider is held
_CLOSE_SECONDS = 1.0  # longest wait for a provider to close when the caller leaves
_EXPIRE_SECONDS = 0.005  # wait for a provider to close when its clock ran out: the call goes on

Source = Callable[[], AsyncIterator[Any]]


class Expired(Exception):  # noqa: N818  a clock's message to the engine, no error of its own
    """The clock given to `take` ran out."""


def _nothing() -> None:
    pass


class _Clock:
    """A watchdog that is armed once and moves its own alarm on, so that a batch costs no timer of its own."""

    __slots__ = ("_alarm", "_due", "_loop", "_on_due", "_set_for")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_due: Callable[[], None]) -> None:
        self._loop = loop
        self._on_due = on_due
        self._alarm: Alarm | None = None
        self._due: float | None = None
        self._set_for = 0.0

    def start(self, due: float | None) -> None:
        self._due = due
        if due is None:
            return
        if self._alarm is not None:
            if self._set_for <= due:
                return  # rings early, and then moves on
            self._alarm.cancel()
        self._alarm = set_alarm(self._loop, due, self._ring)
        self._set_for = due

    def pause(self) -> None:
        self._due = None

    def stop(self) -> None:
        self._on_due = _nothing  # a clock that held on to its pump would be a cycle, left to the garbage collector
        self._due = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        self._alarm = None
        due = self._due
        if due is None:
            return
        if self._loop.time() >= due:
            self._on_due()
        else:
            self.start(due)


class Pump(ABC):
    """What the engine needs of an attempt's upstream: items in batches, a clock, and a way to close it.

    Attributes:
        spent: Whether its end has been taken, so that there is nothing left to close.
    """

    __slots__ = (
        "_clock", "_closing", "_ended", "_error", "_expired", "_given_up", "_home", "_room", "_waiter", "spent",
    )  # fmt: skip

    def __init__(self) -> None:
        self._home = asyncio.get_running_loop()
        self._clock = _Clock(self._home, self._ring)
        self._waiter: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._ended = self._closing = self._expired = self._given_up = self.spent = False

    @abstractmethod
    async def take(self, expires: float | None) -> list[Any]:
        """The items that have come since the last call, at least one; an empty list at the end.

        Args:
            expires: Time of the running loop at which to give up, if any.

        Raises:
            Expired: The clock ran out first.
            BaseException: Whatever the upstream raised, once its items have been taken.
        """

    @abstractmethod
    async def _close(self, seconds: float) -> bool:
        """Cancel the upstream and wait up to `seconds`; whether it has ended."""

    async def expire(self) -> None:
        """Give the upstream up because its clock ran out; waits a few loop turns at the most."""
        self._given_up = True
        await self._close(_EXPIRE_SECONDS)

    async def aclose(self) -> None:
        """Close the upstream; returns when it is closed, or after a second if it will not."""
        if not self._given_up and not await self._close(_CLOSE_SECONDS):
            logger.warning("A provider did not close within %.0f s and is left to itself.", _CLOSE_SECONDS)

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _ring(self) -> None:
        # On a loop that others kept busy the clock may run out while the answer lies in the socket, unread.
        if self._waiter is not None:
            self._look_again(self._waiter, GRACE_TURNS)

    def _look_again(self, waiter: asyncio.Future[None], turns: int) -> None:
        if self._waiter is not waiter:
            return
        if turns:
            self._home.call_soon(self._look_again, waiter, turns - 1)
        else:
            self._expired = True
            self._wake()


async def run_source(source: Source, put: Callable[[Any], Any], is_closing: Callable[[], bool]) -> None:
    """Drive the upstream to its end.

    Args:
        source: Makes the upstream.
        put: Takes an item; may return what to wait for, when the consumer has fallen behind or is gone.
        is_closing: Whether the consumer is gone; asked after such a wait.
    """
    stream = source()
    try:
        async for item in stream:
            room = put(item)
            if room is not None:
                await room
                if is_closing():
                    break
    finally:
        aclose = getattr(stream, "aclose", None)
        if aclose is not None:
            await aclose()


class LocalPump(Pump):
    """A pump whose upstream runs in the caller's own loop: endpoints, and providers marked as inline."""

    __slots__ = ("_held", "_items", "_task")

    def __init__(self, source: Source, held: int = HELD_ITEMS) -> None:
        super().__init__()
        self._held = held  # items that wait for a slow consumer before the upstream is held
        self._items: list[Any] = []
        self._task = self._home.create_task(self._run(source))

    async def _run(self, source: Source) -> None:
        try:
            await run_source(source, self._put, lambda: self._closing)
        except asyncio.CancelledError as error:
            self._error = error
            if not self._closing:
                raise  # the loop itself is being torn down
        except BaseException as error:
            self._error = error
            # In the main thread a signal's handler may have raised it; elsewhere it would end a loop of many callers.
            is_main = threading.current_thread() is threading.main_thread()
            if is_main and isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        finally:
            self._ended = True
            self._wake()

    def _put(self, item: Any) -> Awaitable[None] | None:
        if self._closing:
            return at_once()
        items = self._items
        items.append(item)
        if self._waiter is not None:
            self._wake()
        if len(items) < self._held:
            return None
        self._room = self._home.create_future()
        return self._room

    async def take(self, expires: float | None) -> list[Any]:
        """See `Pump.take`."""
        while True:
            items = self._items
            if items:
                self._items = []
                if self._room is not None:
                    room, self._room = self._room, None
                    if not room.done():
                        room.set_result(None)
                return items
            if self._ended:
                self._clock.stop()
                self.spent = True
                if self._error is not None:
                    raise upstream_error(self._error)
                return items
            waiter = self._waiter = self._home.create_future()
            self._expired = False
            self._clock.start(expires)
            try:
                await waiter
            finally:
                self._clock.pause()
                self._waiter = None
            if self._expired and not self._items and not self._ended:
                raise Expired

    async def _close(self, seconds: float) -> bool:
        self._clock.stop()
        if self._task.done() or self._ended:
            return True
        if not self._closing:  # a second cancellation would hit the upstream while it closes
            self._closing = True
            self._task.cancel()
        _, pending = await asyncio.wait({self._task}, timeout=seconds)
        return not pending


async def at_once() -> None:
    """Nothing to wait for: the upstream only has to look whether it should go on."""


def upstream_error(error: BaseException) -> BaseException:
    """What the upstream raised, fit to be raised in the caller's task."""
    if isinstance(error, asyncio.CancelledError):
        # The provider cancelled itself; as CancelledError it would cancel the caller.
        return ConnectionAbortedError("the provider cancelled its own request")
    if not isinstance(error, Exception) or isinstance(error, StopAsyncIteration | StopIteration):
        return RuntimeError(f"the provider raised {type(error).__name__}")
    return error
