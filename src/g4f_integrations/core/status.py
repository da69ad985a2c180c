"""What `model.health()` shows: the state of each of a model's routes, for people and for programs.

In a module of its own, which loads next to nothing, because the models' classes name it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from g4f_integrations.core.events import Outcome

State: TypeAlias = Literal["closed", "open", "half-open"]
"""A breaker's state: half-open is a cooldown that is over, with no good probe since."""

_HEAD = ("route", "state", "calls", "good", "latency", "back in", "last error", "window")


class RouteStatus(NamedTuple):
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
        return self._asdict()


class HealthReport(tuple[RouteStatus, ...]):
    """The states of a model's routes in its order, as a tuple that prints as a table."""

    __slots__ = ()

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain data, one dict for each route."""
        return [status.to_dict() for status in self]

    def __str__(self) -> str:
        rows = [_HEAD, *map(_row, self)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
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
