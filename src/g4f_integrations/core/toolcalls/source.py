"""The text of an answer as the recognisers see it: a part of it, or all."""

from __future__ import annotations

import re
from dataclasses import dataclass

from g4f_integrations.core.toolcalls.bounds import Bounds, Stop, bounds_of

_BLANKS = re.compile(r"\s*")


class MoreTextNeeded(Exception):  # noqa: N818 - an event of the splitter, not an error for users
    """What begins here cannot be told from the text so far."""


@dataclass(slots=True, frozen=True)
class Source:
    """The text so far; unless it is `final`, whatever depends on text still to come raises `MoreTextNeeded`.

    This is what makes every cutting of an answer into chunks come to the same calls.
    """

    text: str
    final: bool

    def more(self) -> None:
        """Ask for more text.

        Raises:
            MoreTextNeeded: There may be more.
        """
        if not self.final:
            raise MoreTextNeeded

    def match(self, pattern: re.Pattern[str], at: int, part: re.Pattern[str] | None = None) -> re.Match[str] | None:
        """The match of `pattern` at `at`; `part` matches what could still become one, up to the end of the text."""
        found = pattern.match(self.text, at)
        if found is None and part is not None and not self.final and part.match(self.text, at) is not None:
            raise MoreTextNeeded
        return found

    def starts(self, prefix: str, at: int) -> bool:
        """Whether the text goes on with `prefix` at `at`."""
        if self.text.startswith(prefix, at):
            return True
        if not self.final and prefix.startswith(self.text[at : at + len(prefix)]):
            raise MoreTextNeeded
        return False

    def skip(self, at: int, between: re.Pattern[str] = _BLANKS) -> int:
        """The first place from `at` on that is no blank, or none of what `between` matches."""
        found = between.match(self.text, at)
        at = found.end() if found is not None else at
        if at == len(self.text):
            self.more()
        return at

    def sign(self, at: int) -> str:
        """The character at `at`; empty at the end."""
        return self.text[at : at + 1]

    def bounds(self, at: int, stop: Stop | None = None) -> Bounds:
        """The extent of the bracketed value at `at`."""
        bounds = bounds_of(self.text, at, stop)
        if bounds.state in {"open", "cut"}:
            self.more()
        return bounds
