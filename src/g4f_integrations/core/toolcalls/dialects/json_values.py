"""Calls as bare JSON: ``{"name": …, "arguments": …}``, arrays of them, wrappers, one value after the other."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.bounds import Bounds, Stop
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, Calls, Found, Outcome, Plain, broken, found_in
from g4f_integrations.core.toolcalls.shapes import LEADING, NAME_KEYS, WRAPPER_NAMES, calls_in, plain_key
from g4f_integrations.core.toolcalls.source import Source
from g4f_integrations.core.toolcalls.tolerant_json import loads

BETWEEN = re.compile(r"[\s,;]*")
"""What stands between one value and the next."""
SURPLUS = re.compile(r"[\s}\])]*[}\])]")
"""Brackets that close nothing, which models like to add."""

_QUOTE = "[\"'“”\u2018\u2019]"
_SHORT = "[^\"'“”\u2018\u2019\\\\\n]{0,127}"
_KEY = re.compile(rf"\s*{_QUOTE}?([A-Za-z_][\w. -]{{0,127}}){_QUOTE}?\s*:\s*")
_PART_OF_KEY = re.compile(rf"\s*(?:{_QUOTE}?(?:[A-Za-z_][\w. -]{{0,127}}(?:{_QUOTE}?\s*)?)?)?\Z")
_SHORT_STRING = re.compile(rf"{_QUOTE}({_SHORT}){_QUOTE}")
_PART_OF_STRING = re.compile(rf"(?:{_QUOTE}{_SHORT})?\Z")
_SCALAR = re.compile(rf"(?:{_QUOTE}{_SHORT}{_QUOTE}|[-+.\w]{{1,64}})\s*,")
_PART_OF_SCALAR = re.compile(rf"(?:{_QUOTE}{_SHORT}{_QUOTE}?|[-+.\w]{{0,64}})\s*\Z")
_OPENING = re.compile(r"\s*(?:\[\s*)?\{\{?")
_PART_OF_OPENING = re.compile(r"\s*(?:\[\s*)?\Z")
_NEXT = re.compile(r"\{|\[\s*\{")
_PART_OF_NEXT = re.compile(r"(?:\[\s*)?\Z")
_WHOLE_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NAME = re.compile(r"[\"']?(?:name|tool_name|function|tool)[\"']?\s*:\s*[\"']([\w.:-]{1,64})[\"']")
_MOST_KEYS = 8  # leading keys that are looked at before the whole value is


def may_be_call(source: Source, at: int, offer: Offer) -> bool:
    """Whether the JSON at `at` can be a call, seen from its first keys.

    This is what lets JSON answers stream on: a call's JSON begins with a key that calls have, and its first name is
    a tool's.
    """
    opening = source.match(_OPENING, at, _PART_OF_OPENING)
    if opening is None:
        return False
    at = opening.end()
    for count in range(_MOST_KEYS):
        key = source.match(_KEY, at, _PART_OF_KEY)
        if key is None:
            return False
        name, at = plain_key(key[1]), key.end()
        if not count and name not in LEADING and not offer.has(key[1]):
            return False
        if name in NAME_KEYS:
            return _names_tool(source, at, offer)
        scalar = source.match(_SCALAR, at, _PART_OF_SCALAR)
        if scalar is None:
            break
        at = scalar.end()
    return True


def _names_tool(source: Source, at: int, offer: Offer) -> bool:
    name = source.match(_SHORT_STRING, at, _PART_OF_STRING)
    if name is None:
        return source.sign(at) == "{"
    return offer.match(name[1]) is not None or plain_key(name[1]) in WRAPPER_NAMES


def bare_json(source: Source, at: int, offer: Offer, stop: Stop | None = None) -> Outcome:
    """JSON that stands free at the head of a line: a call only if it has the shape and names a tool."""
    if not may_be_call(source, at, offer):
        return Plain(at + 1, "json")
    bounds = source.bounds(at, stop)
    found = read_calls(source, at, bounds, offer, certain=False)
    if found is not None:
        return Calls(bounds.end, *found)
    return Plain(at + 1, "json") if bounds.state == "open" else Plain(bounds.end)


def read_calls(
    source: Source, at: int, bounds: Bounds, offer: Offer, *, certain: bool
) -> tuple[tuple[Found, ...], str] | None:
    """The calls of the JSON value at `at`, and prose in it; ``None`` if it is an answer.

    A value that is cut in the middle of a string is no call, since nobody knows how the string goes on.
    """
    body = source.text[at : bounds.end].rstrip()
    if bounds.state == "cut":
        return (broken(_name_in(body), body, "The call is cut off."),), ""
    return _calls_of(body, offer, certain=certain)


def _calls_of(body: str, offer: Offer, *, certain: bool) -> tuple[tuple[Found, ...], str] | None:
    """The same of a text that is one value; if it is `certain` to be meant as a call, it is at least a broken one."""
    if len(body) > MAX_ARGUMENTS:
        return (broken(_name_in(body), body, "The call is longer than 1 MiB."),), ""
    try:
        found = calls_in(loads(_single_braces(body)), offer, certain=certain)
    except ValueError as error:
        return ((broken(_name_in(body), body, f"The call is no JSON: {error}"),), "") if certain else None
    if found is None and certain:
        return (broken("", body, "The call names no tool."),), ""
    return found


def _single_braces(body: str) -> str:
    """JSON as it would be if its braces were not doubled, as in the templates that models have seen."""
    return body.replace("{{", "{").replace("}}", "}") if body.startswith("{{") else body


def _name_in(body: str) -> str:
    """The name that a broken call gives, for the message that goes back to the model."""
    found = _NAME.search(body, 0, 4096)
    return found[1] if found is not None else ""


def certain_values(source: Source, at: int, offer: Offer, stop: Stop = "tag") -> Calls:
    """JSON values one after the other from `at` on, where a tag says that they are calls."""
    calls: list[Found] = []
    said: list[str] = []
    while True:
        bounds = source.bounds(at, stop)
        found, words = read_calls(source, at, bounds, offer, certain=True) or ((), "")
        end = bounds.end
        calls += found
        said += [words] if words else []
        surplus = SURPLUS.match(source.text, end)
        end = surplus.end() if surplus is not None else end
        at = source.skip(end, BETWEEN)
        if source.match(_NEXT, at, _PART_OF_NEXT) is None:
            return Calls(end, tuple(calls), "\n".join(said))


def call_with(source: Source, at: int, name: str, call_id: str | None = None, stop: Stop = "tag") -> Calls:
    """The call of `name` whose arguments are the JSON object at `at`, or JSON text that holds one."""
    string = _WHOLE_STRING.match(source.text, at)
    bounds = source.bounds(at, stop) if string is None else Bounds(string.end(), "whole")
    raw = source.text[at : bounds.end]
    if bounds.state == "cut":
        return Calls(bounds.end, (broken(name, raw, "The call is cut off."),))
    try:
        found = found_in(raw, name, loads(_single_braces(raw)) if len(raw) <= MAX_ARGUMENTS else None, call_id)
    except ValueError as error:
        found = broken(name, raw, f"The arguments are no JSON: {error}")
    return Calls(max(bounds.end, at + 1), (found,))
