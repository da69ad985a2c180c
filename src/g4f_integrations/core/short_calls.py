"""Calls so short that no route's window matters: most of them, and nothing is counted for those."""

from __future__ import annotations

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.health import RouteHealth
from g4f_integrations.core.request import Request
from g4f_integrations.core.trimming import RouteLimits, requested_output

_SHORT_TEXT = 2_000  # characters of a conversation that fits whatever is known of a route
_SHORT_TURNS = 8
_SMALL_WINDOW = 16_384  # tokens; a short request fits into any other, in whatever script it is written
_SMALL_OUTPUT = 1_024  # tokens that every model can write


def is_short(request: Request) -> bool:
    """Whether a request is so short that no route's window matters. Runs on every call."""
    messages, settings = request.messages, request.trimming
    if len(messages) > _SHORT_TURNS or request.tools or request.context_window is not None:
        return False
    if settings is not None and (
        settings.strategy == "last" or (settings.max_tokens is not None and settings.max_tokens < _SMALL_WINDOW)
    ):
        return False
    if request.params and (requested_output(request.params) or 0) > _SMALL_OUTPUT:
        return False
    size = 0
    for message in messages:
        content = message.get("content")
        if type(content) is not str:
            return False
        size += len(content)
    return size <= _SHORT_TEXT


def is_narrow(candidate: Candidate, health: RouteHealth) -> bool:
    """Whether even a short request may be too much for a route, by what it has taught or the user says of it.

    Args:
        candidate: The route.
        health: What is known of it.
    """
    told = candidate.route.context_window
    if told is not None and told < _SMALL_WINDOW:
        return True
    learned: RouteLimits | None = health.limits
    return learned is not None and learned.below(_SMALL_WINDOW)
