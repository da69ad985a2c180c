"""`Scanner`: finds adverts in a text that comes in pieces, and lets everything else through as early as it can.

It reads the text once, from left to right, and keeps *threads*: places where an advert may have begun, each with the
set of the automaton's states that the text since then leads to. Text is held from the oldest living thread on, and
with it the white space before it; a thread whose set becomes empty is dropped. A match is cut out and the scanner
continues as if it had never been there, with what it knew before. So the outcome holds no match any more, and it does
not depend on how the text was cut into pieces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from g4f_integrations.core.cleaning._code import OPEN_TEXT, Code
from g4f_integrations.core.cleaning._frames import BLANKS, URL_ENDS, State
from g4f_integrations.core.cleaning._packs import Pack
from g4f_integrations.core.cleaning._rules import Rule
from g4f_integrations.core.cleaning._ruleset import UNDECIDED, Place, Ruleset

_DEEPEST = 5000  # characters that threads inside threads may hold together, what was cut out of them left aside
_LONGEST_HOLD = 8 * _DEEPEST  # and with it
_FAR = 8192  # characters of text that are worth a look ahead
_INDENTED = 4  # columns that make a line code, in Markdown
_SPACE = "".join(BLANKS)

_Threads: TypeAlias = "list[tuple[_Thread, State, tuple[int, int, bool] | None, int]]"
_Context: TypeAlias = "tuple[int, bool, bool, bool, int, _Context | None, int, int, Code, _Threads]"


@dataclass(slots=True)
class Cut:
    """A span that is taken out: ``[start, end)`` of the text, counted in characters."""

    start: int
    end: int
    rule: Rule
    unfinished: bool = False
    text: str = ""  # complete once the text has been handed out up to `end`


PROVENANCE = Rule("provenance", frames=("\\p",), source="what the event says of itself")
"""The rule of spans that their own event marks as an advert."""


class _Thread:
    """A match under way."""

    __slots__ = ("accept", "around", "before", "cut", "hold", "skipped", "start", "state", "weight")

    def __init__(self, start: int, *, cut: int, hold: int, state: State, before: _Context, around: _Context) -> None:
        self.start = start
        self.skipped = 0  # characters since then that were cut out
        self.cut = cut  # where the white space before it begins
        self.hold = hold
        self.state = state
        self.accept: tuple[int, int, bool] | None = None  # end, rule, unfinished
        self.before = before  # what the scanner knew directly before it
        self.around = around  # and before the white space
        self.weight = around[0]  # of the text up to `cut`, in bytes


class Scanner:
    """One text on its way; `feed` it and hand on what comes back, `flush` it at the end.

    Args:
        ruleset: The active rules.
        prompt: The user's own words; what they hold stays.

    Attributes:
        cuts: What was taken out, in order; spans that text is still held for may yet grow or join.
        flags: Matches of rules that only report.
        idle: Whether nothing is held and ordinary text may pass by unseen.
    """

    __slots__ = (
        "_base", "_block", "_code", "_end", "_head", "_indent", "_later", "_needs", "_newlines", "_origin",
        "_parts", "_place", "_prompt", "_ruleset", "_run", "_run_at_line", "_run_char", "_spared", "_text",
        "_threads", "_trim", "_weight", "_ws", "_ws_context", "cuts", "flags", "idle",
    )  # fmt: skip

    def __init__(self, ruleset: Ruleset, prompt: str | None = None) -> None:
        self._ruleset = ruleset
        self._prompt = prompt  # until it has been asked
        self.cuts: list[Cut] = []
        self.flags: list[Cut] = []
        self.idle = False
        self._parts: list[str] = []  # the held text
        self._base = self._end = 0  # offsets of its beginning and end
        self._text = ""  # what is being read
        self._origin = 0  # and its offset
        self._place = 0  # in it
        self._later: list[tuple[int, str]] = []  # what is to be read after it, with its offset
        self._threads: list[_Thread] = []
        self._weight = 0  # bytes read, as far as threads need to know
        self._head = True  # nothing but white space was kept so far
        self._trim = False  # white space at the end of the text goes with what was cut out there
        self._block = False  # white space at its beginning does
        self._ws = -1  # where the white space before the current character begins
        self._ws_context: _Context | None = None
        self._newlines = self._indent = 0
        self._code = OPEN_TEXT
        self._run = 0  # length of a run of back-ticks or tildes
        self._run_char = ""
        self._run_at_line = False
        self._spared: set[int] = set()  # numbers of rules that a text has stopped
        self._needs: list[list[Any]] | None = None  # of a whole text: where literals are that matches hold

    # The door --------------------------------------------------------------------------------------------------

    def feed(self, text: str) -> str:
        """The text that is certain to stay, after `text` has come."""
        if not text or (self.idle and self.passes(text)):
            return text
        self._parts.append(text)
        self._text, self._origin, self._place = text, self._end, 0
        self._end += len(text)
        self._read()
        return self._release(self._held_from())

    def passes(self, text: str) -> bool:
        """Whether `text` (not empty) passes the idle scanner whole, as no advert can begin in it; if so, it has."""
        if text[-1] in BLANKS or self._interesting().search(text) is not None:
            return False
        self._base = self._end = self._end + len(text)
        self._trim = False
        return True

    @property
    def held_blanks(self) -> str | None:
        """The blanks that are held, ``""`` when idle; ``None`` if anything else is held or going on."""
        if self.idle:
            return ""
        if self._threads or self._run or self._head or self._trim or self._newlines or self._ws != self._base:
            return None
        if self._code.pending or (self._ws_context is not None and self._ws_context[-1]):
            return None
        held = "".join(self._parts)
        return None if held.strip(" ") else held

    def passes_after(self, blanks: str, text: str) -> bool:
        """Whether `text` (not empty) passes whole behind the `held_blanks`, and they with it; if so, both have."""
        if not blanks:
            return self.passes(text)
        if text[-1] in BLANKS or self._interesting().search(blanks + text, len(blanks)) is not None:
            return False
        self._parts.clear()
        self._ws, self._ws_context, self._indent = -1, None, 0
        self._base = self._end = self._end + len(text)
        self.idle = True
        return True

    def drop(self, text: str) -> None:
        """Take a piece of the text out whole, because its event says that it is an advert."""
        start = self._end
        self._parts.append(text)
        self._end += len(text)
        self._widen(start, self._end, PROVENANCE)
        self._trim = True
        self.idle = False

    def flush(self) -> str:
        """The rest, at the end of the text."""
        self._finish_run("\n")
        while (found := self._found_at_end(self._trimmed_end())) is not None:
            self._cut_out(found)
            self._read()
        self._threads = []
        self._ws = -1
        return self._release(self._end)

    @property
    def is_empty(self) -> bool:
        """Whether nothing but white space was kept so far."""
        return self._head

    def _trimmed_end(self) -> int:
        """Where the text ends: before white space that goes with what was cut out there, which then ends nothing."""
        end = self._end
        if self._trim and self._ws >= 0:
            self._widen(self._ws, end)
            end = self._ws
            if self._ws_context is not None:
                self._load(self._ws_context)
        return end

    def _found_at_end(self, end: int) -> _Thread | None:
        for thread in self._threads:
            state = thread.state
            rule = next((rule for rule in (state.tail, state.line, state.bound) if rule is not None), None)
            if rule is not None:
                thread.accept = (end, rule, False)
            elif thread.accept is None and state.cut is not None:
                thread.accept = (end, state.cut, True)
            if thread.accept is not None and self._stands(thread):
                return thread
        return None

    def _held_from(self) -> int:
        self.idle = False
        holds = [thread.hold for thread in self._threads]
        if self._ws >= 0:
            holds.append(self._ws)
            if self._ws_context is not None:  # what the white space ended lives again if an advert follows it
                holds += [thread.hold for thread, *_ in self._ws_context[-1]]
        if holds:
            return min(holds)
        self.idle = self._is_settled()
        return self._end

    def _release(self, until: int) -> str:
        """Hand out the held text before `until`."""
        if until <= self._base:
            return ""
        text = self._parts[0] if len(self._parts) == 1 else "".join(self._parts)
        base, size = self._base, until - self._base
        self._parts = [text[size:]] if size < len(text) else []
        self._base = until
        first = len(self.cuts)
        while first and self.cuts[first - 1].end > base:
            first -= 1
        if first == len(self.cuts):
            return text[:size]
        pieces, place = [], base
        for cut in self.cuts[first:]:
            if cut.start >= until:
                break
            cut.text += text[max(cut.start, base) - base : min(cut.end, until) - base]
            pieces.append(text[place - base : max(cut.start, place) - base])  # a cut may have grown from before `base`
            place = cut.end
        pieces.append(text[place - base : size])
        return "".join(pieces)

    # Reading ---------------------------------------------------------------------------------------------------

    def _is_settled(self) -> bool:
        return self._ws < 0 and not self._threads and not self._head and not self._run and not self._code.pending

    def _interesting(self) -> re.Pattern[str]:
        code = self._code
        if code.inline or code.quote:
            return self._ruleset.careful
        return self._ruleset.plain if code.fence is None else self._ruleset.fenced

    def _read(self) -> None:
        while self._place < len(self._text) or self._later:
            if self._place >= len(self._text):
                (self._origin, self._text), self._place = self._later.pop(0), 0
            if self._is_settled():
                self._skip()
            self._walk()

    def clean_whole(self, text: str) -> str:
        """What stays of a whole text: the same as by `feed` and `flush`, sooner."""
        self._needs = [list(entry) for entry in self._ruleset.windows(text)]
        return self.feed(text) + self.flush()

    def _jump(self, text: str, place: int) -> int:
        """Pass over text that is too far from any literal of which every match holds one."""
        needs = self._needs or []
        nearest = len(text)
        for entry in needs:
            found, need, window = entry
            if 0 <= found < place:
                entry[0] = found = text.find(need, place)
            if found >= 0:
                nearest = min(nearest, found - window)
        # A blank line is a place where nothing but a fence can be open.
        target = text.rfind("\n\n", place, nearest)
        if target <= place:
            return place
        self._code = self._code.after_text(text, place, target)
        self._trim = False
        return target

    def _skip(self) -> None:
        """Go on to the next place of interest, or to the white space before it or at the end."""
        text, place = self._text, self._place
        if self._needs is not None and len(text) - place > _FAR:
            place = self._jump(text, place)
        found = self._interesting().search(text, place)
        end = len(text) if found is None else found.start()
        while end > place and text[end - 1] in BLANKS:
            end -= 1
        self._place = end
        if end > place:
            self._trim = False

    def _walk(self) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop: a call for each character costs twice
        """Read character by character until ordinary text is reached again."""
        text, starts = self._text, self._ruleset.starts
        while (place := self._place) < len(text):
            if self._threads and self._ws < 0 and not self._run:
                place = self._hurry(text, place)
                if place == len(text):
                    return
            char = text[place]
            offset = self._origin + place
            if self._run and char != self._run_char:
                self._finish_run(char)
            blank = char in BLANKS
            if blank and self._ws < 0:
                self._ws_context = self._save()
                self._ws = offset
                self._newlines = self._indent = 0
            opener = before = None
            if not blank:
                if self._block and self._ws >= 0:
                    self._widen(self._ws, offset)
                    self._ws = -1
                where = self._where()
                code = self._code
                indented = self._newlines and (self._indent >= _INDENTED or char == ">") and where != "head"
                guard = "quote" if indented else code.guard
                opener = starts[where, guard][char]
                if opener is not None and self._prompt is not None:
                    starts = self._ask_prompt().starts
                    opener = starts[where, guard][char]
                if opener is not None:
                    # Before the threads go on: what this character ends lives again if the match is cut out.
                    before = self._save()
            if self._threads and (found := self._step(char, offset)) is not None:
                self._cut_out(found)
                text = self._text
                continue
            self._weight += 1 if char < "\x80" else 2 if char < "\u0800" else 3 if char < "\U00010000" else 4
            self._place = place + 1
            if blank:
                self._take_blank(char)
                if self._newlines > 1 and not self._threads:
                    self._take_blanks(text)
                continue
            if opener is not None and before is not None and (found := self._begin(opener, before, offset)) is not None:
                self._cut_out(found)
                text = self._text
                continue
            self._ws = -1
            self._newlines = 0
            self._head = self._trim = self._block = False
            if char in "`~>" or code.closing:
                self._take_sign(char, at_line=where not in {"blank", "glued"})
            if not self._threads and self._is_settled():
                return

    def _hurry(self, text: str, place: int) -> int:
        """Lead the threads on through text in which nothing else can happen; gives the place behind it."""
        threads = self._threads
        pack: Pack | None = self._ruleset.pack(tuple([thread.state for thread in threads]), self._code.guard)
        assert pack is not None
        start, last = place, len(text)
        for thread, longest in zip(threads, pack.limits, strict=True):
            if longest:
                room = longest - (self._origin + place - thread.start - thread.skipped)
            else:
                room = UNDECIDED - (self._weight - thread.weight)
                if not text[place : place + max(room, 0)].isascii():
                    room //= 4
            last = min(last, place + room - 1)
        while place < last:
            chain, behind = pack.chain
            if behind is not None and text.startswith(chain, place, last):
                pack = behind
                place += len(chain)
                continue
            char = text[place]
            if char == " ":
                following = pack[text[place : place + 2]] if place + 1 < last else None
                size = 2
            else:
                following = pack[char]
                size = 1
            if following is None:
                break
            pack = following
            place += size
        if place == start:
            return place
        for thread, state in zip(threads, pack.states, strict=True):
            thread.state = state
        self._place = place
        self._weight += len(text[start:place].encode("utf-8", "surrogatepass"))
        self._head = self._trim = self._block = False
        return place

    def _where(self) -> Place:
        if self._head:
            return "head"
        if self._ws < 0:
            return "glued"
        return "blank" if not self._newlines else "line" if self._newlines == 1 else "paragraph"

    def _ask_prompt(self) -> Ruleset:
        """Leave the rules aside that the user's words stop: at the first place where a match may begin, not before."""
        words, self._prompt = (self._prompt or "").lower(), None
        rules = self._ruleset.rules
        asked = frozenset(number for number, rule in enumerate(rules) if rule.asked_for(words) is not None)
        if asked:
            self._ruleset = self._ruleset.without(asked)
        return self._ruleset

    def _take_blank(self, char: str) -> None:
        if char == "\n":
            self._newlines += 1
            self._indent = 0
            if self._code is not OPEN_TEXT:
                self._code = self._code.after_line(blank=self._newlines > 1)
        elif char != "\r":
            self._indent += _INDENTED if char == "\t" else 1

    def _take_blanks(self, text: str) -> None:
        """Pass over more white space behind a blank line at once."""
        start = place = self._place
        while place < len(text) and text[place] in BLANKS:
            place += 1
        if place > start:
            for char in text[max(start, text.rfind("\n", start, place)) : place]:
                self._take_blank(char)
            self._weight += place - start
            self._place = place

    def _take_sign(self, char: str, *, at_line: bool) -> None:
        self._code = self._code.after_ink(quote=at_line and char == ">")
        if char in "`~":
            if not self._run:
                self._run_char, self._run_at_line = char, at_line and not self._code.quote
            self._run += 1

    def _finish_run(self, following: str) -> None:
        if self._run:
            self._code = self._code.after_run(self._run_char, self._run, at_line=self._run_at_line, following=following)
            self._run = 0

    # Matches ---------------------------------------------------------------------------------------------------

    def _save(self) -> _Context:
        threads = [(one, one.state, one.accept, one.skipped) for one in self._threads] if self._threads else []
        return (
            self._weight, self._head, self._trim, self._block, self._ws,
            self._ws_context if self._ws >= 0 else None,  # or every context would hold all that came before it
            self._newlines, self._indent, self._code, threads,
        )  # fmt: skip

    def _load(self, context: _Context) -> None:
        (
            self._weight, self._head, self._trim, self._block, self._ws, self._ws_context, self._newlines,
            self._indent, self._code, threads,
        ) = context  # fmt: skip
        self._run = 0
        self._threads = []
        for thread, state, accept, skipped in threads:
            thread.state, thread.accept, thread.skipped = state, accept, skipped
            self._threads.append(thread)

    def _begin(self, state: State, before: _Context, offset: int) -> _Thread | None:
        """Start a thread; gives it back if it is complete already."""
        threads = self._threads
        if any(thread.state is state for thread in threads):
            return None  # an older match is just as far
        cut, around = (self._ws, self._ws_context or before) if self._ws >= 0 else (offset, before)
        # What was alive before it may live again, and is held as well.
        older = (*around[-1], *before[-1]) if around[-1] or before[-1] else ()
        hold = min([cut, *(thread.hold for thread, *_ in older)])
        skipped = max([thread.skipped for thread, *_ in older], default=0)
        if offset - hold - skipped > _DEEPEST or offset - hold > _LONGEST_HOLD:
            hold = cut
            around, before = ((*context[:-1], []) for context in (around, before))
        thread = _Thread(offset, cut=cut, hold=hold, state=state, before=before, around=around)
        if state.now is not None:
            thread.accept = (offset + 1, state.now, False)
            if state.leaf:
                return thread if self._stands(thread) else None
        threads.append(thread)
        return None

    def _step(self, char: str, offset: int) -> _Thread | None:
        """Lead all threads on by one character; gives the oldest one that is complete."""
        alive: list[_Thread] = []
        states: list[State] = []
        complete: _Thread | None = None
        for thread in self._threads:
            state = thread.state
            if state.line is not None and char in "\r\n":
                thread.accept = (offset, state.line, False)
            if state.bound is not None and char in URL_ENDS:
                thread.accept = (offset, state.bound, False)
            following = state[char]
            if following is not None and not self._is_too_long(thread, following, offset):
                if following in states:
                    continue  # an older match is just as far
                thread.state = following
                if following.now is not None:
                    end = offset + 1 - self._ruleset.ahead.get(following.now, 0)
                    thread.accept = (end, following.now, False)
                    if following.leaf or self._ruleset.rules[following.now].lazy:
                        if complete is None and self._stands(thread):
                            complete = thread
                        continue
                alive.append(thread)
                states.append(following)
            elif thread.accept is not None and complete is None and self._stands(thread):
                complete = thread
        self._threads = alive
        return complete

    def _stands(self, thread: _Thread) -> bool:
        """Whether a complete match is to be cut out, and not merely reported or refused by its pattern."""
        assert thread.accept is not None
        end, number, unfinished = thread.accept
        rule = self._ruleset.rules[number]
        if rule.pattern is not None:
            text = "".join(self._parts)[thread.start - self._base : end - self._base].rstrip(_SPACE)
            if re.fullmatch(rule.pattern, text) is None:
                thread.accept = None
                return False
        if number in self._spared:
            return False
        if rule.action == "spare":
            self._spared |= self._ruleset.spares[number]
            return False
        if rule.action == "flag":
            text = "".join(self._parts)[thread.start - self._base : end - self._base]
            self.flags.append(Cut(thread.start, end, rule, unfinished, text))
            thread.accept = None
            return False
        return True

    def _is_too_long(self, thread: _Thread, state: State, offset: int) -> bool:
        if state.longest:
            return offset + 1 - thread.start - thread.skipped > state.longest
        return self._weight - thread.weight >= UNDECIDED

    def _cut_out(self, thread: _Thread) -> None:
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
        self._widen(start, end, rule, unfinished=unfinished)
        if rule.blanks != "none":
            self._trim = True
        if rule.blanks == "around" and self._head:
            self._block = True
        for alive in self._threads:
            alive.skipped += end - start
        self._go_to(end)

    def _widen(self, start: int, end: int, rule: Rule | None = None, *, unfinished: bool = False) -> None:
        """Cut ``[start, end)`` out, with all cuts inside it; without a rule, as a part of the cut that it touches."""
        behind: list[Cut] = []
        while self.cuts and self.cuts[-1].start >= start:
            last = self.cuts.pop()
            if last.rule is PROVENANCE and rule is not None and last.start >= end:
                behind.append(last)
                continue
            rule, unfinished = rule or last.rule, unfinished or last.unfinished
            end = max(end, last.end)
        if rule is None:
            self.cuts[-1].end = max(end, self.cuts[-1].end)
        else:
            self.cuts.append(Cut(start, end, rule, unfinished))
        self.cuts += reversed(behind)

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


def scan(ruleset: Ruleset, text: str, prompt: str | None = None) -> tuple[str, list[Cut]]:
    """A whole text at once: what stays, and what was taken out."""
    scanner = Scanner(ruleset, prompt)
    return scanner.feed(text) + scanner.flush(), scanner.cuts
