"""The default store: this process's memory."""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

from g4f_integrations.core.candidates.candidate import RouteKey
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures import Scope, usual_scope
from g4f_integrations.core.health._route import (
    LONGEST_PROBE,
    BreakerSettings,
    RouteHealth,
    book_failure,
    book_latency,
    book_recovery,
    book_wait,
    open_breaker,
)
from g4f_integrations.core.health._store import HealthStore

MOST_ROUTES = 1024
"""Routes that one process remembers."""

Place: TypeAlias = tuple[Any, ...]
Fact: TypeAlias = Literal["breaker", "pushback", "rest", "limits"]
"""What may be worth telling others of a route."""


def _places_of(key: RouteKey) -> dict[Outcome, Place]:
    """Whom a failure of `key` concerns, by its kind: all routes of the same place."""
    with_key = ("key", key.provider, key.name, key.base_url, key.key_hash)
    return {
        "auth": with_key,
        "quota": with_key,
        "model_not_found": ("model", *key[:4]),
        "network": ("host", key.provider, key.name, key.base_url),  # unreachable for one model, unreachable for all
    }


class LocalHealth:
    """The default `HealthStore`: this process's memory, bounded to 1,024 routes.

    Copies are the store itself, so that settings which hold one share what is known; a pickle arrives empty.

    Args:
        chance: A number of [0, 1) for jitter.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._routes: OrderedDict[RouteKey, RouteHealth] = OrderedDict()
        self._reasons: OrderedDict[Place, tuple[RouteKey, Outcome]] = OrderedDict()
        self._lock = threading.Lock()
        self._chance = chance
        _stores.add(self)

    def view(self, key: RouteKey) -> RouteHealth:
        """See `HealthStore.view`."""
        found = self._routes.get(key)
        if found is not None:
            return found
        with self._lock:
            return self._entry(key)

    def loading(self, keys: Sequence[RouteKey]) -> Awaitable[None] | None:  # noqa: ARG002  there is nothing to load
        """See `HealthStore.loading`."""
        return None

    def _entry(self, key: RouteKey) -> RouteHealth:
        """The route's state, made if it is new; the route longest unused makes room for it. Wants the lock."""
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = self._new(key)
            if self._reasons:
                self._take_over(key, found)
        self._routes.move_to_end(key)
        while len(self._routes) > MOST_ROUTES:
            self._forget(self._routes.popitem(last=False)[0])
        return found

    def _new(self, key: RouteKey) -> RouteHealth:  # noqa: ARG002  stores that share look it up
        return RouteHealth()

    def _take_over(self, key: RouteKey, health: RouteHealth) -> None:
        """A route that nobody has asked yet is out as well if what took others out concerns it. Wants the lock."""
        now = time.monotonic()
        for place in _places_of(key).values():
            first, why = self._reasons.get(place, (None, None))
            origin = None if first is None else self._routes.get(first)
            if origin is not None and max(now, health.open_until) < origin.open_until:
                health.open_until, health.cooldowns, health.last_error = origin.open_until, 1, why
                health.look_again()

    def _forget(self, key: RouteKey) -> None:
        """A route makes room for others."""

    def _tell(self, key: RouteKey, health: RouteHealth, fact: Fact) -> None:
        """Something changed that others may want to know. Runs under the lock."""

    def succeeded(self, key: RouteKey, latency: float) -> None:
        """See `HealthStore.succeeded`."""
        with self._lock:
            health = self._routes.get(key)
            if health is None:
                health = self._entry(key)
            else:
                self._routes.move_to_end(key)
            now = time.monotonic()
            health.calls += 1
            health.successes += 1
            health.window.add(now, 1)
            if (not health.at_ease or health.failures or health.cooldowns) and book_recovery(health, now):
                self._tell(key, health, "breaker")
            book_latency(health, latency, now)

    def failed(
        self,
        key: RouteKey,
        kind: Outcome,
        retry_after: float | None,
        breaker: BreakerSettings,
        *,
        scope: Scope = "provider",
        seconds: float = 0.0,
    ) -> None:
        """See `HealthStore.failed`."""
        with self._lock:
            now = time.monotonic()
            health = self._entry(key)
            opens = book_failure(health, kind, now, breaker, seconds)
            if (said := book_wait(health, kind, retry_after, now, breaker.cooldown)) is not None:
                self._tell(key, health, said)
            if opens:
                for other, state in [*self._concerned(key, kind, scope)]:
                    if state is health or state.open_until <= now:
                        state.last_error = kind  # also where that route has not been asked: it is why it is out
                        open_breaker(state, kind, now, breaker.cooldown, self._chance())
                        self._tell(other, state, "breaker")

    def _concerned(self, key: RouteKey, kind: Outcome, scope: Scope) -> Iterator[tuple[RouteKey, RouteHealth]]:
        """The route itself, and those whom what took it out takes out as well."""
        yield key, self._routes[key]
        place = _places_of(key).get(kind)
        if place is None or scope != usual_scope(kind):
            return
        self._reasons[place] = (key, kind)
        self._reasons.move_to_end(place)
        while len(self._reasons) > MOST_ROUTES:
            self._reasons.popitem(last=False)
        reach = [other for other in self._routes if other != key and _places_of(other)[kind] == place]
        yield from ((other, self._routes[other]) for other in reach)

    def push_back(self, key: RouteKey, seconds: float) -> None:
        """See `HealthStore.push_back`."""
        with self._lock:
            health = self._entry(key)
            book_wait(health, "rate_limit", seconds, time.monotonic(), seconds)
            self._tell(key, health, "pushback")

    def learn(self, key: RouteKey, limits: Any) -> None:
        """See `HealthStore.learn`."""
        with self._lock:
            health = self._entry(key)
            health.limits = limits
            self._tell(key, health, "limits")

    def begin_probe(self, key: RouteKey) -> bool:
        """See `HealthStore.begin_probe`."""
        with self._lock:
            health = self._entry(key)
            now = time.monotonic()
            if health.probing_since and now - health.probing_since < LONGEST_PROBE:
                return False
            health.probing_since = now
            return True

    def end_probe(self, key: RouteKey) -> None:
        """See `HealthStore.end_probe`."""
        self.view(key).probing_since = 0.0

    def recovered(self, key: RouteKey) -> None:
        """See `HealthStore.recovered`.

        The next cooldown is still the longer one, until a call of the user's has been answered: a route that is well
        only when it is asked for little is tried ever more seldom.
        """
        with self._lock:
            health = self._entry(key)
            health.close()
            health.look_again()
            self._tell(key, health, "breaker")

    def reset(self) -> None:
        """See `HealthStore.reset`."""
        with self._lock:
            self._routes.clear()
            self._reasons.clear()

    def known(self) -> dict[RouteKey, RouteHealth]:
        """All routes that something is known of; nothing is made for the question."""
        with self._lock:
            return dict(self._routes)

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


def known_routes(store: HealthStore) -> dict[RouteKey, RouteHealth]:
    """All routes that `store` knows of; none of a store that keeps them where they cannot be listed."""
    known = getattr(store, "known", None)
    found: dict[RouteKey, RouteHealth] = known() if known is not None else {}
    return found


def reset_health() -> None:
    """Forget what this process has learned about routes; for tests and for users who changed their network."""
    _default.reset()
