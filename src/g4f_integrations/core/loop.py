"""The background loops: one for callers without a loop of their own, one for g4f providers.

Threads start on first use and are daemons. After a fork the child forgets them and starts its own: closing an
inherited loop or socket there would reach into the parent's event queue and hang the parent.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import logging
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

logger = logging.getLogger("g4f_integrations.loop")

T = TypeVar("T")

_QUEUED_LISTS = 64  # batches that wait for a slow consumer before the stream is held
_NOTICE_SECONDS = 0.5  # a wait without end would miss a Ctrl-C that comes just before it begins
_CLOSE_SECONDS = 5.0  # longest wait for a stream to close when its consumer leaves


class _Here(threading.local):
    """What the current thread is: on the caller loop of depth N, `depth` is N + 1; on any other thread it is 0."""

    depth = 0


_here = _Here()


class LoopThread:
    """A daemon thread that runs one event loop for ever."""

    def __init__(self, name: str, depth: int = 0) -> None:
        self.name = name
        self._depth = depth
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._retired = False

    @property
    def ident(self) -> int | None:
        """The thread's identifier."""
        return self._thread.ident

    @property
    def alive(self) -> bool:
        """Whether the loop still takes work."""
        return self._thread.is_alive() and not self.loop.is_closed()

    def start(self) -> None:
        """Start the thread.

        Raises:
            RuntimeError: The interpreter is shutting down.
        """
        try:
            self._thread.start()
        except BaseException:
            self.loop.close()
            raise

    def _run(self) -> None:
        _here.depth = self._depth
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self._drain()

    def _drain(self) -> None:
        loop = self.loop
        try:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    def stop(self, timeout: float = 1.0) -> None:
        """Cancel what runs, close the loop and end the thread; waits up to `timeout` seconds."""
        if self.alive:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout)

    def retire(self) -> None:
        """Take no further work, and end as soon as what runs now is done."""
        if self._retired or not self.alive:
            return
        self._retired = True
        self.loop.call_soon_threadsafe(self._stop_when_idle)

    def _stop_when_idle(self) -> None:
        if asyncio.all_tasks(self.loop):
            self.loop.call_later(0.25, self._stop_when_idle)
        else:
            self.loop.stop()


class _Loops:
    """The process's loop threads. The child of a fork gets a fresh, empty set."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.callers: list[LoopThread] = []  # by depth: a call made on loop N is served by loop N+1
        self.provider: LoopThread | None = None
        self.abandoned = 0

    def caller_loop(self) -> LoopThread:
        """The loop for the current thread's blocking calls; never one that is blocked by the call itself."""
        depth, callers = _here.depth, self.callers
        if depth < len(callers) and callers[depth].alive:
            return callers[depth]
        with self.lock:
            while len(self.callers) <= depth or not self.callers[depth].alive:
                at = min(depth, len(self.callers))
                self.callers[at : at + 1] = [self._start(f"g4f-integrations-{at}", at + 1)]
            return self.callers[depth]

    def provider_loop(self) -> LoopThread:
        """The loop on which in-process g4f providers run."""
        thread = self.provider
        if thread is not None and thread.alive:
            return thread
        with self.lock:
            if self.provider is None or not self.provider.alive:
                self.provider = self._start("g4f-integrations-providers")
            return self.provider

    def replace_provider_loop(self, stuck: LoopThread) -> LoopThread:
        """A fresh provider loop instead of `stuck`, which ends when it comes round again."""
        with self.lock:
            if self.provider is stuck:
                self.abandoned += 1
                logger.warning(
                    "The provider thread does not answer: a provider blocks its event loop. "
                    "Going on with a fresh one (%d abandoned so far).",
                    self.abandoned,
                )
                stuck.retire()
                self.provider = None
            if self.provider is None or not self.provider.alive:
                self.provider = self._start("g4f-integrations-providers")
            return self.provider

    @staticmethod
    def _start(name: str, depth: int = 0) -> LoopThread:
        thread = LoopThread(name, depth)
        thread.start()
        return thread

    def stop(self) -> None:
        with self.lock:
            threads = [*self.callers, *([self.provider] if self.provider else [])]
            self.callers, self.provider = [], None
        for thread in threads:
            thread.stop()


_loops = _Loops()
_inherited: list[_Loops] = []  # kept for ever: collecting a parent's loop would touch the parent's epoll


def _after_fork_in_child() -> None:
    global _loops  # noqa: PLW0603  a fork replaces the whole set
    _inherited.append(_loops)
    _loops = _Loops()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


@atexit.register
def _stop_at_exit() -> None:
    _loops.stop()  # looked up late: a fork may have replaced the set


def provider_loop() -> LoopThread:
    """The loop on which in-process g4f providers run, started on first use."""
    return _loops.provider_loop()


def replace_provider_loop(stuck: LoopThread) -> LoopThread:
    """Give up on a provider loop that stopped answering; see rule 4 of the design."""
    return _loops.replace_provider_loop(stuck)


def abandoned_provider_loops() -> int:
    """How many provider loops were given up in this process because a provider blocked them."""
    return _loops.abandoned


