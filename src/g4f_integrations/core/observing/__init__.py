"""Who follows a call from outside: OpenTelemetry, where a program has set it up.

Hooks are found by availability. OpenTelemetry is never imported here; where the program has not imported it either,
nobody can have set it up, and a call pays one look at `sys.modules`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from g4f_integrations.core.observing._settings import configure_telemetry, telemetry

if TYPE_CHECKING:  # loaded when somebody follows
    from g4f_integrations.core.observing._calls import CallWatch as CallWatch
    from g4f_integrations.core.observing._hooks import Hooks
    from g4f_integrations.core.observing._works import WorkWatch as WorkWatch
    from g4f_integrations.core.request import Request
    from g4f_integrations.core.routes import RouteChoice

__all__ = ["configure_telemetry", "watch_call", "watch_work"]

_NAMES = ("opentelemetry.trace", "opentelemetry.metrics")
_LOOK_AGAIN = 0.1  # seconds for which it is remembered that nobody follows: OpenTelemetry looks that up rather slowly


def watch_call(choice: RouteChoice, request: Request) -> CallWatch | None:
    """Who follows a chat that is about to begin; ``None`` if nobody does.

    Args:
        choice: Which routes may serve it.
        request: What is asked.
    """
    hooks = _who_follows()
    if hooks is None:
        return None
    from g4f_integrations.core.observing._calls import CallWatch

    return CallWatch(hooks, choice, request)


def watch_work(operation: str, model: str, asked: Mapping[str, Any]) -> WorkWatch | None:
    """Who follows a call that is no chat; ``None`` if nobody does.

    Args:
        operation: Its name in the conventions: ``"embeddings"`` or ``"generate_content"``.
        model: The model that is asked for; may be empty.
        asked: What else is asked, as attributes of its span.
    """
    hooks = _who_follows()
    if hooks is None:
        return None
    from g4f_integrations.core.observing._works import WorkWatch

    return WorkWatch(hooks, operation, model, asked)


def _who_follows() -> Hooks | None:
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
    return hooks
