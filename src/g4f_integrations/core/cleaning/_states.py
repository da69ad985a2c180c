"""Sets of states of the rules' frames: where a text can stand in them, made when a text first leads there."""

from __future__ import annotations

from collections.abc import Iterable

from g4f_integrations.core.automaton import Automaton, FrameError

BLANKS = frozenset(" \t\r\n\x0b\x0c")
"""White space, as far as adverts take it with them. Other signs without ink are the answer's own."""

URL_ENDS = frozenset(" \t\r\n\x0b\x0c)]}>\"'<`,;.#|*")
"""What an address cannot go on with, or is ended by where a sentence is."""

is_blank = BLANKS.__contains__


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
    """

    __slots__ = ("_table", "bound", "chains", "cut", "leaf", "line", "longest", "members", "now", "tail")

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
        self.chains: dict[str, tuple[str, State]] = {}

    def chain(self, name: str, glued: State, blank: State) -> tuple[str, State]:
        """The literal text that must follow, as far as nothing else can happen in it, and the state behind it.

        Args:
            name: Of the kind of place; the chain is kept under it.
            glued: What can begin behind ink there; no character of the chain does.
            blank: What can begin behind a blank.
        """
        found = self.chains.get(name)
        if found is None:
            text, state = "", self
            while (piece := self._table.only_way(state)) and not any(sign in "`~" for sign in piece):
                stop = blank if piece[0] == " " else glued
                following = state[piece[0]]
                if following is not None and len(piece) > 1:
                    following = following[piece[1]]
                if (
                    following is None
                    or following.now is not None
                    or following.longest != self.longest
                    or stop[piece[-1]] is not None
                ):
                    break
                text, state = text + piece, following
            found = self.chains[name] = (text, state)
        return found

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

    def only_way(self, state: State) -> str:
        """The one character that leads on, or a blank and the one behind it; nothing where there is a choice."""
        if state.bound is not None or state.now is not None:
            return ""
        literals = {char for member in state.members for char in self._literal[member]}
        tests = [test for member in state.members for test, _ in self._tests[member]]
        if not tests:
            return literals.pop() if len(literals) == 1 and not literals & BLANKS else ""
        if literals or any(test != is_blank for test in tests):
            return ""
        behind = state[" "]
        if behind is None or behind.now is not None or behind.longest != state.longest or behind.bound is not None:
            return ""
        literals = {char for member in behind.members for char in self._literal[member]}
        tests = [test for member in behind.members for test, _ in self._tests[member]]
        if len(literals) != 1 or literals & BLANKS or any(test != is_blank for test in tests):
            return ""
        return f" {literals.pop()}"

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

    def openers(self, firsts: Iterable[int], longest: int = 3) -> set[str]:
        """The first characters of the texts that these frames fit, `longest` of them or all literal ones before.

        Raises:
            FrameError: A frame begins with a free part, so that anything could open it.
        """
        found: set[str] = set()
        stack = [("", self.start(firsts).members)]
        while stack:
            text, members = stack.pop()
            free = any(self._tests[state] for state in members)
            ends = any(state in ends for ends in self._ends.values() for state in members)
            if text and (free or ends or len(text) >= longest):
                found.add(text)
                continue
            if free or ends:
                message = "a frame must begin with a literal text"
                raise FrameError(message)
            for char in {char for state in members for char in self._literal[state]}:
                following = self.after(members, char)
                if following is not None:
                    stack.append((text + char, following.members))
        return found
