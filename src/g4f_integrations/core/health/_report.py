"""Routes → the states that `model.health()` shows."""

from __future__ import annotations

import time
from collections.abc import Sequence

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.health._route import RouteHealth
from g4f_integrations.core.health._store import HealthStore
from g4f_integrations.core.status import HealthReport, RouteStatus


def report(candidates: Sequence[Candidate], store: HealthStore) -> HealthReport:
    """The state of some routes, as it is known here and now."""
    now = time.monotonic()
    return HealthReport([_status(candidate, store.view(candidate.key), now) for candidate in candidates])


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
