"""`Pack`: several sets of states that text leads on together, for as long as nothing else can happen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from g4f_integrations.core.cleaning._states import BLANKS, State

_SIGNS = frozenset("`~")  # they may open or close code
_MOST_KNOWN = 512  # pieces of text of one pack
INDENTED = 2
"""Columns that make a line code or a part of a list or of data, which adverts never are."""


_LONGEST_TRACE = 400

Finder: TypeAlias = "Callable[[str, int], re.Match[str] | None]"
Starts: TypeAlias = Mapping[str, tuple[State, Finder]]
"""By what comes before a character: where a match stands before it begins there, and what finds that it may."""

Turn: TypeAlias = "tuple[Pack, tuple[int, ...], tuple[State, Finder] | None]"
"""The pack behind a piece of text that not all matches survive, the numbers of those that do, and where another one
stands before the last character and what finds that it may begin there."""

BLANKS_AND_INK = re.compile("[ \t\r\n\x0b\x0c]{1,8}[^ \t\r\n\x0b\x0c`~>]")
"""A piece of text that a pack may know, besides single characters and the blanks alone."""


class Pack(dict[str, "Pack | None"]):
    """The states of all matches under way. Looking up a character, or blanks and one, gives those behind it.

    ``None`` stands for everything that takes a closer look: a match ends, breaks off or begins, or may get longer.

    Attributes:
        states: The states, oldest match first.
        limits: The characters that each match may have.
        trace: A text that led on from here, and the pack behind it: texts that begin matches repeat themselves.
    """

    __slots__ = ("_family", "_starts", "_turns", "limits", "states", "trace")

    def __init__(self, states: tuple[State, ...], starts: Starts, family: dict[tuple[State, ...], Pack]) -> None:
        super().__init__()
        self.states = states
        self.limits = [state.longest for state in states]
        self.trace: tuple[str, Pack] = ("", self)
        self._starts, self._family = starts, family
        self._turns: dict[str, Turn | None] = {}

    def of(self, states: tuple[State, ...]) -> Pack:
        """The pack of other states at the same kind of place."""
        family = self._family
        found = family.get(states)
        if found is None:
            if len(family) >= 2000:  # a bound on memory for hostile texts
                family.clear()
            found = family[states] = Pack(states, self._starts, family)
        return found

    def keep_trace(self, text: str, behind: Pack) -> None:
        """Remember where `text` leads."""
        if len(text) <= _LONGEST_TRACE:
            self.trace = (text, behind)

    def __missing__(self, piece: str) -> Pack | None:
        turn, following = self.turn(piece), None
        if turn is not None and turn[2] is None and piece[-1] not in BLANKS:
            pack, kept, _ = turn
            following = pack if len(kept) == len(self.states) and pack.limits == self.limits else None
        if len(self) < _MOST_KNOWN:
            self[piece] = following
        return following

    def turn(self, piece: str) -> Turn | None:
        """Where `piece` leads, if nothing happens in it but that matches break off, or may get longer, or begin."""
        turns = self._turns
        if piece in turns:
            return turns[piece]
        turn = self._find_turn(piece)
        if len(turns) < _MOST_KNOWN:
            turns[piece] = turn
        return turn

    def _find_turn(self, piece: str) -> Turn | None:
        last = piece[-1]
        starts = self._starts.get(_place(piece))
        if last in _SIGNS or starts is None:
            return None
        begins = None if starts[0][last] is None else starts
        kept: list[int] = []
        behind: list[State] = []
        for number, state in enumerate(self.states):
            following: State | None = state
            for char in piece:
                assert following is not None
                limit = following.longest
                if following.bound is not None or (following.line is not None and char in "\r\n"):
                    return None
                following = following[char]
                if following is None:
                    break
                if following.now is not None or (following.longest != limit and len(piece) > 1):
                    return None
            if following is not None and following not in behind:
                kept.append(number)
                behind.append(following)
        return self.of(tuple(behind)), tuple(kept), begins


def _place(piece: str) -> str:
    """What comes before the last character of `piece`."""
    if len(piece) == 1:
        return "glued"
    lines = piece.count("\n", 0, -1)
    if not lines:
        return "sentence"  # or "blank": where less may begin
    indent = piece[piece.rfind("\n", 0, -1) + 1 : -1].replace("\r", "").replace("\t", " " * INDENTED)
    return "indented" if len(indent) >= INDENTED else "line" if lines == 1 else "paragraph"
