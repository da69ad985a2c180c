"""`Hurrying`: leads matches under way through text in which nothing else can happen, many characters at a time."""

from __future__ import annotations

from g4f_integrations.core.cleaning._code import OPEN_TEXT
from g4f_integrations.core.cleaning._packs import BLANKS_AND_INK, INDENTED, Pack
from g4f_integrations.core.cleaning._ruleset import UNDECIDED
from g4f_integrations.core.cleaning._states import BLANKS
from g4f_integrations.core.cleaning._threads import Matching, Thread


class Hurrying(Matching):
    """The threads of one text, and the quick road through what breaks them off or leads them on."""

    __slots__ = ()

    def _hurry(self, text: str, place: int) -> int:  # noqa: C901, PLR0912 - one loop: calls cost twice
        """Lead the threads on through text in which nothing can be complete or begin; gives the place behind it."""
        threads, outlook = self._threads, self._outlook
        pack = self._ruleset.pack(tuple([thread.state for thread in threads]), self._code)
        start, last = place, self._last_of(threads, pack.limits, text, place)
        first, begun = pack, place
        trace, behind = pack.trace
        while True:
            if trace and text.startswith(trace, place, last):
                pack = behind
                place += len(trace)
            piece = ""
            while place < last:
                piece, ends = text[place], place + 1
                if piece in BLANKS:
                    found = BLANKS_AND_INK.match(text, place, last)
                    if found is None:
                        return self._settle(threads, pack, text, start, place)
                    piece, ends = found[0], found.end()
                following = pack[piece]
                if following is None:
                    break
                pack = following
                place = ends
            if place - begun > len(trace):
                first.keep_trace(text[begun:place], pack)
            turn = pack.turn(piece) if place < last else None
            if turn is None:
                return self._settle(threads, pack, text, start, place)
            following, kept, begins = turn
            if (
                begins is not None
                and begins[1](text, ends - 1) is not None
                and (outlook is None or outlook.has_future(text, ends - 1, begins[0]))
            ):
                self._settle(threads, pack, text, start, place)
                return self._pass_blanks(threads, pack, text, place, piece[:-1]) if len(piece) > 1 else place
            limits = pack.limits
            left = _left(threads, kept)
            if left is None:
                return self._settle(threads, pack, text, start, place)
            if len(left) < len(threads):
                limits = [limits[number] for number in kept]
            if following.limits != limits:
                self._settle(threads, pack, text, start, place)
                start, last = place, self._last_of(left, following.limits, text, place)
                if ends > last:
                    return place
            self._threads = threads = left
            pack = first = following
            place = begun = ends
            if not threads:
                return self._settle(threads, pack, text, start, place)
            trace, behind = pack.trace

    def _pass_blanks(self, threads: list[Thread], pack: Pack, text: str, place: int, blanks: str) -> int:
        """Lead the threads over the white space before an opener, if they allow it; gives the place behind it."""
        turn = pack.turn(blanks)
        ends = place + len(blanks)
        left = None if turn is None else _left(threads, turn[1])
        if turn is None or left is None or ends > self._last_of(left, turn[0].limits, text, place):
            return place
        self._ws_context = self._save()
        self._ws, self._newlines, self._indent = self._origin + place, 0, 0
        self._threads = left
        for thread, state in zip(left, turn[0].states, strict=True):
            thread.state = state
        for char in blanks:
            self._take_blank(char)
        self._weight += len(blanks)
        self._place = ends
        return ends

    def _settle(self, threads: list[Thread], pack: Pack, text: str, start: int, place: int) -> int:
        """Note that the text from `start` to `place`, which ends with ink, was read; gives `place`."""
        if place > start:
            for thread, state in zip(threads, pack.states, strict=True):
                thread.state = state
            passed = text[start:place]
            self._place = place
            self._weight += len(passed) if passed.isascii() else len(passed.encode("utf-8", "surrogatepass"))
            self._head = self._trim = self._block = False
            self._note_ink(passed, 0, len(passed))
        return place

    def _last_of(self, threads: list[Thread], limits: list[int], text: str, place: int) -> int:
        """The place from which on one of the threads may be too long, or the text's end."""
        last = len(text)
        for thread, longest in zip(threads, limits, strict=True):
            if longest:
                end = longest + thread.start + thread.skipped - self._origin
            else:
                room = UNDECIDED - self._weight + thread.weight
                end = place + room
                if room > 0 and not text[place:end].isascii():
                    end = place + room // 4
            if end <= last:
                last = end - 1
        return last

    def _take_blank(self, char: str) -> None:
        if char == "\n":
            self._newlines += 1
            self._indent = 0
            if self._code is not OPEN_TEXT:
                self._code = self._code.after_line(blank=self._newlines > 1)
        elif char != "\r":
            self._indent += INDENTED if char == "\t" else 1


def _left(threads: list[Thread], kept: tuple[int, ...]) -> list[Thread] | None:
    """The threads of the numbers `kept`, if none of the others may be complete."""
    if len(kept) == len(threads):
        return threads
    for number, thread in enumerate(threads):
        if thread.accept is not None and number not in kept:
            return None
    return [threads[number] for number in kept]
