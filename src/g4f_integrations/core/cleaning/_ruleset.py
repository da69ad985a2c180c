"""`Ruleset`: rules that are active together, compiled: where a match can begin, and what text cannot hold one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from g4f_integrations.core.cleaning._code import OPEN_TEXT, Code, Guard
from g4f_integrations.core.cleaning._frames import Table
from g4f_integrations.core.cleaning._outlook import Outlook
from g4f_integrations.core.cleaning._packs import Finder, Pack, Starts
from g4f_integrations.core.cleaning._rules import Rule
from g4f_integrations.core.cleaning._states import BLANKS, State

Place: TypeAlias = Literal["head", "paragraph", "line", "sentence", "blank", "glued"]
"""What comes directly before a character: nothing, a blank line, a line end, a blank behind the end of a sentence, any
other blank, or another character."""

_NEAR = 2500  # characters around what is cut out in which something else may have begun
_MOST_KNOWN = 16_384  # texts of one generation
_PLACES: tuple[Place, ...] = ("head", "paragraph", "line", "sentence", "blank", "glued")
_GUARDS: tuple[Guard, ...] = ("free", "code", "quote", "shown")
_BLANK = "".join(sorted(BLANKS))
_RARE = "\0\x1c{}~$^\\<>@&=?|#[]()"  # in ordinary text; the rarest first


def _any_of(chars: Iterable[str]) -> str:
    """The characters, as they stand within the brackets of a pattern."""
    return "".join(re.escape(char) for char in sorted(set(chars)))


def _lookout(text: str) -> Rule:
    frame = "".join(f"\\{char}" for char in text)
    return Rule(
        f"lookout/{text}", anchor=("any",), after=("line", "blank", "glued"), whole=True, frames=(frame,),
        protected=(), cuts="never", action="spare",
    )  # fmt: skip


def _by_gate(needs: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The literals, by the rarest character that they hold: to look for one character costs a tenth of a literal.

    A literal that holds another one is left out.
    """
    gates: dict[str, list[str]] = {}
    for need in needs:
        if any(other != need and other in need for other in needs):
            continue
        foreign = (char for char in need if not char.isascii())
        rare = next(foreign, "") or next((char for char in _RARE if char in need), "")
        gates.setdefault(rare, []).append(need)
    return tuple((gate, tuple(found)) for gate, found in gates.items())


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
        may_begin: By place and guard, what finds that a match may begin at a place of a text: its first characters, as
            far as nothing else begins in them.
        outlook: Tells of matches that begin in a whole text which of them soon break off.
        spares: By the number of a rule that only looks out for a text: the rules that this text stops.
        plain: Finds where ordinary text stops being of no interest; matches the first character of interest.
        fenced: The same inside a code fence.
        careful: The same inside inline code and quotations, where every line end counts.
    """

    __slots__ = (
        "_clean", "_clean_before", "_gates", "_literals", "_needs", "_packs", "_smaller", "ahead", "careful", "fenced",
        "may_begin", "outlook", "plain", "rules", "spares", "starts",
    )  # fmt: skip

    def __init__(self, rules: Sequence[Rule]) -> None:
        lookouts: dict[str, set[int]] = {}
        for number, rule in enumerate(rules):
            for text in rule.spared_by:
                lookouts.setdefault(text, set()).add(number)
        self._smaller: dict[frozenset[int], Ruleset] = {}
        self._clean: set[int] = set()  # hashes of texts that hold nothing; two generations, so that they stay bounded
        self._clean_before: set[int] = set()
        self._needs: list[tuple[Rule, tuple[str, ...]]] | None = None  # found when a text first asks for them
        self._packs: dict[tuple[Guard, bool], dict[tuple[State, ...], Pack]]  # by the kind of place
        self._packs = {(guard, is_open): {} for guard in _GUARDS for is_open in (False, True)}
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
        self._gates = [_by_gate(needs) for needs in self._literals[:3]]

        signs = _any_of(BLANKS | frozenset("`~>"))
        self.may_begin: dict[tuple[str, Guard], Finder] = {}
        for (place, guard), entries in firsts.items():
            pattern = table.opening(entries, signs + _any_of(table.first_chars(firsts["glued", guard])))
            self.may_begin[place, guard] = re.compile(pattern or "(?!)").match
        everywhere = {place: {state for guard in _GUARDS for state in firsts[place, guard]} for place in _PLACES}
        inner = [table.start(everywhere[place]) for place in ("glued", "sentence", "line", "paragraph")]
        self.outlook = Outlook(inner, [table.first_chars(state.members) for state in inner])
        within = _any_of(table.first_chars(everywhere["glued"]))
        glued = table.opening(everywhere["glued"], within)
        blank = table.opening(everywhere["sentence"] - everywhere["glued"], within)
        line = table.opening(everywhere["paragraph"] | everywhere["line"], within)
        found = [glued] if glued else []
        if blank:
            found.append(f"(?<=[{_BLANK}])(?:{blank})")
        ends = [rf"\n(?=[{signs}]|{line + '|' if line else ''}\Z)"]
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
                code = "code" in rule.protected and "any" in rule.anchor
                made[key] = table.add(frame, number, limit=rule.longest, tail=tail, cuts=cuts, code=code)
            firsts[place, guard].append(made[key])

        # What stands in code that is still open may be closed later: there, only the text's end decides.
        open_to: tuple[Guard, ...] = ("quote", "shown")
        guards: list[Guard] = ["free", "code", *(guard for guard in open_to if guard not in rule.protected)]
        if "head" in rule.anchor:
            enter("head", "free", tail=False)
        if "tail" not in rule.anchor and "any" not in rule.anchor:
            return
        places: list[Place] = [*rule.after, *(("head",) if rule.whole else ())]
        if "line" in places:
            places.append("paragraph")
        if "blank" in places and "sentence" not in places:
            places.append("sentence")
        for place in places:
            for guard in guards:
                if place in {"line", "blank", "sentence"} and guard == "code" and frame.startswith("{rule}"):
                    continue  # servers put a blank line between an answer that was cut and their rule line
                enter(place, guard, tail="any" not in rule.anchor or (guard == "code" and "code" in rule.protected))

    def pack(self, states: tuple[State, ...], code: Code) -> Pack:
        """The states of all matches under way, to be led on together through what `code` says of the place."""
        guard: Guard = "free" if code is OPEN_TEXT else code.guard
        family = self._packs[guard, code is OPEN_TEXT]
        found = family.get(states)
        if found is None:
            # Where code or a quotation is open, line ends change what is.
            places = _PLACES if code is OPEN_TEXT else ("glued", "sentence")
            starts: Starts = {place: (self.starts[place, guard], self.may_begin[place, guard]) for place in places}
            found = Pack((), starts, family).of(states)
        return found

    def may_match(self, text: str) -> bool:
        """Whether a match in `text` is possible at all, by the literals that matches hold."""
        longest_head, longest_tail = self._literals[3:]
        anywhere, head, tail = self._gates
        ink = len(text) - len(text.lstrip(_BLANK)) if text[:1] in BLANKS else 0
        places = (anywhere, text), (tail, text[-longest_tail:]), (head, text[ink : ink + longest_head])
        for gates, place in places:  # no generators: this runs on every call
            for gate, needs in gates:
                if gate in place:
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
        _, _, tail, _, longest_tail = self._literals
        end = text[-longest_tail:]
        at_end = any(need in end for need in tail)  # adverts at the end may stand in front of each other
        places: dict[str, int] = {}
        windows: dict[str, int] = {}
        if self._needs is None:
            self._needs = [
                (rule, rule.whole_needs)
                for rule in self.rules[: len(self.rules) - len(self.spares)]
                if rule.anchor != ("head",)  # the head of a text is always read
            ]
        for rule, needs in self._needs:
            if not (at_end or "any" in rule.anchor):
                continue
            window = max(rule.longest, UNDECIDED, _NEAR) + 64
            for need in needs:
                if need not in places:
                    places[need] = text.find(need)
                if places[need] >= 0:
                    for literal in (need, *rule.spared_by):
                        windows[literal] = max(windows.get(literal, 0), window)
        return [(places[need] if need in places else text.find(need), need, window) for need, window in windows.items()]

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
