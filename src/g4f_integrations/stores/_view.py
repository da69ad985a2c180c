"""What one process knows of the facts that it shares with others, whoever found them out.

A fact is kept by the route's name and not by its key, and the newest one counts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from g4f_integrations.core.candidates.candidate import RouteKey
from g4f_integrations.core.health import Fact, LocalHealth, RouteHealth
from g4f_integrations.stores._facts import apply_fact, key_of, read_fact, shared_name
from g4f_integrations.stores._links import Row


class SharedView(LocalHealth):
    """This process's own memory, into which what others have told is entered.

    Args:
        chance: A number of [0, 1) for jitter.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        super().__init__(chance)
        self._names: dict[str, set[RouteKey]] = {}
        self._stamps: dict[Row, float] = {}  # when the newest fact that is known here was found out

    def reset(self) -> None:
        """Forget everything that is known here; what others have told is read anew."""
        with self._lock:
            self._routes.clear()
            self._names.clear()
            self._stamps.clear()

    def _forget(self, key: RouteKey) -> None:
        name = shared_name(key)
        keys = self._names.get(name, set())
        keys.discard(key)
        if not keys:
            self._names.pop(name, None)
            for row in [row for row in self._stamps if row[0] == name]:
                del self._stamps[row]

    @staticmethod
    def _is_one_keys_own(fact: Fact, keys: Collection[RouteKey]) -> bool:
        """Whether `fact` is nobody else's: of several keys, or several classes of a name, one was asked to wait."""
        return fact in {"pushback", "rest"} and len(keys) > 1

    def _take(self, names: Sequence[str], found: Mapping[Row, str | bytes]) -> None:
        """Enter what is kept of the routes `names`, which have been read with it."""
        wall, mono = time.time(), time.monotonic()
        for (name, fact), text in found.items():
            told = read_fact(text, wall)
            keys = self._names.get(name)
            if told is None or not keys or told.at <= self._stamps.get((name, fact), 0.0):
                continue
            self._stamps[name, fact] = told.at
            if self._is_one_keys_own(fact, keys):
                continue
            for key in keys:
                apply_fact(self._routes[key], fact, told, wall=wall, mono=mono, chance=self._chance())
        self._have_read(self._routes[key] for name in names for key in self._names.get(name, ()))

    @staticmethod
    def _have_read(routes: Iterable[RouteHealth]) -> None:
        for health in routes:
            if health.unread:
                health.unread = False
                health.look_again()

    @staticmethod
    def _beside(found: dict[RouteKey, RouteHealth], told: Mapping[Row, str | bytes]) -> dict[RouteKey, RouteHealth]:
        """`found` with the routes that only others have used."""
        here = set(map(shared_name, found))
        wall, mono = time.time(), time.monotonic()
        for (name, fact), text in told.items():
            key = None if name in here else key_of(name)
            says = None if key is None else read_fact(text, wall)
            if key is not None and says is not None:
                apply_fact(found.setdefault(key, RouteHealth()), fact, says, wall=wall, mono=mono, chance=0.0)
        return found
