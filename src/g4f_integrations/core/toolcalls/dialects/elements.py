"""Calls in tags that name the tool: ``<function=…>``, ``<invoke name=…>``, ``<get_weather>…``, ``<name>…</name>``."""

from __future__ import annotations

import re
from typing import Any

from g4f_integrations.core.toolcalls.dialects.json_values import call_with
from g4f_integrations.core.toolcalls.dialects.parameters import read_parameters
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import Calls, Found, Outcome, Plain
from g4f_integrations.core.toolcalls.source import Source

_ATTRIBUTES = re.compile(r"([A-Za-z_][\w.-]*)\s*=\s*\"([^\"<>]*)\"")
_CLOSING = re.compile(r"</[^<>]{0,40}?(?:function|invoke|tool|call)")
_PART_OF_CLOSING = re.compile(r"<(?:/[^<>]{0,60})?\Z")
_ELEMENT = re.compile(r"<([A-Za-z_][\w.-]{0,127})[\s=>]")
_PART_OF_ELEMENT = re.compile(r"<[\w.-]{0,128}\Z")
_PART_OF_OWN_END = re.compile(r"\s*(?:<(?:/[\w.-]*\s*)?)?\Z")
_FIELD = re.compile(r"<(?:name|tool_name|function|tool|server_name)>", re.IGNORECASE)
_PART_OF_FIELD = re.compile(r"<[a-z_]{0,12}\Z", re.IGNORECASE)
_PARAMETER_WORDS = {"parameter", "param", "arg", "argument"}
_NAME_FIELDS = ("tool_name", "name", "function", "tool")
_ARGUMENT_FIELDS = ("arguments", "parameters", "args", "input", "params")


def named_call(source: Source, at: int, name: str, offer: Offer) -> Outcome:
    """What follows ``<function=name>`` or ``<invoke name="name">``: parameters, elements, JSON or nothing."""
    start = source.skip(at)
    sign = source.sign(start)
    if sign == "{":
        return call_with(source, start, name)
    arguments = read_parameters(source, start, elements=True) if sign == "<" else None
    if arguments is not None and arguments.values:
        return Calls(arguments.end, (arguments.call(name),))
    ends = start == len(source.text) or source.match(_CLOSING, start, _PART_OF_CLOSING) is not None
    return Calls(at, (Found(name, {}),)) if ends and offer.match(name) is not None else Plain(at)


def tool_element(source: Source, opened: re.Match[str], name: str, offer: Offer) -> Outcome:
    """``<get_weather><city>Paris</city></get_weather>``, if it holds arguments that the tool has, and ends."""
    at = opened.end()
    if opened[1] != name:
        attributes = dict(_ATTRIBUTES.findall(opened[1]))
        whole = opened[1].rstrip().endswith("/") and attributes and offer.takes(name, attributes)
        return Calls(at, (Found(name, attributes),)) if whole else Plain(at)
    start = source.skip(at)
    if source.sign(start) == "{":
        calls = call_with(source, start, name)
        return _until_own_end(source, calls.end, calls.found[0], offer)
    element = source.match(_ELEMENT, start, _PART_OF_ELEMENT)
    if element is None or (element[1] not in offer.properties(name) and element[1] not in _PARAMETER_WORDS):
        return Plain(at)
    arguments = read_parameters(source, start, elements=True)
    return _until_own_end(source, arguments.end, arguments.call(name), offer)


def _until_own_end(source: Source, at: int, found: Found, offer: Offer) -> Outcome:
    """The call whose arguments end at `at`, if the tag of its tool ends there too and the tool has such arguments."""
    closing = source.match(re.compile(rf"\s*</{re.escape(found.name)}\s*>"), at, _PART_OF_OWN_END)
    known = isinstance(found.arguments, dict) and set(found.arguments) <= set(offer.properties(found.name))
    return Calls(closing.end(), (found,)) if closing is not None and known else Plain(at)


def described_call(source: Source, at: int, offer: Offer) -> Outcome:
    """``<name>get_weather</name><arguments>{"city": "Paris"}</arguments>`` inside a wrapper."""
    if source.match(_FIELD, at, _PART_OF_FIELD) is None:
        return Plain(at)
    described = read_parameters(source, at, elements=True)
    fields = dict(described.values)
    fields.pop("server_name", None)
    name = next((str(fields.pop(key)) for key in _NAME_FIELDS if key in fields), "")
    if not fields and offer.match(name) is None:
        return Plain(at)
    key = next((key for key in _ARGUMENT_FIELDS if key in fields), None)
    return Calls(described.end, (described.call(name, fields if key is None else _inner(fields[key])),))


def _inner(text: Any) -> Any:
    """The arguments in an element: elements again, or JSON."""
    if not isinstance(text, str) or not text.lstrip().startswith("<"):
        return text or {}
    return read_parameters(Source(text, final=True), 0, elements=True).values
