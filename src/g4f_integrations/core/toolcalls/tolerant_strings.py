"""Strings of sloppy JSON: where they end, and what their escapes mean."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Place: TypeAlias = Literal["key", "member", "item", "alone"]
"""Where a string stands: a key, a value in an object, an item of an array, or with no container around it."""

_DOUBLE_SMART = "\u201c\u201d\u201e\u201f"
_SINGLE_SMART = "\u2018\u2019\u201a\u201b"
_DOUBLE = f'"{_DOUBLE_SMART}'
_SINGLE = f"'{_SINGLE_SMART}"
CLOSING = {
    '"': '"',
    "'": "'",
    "`": "`",
    **dict.fromkeys(_DOUBLE_SMART, _DOUBLE),  # models mix the smart quotes of a pair, also with straight ones
    **dict.fromkeys(_SINGLE_SMART, _SINGLE),
}
"""What can open a string, and the characters that can close it then."""
QUOTES = "".join(CLOSING)
"""All that can open a string."""

_STOPS = {quote: re.compile(f"[\\\\{closing}]") for quote, closing in CLOSING.items()}
_BLANKS = re.compile(r"[\s\ufeff\u200b]*")
_KEY_AHEAD = (
    r"(?:\"(?:[^\"\\\n]|\\.){0,128}+\"|'(?:[^'\\\n]|\\.){0,128}+'"
    rf"|[{_DOUBLE_SMART}][^{_DOUBLE}\n]{{0,128}}+[{_DOUBLE}]|[{_SINGLE_SMART}][^{_SINGLE}\n]{{0,128}}+[{_SINGLE}])\s*+:"
)
_BARE_KEY_AHEAD = r"[\w$.-]{1,128}+\s*+:"
_QUOTED_MEMBER = re.compile(_KEY_AHEAD)
_MEMBER = re.compile(f"{_KEY_AHEAD}|{_BARE_KEY_AHEAD}")
_AFTER_COMMA = re.compile(r"\s*+(?:[}\])]|,|\.\.\.|…|//|/\*|#|\Z)")
_ITEM = re.compile(
    rf"[{QUOTES}{{\[(]|[-+]?\.?\d|(?:true|false|null|none|undefined|nan|-?infinity)\b",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"//|/\*")
_ESCAPE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U(000[0-9a-fA-F]{5}|0010[0-9a-fA-F]{4})|(\r\n|[\s\S]))"
)
_LONGEST_ESCAPE = 5  # characters of an escape that is not whole: backslash, u, three digits
_CUT_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?\Z")
_PLAIN_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "'": "'",
    "`": "`",
    **{quote: quote for quote in _DOUBLE + _SINGLE},
    "\n": "",  # a line that goes on, as Python and JavaScript write it
    "\r\n": "",
}


class StringReader:
    """Reads the strings of one text.

    A quote ends a string when what follows it could not stand there otherwise; another quote belongs to the string.
    Should that rule lead to the end of the text, it was the wrong one: then the first quote ends the string, and
    from there on every first quote does, so that no part of the text is looked at again and again.
    """

    __slots__ = ("_first_quote_ends", "_no_more_triples", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._first_quote_ends = False
        self._no_more_triples: set[str] = set()

    def read(self, start: int, place: Place, closers: str) -> tuple[str, int]:
        """The string whose opening quote stands at `start`, and the index after it.

        `closers` are the brackets that would close the containers around it. A string that the end of the text
        cuts goes to the end.
        """
        text = self._text
        quote = text[start]
        triple = self._triple(start, quote)
        if triple is not None:
            return triple
        first = -1
        at = start + 1
        search = _STOPS[quote].search
        while (found := search(text, at)) is not None:
            at = found.end()
            if text[at - 1] == "\\":
                at += 1
            elif self._first_quote_ends or self._ends(at, place, closers):
                return _unescape(text[start + 1 : at - 1]), at
            elif first < 0:
                first = at
        if first < 0:
            return _unescape(_without_cut_escape(text[start + 1 :])), len(text)
        self._first_quote_ends = True
        return _unescape(text[start + 1 : first - 1]), first

    def read_to_first(self, start: int) -> tuple[str, int]:
        """The string that begins at `start` and goes to the first quote that can end it."""
        self._first_quote_ends = True
        return self.read(start, "alone", "")

    def _triple(self, start: int, quote: str) -> tuple[str, int] | None:
        marks = quote * 3
        if quote not in {'"', "'"} or quote in self._no_more_triples or not self._text.startswith(marks, start):
            return None
        end = self._text.find(marks, start + 3)
        if end < 0:
            self._no_more_triples.add(quote)
            return None
        return _unescape(self._text[start + 3 : end]), end + 3

    def _ends(self, at: int, place: Place, closers: str) -> bool:
        """Whether the quote before `at` ends its string, judged by what follows."""
        text = self._text
        follow = _after_blanks(text, at)
        if follow == len(text):
            return True
        char = text[follow]
        if place == "key":
            return char == ":"
        if place == "alone":
            return False
        if char == ",":
            return self._comma_separates(follow + 1, place)
        if char in closers or _COMMENT.match(text, follow) or (char == "#" and follow > at):
            return True
        return self._next_begins(at, follow, place)

    def _next_begins(self, at: int, follow: int, place: Place) -> bool:
        """Whether a member or item begins at `follow`, the comma before it missing."""
        text = self._text
        if follow == at and text[follow] not in CLOSING:
            return False
        on_new_line = "\n" in text[at:follow]
        if place == "member":
            return (_MEMBER if on_new_line else _QUOTED_MEMBER).match(text, follow) is not None
        return follow > at and (text[follow] in CLOSING or (on_new_line and _ITEM.match(text, follow) is not None))

    def _comma_separates(self, at: int, place: Place) -> bool:
        """Whether the comma before `at` stands between two members or items, not inside a string."""
        text = self._text
        if _AFTER_COMMA.match(text, at):
            return True
        ahead = _MEMBER if place == "member" else _ITEM
        return ahead.match(text, _after_blanks(text, at)) is not None


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found is not None else at


def _without_cut_escape(tail: str) -> str:
    """`tail` without an escape that the end of the text cut in two."""
    cut = _CUT_ESCAPE.search(tail, max(0, len(tail) - _LONGEST_ESCAPE))
    if cut is None:
        return tail
    backslashes = cut.start() + 1 - len(tail[: cut.start() + 1].rstrip("\\"))
    return tail[: cut.start()] if backslashes % 2 else tail


def _unescape(raw: str) -> str:
    return raw if "\\" not in raw else _ESCAPE.sub(_meaning, raw)


def _meaning(escape: re.Match[str]) -> str:
    """What an escape stands for; an invalid one stays as it is written, since it is a pattern's or a path's."""
    high, low, unit, byte, long, plain = escape.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
    code = unit or byte or long
    if code is not None:
        return chr(int(code, 16))
    return _PLAIN_ESCAPES.get(plain, escape[0])
