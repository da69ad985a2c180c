"""Calls as bare JSON: ``{"name": …, "arguments": …}``, arrays of them, wrappers, one value after the other."""

from __future__ import annotations

import re
from typing import Any, Literal

from g4f_integrations.core.toolcalls.bounds import bounds_of
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, WAIT, Calls, Found, Outcome, Plain, Wait, broken
from g4f_integrations.core.toolcalls.shapes import LEADING, NAME_KEYS, calls_in, plain_key
from g4f_integrations.core.toolcalls.tolerant_json import loads, read_value

_QUOTE = "[\"'“”\u2018\u2019]"
_KEY = re.compile(rf"\s*{_QUOTE}?([A-Za-z_][\w. -]{{0,127}}){_QUOTE}?\s*:\s*")
_PART_OF_KEY = re.compile(rf"\s*(?:{_QUOTE}?(?:[A-Za-z_][\w. -]{{0,127}}(?:{_QUOTE}?\s*)?)?)?\Z")
_SHORT_STRING = re.compile(rf"{_QUOTE}([^\"'“”\u2018\u2019\\\n]{{0,127}}){_QUOTE}")
_PART_OF_STRING = re.compile(rf"{_QUOTE}[^\"'“”\u2018\u2019\\\n]{{0,127}}\Z")
_SCALAR = re.compile(rf"(?:{_QUOTE}[^\"'“”\u2018\u2019\\\n]{{0,127}}{_QUOTE}|[-+.\w]{{1,64}})\s*,")
_PART_OF_SCALAR = re.compile(rf"(?:{_QUOTE}[^\"'“”\u2018\u2019\\\n]{{0,127}}{_QUOTE}?|[-+.\w]{{0,64}})\s*\Z")
_OPENING = re.compile(r"\s*(?:\[\s*)?\{")
_PART_OF_OPENING = re.compile(r"\s*(?:\[\s*)?\Z")
_BETWEEN = re.compile(r"[\s,;]*")
_SURPLUS = re.compile(r"[\s}\])]*[}\])]")
_NEXT = re.compile(r"\{|\[\s*\{")
_PART_OF_NEXT = re.compile(r"(?:\[\s*)?\Z")
_MOST_KEYS = 8  # leading keys that are looked at before the whole value is


def may_be_call(text: str, at: int, offer: Offer) -> bool | None:
    """Whether the JSON at `at` can be a call, seen from its first keys; ``None`` if that takes more text.

    This is what lets JSON answers stream on: a call's JSON begins with a key that calls have, and its first name is
    a tool's.
    """
    opening = _OPENING.match(text, at)
    if opening is None:
        return None if _PART_OF_OPENING.match(text, at) else False
    at = opening.end()
    for count in range(_MOST_KEYS):
        key = _KEY.match(text, at)
        if key is None:
            return None if _PART_OF_KEY.match(text, at) else False
        name, at = plain_key(key[1]), key.end()
        if name not in LEADING and not offer.has(key[1]) and not count:
            return False
        if name in NAME_KEYS:
            return _names_tool(text, at, offer)
        scalar = _SCALAR.match(text, at)
        if scalar is None:
            return None if _PART_OF_SCALAR.match(text, at) else True
        at = scalar.end()
    return True


def _names_tool(text: str, at: int, offer: Offer) -> bool | None:
    name = _SHORT_STRING.match(text, at)
    if name is not None:
        return offer.match(name[1]) is not None or plain_key(name[1]) in _GENERIC
    if at == len(text) or _PART_OF_STRING.match(text, at):
        return None
    return text[at] == "{"


_GENERIC = {"tool_call", "function_call", "call_tool", "use_tool", "tool_use", "call", "function"}


def bare_json(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """JSON that stands free at the head of a line: a call only if it has the shape and names a tool."""
    possible = may_be_call(text, at, offer)
    if possible is None and not final:
        return WAIT
    if not possible:
        return Plain(at + 1, "json")
    bounds = bounds_of(text, at)
    if bounds.state == "open":
        if not final:
            return WAIT
        found = read_calls(text[at:], offer, certain=False)
        return Plain(at + 1, "json") if found is None else Calls(len(text), found[0], found[1])
    found = read_calls(text[at : bounds.end], offer, certain=False)
    return Plain(bounds.end) if found is None else Calls(bounds.end, found[0], found[1])


def read_calls(body: str, offer: Offer, *, certain: bool) -> tuple[tuple[Found, ...], str] | None:
    """The calls of a text that is one JSON value, whole or cut at its end."""
    if len(body) > 2 * MAX_ARGUMENTS:
        return (broken("", body, "The call is longer than 1 MiB."),), ""
    try:
        value = loads(body)
    except ValueError as error:
        return ((broken(_name_in(body), body, f"The call is no JSON: {error}"),), "") if certain else None
    return calls_in(value, offer, certain=certain) or (
        ((broken("", body, "The call names no tool."),), "") if certain else None
    )


_NAME = re.compile(r"[\"']?(?:name|tool_name|function|tool)[\"']?\s*:\s*[\"']([\w.:-]{1,64})[\"']")


def _name_in(body: str) -> str:
    """The name that a broken call gives, for the message that goes back to the model."""
    found = _NAME.search(body, 0, 4096)
    return found[1] if found is not None else ""


def certain_values(
    text: str, at: int, offer: Offer, *, final: bool, stop: Literal["tag", "fence"] = "tag"
) -> Calls | Wait:
    """JSON values one after the other from `at` on, where a tag says that they are calls."""
    calls: list[Found] = []
    said: list[str] = []
    end = at
    while True:
        bounds = bounds_of(text, at, stop)
        if bounds.state == "open" and not final:
            return WAIT
        found, words = read_calls(text[at : bounds.end].rstrip(), offer, certain=True) or ((), "")
        calls += found
        said += [words] if words else []
        end = bounds.end
        surplus = _SURPLUS.match(text, end)
        end = surplus.end() if surplus is not None else end
        at = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
        if not final and _PART_OF_NEXT.match(text, at):
            return WAIT
        if not _NEXT.match(text, at):
            return Calls(end, tuple(calls), "\n".join(said))


def arguments_at(text: str, at: int, *, final: bool, stop: Literal["tag", "fence"] = "tag") -> tuple[Any, int] | None:
    """The arguments of a call whose name stands before them: an object, or text that holds one.

    Returns:
        The value and its end; ``None`` if more text is needed.

    Raises:
        ValueError: There is no value.
    """
    if at >= len(text):
        if not final:
            return None
        return {}, at
    if text[at] == '"':
        if not final and re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL).match(text, at) is None:
            return None
        return read_value(text, at)
    if text[at] not in "{[":
        message = "The arguments are no JSON object"
        raise ValueError(message)
    bounds = bounds_of(text, at, stop)
    if bounds.state == "open" and not final:
        return None
    if bounds.end - at > MAX_ARGUMENTS:
        message = "The arguments are longer than 1 MiB."
        raise ValueError(message)
    return loads(text[at : bounds.end]), bounds.end
