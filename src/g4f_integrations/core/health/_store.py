"""`HealthStore`: what the engine asks of the place where routes' health is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from g4f_integrations.core.candidates.candidate import RouteKey
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures import Scope
from g4f_integrations.core.health._route import BreakerSettings, RouteHealth


class HealthStore(Protocol):
    """Where the engine keeps what it learns about routes.

    No method may block or raise: a store that keeps health elsewhere answers from a local view and writes behind.
    `LocalHealth` is the one to inherit from.
    """

    def view(self, key: RouteKey) -> RouteHealth:
        """The route's state as it is known here; the object may be updated in place."""

    def loading(self, keys: Sequence[RouteKey]) -> Awaitable[None] | None:
        """What to wait for, a moment at the most, before `view` tells what others have learned; usually ``None``.

        Args:
            keys: The routes that will be asked for.
        """

    def succeeded(self, key: RouteKey, latency: float) -> None:
        """An attempt ended well; `latency` is the seconds to its first content."""

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
        """An attempt failed.

        Args:
            key: The route.
            kind: How.
            retry_after: Seconds that the route asked to be left alone for, if it did.
            breaker: When a route is taken out.
            scope: Whom the failure concerns beside this route: others with the same key, model or provider.
            seconds: How long the attempt took.
        """

    def push_back(self, key: RouteKey, seconds: float) -> None:
        """The route said, with a good answer, that its allowance is used up for `seconds`."""

    def learn(self, key: RouteKey, limits: Any) -> None:
        """The route has taught its limits; they are what `view` shows from now on."""

    def begin_probe(self, key: RouteKey) -> bool:
        """Whether the caller may be the one that tries a route after its cooldown."""

    def end_probe(self, key: RouteKey) -> None:
        """The probe ended without a verdict (it was cancelled)."""

    def recovered(self, key: RouteKey) -> None:
        """A probe beside the user's calls was good: the route may serve them again."""

    def reset(self) -> None:
        """Forget everything."""
