"""What a route's answers and refusals teach of its limits.

Pure data: the engine keeps a `RouteLimits` for every route, and tells a `Shrinking` of every refusal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from g4f_integrations.core.failures import Failure
from g4f_integrations.core.tokens import Counter
from g4f_integrations.core.trimming._refusals import Overflow, read_overflow
from g4f_integrations.core.trimming.settings import Message

_SCALES = (0.8, 4.0)  # how far a route's way of counting is believed to differ from ours
_MOST_HALVINGS = 2
_SMALLEST = 128  # tokens that every window takes: who calls fewer too long and names no limit means something else
# What a route is asked with after a refusal without a figure, at the most; then after a second one.
_FIRST_GUESS = 3_400  # tokens that fit into a window of 4,096
_LAST_GUESS = 700  # and into 4,000 characters, with what stands around texts
_CAUTION = 0.95  # characters tell tokens only roughly
_GROWTH = 1.2  # by how much more than before an answered conversation must hold to be worth noting
WINDOW_FULL = frozenset(
    {
        "model_length",
        "model_context_window_exceeded",
        "context_window_exceeded",
        "context_length",
        "context_length_exceeded",
    }
)
"""Finish reasons of their own that some give (Mistral, Anthropic, g4f's providers)."""

_FULL = 0.97  # of a window: an answer that ended there ended because of it


@dataclass(frozen=True, slots=True)
class Size:
    """How large a request was, as we count.

    Attributes:
        tokens: Of its messages and tool schemas.
        characters: Of its texts.
        messages: How many there were.
    """

    tokens: int
    characters: int
    messages: int


def size_of(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None, counter: Counter) -> Size:
    """The size of a request.

    Args:
        messages: What is sent.
        tools: The tools that are sent along.
        counter: Counts tokens.
    """
    return Size(counter.messages(messages) + counter.tools(tools), characters_in(messages), len(messages))


def characters_in(messages: Sequence[Message]) -> int:
    """Characters of the messages' texts. Looks at every message of a long history, on every call."""
    contents = [message.get("content") for message in messages]
    return sum([len(content) if type(content) is str else _characters_of_parts(content) for content in contents])


def exceeds(messages: Sequence[Message], characters: int) -> bool:
    """Whether the messages' texts have more `characters`; looks at no more messages than it takes to tell."""
    for message in messages:
        content = message.get("content")
        characters -= len(content) if type(content) is str else _characters_of_parts(content)
        if characters < 0:
            return True
    return False


def _characters_of_parts(content: Any) -> int:
    parts = content if isinstance(content, list | tuple) else ()
    return sum(len(part.get("text") or "") for part in parts if isinstance(part, Mapping))


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """What a route's answers and refusals have taught. Immutable: learning makes a new one.

    Attributes:
        window: Tokens that the route said it takes, as it counts.
        scale: Its tokens for one of ours, the most that it has told.
        characters: Characters that it said it takes.
        character_scale: Its characters for one of ours.
        messages: Messages that it said it takes.
        refused: The smallest request, in our tokens, that it refused without a figure.
        refusals: How often it has refused so.
        accepted: The largest one below that which it answered.
        answered: Characters of the largest request that it answered before it was known to have any limit.
    """

    window: int | None = None
    scale: float = 1.0
    characters: int | None = None
    character_scale: float = 1.0
    messages: int | None = None
    refused: int | None = None
    accepted: int | None = None
    refusals: int = 0
    answered: int = 0

    def after_refusal(self, overflow: Overflow, sent: Size, reserved: int = 0) -> RouteLimits:
        """What is known after a refusal.

        Args:
            overflow: What the route said.
            sent: What was sent.
            reserved: Tokens of output that the request asked for; some routes add them to what was requested.
        """
        limit, requested = overflow.limit, overflow.requested
        if overflow.unit == "messages" and limit is not None:
            return replace(self, messages=_least(self.messages, limit))
        if overflow.unit == "characters" and limit is not None:
            scale = self.character_scale if requested is None else _scale(requested, 0, sent.characters)
            if self.characters is not None:
                scale = max(scale, self.character_scale)
            return replace(self, characters=_least(self.characters, limit), character_scale=scale)
        if limit is not None:
            scale = self.scale if requested is None else _scale(requested, reserved, sent.tokens)
            if self.window is not None:
                scale = max(scale, self.scale)  # what it says depends on the text; the dearest so far is safe
            return replace(self, window=_least(self.window, limit), scale=scale)
        accepted = self.accepted if self.accepted is not None and self.accepted < sent.tokens else None
        if accepted is None and 0 < self.answered < sent.characters:
            accepted = int(sent.tokens * self.answered / sent.characters * _CAUTION)
        takes_less_now = self.accepted is not None and accepted is None
        return replace(
            self,
            refused=_least(self.refused, sent.tokens),
            accepted=accepted,
            refusals=1 if takes_less_now else self.refusals + 1,
        )

    def after_answer(self, tokens: int, told: int | None = None) -> RouteLimits:
        """What is known after a request was answered; itself if that is nothing new.

        Args:
            tokens: The request's tokens, as we count.
            told: The same as the route's usage tells it. It is believed where the window is known and was filled to a
                half at least: of short requests, what a provider puts in front makes the most.
        """
        new = self
        if told is not None and self.window is not None and tokens > 0 and 2 * told >= self.window:
            scale = _scale(told, 0, tokens)
            if scale > self.scale:
                new = replace(new, scale=scale)
        if self.refused is not None and tokens >= self.refused:
            return replace(new, refused=None, accepted=tokens, refusals=0)  # the route takes more than it did
        if self.accepted is not None and tokens <= self.accepted:
            return new
        return replace(new, accepted=tokens)

    def after_long_answer(self, characters: int) -> RouteLimits:
        """What is known after a request of so many characters was answered by a route without known limits."""
        return self if characters < self.answered * _GROWTH else replace(self, answered=characters)

    def after_full(self, total_tokens: int) -> RouteLimits:
        """What is known after an answer was cut because the window was full at `total_tokens`, as the route counts."""
        return replace(self, window=_least(self.window, total_tokens))

    def below(self, tokens: int) -> bool:
        """Whether a request of fewer than so many tokens may be too much, for its tokens, characters or messages."""
        if self.characters is not None or self.messages is not None:
            return True
        return any(size is not None and size < tokens for size in (self.window, self.refused))

    @property
    def cap(self) -> int | None:
        """Tokens, as we count, that are worth trying after a refusal without a figure.

        What it is known to answer, and twice that as long as it has refused but once: so a route refuses twice at the
        most, and little is left out for long.
        """
        if self.refused is None:
            return None
        half, known = max(_SMALLEST, self.refused // 2), self.accepted or 0
        if self.refusals > 1:
            return max(known, min(half, _LAST_GUESS))
        return max(known, min(half, max(2 * known, _FIRST_GUESS)))


def _least(known: int | None, told: int) -> int:
    return told if known is None else min(known, told)


def _scale(requested: int, reserved: int, sent: int) -> float:
    """The route's units for one of ours; `requested` may count the reserved output, or may not."""
    if sent <= 0:
        return 1.0
    scales = [requested / sent]
    if requested > reserved > 0:
        scales.append((requested - reserved) / sent)
    # The reading under which the route counts more nearly as we do is the likelier one.
    likely = min(scales, key=lambda scale: abs(math.log(scale)) if scale > 0 else math.inf)
    return min(max(likely, _SCALES[0]), _SCALES[1])


@dataclass(slots=True)
class Shrinking:
    """How one call deals with one route's refusals: once by what it told, then by halves or less, twice at the most.

    Attributes:
        told: Whether a limit that was told has been tried.
        halvings: How often the request was halved.
    """

    told: bool = False
    halvings: int = 0

    def refused(
        self, failure: Failure, sent: Size, learned: RouteLimits | None = None, reserved: int = 0
    ) -> tuple[RouteLimits, bool]:
        """Learn from a failed attempt.

        Args:
            failure: How it failed.
            sent: What was sent.
            learned: What is known of the route by now.
            reserved: Tokens of output that the request asked for.

        Returns:
            What is known now, and whether the same route should be asked again with the smaller budget that follows
            from it.
        """
        learned = learned or RouteLimits()
        overflow = read_overflow(failure, sent.tokens)
        if overflow is None:
            return learned, False
        if overflow.limit is None and sent.tokens < _SMALLEST:
            return learned, False
        new = learned.after_refusal(overflow, sent, reserved)
        if not self.told and overflow.limit is not None and _is_smaller(new, overflow, sent):
            self.told = True
            return new, True
        if self.halvings >= _MOST_HALVINGS or sent.tokens <= 1:
            return new, False
        self.halvings += 1
        if overflow.limit is not None:  # what it told did not help
            refused = _least(new.refused, sent.tokens)
            new = replace(new, refused=refused, accepted=None, refusals=new.refusals + 1)
        return new, True


def _is_smaller(learned: RouteLimits, overflow: Overflow, sent: Size) -> bool:
    """Whether the limit that was told is less than what was sent, so that trimming to it changes anything."""
    limit = overflow.limit or 0
    if overflow.unit == "messages":
        return limit < sent.messages
    if overflow.unit == "characters":
        return limit / learned.character_scale < sent.characters
    return True  # even a limit above what was sent leaves room for the reserve and the fraction


def window_was_full(
    finish_reason: str, *, total_tokens: int, output_tokens: int, asked: int | None, window: int | None
) -> bool:
    """Whether an answer was cut because the window was full, not because the call asked for so much.

    Args:
        finish_reason: As the route told it.
        total_tokens: Tokens of request and answer, as the route counts.
        output_tokens: Tokens of the answer.
        asked: The call's own ``max_tokens``.
        window: The route's window, if known.
    """
    if finish_reason in WINDOW_FULL:
        return True
    if finish_reason != "length" or (asked is not None and output_tokens >= asked):
        return False
    return window is not None and total_tokens >= _FULL * window
