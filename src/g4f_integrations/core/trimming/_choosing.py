"""Which messages stay: a pure choice over the counts of a history, newest first, looking only at what it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from g4f_integrations.core.trimming._blocks import RESULTS, Blocks
from g4f_integrations.core.trimming._conversation import History
from g4f_integrations.core.trimming._cutting import cut_message, level_of
from g4f_integrations.errors import ContextLengthError

_LEAST = 24  # tokens to which a message may be cut down: the mark and its surroundings
_SHARE_OF_LONG = 4  # a message too long for the window gets this part of it at the most, unless it has to stay


@dataclass(slots=True)
class Choice:
    """What stays of a history.

    Attributes:
        kept: Indices of the messages that stay, in order.
        tokens: What they count together, as they stay.
        cuts: Messages that stay in a shorter form, by index.
    """

    kept: list[int]
    tokens: int
    cuts: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the messages must fit into.

    Attributes:
        tokens: Tokens of all messages.
        messages: Messages, the system part counted; ``None`` for any number.
        others: Messages, the system part not counted; ``None`` for any number.
    """

    tokens: int
    messages: int | None = None
    others: int | None = None


class Chooser:
    """Chooses what stays; see `choose`.

    Args:
        history: The conversation.
        limits: What must hold of the choice.
        keep_first: Messages after the system part that stay.
        keep_last: Newest messages that stay.
        may_cut: Whether messages too long by themselves are cut.
        scores: What each message is worth; without them the newest stay.
    """

    def __init__(
        self,
        history: History,
        limits: Limits,
        *,
        keep_first: int = 0,
        keep_last: int = 0,
        may_cut: bool = True,
        scores: Sequence[float] | None = None,
    ) -> None:
        self._history = history
        self._limits = limits
        self._keep_first = keep_first
        self._keep_last = keep_last
        self._may_cut = may_cut
        self._scores = scores
        self._first, self._system = history.system_part()
        self._blocks = Blocks(history.messages, history.roles, self._first)
        self._user = history.last_user()
        self._cuts: dict[int, dict[str, Any]] = {}
        self._kept: set[int] = set()
        self._room = 0
        self._places = 0

    def choose(self) -> Choice:
        """The choice.

        Raises:
            ContextLengthError: What has to stay does not fit, and cannot be cut.
        """
        core = self._core()
        extras = self._extras() - core
        if not (extras and self._start_with(core | extras)) and not self._start_with(core):
            raise self._too_long(core)
        if self._scores is None:
            self._fill_from_the_end()
        else:
            self._fill_by_score(self._scores)
        self._begin_with_the_user()
        cuts = {at: cut for at, cut in self._cuts.items() if at in self._kept}
        return Choice(sorted(self._kept), self._limits.tokens - self._room, cuts)

    # What has to stay -------------------------------------------------------------------------------------------

    def _core(self) -> set[int]:
        """The system part, the user's newest message, and the newest block."""
        total = len(self._history.messages)
        core = set(self._system)
        if total > self._first:
            core.update(range(self._blocks.start_of(total), total))
        if self._user is not None:
            core.add(self._user)
        return core

    def _extras(self) -> set[int]:
        """What the settings want to stay besides."""
        total = len(self._history.messages)
        extras: set[int] = set()
        if self._keep_first and self._first < total:
            end = self._first
            while end < min(total, self._first + self._keep_first):
                end = self._blocks.end_of(end)
            extras.update(range(self._first, end))
        if self._keep_last and self._first < total:
            start = total
            while start > max(self._first, total - self._keep_last):
                start = self._blocks.start_of(start)
            extras.update(range(start, total))
        return extras

    def _start_with(self, core: set[int]) -> bool:
        """Take `core` as kept, cut where it must be; whether it fits."""
        history, limits = self._history, self._limits
        self._kept, self._cuts = set(core), {}
        places = [limit for limit in (limits.messages, self._limit_of_all()) if limit is not None]
        self._places = min(places, default=len(history.messages)) - len(core)
        self._room = limits.tokens - sum(map(history.cost, core))
        if limits.messages is not None and len(core) > limits.messages:
            return False
        if self._room < 0 and self._may_cut:
            self._cut(core)
        return self._room >= 0

    def _limit_of_all(self) -> int | None:
        others = self._limits.others
        return None if others is None else others + len(self._system)

    def _cut(self, core: Iterable[int]) -> None:
        """Cut the long messages of the core until it fits: results of tools first, the user's own words last."""
        roles, system = self._history.roles, set(self._system)
        groups: list[list[int]] = [[], [], [], []]
        for at in sorted(core):
            if at in system:
                continue
            role = roles[at]
            group = 0 if role in RESULTS else 3 if at == self._user else 2 if role == "user" else 1
            groups[group].append(at)
        for group_of_messages in groups:
            if self._room >= 0:
                return
            sizes = [self._history.cost(at) for at in group_of_messages]
            level = max(level_of(sizes, sum(sizes) + self._room), _LEAST)
            for at, size in zip(group_of_messages, sizes, strict=True):
                if size > level:
                    self._shorten(at, level)

    def _shorten(self, at: int, limit: int) -> None:
        message = self._history.messages[at]
        cut = cut_message(message, limit, self._history.counter)
        saved = self._history.cost(at) - self._history.counter.message(cut)
        if saved > 0:
            self._cuts[at] = cut
            self._room += saved

    def _too_long(self, core: set[int]) -> ContextLengthError:
        history, limits = self._history, self._limits
        total = sum(map(history.cost, core))
        if limits.messages is not None and len(core) > limits.messages:
            problem = f"{len(core)} messages have to stay, and the limit is {limits.messages}"
            return ContextLengthError(problem, limit=limits.messages, requested=len(core))
        longest = max(core, key=self._cost_as_cut, default=None)
        if longest is None:
            return ContextLengthError("nothing fits into no tokens at all", limit=limits.tokens, requested=0)
        advice = "" if self._may_cut else "; Trimming(truncate_long=True) cuts such messages"
        problem = (
            f"message {longest} (role {history.roles[longest]}, {history.cost(longest):,} tokens) is too long: "
            f"{max(limits.tokens, 0):,} tokens are there for all that has to stay, which takes {total:,}{advice}"
        )
        return ContextLengthError(problem, limit=max(limits.tokens, 0), requested=total)

    def _cost_as_cut(self, at: int) -> int:
        cut = self._cuts.get(at)
        return self._history.cost(at) if cut is None else self._history.counter.message(cut)

    # What may stay ----------------------------------------------------------------------------------------------

    def _takes(self, block: Iterable[int]) -> bool:
        """Keep the block if there is room for it; whether there was."""
        kept = self._kept
        missing = [at for at in block if at not in kept]
        if not missing:
            return True
        if len(missing) > self._places:
            return False
        cost = sum(map(self._history.cost, missing))
        if cost > self._room:
            return self._may_cut and self._takes_cut(missing, cost)
        self._kept.update(missing)
        self._room -= cost
        self._places -= len(missing)
        return True

    def _takes_cut(self, missing: list[int], cost: int) -> bool:
        """Keep a block of which a message is too long for the whole window, cut to a part of it."""
        long = [at for at in missing if self._history.cost(at) > self._limits.tokens]
        share = max(self._limits.tokens // _SHARE_OF_LONG // max(len(long), 1), _LEAST)
        if not long or cost - sum(self._history.cost(at) - share for at in long) > self._room:
            return False
        before, cuts = self._room, dict(self._cuts)
        self._room -= cost
        for at in long:
            self._shorten(at, share)
        if self._room < 0:
            self._room, self._cuts = before, cuts
            return False
        self._kept.update(missing)
        self._places -= len(missing)
        return True

    def _fill_from_the_end(self) -> None:
        """Keep the newest blocks, one after the other, as long as they fit; then make them begin with a user."""
        starts: list[int] = []
        end = len(self._history.messages)
        roles, cost_of, kept = self._history.roles, self._history.cost, self._kept
        room, places, odd = self._room, self._places, False
        while end > self._first:
            start = end - 1
            # A message of its own, which most are, takes the short way.
            if not odd and roles[start] not in RESULTS and start not in kept and places > 0:
                cost = cost_of(start)
                if cost <= room:
                    kept.add(start)
                    room -= cost
                    places -= 1
                    starts.append(start)
                    end = start
                    continue
            self._room, self._places = room, places
            start = self._blocks.start_of(end)
            odd = self._blocks.are_odd
            if not self._takes(range(start, end)):
                break
            room, places = self._room, self._places
            starts.append(start)
            end = start
        self._room, self._places = room, places
        if end > self._first and (self._user is None or self._user >= end):
            self._keep_the_asking(starts)

    def _keep_the_asking(self, starts: list[int]) -> None:
        """Where the oldest turn is kept in part, keep the user's message that it answers rather than its oldest part.

        Args:
            starts: Where the blocks that were kept begin, newest first.
        """
        roles, system = self._history.roles, set(self._system)
        while starts and starts[-1] in system:
            starts.pop()
        if not starts or roles[starts[-1]] == "user":
            return
        asking = next((at for at in range(starts[-1] - 1, self._first - 1, -1) if roles[at] == "user"), None)
        if asking is None or asking in self._kept:
            return
        cost = self._history.cost(asking)
        while starts and roles[starts[-1]] != "user":
            if cost <= self._room and self._places > 0:
                self._kept.add(asking)
                self._room -= cost
                self._places -= 1
                return
            start = starts.pop()
            if start in system:
                continue
            if not starts:
                return
            self._drop(at for at in range(start, starts[-1]) if at not in system and at != self._user)

    def _drop(self, places: Iterable[int]) -> None:
        for at in list(places):
            if at in self._kept:
                self._kept.remove(at)
                self._room += self._cost_as_cut(at)
                self._places += 1

    def _fill_by_score(self, scores: Sequence[float]) -> None:
        """Keep the blocks that are worth most, of equals the newest, each with the user's message that it answers."""
        roles = self._history.roles
        starts = self._blocks.starts()
        ends = [*starts[1:], len(roles)]
        asking: int | None = None
        ranked = []
        for start, end in zip(starts, ends, strict=True):
            if roles[start] == "user":
                asking = start
            worth = max(scores[start:end])
            ranked.append((worth, start, [*range(start, end)] if asking is None else [asking, *range(start, end)]))
            asking = next((at for at in range(end - 1, start, -1) if roles[at] == "user"), asking)
        ranked.sort(reverse=True)
        for _, _, block in ranked:
            self._takes(dict.fromkeys(block))

    def _begin_with_the_user(self) -> None:
        """Leave out what would stand between the system part and the first kept message of the user."""
        if self._user is None:
            return
        roles, system = self._history.roles, set(self._system)
        # Rarely more than one look: what was filled in begins with a user's message as a rule.
        for at in sorted(self._kept):
            if at in system or at not in self._kept:
                continue
            if roles[at] == "user":
                return
            end = self._blocks.end_of(at)
            self._drop(other for other in range(at, end) if other != self._user and other not in system)
