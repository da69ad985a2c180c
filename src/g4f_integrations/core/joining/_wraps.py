"""What models put around the old text when they show it once more: marks, quotation marks, a block of code."""

from __future__ import annotations

import re
from typing import NamedTuple

_MARKS = ("[...]", "[…]", "[beginning of your answer]", "[here it broke off]")  # of models, and of `prompts/resume.txt`
_MARK = re.compile(rf"(?:(?:{'|'.join(map(re.escape, _MARKS))})\s*)+")
_OPENING = re.compile(r"(?:```|~~~)[^\n`]*\n|[\"'“„«`]|>[ ]?|(?:\.{3,}|…)[ ]?")
_LONGEST_FENCE = 80
_CLOSINGS = {"“": "”", "„": "“", "«": "»"}


class Wrap(NamedTuple):
    """Something around the old text.

    Attributes:
        end: Where it ends and the old text should follow.
        closing: What closes it again behind the text; ``None`` if it cannot be told from the text itself.
        least: Characters of the old text that have to follow, so that it is no accident.
    """

    end: int
    closing: str | None
    least: int


def end_of_marks(text: str, start: int) -> int | None:
    """Where marks end that stand at `start`, which are no part of any answer; ``None`` while more may come.

    Example:
        >>> end_of_marks("[…] and so on", 0), end_of_marks("[her", 0), end_of_marks("[1]", 0)
        (4, None, 0)
    """
    found = _MARK.match(text, start)
    end = start if found is None else found.end()
    rest = text[end : end + 40]
    is_open = rest[:1] == "[" and any(mark.startswith(rest) for mark in _MARKS)
    return None if is_open or (found is not None and not rest) else end


def wrap_at(text: str, start: int) -> tuple[Wrap | None, bool]:
    """What is opened at `start`, and whether that is certain: more of it may be on its way."""
    found = _OPENING.match(text, start)
    rest = text[start : start + _LONGEST_FENCE]
    is_open = rest[:1] in "`~." and "\n" not in rest and len(rest) < (_LONGEST_FENCE if rest[:3] in "```~~~" else 4)
    if found is None:
        return None, not is_open
    opening = found[0]
    if opening[0] in ".…":
        return Wrap(found.end(), "", 8), len(text) > found.end()
    if opening[0] == ">":
        return Wrap(found.end(), None, 12), len(text) > found.end()
    if opening[-1] == "\n":
        return Wrap(found.end(), f"\n{opening[:3]}", 4), True
    return Wrap(found.end(), _CLOSINGS.get(opening, opening), 12), not is_open
