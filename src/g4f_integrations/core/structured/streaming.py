"""An answer that must be JSON, brought to that form while it comes in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.prompts.answers import schema_of
from g4f_integrations.core.structured.continuing import rest_of
from g4f_integrations.core.structured.guide import Guide
from g4f_integrations.core.structured.scanning import StrictScanner
from g4f_integrations.core.structured.settling import (
    closing_fence,
    follows_fence,
    problem_of,
    read_tolerantly,
    repaired,
    settle_json,
)
from g4f_integrations.core.structured.shapes import shape_of

_BRACKET = re.compile(r"[{\[]")


class JSONAnswer:
    """Lets the bare JSON of an answer through as it comes: no prose around it, no fence.

    Example:
        >>> answer = JSONAnswer({"type": "json_object"})
        >>> [answer.feed(piece) for piece in ('Sure: {"a"', ': "b', 'c"}', ' Bye.')], answer.close()
        (['', '{"a": "b', 'c"}', ''], ('', None))

    The first bracket of the answer decides. If a value begins there that can be the one asked for, its characters are
    released while they are strict JSON, safe (see `scanning`), and of the types, keys and options that the schema has.
    From the first that are not, all is held, and at the end it is put right as far as what has been released allows.
    If the first bracket begins something else, all is held, and settled at the end like an answer that was not
    streamed. Any cutting into pieces gives the same text.
    """

    __slots__ = ("_before", "_form", "_held", "_released", "_scanner", "_schema", "_seeking", "_shape", "_size")

    def __init__(self, response_format: Mapping[str, Any] | None) -> None:
        self._form = response_format
        self._schema = schema_of(response_format)
        self._shape = shape_of(self._schema)
        self._seeking = not self._shape.kinds.isdisjoint({"object", "array"})
        self._before: list[str] = []  # what stands before the value; all, if nothing can be released
        self._scanner: StrictScanner | None = None
        self._held: list[str] = []  # of the value, what is not released
        self._released: list[str] = []
        self._size = 0  # characters released

    def feed(self, text: str) -> str:
        """The JSON text that is certain now."""
        if self._schema is None:
            return text
        if self._seeking:
            text = self._seek(text)
        scanner = self._scanner
        if scanner is None:
            self._before.append(text)
            return ""
        if scanner.done or not text:
            return ""
        if not scanner.failed:
            scanner.feed(text)
            if scanner.safe > self._size:
                return self._release(scanner, text)
        self._held.append(text)
        return ""

    def whole(self, text: str) -> tuple[str, str | None]:
        """The JSON text of an answer that came in one piece, and what is wrong with it, if something is."""
        return settle_json(text, self._form)

    def close(self) -> tuple[str, str | None]:
        """The rest of the JSON text, and what is wrong with the whole of it, in one line, if something is."""
        if self._schema is None:
            return "", None
        scanner = self._scanner
        if scanner is None or not self._size:
            return settle_json("".join([*self._before, *self._held]), self._form)
        return _finished("".join(self._released), "".join(self._held), scanner, self._schema)

    def _seek(self, text: str) -> str:
        """Look for the first bracket that can begin a value; what is returned belongs to the value or before it."""
        at = 0
        while (found := _BRACKET.search(text, at)) is not None:
            at = found.start()
            if text[at] == "[" and "array" not in self._shape.kinds:
                at += 1
                continue
            self._seeking = False
            before = "".join([*self._before, text[:at]])
            if self._can_begin(text[at], before):
                self._before = [before]
                self._scanner = StrictScanner(Guide(self._schema or {}))
                return text[at:]
            break
        return text

    def _can_begin(self, bracket: str, before: str) -> bool:
        if bracket == "{":
            return "object" in self._shape.kinds and not before.rstrip().endswith("[")
        return not before.strip() or follows_fence(before, len(before))  # elsewhere, lists are likely footnotes

    def _release(self, scanner: StrictScanner, text: str) -> str:
        pending = "".join([*self._held, text]) if self._held else text
        if not self._size and pending.startswith("{") and scanner.done and not pending[1 : scanner.safe - 1].strip():
            self._before.append(pending)  # an empty object is seldom the answer; whatever follows may be it
            self._held = []
            self._scanner = None
            return ""
        size = scanner.safe - self._size
        self._size = scanner.safe
        self._held = [pending[size:]] if len(pending) > size else []
        self._released.append(pending[:size])
        return pending[:size]


def _finished(beginning: str, held: str, scanner: StrictScanner, schema: Mapping[str, Any]) -> tuple[str, str | None]:
    """What carries `beginning` on, which is out already, to the value that it and what was held mean."""
    if scanner.done:
        return "", problem_of(beginning, schema)
    whole = beginning + held
    try:
        value, end = read_tolerantly(whole, 0, closing_fence(whole, len(beginning)))
        if problem_of(whole[:end], schema) is None:
            return whole[len(beginning) : end], None  # it was right, though not in the way that was expected
        value, problem = repaired(value, schema)
        rest = rest_of(beginning, scanner.closers, value)
    except (ValueError, RecursionError) as error:
        return held, f"the answer is no JSON: {error}"
    if rest is None:
        return held, problem or "the answer is no JSON of the schema, and its beginning has been handed over already"
    return rest, problem or problem_of(beginning + rest, schema)
