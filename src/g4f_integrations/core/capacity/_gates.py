"""Who may begin an attempt on which route: caps, rates, and the queue of those who wait.

One process has one gate for each route, whatever models, threads and event loops use it. Who finds all of its routes
full waits at all of their gates at once and takes the first place that becomes free; at each gate, who came first is
served first, and nobody who comes later goes past.
"""

from __future__ import annotations

import asyncio
import math
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.capacity._headers import Unit
from g4f_integrations.core.capacity._rates import Allowance, Minute
from g4f_integrations.core.failures import RateLimit

_MOST_GATES = 1024
_COMPACT_AT = 64  # waiters from which on those that were served elsewhere are cleared out, whenever they may be half
_LOOK_AGAIN = 5.0  # seconds after which a waiter looks by itself, in case that the loop of one before it is blocked


class Lease:
    """A place on a route, taken; `release` gives it back.

    Attributes:
        candidate: The route.
        tokens: What the attempt was expected to take of them.
    """

    __slots__ = ("_entry", "_gate", "_held", "candidate", "tokens")

    def __init__(self, gate: _Gate, candidate: Candidate, tokens: int, entry: list[float] | None) -> None:
        self.candidate = candidate
        self.tokens = tokens
        self._gate = gate
        self._entry = entry
        self._held = True

    def release(self) -> None:
        """Give the place back; doing it twice does nothing more."""
        if self._held:
            self._held = False
            with _lock:
                self._gate.in_use -= 1
                _serve(self._gate, time.monotonic())

    def correct(self, tokens: int) -> None:
        """The attempt really took so many tokens."""
        if self._entry is not None:
            with _lock:
                self._gate.minute.correct(self._entry, tokens - self.tokens)
                self.tokens = tokens

    def __del__(self) -> None:
        # A place that was granted to a loop which ended first. The garbage collector may come while the lock is held.
        if self._held:
            _lost.append(self._gate)


class _Gate:
    """One route's places."""

    __slots__ = ("_compact_at", "allowances", "in_use", "minute", "rings_at", "waiting")

    def __init__(self) -> None:
        self.in_use = 0
        self.minute = Minute()
        self.allowances: dict[Unit, Allowance] | None = None
        self.waiting: deque[tuple[_Waiter, Candidate, int]] = deque()
        self.rings_at = math.inf  # when somebody's timer looks at the queue
        self._compact_at = _COMPACT_AT

    def enqueue(self, waiter: _Waiter, candidate: Candidate, need: int) -> None:
        self.waiting.append((waiter, candidate, need))
        if len(self.waiting) >= self._compact_at:
            self.waiting = deque(entry for entry in self.waiting if not entry[0].is_done)
            self._compact_at = max(2 * len(self.waiting), _COMPACT_AT)

    def wait(self, candidate: Candidate, need: int, patience: float, now: float) -> float:
        """Seconds until the candidate may be asked once more; infinite where somebody has to leave first."""
        route = candidate.route
        if route.max_concurrency is not None and self.in_use >= route.max_concurrency:
            return math.inf
        wait = 0.0
        if route.requests_per_minute is not None or route.tokens_per_minute is not None:
            wait = self.minute.wait(now, route.requests_per_minute, route.tokens_per_minute, need)
        if self.allowances is not None:
            told = max(each.wait(now, 1 if unit == "requests" else need) for unit, each in self.allowances.items())
            # Beyond our patience the route itself may say what it thinks of it; no call waits for a daily allowance.
            wait = max(wait, told if told <= patience else 0.0)
        return wait

    def take(self, candidate: Candidate, need: int, now: float) -> Lease:
        route = candidate.route
        self.in_use += 1
        entry = None
        if route.requests_per_minute is not None or route.tokens_per_minute is not None:
            entry = self.minute.add(now, need)
        for unit, allowance in (self.allowances or {}).items():
            allowance.take(1 if unit == "requests" else need)
        return Lease(self, candidate, need, entry)


class _Waiter:
    """A call that waits at several gates."""

    __slots__ = ("future", "is_done", "loop", "patience")

    def __init__(self, patience: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Lease] = self.loop.create_future()
        self.is_done = False
        self.patience = patience

    def receive(self, lease: Lease) -> None:
        if self.future.done():  # it has just left
            lease.release()
        else:
            self.future.set_result(lease)


_gates: OrderedDict[RouteKey, _Gate] = OrderedDict()
_lost: deque[_Gate] = deque()
_lock = threading.Lock()


def _begin_anew() -> None:
    global _lock  # noqa: PLW0603  another thread may have held it while this process was forked
    _lock = threading.Lock()
    _gates.clear()
    _lost.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)


def forget_gates() -> None:
    """Forget what has been used of every route; for tests."""
    with _lock:
        _gates.clear()


