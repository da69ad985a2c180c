"""A conversation, and what is known of it by now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.tokens import Counter
from g4f_integrations.core.trimming._blocks import SYSTEM, has_any_role, roles_of


class History:
    """A conversation, with what is known of it by now: counts of messages, made once; roles; blocks."""

    __slots__ = ("_older", "_roles", "_sums", "_system", "counter", "keeps_system", "messages")

    def __init__(self, messages: Sequence[Mapping[str, Any]], counter: Counter, *, keeps_system: bool = True) -> None:
        self.messages = messages
        self.counter = counter
        self.keeps_system = keeps_system
        self._sums: list[int] = [0]  # tokens of the newest messages together: of none, one, two, …
        self._older: dict[int, int] = {}  # tokens of single messages before these, by index
        self._roles: list[Any] | None = None
        self._system: tuple[int, list[int]] | None = None

    def tail_within(self, tokens: int) -> bool:
        """Whether the whole history fits into `tokens`; counts from the end, and stops where it no longer does."""
        self._sums = self.counter.from_the_end(self.messages, tokens)
        self._older = {}
        return not self.messages or self._sums[-1] <= tokens

    def cost(self, at: int) -> int:
        """Tokens of one message."""
        back, sums = len(self.messages) - at, self._sums
        if back < len(sums):
            return sums[back] - sums[back - 1]
        known = self._older.get(at)
        if known is None:
            known = self._older[at] = self.counter.message(self.messages[at])
        return known

    def newest_within(self, tokens: int) -> int:
        """How many of the newest messages take `tokens` together at the most, of those that were counted."""
        return max(0, bisect_right(self._sums, tokens) - 1)

    def newest(self, messages: int) -> int:
        """Tokens of so many of the newest messages, which were all counted by `tail_within`."""
        return self._sums[messages]

    def all_tokens(self) -> int:
        """Tokens of the whole history, each message counted."""
        counted = len(self._sums) - 1
        return self._sums[counted] + sum(map(self.cost, range(len(self.messages) - counted)))

    def counted(self) -> tuple[int, Mapping[int, int]]:
        """How many of the newest messages were counted by now, and the counts of single ones before them, by index."""
        return len(self._sums) - 1, self._older

    @property
    def roles(self) -> list[Any]:
        """The role of every message."""
        if self._roles is None:
            self._roles = roles_of(self.messages)
        return self._roles

    def system_part(self) -> tuple[int, list[int]]:
        """How many system messages stand in front, and the indices of all that stay wherever they stand."""
        if self._system is None:
            self._system = self._find_system_part() if self.keeps_system else (0, [])
        return self._system

    def _find_system_part(self) -> tuple[int, list[int]]:
        first = 0
        others = iter(self.messages)
        for message in others:
            if message.get("role") not in SYSTEM:
                break
            first += 1
        found = list(range(first))
        # The one look at every message of a long history: no list of roles is made, which nobody else may want.
        if has_any_role(others, SYSTEM):
            found += [at for at, role in enumerate(self.roles) if at >= first and role in SYSTEM]
        return first, found

    def last_user(self) -> int | None:
        """Index of the newest message of the user."""
        backwards = self.roles[::-1]
        return len(backwards) - 1 - backwards.index("user") if "user" in backwards else None
