"""`Scanner`: finds adverts in a text that comes in pieces, and lets everything else through as early as it can.

It reads the text once, from left to right, and keeps *threads*: places where an advert may have begun, each with the
set of the automaton's states that the text since then leads to. Text is held from the oldest living thread on, and
with it the white space before it; a thread whose set becomes empty is dropped. A match is cut out and the scanner
continues as if it had never been there, with what it knew before. So the outcome holds no match any more, and it does
not depend on how the text was cut into pieces.
"""

from __future__ import annotations

import re

from g4f_integrations.core.cleaning._code import OPEN_TEXT, Guard
from g4f_integrations.core.cleaning._held import PROVENANCE, Cut
from g4f_integrations.core.cleaning._hurry import Hurrying
from g4f_integrations.core.cleaning._needs import Needs
from g4f_integrations.core.cleaning._packs import INDENTED
from g4f_integrations.core.cleaning._ruleset import Place, Ruleset
from g4f_integrations.core.cleaning._states import BLANKS
from g4f_integrations.core.cleaning._threads import NO_INK

_FEW = 8  # characters of white space that are read at once
_FAR = 8192  # characters of text that are worth a look ahead
_SPACE = "".join(BLANKS)
_COLONS = frozenset(":\uff1a")  # the second one is that of Chinese and Japanese
_BEHIND: tuple[Place, ...] = ("sentence", "line", "paragraph")  # white space of no, one and more line ends
_QUOTES = frozenset("\u201c\u201e\u2018\u201a\u00ab\u2039\u300c\u300e")
_PLAIN_QUOTES = frozenset("\"'")
_OPEN = frozenset(("", *" :,([{="))  # behind which a plain quotation mark opens
_STOPS = frozenset("!?\u2026\u3002\uff01\uff1f\u061f\u0964")
_ENDS = _STOPS | {"."}
_CLOSERS = frozenset("\"'\u201d\u2019\u00bb\u300d\u300f)")
_SHOWN = 2  # line ends behind a colon that still announces what follows: servers write more of them before adverts


