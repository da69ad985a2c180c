"""`Outlook`: tells of a whole text whether a match that has begun soon breaks off, so that it need not be followed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeAlias

from g4f_integrations.core.cleaning._states import BLANKS, State

_FAR = 48  # characters that are looked at
_DEEPEST = 6  # matches within matches that are looked at; more than that may be anything
_MOST_KNOWN = 4096  # windows of text
_SPACE = "".join(BLANKS)

Known: TypeAlias = "dict[tuple[int, State], bool]"


class Outlook:
    """What becomes of matches that begin in a whole text, told before they are followed.

    To follow one costs much: all that was known where it began has to be kept, as text may be cut out in the middle of
    it. To lead a set of states on until nothing is left of it costs little. That is the whole answer where nothing
    may be cut out before: where no other match begins that has a future itself.

    Args:
        starts: The automaton's states before the first character of a match: directly behind ink, behind blanks, behind
            one line end, and behind several.
        firsts: The first characters that lead on from each of these.
    """

    __slots__ = ("_known", "_search", "_starts")

    def __init__(self, starts: Sequence[State], firsts: Sequence[Iterable[str]]) -> None:
        self._starts = starts
        glued, others = ("".join(map(re.escape, sorted(set(found)))) for found in (firsts[0], chain(*firsts)))
        found = ([f"[{glued}]"] if glued else []) + ([f"(?<=[{_SPACE}])[{others}]"] if others else [])
        self._search = re.compile("|".join(found) or "(?!)").search
        self._known: dict[tuple[str, State], bool] = {}

    def has_future(self, text: str, place: int, start: State) -> bool:
        """Whether a match that begins at `place` from `start` on may ever be complete; if not, it surely is not."""
        window = text[place : place + _FAR]
        key = (window, start)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[key] = self._look(window, 0, start, {}, 0)
        return known

    def _look(self, window: str, start: int, state: State, known: Known, depth: int) -> bool:
        for place in range(start, len(window)):
            following = state[window[place]]
            if following is None:
                return self._may_be_mended(window, start, place, known, depth)
            if following.may_end:
                return True
            state = following
        return True

    def _may_be_mended(self, window: str, start: int, end: int, known: Known, depth: int) -> bool:
        """Whether something may be cut out so that the match from `start` on, which breaks off at `end`, goes on."""
        while window[end] in BLANKS:  # they go with what is cut out behind them
            end += 1
            if end == len(window):
                return True
        found = self._search(window, start + 1, end + 1)
        while found is not None:
            place = found.start()
            before = window[start:place]
            blanks = before[len(before.rstrip(_SPACE)) :]
            state = self._starts[min(blanks.count("\n") + 1, 3) if blanks else 0]
            if state[window[place]] is not None:
                key = (place, state)
                if key not in known:
                    known[key] = depth == _DEEPEST or self._look(window, place, state, known, depth + 1)
                if known[key]:
                    return True
            found = self._search(window, place + 1, end + 1)
        return False
