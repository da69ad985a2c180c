"""Ends of lines: two texts are the same whether their lines end in LF or CRLF, and in blanks before that or none."""

from __future__ import annotations

import re

_MOST = 80  # blanks at the end of a line that are looked over
_END = re.compile(rf"[ \t\r]{{0,{_MOST}}}\n")


def folded(text: str) -> str:
    r"""`text` with its lines ended by LF alone.

    Example:
        >>> folded("one  \r\ntwo \n")
        'one\ntwo\n'
    """
    return _END.sub("\n", text)


class Folding:
    """Folds a text that comes in pieces, and tells how it really was. Any cutting into pieces gives the same.

    Attributes:
        pending: Blanks that may yet be the end of a line.
    """

    __slots__ = ("_ends", "pending")

    def __init__(self) -> None:
        self._ends: list[str] = []
        self.pending = ""

    def feed(self, text: str) -> str:
        """What of the text is certain, folded."""
        text = self.pending + text
        keep = min(len(text) - len(text.rstrip(" \t\r")), _MOST)
        self.pending = text[len(text) - keep :]
        return _END.sub(self._note, text[: len(text) - keep])

    def _note(self, found: re.Match[str]) -> str:
        self._ends.append(found[0])
        return "\n"

    def raw(self, end: str) -> str:
        """The end of what was fed, as it came.

        Args:
            end: That end, folded.
        """
        lines = end.split("\n")
        if len(lines) == 1:
            return end
        ends = self._ends[1 - len(lines) :]
        return "".join(part for pair in zip(lines, [*ends, ""], strict=True) for part in pair)

    def forget(self) -> None:
        """Nothing of what was fed so far will be asked for."""
        self._ends.clear()
