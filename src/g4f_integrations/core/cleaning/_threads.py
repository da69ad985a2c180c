"""Matches under way: where they began, what was known there, and what becomes of them."""

from __future__ import annotations

import re
from typing import TypeAlias

from g4f_integrations.core.cleaning._code import OPEN_TEXT, Code
from g4f_integrations.core.cleaning._held import PROVENANCE, Cut, HeldText
from g4f_integrations.core.cleaning._outlook import Outlook
from g4f_integrations.core.cleaning._rules import Rule
from g4f_integrations.core.cleaning._ruleset import UNDECIDED, Ruleset
from g4f_integrations.core.cleaning._states import BLANKS, KEPT, URL_ENDS, State

_DEEPEST = 5000  # characters that threads inside threads may hold together, what was cut out of them left aside
_LONGEST_HOLD = 8 * _DEEPEST  # and with it
_SPACE = "".join(BLANKS)

NO_INK = frozenset("*_")
"""What makes words bold: behind it, a colon still announces what follows."""

Threads: TypeAlias = "list[tuple[Thread, State, tuple[int, int, bool] | None, int]]"
Context: TypeAlias = (
    "tuple[int, bool, bool, bool, int, Context | None, int, int, Code, str, str, frozenset[int], Threads]"
)
"""What is known at a place: enough to read on from there."""


class Thread:
    """A match under way."""

    __slots__ = ("accept", "around", "before", "cut", "hold", "skipped", "start", "state", "weight")

    def __init__(self, start: int, state: State, cut: int, before: Context, around: Context) -> None:
        self.start = start
        self.state = state
        self.skipped = 0  # characters since then that were cut out
        self.cut = cut  # where the white space before it begins
        self.hold = cut  # where the text begins that is held as long as it lives
        self.accept: tuple[int, int, bool] | None = None  # end, rule, unfinished
        self.before = before  # what the scanner knew directly before it
        self.around = around  # and before the white space
        self.weight = around[0]  # of the text up to `cut`, in bytes


