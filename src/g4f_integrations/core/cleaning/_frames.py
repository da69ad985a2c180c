r"""The frame language of the rules, compiled to automata that are walked one character at a time.

A frame is the text of an advert with its free parts named::

    {rule} Powered by Pollinations{!}.AI free text APIs. [Support our mission](https://pollinations.ai/redirect/kofi)

=================  ===================================================================================
a space            white space, any amount of it but some: blanks or line ends, so that folded texts fit, too
``(a|b|)``         alternatives; an empty one makes the group optional
``{nl}``           one line end
``{rule}``         a rule line: three or more of one of ``-*_=─━—``, also with a blank after each (``- - -``)
``{n}`` ``{w}``    digits; letters, digits, ``_`` and ``-``
``{hex}``          hexadecimal digits and ``-``
``{word}``         no white space
``{url}``          the rest of an address, maybe nothing
``{label}``        a label's words: up to a ``*`` or the line's end
``{line}``         the rest of a line, maybe nothing
``{words}``        words of one line up to a bracket; no heading, quotation, table, fence or list
``{linked:a,b}``   words of one line up to and including its first Markdown link, which leads to ``https://a…`` or ``https://b…``
``{passage:a,b}``  the same over several lines, whatever they begin with
``{more}``         further paragraphs of plain words, maybe none
``{any}``          anything
``{!}``            from here on, the advert is certain: an unfinished one at the text's end counts as well
``{attrs}``        the inside of a tag, maybe nothing: one line without ``<``, ``>`` and back-ticks
``{list}``         digits, commas, colons, dashes and blanks
``{to:x}``         anything on one line but the character x
``{end}``          the line must end here; ``{tail}``: the text must; ``{urlend}``: the address must;
                   ``{before:x}``: x must follow, which is no part of the match (all four only at a frame's end)
``\x``             the character x itself, where it would mean something else
=================  ===================================================================================

All active frames together are one nondeterministic automaton. Its sets of states are made when a text first leads to
them and kept, so that a step costs one look-up in a dict; nothing can backtrack. That also says what a stream has to
hold back: the text since a start whose set of states is not empty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from g4f_integrations.core.automaton import FrameError, Test, check_whole, part_at
from g4f_integrations.core.cleaning._states import BLANKS, KEPT, Walk, is_blank

_CLOSERS = ("-->", "*/", '"""', "'''", "`;", "`)", "`,")
"""What ends comments and long strings in program code that stands outside of any fence."""
_RULE_SIGNS = "-*_=\u2500\u2501\u2014"
_SPACED_SIGNS = "-*_"
_STRUCTURE = frozenset("#>|`-+~")  # what a heading, a quotation, a table, a fence or a list begins with


def _is_label(char: str) -> bool:
    return char not in "*\n\r"


def _is_word(char: str) -> bool:
    return char.isalnum() or char in "_-"


def _is_url(char: str) -> bool:
    return char not in BLANKS and char not in ")]}>\"'`<|"


def _is_link_text(char: str) -> bool:
    return char not in "\n\r]"


def _is_passage_text(char: str) -> bool:
    return char != "]"


_RUNS: dict[str, tuple[Test, bool]] = {  # the characters of a run, and whether it may be empty
    "n": (str.isdigit, False),
    "w": (_is_word, False),
    "hex": (lambda char: char in "0123456789abcdefABCDEF-", False),
    "word": (lambda char: char not in BLANKS, False),
    "url": (_is_url, True),
    "label": (_is_label, False),
    "line": (lambda char: char not in "\n\r", True),
    "attrs": (lambda char: char not in "<>`\n\r", True),
    "list": (lambda char: char in "0123456789,:- \u2013", False),
    "any": (lambda _: True, True),
}


