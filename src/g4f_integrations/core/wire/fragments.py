"""Fragments of tool calls, put in order: servers number and name them in every way but the documented one."""

from __future__ import annotations

import json
from typing import Any

from g4f_integrations.core.events import ToolCallDelta

_MOST_CALLS = 1_024


class _ObjectScan:
    """Tells when a JSON object, seen in pieces, is complete; each character is looked at once."""

    __slots__ = ("_depth", "_escaped", "_in_string", "complete")

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self.complete = False

    def feed(self, text: str) -> None:
        for char in text:
            if self._escaped:
                self._escaped = False
            elif self._in_string:
                self._escaped = char == "\\"
                self._in_string = char != '"'
            elif char == '"':
                self._in_string = True
            elif char in "{[":
                self._depth += 1
            elif char in "}]":
                self._depth -= 1
                self.complete = self._depth <= 0


class _Call:
    __slots__ = ("id", "index", "name", "place", "scan", "whole")

    def __init__(self, index: int, place: int) -> None:
        self.index = index
        self.place = place
        self.id: str | None = None
        self.name: str | None = None
        self.whole = False  # its arguments came as an object: there can be no more of them
        self.scan: _ObjectScan | None = None  # only where nothing but the arguments tells one call from the next


class FragmentJoiner:
    """Gives the fragments of one choice's tool calls the index, id and name that OpenAI's format promises.

    A fragment belongs to the call with its id, else to the newest call with its index, else to the newest call at its
    position in the list. It opens a new call when its id or its name is another one, or when that call's arguments are
    already complete and it names a function again.
    """

    __slots__ = ("_by_id", "_by_place", "_choice", "_taken")

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._by_id: dict[str, _Call] = {}
        self._by_place: dict[int, _Call] = {}
        self._taken: set[int] = set()

    def feed(self, fragment: Any, position: int) -> ToolCallDelta | None:
        """The fragment made exact, or ``None`` when it tells nothing new.

        Args:
            fragment: One item of a ``tool_calls`` list.
            position: Its place in that list.
        """
        if not isinstance(fragment, dict):
            return None
        function = fragment.get("function")
        if not isinstance(function, dict):
            function = fragment if "arguments" in fragment or "name" in fragment else {}
        call_id = _text(fragment.get("id"))
        name = _text(function.get("name"))
        arguments = function.get("arguments")
        call, is_new = self._call_of(fragment.get("index"), position, call_id, name)
        if call is None:
            return None
        delta = ToolCallDelta(call.index, None, None, "", self._choice)
        if call_id and call.id is None:
            call.id = delta.id = call_id
            self._by_id[call_id] = call
        if name and call.name is None:
            call.name = delta.name = name
        if not call.whole:
            delta.arguments = arguments if isinstance(arguments, str) else _dump(arguments)
            call.whole = isinstance(arguments, dict | list)
            if call.scan is not None:
                call.scan.feed(delta.arguments)
        return delta if is_new or delta.id or delta.name or delta.arguments else None

    def _call_of(self, place: Any, position: int, call_id: str, name: str) -> tuple[_Call | None, bool]:
        """The call that a fragment belongs to, and whether it begins with it."""
        numbered = type(place) is int or (isinstance(place, str) and place.isdecimal() and len(place) < 10)
        at = int(place) if numbered else position
        known = self._by_id.get(call_id) if call_id else None
        if known is not None and (not numbered or known.place == at):  # some servers give every call the same id
            return known, False
        call = self._by_place.get(at)
        if call is None and not call_id and not name and self._by_place:  # g4f numbers every nameless fragment anew
            call = next(reversed(self._by_place.values()))
        if call is not None and not self._begins_anew(call, call_id, name):
            return call, False
        if len(self._taken) >= _MOST_CALLS:
            return None, False
        call = _Call(self._free_index(at), at)
        if not numbered and not call_id:
            call.scan = _ObjectScan()
        self._by_place.pop(at, None)  # so that the newest call stands last
        self._by_place[at] = call
        return call, True

    @staticmethod
    def _begins_anew(call: _Call, call_id: str, name: str) -> bool:
        if call_id and call.id is not None:
            return call_id != call.id
        if name and call.name is not None:
            return name != call.name or call.whole or (call.scan is not None and call.scan.complete)
        return False

    def _free_index(self, wanted: int) -> int:
        index = wanted if 0 <= wanted < _MOST_CALLS else 0
        while index in self._taken:
            index += 1
        self._taken.add(index)
        return index


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _dump(arguments: Any) -> str:
    return "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
