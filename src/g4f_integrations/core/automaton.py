"""What the frame languages of adverts and of notices have in common: the states that frames are compiled to."""

from __future__ import annotations

from collections.abc import Callable

Test = Callable[[str], bool]
"""Whether a character leads on."""


class FrameError(ValueError):
    """A frame that breaks the language's grammar."""


class Automaton:
    """A nondeterministic automaton that grows state by state; each is a number.

    A state leads on by literal characters, by tests, and by free steps that take no character. Languages are built on
    it: they add states while they read frames, and walk sets of states that are closed under free steps.
    """

    def __init__(self) -> None:
        self._literal: list[dict[str, list[int]]] = []
        self._tests: list[list[tuple[Test, int]]] = []
        self._empty: list[list[int]] = []

    def _add_state(self) -> int:
        self._literal.append({})
        self._tests.append([])
        self._empty.append([])
        return len(self._empty) - 1

    def _free(self, members: set[int]) -> frozenset[int]:
        """`members`, and all states that free steps lead to from there."""
        stack = list(members)
        while stack:
            for following in self._empty[stack.pop()]:
                if following not in members:
                    members.add(following)
                    stack.append(following)
        return frozenset(members)

    def _steps(self, members: frozenset[int], char: str) -> set[int]:
        """The states directly behind one more character."""
        found: set[int] = set()
        for state in members:
            found.update(self._literal[state].get(char, ()))
            found.update(following for test, following in self._tests[state] if test(char))
        return found


def part_at(frame: str, place: int) -> tuple[str, int]:
    """The name of the part ``{name}`` that begins at `place`, and the place behind it.

    Raises:
        FrameError: The part has no end.
    """
    close = frame.find("}", place)
    if close < 0:
        message = f"unclosed {{ in {frame!r}"
        raise FrameError(message)
    return frame[place + 1 : close], close + 1


def check_whole(frame: str, place: int, end: int) -> None:
    """Refuse a frame of which not all could be read.

    Raises:
        FrameError: `place` is not its `end`.
    """
    if place != end:
        message = f"unbalanced bracket at {place} in {frame!r}"
        raise FrameError(message)
