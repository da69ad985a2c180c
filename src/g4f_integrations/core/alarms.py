"""Alarms behind one timer of the loop: the clock of a call that ends in time, as nearly all do, costs a heap's step.

A timer of asyncio's own costs eight calls and compares itself with every other in Python. Here alarms are kept in a
heap of tuples, and the loop is asked to wake up for the earliest alone; it may wake for one that was put off since.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import weakref
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from types import TracebackType
from typing import Any, Self

GRACE_TURNS = 4
"""Turns of the loop in which what lies in the socket comes up to its waiter: head, body, batch, wake-up."""

_FEWEST_DEAD = 64  # alarms put off, below which nothing is tidied up
_numbers = itertools.count()  # so that no two tuples of a heap compare their alarms


class Alarm:
    """Something to be called when its time has come, unless it is put off."""

    __slots__ = ("_bell", "_callback")

    def __init__(self, bell: _Bell, callback: Callable[[], Any]) -> None:
        self._bell = bell
        self._callback: Callable[[], Any] | None = callback

    def cancel(self) -> None:
        """Put it off for good."""
        if self._callback is None:
            return
        self._callback = None  # which may hold a pump, and with it an answer
        bell = self._bell
        bell.dead += 1
        if bell.dead > _FEWEST_DEAD:
            bell.tidy()

    @property
    def is_alive(self) -> bool:
        """Whether it has neither rung nor been put off."""
        return self._callback is not None

    def ring(self) -> None:
        """Call what was to be called."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class _Bell:
    """The alarms of one loop."""

    __slots__ = ("_timer", "alarms", "dead", "loop", "wakes")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = weakref.ref(loop)  # a bell outlives its loop until its thread runs another
        self.alarms: list[tuple[float, int, Alarm]] = []
        self.dead = 0  # alarms among them that were put off
        self._timer: asyncio.TimerHandle | None = None
        self.wakes = math.inf  # when the timer rings

    def tidy(self) -> None:
        if self.dead * 2 > len(self.alarms):
            self.alarms[:] = [entry for entry in self.alarms if entry[2].is_alive]
            heapify(self.alarms)
            self.dead = 0

    def wake(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self.wakes = loop.call_at(due, self._look), due

    def _look(self) -> None:
        """Ring what is due, and be woken for the next."""
        loop, alarms = asyncio.get_running_loop(), self.alarms
        now = max(loop.time(), self.wakes)  # a loop may be early by its clock's resolution
        self._timer, self.wakes = None, math.inf
        ringing = []
        while alarms and (alarms[0][0] <= now or not alarms[0][2].is_alive):
            alarm = heappop(alarms)[2]
            if alarm.is_alive:
                ringing.append(alarm)
            else:
                self.dead -= 1
        if alarms:
            self.wake(loop, alarms[0][0])
        for alarm in ringing:
            loop.call_soon(alarm.ring)  # each by itself, so that none keeps another from being called


class _Here(threading.local):
    bell: _Bell | None = None  # of the loop that this thread runs


_here = _Here()


def set_alarm(loop: asyncio.AbstractEventLoop, due: float, callback: Callable[[], Any]) -> Alarm:
    """Have `callback` called once on `loop`, which is the running one, at `due` or a moment later.

    Args:
        loop: The running loop.
        due: Time of the loop.
        callback: Called without arguments; in no particular context.

    Returns:
        What it can be put off with.
    """
    bell = _here.bell
    if bell is None or bell.loop() is not loop:
        bell = _here.bell = _Bell(loop)
    alarm = Alarm(bell, callback)
    heappush(bell.alarms, (due, next(_numbers), alarm))
    if due < bell.wakes:
        bell.wake(loop, due)
    return alarm


class Limit:
    """Bounds an ``async with`` body in time, as `asyncio.timeout_at` does: it is cancelled, and `TimeoutError` raised.

    Never to be held across a ``yield``, where it would cancel the consumer. What lies in the socket already when the
    time runs out, because others kept the loop busy, is given `GRACE_TURNS` to come up to the body.

    Args:
        due: Time of the running loop; ``None`` for no limit.

    Attributes:
        expired: Whether the time ran out before the body ended.
    """

    __slots__ = ("_alarm", "_cancelling", "_due", "_task", "expired")

    def __init__(self, due: float | None) -> None:
        self._due = due
        self._alarm: Alarm | None = None
        self.expired = False

    async def __aenter__(self) -> Self:
        if self._due is not None:
            task = asyncio.current_task()
            assert task is not None
            self._task = task
            self._cancelling = task.cancelling()
            self._alarm = set_alarm(asyncio.get_running_loop(), self._due, self._look_again)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._alarm is None:
            return
        self._alarm.cancel()
        self._alarm = None
        # The caller's own cancellation, which came at the same time, is not ours to swallow.
        if self.expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _look_again(self, turns: int = GRACE_TURNS) -> None:
        if self._alarm is None:  # the body has ended
            return
        if turns:
            asyncio.get_running_loop().call_soon(self._look_again, turns - 1)
        else:
            self.expired = True
            self._task.cancel()
