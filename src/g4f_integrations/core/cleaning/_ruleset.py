"""`Ruleset`: rules that are active together, compiled: where a match can begin, and what text cannot hold one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from g4f_integrations.core.cleaning._code import Guard
from g4f_integrations.core.cleaning._frames import Table
from g4f_integrations.core.cleaning._packs import Pack
from g4f_integrations.core.cleaning._rules import Rule
from g4f_integrations.core.cleaning._states import BLANKS, State

Place: TypeAlias = Literal["head", "paragraph", "line", "blank", "glued"]
"""What comes directly before a character: nothing, a blank line, a line end, a blank, or another character."""

_MOST_KNOWN = 16_384  # texts of one generation
_PLACES: tuple[Place, ...] = ("head", "paragraph", "line", "blank", "glued")
_GUARDS: tuple[Guard, ...] = ("free", "code", "quote")
_BLANK = "".join(sorted(BLANKS))


def _alternatives(openers: Iterable[str]) -> str:
    """A pattern that finds each opener, and its beginning where the text ends."""
    by_first: dict[str, set[str]] = {}
    for opener in openers:
        by_first.setdefault(opener[0], set()).add(opener[1:])
    branches = []
    for first, rests in sorted(by_first.items()):
        if "" in rests:
            branches.append(re.escape(first))
            continue
        found = [re.escape(rest) for rest in sorted(rests)]
        begun = {re.escape(rest[:size]) + r"\Z" for rest in rests for size in range(len(rest))}
        branches.append(re.escape(first) + "(?:" + "|".join([*found, *sorted(begun, key=len, reverse=True)]) + ")")
    return "|".join(branches)


def _lookout(text: str) -> Rule:
    frame = "".join(f"\\{char}" for char in text)
    return Rule(
        f"lookout/{text}", anchor=("any",), after=("line", "blank", "glued"), whole=True, frames=(frame,),
        protected=(), cuts="never", action="spare",
    )  # fmt: skip


def _literals(rules: Sequence[Rule]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int, int]:
    """Literals of matches anywhere, at the head and at the tail; and how long the latter two may be."""
    anywhere: dict[str, None] = {}
    head: dict[str, None] = {}
    tail: dict[str, None] = {}
    longest_head = longest_tail = 64
    for rule in rules:
        needs = dict.fromkeys(rule.all_needs)
        if "any" in rule.anchor:
            anywhere |= needs
            continue
        if "head" in rule.anchor:
            head |= needs
            longest_head = max(longest_head, rule.longest + 64)
        if "tail" in rule.anchor:
            tail |= needs
            longest_tail = max(longest_tail, rule.longest + 64)
    return tuple(anywhere), tuple(head), tuple(tail), longest_head, longest_tail


UNDECIDED = 396
"""Bytes that are held while it is open whether they are an advert at all."""


class Ruleset:
    """Compiled rules.

    Attributes:
        rules: In the order of their numbers.
        starts: The automaton's states before the first character of a match, by place and guard.
        ahead: Characters that a rule's match looks ahead, by its number.
        spares: By the number of a rule that only looks out for a text: the rules that this text stops.
        plain: Finds where ordinary text stops being of no interest; matches the first character of interest.
        fenced: The same inside a code fence.
        careful: The same inside inline code and quotations, where every line end counts.
    """

    __slots__ = (
        "_clean", "_clean_before", "_literals", "_packs", "_smaller", "ahead", "careful", "fenced", "plain", "rules",
        "spares", "starts",
    )  # fmt: skip

    def __init__(self, rules: Sequence[Rule]) -> None:
        lookouts: dict[str, set[int]] = {}
        for number, rule in enumerate(rules):
            for text in rule.spared_by:
                lookouts.setdefault(text, set()).add(number)
        self._smaller: dict[frozenset[int], Ruleset] = {}
        self._clean: set[int] = set()  # hashes of texts that hold nothing; two generations, so that they stay bounded
        self._clean_before: set[int] = set()
        self._packs: dict[tuple[Guard, tuple[State, ...]], Pack] = {}
        self.rules = (*rules, *map(_lookout, lookouts))
        self.spares = dict(enumerate(lookouts.values(), start=len(rules)))
        table = Table()
        firsts: dict[tuple[Place, Guard], list[int]] = {(place, guard): [] for place in _PLACES for guard in _GUARDS}
        for number, rule in enumerate(self.rules):
            for frame in rule.all_frames:
                self._add(table, frame, number, firsts)
        self.starts: dict[tuple[Place, Guard], State] = {key: table.start(found) for key, found in firsts.items()}
        self.ahead = table.behind
        self._literals = _literals(rules)

        glued = table.openers({state for guard in _GUARDS for state in firsts["glued", guard]})
        blank = table.openers({state for guard in _GUARDS for state in firsts["blank", guard]}) - glued
        line = table.openers(
            {state for guard in _GUARDS for place in ("paragraph", "line") for state in firsts[place, guard]}
        )
        found = [_alternatives(glued)] if glued else []
        if blank:
            found.append(f"(?<=[{_BLANK}])(?:{_alternatives(blank)})")
        begun = "".join(re.escape(char) for char in sorted({opener[0] for opener in line} | set("`~>") | BLANKS))
        ends = [rf"\n(?=[{begun}]|\Z)"]
        self.plain = re.compile("|".join(["`", *ends, *found]))
        self.fenced = re.compile("|".join([*ends, *found]))
        self.careful = re.compile("|".join(["`", "\n", *found]))

    def _add(self, table: Table, frame: str, number: int, firsts: dict[tuple[Place, Guard], list[int]]) -> None:
        rule = self.rules[number]
        made: dict[tuple[bool, bool], int] = {}

        def enter(place: Place, guard: Guard, *, tail: bool) -> None:
            cuts = rule.cuts == "always" or (rule.cuts == "line" and place in {"line", "paragraph"})
            key = (tail, cuts)
            if key not in made:
                made[key] = table.add(frame, number, limit=rule.longest, tail=tail, cuts=cuts)
            firsts[place, guard].append(made[key])

        # What stands in code that is still open may be closed later: there, only the text's end decides.
        guards: tuple[Guard, ...] = ("free", "code") if "quote" in rule.protected else ("free", "code", "quote")
        if "head" in rule.anchor:
            enter("head", "free", tail=False)
        if "tail" not in rule.anchor and "any" not in rule.anchor:
            return
        places: list[Place] = [*rule.after, *(("head",) if rule.whole else ())]
        if "line" in places:
            places.append("paragraph")
        for place in places:
            for guard in guards:
                if place == "line" and guard == "code" and frame.startswith("{rule}"):
                    continue  # servers put a blank line between an answer that was cut and their rule line
                enter(place, guard, tail="any" not in rule.anchor or (guard == "code" and "code" in rule.protected))

    def pack(self, states: tuple[State, ...], guard: Guard) -> Pack:
        """The states of all matches under way, to be led on together."""
        found = self._packs.get((guard, states))
        if found is None:
            if len(self._packs) >= 2000:
                self._packs.clear()
            found = Pack(states, guard, self.starts["glued", guard], self.starts["blank", guard])
            self._packs[guard, states] = found
        return found

    def may_match(self, text: str) -> bool:
        """Whether a match in `text` is possible at all, by the literals that matches hold."""
        anywhere, head, tail, longest_head, longest_tail = self._literals
        ink = len(text) - len(text.lstrip(_BLANK)) if text[:1] in BLANKS else 0
        places = (anywhere, text), (tail, text[-longest_tail:]), (head, text[ink : ink + longest_head])
        for needs, place in places:  # no generators: this runs on every call
            for need in needs:
                if need in place:
                    return True
        return False

    def knows_as_clean(self, text: str) -> bool:
        """Whether no match in `text` is possible; a text is looked at once, however often it is sent again."""
        key = hash(text)
        if key in self._clean or key in self._clean_before:
            return True
        if self.may_match(text):
            return False
        if len(self._clean) >= _MOST_KNOWN:
            self._clean_before, self._clean = self._clean, set()
        self._clean.add(key)
        return True

    def windows(self, text: str) -> list[tuple[int, str, int]]:
        """The first places of the literals that matches hold, each with the characters that a match may have."""
        anywhere, _, tail, _, longest_tail = self._literals
        end = text[-longest_tail:]
        wanted = anywhere
        if any(need in end for need in tail):
            wanted += tail  # adverts at the end may stand in front of each other
        wanted = tuple(dict.fromkeys(wanted))
        found = {need: place for need in wanted if (place := text.find(need)) >= 0}
        windows: dict[str, int] = {}
        for rule in self.rules[: len(self.rules) - len(self.spares)]:
            if rule.anchor == ("head",):
                continue  # the head of a text is always read
            window = max(rule.longest, UNDECIDED) + 64
            for need in rule.all_needs:
                if need in found:
                    for literal in (need, *rule.spared_by):
                        windows[literal] = max(windows.get(literal, 0), window)
        return [(found[need] if need in found else text.find(need), need, window) for need, window in windows.items()]

    def without(self, numbers: frozenset[int]) -> Ruleset:
        """The rules but for those of these numbers."""
        found = self._smaller.get(numbers)
        if found is None:
            found = Ruleset(
                [rule for number, rule in enumerate(self.rules) if number not in numbers | self.spares.keys()]
            )
            if len(self._smaller) >= 64:
                self._smaller.clear()
            self._smaller[numbers] = found
        return found