def in_flight(key: RouteKey) -> int:
    """Attempts under way on a route, as far as they are counted: of capped routes, and under ``order="adaptive"``."""
    gate = _gates.get(key)
    return 0 if gate is None else gate.in_use


def is_short(key: RouteKey) -> bool:
    """Whether a route has told that little is left of what it allows."""
    gate = _gates.get(key)
    return gate is not None and gate.allowances is not None


def allow(key: RouteKey, told: Mapping[Unit, RateLimit]) -> None:
    """Heed what a route's headers say is left; nothing told means that it is plenty."""
    now = time.monotonic()
    with _lock:
        gate = _gate(key)
        # Those under way may have been counted by the route, or may not; the last one of them will know.
        others = max(gate.in_use - 1, 0)
        gate.allowances = {
            unit: Allowance(max(each.left - (others if unit == "requests" else 0), 0), each.resets_in, each.limit, now)
            for unit, each in told.items()
        } or None
        _serve(gate, now)


def try_enter(candidate: Candidate, need: int, patience: float) -> Lease | None:
    """A place on the route if there is one now and nobody waits for it.

    Args:
        candidate: The route.
        need: Tokens that the attempt is expected to take.
        patience: Seconds that an allowance which the route told is waited for at the most.
    """
    now = time.monotonic()
    with _lock:
        _take_back()
        gate = _gate(candidate.key)
        _serve(gate, now)
        if gate.waiting or gate.wait(candidate, need, patience, now) > 0:
            return None
        return gate.take(candidate, need, now)


async def wait_for_place(
    candidates: Sequence[Candidate], need: int, patience: float, most: float | None
) -> Lease | None:
    """The first place that becomes free on any of the routes, in fair order; ``None`` if none does in time.

    Args:
        candidates: The routes.
        need: As for `try_enter`.
        patience: As for `try_enter`.
        most: Longest wait in seconds, ``None`` for as long as it takes.
    """
    waiter = _Waiter(patience)
    until = math.inf if most is None else waiter.loop.time() + most
    with _lock:
        gates = [_gate(candidate.key) for candidate in candidates]
        for gate, candidate in zip(gates, candidates, strict=True):
            gate.enqueue(waiter, candidate, need)
    taken = False
    try:
        while not waiter.future.done():
            _serve_all(gates)
            left = until - waiter.loop.time()
            if left <= 0:
                return None
            await asyncio.wait((waiter.future,), timeout=min(left, _LOOK_AGAIN))
        taken = True
        return waiter.future.result()
    finally:
        if not taken:
            _leave(waiter, gates)


def _leave(waiter: _Waiter, gates: Sequence[_Gate]) -> None:
    """Somebody goes before a place is free, and leaves none behind that was granted in the same moment."""
    with _lock:
        waiter.is_done = True
    if waiter.future.done():
        waiter.future.result().release()
    else:
        waiter.future.cancel()
    _serve_all(gates)


def _serve_all(gates: Sequence[_Gate]) -> None:
    now = time.monotonic()
    with _lock:
        _take_back()
        for gate in gates:
            _serve(gate, now)


# What follows wants the lock.


def _gate(key: RouteKey) -> _Gate:
    gate = _gates.get(key)
    if gate is None:
        gate = _gates[key] = _Gate()
        if len(_gates) > _MOST_GATES:
            idle = next((key for key, each in _gates.items() if not each.in_use and not each.waiting), None)
            if idle is not None and idle != key:
                del _gates[idle]
    return gate


def _take_back() -> None:
    while _lost:
        gate = _lost.popleft()
        gate.in_use -= 1
        _serve(gate, time.monotonic())


def _serve(gate: _Gate, now: float) -> None:
    """Give the places that are free to those who have waited longest."""
    while gate.waiting:
        waiter, candidate, need = gate.waiting[0]
        wait = 0.0 if waiter.is_done else gate.wait(candidate, need, waiter.patience, now)
        if wait > 0:
            _ring(gate, waiter, now, wait)
            return
        gate.waiting.popleft()
        if waiter.is_done:
            continue
        waiter.is_done = True
        lease = gate.take(candidate, need, now)
        try:
            waiter.loop.call_soon_threadsafe(waiter.receive, lease)
        except RuntimeError:  # its loop has ended, and it with it
            lease._held = False  # noqa: SLF001  given back here, where the lock is held
            gate.in_use -= 1


def _ring(gate: _Gate, waiter: _Waiter, now: float, wait: float) -> None:
    """Have the queue looked at when the rate allows the next one."""
    at = now + wait
    if wait == math.inf or (now < gate.rings_at <= at + 0.001):
        return
    gate.rings_at = at
    try:
        waiter.loop.call_soon_threadsafe(waiter.loop.call_later, wait, _serve_all, (gate,))
    except RuntimeError:
        gate.rings_at = math.inf
