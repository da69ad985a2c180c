"""JSON as models write it: strict JSON first, and only what that refuses is read with tolerance.

What the tolerant reading forgives: quotes of any kind, missing or surplus commas, comments, keys and words without
quotes, Python's and JavaScript's literals, tuples, raw line breaks and invalid escapes in strings, quotes inside
strings where it is plain that they do not end them, odd numbers, ``...`` and an end that is missing because the text
was cut. ``NaN``, ``Infinity`` and ``undefined`` become ``None``, since JSON has no such values and no tool takes them.

Every character is looked at a bounded number of times, and nothing recurses.
"""

from __future__ import annotations

import json
import re
from typing import Any

from g4f_integrations.core.toolcalls.balance import BalanceScanner, find_end
from g4f_integrations.core.toolcalls.budget import MAX_DEPTH
from g4f_integrations.core.toolcalls.tolerant_strings import CLOSING, QUOTES, StringReader

__all__ = ["BalanceScanner", "UnreadableJSONError", "find_end", "loads", "read_value"]

_FIRST_WINDOW = 4096  # characters tried strictly at first
_WIDER = 8  # how much more is tried when the first characters end too early; keeps the sum linear
_NEAR_END = 16  # characters; a token that a window cuts is reported at most so far before the window's end
_LONGEST_WORD = 4096  # characters of a value without quotes
_LONGEST_NUMBER = 400  # characters; longer ones stay text (a double ends at 309 digits)

_BLANKS = re.compile(r"[\s\ufeff\u200b]*")
_SEPARATORS = re.compile(r"[\s\ufeff\u200b,…]*")
_BARE_KEY = re.compile(rf"([^\s:,;{{}}\[\](){QUOTES}]{{1,128}}+)[\"']?")
_BARE_VALUE = re.compile(r"[^,{}\[\]\n\r\"]*")
_BARE_VALUE_IN_TUPLE = re.compile(r"[^,{}\[\]\n\r\"()]*")
_COMMENT_AFTER = re.compile(r"\s(?://|/\*|#)")
_NUMBER = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|(\d[\d_]*)|((?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?))",
    re.ASCII,
)
_WORDS = {
    "true": True,
    "false": False,
    **dict.fromkeys(("null", "none", "undefined", "nan", "inf", "infinity", "-inf", "-infinity", "+infinity")),
}
_CLOSERS = {"{": "}", "[": "]", "(": ")"}

_scan_strictly = json.JSONDecoder(strict=False, parse_constant=lambda _: None).raw_decode