class Scanner(Hurrying):
    """One text on its way; `feed` it and hand on what comes back, `flush` it at the end.

    Args:
        ruleset: The active rules.
        prompt: The user's own words; what they hold stays.

    Attributes:
        idle: Whether nothing is held and ordinary text may pass by unseen.
    """

    __slots__ = ("_needs", "_prompt", "_run_at_line", "_run_char", "idle")

    def __init__(self, ruleset: Ruleset, prompt: str | None = None) -> None:
        super().__init__(ruleset)
        self._prompt = prompt  # until it has been asked
        self.idle = False
        self._run_char = ""
        self._run_at_line = False
        self._needs: Needs | None = None  # of a whole text

    # The door --------------------------------------------------------------------------------------------------

    def feed(self, text: str) -> str:
        """The text that is certain to stay, after `text` has come."""
        if not text:
            return text
        if self.idle:
            if self.passes(text):
                return text
            if len(text) <= _FEW and not text.strip(_SPACE):
                self._hold_blanks(text)
                return ""
        elif not self._threads and (blanks := self.held_blanks) and self.passes_after(blanks, text):
            return blanks + text
        self._text, self._origin, self._place = text, self._end, 0
        self._hold(text)
        self._read()
        held = self._held_from()
        self.idle = held is None and self._is_settled()
        return self._release(self._end if held is None else held)

    def passes(self, text: str) -> bool:
        """Whether `text` (not empty) passes the idle scanner whole, as no advert can begin in it; if so, it has."""
        if text[-1] in BLANKS or self._interesting().search(text) is not None:
            return False
        self._base = self._end = self._end + len(text)
        self._trim = False
        self._note_ink(text, 0, len(text))
        return True

    @property
    def held_blanks(self) -> str | None:
        """The white space that is held, ``""`` when idle; ``None`` if anything else is held or going on."""
        if self.idle:
            return ""
        if self._threads or self._run or self._head or self._trim or self._ws != self._base:
            return None
        code = self._code
        if code.pending or (self._ws_context is not None and self._ws_context[-1]):
            return None
        if self._newlines and (code.inline or code.quote):
            return None  # elsewhere, line ends change nothing but what may begin behind them
        held = "".join(self._parts)
        return None if held.strip(_SPACE) else held  # there may be something among it that was cut out

    def passes_after(self, blanks: str, text: str) -> bool:
        """Whether `text` (not empty) passes whole behind the `held_blanks`, and they with it; if so, both have."""
        if not blanks:
            return self.passes(text)
        start = blanks.rfind("\n")
        if text[-1] in BLANKS or self._interesting().search(blanks + text, len(blanks) if start < 0 else start):
            return False
        self._parts.clear()
        self._ws, self._ws_context, self._newlines, self._indent = -1, None, 0, 0
        self._base = self._end = self._end + len(text)
        self._note_ink(blanks + text, 0, len(blanks) + len(text))
        self.idle = True
        return True

    def _hold_blanks(self, text: str) -> None:
        """Read white space behind text that passed."""
        self._ws_context, self._ws = self._save(), self._end
        self._newlines = self._indent = 0
        self._text, self._origin, self._place = text, self._end, len(text)
        self._hold(text)
        self._weight += len(text)
        for char in text:
            self._take_blank(char)
        self.idle = False

    def drop(self, text: str) -> None:
        """Take a piece of the text out whole, because its event says that it is an advert."""
        start = self._end
        self._hold(text)
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

    def clean_whole(self, text: str) -> str:
        """What stays of a whole text: the same as by `feed` and `flush`, sooner."""
        self._needs = Needs(text, self._ruleset.windows(text))
        self._outlook = self._ruleset.outlook
        return self.feed(text) + self.flush()

    # Reading ---------------------------------------------------------------------------------------------------

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

    def _jump(self, needs: Needs, text: str, place: int) -> int:
        """Pass over text that is too far from any literal of which every match holds one."""
        if not needs.are_far(place):
            return place
        target = needs.far_until
        if target < len(text):
            # A blank line is a place where nothing but a fence can be open.
            target = text.rfind("\n\n", place, target)
            if target <= place:
                return place
            self._code = self._code.after_text(text, place, target)
        self._trim = False
        return target

    def _skip(self) -> None:
        """Go on to the next place of interest, or to the white space before it or at the end."""
        text, place = self._text, self._place
        if self._needs is not None and len(text) - place > _FAR:
            place = self._jump(self._needs, text, place)
        found = self._interesting().search(text, place)
        end = len(text) if found is None else found.start()
        while end > place and text[end - 1] in BLANKS:
            end -= 1
        begun, self._place = self._place, end
        if end > place:
            self._trim = False
        self._note_ink(text, begun, end)

    def _walk(self) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop: a call for each character costs twice
        """Read character by character until ordinary text is reached again."""
        text, starts, may_begin = self._text, self._ruleset.starts, self._ruleset.may_begin
        needs, outlook = self._needs, self._outlook
        while (place := self._place) < len(text):
            if self._threads and self._ws < 0 and not self._run:
                place = self._hurry(text, place)
                if place == len(text) or (not self._threads and self._is_settled()):
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
                where: Place = "head" if self._head else "glued"
                if self._ws >= 0 and where != "head":  # which blanks end a sentence is told where it matters
                    where = _BEHIND[min(self._newlines, 2)]
                code = self._code
                indented = self._newlines and (self._indent >= INDENTED or char == ">") and where != "head"
                guard: Guard = "quote" if indented else "free" if code is OPEN_TEXT else code.guard
                if guard == "free" and self._ws >= 0 and self._newlines <= _SHOWN:
                    ink = self._ink
                    if ink in _COLONS or (ink == " " and self._inked in _COLONS):
                        guard = "shown"
                opener = starts[where, guard][char]
                if opener is not None:
                    if where == "sentence":
                        if not self._ends_sentence():
                            where = "blank"
                            opener = starts[where, guard][char]
                    elif where == "glued" and guard == "free" and self._opens_quotation():
                        guard = "shown"
                        opener = starts[where, guard][char]
                if opener is not None and may_begin[where, guard](text, place) is None:
                    opener = None
                if opener is not None and needs is not None and where != "head" and needs.are_far(place):
                    opener = None
                if opener is not None and outlook is not None and where != "head":
                    opener = opener if outlook.has_future(text, place, starts[where, guard]) else None
                if opener is not None and self._prompt is not None:
                    self._ask_prompt()
                    starts, may_begin = self._ruleset.starts, self._ruleset.may_begin
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
            if char in NO_INK:
                if self._ws >= 0 and self._ink != " ":
                    self._inked, self._ink = self._ink, " "
            else:
                self._inked, self._ink = " " if self._ws >= 0 else self._ink, char
            self._ws = -1
            self._newlines = 0
            self._head = self._trim = self._block = False
            if char in "`~>" or code.closing:
                self._take_sign(char, at_line=where not in {"sentence", "blank", "glued"})
            if not self._threads and self._is_settled():
                return

    def _ends_sentence(self) -> bool:
        """Whether what stands before a blank ends a sentence, and is not the number or the letter of a list's item."""
        before, last = self._inked, self._ink
        if last == ".":
            return not (before.isdigit() or before.isupper() or before in {"", " "})
        return last in _STOPS or "\U0001f300" <= last <= "\U0001faff" or (last in _CLOSERS and before in _ENDS)

    def _opens_quotation(self) -> bool:
        return self._ink in _QUOTES or (self._ink in _PLAIN_QUOTES and self._inked in _OPEN)

    def _ask_prompt(self) -> None:
        """Leave the rules aside that the user's words stop: at the first place where a match may begin, not before."""
        words, self._prompt = (self._prompt or "").lower(), None
        rules = self._ruleset.rules
        asked = frozenset(number for number, rule in enumerate(rules) if rule.asked_for(words) is not None)
        if asked:
            self._ruleset = self._ruleset.without(asked)

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


def scan(ruleset: Ruleset, text: str, prompt: str | None = None) -> tuple[str, list[Cut]]:
    """A whole text at once: what stays, and what was taken out."""
    scanner = Scanner(ruleset, prompt)
    return scanner.feed(text) + scanner.flush(), scanner.cuts
