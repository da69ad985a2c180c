"""Where a call may begin: found by one search, so that prose costs next to nothing."""

from __future__ import annotations

import re
from functools import lru_cache

from g4f_integrations.core.toolcalls.imitations import LINES

_WORDS = (
    "action",
    "*action",
    "**action",
    "call:",
    "functools[",
    "functions.",
    "default_api.",
    "commentary ",
    "assistantcommentary ",
)
_SIGNS = "{[`~<"


class Openers:
    """The signs and words that can begin a call, for one set of tools.

    Attributes:
        marks: Finds the next of them: a line that begins with one, with the blanks before it, or a token in a line.
    """

    __slots__ = ("_longest", "_words", "marks")

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = tuple(dict.fromkeys(word.lower() for word in words))
        self._longest = max(map(len, self._words))
        first = "".join(sorted({letter for word in self._words for letter in (word[0], word[0].upper())}))
        choices = "|".join(map(re.escape, self._words))
        self.marks = re.compile(
            r"<(?=[A-Za-z|\uff5c]|\Z)|\[(?=T|\Z)|`(?=``|`?\Z)"
            rf"|\n[ \t]*+(?=[{re.escape(_SIGNS)}]|(?=[{re.escape(first)}])(?i:{choices}))"
        )

    def may_begin(self, text: str, at: int) -> bool:
        """Whether a call may begin with what stands at the head of a line, at `at`, or would if the text went on.

        Args:
            text: The text so far.
            at: Index of the line's first character that is no blank.
        """
        if text[at] in _SIGNS:
            return True
        return text[at : at + self._longest].lower().startswith(self._words) or self.is_cut(text, at)

    def is_cut(self, text: str, at: int) -> bool:
        """Whether the text ends in the middle of a word that begins at `at`."""
        if len(text) - at >= self._longest:
            return False
        head = text[at:].lower()
        return any(word.startswith(head) and word != head for word in self._words)


@lru_cache(maxsize=64)
def openers_for(names: tuple[str, ...], *, after_calls: bool) -> Openers:
    """The openers for tools of these names; after calls also the lines with which models make up results."""
    return Openers((*_WORDS, *names, *(LINES if after_calls else ())))
