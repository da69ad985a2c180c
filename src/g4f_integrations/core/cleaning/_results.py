"""What cleaning gives back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from g4f_integrations.core.cleaning._held import Cut
from g4f_integrations.core.failures import Failure


@dataclass(frozen=True, slots=True)
class Removed:
    """A span that was taken out of a text.

    Attributes:
        rule: The rule's id; ``"ai"`` and ``"provenance"`` are spans that no rule named.
        start: Where it began, in characters of the text as it came.
        end: Where it ended.
        text: What it held.
        unfinished: Whether the text ended within it.
        category: Of the rule.
    """

    rule: str
    start: int
    end: int
    text: str
    unfinished: bool = False
    category: str = "ads"

    def to_dict(self) -> dict[str, Any]:
        """The entry of an answer's metadata: rule, category, offsets and text (its first 400 characters)."""
        entry: dict[str, Any] = {
            "rule": self.rule,
            "category": self.category,
            "start": self.start,
            "end": self.end,
            "text": self.text[:400],
        }
        if self.unfinished:
            entry["unfinished"] = True
        return entry


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned text.

    Attributes:
        text: What is left: the text without the removed spans.
        removed: What was taken out, in order.
        notice: The failure that the whole answer is; `text` is empty then.
        flagged: Matches of rules that only report.
    """

    text: str
    removed: list[Removed] = field(default_factory=list)
    notice: Failure | None = None
    flagged: list[Removed] = field(default_factory=list)

    def to_dicts(self) -> list[dict[str, Any]]:
        """What the metadata's ``cleaned`` holds."""
        return [removed.to_dict() for removed in self.removed]


def removed_by(cuts: Iterable[Cut]) -> list[Removed]:
    """The scanner's cuts as results."""
    return [
        Removed(cut.rule.id, cut.start, cut.end, cut.text, unfinished=cut.unfinished, category=cut.rule.category)
        for cut in cuts
    ]


def merged(text: str, cleaned: Cleaned, more: Sequence[Removed]) -> Cleaned:
    """`cleaned`, with spans of its own text taken out of it, too; all offsets are those of the original `text`."""
    if not more:
        return cleaned

    def original(place: int, *, behind: bool) -> int:
        for removed in cleaned.removed:
            if removed.start > place or (removed.start == place and not behind):
                break
            place += removed.end - removed.start
        return place

    spans = [(original(span.start, behind=True), original(span.end, behind=False), span) for span in more]
    new = [Removed(span.rule, start, end, text[start:end]) for start, end, span in spans]
    kept = [old for old in cleaned.removed if not any(start <= old.start < end for start, end, _ in spans)]
    removed = sorted([*kept, *new], key=lambda found: found.start)
    pieces, place = [], 0
    for found in removed:
        pieces.append(text[place : found.start])
        place = found.end
    return Cleaned("".join([*pieces, text[place:]]), removed, cleaned.notice, cleaned.flagged)
