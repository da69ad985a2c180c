"""What lies between a route's text and the user: reasoning tags, stop sequences, output limits.

Each filter is pure and fed in pieces; any cutting of the text into pieces gives the same result. Each says when it
has nothing more to do, so that ordinary text passes it by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from g4f_integrations.core.tokens import TOKEN, weight_of

_TAGS = ("think", "thinking", "thought", "reasoning")
_OPENERS = tuple(f"<{tag}>" for tag in _TAGS)
_LONGEST_HEAD = 512  # white space before an opener, in characters; more is no head
_LONGEST_OPENER = max(map(len, _OPENERS))
_SPACE = re.compile(r"\s*")
_MAY_OPEN = frozenset({"", "<", *(char for char in map(chr, range(0x3001)) if char.isspace())})


def longest_suffix_prefix(text: str, needle: str) -> int:
    """Length of the longest end of `text` that is a proper beginning of `needle`.

    Example:
        >>> longest_suffix_prefix("so <thi", "<think>")
        4
    """
    for size in range(min(len(text), len(needle) - 1), 0, -1):
        if text.endswith(needle[:size]):
            return size
    return 0


class ReasoningTags:
    """Splits off reasoning that stands in tags at the head of an answer: ``<think>…</think>The answer``.

    Only the head is looked at (and what follows a closed block directly), because further on a tag is more likely
    the answer's own matter. A block that is never closed is reasoning to its end.

    Attributes:
        passing: Whether all further text is the answer's and need not be fed any more.
    """

    __slots__ = ("_after_block", "_closer", "_held", "passing")

    def __init__(self) -> None:
        self.passing = False
        self._after_block = False
        self._held = ""
        self._closer: str | None = None  # the tag that ends the open block

    def feed(self, text: str) -> tuple[str, str]:
        """The answer's text and the reasoning that are certain now, in that order; reasoning comes first."""
        if self.passing:
            return text, ""
        if not self._held and self._closer is None and not self._after_block and text[:1] not in _MAY_OPEN:
            self.passing = True  # the usual case: an answer that begins with its first word
            return text, ""
        held = self._held + text
        at = 0  # everything before it is settled; slicing `held` instead would make many blocks quadratic
        reasoning: list[str] = []
        while True:
            if self._closer is not None:
                end = held.find(self._closer, at)
                if end < 0:
                    rest = held[at:]
                    keep = longest_suffix_prefix(rest, self._closer)
                    reasoning.append(rest[: len(rest) - keep])
                    self._held = rest[len(rest) - keep :]
                    return "", "".join(reasoning)
                reasoning.append(held[at:end])
                at = end + len(self._closer)
                self._closer = None
                self._after_block = True
            start = _after_space(held, at)
            if self._after_block:
                at = start  # white space between a block and what follows belongs to the block
            head = held[start : start + _LONGEST_OPENER].lower()
            if start - at < _LONGEST_HEAD:
                opener = next((tag for tag in _OPENERS if head.startswith(tag)), None)
                if opener is not None:
                    at = start + len(opener)
                    self._closer = f"</{held[start + 1 : at]}"
                    continue
                if not head or any(tag.startswith(head) for tag in _OPENERS):
                    self._held = held[at:]
                    return "", "".join(reasoning)
            self.passing = True
            self._held = ""
            return held[at:], "".join(reasoning)

    def close(self) -> tuple[str, str]:
        """What was still held at the end: text, and reasoning."""
        held, self._held = self._held, ""
        return ("", held) if self._closer is not None else (held, "")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


class StopSequences:
    """Ends an answer at the first of several texts, which is not part of it, also when pieces cut it in two.

    Attributes:
        hit: Whether a stop sequence was found; no text comes after it.
    """

    __slots__ = ("_held", "_stops", "hit")

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """The text that may go on: all that can no longer be the beginning of a stop sequence."""
        if self.hit:
            return ""
        held = self._held + text
        keep = max((longest_suffix_prefix(held, stop) for stop in self._stops), default=0)
        safe = len(held) - keep
        end = self._first(held)
        if end is not None and end <= safe:
            return self._cut(held, end)
        # A stop that has been found waits while a longer one may still have begun before it.
        self._held = held[safe:]
        return held[:safe]

    def close(self) -> str:
        """What was still held at the end."""
        end = self._first(self._held)
        if end is not None:
            return self._cut(self._held, end)
        held, self._held = self._held, ""
        return held

    def _first(self, text: str) -> int | None:
        return min((found for stop in self._stops if (found := text.find(stop)) >= 0), default=None)

    def _cut(self, text: str, end: int) -> str:
        self.hit = True
        self._held = ""
        return text[:end]


class OutputLimit:
    """Ends an answer after an estimated number of tokens, on routes that are known to ignore ``max_tokens``.

    Attributes:
        hit: Whether the limit was reached; no text comes after it.
    """

    __slots__ = ("_left", "hit")

    def __init__(self, max_tokens: int) -> None:
        self._left = max_tokens * TOKEN
        self.hit = False

    def feed(self, text: str) -> str:
        """The part of `text` that is within the limit."""
        if self.hit or not text:
            return ""
        weight = weight_of(text)
        if weight <= self._left:
            self._left -= weight
            return text
        self.hit = True
        end = 0
        while (weight := weight_of(text[end])) <= self._left:
            self._left -= weight
            end += 1
        return text[:end]


class PromptSource(Protocol):
    """Tells the user's own words, which cost something to gather and are seldom needed."""

    @property
    def prompt(self) -> str:
        """The user's newest words."""


class JSONStage(Protocol):
    """Makes bare JSON of a text in which JSON was asked for."""

    def feed(self, text: str) -> str:
        """The JSON that may go on."""

    def close(self) -> tuple[str, str | None]:
        """The rest, and what is wrong with the whole, if anything is."""

    def whole(self, text: str) -> tuple[str, str | None]:
        """The JSON of a text that came in one piece, and what is wrong with it, if anything is."""
