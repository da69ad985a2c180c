"""Blocking calls over the background loop: one coroutine to its end, or one async generator piece by piece."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from g4f_integrations.core.inbox import begin_task
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.threads import caller_loop

logger = call_logger("loop")

T = TypeVar("T")

_QUEUED_LISTS = 64  # batches that wait for a slow consumer before the stream is held
_NOTICE_SECONDS = 0.5  # a wait without end would miss a Ctrl-C that comes just before it begins
_CLOSE_SECONDS = 5.0  # longest wait for a stream to close when its consumer leaves


def _cancelled() -> BaseException:
    return RuntimeError("The call was cancelled on its event loop.")


class _Job(Generic[T]):
    """One blocking call, run on a background loop; whoever acquires `done` may ask for its result.

    Attributes:
        is_over: Whether the coroutine has ended, or never will begin; told before `done` is released.
    """

    __slots__ = ("_begun", "_error", "_make", "_task", "_value", "done", "is_over")

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self.done = threading.Lock()
        self.done.acquire()
        self._task: asyncio.Task[None] | None = None
        self._begun = self.is_over = False
        self._value: T
        self._error: BaseException | None = None

    def start(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        if not self.is_over:
            self._task = begin_task(loop, self._run(), context)

    async def _run(self) -> None:
        self._begun = True
        try:
            self._value = await self._make()
        except asyncio.CancelledError:
            self._error = _cancelled()
            raise
        except BaseException as error:  # raised in the caller's thread; here a SystemExit would end the loop of all
            self._error = error
        finally:
            self.is_over = True
            self.done.release()  # by the task's own last step: a callback of it would cost a turn of the loop

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self.give_up()  # before its first step, a cancelled task runs nothing of `_run`

    def give_up(self) -> None:
        """Answer for a coroutine that was not begun and never will be."""
        if not (self._begun or self.is_over):
            self.is_over = True
            self._error = _cancelled()
            self.done.release()

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
        host = caller_loop()
    except RuntimeError:  # the interpreter is shutting down and starts no threads any more
        return asyncio.run(make())
    loop, job = host.loop, _Job(make)
    try:
        host.inbox.put(job.start, contextvars.copy_context())
        while not job.done.acquire(timeout=_NOTICE_SECONDS):
            if loop.is_closed():  # before the coroutine could begin
                job.give_up()
    except BaseException:
        if not loop.is_closed():
            loop.call_soon_threadsafe(job.cancel)
            if not job.is_over:  # else a signal may have come after `done` was acquired, which nobody releases again
                job.done.acquire(timeout=_CLOSE_SECONDS)
        raise
    return job.result()


class _Raised:
    """An exception on its way through the queue."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = object()


class _StreamJob(Generic[T]):
    """An async generator driven by one task of a background loop, read from another thread through a queue.

    Attributes:
        is_over: Whether the generator is closed; told before its end is in the queue.
        queue: What it gave, and its end.
        room: What it waits for when its consumer has fallen behind.
    """

    def __init__(self, make: Callable[[], AsyncGenerator[T, None]]) -> None:
        self._make = make
        self.queue: SimpleQueue[Any] = SimpleQueue()
        self.room: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._cancelled = self.is_over = False

    def start(self, loop: asyncio.AbstractEventLoop, context: contextvars.Context) -> None:
        if not self._cancelled:
            self._task = begin_task(loop, self._drive(), context)

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
            self.is_over = True
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
            self.is_over = True
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
        host = caller_loop()
    except RuntimeError:  # the interpreter is shutting down and starts no threads any more
        yield from _iterate_here(make)
        return
    job = _StreamJob(make)
    queue = job.queue
    ended = False
    process = os.getpid()
    try:
        host.inbox.put(job.start, contextvars.copy_context())
        while True:
            try:
                item = queue.get(True, _NOTICE_SECONDS)
            except Empty:
                if os.getpid() != process:
                    ended = True
                    message = (
                        "This stream was begun before a fork; read it in the parent, or begin one of the child's own."
                    )
                    raise RuntimeError(message) from None
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
        if not ended and host.alive and os.getpid() == process:
            host.loop.call_soon_threadsafe(job.cancel)
            # The garbage collector may close a forgotten generator on any thread, even on the one to wait for.
            if host.ident != threading.get_ident():
                _wait_for_end(job)


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


def _wait_for_end(job: _StreamJob[Any]) -> None:
    give_up = time.monotonic() + _CLOSE_SECONDS
    # A signal may have come after the end was taken from the queue, and there is no other to wait for.
    while not job.is_over and (left := give_up - time.monotonic()) > 0:
        try:
            item = job.queue.get(timeout=left)
        except Empty:  # the generator refuses to end; it is left to itself
            logger.warning("A stream did not close within %.0f s.", _CLOSE_SECONDS)
            return
        if item is _END or type(item) is _Raised:
            return
