"""Where a JSON value ends, found while its text comes in, without reading it."""

from __future__ import annotations

import re
from typing import Literal

from g4f_integrations.core.toolcalls.budget import MAX_DEPTH
from g4f_integrations.core.toolcalls.tolerant_strings import CLOSING, QUOTES

_CLOSERS = {"{": "}", "[": "]"}
_OPENERS = frozenset(f"{{[{QUOTES}")
_BLANKS = re.compile(r"[\s\ufeff\u200b]*")
_STRUCTURE = re.compile(rf"[{QUOTES}{{}}\[\]#]|(?<=/)[/*]")
_STOPS = {quote: re.compile(f"[\\\\{closing}]") for quote, closing in CLOSING.items()}
_AFTER_STRING = frozenset(f",:}}]/#{QUOTES}")  # a quote before anything else is part of the string
_BEFORE_STRING = frozenset("{[,:(")  # an apostrophe after anything else opens no string
_APOSTROPHES = frozenset("'`\u2018\u2019")


class BalanceScanner:
    """Finds the end of an object, an array or a string that comes in pieces; each character is looked at once.

    Brackets in strings and in comments do not count. The scanner judges by what stands next to quotes and brackets;
    for text that is strict JSON its judgement is exact.

    Attributes:
        failed: Whether the value nests deeper than `MAX_DEPTH` or does not begin with a bracket or a quote, so
            that no end will be found.

    Example:
        >>> scanner = BalanceScanner()
        >>> scanner.feed('{"a": "}')
        >>> scanner.feed('"} and more')
        2
    """

    __slots__ = ("_comment", "_doubt", "_escaped", "_fresh", "_open", "_quote", "_significant", "_tail", "failed")

    def __init__(self) -> None:
        self.failed = False
        self._open: list[str] = []  # the closers that are awaited
        self._quote = ""  # what opened the string we are in
        self._doubt = False  # whether the last quote may have ended it
        self._escaped = False
        self._comment: Literal["", "/", "*"] = ""  # to the end of the line, or to the mark
        self._fresh = False  # whether the comment began with the last character seen
        self._tail = ""  # the last two characters seen
        self._significant = "{"  # the last one that was no blank

    def feed(self, text: str) -> int | None:
        """Take the next piece: the index in it after the value's end, or ``None`` while the value goes on."""
        if self.failed or not text:
            return None
        known = len(self._tail)
        work = self._tail + text
        end = self.run(work, known)
        if end is not None:
            return end - known
        self._tail = work[-2:]
        self._significant = work.rstrip()[-1:] or self._significant
        return None

    def run(self, work: str, known: int) -> int | None:
        """Go on at index `known` of `work`: the index after the value's end, if it is in there.

        What lies before `known` was looked at earlier; it only tells what stands before a quote or a comment.
        """
        at: int | None = known
        while at is not None and at < len(work):
            if self._quote:
                at = self._in_string(work, at)
            elif self._comment:
                at = self._in_comment(work, at, known)
            else:
                at = self._outside(work, at)
            if at is not None and not self._open and not self._quote:
                return at
        return None

    def _outside(self, work: str, at: int) -> int | None:
        found = _STRUCTURE.search(work, at)
        if found is None:
            if not self._open:
                self.failed = True
            return None
        char = found[0]
        end = found.end()
        if not self._open and (found.start() != at or char not in _OPENERS):
            self.failed = True
        elif char in _CLOSERS:
            self._open.append(_CLOSERS[char])
            self.failed = len(self._open) > MAX_DEPTH
        elif char in "}]":
            self._close(char)
        elif char in CLOSING:
            if not self._open or char not in _APOSTROPHES or self._before(work, end - 1) in _BEFORE_STRING:
                self._quote = char
        elif _opens_comment(work, end):
            self._comment = "*" if char == "*" else "/"
            self._fresh = end == len(work)
        return None if self.failed else end

    def _close(self, char: str) -> None:
        """Close what `char` closes, and all that was left open inside."""
        if char in self._open:
            while self._open.pop() != char:
                pass

    def _before(self, work: str, at: int) -> str:
        while at and work[at - 1].isspace():
            at -= 1
        return work[at - 1] if at else self._significant

    def _in_string(self, work: str, at: int) -> int | None:
        if self._doubt:
            blanks = _BLANKS.match(work, at)
            at = blanks.end() if blanks is not None else at
            if at == len(work):
                return None
            self._doubt = False
            if work[at] in _AFTER_STRING:
                self._quote = ""
            return at
        if self._escaped:
            self._escaped = False
            return at + 1
        found = _STOPS[self._quote].search(work, at)
        if found is None:
            return None
        if found[0] == "\\":
            self._escaped = True
        elif self._open:
            self._doubt = True
        else:
            self._quote = ""
        return found.end()

    def _in_comment(self, work: str, at: int, known: int) -> int | None:
        if self._comment == "/":
            end = work.find("\n", at)
            if end < 0:
                return None
            self._comment = ""
            return end + 1
        if at == known and not self._fresh:
            at -= 1  # the mark may be cut in two
        self._fresh = False
        end = work.find("*/", max(at, 0))
        if end < 0:
            return None
        self._comment = ""
        return end + 2


def _opens_comment(work: str, end: int) -> bool:
    """Whether the mark before `end` begins a comment, not a colour (``#fff``) or a part of a URL (``://``)."""
    if work[end - 1] == "#":
        return work[end - 2].isspace() or work[end - 2] in _BEFORE_STRING
    return work[end - 3 : end - 2] != ":"


def find_end(text: str, start: int) -> int | None:
    """The index after the object, array or string that begins at `start`; ``None`` if it is not closed.

    Example:
        >>> find_end('see {"a": "}"} there', 4)
        14
    """
    return BalanceScanner().run(text, start)
