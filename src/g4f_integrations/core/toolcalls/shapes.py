"""JSON value → calls: the shapes in which models put a call into JSON, and the JSON that is an answer instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import Found

NAME_KEYS = ("name", "tool_name", "function_name", "tool", "function", "action", "recipient_name")
_ARGUMENT_KEYS = (
    "arguments",
    "args",
    "parameters",
    "params",
    "input",
    "tool_input",
    "action_input",
    "kwargs",
    "tool_args",
    "tool_arguments",
    "function_args",
    "function_arguments",
    "tool_parameters",
)
_ID_KEYS = ("id", "call_id", "tool_call_id", "tool_use_id")
_LIST_KEYS = ("tool_calls", "toolcalls", "function_calls", "functioncalls", "tool_uses")
_ONE_KEYS = ("function_call", "tool_call", "functioncall", "toolcall", "tool_use", "call")
_TALK = ("thought", "thoughts", "thinking", "reasoning", "reason", "rationale", "explanation", "comment", "intent")
_BESIDE = {*_ID_KEYS, *_TALK, "type", "kind", "index", "role", "content", "step"}
WRAPPER_NAMES = {"tool_call", "function_call", "tool_calls", "call_tool", "use_tool", "tool_use", "call", "function"}

_DEEPEST = 2  # wrappers in wrappers

LEADING = {*NAME_KEYS, *_ARGUMENT_KEYS, *_LIST_KEYS, *_ONE_KEYS, *_BESIDE}
"""Keys with which the JSON of a call can begin, beside the names of tools. Other JSON is an answer."""


def plain_key(key: str) -> str:
    """A key as it is looked up: ``toolName``, ``tool-name`` and ``Tool Name`` are ``tool_name``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[-\s]+", "_", key.strip()).lower()


def calls_in(value: Any, offer: Offer, *, certain: bool) -> tuple[tuple[Found, ...], str] | None:
    """The calls that `value` consists of, and prose that stood beside them; ``None`` if it is an answer.

    Args:
        value: Parsed JSON.
        offer: The tools of the request.
        certain: Whether what stands around the value says that it is a call (a tag), so that an unknown name
            makes an invalid call and not an answer.
    """
    if isinstance(value, list):
        calls = _calls_in_list(value, offer, certain=certain)
        return None if calls is None else (calls, "")
    if not isinstance(value, dict):
        return None
    keys = _plain_keys(value)
    wrapped = next((value[keys[key]] for key in _LIST_KEYS if key in keys), None)
    if wrapped is None:
        calls = _calls_in_object(value, keys, offer, certain=certain)
    else:
        items = wrapped if isinstance(wrapped, list) else [wrapped]
        calls = _calls_in_list(items, offer, certain=True) if all(_is_shaped(item) for item in items) else None
    return None if calls is None else (calls, _said(value) if keys.keys() & {"role", *_LIST_KEYS} else "")


def _calls_in_list(items: list[Any], offer: Offer, *, certain: bool) -> tuple[Found, ...] | None:
    known = [_calls_in_object(item, _plain_keys(item), offer) if isinstance(item, dict) else None for item in items]
    if not certain and not any(known):
        return None
    calls: list[Found] = []
    for item, sure in zip(items, known, strict=True):
        # One item that is a call makes calls of all that look like it.
        likely = _calls_in_object(item, _plain_keys(item), offer, certain=True) if _is_shaped(item) else None
        if not (sure or likely):
            return None
        calls.extend(sure or likely or ())
    return tuple(calls) or None


def _calls_in_object(
    value: dict[str, Any], keys: dict[str, str], offer: Offer, *, certain: bool = False
) -> tuple[Found, ...] | None:
    found = _wrapped_one(value, keys, offer) or _call(value, keys, offer, certain=certain)
    return (found,) if found is not None else _by_tool_name(value, offer)


def _plain_keys(value: dict[str, Any]) -> dict[str, str]:
    return {plain_key(key): key for key in reversed(value) if isinstance(key, str)}


