"""The text that is held, and what is cut out of it."""

from __future__ import annotations

from dataclasses import dataclass

from g4f_integrations.core.cleaning._rules import Rule


@dataclass(slots=True)
class Cut:
    """A span that is taken out: ``[start, end)`` of the text, counted in characters."""

    start: int
    end: int
    rule: Rule
    unfinished: bool = False
    text: str = ""  # complete once the text has been handed out up to `end`


PROVENANCE = Rule("provenance", frames=("\\p",), source="what the event says of itself")
"""The rule of spans that their own event marks as an advert."""


class HeldText:
    """A text that comes in pieces and is handed on, but for what is held and what is cut out.

    Attributes:
        cuts: What was taken out, in order; spans that text is still held for may yet grow or join.
    """

    __slots__ = ("_base", "_end", "_parts", "cuts")

    def __init__(self) -> None:
        self.cuts: list[Cut] = []
        self._parts: list[str] = []  # the held text
        self._base = self._end = 0  # offsets of its beginning and end

    def _hold(self, text: str) -> None:
        """Take the next piece in."""
        self._parts.append(text)
        self._end += len(text)

    def _held_between(self, start: int, end: int) -> str:
        """A part of the held text."""
        return "".join(self._parts)[start - self._base : end - self._base]

    def _release(self, until: int) -> str:
        """Hand out the held text before `until`."""
        if until <= self._base:
            return ""
        text = self._parts[0] if len(self._parts) == 1 else "".join(self._parts)
        base, size = self._base, until - self._base
        self._parts = [text[size:]] if size < len(text) else []
        self._base = until
        first = len(self.cuts)
        while first and self.cuts[first - 1].end > base:
            first -= 1
        if first == len(self.cuts):
            return text[:size]
        pieces, place = [], base
        for cut in self.cuts[first:]:
            if cut.start >= until:
                break
            cut.text += text[max(cut.start, base) - base : min(cut.end, until) - base]
            pieces.append(text[place - base : max(cut.start, place) - base])  # a cut may have grown from before `base`
            place = cut.end
        pieces.append(text[place - base : size])
        return "".join(pieces)

    def _widen(self, start: int, end: int, rule: Rule | None = None, *, unfinished: bool = False) -> None:
        """Cut ``[start, end)`` out, with all cuts inside it; without a rule, as a part of the cut that it touches."""
        behind: list[Cut] = []
        while self.cuts and self.cuts[-1].start >= start:
            last = self.cuts.pop()
            if last.rule is PROVENANCE and rule is not None and last.start >= end:
                behind.append(last)
                continue
            rule, unfinished = rule or last.rule, unfinished or last.unfinished
            end = max(end, last.end)
        if rule is None:
            self.cuts[-1].end = max(end, self.cuts[-1].end)
        else:
            self.cuts.append(Cut(start, end, rule, unfinished))
        self.cuts += reversed(behind)
