"""The pump over the provider thread: an upstream that runs in another loop than its consumer's."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections import deque
from collections.abc import Awaitable
from typing import Any

from g4f_integrations.core.inbox import begin_task
from g4f_integrations.core.pump import HELD_ITEMS, Expired, Pump, Source, at_once, run_source, upstream_error
from g4f_integrations.core.threads import ORDINARY, LoopThread, provider_loop, replace_provider_loop

_HELD_SECONDS = 1.0  # how often a held provider looks whether its consumer's loop still exists
_START_SECONDS = 0.25  # a provider loop that has not begun an attempt by then counts as blocked
_PROMPT_SECONDS = 0.05  # a provider loop that has not noticed a cancellation by then counts as blocked


class RemotePump(Pump):
    """A pump whose upstream runs on the provider thread; batches cross between the loops."""

    __slots__ = ("_armed", "_cancel_seen", "_context", "_host", "_items", "_lock", "_source", "_started", "_task")

    def __init__(self, source: Source, lane: str = ORDINARY) -> None:
        super().__init__()
        self._source = source
        self._items: deque[Any] = deque()
        self._armed = self._started = self._cancel_seen = False
        self._task: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()  # decides whether an attempt begins on this loop or on its replacement
        self._host: LoopThread = provider_loop(lane)
        self._submit()

    def _submit(self) -> None:
        self._host.inbox.put(self._start, self._context)

    # On the provider thread ------------------------------------------------------------------------------------

    def _start(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        with self._lock:
            if self._started or self._closing or loop is not self._host.loop:
                return
            self._started = True
        self._task = begin_task(loop, self._run(), context)
        self._task.add_done_callback(self._over)

    async def _run(self) -> None:
        try:
            await run_source(self._source, self._put, lambda: self._cancel_seen)
        except BaseException as error:  # handed to the consumer; a provider's SystemExit must not end our thread
            self._error = error
        finally:
            self._ended = True
            if self._armed:
                self._notify()

    def _over(self, _: asyncio.Task[None]) -> None:
        if not self._ended:  # cancelled before its first step, so that nothing of `_run` ever ran
            self._error = self._error or asyncio.CancelledError()
            self._ended = True
            self._notify()

    def _put(self, item: Any) -> Awaitable[None] | None:
        if self._cancel_seen:
            return at_once()
        self._items.append(item)
        if self._armed:
            self._notify()
        if len(self._items) < HELD_ITEMS:
            return None
        room = self._room = self._host.loop.create_future()
        # Looked at once more: the consumer may have taken everything before it could see `room`.
        return self._wait_for_room(room) if len(self._items) >= HELD_ITEMS else None

    async def _wait_for_room(self, room: asyncio.Future[None]) -> None:
        while not room.done():
            await asyncio.wait({room}, timeout=_HELD_SECONDS)
            if self._home.is_closed():  # nobody will ever make room
                self._cancel_seen = True
                return

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    def _notify(self) -> None:
        self._armed = False
        try:
            self._home.call_soon_threadsafe(self._wake)
        except RuntimeError:  # the consumer's loop is closed: nobody listens any more
            self._cancel_seen = True

    def _cancel(self) -> None:
        if not self._cancel_seen and self._task is not None:
            self._task.cancel()  # once: a second cancellation would hit the upstream while it closes
        self._cancel_seen = True

    # On the consumer's loop ------------------------------------------------------------------------------------

    async def take(self, expires: float | None) -> list[Any]:
        """See `Pump.take`."""
        while True:
            items = self._grab()
            if items:
                return items
            if self._ended:
                items = self._grab()  # what came between the look above and the end
                if items:
                    return items
                self._clock.stop()
                self.spent = True
                if self._error is not None:
                    raise upstream_error(self._error)
                return items
            await self._wait(expires)

    def _grab(self) -> list[Any]:
        queue = self._items
        taken = []
        while queue:
            taken.append(queue.popleft())
        if self._room is not None:
            with contextlib.suppress(RuntimeError):  # that loop is gone, and the provider with it
                self._host.loop.call_soon_threadsafe(self._make_room)
        return taken

    async def _wait(self, expires: float | None) -> None:
        due = expires if self._started else self._start_by(expires)
        waiter = self._waiter = self._home.create_future()
        self._expired = False
        self._armed = True
        if self._items or self._ended:  # came before the provider could see `_armed`
            self._armed = False
            self._waiter = None
            return
        self._clock.start(due)
        try:
            await waiter
        finally:
            self._clock.pause()
            self._armed = False
            self._waiter = None
        if not self._expired or self._items or self._ended:
            return
        if expires is not None and self._home.time() >= expires:
            raise Expired
        self._move_if_stuck()

    def _start_by(self, expires: float | None) -> float:
        """When an attempt that has not begun is moved: early enough to leave it half of its time."""
        now = self._home.time()
        return now + _START_SECONDS if expires is None else now + min(_START_SECONDS, (expires - now) / 2)

    def _move_if_stuck(self) -> None:
        """Begin on a fresh provider loop if the old one has not even begun this attempt."""
        with self._lock:
            if self._started:
                return
            self._host = replace_provider_loop(self._host)
        self._submit()

    async def _close(self, seconds: float) -> bool:
        self._clock.stop()
        with self._lock:
            self._closing = True
            if not self._started or self._ended:
                return True
        give_up = self._home.time() + seconds
        try:
            self._host.loop.call_soon_threadsafe(self._cancel)
        except RuntimeError:  # that loop is gone, and the provider with it
            return True
        while not self._ended:
            waiter = self._waiter = self._home.create_future()
            self._armed = True  # before the look at `_ended`, so that one of the two sides sees the other
            left = give_up - self._home.time()
            if self._ended or left <= 0:
                break
            await asyncio.wait({waiter}, timeout=left)  # may wake for an item that was still under way
        if not self._ended and not self._cancel_seen:
            self._home.call_later(_PROMPT_SECONDS, self._replace_if_silent)
        return self._ended

    def _replace_if_silent(self) -> None:
        """Give the provider loop up if it has not even noticed that this attempt was cancelled."""
        if not self._cancel_seen and not self._ended:
            replace_provider_loop(self._host)
