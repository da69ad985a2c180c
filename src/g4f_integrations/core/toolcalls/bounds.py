"""Where a value ends that a model wrote: JSON or Python, with all that models do to them. One linear pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

# Strings run to their closing quote or to the end of the text; nothing in them is a bracket. A single quote opens a
# string unless it follows a letter (an apostrophe), and closes one only where a value can end.
_STRINGS = (
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""',
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+"',
    r"(?<!\w)'(?:[^'\\]|\\.|'(?!\s*[,:}\])]))*+'",
    r"[“”„](?:[^“”\\]|\\.)*+[“”]",
    r"(?P<cut>[\"“”„]|(?<!\w)')",
)
_COMMENTS = (r"//[^\n]*+", r"/\*(?:[^*]|\*(?!/))*+(?:\*/)?+")
_BRACKETS = (r"[{(\[]", r"[})\]]")


Stop: TypeAlias = Literal["tag", "fence"]
"""What ends a value whose brackets do not balance."""


def _pattern(stop: str | None) -> re.Pattern[str]:
    parts = [*([f"(?P<stop>{stop})"] if stop else []), *_STRINGS, *_COMMENTS]
    return re.compile("|".join([*parts, f"(?P<open>{_BRACKETS[0]})", f"(?P<close>{_BRACKETS[1]})"]), re.DOTALL)


# Outside its strings no JSON holds a tag or a fence; one that comes first shows that brackets are missing.
_PATTERNS = {
    None: _pattern(None),
    "tag": _pattern(r"<(?=[/|\uff5cA-Za-z])"),
    "fence": _pattern(r"\n[ \t]*(?:```|~~~)"),
}


@dataclass(slots=True, frozen=True)
class Bounds:
    """A value's extent: its `end`, and whether it is whole, was stopped by a tag or fence, or is not at its end yet.

    One that is ``"cut"`` runs on in the middle of a string, one that is ``"open"`` elsewhere.
    """

    end: int
    state: Literal["whole", "stopped", "open", "cut"]


def bounds_of(text: str, start: int, stop: Stop | None = None) -> Bounds:
    """The extent of the bracketed value that begins at `start`; an end once found does not move with further text.

    Args:
        text: All text so far.
        start: The place of the value's first bracket.
        stop: What ends a value whose brackets do not balance.

    Example:
        >>> bounds_of('{"a": "}"} and', 0)
        Bounds(end=10, state='whole')
    """
    depth = 0
    for token in _PATTERNS[stop].finditer(text, start):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
            if depth <= 0:
                return Bounds(token.end(), "whole")
        elif kind == "stop":
            return Bounds(token.start(), "stopped")
        elif kind == "cut":  # no quote closes it
            return Bounds(len(text), "cut")
    return Bounds(len(text), "open")
