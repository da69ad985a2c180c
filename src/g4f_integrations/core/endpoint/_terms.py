"""What callers of endpoints need to know without loading an HTTP client: signals, and what is refused where."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.failures import HTTPFailure

ENVIRONMENT_PROXY = "env://"
"""A proxy of this name means: the proxies and the ``.netrc`` of the environment."""

LOOSE_ENDS = "loose ends"
"""Stands among the names of what a route refuses for calls without results, and results without calls."""

_MOST_ROUTES = 1_024


class ParameterRefused(HTTPFailure):
    """A server refused parameters by name; they are left out of the next call on that route, which may follow at once.

    Attributes:
        name: The first of them.
        names: All of them.
    """

    mended = True

    def __init__(self, names: tuple[str, ...], status: int, body: str, headers: Mapping[str, str]) -> None:
        super().__init__(status, body, headers)
        self.names = names
        self.name = names[0]


class CompletionsRefused(HTTPFailure):
    """A server has no completions for this model; the next call on that route, which may follow at once, is a chat."""

    mended = True


class TurnsRefused(HTTPFailure):
    """A server refused calls and results of tools that do not fit together; the next call there tells them in text."""

    mended = True


class RefusedParameters:
    """Names of refused parameters by route, for the 1,024 routes that were added last.

    Attributes:
        lock: Guards changes of `names`.
        names: They; empty while no route has refused anything, which is quicker to ask than one route's.
    """

    def __init__(self) -> None:
        self.names: dict[tuple[RouteKey, str | None], tuple[str, ...]] = {}
        self.lock = threading.Lock()

    def of(self, candidate: Candidate) -> tuple[str, ...]:
        """The parameters that this route refuses."""
        return self.names.get((candidate.key, candidate.body_provider), ())

    def add(self, candidate: Candidate, names: Iterable[str]) -> None:
        """Remembers that this route refuses `names`."""
        key = (candidate.key, candidate.body_provider)
        with self.lock:
            known = self.names.pop(key, ())
            self.names[key] = tuple(dict.fromkeys([*known, *names]))
            while len(self.names) > _MOST_ROUTES:
                del self.names[next(iter(self.names))]

    def clear(self) -> None:
        """Forgets everything."""
        with self.lock:
            self.names.clear()


refused_parameters = RefusedParameters()


def _renew_lock() -> None:
    refused_parameters.lock = threading.Lock()  # another thread may have held it while this process was forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
