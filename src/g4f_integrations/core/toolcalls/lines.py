"""Where in its line an answer is: what is a call at the head of a line is a word of prose in its middle."""

from __future__ import annotations

import re

# What in the middle of a line needs a closer look; all other text goes straight on. Blanks at the end wait, because
# a call that follows takes them with it.
_MID_LINE = re.compile(r"[<\[`\n]|\s\Z")
_WORD = re.compile(r"[^ \t]")
_INDENT = re.compile(r"[ \t]+")


def past_indent(text: str, at: int) -> int:
    """The first place from `at` on that is neither a space nor a tab."""
    indent = _INDENT.match(text, at)
    return at if indent is None else indent.end()


class Line:
    """Where in its line the text is.

    Attributes:
        fresh: Whether nothing but blanks stands before in the line.
        head: Whether the place that is looked at is the first of its line.
        quoted: Whether the line is a quotation.
        ticks: Marks of inline code so far.
        last: The last character before the text at hand.
        alone: Whether nothing but reasoning has come in the whole answer.
    """

    __slots__ = ("alone", "fresh", "head", "last", "quoted", "ticks")

    def __init__(self) -> None:
        self.alone = True
        self.head = False
        self.last = ""
        self.begin()

    def begin(self) -> None:
        """A new line, or a place where one could begin."""
        self.fresh = True
        self.quoted = False
        self.ticks = 0

    @property
    def watch(self) -> re.Pattern[str] | None:
        """What in the next piece needs a closer look; ``None``: everything."""
        return None if self.fresh else _MID_LINE

    def enter(self, sign: str) -> None:
        """The first character of the line that is no blank."""
        self.fresh = False
        self.quoted = sign == ">"

    def pass_over(self, text: str, start: int, end: int) -> None:
        """Text that is decided on."""
        newline = text.rfind("\n", start, end)
        if newline >= 0:
            self.begin()
            start = newline + 1
        if self.fresh and (first := _WORD.search(text, start, end)) is not None:
            self.enter(first[0])
        self.ticks += text.count("`", start, end)
