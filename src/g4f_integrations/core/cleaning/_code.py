"""`Code`: whether a place in a Markdown text lies in code or in a quotation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Guard: TypeAlias = Literal["free", "code", "quote", "shown"]
"""Whether a place is open text, code that may turn out closed, a quotation, or what a colon or an opening quotation
mark before it shows."""

_FENCE = 3
_FENCE_LINE = re.compile(r"\n[ \t\r]*(`{3,}|~{3,})([^\n]*)(?=\n)")


@dataclass(frozen=True, slots=True)
class Code:
    """What is open at a place; immutable, so that it can be kept and returned to.

    Attributes:
        fence: The sign and the length of the fence that is open.
        inline: The length of the run of back-ticks that opened code in a line, 0 for none.
        quote: Whether the line is quoted.
        information: Whether the line is the one that opened the fence.
        closing: Whether the fence ends with the line, provided that nothing follows on it.
        guard: What all this amounts to.
        pending: Whether the line's next characters matter.
    """

    fence: tuple[str, int] | None = None
    inline: int = 0
    quote: bool = False
    information: bool = False
    closing: bool = False

    @property
    def guard(self) -> Guard:
        """What kind of place it is."""
        return "quote" if self.quote else "code" if self.fence is not None or self.inline else "free"

    @property
    def pending(self) -> bool:
        """Whether the next characters of the line matter."""
        return self.information or self.closing

    def after_line(self, *, blank: bool) -> Code:
        """What is open behind a line end; `blank` if the line that it ended was."""
        fence = None if self.closing else self.fence
        inline = 0 if blank else self.inline
        return Code(fence, inline) if fence or inline else OPEN_TEXT

    def after_ink(self, *, quote: bool) -> Code:
        """What is open behind a character that is no blank; `quote` if it opens a quotation."""
        if not self.closing and not quote:
            return self
        if self is OPEN_TEXT:
            return _QUOTED
        return Code(self.fence, self.inline, self.quote or quote, self.information)

    def after_run(self, char: str, count: int, *, at_line: bool, following: str) -> Code:
        """What is open behind a run of `count` back-ticks or tildes: it may open or close code.

        Args:
            char: The sign.
            count: How many of it.
            at_line: Whether the run begins the line.
            following: The character behind it; a line end also for the end of the text.
        """
        if at_line and count >= _FENCE:
            if self.fence is None:
                return Code((char, count), quote=self.quote, information=following != "\n")
            if self.fence[0] == char and count >= self.fence[1] and following in " \t\r\n":
                return Code(self.fence, self.inline, self.quote, self.information, closing=True)
        elif char == "`":
            if self.information and self.fence is not None and self.fence[0] == char:
                return Code(quote=self.quote)  # code on one line, between three signs each
            if self.fence is None:
                inline = 0 if self.inline == count else self.inline or count
                return Code(self.fence, inline, self.quote, self.information, self.closing)
        return self

    def after_text(self, text: str, start: int, end: int) -> Code:
        """What is open at a blank line at `end`, after the text from `start` on, where no line's code was pending."""
        fence = self.fence
        for found in _FENCE_LINE.finditer(text, start, end + 1):
            signs, rest = found[1], found[2]
            if fence is None:
                if signs[0] != "`" or "`" not in rest:
                    fence = (signs[0], len(signs))
            elif signs[0] == fence[0] and len(signs) >= fence[1] and not rest.strip(" \t\r"):
                fence = None
        return OPEN_TEXT if fence is None else Code(fence)


OPEN_TEXT = Code()
"""Nothing is open."""

_QUOTED = Code(quote=True)
