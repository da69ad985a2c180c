"""The background threads: loops for callers that have none of their own, and loops for g4f providers.

Threads start on first use and are daemons. After a fork the child forgets them and starts its own: closing an
inherited loop or socket there would reach into the parent's event queue and hang the parent.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from g4f_integrations.core.inbox import Inbox
from g4f_integrations.core.logs import call_logger

logger = call_logger("loop")


class _Here(threading.local):
    """What the current thread is: on the caller loop of depth N, `depth` is N + 1; on any other thread it is 0."""

    depth = 0


_here = _Here()

ORDINARY = "providers"
BLOCKING = "blocking-providers"

_LOOK_SECONDS = 0.25  # a provider loop that does not answer for so long when the process ends counts as blocked
_MOST_TRIES = 16

LastWords = Callable[[], Coroutine[Any, Any, None]]
_last_words: LastWords | None = None


def at_exit_of_providers(last_words: LastWords) -> None:
    """Run `last_words` when the process ends: on a provider loop that answers, before it is closed, else on another.

    They are begun again when they fail, sixteen times at the most: closing what belongs to a blocked loop fails, and
    is done all the same.
    """
    global _last_words  # noqa: PLW0603  there is one process, and one end of it
    _last_words = last_words


class LoopThread:
    """A daemon thread that runs one event loop for ever.

    Attributes:
        inbox: What other threads hand to the loop.
        loop: The loop.
        name: The thread's name.
    """

    def __init__(self, name: str, depth: int = 0) -> None:
        self.name = name
        self._depth = depth
        self.loop = asyncio.new_event_loop()
        self.inbox = Inbox(self.loop)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._retired = False
        self._last_words: LastWords | None = None

    @property
    def ident(self) -> int | None:
        """The thread's identifier."""
        return self._thread.ident

    @property
    def alive(self) -> bool:
        """Whether the loop still takes work; the thread closes it as its last act."""
        return not self.loop.is_closed()

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
            self.inbox.take()  # what was handed in at the last moment is cancelled with the rest
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
            loop.run_until_complete(loop.shutdown_asyncgens())
            if self._last_words is not None:
                loop.run_until_complete(asyncio.wait_for(_speak(self._last_words), 1.0))
        except Exception:
            logger.debug("A background loop did not end cleanly", exc_info=True)
        finally:
            loop.close()

    def stop(self, timeout: float = 1.0, last_words: LastWords | None = None) -> None:
        """Cancel what runs, close the loop and end the thread; waits up to `timeout` seconds."""
        if self.alive:
            self._last_words = last_words
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join(timeout)

    def answers_within(self, seconds: float) -> bool:
        """Whether the loop turns, and is not blocked by what runs on it."""
        turned = threading.Event()
        try:
            self.loop.call_soon_threadsafe(turned.set)
        except RuntimeError:  # it has ended
            return False
        return turned.wait(seconds)

    def retire(self) -> None:
        """Take no further work, and end as soon as what runs now is done."""
        if self._retired or not self.alive:
            return
        self._retired = True
        self.loop.call_soon_threadsafe(self._stop_when_idle)

    def _stop_when_idle(self) -> None:
        self.inbox.take()  # handed in before, and still to be done
        if asyncio.all_tasks(self.loop):
            self.loop.call_later(0.25, self._stop_when_idle)
        else:
            self.loop.stop()


