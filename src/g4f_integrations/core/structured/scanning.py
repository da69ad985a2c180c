"""A strict reader of JSON that is fed in pieces: how far the text is strict JSON, and how far it may be released.

Text is *safe* when the rest of any value that begins like it can still be written. Inside a string that is every
character; anywhere else it is the end of a value, or the beginning of a string, because a sloppy rest can change how
what stands between them is meant: the quote that seems to end a string can belong to it, ``1`` can be the beginning of
``12``, and after a comma nothing may come.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from g4f_integrations.core.structured.guide import Guide

MAX_DEPTH = 100  # containers in containers; what is deeper is not released before it is whole
_LONGEST_NUMBER = 400  # characters; a double's digits end at 309
_BLANKS = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_WORD = re.compile(r"[a-z]*")
_DIGITS = re.compile(r"[-+.eE0-9]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB]..")
_WORDS = frozenset({"true", "false", "null"})
_HEX = frozenset("0123456789abcdefABCDEF")
_CLOSERS = {"{": "}", "[": "]"}
_LITERAL_STARTS = frozenset("-0123456789tfn")


class StrictScanner:
    """Follows one value, which begins at the first character that is fed.

    Args:
        guide: What the schema says of the value; without it any JSON will do.

    Attributes:
        length: Characters that were accepted.
        safe: How many of them may be released.
        safe_depth: Open containers at `safe`; the first so many of `stack`.
        safe_in_string: Whether a string is open at `safe`.
        stack: The opening brackets of the open containers.
        done: Whether the value is complete.
        failed: Whether the next character cannot stand there in strict JSON of the schema, or the value is nested too
            deeply.
    """

    __slots__ = (
        "_begun",
        "_guide",
        "_in_key",
        "_options",
        "_pieces",
        "_step",
        "done",
        "failed",
        "length",
        "safe",
        "safe_depth",
        "safe_in_string",
        "stack",
    )

    def __init__(self, guide: Guide | None = None) -> None:
        self._guide = guide
        self.length = self.safe = self.safe_depth = 0
        self.safe_in_string = self.done = self.failed = False
        self.stack: list[str] = []
        self._step: Callable[[StrictScanner, str, int], int] = StrictScanner._value
        self._begun = ""  # the beginning of an escape, a number or a word
        self._in_key = False
        self._pieces: list[str] = []  # of a key, or of a string that must be one of the options
        self._options: frozenset[str] | None = None  # what the open string may be

    @property
    def closers(self) -> str:
        """What closes the value at `safe`."""
        brackets = "".join(_CLOSERS[bracket] for bracket in reversed(self.stack[: self.safe_depth]))
        return f'"{brackets}' if self.safe_in_string else brackets

    def feed(self, text: str) -> int:
        """Follow the value through `text`; returns how many of its characters belong to it."""
        at, base, end = 0, self.length, len(text)
        while at < end and not self.done and not self.failed:
            at = self._step(self, text, at)
            self.length = base + at
        return at

    # Each step takes what it can of `text` from `at` on, and returns where it stopped.

    def _commit(self, size: int, *, in_string: bool) -> None:
        self.safe = self.length + size
        self.safe_depth = len(self.stack)
        self.safe_in_string = in_string

    def _value(self, text: str, at: int) -> int:
        start = at
        at = _after(_BLANKS, text, at)
        if at == len(text):
            return at
        char = text[at]
        if self._guide is not None and not self._guide.allows_value(char):
            self.failed = True
            return at
        if char == '"':
            self._options = self._guide.next.options if self._guide is not None else None
            self._pieces.clear()
            if self._options is None:
                self._commit(at + 1 - start, in_string=True)
            self._step, self._in_key = StrictScanner._string, False
        elif char in _CLOSERS and len(self.stack) < MAX_DEPTH:
            self.stack.append(char)
            self._step = StrictScanner._first_key_or_end if char == "{" else StrictScanner._first_item_or_end
        elif char in _LITERAL_STARTS:
            self._begun = ""
            self._step = StrictScanner._literal
            return at
        else:
            self.failed = True
            return at
        return at + 1

    def _first_key_or_end(self, text: str, at: int) -> int:
        return self._end_or(StrictScanner._next_key, "}", text, at)

    def _first_item_or_end(self, text: str, at: int) -> int:
        return self._end_or(StrictScanner._value, "]", text, at)

    def _end_or(self, otherwise: Callable[[StrictScanner, str, int], int], closer: str, text: str, at: int) -> int:
        start = at
        at = _after(_BLANKS, text, at)
        if at == len(text):
            return at
        if text[at] == closer:
            return self._close(at + 1, at + 1 - start)
        self._step = otherwise
        return at

    def _close(self, at: int, size: int) -> int:
        bracket = self.stack.pop()
        if self._guide is not None and not self._guide.allows_end(bracket):
            self.stack.append(bracket)
            self.failed = True
            return at - 1
        self._commit(size, in_string=False)
        self._value_ends()
        return at

    def _value_ends(self) -> None:
        self._step = StrictScanner._after_value
        self.done = not self.stack

    def _next_key(self, text: str, at: int) -> int:
        at = _after(_BLANKS, text, at)
        if at == len(text):
            return at
        if text[at] != '"':
            self.failed = True
            return at
        self._step, self._in_key = StrictScanner._string, True
        self._pieces.clear()
        return at + 1

    def _colon(self, text: str, at: int) -> int:
        at = _after(_BLANKS, text, at)
        if at == len(text):
            return at
        if text[at] != ":":
            self.failed = True
            return at
        self._step = StrictScanner._value
        return at + 1

    def _after_value(self, text: str, at: int) -> int:
        start = at
        at = _after(_BLANKS, text, at)
        if at == len(text):
            return at
        bracket = self.stack[-1]
        if text[at] == _CLOSERS[bracket]:
            return self._close(at + 1, at + 1 - start)
        if text[at] != ",":
            self.failed = True
            return at
        self._step = StrictScanner._next_key if bracket == "{" else StrictScanner._value
        return at + 1

    def _string(self, text: str, at: int) -> int:
        start = at
        at = _after(_PLAIN, text, at)
        self._take(text[start:at], at - start)
        if at == len(text):
            return at
        if text[at] == "\\":
            self._begun = "\\"
            self._step = StrictScanner._escape
        elif text[at] == '"' and self._may_end():
            self._step = StrictScanner._colon
            if not self._in_key:
                self._value_ends()
        else:
            self.failed = True
            return at
        return at + 1

    def _take(self, piece: str, size: int) -> None:
        """Note the `piece` that the last `size` characters have brought to the open string."""
        if not self._in_key and self._options is None:
            if size:
                self._commit(size, in_string=True)
        elif self._guide is not None:
            self._pieces.append(piece)

    def _may_end(self) -> bool:
        """Whether the open string may be what it is, as far as the schema tells."""
        if self._guide is None or (self._options is None and not self._in_key):
            return True
        said = json.loads('"{}"'.format("".join(self._pieces)))
        return self._guide.allows_key(said) if self._in_key else self._options is None or said in self._options

    def _escape(self, text: str, at: int) -> int:
        token = self._begun = self._begun + text[at]
        size = len(token)
        if size == 2:
            whole, valid = token[1] != "u", token[1] in '"\\/bfnrtu'
        else:
            whole, valid = size == 6, token[-1] in _HEX
        if not valid:
            self.failed = True
            return at
        if whole:
            self._step = StrictScanner._string
            is_half = size > 2 and _HIGH_SURROGATE.match(token) is not None
            self._take(token, 0 if is_half else 1)  # half a character waits for its other half
        return at + 1

    def _literal(self, text: str, at: int) -> int:
        start = at
        is_word = (self._begun or text[at])[0] in "tfn"
        at = _after(_WORD if is_word else _DIGITS, text, at)
        self._begun += text[start : min(at, start + _LONGEST_NUMBER)]
        if len(self._begun) >= (6 if is_word else _LONGEST_NUMBER):
            self.failed = True
        elif at < len(text):
            if self._begun in _WORDS if is_word else self._is_number(self._begun):
                self._commit(at - start, in_string=False)
                self._value_ends()
            else:
                self.failed = True
        return at

    def _is_number(self, text: str) -> bool:
        if _NUMBER.fullmatch(text) is None:
            return False
        return self._guide is None or self._guide.allows_number(text)


def _after(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found is not None else at
