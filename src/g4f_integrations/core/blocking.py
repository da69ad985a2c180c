"""Providers that only block: their chunks are stepped through in a daemon thread of their own.

Not in the loop's executor: a few hung providers would fill it, and it serves everybody's name look-ups; and it is
waited for at exit, which a hung socket would delay for ever.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any

_HELD_CHUNKS = 256  # chunks that wait for a slow consumer before the thread is held
_LOOK_SECONDS = 0.5  # how often a held thread looks whether its consumer is still there

_END = object()


async def step_in_thread(begin: Callable[[], Any]) -> AsyncGenerator[Any, None]:
    """Run a blocking method and hand its chunks over as they come.

    A thread that is blocked when the consumer leaves is left to itself; it ends when it comes round again, and never
    keeps the process alive.

    Args:
        begin: Calls the method; it returns text or an iterable of chunks.

    Yields:
        The chunks.

    Raises:
        RuntimeError: Instead of a StopIteration or a SystemExit that the method raised.
    """
    stepper = _Stepper(begin)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(stepper.run,), name="g4f-integrations-blocking", daemon=True).start()
    try:
        while True:
            chunk, error = await stepper.arrived.get()
            if error is not None:
                raise error if isinstance(error, Exception) else RuntimeError(f"raised {type(error).__name__}")
            if chunk is _END:
                return
            stepper.room.release()
            yield chunk
    finally:
        stepper.gone.set()


class _Stepper:
    """The thread's side: steps through the chunks and tells the consumer's loop of each."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self._loop = asyncio.get_running_loop()
        self.arrived: asyncio.Queue[tuple[Any, BaseException | None]] = asyncio.Queue()
        self.room = threading.Semaphore(_HELD_CHUNKS)
        self.gone = threading.Event()

    def run(self) -> None:
        error: BaseException | None = None
        try:
            begun = self._begin()
            for chunk in [begun] if isinstance(begun, str) else begun:
                if not self._has_room():
                    return
                self._tell(chunk)
        except BaseException as raised:  # handed to the consumer, whatever it is
            error = raised
        self._tell(_END, error)

    def _has_room(self) -> bool:
        """Wait until the consumer has room; whether it is still there."""
        while not self.room.acquire(timeout=_LOOK_SECONDS):
            if self.gone.is_set():
                return False
        return not self.gone.is_set()

    def _tell(self, chunk: Any, error: BaseException | None = None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self.arrived.put_nowait, (chunk, error))