class UnreadableJSONError(ValueError):
    """The text at hand is no JSON, not even a sloppy one.

    Attributes:
        position: Index into the text at which reading failed.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} at character {position}")
        self.position = position


def read_value(text: str, start: int = 0) -> tuple[Any, int]:
    """Read the one value that begins at `start`; blanks and comments before it are skipped.

    A value that strict JSON accepts is read exactly as strict JSON reads it. What follows the value is not looked
    at, except where it tells whether a quote ends a string.

    Args:
        text: The text that holds the value.
        start: Index at which to begin.

    Returns:
        The value, and the index after it.

    Raises:
        UnreadableJSONError: Not even the tolerant reading finds a value; it has the `position`.

    Example:
        >>> read_value("call {'city': 'Köln', days: 03,} now", 5)
        ({'city': 'Köln', 'days': 3}, 32)
    """
    start = _skip(text, start)
    found = _read_strictly(text, start)
    return found if found is not None else _Reader(text, whole=False).read(start)


def loads(text: str) -> Any:
    """Read `text`, which is one value and nothing else but blanks and comments.

    Raises:
        UnreadableJSONError: It is not.
    """
    start = _skip(text, 0)
    found = _read_strictly(text, start)
    if found is not None and _skip(text, found[1]) == len(text):
        return found[0]
    try:
        value, end = _Reader(text, whole=True).read(start)
    except UnreadableJSONError:
        if not text.startswith(('{\\"', '[\\"', '[{\\"'), start):
            raise
        return loads(_without_escapes(text, start))
    end = _skip(text, end)
    if end != len(text):
        message = "The value is followed by more text"
        raise UnreadableJSONError(message, end)
    return value


def _without_escapes(text: str, start: int) -> str:
    """A value that was encoded as a string once too often, and then lost the quotes around it."""
    found = _read_strictly(f'"{text}"', 0)
    if found is None or found[1] != len(text) + 2 or not isinstance(found[0], str):
        message = "The quotes are escaped, but this is no encoded text"
        raise UnreadableJSONError(message, start)
    return found[0]


def _read_strictly(text: str, start: int) -> tuple[Any, int] | None:
    """The value at `start` and the index after it if strict JSON accepts it.

    The standard decoder counts the lines of all that it was given when it refuses something, so it is given a
    window, and a wider one where a window may have cut the value.
    """
    size = _FIRST_WINDOW
    while True:
        whole = start + size >= len(text)
        window = text if whole and not start else text[start : start + size]
        try:
            value, end = _scan_strictly(window)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(window) - _NEAR_END or error.msg.startswith("Unterminated")
            if whole or not cut:
                return None
        except (ValueError, RecursionError):  # a number of thousands of digits; a tower of brackets
            return None
        else:
            if whole or end < len(window) or window[0] in '{["':
                return value, start + end
        size *= _WIDER


def _skip(text: str, at: int) -> int:
    """The index of the first character from `at` on that is neither blank nor comment."""
    while True:
        blanks = _BLANKS.match(text, at)
        at = blanks.end() if blanks is not None else at
        if text.startswith("/*", at):
            end = text.find("*/", at + 2)
            at = end + 2 if end >= 0 else len(text)
        elif text.startswith(("//", "#"), at):
            end = text.find("\n", at)
            at = end + 1 if end >= 0 else len(text)
        else:
            return at


class _Reader:
    """Reads one sloppy value of one text, with a stack of its own in place of recursion."""

    __slots__ = ("_boxes", "_closers", "_end", "_strings", "_text", "_whole")

    def __init__(self, text: str, *, whole: bool) -> None:
        self._text = text
        self._end = len(text)
        self._whole = whole  # whether nothing may follow the value
        self._strings = StringReader(text)
        self._boxes: list[dict[str, Any] | list[Any]] = []  # the open containers
        self._closers: list[str] = []  # what closes each

    def read(self, start: int) -> tuple[Any, int]:
        """The value that begins at `start`, and the index after it."""
        text = self._text
        if start == self._end:
            message = "There is no value"
            raise UnreadableJSONError(message, start)
        if text[start] in CLOSING:
            return self._lone_string(start)
        if text[start] not in "{[":
            return self._lone_word(start)
        root, at = self._open(start)
        while self._boxes:
            at = self._step(at)
        return root, at

    def _lone_string(self, start: int) -> tuple[str, int]:
        quote = self._text[start]
        if self._whole or (quote in "\"'" and self._text.startswith(quote * 3, start)):
            return self._strings.read(start, "alone", "")
        return self._strings.read_to_first(start)

    def _lone_word(self, start: int) -> tuple[Any, int]:
        found = _LONE_WORD.match(self._text, start)
        word = found[0] if found is not None else ""
        value = _meaning(word)
        if isinstance(value, str):
            message = "No value begins"
            raise UnreadableJSONError(message, start)
        return value, start + len(word)

    def _open(self, at: int) -> tuple[dict[str, Any] | list[Any], int]:
        if len(self._boxes) >= MAX_DEPTH:
            message = f"The value nests deeper than {MAX_DEPTH}"
            raise UnreadableJSONError(message, at)
        opener = self._text[at]
        box: dict[str, Any] | list[Any] = {} if opener == "{" else []
        self._boxes.append(box)
        self._closers.append(_CLOSERS[opener])
        return box, at + 1

    def _step(self, at: int) -> int:
        """Read one member or item of the innermost container, or its end."""
        at = self._skip_separators(at)
        if at == self._end:
            self._boxes.clear()
            return at
        if self._text[at] in "}])":
            return self._close(at)
        box = self._boxes[-1]
        if isinstance(box, list):
            value, at = self._value(at, in_object=False)
            box.append(value)
            return at
        key, at = self._key(at)
        at = _skip(self._text, at)
        if at == self._end:
            return at  # cut before the value: there is no member
        if self._text[at] != ":":
            message = "A colon is missing"
            raise UnreadableJSONError(message, at)
        at = _skip(self._text, at + 1)
        if at == self._end or self._text[at] in ",}])":
            box[key] = None
            return at
        box[key], at = self._value(at, in_object=True)
        return at

    def _skip_separators(self, at: int) -> int:
        while True:
            before = at
            separators = _SEPARATORS.match(self._text, _skip(self._text, at))
            at = separators.end() if separators is not None else at
            if self._text.startswith("...", at):
                at += 3
            if at == before:
                return at

    def _close(self, at: int) -> int:
        """Close the innermost container that this bracket closes, and what was left open inside it."""
        closer = self._text[at]
        if closer not in self._closers:
            message = f"A {closer} closes nothing"
            raise UnreadableJSONError(message, at)
        while True:
            self._boxes.pop()
            if self._closers.pop() == closer:
                return at + 1

    def _key(self, at: int) -> tuple[str, int]:
        if self._text[at] in CLOSING:
            return self._strings.read(at, "key", "")
        found = _BARE_KEY.match(self._text, at)
        if found is None:
            message = "A key is missing"
            raise UnreadableJSONError(message, at)
        return found[1], found.end()

    def _value(self, at: int, *, in_object: bool) -> tuple[Any, int]:
        char = self._text[at]
        if char in CLOSING:
            return self._strings.read(at, "member" if in_object else "item", "".join(self._closers))
        if char in _CLOSERS:
            return self._open(at)
        return self._word(at)

    def _word(self, at: int) -> tuple[Any, int]:
        """A number, a literal, or words without quotes."""
        pattern = _BARE_VALUE_IN_TUPLE if ")" in self._closers else _BARE_VALUE
        found = pattern.match(self._text, at)
        word = found[0] if found is not None else ""
        comment = _COMMENT_AFTER.search(word)
        if comment is not None:
            word = word[: comment.start()]
        end = at + len(word)
        word = word.strip()
        if not word or word[0] in ":=" or len(word) > _LONGEST_WORD:
            message = "A value is missing"
            raise UnreadableJSONError(message, at)
        return _meaning(word), end


_LONE_WORD = re.compile(r"[-+.\w]{1,400}+", re.ASCII)


def _meaning(word: str) -> Any:
    """What a word without quotes stands for; the word itself if it is no number and no literal."""
    lowered = word.lower()
    if lowered in _WORDS:
        return _WORDS[lowered]
    found = _NUMBER.fullmatch(word) if len(word) <= _LONGEST_NUMBER else None
    if found is None:
        return word
    sign, hexadecimal, whole, real = found.groups()
    factor = -1 if sign == "-" else 1
    if hexadecimal:
        return factor * int(hexadecimal, 16)
    return factor * (int(whole) if whole else float(real.replace("_", "")))
