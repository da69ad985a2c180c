"""What every operation is told as: a span of its own, a child for each attempt, and how long it took.

The conventions give a logical operation one span that covers all its retries; so only that one is named as an
operation, and carries tokens and models. Attempts carry what is theirs, so that nobody counts a call twice.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context as otel_context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.events import Attempt
from g4f_integrations.core.observing._hooks import Hooks
from g4f_integrations.core.observing._settings import telemetry
from g4f_integrations.errors import IntegrationError

_SELF = "g4f"  # who answers is known at the end only


class Watch:
    """Follows one operation.

    Args:
        hooks: What is told.
        operation: Its name in the conventions (``"chat"``).
        model: The model that is asked for; may be empty.
    """

    __slots__ = (
        "_attempts", "_began", "_context", "_hooks", "_model", "_operation", "_provider", "_span", "_tells_words",
    )  # fmt: skip

    _span: Span
    _context: otel_context.Context

    def __init__(self, hooks: Hooks, operation: str, model: str) -> None:
        self._hooks = hooks
        self._operation = operation
        self._model = model
        self._provider = _SELF
        self._attempts: dict[int, tuple[Span, otel_context.Context]] = {}
        self._tells_words = telemetry.captures_content
        self._began = 0.0

    # The operation -----------------------------------------------------------------------------------------------

    def _begin(self, attributes: dict[str, Any]) -> None:
        self._began = time.perf_counter()
        name = f"{self._operation} {self._model}" if self._model else self._operation
        attributes = {**self._measured(), **attributes}
        self._span = self._hooks.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        self._context = set_span_in_context(self._span)

    def _failed(self, error: BaseException) -> None:
        kind = error.kind if isinstance(error, IntegrationError) and error.kind else type(error).__name__
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR, str(error) if self._tells_words else None))
        if self._hooks.measures:
            seconds = time.perf_counter() - self._began
            self._hooks.duration.record(seconds, {**self._measured(), "error.type": kind}, self._context)

    def _end_attempts(self) -> None:
        for span, _ in self._attempts.values():  # those that nobody waited for any more
            _cancel(span)
        self._attempts.clear()

    def _measured(self) -> dict[str, Any]:
        """The attributes of spans and metrics alike."""
        attributes = {"gen_ai.operation.name": self._operation, "gen_ai.provider.name": self._provider}
        if self._model:
            attributes["gen_ai.request.model"] = self._model
        return attributes

    # Its attempts ------------------------------------------------------------------------------------------------

    def enter(self, run: Any, candidate: Candidate) -> Any:
        """Make an attempt's span the current one, so that what is sent for it becomes its child; begin it if need be.

        Args:
            run: The attempt, as itself.
            candidate: The route that is asked.

        Returns:
            What `leave` wants, in the same context and before anything is yielded.
        """
        if not self._span.is_recording():
            return otel_context.attach(self._context)  # nobody will see a span, but the trace is the same
        known = self._attempts.get(id(run))
        if known is None:
            attributes: dict[str, Any] = {"g4f.provider": candidate.name}
            if candidate.model:
                attributes["g4f.model"] = candidate.model
            if candidate.key.base_url:
                attributes |= _server_of(candidate.key.base_url)
            span = self._hooks.tracer.start_span(
                f"attempt {candidate.label}", context=self._context, kind=SpanKind.INTERNAL, attributes=attributes
            )
            known = self._attempts[id(run)] = span, set_span_in_context(span, self._context)
        return otel_context.attach(known[1])

    def leave(self, token: Any) -> None:
        """Take back what `enter` did."""
        otel_context.detach(token)

    def ended(self, run: Any, attempt: Attempt) -> None:
        """An attempt has ended.

        Args:
            run: The same as to `enter`.
            attempt: How it went.
        """
        if self._hooks.measures:
            attributes = {
                "g4f.provider": attempt.provider,
                "g4f.model": attempt.model,
                "g4f.attempt.outcome": attempt.outcome,
            }
            self._hooks.attempts.add(1, attributes, self._context)
        span, _ = self._attempts.pop(id(run), (None, None))
        if span is None:
            return
        span.set_attribute("g4f.attempt.outcome", attempt.outcome)
        if attempt.outcome not in {"ok", "cancelled"}:
            span.set_attribute("error.type", attempt.outcome)
            span.set_status(Status(StatusCode.ERROR, attempt.error if self._tells_words else None))
        span.end()

    def dropped(self, run: Any) -> None:
        """An attempt that may be under way yet is given up, without a verdict.

        Args:
            run: The same as to `enter`.
        """
        span, _ = self._attempts.pop(id(run), (None, None))
        if span is not None:
            _cancel(span)


def _cancel(span: Span) -> None:
    span.set_attribute("g4f.attempt.outcome", "cancelled")
    span.end()


@lru_cache(maxsize=256)
def _server_of(base_url: str) -> dict[str, Any]:
    """Address and port of an endpoint."""
    try:
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return {}
    return {"server.address": parts.hostname, "server.port": port} if parts.hostname else {}
