"""What is no chat, as spans and metrics: embeddings, pictures, speech, transcripts, films."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from g4f_integrations.core.events import Attempt
from g4f_integrations.core.observing._hooks import Hooks
from g4f_integrations.core.observing._watch import Watch

T = TypeVar("T")


class WorkWatch(Watch):
    """Follows one such call, of as many requests as it takes.

    Args:
        hooks: What is told.
        operation: Its name in the conventions: ``"embeddings"`` or ``"generate_content"``.
        model: The model that is asked for; may be empty.
        asked: What else is asked, as attributes of the span.
    """

    __slots__ = ("_answered", "_asked", "_count", "_input", "_is_told")

    def __init__(self, hooks: Hooks, operation: str, model: str, asked: Mapping[str, Any]) -> None:
        super().__init__(hooks, operation, model)
        self._asked = asked
        self._answered: Attempt | None = None
        self._count = self._input = 0
        self._is_told = True

    async def whole(self, working: Coroutine[Any, Any, T]) -> T:
        """The result of the work, followed."""
        self._begin(dict(self._asked))
        try:
            result = await working
        except BaseException as error:
            self._failed(error)
            raise
        else:
            self._succeeded()
            return result
        finally:
            self._end_attempts()
            self._span.set_attribute("g4f.attempts", self._count)
            self._span.end()

    def ended(self, run: Any, attempt: Attempt) -> None:
        """See `Watch.ended`."""
        self._count += 1
        if attempt.outcome == "ok":
            self._answered = attempt
        super().ended(run, attempt)

    def used(self, tokens: int | None) -> None:
        """A request has taken so many tokens; ``None`` if the route does not tell."""
        if tokens is None:
            self._is_told = False
        else:
            self._input += tokens

    def _succeeded(self) -> None:
        answered = self._answered
        attributes: dict[str, Any] = {}
        if answered is not None:
            self._provider = answered.provider
            attributes["gen_ai.provider.name"] = answered.provider
            if answered.model:
                attributes["gen_ai.response.model"] = answered.model
        is_used = self._is_told and self._input > 0  # of several requests, all have to tell
        if is_used:
            attributes["gen_ai.usage.input_tokens"] = self._input
        self._span.set_attributes(attributes)
        hooks = self._hooks
        if hooks.measures:
            measured = self._measured()
            if answered is not None and answered.model:
                measured["gen_ai.response.model"] = answered.model
            hooks.duration.record(time.perf_counter() - self._began, measured, self._context)
            if is_used:
                hooks.tokens.record(self._input, {**measured, "gen_ai.token.type": "input"}, self._context)
