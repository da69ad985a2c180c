"""What is known about each route: failures in a row, pushback, latency; and who may try it now.

Health lives outside the model objects, so that copies of a model share it, and is asked and told without waiting:
a store that keeps it elsewhere answers from a local view and writes behind.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

from g4f_integrations.core.candidates.candidate import RouteKey
from g4f_integrations.core.events import Outcome

_MAX_ROUTES = 1024
_SOFT_COOLDOWN = 5.0  # seconds a route rests after a rate limit that named no time (LiteLLM's figure)
_COOLDOWN_GROWTH = 2.0
_MAX_COOLDOWN_FACTOR = 16.0
_EWMA_SHARE = 0.3  # weight of the newest latency

# Failures that say nothing against the route's own state: the request, the key or the pace was at fault.
_NOT_CONSECUTIVE: frozenset[Outcome] = frozenset(
    {
        "rate_limit",
        "auth",
        "bad_request",
        "context_length",
        "content_filter",
        "quota",
        "model_not_found",
        "invalid",
        "cancelled",
    }
)


@dataclass(slots=True)
class RouteHealth:
    """One route's state, in this process. Times are of `time.monotonic`, in seconds.

    Attributes:
        failures: Consecutive failures of the route's own making.
        open_until: Until when the breaker keeps the route out.
        pushback_until: Until when the route itself asked to be left alone.
        rests_until: Until when the route rests after a rate limit that named no time.
        cooldowns: How often the breaker opened in a row.
        probing_since: When the single probe after a cooldown began, 0 if none runs.
        calls: Attempts that ended, of whatever outcome.
        successes: Those that ended well.
        latency: Smoothed seconds to the first content.
        last_error: Kind of the newest failure.
        limits: What the route's refusals have taught of its window (`core.trimming.RouteLimits`).
    """

    failures: int = 0
    open_until: float = 0.0
    pushback_until: float = 0.0
    rests_until: float = 0.0
    cooldowns: int = 0
    probing_since: float = 0.0
    calls: int = 0
    successes: int = 0
    latency: float | None = None
    last_error: Outcome | None = None
    limits: Any = None

    def ready_at(self) -> float:
        """When the route may be asked again, as far as its health goes; in the past if it may now."""
        return max(self.open_until, self.pushback_until, self.rests_until)


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a route is taken out, and for how long (seconds, at first)."""

    failures: int = 3
    cooldown: float = 30.0


class HealthStore(Protocol):
    """Where the engine keeps what it learns about routes. No method may block or raise."""

    def view(self, key: RouteKey) -> RouteHealth:
        """The route's state as it is known here; the object may be updated in place."""

    def succeeded(self, key: RouteKey, latency: float) -> None:
        """An attempt ended well; `latency` is the seconds to its first content."""

    def failed(self, key: RouteKey, kind: Outcome, retry_after: float | None, breaker: BreakerSettings) -> None:
        """An attempt failed."""

    def learn(self, key: RouteKey, limits: Any) -> None:
        """The route has taught its limits; they are what `view` shows from now on."""

    def begin_probe(self, key: RouteKey) -> bool:
        """Whether the caller may be the one that tries a route after its cooldown."""

    def end_probe(self, key: RouteKey) -> None:
        """The probe ended without a verdict (it was cancelled)."""

    def reset(self) -> None:
        """Forget everything."""


class LocalHealth:
    """The default `HealthStore`: this process's memory, bounded to 1,024 routes.

    Copies are the store itself, so that settings which hold one share what is known; a pickle arrives empty.
    """

    def __init__(self) -> None:
        self._routes: OrderedDict[RouteKey, RouteHealth] = OrderedDict()
        self._lock = threading.Lock()
        _stores.add(self)

    def view(self, key: RouteKey) -> RouteHealth:
        """See `HealthStore.view`."""
        found = self._routes.get(key)
        if found is not None:
            return found
        with self._lock:
            return self._entry(key)

    def _entry(self, key: RouteKey) -> RouteHealth:
        """The route's state, made if it is new; the route longest unused makes room for it. Wants the lock."""
        found = self._routes.setdefault(key, RouteHealth())
        self._routes.move_to_end(key)
        while len(self._routes) > _MAX_ROUTES:
            self._routes.popitem(last=False)
        return found

    def succeeded(self, key: RouteKey, latency: float) -> None:
        """See `HealthStore.succeeded`."""
        with self._lock:
            health = self._routes.get(key)
            if health is None:
                health = self._entry(key)
            else:
                self._routes.move_to_end(key)
            health.calls += 1
            health.successes += 1
            if health.failures or health.cooldowns or health.pushback_until or health.rests_until:
                health.failures = health.cooldowns = 0
                health.open_until = health.rests_until = health.probing_since = 0.0
                # What the route itself asked for outlives a call that was under way when it asked.
                if health.pushback_until <= time.monotonic():
                    health.pushback_until = 0.0
            old = health.latency
            health.latency = latency if old is None else old + _EWMA_SHARE * (latency - old)

    def failed(self, key: RouteKey, kind: Outcome, retry_after: float | None, breaker: BreakerSettings) -> None:
        """See `HealthStore.failed`."""
        with self._lock:
            now = time.monotonic()
            health = self._entry(key)
            health.calls += 1
            health.last_error = kind
            was_probe, health.probing_since = health.probing_since > 0, 0.0
            if retry_after is not None:
                health.pushback_until = max(health.pushback_until, now + retry_after)
            elif kind == "rate_limit":
                health.rests_until = max(health.rests_until, now + min(_SOFT_COOLDOWN, breaker.cooldown))
            if kind in _NOT_CONSECUTIVE:
                return
            health.failures += 1
            # Calls that were under way when the breaker opened say nothing new and do not lengthen the cooldown.
            if health.open_until <= now and (health.failures >= breaker.failures or was_probe):
                factor = min(_COOLDOWN_GROWTH ** min(health.cooldowns, 10), _MAX_COOLDOWN_FACTOR)
                health.cooldowns += 1
                health.open_until = now + breaker.cooldown * factor

    def learn(self, key: RouteKey, limits: Any) -> None:
        """See `HealthStore.learn`."""
        with self._lock:
            self._entry(key).limits = limits

    def begin_probe(self, key: RouteKey) -> bool:
        """See `HealthStore.begin_probe`."""
        with self._lock:
            health = self._entry(key)
            now = time.monotonic()
            # A probe that never reported back (its process hung) is forgotten after a minute.
            if health.probing_since and now - health.probing_since < 60.0:
                return False
            health.probing_since = now
            return True

    def end_probe(self, key: RouteKey) -> None:
        """See `HealthStore.end_probe`."""
        self.view(key).probing_since = 0.0

    def reset(self) -> None:
        """See `HealthStore.reset`."""
        with self._lock:
            self._routes.clear()

    def __copy__(self) -> LocalHealth:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> LocalHealth:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (default_store if self is _default else LocalHealth), ()


_stores: weakref.WeakSet[LocalHealth] = weakref.WeakSet()
_default = LocalHealth()


def _renew_locks() -> None:
    for store in _stores:
        store._lock = threading.Lock()  # noqa: SLF001  another thread may have held it while this process was forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_locks)


def default_store() -> HealthStore:
    """The store of this process, used by every policy that names none."""
    return _default


def reset_health() -> None:
    """Forget what this process has learned about routes; for tests and for users who changed their network."""
    _default.reset()
