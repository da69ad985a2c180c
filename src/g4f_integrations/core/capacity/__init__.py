"""How much of a route may be used at a time: the user's caps, what the route's headers say is left, and the queue."""

from g4f_integrations.core.capacity._gates import (
    Lease,
    allow,
    forget_gates,
    in_flight,
    is_short,
    try_enter,
    wait_for_place,
)
from g4f_integrations.core.capacity._headers import Unit, read_allowances

__all__ = [
    "Lease",
    "Unit",
    "allow",
    "forget_gates",
    "in_flight",
    "is_short",
    "read_allowances",
    "try_enter",
    "wait_for_place",
]
