"""`tool_choice` in every form that users give it → OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from g4f_integrations.errors import ConfigurationError

ToolChoice: TypeAlias = str | Mapping[str, Any]

_WORDS = {"auto": "auto", "none": "none", "any": "required", "required": "required"}


def to_tool_choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> ToolChoice | None:
    """`choice` in OpenAI's form.

    Args:
        choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"``, a tool's name, ``True`` (some tool), ``False`` or
            ``None`` (say nothing), or a dict in OpenAI's or Anthropic's form.
        tools: The tools offered, in OpenAI's form.

    Raises:
        ConfigurationError: The choice names a tool that is not offered, or has no known form.
    """
    if choice is None or choice is False:
        return None
    if choice is True:
        return "required"
    if isinstance(choice, Mapping):
        return _choice_of_dict(choice, tools)
    if not isinstance(choice, str):
        message = f"tool_choice must be a string, a bool or a dict, not {type(choice).__name__}"
        raise ConfigurationError(message)
    if choice in tool_names(tools):  # first, for a tool may be called "any"
        return _named_choice(choice)
    if choice in _WORDS:
        return _WORDS[choice]
    raise ConfigurationError(_unknown_tool(choice, tools))


def tool_names(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of `tools`, which are in OpenAI's form."""
    return [tool["function"]["name"] for tool in tools if isinstance(tool.get("function"), Mapping)]


def _choice_of_dict(choice: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> ToolChoice:
    kind, function = choice.get("type"), choice.get("function")
    if kind in _WORDS and "name" not in choice:  # Anthropic's {"type": "any"}
        return _WORDS[kind]
    name = function.get("name") if isinstance(function, Mapping) else choice.get("name")
    if name is None:
        return dict(choice)  # a built-in tool of some endpoint
    if name not in tool_names(tools):
        raise ConfigurationError(_unknown_tool(name, tools))
    return dict(choice) if function is not None else _named_choice(name)


def _named_choice(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _unknown_tool(name: str, tools: Sequence[Mapping[str, Any]]) -> str:
    known = ", ".join(map(repr, tool_names(tools))) or "none"
    return f"tool_choice {name!r} is not among the bound tools ({known})"
