"""What `model.health()` shows: the state of each of a model's routes, for people and for programs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.health._route import RouteHealth, State
from g4f_integrations.core.health._store import HealthStore


@dataclass(frozen=True, slots=True)
class RouteStatus:
    """One route's state at one moment. Times are in seconds; nothing in it is a credential.

    Attributes:
        route: ``"Provider:model"``, or ``"host:model"`` of an endpoint.
        provider: The provider's name, or the endpoint's host.
        model: The model id; ``""`` where the provider chooses.
        state: ``"closed"`` (in service), ``"open"`` (left out) or ``"half-open"`` (waiting for a good probe).
        calls: Attempts of this process that ended.
        success_ratio: Share of the last minute's attempts that ended well; ``None`` without any.
        latency: Smoothed time to the first content; ``None`` before the first good answer.
        cooldown: Until the route may be asked again: its cooldown, or what it asked for; 0 if it may now.
        last_error: Kind of the newest failure.
        context_window: Tokens that its answers and refusals have shown it to take; ``None`` if they told nothing.
    """

    route: str
    provider: str
    model: str
    state: State
    calls: int
    success_ratio: float | None
    latency: float | None
    cooldown: float
    last_error: Outcome | None
    context_window: int | None

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The routes of a model in its order; prints as a table.

    Attributes:
        routes: One status for each.
    """

    routes: tuple[RouteStatus, ...]

    def __iter__(self) -> Iterator[RouteStatus]:
        return iter(self.routes)

    def __len__(self) -> int:
        return len(self.routes)

    def __getitem__(self, place: int) -> RouteStatus:
        return self.routes[place]

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain data, one dict for each route."""
        return [status.to_dict() for status in self.routes]

    def __str__(self) -> str:
        head = ("route", "state", "calls", "good", "latency", "back in", "last error", "window")
        rows = [head, *map(_row, self.routes)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _row(status: RouteStatus) -> tuple[str, ...]:
    return (
        status.route,
        status.state,
        str(status.calls),
        "" if status.success_ratio is None else f"{status.success_ratio:.0%}",
        "" if status.latency is None else f"{status.latency:.2f} s",
        f"{status.cooldown:.0f} s" if status.cooldown else "",
        status.last_error or "",
        "" if status.context_window is None else str(status.context_window),
    )


def report(candidates: Sequence[Candidate], store: HealthStore) -> HealthReport:
    """The state of some routes, as it is known here and now."""
    now = time.monotonic()
    return HealthReport(tuple(_status(candidate, store.view(candidate.key), now) for candidate in candidates))


def _status(candidate: Candidate, health: RouteHealth, now: float) -> RouteStatus:
    good, all_ = health.window.counts(now)
    return RouteStatus(
        route=candidate.label,
        provider=candidate.name,
        model=candidate.model,
        state=health.state(now),
        calls=health.calls,
        success_ratio=good / all_ if all_ else None,
        latency=health.latency,
        cooldown=max(health.ready_at() - now, 0.0),
        last_error=health.last_error,
        context_window=None if health.limits is None else health.limits.window,
    )
