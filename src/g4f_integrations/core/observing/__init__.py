"""Who follows a call from outside: OpenTelemetry, where a program has set it up.

Hooks are found by availability. OpenTelemetry is never imported here; where the program has not imported it either,
nobody can have set it up, and a call pays one look at `sys.modules`.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from g4f_integrations.core.observing._settings import configure_telemetry, telemetry

if TYPE_CHECKING:  # loaded when somebody follows
    from g4f_integrations.core.observing._calls import CallWatch as CallWatch
    from g4f_integrations.core.request import Request
    from g4f_integrations.core.routes import RouteChoice

__all__ = ["configure_telemetry", "watch_call"]

_NAMES = ("opentelemetry.trace", "opentelemetry.metrics")
_LOOK_AGAIN = 0.1  # seconds for which it is remembered that nobody follows: OpenTelemetry looks that up rather slowly


def watch_call(choice: RouteChoice, request: Request) -> CallWatch | None:
    """Who follows a call that is about to begin; ``None`` if nobody does.

    Args:
        choice: Which routes may serve it.
        request: What is asked.
    """
    modules = sys.modules
    if _NAMES[0] not in modules and _NAMES[1] not in modules:
        return None
    now = time.monotonic()
    if now < telemetry.nobody_until or not telemetry.is_enabled:
        return None
    from g4f_integrations.core.observing._hooks import current_hooks  # see the head of this file

    hooks = current_hooks()
    if hooks is None:
        telemetry.nobody_until = now + _LOOK_AGAIN
        return None
    from g4f_integrations.core.observing._calls import CallWatch

    return CallWatch(hooks, choice, request)
