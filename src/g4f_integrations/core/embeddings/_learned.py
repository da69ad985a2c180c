"""What this process has learned of routes that embed: how long their vectors are, what fits into one request."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.embeddings._spaces import cosine
from g4f_integrations.core.failures import AttemptFailed, Failure

CANARY = "The quick brown fox jumps over the lazy dog. 0123456789"
"""Sent along where there are mirrors: two routes have one space if their vectors of it agree."""
AGREEMENT = 0.999
"""Cosine from which vectors agree. Two runs of one model differ by rounding (0.9999 and more), two models by far."""
_MOST_ROUTES = 256


@dataclass(slots=True, eq=False)
class Learned:
    """What is known of one route and those that stand in for it.

    Attributes:
        dimension: How long its vectors are.
        canary: Its vector of `CANARY`.
        mirrors: Which other routes agree with it.
        batch: Texts that it takes at once, if it has refused more.
        longest: Tokens of one text that it takes, if it has refused more.
        asked: How long they were asked to be.
    """

    dimension: int | None = None
    canary: list[float] | None = None
    mirrors: set[RouteKey] = field(default_factory=set)
    batch: int | None = None
    longest: int | None = None
    asked: int | None = None

    def check(self, vectors: Sequence[Sequence[float]]) -> None:
        """Learn how long vectors are, or make sure that they are still.

        Raises:
            AttemptFailed: They are of another length than those before.
        """
        for vector in vectors:
            if self.dimension is None:
                self.dimension = len(vector)
            elif len(vector) != self.dimension:
                message = f"its vectors have {len(vector)} numbers and not {self.dimension} as before: "
                message += "another model answers under this name, and its vectors do not compare with the others"
                if self.asked is not None:
                    message = f"its vectors have {len(vector)} numbers though dimensions={self.asked} was asked for: "
                    message += "leave dimensions out, or give the number that this model has"
                raise AttemptFailed(Failure(kind="invalid", message=message))

    def compare(self, mirror: Candidate, canary: list[float]) -> None:
        """Take `mirror` for the same space as the route's, by its vector of `CANARY`.

        Raises:
            AttemptFailed: It is not.
        """
        assert self.canary is not None
        if len(canary) == len(self.canary):
            found = cosine(canary, self.canary)
            if found >= AGREEMENT:
                self.mirrors.add(mirror.key)
                return
            said = f"its vector of the same text differs (cosine {found:.3f})"
        else:
            said = f"its vectors have {len(canary)} numbers and not {len(self.canary)}"
        message = f"it is no mirror of the first route: {said}"
        raise AttemptFailed(Failure(kind="invalid", message=message))


class _Register:
    """The 256 routes that were asked last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.routes: OrderedDict[tuple[RouteKey, int | None], Learned] = OrderedDict()

    def of(self, candidate: Candidate, dimensions: int | None) -> Learned:
        with self.lock:
            key = (candidate.key, dimensions)
            found = self.routes.setdefault(key, Learned(dimensions, asked=dimensions))
            self.routes.move_to_end(key)
            while len(self.routes) > _MOST_ROUTES:
                self.routes.popitem(last=False)
            return found


_register = _Register()


def learned(candidate: Candidate, dimensions: int | None) -> Learned:
    """What is known of `candidate`, asked for vectors of so many numbers."""
    return _register.of(candidate, dimensions)


def forget() -> None:
    """Forget everything."""
    with _register.lock:
        _register.routes.clear()


def _renew_lock() -> None:
    _register.lock = threading.Lock()  # another thread may have held it while this process was forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