class Matching(HeldText):
    """The threads of one text, and all that is known at the place where it is read.

    Args:
        ruleset: The active rules.

    Attributes:
        flags: Matches of rules that only report.
    """

    __slots__ = (
        "_block", "_code", "_head", "_indent", "_ink", "_inked", "_later", "_newlines", "_origin", "_outlook", "_place",
        "_ruleset", "_run", "_spared", "_text", "_threads", "_trim", "_weight", "_ws", "_ws_context", "flags",
    )  # fmt: skip

    def __init__(self, ruleset: Ruleset) -> None:
        super().__init__()
        self._ruleset = ruleset
        self.flags: list[Cut] = []
        self._outlook: Outlook | None = None  # of a whole text
        self._text = ""  # what is being read
        self._origin = 0  # and its offset
        self._place = 0  # in it
        self._later: list[tuple[int, str]] = []  # what is to be read after it, with its offset
        self._threads: list[Thread] = []
        self._weight = 0  # bytes read, as far as threads need to know
        self._head = True  # nothing but white space was kept so far
        self._trim = False  # white space at the end of the text goes with what was cut out there
        self._block = False  # white space at its beginning does
        self._ws = -1  # where the white space before the current character begins
        self._ws_context: Context | None = None
        self._newlines = self._indent = 0
        self._code = OPEN_TEXT
        self._ink = self._inked = ""  # the last two characters that are not in `NO_INK`; white space is one blank
        self._run = 0  # length of a run of back-ticks or tildes
        self._spared: frozenset[int] = frozenset()  # numbers of rules that a text has stopped

    def _note_ink(self, text: str, start: int, end: int) -> None:
        """Note the last characters between two places of a text that was read, which ends with ink."""
        if end == start:
            return
        last = text[end - 1]
        before = text[end - 2] if end - start > 1 else self._ink
        if last not in NO_INK and before not in NO_INK:
            self._inked, self._ink = " " if before in BLANKS else before, last
            return
        found = ""
        while end > start and len(found) < 2:
            end -= 1
            char = text[end]
            if char in BLANKS:
                found = f" {found}" if found[:1] != " " else found
            elif char not in NO_INK:
                found = char + found
        if len(found) < 2:
            before = self._inked + self._ink
            found = (before[:-1] if found[:1] == before[-1:] == " " else before) + found
        self._inked, self._ink = found[-2:-1], found[-1:]

    def _save(self) -> Context:
        threads = [(one, one.state, one.accept, one.skipped) for one in self._threads] if self._threads else []
        return (
            self._weight, self._head, self._trim, self._block, self._ws,
            self._ws_context if self._ws >= 0 else None,  # or every context would hold all that came before it
            self._newlines, self._indent, self._code, self._inked, self._ink, self._spared, threads,
        )  # fmt: skip

    def _load(self, context: Context) -> None:
        (
            self._weight, self._head, self._trim, self._block, self._ws, self._ws_context, self._newlines,
            self._indent, self._code, self._inked, self._ink, self._spared, threads,
        ) = context  # fmt: skip
        self._run = 0
        self._threads = []
        for thread, state, accept, skipped in threads:
            thread.state, thread.accept, thread.skipped = state, accept, skipped
            self._threads.append(thread)

    def _begin(self, state: State, before: Context, offset: int) -> Thread | None:
        """Start a thread; gives it back if it is complete already."""
        threads = self._threads
        for thread in threads:  # no generators: hostile texts begin a match at every other word
            if thread.state is state:
                return None  # an older match is just as far
        cut, around = (self._ws, self._ws_context or before) if self._ws >= 0 else (offset, before)
        # What was alive before it may live again, and is held as well.
        hold, skipped = cut, 0
        for thread, _, _, left_out in before[-1] if around is before else (*around[-1], *before[-1]):
            hold = min(hold, thread.hold)
            skipped = max(skipped, left_out)
        if offset - hold - skipped > _DEEPEST or offset - hold > _LONGEST_HOLD:
            hold = cut
            around, before = ((*context[:-1], []) for context in (around, before))
        thread = Thread(offset, state, cut, before, around)
        thread.hold = hold
        if state.now is not None:
            thread.accept = (offset + 1, state.now, False)
            if state.leaf:
                return thread if self._stands(thread) else None
        threads.append(thread)
        return None

    def _step(self, char: str, offset: int) -> Thread | None:
        """Lead all threads on by one character; gives the oldest one that is complete."""
        alive: list[Thread] = []
        states: list[State] = []
        complete: Thread | None = None
        for thread in self._threads:
            state = thread.state
            if state.line is not None and char in "\r\n":
                thread.accept = (offset, state.line, False)
            if state.bound is not None and char in URL_ENDS:
                thread.accept = (offset, state.bound, False)
            following = state[char]
            if following is not None and not self._is_too_long(thread, following, offset):
                if states and following in states:
                    continue  # an older match is just as far
                thread.state = following
                if following.now is not None:
                    end = offset + 1 - self._ruleset.ahead.get(following.now, 0)
                    thread.accept = (end, following.now, False)
                    if following.leaf or (following.now != KEPT and self._ruleset.rules[following.now].lazy):
                        if complete is None and self._stands(thread):
                            complete = thread
                        continue
                alive.append(thread)
                states.append(following)
            elif thread.accept is not None and complete is None and self._stands(thread):
                complete = thread
        self._threads = alive
        return complete

    def _stands(self, thread: Thread) -> bool:
        """Whether a complete match is to be cut out, and not merely reported or refused by its pattern."""
        assert thread.accept is not None
        end, number, unfinished = thread.accept
        if number == KEPT:
            thread.accept = None
            return False
        rule = self._ruleset.rules[number]
        if rule.pattern is not None:
            text = self._held_between(thread.start, end).rstrip(_SPACE)
            if re.fullmatch(rule.pattern, text) is None:
                thread.accept = None
                return False
        if number in self._spared:
            return False
        if rule.action == "spare":
            self._spared |= self._ruleset.spares[number]
            return False
        if rule.action == "flag":
            text = self._held_between(thread.start, end)
            self.flags.append(Cut(thread.start, end, rule, unfinished, text))
            thread.accept = None
            return False
        return True

    def _is_too_long(self, thread: Thread, state: State, offset: int) -> bool:
        if state.longest:
            return offset + 1 - thread.start - thread.skipped > state.longest
        return self._weight - thread.weight >= UNDECIDED

    def _cut_out(self, thread: Thread) -> None:
        assert thread.accept is not None
        end, number, unfinished = thread.accept
        rule = self._ruleset.rules[number]
        start, context = (thread.cut, thread.around) if rule.blanks == "around" else (thread.start, thread.before)
        self._load(context)
        if rule.keeps:
            start += rule.keeps
            self._threads, self._ws, self._newlines = [], -1, 0
            self._head = self._trim = self._block = False
        while self.cuts and self.cuts[-1].start >= end and self.cuts[-1].rule is not PROVENANCE:
            self.cuts.pop()  # found behind the match while it was open how far it goes; they will be found again
        if self.cuts and self.cuts[-1].end > end and self.cuts[-1].rule is not PROVENANCE:
            self.cuts[-1].end = end  # a part of it was
        if end - start == 1 and rule.blanks == "none":
            end = self._cut_run(start, rule)
        else:
            self._widen(start, end, rule, unfinished=unfinished)
        if rule.blanks != "none":
            self._trim = True
        if rule.blanks == "around" and self._head:
            self._block = True
        for alive in self._threads:
            alive.skipped += end - start
        self._go_to(end)

    def _cut_run(self, start: int, rule: Rule) -> int:
        """Cut a character out, with more of it that follow, as one with those directly before; gives the end."""
        text, place = self._text, start - self._origin
        char = text[place]
        while place < len(text) and text[place] == char:  # the same would happen to each
            place += 1
        end = self._origin + place
        if self.cuts and self.cuts[-1].end == start and self.cuts[-1].rule is rule:
            self.cuts[-1].end = end
        else:
            self._widen(start, end, rule)
        return end

    def _go_to(self, offset: int) -> None:
        """Read on at `offset`, which may lie in the text held before."""
        if offset < self._origin:
            text, origin, end = "".join(self._parts), self._base, self._end
            self._parts = [text]
            self._later = []
            # What was dropped for its event's sake is not read again.
            for cut in reversed([cut for cut in self.cuts if cut.rule is PROVENANCE and cut.start >= offset]):
                self._later.insert(0, (cut.end, text[cut.end - origin : end - origin]))
                end = cut.start
            self._text, self._origin = text[: end - origin], origin
        self._place = offset - self._origin

    def _trimmed_end(self) -> int:
        """Where the text ends: before white space that goes with what was cut out there, which then ends nothing."""
        end = self._end
        if self._trim and self._ws >= 0:
            self._widen(self._ws, end)
            end = self._ws
            if self._ws_context is not None:
                self._load(self._ws_context)
        return end

    def _found_at_end(self, end: int) -> Thread | None:
        for thread in self._threads:
            state = thread.state
            rule = next((rule for rule in (state.tail, state.line, state.bound) if rule is not None), None)
            if rule is not None:
                thread.accept = (end, rule, False)
            elif thread.accept is None and state.cut is not None:
                thread.accept = (end, state.cut, True)
            if thread.accept is not None and self._stands(thread):
                return thread
        return None if self._ws < 0 or self._ws_context is None else self._found_before_blanks(self._ws_context)

    def _found_before_blanks(self, context: Context) -> Thread | None:
        """The oldest match that was cut off, and behind which the text ends with white space that does not fit it."""
        for thread, state, accept, _ in context[-1]:
            if accept is None and state.cut is not None:
                thread.accept = (self._ws, state.cut, True)
                if self._stands(thread):
                    return thread
        return None

    def _held_from(self) -> int | None:
        """Where the text begins that may yet be cut out; ``None`` if none of it may."""
        holds = [thread.hold for thread in self._threads]
        if self._ws >= 0:
            holds.append(self._ws)
            if self._ws_context is not None:  # what the white space ended lives again if an advert follows it
                holds += [thread.hold for thread, *_ in self._ws_context[-1]]
        return min(holds, default=None)

    def _is_settled(self) -> bool:
        return (
            self._ws < 0
            and not self._threads
            and not self._head
            and not self._run
            and (self._code is OPEN_TEXT or not self._code.pending)
        )
