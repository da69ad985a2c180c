"""One call as spans and metrics: a span for the call, a child for each attempt.

The conventions give a logical operation one span that covers all its retries; so only that one is named as an
operation, and carries tokens and models. Attempts carry what is theirs, so that nobody counts a call twice.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Coroutine
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from opentelemetry import context as otel_context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.events import AnswerInfo, Attempt, Batch, Finish, Retrying, Usage
from g4f_integrations.core.observing._contents import Contents, input_attributes
from g4f_integrations.core.observing._hooks import Hooks
from g4f_integrations.core.observing._settings import telemetry
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import RouteChoice
from g4f_integrations.errors import IntegrationError

_OPERATION = "chat"
_SELF = "g4f"  # who answers is known at the end only
_PARAMETERS = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "max_tokens": "gen_ai.request.max_tokens",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "seed": "gen_ai.request.seed",
}
_DETAILS = {
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}
_Key: TypeAlias = int


class CallWatch:
    """Follows one call.

    Args:
        hooks: What is told.
        choice: Which routes may serve the call.
        request: What is asked.
    """

    __slots__ = (
        "_attempts", "_began", "_contents", "_context", "_first", "_hooks", "_info", "_model", "_provider", "_reasons",
        "_request", "_span", "_usage",
    )  # fmt: skip

    _span: Span
    _context: otel_context.Context

    def __init__(self, hooks: Hooks, choice: RouteChoice, request: Request) -> None:
        self._hooks = hooks
        self._request = request
        self._model = _model_of(choice)
        self._provider = _SELF
        self._attempts: dict[_Key, tuple[Span, otel_context.Context]] = {}
        self._contents = Contents() if telemetry.captures_content else None
        self._began = 0.0
        self._first: float | None = None
        self._info: AnswerInfo | None = None
        self._usage: Usage | None = None
        self._reasons: list[str] = []

    # The call ----------------------------------------------------------------------------------------------------

    async def stream(self, batches: AsyncGenerator[Batch, None]) -> AsyncGenerator[Batch, None]:
        """`batches`, followed."""
        self._begin()
        # Nothing is made current across a `yield`: that would be seen, and torn down, by whoever reads.
        try:
            async for batch in batches:
                self._see(batch)
                yield batch
        except GeneratorExit:
            self._left()
            raise
        except BaseException as error:
            self._failed(error)
            raise
        finally:
            await batches.aclose()
            self._end()

    async def whole(self, answering: Coroutine[Any, Any, Batch]) -> Batch:
        """A blocking answer, followed."""
        self._begin()
        try:
            events = await answering
        except BaseException as error:
            self._failed(error)
            raise
        else:
            self._see(events)
            return events
        finally:
            self._end()

    def _begin(self) -> None:
        self._began = time.perf_counter()
        attributes = {**self._measured(), **_asked(self._request)}
        if self._contents is not None:
            attributes |= input_attributes(self._request)
        name = f"{_OPERATION} {self._model}" if self._model else _OPERATION
        self._span = self._hooks.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        self._context = set_span_in_context(self._span)

    def _see(self, batch: Batch) -> None:
        if self._first is None and type(batch[0]) is not Retrying:
            self._first = time.perf_counter() - self._began
        if self._contents is not None:
            self._contents.take(batch)
        if type(batch[-1]) is AnswerInfo:
            self._info = batch[-1]
            for event in batch:
                if type(event) is Usage:
                    self._usage = event
                elif type(event) is Finish:
                    self._reasons.append(event.reason)

    def _left(self) -> None:
        self._span.set_attribute("g4f.left_early", value=True)

    def _failed(self, error: BaseException) -> None:
        kind = error.kind if isinstance(error, IntegrationError) and error.kind else type(error).__name__
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR, str(error) if self._contents is not None else None))
        if self._hooks.measures:
            seconds = time.perf_counter() - self._began
            self._hooks.duration.record(seconds, {**self._measured(), "error.type": kind}, self._context)

    def _end(self) -> None:
        for span, _ in self._attempts.values():  # those that nobody waited for any more
            span.set_attribute("g4f.attempt.outcome", "cancelled")
            span.end()
        self._attempts.clear()
        info = self._info
        if info is not None:
            self._provider = info.provider
            if self._span.is_recording():
                self._span.set_attributes(self._answered(info))
            if self._hooks.measures:
                self._measure(info)
        self._span.end()

    def _measured(self) -> dict[str, Any]:
        """The attributes of spans and metrics alike."""
        attributes = {"gen_ai.operation.name": _OPERATION, "gen_ai.provider.name": self._provider}
        if self._model:
            attributes["gen_ai.request.model"] = self._model
        return attributes

    def _answered(self, info: AnswerInfo) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            "gen_ai.provider.name": info.provider,
            "gen_ai.response.finish_reasons": self._reasons,
            "g4f.attempts": len(info.attempts),
        }
        if info.model:
            attributes["gen_ai.response.model"] = info.model
        if info.response_id:
            attributes["gen_ai.response.id"] = info.response_id
        if self._request.stream and self._first is not None:
            attributes["gen_ai.response.time_to_first_chunk"] = self._first
        if self._usage is not None:
            attributes |= _used(self._usage)
        if self._contents is not None:
            attributes |= self._contents.attributes(self._reasons)
        told = {
            "g4f.usage.estimated": info.usage_estimated and self._usage is not None,
            "g4f.resumed": info.resumed,
            "g4f.trimmed": bool(info.trimmed),
            "g4f.cleaned": len(info.cleaned),
            "g4f.dropped": info.dropped,
            "g4f.suspect": info.suspect,
        }
        return {**attributes, **{name: value for name, value in told.items() if value}}

    def _measure(self, info: AnswerInfo) -> None:
        hooks, context = self._hooks, self._context
        attributes = self._measured()
        if info.model:
            attributes["gen_ai.response.model"] = info.model
        hooks.duration.record(time.perf_counter() - self._began, attributes, context)
        if self._request.stream and self._first is not None:
            hooks.first_chunk.record(self._first, attributes, context)
        usage = self._usage
        if (
            usage is not None and not info.usage_estimated
        ):  # estimates must not be reported as usage, say the conventions
            for kind, count in (("input", usage.input_tokens), ("output", usage.output_tokens)):
                hooks.tokens.record(count, {**attributes, "gen_ai.token.type": kind}, context)

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
            span.set_status(Status(StatusCode.ERROR, attempt.error if self._contents is not None else None))
        span.end()


def _model_of(choice: RouteChoice) -> str:
    """The model that is asked for; with routes that name their own, the first one's."""
    if choice.model != "auto" or not choice.routes:
        return choice.model
    return getattr(choice.routes[0], "model", None) or choice.model


def _asked(request: Request) -> dict[str, Any]:
    params = request.params
    attributes = {name: params[ours] for ours, name in _PARAMETERS.items() if isinstance(params.get(ours), int | float)}
    if request.stream:
        attributes["gen_ai.request.stream"] = True
    if request.stop:
        attributes["gen_ai.request.stop_sequences"] = list(request.stop)
    if params.get("n", 1) != 1:
        attributes["gen_ai.request.choice.count"] = params["n"]
    if "response_format" in params:
        attributes["gen_ai.output.type"] = "json"
    return attributes


def _used(usage: Usage) -> dict[str, int]:
    attributes = {"gen_ai.usage.input_tokens": usage.input_tokens, "gen_ai.usage.output_tokens": usage.output_tokens}
    for ours, name in _DETAILS.items():
        if ours in usage.details:
            attributes[name] = usage.details[ours]
    return attributes


@lru_cache(maxsize=256)
def _server_of(base_url: str) -> dict[str, Any]:
    """Address and port of an endpoint."""
    try:
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return {}
    return {"server.address": parts.hostname, "server.port": port} if parts.hostname else {}