class _Job(Generic[T]):
    """One blocking call, run on a background loop."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self._done = threading.Lock()
        self._done.acquire()
        self._task: asyncio.Task[None] | None = None
        self._value: T
        self._error: BaseException | None = RuntimeError("The call was cancelled on its event loop.")

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(lambda _: self._done.release())

    async def _run(self) -> None:
        try:
            self._value = await self._make()
            self._error = None
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # raised in the caller's thread; here a SystemExit would end the loop of all
            self._error = error

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # interrupted before it could begin
            self._done.release()

    def wait(self, timeout: float) -> bool:
        return self._done.acquire(timeout=timeout)

    def result(self) -> T:
        if self._error is None:
            return self._value
        error, self._error = self._error, None
        try:
            raise error
        finally:
            del error  # its traceback holds this frame, and with it the caller's


def run_blocking(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end on the background loop and return its result.

    Works in a plain script, inside a running event loop (which it blocks), on any number of threads, and on the
    background loops themselves (a helper loop serves these). The caller's context variables are visible inside.

    Args:
        make: Makes the coroutine; called on the background loop.

    Raises:
        KeyboardInterrupt: As it comes; the coroutine is cancelled first.
    """
    try:
        host = _loops.caller_loop()
    except RuntimeError:  # the interpreter is shutting down and starts no threads any more
        return asyncio.run(make())
    job = _Job(make)
    try:
        host.loop.call_soon_threadsafe(job.start, context=contextvars.copy_context())
        while not job.wait(_NOTICE_SECONDS):
            pass
    except BaseException:
        host.loop.call_soon_threadsafe(job.cancel)
        job.wait(_CLOSE_SECONDS)
        raise
    return job.result()


class _Raised:
    """An exception on its way through the queue."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


class _StreamJob(Generic[T]):
    """An async generator driven by one task of a background loop, read from another thread through a queue."""

    def __init__(self, make: Callable[[], AsyncGenerator[T, None]]) -> None:
        self._make = make
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.room: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = False

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._drive())

    async def _drive(self) -> None:
        loop = asyncio.get_running_loop()
        put = self.queue.put
        last: Any = _END
        try:
            stream = self._make()
            try:
                async for batch in stream:
                    put(batch)
                    if self.queue.qsize() > _QUEUED_LISTS:
                        self.room = loop.create_future()
                        # Looked at once more: the consumer may have emptied the queue before it could see `room`.
                        if self.queue.qsize() > _QUEUED_LISTS // 2:
                            await self.room
                        self.room = None
            finally:
                await stream.aclose()
        except asyncio.CancelledError:
            last = _END if self._cancelled else _Raised(RuntimeError("The stream was cancelled on its event loop."))
        except BaseException as error:  # handed to the consumer, who raises it
            last = _Raised(error)
        finally:
            put(last)

    def resume(self) -> None:
        room = self.room
        if room is not None and not room.done():
            room.set_result(None)

    def cancel(self) -> None:
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()
        else:  # interrupted before it could begin
            self.queue.put(_END)


def iterate_blocking(make: Callable[[], AsyncGenerator[T, None]]) -> Generator[T, None, None]:
    """Read an async generator from a thread without a loop.

    The generator runs on the background loop and is held when the consumer falls behind. Closing this generator,
    or leaving its loop early, closes the async generator before it returns.

    Args:
        make: Makes the async generator; called on the background loop.

    Yields:
        What the async generator yields, in order.
    """
    try:
        host = _loops.caller_loop()
    except RuntimeError:  # the interpreter is shutting down and starts no threads any more
        yield from _iterate_here(make)
        return
    job = _StreamJob(make)
    queue = job.queue
    ended = False
    try:
        host.loop.call_soon_threadsafe(job.start, context=contextvars.copy_context())
        while True:
            try:
                item = queue.get(True, _NOTICE_SECONDS)
            except Empty:
                continue
            if item is _END:
                ended = True
                return
            if type(item) is _Raised:
                ended = True
                error = item.error
                try:
                    raise error
                finally:
                    del error, item  # its traceback holds this frame, and with it the consumer's
            yield item
            if job.room is not None and queue.qsize() < _QUEUED_LISTS // 2:
                host.loop.call_soon_threadsafe(job.resume)
    finally:
        if not ended and host.alive:
            host.loop.call_soon_threadsafe(job.cancel)
            # The garbage collector may close a forgotten generator on any thread, even on the one to wait for.
            if host.ident != threading.get_ident():
                _wait_for_end(queue)


def _iterate_here(make: Callable[[], AsyncGenerator[T, None]]) -> Generator[T, None, None]:
    async def following() -> Any:
        return await anext(stream, _END)

    async def closing() -> None:
        await stream.aclose()

    with asyncio.Runner() as runner:
        stream = make()
        try:
            while (item := runner.run(following())) is not _END:
                yield item
        finally:
            runner.run(closing())


def _wait_for_end(queue: SimpleQueue[Any]) -> None:
    give_up = time.monotonic() + _CLOSE_SECONDS
    while (left := give_up - time.monotonic()) > 0:
        try:
            item = queue.get(timeout=left)
        except Empty:  # the generator refuses to end; it is left to itself
            logger.warning("A stream did not close within %.0f s.", _CLOSE_SECONDS)
            return
        if item is _END or type(item) is _Raised:
            return
