"""The joint itself, fed in pieces."""

from __future__ import annotations

import re

from g4f_integrations.core.filters import StopSequences, longest_suffix_prefix
from g4f_integrations.core.joining._astray import is_astray
from g4f_integrations.core.joining._lines import Folding, folded
from g4f_integrations.core.joining._words import (
    between_words,
    end_of_remark,
    is_first_word_whole,
    is_repetition,
    may_lack_space,
    words,
)
from g4f_integrations.core.joining._wraps import Wrap, end_of_marks, wrap_at

DONE = "<<complete>>"
"""What a model says that has nothing to add."""

_TAIL = 2_000  # characters of the old end in which a repeated beginning is looked for
_SURE = 200  # characters from the very beginning after which there is no doubt that the answer is begun anew
_BEGUN_ANEW = 12  # characters in common with the beginning that are no accident in the middle of a sentence
_LONGEST_FENCE = 80  # characters of a line that opens a block of code
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_FENCE_LINE = re.compile(r"(?:```|~~~)([^\n`]*)\n")
_BEFORE_VALUE = frozenset(",:[({")
_LONGEST_CLOSING = 200  # characters, white space behind it included


class Joint:
    """Joins a continuation, fed in pieces, to what was handed over before. Any cutting into pieces gives the same text.

    A model that is asked to carry on does so to the letter, or repeats its last words, or begins anew, or says first
    what it is going to do, or quotes what is there. What is repeated is dropped; only what may still be a repetition is
    held back. Lines may end as they like in the one text and in the other; what is kept is kept as it came. What fits
    none of these is not joined: an error is better than two halves of different answers. The work is linear.

    Args:
        told: What was handed over.
        blanks: The white space that came behind it and was not handed over any more.
        anew: Whether the answer was asked for once more from its beginning: then all of `told` has to come again.
        trimmed: Whether the route drops white space at an answer's beginning, so that it may be what is missing.

    Attributes:
        passing: Whether all further text passes as it is.
        met: Whether the continuation has been recognised as one, so that it may add nothing and yet be right.
        problem: Why the two cannot be joined; nothing comes out any more.
        refused: What was held when that turned out.

    Example:
        >>> joint = Joint("The quick brown ")
        >>> joint.feed("brown fox ju") + joint.feed("mps.") + joint.close()
        'fox jumps.'
    """

    __slots__ = (
        "_anew", "_at", "_beginnings", "_blanks", "_closing", "_core", "_end", "_ending", "_folding", "_found_at",
        "_gap", "_held", "_in_code", "_space", "_tail", "_trimmed", "_wraps", "met", "passing", "problem", "refused",
    )  # fmt: skip

    def __init__(self, told: str, blanks: str = "", *, anew: bool = False, trimmed: bool = False) -> None:
        core = told.rstrip()
        self._core = folded(core)
        self._gap = told[len(core) :]  # white space that was handed over behind the last word
        self._space = folded(self._gap)
        self._blanks = blanks
        self._anew, self._trimmed = anew, trimmed
        self._tail = self._core[-_TAIL:]
        self._in_code = len(_FENCE.findall(told)) % 2 == 1
        self._end = StopSequences((DONE,))
        self._folding = Folding()
        self._held = ""  # folded, as all that is compared
        self._at: int | None = None  # how much of what was handed over has come again
        self._beginnings = self._possible_beginnings()
        self._found_at: dict[int, int] = {}  # where in the tail what is held was found first
        self._wraps: dict[int, Wrap] = {}  # what goes before the places where the continuation proper may begin
        self._closing = ""  # what closes the quotation in which the old text came again
        self._ending = ""  # the end of what has come, if it may be that
        self.passing = self.met = False
        self.problem: str | None = None
        self.refused = ""

    def _possible_beginnings(self) -> list[int]:
        """Where a model may begin that begins anew: it may leave out a fence around the whole."""
        first = len(self._core) - len(self._core.lstrip())
        fence = _FENCE_LINE.match(self._core, first)
        return [first] if fence is None or fence.end() >= len(self._core) else [first, fence.end()]

    def feed(self, text: str) -> str:
        """What of the continuation may go on now."""
        if self.problem is not None:
            return ""
        text = self._end.feed(text)
        if self._end.hit:
            self.met = True
        return self._onward(text)

    def close(self) -> str:
        """What was still held at the end."""
        if self.problem is not None:
            return ""
        text = self._onward(self._end.close())
        if not self.passing and self.problem is None and self._folding.pending:
            blanks, self._folding.pending = self._folding.pending, ""
            text += self._advance(blanks)
        if self.passing or self.problem is not None:
            is_closing = bool(self._closing) and self._ending.strip("\r ").rstrip() == self._closing
            text += "" if is_closing else self._ending
        elif self._at is None:
            text += self._look(final=True)
        elif self._at < len(self._core):
            self.problem = "it was begun anew and ended before the point where it had broken off"
        return text

    def _onward(self, text: str) -> str:
        if not text:
            return text
        if self.passing:
            return text if not self._closing else self._but_closing(text)
        if self._at is not None and self._at < len(self._core):
            self._folding.forget()
        text = self._folding.feed(text)
        return self._advance(text) if text else ""

    def _advance(self, text: str) -> str:
        if self._at is not None and self._at < len(self._core):
            return self._skip(text)
        self._held += text
        return self._look(final=False) if self._at is None else self._after_old(self._held)

    def _skip(self, text: str) -> str:
        """The answer has been begun anew: drop what the reader has."""
        assert self._at is not None
        size = min(len(text), len(self._core) - self._at)
        if not self._core.startswith(text[:size], self._at):
            return self._refuse("it was begun anew and goes another way")
        self._at += size
        return self._after_old(text[size:]) if self._at == len(self._core) else ""

    def _after_old(self, rest: str) -> str:
        """What follows the last word that the reader has; of the white space there, he may have some already."""
        self._held, self._at, self.met = rest, len(self._core), True
        closing = self._closing
        if closing and rest.startswith(closing):  # the old text alone was quoted
            self._closing, rest = "", rest[len(closing) :]
            self._held = rest
        elif closing and closing.startswith(rest):
            return ""
        gap = self._space
        if not rest or (gap.startswith(rest) and gap != rest):
            return ""  # more may come
        if gap and not rest[0].isspace():
            return self._refuse("it goes on without the space that was there")
        if self._folding.raw(rest).startswith(self._gap):
            return self._pass(rest, given=len(self._gap))
        same = 0
        while same < min(len(rest), len(gap)) and rest[same] == gap[same]:
            same += 1
        return self._pass(rest[same:])

    def _pass(self, rest: str, before: str = "", given: int = 0) -> str:
        """Let `rest`, the end of what is held, go on as it came, but for its first characters that were `given` out."""
        text = f"{before}{self._folding.raw(rest)[given:]}{self._folding.pending}"
        self._held = self._folding.pending = ""
        self._folding.forget()
        self.passing = True
        return text if not self._closing else self._but_closing(text)

    def _but_closing(self, text: str) -> str:
        """What goes on of `text`, but for its end, if that may be the end of the quotation."""
        text = self._ending + text
        bare = text.rstrip()
        keep = len(text) - len(bare) + len(self._closing)
        if not bare.endswith(self._closing):
            keep = longest_suffix_prefix(text, self._closing)
        elif keep > _LONGEST_CLOSING:
            keep = 0
        if self._closing[0] == "\n" and text[: len(text) - keep].endswith("\r"):
            keep += 1
        self._ending = text[len(text) - keep :]
        return text[: len(text) - keep]

    def _refuse(self, why: str) -> str:
        self.problem = why
        self.refused = self._folding.raw(self._held) + self._folding.pending
        return ""

    # The decision ----------------------------------------------------------------------------------------------

    def _look(self, *, final: bool) -> str:
        held = self._held
        start = len(held) - len(held.lstrip())
        if start == len(held):
            return "" if final or len(held) < _TAIL else self._pass(held, self._blanks)
        places, is_settled, skipped = self._places(held, start)
        if final and self.met and len(held) in places:
            return ""  # there was nothing but what goes around an answer
        for place in places:
            body = held[place:]
            rest, may_begin_anew = self._begun_anew(body, self._wraps.get(place))
            if rest is not None:
                return rest
            is_settled &= not may_begin_anew and (self._anew or not self._may_overlap(place, body))
        if not start and not self._gap and not self._blanks:
            is_settled = is_settled and is_first_word_whole(self._core, held)
        if not final and not (is_settled and self._is_astray(held[start + skipped :], final=False) is not None):
            return ""
        if self._anew:
            return self._refuse("the answer that was asked for once more is another one")
        return self._decide(held, start, places, skipped)

    def _begun_anew(self, body: str, wrap: Wrap | None) -> tuple[str | None, bool]:
        """What goes on if `body` begins the answer anew, else ``None``; and whether that may yet turn out."""
        may_be = False
        for beginning in self._beginnings:
            size = min(len(body), len(self._core) - beginning)
            if not self._core.startswith(body[:size], beginning):
                continue
            if beginning + size == len(self._core):
                if wrap is None or size >= wrap.least:
                    return self._unwrapped(wrap, body[size:]), False
            elif size >= _SURE:
                self._at = beginning + size
                return "" if wrap is None else self._open(wrap), False
            else:
                may_be = True
        return None, may_be

    def _unwrapped(self, wrap: Wrap | None, rest: str) -> str:
        """What follows the old text, around which `wrap` has been opened."""
        if wrap is not None:
            self._open(wrap)
        return "" if self.problem is not None else self._after_old(rest)

    def _open(self, wrap: Wrap) -> str:
        if wrap.closing is None:
            return self._refuse("it quotes what was there, and nobody can tell where that ends")
        self._closing = wrap.closing
        return ""

    def _places(self, held: str, start: int) -> tuple[list[int], bool, int]:
        """Where the continuation proper may begin; whether that is certain; and how much is sure to go before it.

        A remark or marks may go before it, a block of code that is open already, or what opens a quotation.
        """
        places, is_all, first = [start], True, start
        for end_of in (end_of_marks, end_of_remark, end_of_marks):
            end = end_of(held, start)
            is_all &= end is not None
            if end is not None and end > start:
                start = end
                places.append(start)
        if self._in_code:
            mark = held[start : start + 3]
            if mark and ("```".startswith(mark) or "~~~".startswith(mark)):
                line = _FENCE_LINE.match(held, start)
                if line is not None:
                    places.append(line.end())
                is_all &= line is not None or "\n" in held[start:] or len(held) - start >= _LONGEST_FENCE
        elif not self._anew:
            wrap, is_certain = wrap_at(held, start)
            is_all &= is_certain
            if wrap is not None:
                places.append(wrap.end)
                self._wraps[wrap.end] = wrap
        return places, is_all, start - first

    def _may_overlap(self, place: int, body: str) -> bool:
        """Whether `body` stands in the old end, so that it may turn out to be that end."""
        if len(body) >= len(self._tail):
            return False
        at = self._tail.find(body, self._found_at.get(place, 0))
        self._found_at[place] = at if at >= 0 else len(self._tail)
        return at >= 0

    def _decide(self, held: str, start: int, places: list[int], skipped: int) -> str:
        for place in places:
            wrap = self._wraps.get(place)
            size = self._overlap(held[place:], 1 if wrap is None else wrap.least - 1)
            if size:
                return self._unwrapped(wrap, held[place + size :])
        lead = "" if skipped else held[:start]  # folded, as is what is compared with it
        if not (body := held[start + skipped :]):
            return ""
        space, why = self._gap + self._blanks, None
        if self._trimmed and not skipped and may_lack_space(self._tail, space, body, self._in_code):
            why = "its route drops white space, and nobody can tell whether there was any"
        elif self._in_code:
            return self._go_on_in_code(lead, body)
        why = why or self._why_not(body, lead)
        if why is None and self._is_astray(body, final=True):
            why = "it is an answer of its own"
        if why is not None:
            return self._refuse(why)
        if lead == " " and space.endswith(" ") and "\n" not in space:  # behind a line's end it is indentation
            lead = ""
        between = "" if space or lead else between_words(self._tail, body)
        if between is None:
            return self._refuse("it begins a sentence of its own in the middle of one")
        return self._pass(f"{lead}{body}" if not between else body, f"{self._blanks}{between}")

    def _overlap(self, body: str, least: int) -> int:
        """How many characters of `body`, of more than `least`, are the old end once more."""
        for size in range(min(len(body), len(self._tail)), least, -1):
            if self._tail.endswith(body[:size]):
                rest = body[size:]
                fits = not rest or not self._gap or rest[0].isspace()
                if fits and is_repetition(self._tail, size, rest):
                    return size
        return 0

    def _go_on_in_code(self, lead: str, body: str) -> str:
        """A block of code is open: one that is opened anew is the same."""
        fence = _FENCE_LINE.match(body)
        at_line_start = "\n" in f"{self._gap}{self._blanks}{lead}"
        if fence is not None and fence[1].strip():
            if not at_line_start:
                return self._refuse("it opens a block of code anew in the middle of a line")
            return self._pass(body[fence.end() :], self._blanks)
        if body.startswith(("```", "~~~")) and not at_line_start:
            return self._pass(body, f"{self._blanks}\n")
        return self._pass(f"{lead}{body}", self._blanks)

    def _why_not(self, body: str, lead: str) -> str | None:
        core = self._core
        if not core:
            return None
        if core[0] in "{[" and body[0] == core[0] and core[-1] not in _BEFORE_VALUE:
            return "it begins the JSON text anew"
        is_amid = core[-1] not in words().ends and "\n" not in f"{self._gap}{self._blanks}{lead}"
        if is_amid and any(self._in_common(body, beginning) >= _BEGUN_ANEW for beginning in self._beginnings):
            return "it was begun anew and goes another way"
        sentence = words().sentence.match(body)
        if sentence is not None and self._tail.count(sentence[0]) == 1:
            return "it repeats a sentence and goes another way"
        return None

    def _is_astray(self, body: str, *, final: bool) -> bool | None:
        return False if self._in_code or self._anew or not body else is_astray(self._tail, body, final=final)

    def _in_common(self, body: str, beginning: int) -> int:
        size = 0
        for one, other in zip(body, self._core[beginning : beginning + _BEGUN_ANEW], strict=False):
            if one != other:
                break
            size += 1
        return size
