"""Sets of states of the rules' frames: where a text can stand in them, made when a text first leads there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from g4f_integrations.core.automaton import Automaton, FrameError

BLANKS = frozenset(" \t\r\n\x0b\x0c")
"""White space, as far as adverts take it with them. Other signs without ink are the answer's own."""

URL_ENDS = frozenset(" \t\r\n\x0b\x0c)]}>\"'<`,;.#|*")
"""What an address cannot go on with, or is ended by where a sentence is."""

is_blank = BLANKS.__contains__

KEPT = 1 << 30
"""Stands for a rule where a match turns out to be part of something that keeps it."""


class State(dict[str, "State | None"]):
    """A set of states: where a text can stand in the frames. Looking a character up leads on, ``None`` leads nowhere.

    Attributes:
        now: The rule of which a frame is complete here, if any.
        line: The same, provided that the line ends here.
        bound: The same, provided that an address ends here.
        tail: The same, provided that nothing but white space follows.
        cut: The rule that an unfinished advert at the text's end belongs to.
        longest: Characters that a match through here may have; 0 where undecided text is meant.
        leaf: Whether nothing can follow.
        may_end: Whether a match may be complete here, before the text's end.
    """

    __slots__ = ("_table", "bound", "cut", "leaf", "line", "longest", "may_end", "members", "now", "tail")

    def __init__(self, table: Walk, members: frozenset[int]) -> None:
        super().__init__()
        self._table = table
        self.members = members
        self.now = table.first(members, "now")
        self.line = table.first(members, "line")
        self.bound = table.first(members, "bound")
        self.tail = table.first(members, "tail")
        self.cut = table.first(members, "cut")
        self.longest = table.longest(members)
        self.leaf = table.is_leaf(members)
        self.may_end = not (self.now is self.line is self.bound is None)

    __hash__ = object.__hash__  # type: ignore[assignment]  # each set is one object, unlike other dicts

    def __eq__(self, other: object) -> bool:
        return self is other

    def __missing__(self, char: str) -> State | None:
        following = self._table.after(self.members, char)
        if len(self) < 1024:  # hostile texts have a million different characters
            self[char] = following
        return following


class Walk(Automaton):
    """The automaton of many frames, as texts walk it: set of states by set of states, each made once and kept."""

    def __init__(self) -> None:
        super().__init__()
        self._longest: list[int] = []
        self._ends: dict[str, dict[int, int]] = {
            "now": {}, "line": {}, "bound": {}, "tail": {}, "cut": {},
        }  # fmt: skip
        self._sets: dict[frozenset[int], State] = {}

    def first(self, members: frozenset[int], end: str) -> int | None:
        """The smallest number of a rule that ends in one of the states."""
        ends = self._ends[end]
        return min((ends[state] for state in members if state in ends), default=None)

    def longest(self, members: frozenset[int]) -> int:
        """Characters that a match through these states may have; 0 while it is undecided."""
        return max((self._longest[state] for state in members), default=0)

    def is_leaf(self, members: frozenset[int]) -> bool:
        """Whether no character leads on."""
        return not any(self._literal[state] or self._tests[state] for state in members)

    def start(self, firsts: Iterable[int]) -> State:
        """The set of states before the first character of any of these frames."""
        return self._closed(set(firsts))

    def _closed(self, members: set[int]) -> State:
        key = self._free(members)
        found = self._sets.get(key)
        if found is None:
            if len(self._sets) >= 20_000:  # a bound on memory for hostile texts
                self._sets.clear()
            found = self._sets[key] = State(self, key)
        return found

    def after(self, members: frozenset[int], char: str) -> State | None:
        """The states after one more character."""
        found = self._steps(members, char)
        return self._closed(found) if found else None

    def first_chars(self, firsts: Iterable[int]) -> set[str]:
        """What the texts that these frames fit begin with."""
        return {char for state in self.start(firsts).members for char in self._literal[state]}

    def opening(self, firsts: Iterable[int], others: str, longest: int = 24) -> str:
        r"""A pattern for what the texts that these frames fit begin with; it finds them where nothing else does.

        It reads `longest` characters, or all up to a free part. Text that ends or may begin something else before, and
        so may become such a text if that is taken out, fits as well.

        Args:
            firsts: The states that the frames begin in.
            others: The characters that something else may begin with, as within the brackets of a pattern.
            longest: Characters to read.

        Raises:
            FrameError: A frame begins with a free part, so that anything could open it.
        """
        members = self.start(firsts).members
        if any(self._tests[state] or self._is_end(state) for state in members):
            message = "a frame must begin with a literal text"
            raise FrameError(message)
        return self._opening(members, rf"[{others}]|\Z" if others else r"\Z", longest)

    def _opening(self, members: frozenset[int], otherwise: str, longest: int) -> str:
        branches = []
        for char in sorted({char for state in members for char in self._literal[state]}):
            behind = self.after(members, char)
            assert behind is not None
            free = any(self._tests[state] or self._is_end(state) for state in behind.members)
            rest = "" if free or longest == 1 else self._opening(behind.members, otherwise, longest - 1)
            branches.append(re.escape(char) + (f"(?:{rest}|{otherwise})" if rest else ""))
        return "|".join(branches)

    def _is_end(self, state: int) -> bool:
        return any(state in ends for ends in self._ends.values())
