"""`Measured`: what calls have shown of a route, for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """What the health store knows of one route.

    Attributes:
        route: ``"Provider:model"``.
        works: Whether the newest call that says something of the route went well, and no process that shares the store
            has taken it out; ``None`` if there was none.
        calls: Attempts of this process that ended, of whatever outcome.
        successes: Those that ended well.
        first_token: Smoothed seconds to the first content.
        resting: Seconds for which the route is left alone from now on, by the breaker or at its own request.
        last_error: Kind of the newest failure.
        learned_window: Tokens that the route's refusals have shown it to take.
    """

    route: str
    works: bool | None = None
    calls: int = 0
    successes: int = 0
    first_token: float | None = None
    resting: float = 0.0
    last_error: str | None = None
    learned_window: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON data."""
        return asdict(self)