class Table(Walk):
    """The automaton of many frames. Built once, extended by `add`, walked from the states that `start` gives."""

    def __init__(self) -> None:
        super().__init__()
        self.behind: dict[int, int] = {}  # characters that a rule's match looks ahead
        self._rule = 0
        self._limit = 0
        self._cuts = False

    # Building --------------------------------------------------------------------------------------------------

    def add(self, frame: str, rule: int, *, limit: int, tail: bool, cuts: bool, code: bool = False) -> int:
        """Compile one frame; gives the state that it begins in.

        Args:
            frame: In the language above.
            rule: The number that a match is reported with; of two, the smaller one is.
            limit: Characters that a certain advert may have.
            tail: Whether nothing may follow it.
            cuts: Whether an unfinished advert counts, once it is certain.
            code: Whether it stays if the end of a comment or of a long string follows.

        Raises:
            FrameError: The frame breaks the grammar.
        """
        self._rule, self._limit, self._cuts = rule, limit, cuts
        whole = frame
        ending = re.search(r"\{(end|tail|urlend|before:[^}]+)\}$", frame)
        kind = ending[1] if ending else ""
        if ending:
            frame = frame[: ending.start()]
        first = self._new(marked=False)
        last, place, marked = self._sequence(frame, 0, first, marked=False)
        check_whole(whole, place, len(frame))
        end = self._new(marked=marked)
        self._empty[last].append(end)
        if kind.startswith("before:"):
            following = kind.removeprefix("before:")
            end = self._text(following, end, marked=marked)
            self.behind[rule] = len(following)
            self._ends["now"][end] = rule
        elif tail or kind == "tail":
            self._loop(end, is_blank)
            self._ends["tail"][end] = rule
        elif kind == "urlend":
            self._ends["bound"][end] = rule
        elif kind == "end":
            self._loop(end, lambda char: char in " \t")
            self._ends["line"][end] = rule
            if code:
                self._keep(end, marked=marked)
        else:
            self._ends["now"][end] = rule
        return first

    def _keep(self, state: int, *, marked: bool) -> None:
        """Keep the match that ends in `state` where the end of a comment or a string follows on a later line."""
        between = self._new(marked=marked)
        self._tests[state].append((lambda char: char in "\r\n", between))
        self._loop(between, is_blank)
        for closer in _CLOSERS:
            self._ends["now"][self._text(closer, between, marked=marked)] = KEPT

    def _new(self, *, marked: bool) -> int:
        state = self._add_state()
        self._longest.append(self._limit if marked else 0)
        if marked and self._cuts:
            self._ends["cut"][state] = self._rule
        return state

    def _loop(self, state: int, test: Test) -> None:
        self._tests[state].append((test, state))

    def _sequence(self, frame: str, place: int, state: int, *, marked: bool) -> tuple[int, int, bool]:
        """Build `frame` from `place` on, behind `state`, up to an unmatched ``)`` or ``|``."""
        while place < len(frame):
            char = frame[place]
            if char in "|)":
                break
            if char == "(":
                state, place, marked = self._group(frame, place + 1, state, marked=marked)
            elif char == "{":
                name, place = part_at(frame, place)
                if name == "!":
                    marked = True
                    state = self._step_over(state)
                else:
                    state = self._named(name, state, marked=marked)
                    marked = marked or name.startswith(("linked:", "passage:"))
            else:
                if char == " ":
                    state = self._gap(state, marked=marked)
                    place += 1
                    continue
                if char == "\\":
                    place += 1
                    if place == len(frame):
                        message = f"nothing behind the last \\ of {frame!r}"
                        raise FrameError(message)
                state = self._char(frame[place], state, marked)
                place += 1
        return state, place, marked

    def _step_over(self, state: int) -> int:
        after = self._new(marked=True)
        self._empty[state].append(after)
        return after

    def _char(self, char: str, state: int, marked: bool) -> int:
        after = self._new(marked=marked)
        self._literal[state].setdefault(char, []).append(after)
        return after

    def _text(self, text: str, state: int, *, marked: bool) -> int:
        for char in text:
            state = self._char(char, state, marked)
        return state

    def _gap(self, state: int, *, marked: bool) -> int:
        after = self._new(marked=marked)
        self._tests[state].append((is_blank, after))
        self._loop(after, is_blank)
        return after

    def _group(self, frame: str, place: int, state: int, *, marked: bool) -> tuple[int, int, bool]:
        ends: list[tuple[int, bool]] = []
        while True:
            branch = self._new(marked=marked)
            self._empty[state].append(branch)
            end, place, certain = self._sequence(frame, place, branch, marked=marked)
            ends.append((end, certain))
            if place >= len(frame):
                message = f"unclosed ( in {frame!r}"
                raise FrameError(message)
            place += 1
            if frame[place - 1] == ")":
                break
        certain = all(certain for _, certain in ends)
        after = self._new(marked=certain)
        for end, _ in ends:
            self._empty[end].append(after)
        return after, place, certain

    def _named(self, name: str, state: int, *, marked: bool) -> int:
        if name in _RUNS:
            test, may_be_empty = _RUNS[name]
            after = self._new(marked=marked)
            self._loop(after, test)
            if may_be_empty:
                self._empty[state].append(after)
            else:
                self._tests[state].append((test, after))
            return after
        build = {"nl": self._line_end, "rule": self._rule_line, "more": self._more, "words": self._words}.get(name)
        if build is not None:
            return build(state, marked=marked)
        kind, _, value = name.partition(":")
        if kind in {"linked", "passage"} and value:
            return self._linked(value.split(","), state, marked=marked, passage=kind == "passage")
        if kind == "to" and len(value) == 1:
            after = self._new(marked=marked)
            self._empty[state].append(after)
            self._loop(after, lambda char: char not in "\n\r" and char != value)
            return after
        message = f"unknown part {{{name}}}"
        raise FrameError(message)

    def _line_end(self, state: int, *, marked: bool) -> int:
        before = self._new(marked=marked)
        self._empty[state].append(before)
        self._loop(before, lambda char: char in " \t\r")
        after = self._char("\n", before, marked)
        self._loop(after, lambda char: char in " \t")
        return after

    def _rule_line(self, state: int, *, marked: bool) -> int:
        after = self._new(marked=marked)
        for sign in _RULE_SIGNS:
            third = self._text(sign * 3, state, marked=marked)
            self._literal[third].setdefault(sign, []).append(third)
            self._empty[third].append(after)
        for sign in _SPACED_SIGNS:
            third = self._text(f"{sign} {sign} {sign}", state, marked=marked)
            self._empty[self._text(f" {sign}", third, marked=marked)].append(third)
            self._empty[third].append(after)
        return after

    def _words(self, state: int, *, marked: bool) -> int:
        after = self._new(marked=marked)
        self._tests[state].append((lambda char: char not in BLANKS and char not in _STRUCTURE and char != "[", after))
        self._loop(after, lambda char: char not in "[\n\r")
        return after

    def _more(self, state: int, *, marked: bool) -> int:
        after, between, words = (self._new(marked=marked) for _ in range(3))
        self._empty[state].append(after)
        self._tests[after].append((lambda char: char in "\r\n", between))
        self._loop(between, is_blank)
        self._tests[between].append((lambda char: char not in BLANKS and char not in _STRUCTURE, words))
        self._loop(words, lambda char: char not in "\r\n")
        self._empty[words].append(after)
        return after

    def _linked(self, hosts: Sequence[str], state: int, *, marked: bool, passage: bool = False) -> int:
        """Words, then the first Markdown link of the line: one that leads elsewhere ends the match."""
        words, bracket = self._new(marked=marked), self._new(marked=marked)
        if passage:
            self._tests[state].append((_is_passage_text, words))
            self._loop(words, _is_passage_text)
        else:
            self._tests[state].append((lambda char: _is_link_text(char) and char not in _STRUCTURE, words))
            self._loop(words, _is_link_text)
        self._literal[words]["]"] = [bracket]
        self._literal[bracket]["]"] = [bracket]
        text = _is_passage_text if passage else _is_link_text
        self._tests[bracket].append((lambda char: text(char) and char != "(", words))
        opened = self._char("(", bracket, marked)
        after = self._new(marked=True)
        for host in hosts:
            for scheme in ("https://", "http://"):
                found = self._text(scheme, opened, marked=marked)
                self._empty[self._text(host, found, marked=marked)].append(after)
        self._loop(after, _is_url)
        return self._char(")", after, True)
