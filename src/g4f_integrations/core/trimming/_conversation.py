"""A conversation, and what is known of it by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.tokens import Counter
from g4f_integrations.core.trimming._blocks import SYSTEM, roles_of


class History:
    """A conversation, with what is known of it by now: counts of messages, made once; roles; blocks."""

    __slots__ = ("_costs", "_roles", "counter", "keeps_system", "messages")

    def __init__(self, messages: Sequence[Mapping[str, Any]], counter: Counter, *, keeps_system: bool = True) -> None:
        self.messages = messages
        self.counter = counter
        self.keeps_system = keeps_system
        self._costs: dict[int, int] = {}
        self._roles: list[Any] | None = None

    def tail_within(self, tokens: int) -> bool:
        """Whether the whole history fits into `tokens`; counts from the end, and stops where it no longer does."""
        counts, fits = self.counter.from_the_end(self.messages, tokens)
        total = len(self.messages)
        self._costs = dict(zip(range(total - 1, total - 1 - len(counts), -1), counts, strict=True))
        return fits

    def cost(self, at: int) -> int:
        """Tokens of one message."""
        known = self._costs.get(at)
        if known is None:
            known = self._costs[at] = self.counter.message(self.messages[at])
        return known

    @property
    def costs(self) -> Mapping[int, int]:
        """All counts made so far, by index."""
        return self._costs

    @property
    def roles(self) -> list[Any]:
        """The role of every message."""
        if self._roles is None:
            self._roles = roles_of(self.messages)
        return self._roles

    def system_part(self) -> tuple[int, list[int]]:
        """How many system messages stand in front, and the indices of all that stay wherever they stand."""
        roles = self.roles
        if not self.keeps_system:
            return 0, []
        first = 0
        while first < len(roles) and roles[first] in SYSTEM:
            first += 1
        found = list(range(first))
        if not SYSTEM.isdisjoint(roles[first:]):
            found += [at for at in range(first, len(roles)) if roles[at] in SYSTEM]
        return first, found

    def last_user(self) -> int | None:
        """Index of the newest message of the user."""
        backwards = self.roles[::-1]
        return len(backwards) - 1 - backwards.index("user") if "user" in backwards else None
