"""`Needs`: where a whole text holds the literals of which every match holds one."""

from __future__ import annotations

from collections.abc import Iterable


class Needs:
    """Tells of places in a whole text whether a match can begin there at all.

    Args:
        text: The text.
        windows: First place, literal, and the characters that a match with it may have.

    Attributes:
        far_until: Behind the place last asked for, no match can begin before this one.

    Example:
        >>> needs = Needs("a" * 90 + "op.wtf", [(90, "op.wtf", 20)])
        >>> needs.are_far(0), needs.far_until, needs.are_far(70), needs.are_far(91)
        (True, 70, False, True)
    """

    __slots__ = ("_asked_at", "_found", "_next", "_text", "_windows", "far_until")

    def __init__(self, text: str, windows: Iterable[tuple[int, str, int]]) -> None:
        self._text = text
        self._windows = list(windows)
        self._found = [first for first, _, _ in self._windows]
        self._asked_at = self._next = self.far_until = -1

    def are_far(self, place: int) -> bool:
        """Whether all literals are too far for a match to begin at `place`; places may also go back."""
        before = self._asked_at
        if before <= place < self.far_until:
            return True
        if not before <= place <= self._next:
            self._look(place, before)
        return place < self.far_until

    def _look(self, place: int, before: int) -> None:
        text, places = self._text, self._found
        far_until = following = len(text)
        near = place
        for number, (_, need, window) in enumerate(self._windows):
            found = places[number]
            if 0 <= found < place:
                places[number] = found = text.find(need, place)
            elif place < before and (again := text.find(need, place, before + len(need))) >= 0:
                places[number] = found = again
            if found < 0:
                continue
            if found - window <= place:  # so it is up to the last one that is near enough
                near = max(near, text.rfind(need, found, place + window + len(need)))
            far_until = min(far_until, found - window)
            following = min(following, found)
        self._asked_at, self.far_until, self._next = place, far_until, max(following, near)
