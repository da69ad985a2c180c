"""A call as a model wrote it → a call that its tool can take, or a plain word on why it cannot be one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.events import InvalidToolCall, ToolCall
from g4f_integrations.core.toolcalls.names import match_name, schema_of, tool_names
from g4f_integrations.core.toolcalls.problems import LONGEST_LINE, found_words, one_line
from g4f_integrations.core.toolcalls.repair import repair_value
from g4f_integrations.core.toolcalls.tolerant_json import loads

__all__ = ["MAX_ARGUMENTS", "repair_value", "settle_call"]

MAX_ARGUMENTS = 1 << 20
"""Characters of one call's arguments; more is no call but an attack or a loop."""

_LONGEST_KEPT = 1000  # characters of arguments that are too long, for the log
_LONGEST_NAME = 64  # characters of a name in an error
_NAMED_TOOLS = 10  # told when a name is unknown
_ENCODINGS = 3  # JSON text in JSON text
_WRAPPERS = ("arguments", "parameters", "args", "params", "kwargs", "input", "tool_input", "action_input")
_BESIDE = frozenset(("name", "tool", "function", "id", "type"))  # keys of a call that stand beside its arguments


class _UnusableError(ValueError):
    """The arguments are no object; the message says what they are."""


def settle_call(
    call_id: str, name: str, arguments: Any, tools: Sequence[Mapping[str, Any]], choice: int = 0
) -> ToolCall | InvalidToolCall:
    """The call that a model meant by `name` and `arguments`.

    Args:
        call_id: The id that the call gets.
        name: As the model wrote it.
        arguments: A dict; ``None`` for none; JSON text, also sloppy and encoded several times; or the value of the
            tool's only parameter.
        tools: The tools that were offered, in OpenAI's function form.
        choice: Which answer the call belongs to.

    Returns:
        The call under the tool's own name, whose arguments fit the tool's schema: those given, if they do, else a
        repaired copy (see `repair_value`). Otherwise an invalid call, whose `error` is one line of at most 300
        characters for the model to read.

    Example:
        >>> schema = {"type": "object", "properties": {"days": {"type": "integer"}}}
        >>> tools = [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}]
        >>> settle_call("a1b2c3d4e", "getWeather", "{'days': '3'}", tools)
        ToolCall(id='a1b2c3d4e', name='get_weather', arguments={'days': 3}, choice=0)
    """
    known = match_name(name, tools)
    if known is None:
        return InvalidToolCall(call_id, name, _raw(arguments), _unknown(name, tools), choice)
    schema = schema_of(known, tools)
    try:
        given = _as_object(arguments, schema)
    except _UnusableError as error:
        return InvalidToolCall(call_id, known, _raw(arguments), str(error)[:LONGEST_LINE], choice)
    repaired, problems = repair_value(given, schema)
    if problems or not isinstance(repaired, dict):
        error_line = one_line(problems or [f"expected an object of arguments, found {found_words(repaired)}"])
        return InvalidToolCall(call_id, known, _raw(arguments), error_line, choice)
    return ToolCall(call_id, known, repaired, choice)


def _as_object(arguments: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` as an object, not yet checked.

    Raises:
        _UnusableError: They are none.
    """
    value = _decoded(arguments, schema) if isinstance(arguments, str) else arguments
    if value is None:
        return {}
    if isinstance(value, dict):
        return _unwrapped(value, schema) if len(value) <= _MOST_WRAPPED else value
    if isinstance(value, Mapping):
        return _unwrapped(dict(value), schema)
    lone = _lone_parameter(schema)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and not _takes(lone, schema, "array"):
        return _unwrapped(value[0], schema)
    if lone is not None:
        return {lone: value}
    message = f"expected an object of arguments, found {found_words(value)}"
    raise _UnusableError(message)


_MOST_WRAPPED = len(_BESIDE) + 1  # keys of an object that can be a whole call


def _decoded(text: str, schema: Mapping[str, Any]) -> Any:
    """What a text of arguments holds: JSON, JSON in JSON, or the bare text of the tool's only parameter."""
    if len(text) > MAX_ARGUMENTS:
        message = "the arguments are longer than 1 MiB"
        raise _UnusableError(message)
    lone = _lone_parameter(schema)
    value: Any = text
    for _ in range(_ENCODINGS):
        if not value.strip():
            return None
        try:
            inner = loads(value)
        except ValueError as error:
            if lone is not None and not value.lstrip().startswith(("{", "[")):
                return {lone: value}
            message = f"the arguments are no JSON: {error}"
            raise _UnusableError(message) from None
        if not isinstance(inner, dict | list | str) and inner is not None and _takes(lone, schema, "string"):
            return {lone: value}  # as it was written: 007 stays 007
        if not isinstance(inner, str):
            return inner
        value = inner
        if _takes(lone, schema, "string") and not value.lstrip().startswith(("{", '"')):
            break
    return value


def _unwrapped(value: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that were put into a member of their own, if the tool has no parameter of that name."""
    wrapper = next((key for key in _WRAPPERS if key in value), None)
    properties = schema.get("properties")
    if wrapper is None or not isinstance(properties, Mapping) or wrapper in properties:
        return value
    if schema.get("additionalProperties") or value.keys() - {wrapper} - _BESIDE or _BESIDE & properties.keys():
        return value
    inner = value[wrapper]
    if isinstance(inner, str):
        try:
            inner = loads(inner)
        except ValueError:
            return value
    return inner if isinstance(inner, dict) else value


def _lone_parameter(schema: Mapping[str, Any]) -> str | None:
    """The parameter that a bare value must mean: the only one, or the only required one."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, Mapping):
        return None
    if len(properties) == 1:
        return str(next(iter(properties)))
    if isinstance(required, list) and len(required) == 1 and required[0] in properties:
        return str(required[0])
    return None


def _takes(name: str | None, schema: Mapping[str, Any], kind: str) -> bool:
    """Whether the parameter `name` can be of a type, as far as its schema says so plainly."""
    wanted = schema["properties"][name] if name is not None else None
    if not isinstance(wanted, Mapping):
        return False
    branches = [wanted, *(branch for branch in wanted.get("anyOf", ()) if isinstance(branch, Mapping))]
    types = [branch.get("type") for branch in branches]
    return any(kind == one or (isinstance(one, list) and kind in one) for one in types)


def _raw(arguments: Any) -> str:
    """The arguments as text, for those who look into an invalid call."""
    if isinstance(arguments, str):
        return arguments if len(arguments) <= MAX_ARGUMENTS else arguments[:_LONGEST_KEPT]
    try:
        return json.dumps({} if arguments is None else arguments, ensure_ascii=False, default=repr)
    except (TypeError, ValueError, RecursionError):
        return found_words(arguments)


def _unknown(name: str, tools: Sequence[Mapping[str, Any]]) -> str:
    names = tool_names(tools)
    asked = found_words(name[:_LONGEST_NAME])
    if not names:
        return f"there is no tool {asked}; no tools were offered"
    told = ", ".join(names[:_NAMED_TOOLS])
    more = f" and {len(names) - _NAMED_TOOLS} more" if len(names) > _NAMED_TOOLS else ""
    line = f"there is no tool {asked}; the tools are {told}{more}"
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
