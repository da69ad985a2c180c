"""A `HealthStore` that several processes share: a local view, written behind, refreshed in the background.

The engine asks and tells the local view, which is this process's own memory and never waits. One background thread for
each store writes what is worth telling and reads what others have told, once a second while the store is in use. When
the place where it is kept cannot be reached, the local view is all there is until it can; one line of the log says so.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from g4f_integrations.core.candidates.candidate import RouteKey
from g4f_integrations.core.credentials import scrub
from g4f_integrations.core.health import Fact, RouteHealth
from g4f_integrations.core.logs import call_logger
from g4f_integrations.stores._facts import shared_name, write_fact
from g4f_integrations.stores._links import Link, Row, answer
from g4f_integrations.stores._registry import by_address, inherited, live, starting
from g4f_integrations.stores._view import SharedView

logger = call_logger("health")

_IDLE_AFTER = 60.0  # seconds without a call from which on there is less to refresh for
_IDLE_REFRESH = 30.0
_FIRST_WAIT = 0.25  # seconds that a call waits for the first reading of a route, at the most
_LONGEST_PAUSE = 30.0  # seconds between attempts to reach a lost store
_MOST_PENDING = 4_096  # facts that wait for a lost store


class SharedHealth(SharedView, ABC):
    """The part that all shared stores have in common; a subclass says how rows are read and written.

    Args:
        address: What tells two stores apart; the first one of an address is the one that pickles arrive as.
        shown: What the log calls it, without credentials.
        refresh: Seconds after which what others have told is known here, while the store is in use (LiteLLM's second).
        chance: A number of [0, 1) for jitter.
    """

    _very_first_wait = 5.0  # seconds for the first call of a process, in which the client is loaded and connects

    def __init__(
        self,
        address: tuple[str, ...],
        shown: str,
        *,
        refresh: float = 1.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(chance)
        self.shown = shown
        self._refresh = refresh
        self._link: Link | None = None
        self._address = address
        live.add(self)
        with starting():
            by_address.setdefault(address, self)

    # How a subclass reaches the place. All run on the store's own thread; what they raise means that it is lost.

    @abstractmethod
    async def _open(self) -> None:
        """Connect, if that has not been done."""

    @abstractmethod
    async def _read(self, names: Sequence[str]) -> Mapping[Row, str | bytes]:
        """All facts that are kept of the routes `names`."""

    @abstractmethod
    async def _kept(self) -> Sequence[str]:
        """The names of all routes of which something is kept, at most so many as one process remembers."""

    @abstractmethod
    async def _write(self, rows: Mapping[Row, tuple[float, str]]) -> None:
        """Keep facts, each with the time when it was found out, unless newer ones are kept already."""

    @abstractmethod
    async def _shut(self) -> None:
        """Disconnect."""

    # What the engine asks and tells.

    def loading(self, keys: Sequence[RouteKey]) -> Awaitable[None] | None:
        """See `HealthStore.loading`: a quarter of a second at the most, for routes that were never read.

        For the first ones of a process it may take longer, as the client has to be loaded and to connect.
        """
        unread = [key for key in keys if self.view(key).unread]  # all of them are to be known to the reader
        if not unread:
            return None
        link = self._linked()
        if link is None:
            return None
        future: Future[None] = Future()
        with self._lock:
            link.readers.append(future)
        self._wake(link)
        return self._until_read(future, unread, _FIRST_WAIT if link.has_answered else self._very_first_wait)

    async def _until_read(self, future: Future[None], keys: Sequence[RouteKey], most: float) -> None:
        try:
            async with asyncio.timeout(most):
                await asyncio.wrap_future(future)
        except TimeoutError:
            logger.debug("%s did not answer in time; going on with what is known here", self.shown)
            with self._lock:
                self._have_read(map(self._entry, keys))

    def known(self) -> dict[RouteKey, RouteHealth]:
        """What is known here, and what others have told of routes that this process has not used.

        Those come by name alone, without their class and key. Waits for the store as long as a call does, at the most.
        """
        told = self._told_by_all()
        return self._beside(super().known(), told)

    def _told_by_all(self) -> Mapping[Row, str | bytes]:
        link = self._linked()
        if link is None or link.is_lost:
            return {}
        future: Future[Mapping[Row, str | bytes]] = Future()
        with self._lock:
            link.listeners.append(future)
        self._wake(link)
        try:
            return future.result(_FIRST_WAIT if link.has_answered else self._very_first_wait)
        except TimeoutError:
            return {}

    def _new(self, key: RouteKey) -> RouteHealth:
        self._names.setdefault(shared_name(key), set()).add(key)
        link = self._link
        is_lost = link is not None and link.process == os.getpid() and link.is_lost
        return RouteHealth(at_ease=is_lost, unread=not is_lost)

    def _tell(self, key: RouteKey, health: RouteHealth, fact: Fact) -> None:
        name = shared_name(key)
        if self._is_one_keys_own(fact, self._names.get(name, ())):
            return
        wall = round(time.time(), 6)
        text = write_fact(health, fact, wall, time.monotonic())
        link = self._linked()
        if text is None or link is None or len(link.pending) >= _MOST_PENDING:
            return
        self._stamps[name, fact] = wall
        link.pending[name, fact] = wall, text
        self._wake(link)

    def close(self) -> None:
        """Write what waits to be written, disconnect, and end the thread; the next use begins anew."""
        link, self._link = self._link, None
        with starting():
            if by_address.get(self._address) is self:
                del by_address[self._address]
        if link is not None and link.process == os.getpid():
            link.is_closing = True
            link.thread.stop(timeout=2.0, last_words=lambda: self._finish(link))

    # The background thread.

    def _linked(self) -> Link | None:
        """This process's link, begun on first use; ``None`` when the interpreter is shutting down."""
        link = self._link
        if link is not None and link.process == os.getpid() and link.thread.alive:
            return link
        with starting():
            link = self._link
            if link is not None and link.process == os.getpid() and link.thread.alive:
                return link
            link = Link("g4f-integrations-health")
            try:
                link.thread.start()
            except RuntimeError:
                return None
            self._link = link
            link.thread.loop.call_soon_threadsafe(self._begin, link)
            return link

    def _begin(self, link: Link) -> None:
        task = asyncio.get_running_loop().create_task(self._run(link))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    @staticmethod
    def _wake(link: Link) -> None:
        try:
            link.thread.loop.call_soon_threadsafe(link.wake.set)
        except RuntimeError:  # it is being closed
            logger.debug("the thread of a shared store has ended")

    async def _run(self, link: Link) -> None:
        failures, calls, changed_at = 0, -1, time.monotonic()
        while not link.is_closing:
            link.wake.clear()
            try:
                await self._open()
                await self._exchange(link)
            except Exception as error:
                failures += 1
                self._lose(link, error)
                await self._shut_quietly()
                if link.is_closing:  # redis-py makes a failure of its own of a cancellation
                    return
                pause = min(0.25 * 2.0 ** min(failures, 10), _LONGEST_PAUSE) * (1 + 0.25 * self._chance())
                await asyncio.sleep(pause)
                continue
            if link.is_lost:
                logger.warning("shared health at %s is back", self.shown)
            failures, link.is_lost, link.has_answered = 0, False, True
            now, seen = time.monotonic(), sum([health.calls for health in list(self._routes.values())])
            if seen != calls:
                calls, changed_at = seen, now
            pause = self._refresh if now - changed_at < _IDLE_AFTER else max(_IDLE_REFRESH, self._refresh)
            try:
                async with asyncio.timeout(pause):
                    await link.wake.wait()
            except TimeoutError:
                pass

    async def _exchange(self, link: Link) -> None:
        """Write what waits, read what others have told."""
        with self._lock:
            rows = dict(link.pending)
            waiting = len(link.readers)
            listeners, link.listeners = link.listeners, []
            names = list(self._names)
        try:
            await self._tell_and_read(link, rows, names, waiting)
            kept = await self._kept() if listeners else ()
            answer(listeners, await self._read(kept) if kept else {})
        finally:
            answer(listeners, {})

    async def _tell_and_read(
        self, link: Link, rows: Mapping[Row, tuple[float, str]], names: Sequence[str], waiting: int
    ) -> None:
        if rows:
            await self._write(rows)
            with self._lock:
                for row, written in rows.items():
                    if link.pending.get(row) == written:
                        del link.pending[row]
        found = await self._read(names) if names else {}
        with self._lock:
            self._take(names, found)
            readers, link.readers = link.readers[:waiting], link.readers[waiting:]
        answer(readers, None)

    def _lose(self, link: Link, error: Exception) -> None:
        is_ending = not threading.main_thread().is_alive()
        if not link.is_lost and not is_ending:
            link.is_lost = True
            told = scrub(str(error), limit=200)
            logger.warning(
                "shared health at %s is lost (%s: %s); going on with what is known here",
                self.shown, type(error).__name__, told,
            )  # fmt: skip
        with self._lock:
            self._have_read(self._routes.values())
            readers, link.readers = link.readers, []
            listeners, link.listeners = link.listeners, []
        answer(readers, None)
        answer(listeners, {})

    async def _shut_quietly(self) -> None:
        try:
            await self._shut()
        except Exception as error:
            logger.debug("%s did not close in order: %s", self.shown, type(error).__name__)

    async def _finish(self, link: Link) -> None:
        try:
            if link.pending:
                await self._open()
                await self._write(dict(link.pending))
        except Exception as error:
            logger.debug("what was learned last could not be told: %s", type(error).__name__)
        await self._shut_quietly()

    # Copies and processes.

    def _after_fork(self) -> None:
        """In a child: the parent's thread and connection are the parent's."""
        if self._link is not None:
            inherited.append((self._link, self.__dict__.copy()))  # kept for ever: to collect a loop is to close it
            self._link = None
        self._disown()
        for health in self._routes.values():
            health.unread = True
            health.look_again()

    def _disown(self) -> None:
        """Let go of the connection without closing it."""

    @abstractmethod
    def __reduce__(self) -> tuple[Any, ...]:
        """The address; where it arrives, the process's own object for that address takes it."""
