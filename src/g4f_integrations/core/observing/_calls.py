"""One chat as spans and metrics: what is asked, what comes, what was done to it."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from g4f_integrations.core.events import AnswerInfo, Batch, Finish, Retrying, Usage
from g4f_integrations.core.observing._contents import Contents, input_attributes
from g4f_integrations.core.observing._hooks import Hooks
from g4f_integrations.core.observing._watch import Watch
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import RouteChoice

_OPERATION = "chat"
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


class CallWatch(Watch):
    """Follows one call.

    Args:
        hooks: What is told.
        choice: Which routes may serve the call.
        request: What is asked.
    """

    __slots__ = ("_contents", "_first", "_info", "_reasons", "_request", "_usage")

    def __init__(self, hooks: Hooks, choice: RouteChoice, request: Request) -> None:
        super().__init__(hooks, _OPERATION, _model_of(choice))
        self._request = request
        self._contents = Contents() if self._tells_words else None
        self._first: float | None = None
        self._info: AnswerInfo | None = None
        self._usage: Usage | None = None
        self._reasons: list[str] = []

    # The call ----------------------------------------------------------------------------------------------------

    async def stream(self, batches: AsyncGenerator[Batch, None]) -> AsyncGenerator[Batch, None]:
        """`batches`, followed."""
        self._begin(self._told_at_first())
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
        self._begin(self._told_at_first())
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

    def _told_at_first(self) -> dict[str, Any]:
        attributes = _asked(self._request)
        return attributes if self._contents is None else attributes | input_attributes(self._request)

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

    def _end(self) -> None:
        self._end_attempts()
        info = self._info
        if info is not None:
            self._provider = info.provider
            if self._span.is_recording():
                self._span.set_attributes(self._answered(info))
            if self._hooks.measures:
                self._measure(info)
        self._span.end()

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
