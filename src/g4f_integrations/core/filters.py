"""What lies between a route's text and the user: reasoning tags, stop sequences, output limits.

Each filter is pure and fed in pieces; any cutting of the text into pieces gives the same result. Each says when it
has nothing more to do, so that ordinary text passes it by.
"""

from __future__ import annotations

from collections.abc import Sequence

from g4f_integrations.core.tokens import count_tokens

_TAGS = ("think", "thinking", "thought", "reasoning")
_OPENERS = tuple(f"<{tag}>" for tag in _TAGS)
_LONGEST_HEAD = 512  # white space before an opener, in characters; more is no head


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
        held = self._held + text
        reasoning: list[str] = []
        while True:
            if self._closer is not None:
                end = held.find(self._closer)
                if end < 0:
                    keep = longest_suffix_prefix(held, self._closer)
                    reasoning.append(held[: len(held) - keep])
                    self._held = held[len(held) - keep :]
                    return "", "".join(reasoning)
                reasoning.append(held[:end])
                held = held[end + len(self._closer) :]
                self._closer = None
                self._after_block = True
            start = held.lstrip()
            opener = next((tag for tag in _OPENERS if start[: len(tag)].lower() == tag), None)
            if opener is not None:
                self._closer = f"</{start[1 : len(opener)]}"
                held = start[len(opener) :]
                continue
            if len(held) < _LONGEST_HEAD and (not start or any(tag.startswith(start.lower()) for tag in _OPENERS)):
                self._held = held
                return "", "".join(reasoning)
            self.passing = True
            self._held = ""
            # White space between a block and the answer belongs to the block; before a plain answer it is the answer's.
            return start if self._after_block else held, "".join(reasoning)

    def close(self) -> tuple[str, str]:
        """What was still held at the end: text, and reasoning."""
        held, self._held = self._held, ""
        if self._closer is not None:
            return "", held
        return (held.lstrip() if self._after_block else held), ""


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
        ends = [found for stop in self._stops if (found := held.find(stop)) >= 0]
        if ends:
            self.hit = True
            self._held = ""
            return held[: min(ends)]
        keep = max((longest_suffix_prefix(held, stop) for stop in self._stops), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def close(self) -> str:
        """What was still held at the end."""
        held, self._held = self._held, ""
        return held


class OutputLimit:
    """Ends an answer after an estimated number of tokens, on routes that are known to ignore ``max_tokens``.

    Attributes:
        hit: Whether the limit was reached; no text comes after it.
    """

    __slots__ = ("_left", "hit")

    def __init__(self, max_tokens: int) -> None:
        self._left = float(max_tokens)
        self.hit = False

    def feed(self, text: str) -> str:
        """The part of `text` that is within the limit."""
        if self.hit or not text:
            return ""
        cost = (
            count_tokens(text) if len(text) > 4 else len(text) / 3.6
        )  # tiny pieces are not rounded up to a token each
        if cost <= self._left:
            self._left -= cost
            return text
        kept = text[: int(len(text) * self._left / cost)]
        self.hit = True
        return kept