class _Loops:
    """The process's loop threads. The child of a fork gets a fresh, empty set."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.callers: list[LoopThread] = []  # by depth: a call made on loop N is served by loop N+1
        self.providers: dict[str, LoopThread] = {}  # by lane
        self.abandoned = 0

    def caller_loop(self) -> LoopThread:
        """The loop for the current thread's blocking calls; never one that is blocked by the call itself."""
        depth, callers = _here.depth, self.callers
        if depth < len(callers):
            host = callers[depth]
            if not host.loop.is_closed():
                return host
        with self.lock:
            while len(self.callers) <= depth or not self.callers[depth].alive:
                at = min(depth, len(self.callers))
                self.callers[at : at + 1] = [self._start(f"g4f-integrations-{at}", at + 1)]
            return self.callers[depth]

    def provider_loop(self, lane: str) -> LoopThread:
        """The loop on which in-process g4f providers of that lane run."""
        thread = self.providers.get(lane)
        if thread is not None and thread.alive:
            return thread
        with self.lock:
            return self._provider_loop(lane)

    def _provider_loop(self, lane: str) -> LoopThread:
        thread = self.providers.get(lane)
        if thread is None or not thread.alive:
            thread = self.providers[lane] = self._start(f"g4f-integrations-{lane}")
        return thread

    def replace_provider_loop(self, stuck: LoopThread) -> LoopThread:
        """A fresh provider loop instead of `stuck`, which ends when it comes round again."""
        with self.lock:
            lane = stuck.name.removeprefix("g4f-integrations-")
            if self.providers.get(lane) is stuck:
                self.abandoned += 1
                logger.warning(
                    "The provider thread does not answer: a provider blocks its event loop. "
                    "Going on with a fresh one (%d abandoned so far).",
                    self.abandoned,
                )
                stuck.retire()
                del self.providers[lane]
            return self._provider_loop(lane)

    @staticmethod
    def _start(name: str, depth: int = 0) -> LoopThread:
        thread = LoopThread(name, depth)
        thread.start()
        return thread

    def stop(self) -> None:
        with self.lock:
            callers, providers = self.callers, [*self.providers.values()]
            self.callers, self.providers = [], {}
        for thread in callers:
            thread.stop()
        answering = [thread for thread in providers if thread.answers_within(_LOOK_SECONDS)]
        for thread in answering[:-1]:
            thread.stop()
        # Last of all that can be closed in an orderly way: g4f closes the connections of every loop at once.
        if answering:
            answering[-1].stop(last_words=_last_words)
        elif providers and _last_words is not None:
            _speak_here(_last_words)
        for thread in providers:
            thread.stop(timeout=_LOOK_SECONDS)  # the blocked ones; they end with the process in any case


async def _speak(last_words: LastWords) -> None:
    for _ in range(_MOST_TRIES):
        try:
            await last_words()
        except Exception:
            logger.debug("The last words on the provider loops failed", exc_info=True)
        else:
            return


def _speak_here(last_words: LastWords) -> None:
    """For when every provider loop is blocked, and no thread can be started any more."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(_speak(last_words), 1.0))
    except Exception:
        logger.debug("The last words on the provider loops failed", exc_info=True)
    finally:
        loop.close()


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


def caller_loop() -> LoopThread:
    """The loop for the current thread's blocking calls, started on first use; never one that the call itself blocks.

    Raises:
        RuntimeError: The interpreter is shutting down and starts no threads any more.
    """
    return _loops.caller_loop()


def background_loop() -> asyncio.AbstractEventLoop:
    """A loop for what outlives the call that it was begun for: one of ours, the running one if that is ours.

    Raises:
        RuntimeError: The interpreter is shutting down and starts no threads any more.
    """
    return asyncio.get_running_loop() if _here.depth else _loops.caller_loop().loop


def provider_loop(lane: str = ORDINARY) -> LoopThread:
    """The loop on which in-process g4f providers run, started on first use.

    Args:
        lane: `ORDINARY`, or `BLOCKING` for providers that are known to block their loop now and then, so that the
            others do not wait behind them.
    """
    return _loops.provider_loop(lane)


def replace_provider_loop(stuck: LoopThread) -> LoopThread:
    """Give up on a provider loop that stopped answering: it costs its own attempt and freezes nobody."""
    return _loops.replace_provider_loop(stuck)


def abandoned_provider_loops() -> int:
    """How many provider loops were given up in this process because a provider blocked them."""
    return _loops.abandoned
