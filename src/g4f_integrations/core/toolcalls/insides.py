"""Stretches of an answer that are its own to their end: code fences, JSON answers, reasoning."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

_JSON_SPECIAL = re.compile(r"[\"{}\[\]\n]")
_VALUE_SPECIAL = re.compile(r"[\"{}\[\]\\\n]|\s\Z")
_STRING_SPECIAL = re.compile(r"[\"\\\n]")
_THOUGHT_END = "</think>"


class Thought:
    """Reasoning in tags at the head of the answer, in which no call is made."""

    __slots__ = ()
    watch = re.compile(r"<|\s\Z")

    def leave(self, text: str, at: int, *, final: bool) -> tuple[int, bool]:
        """How far the text goes straight on from `at`, and whether the stretch ends there."""
        end = text.find(_THOUGHT_END, at)
        if end >= 0:
            return end + len(_THOUGHT_END), True
        keep = next((size for size in range(len(_THOUGHT_END) - 1, 0, -1) if text.endswith(_THOUGHT_END[:size])), 0)
        return max(at, len(text) - (0 if final else keep)), False


@lru_cache(maxsize=16)
def _patterns_of(mark: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """The end of a fence, and what in a piece of its inside needs a closer look."""
    sign = re.escape(mark[0])
    closing = re.compile(rf"{sign}{{{len(mark)},}}[ \t]*(?P<end>\n|\Z)|{sign}{{1,{len(mark) - 1}}}\Z")
    return closing, re.compile(rf"[{sign}\n]|\s\Z")


class Fence:
    """A code fence: it ends with the line that holds nothing but its mark."""

    __slots__ = ("_closing", "_fresh", "_mark", "_special")

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._fresh = True  # at the head of a line
        self._closing, self._special = _patterns_of(mark)

    @property
    def watch(self) -> re.Pattern[str] | None:
        """What in the next piece needs a closer look; ``None``: everything."""
        return None if self._fresh else self._special

    def leave(self, text: str, at: int, *, final: bool) -> tuple[int, bool]:
        """How far the text goes straight on from `at`, and whether the stretch ends there."""
        start = at
        while True:
            found = text.find(self._mark[0], start)
            if found < 0:
                break
            line = text[max(at, found - 16) : found].rstrip(" \t")
            fresh = line.endswith("\n") or (not line and found - at <= 16 and self._fresh)
            closing = self._closing.match(text, found) if fresh else None
            if closing is None:
                start = found + 1
                while start < len(text) and text[start] == self._mark[0]:
                    start += 1
                continue
            if closing["end"] is None or (closing["end"] == "" and not final):
                if not final:
                    self._settle(text, at, found)
                    return found, False
                break
            return closing.start("end"), True
        self._settle(text, at, len(text))
        return len(text), False

    def _settle(self, text: str, at: int, end: int) -> None:
        line = text.rfind("\n", at, end)
        blank = not text[max(line + 1, at) : end].strip(" \t")
        self._fresh = blank if line >= 0 else self._fresh and blank


class Value:
    """A JSON answer, in which no bare JSON is a call: it ends with its brackets, or with an empty line."""

    __slots__ = ("_depth", "_escaped", "_fresh", "_quoted")

    def __init__(self) -> None:
        self._depth = 1
        self._quoted = self._escaped = self._fresh = False

    @property
    def watch(self) -> re.Pattern[str] | None:
        """What in the next piece needs a closer look; ``None``: everything."""
        return None if self._escaped or self._fresh else _VALUE_SPECIAL

    def leave(self, text: str, at: int, *, final: bool) -> tuple[int, bool]:  # noqa: ARG002  the others need it
        """How far the text goes straight on from `at`, and whether the stretch ends there."""
        if self._escaped:
            self._escaped, at = False, at + 1
        while (found := (_STRING_SPECIAL if self._quoted else _JSON_SPECIAL).search(text, at)) is not None:
            fresh = self._fresh and not text[at : found.start()].strip()
            self._fresh = False
            at = found.end()
            sign = found[0]
            if sign == "\n":
                if fresh:
                    return at - 1, True
                self._quoted, self._fresh = False, True
            elif sign == "\\":
                self._escaped, at = at >= len(text), at + 1
            elif sign == '"':
                self._quoted = not self._quoted
            else:
                self._depth += 1 if sign in "{[" else -1
                if self._depth <= 0:
                    return at, True
        self._fresh = self._fresh and not text[at:].strip()
        return len(text), False


Inside: TypeAlias = Thought | Fence | Value


def inside_of(kind: str) -> Inside:
    """The stretch that a recogniser has named: ``"json"``, ``"thought"`` or the mark of a fence."""
    if kind == "json":
        return Value()
    return Thought() if kind == "thought" else Fence(kind)
