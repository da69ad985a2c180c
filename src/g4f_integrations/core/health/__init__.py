"""What is known about each route: its breaker, what it asked for, how fast it is; and who may try it now.

Health lives outside the model objects, so that copies of a model share it, and is asked and told without waiting:
a store that keeps it elsewhere answers from a local view and writes behind.
"""

from g4f_integrations.core.health._local import (
    MOST_ROUTES,
    Fact,
    LocalHealth,
    default_store,
    known_routes,
    reset_health,
)
from g4f_integrations.core.health._report import report
from g4f_integrations.core.health._route import BreakerSettings, RouteHealth
from g4f_integrations.core.health._store import HealthStore

__all__ = [
    "MOST_ROUTES",
    "BreakerSettings",
    "Fact",
    "HealthStore",
    "LocalHealth",
    "RouteHealth",
    "default_store",
    "known_routes",
    "report",
    "reset_health",
]
