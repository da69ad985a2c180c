"""The text of one choice on its way through the filters: reasoning tags, stop sequences, limits, notice gate."""

from __future__ import annotations

from g4f_integrations.core.failures import Failure, NoticeGate
from g4f_integrations.core.filters import OutputLimit, ReasoningTags, StopSequences
from g4f_integrations.core.request import Request


class Lane:
    """One choice's filters, in their order.

    Args:
        request: Its stop sequences are kept even where the route ignores them.
        output_limit: Tokens after which the text ends, where the route is known to ignore ``max_tokens``.
        gate: Holds text while it can still turn out to be an error in disguise.

    Attributes:
        parts: The text handed over so far.
        passing: Whether text passes untouched from now on, so that it need not be fed.
    """

    __slots__ = ("gate", "limit", "parts", "passing", "stops", "tags")

    def __init__(self, request: Request, output_limit: int | None, gate: NoticeGate) -> None:
        self.tags = ReasoningTags()
        self.stops = StopSequences(request.stop) if request.stop else None
        self.limit = OutputLimit(output_limit) if output_limit is not None else None
        self.gate = gate
        self.parts: list[str] = []
        self.passing = False

    @property
    def stopped(self) -> bool:
        """Whether a stop sequence or the output limit has ended the text."""
        return (self.stops is not None and self.stops.hit) or (self.limit is not None and self.limit.hit)

    def feed(self, text: str) -> tuple[str, str]:
        """The text and the reasoning that may go out now."""
        text, reasoning = self.tags.feed(text)
        if text:
            text = self._beyond_tags(text)
        self.passing = self.tags.passing and self.stops is None and self.limit is None and self.gate.open
        return text, reasoning

    def _beyond_tags(self, text: str) -> str:
        if self.stops is not None:
            text = self.stops.feed(text)
        if self.limit is not None:
            text = self.limit.feed(text)
        return text if self.gate.open or not text else self.gate.feed(text)

    def close(self) -> tuple[str, str, Failure | None]:
        """The text and the reasoning still held, and the verdict on an answer that is no answer."""
        text, reasoning = self.tags.close()
        if text:
            text = self._beyond_tags(text)
        if self.stops is not None and not self.stops.hit:
            rest = self.stops.close()
            if self.limit is not None:
                rest = self.limit.feed(rest)
            text += rest if self.gate.open or not rest else self.gate.feed(rest)
        if self.gate.open:
            return text, reasoning, None
        held, verdict = self.gate.close()
        return text + held, reasoning, verdict