def _is_shaped(item: Any) -> bool:
    """Whether an item has a name and arguments, or is the wire's own ``{"function": {...}}``."""
    if not isinstance(item, dict):
        return False
    keys = {plain_key(key): key for key in item if isinstance(key, str)}
    if any(isinstance(item[keys[key]], dict) for key in ("function", *_ONE_KEYS) if key in keys):
        return True
    return any(isinstance(item[keys[key]], str) for key in NAME_KEYS if key in keys)


def _said(value: Mapping[str, Any]) -> str:
    content = value.get("content")
    return content.strip() if isinstance(content, str) else ""


def _wrapped_one(value: dict[str, Any], keys: dict[str, str], offer: Offer, depth: int = 0) -> Found | None:
    """``{"function": {"name", "arguments"}}`` and its like; the id may stand outside."""
    for key in ("function", *_ONE_KEYS, "tool", "action"):
        inner = value[keys[key]] if key in keys else None
        if not isinstance(inner, dict) or not inner:
            continue
        inner_keys = _plain_keys(inner)
        found = _wrapped_one(inner, inner_keys, offer, depth + 1) if depth < _DEEPEST else None
        found = found or _call(
            inner, inner_keys, offer, certain=key in _ONE_KEYS or {"type", "arguments"} <= {*keys, *inner_keys}
        )
        if found is not None:
            return Found(found.name, found.arguments, found.id or _id(value, keys), found.error)
    return None


def _id(value: dict[str, Any], keys: dict[str, str]) -> str | None:
    ids = (value[keys[key]] for key in _ID_KEYS if key in keys)
    return next((str(one) for one in ids if isinstance(one, (str, int))), None)


def _call(value: dict[str, Any], keys: dict[str, str], offer: Offer, *, certain: bool) -> Found | None:
    named = _named(value, keys, offer)
    if named is None:
        return None
    key, name = named
    tool = offer.match(name)
    if tool is None and not certain:
        return None
    argument_key = next((key for key in _ARGUMENT_KEYS if key in keys), None)
    if argument_key is None:
        arguments: Any = _flat(value, key, offer, tool)
        meant = certain or (offer.has(name) and offer.takes(name, arguments))
    else:
        arguments = value[keys[argument_key]]
        meant = certain or tool is None or not _is_definition(arguments, offer, tool)
    return Found(name, arguments, _id(value, keys)) if meant else None


def _named(value: dict[str, Any], keys: dict[str, str], offer: Offer) -> tuple[str, str] | None:
    """The key that holds the call's name, and the name: the first that is a tool's, else the first that is none's."""
    texts = [(keys[key], value[keys[key]]) for key in NAME_KEYS if key in keys and isinstance(value[keys[key]], str)]
    named = [(key, name) for key, name in texts if plain_key(name) not in WRAPPER_NAMES or offer.has(name)] or texts
    return next(((key, name) for key, name in named if offer.match(name) is not None), named[0] if named else None)


def _flat(value: dict[str, Any], name_key: str, offer: Offer, tool: str | None) -> dict[str, Any]:
    """Arguments that stand beside the name: all but what calls have beside their arguments."""
    own = offer.properties(tool) if tool is not None else {}
    return {
        key: item for key, item in value.items() if key != name_key and (key in own or plain_key(key) not in _BESIDE)
    }


def _is_definition(arguments: Any, offer: Offer, tool: str) -> bool:
    """Whether "parameters" is the tool's schema, as in an answer that describes the tool."""
    if not isinstance(arguments, dict) or "properties" in offer.properties(tool):
        return False
    properties = arguments.get("properties")
    return arguments.get("type") == "object" and isinstance(properties, dict)


def _by_tool_name(value: dict[str, Any], offer: Offer) -> tuple[Found, ...] | None:
    """``{"get_weather": {"city": "Paris"}}``: only exact names, and only arguments that the tools can take."""
    calls = []
    for name, arguments in value.items():
        if not offer.has(name) or not isinstance(arguments, dict) or not offer.takes(name, arguments):
            return None
        calls.append(Found(name, arguments))
    return tuple(calls) or None
