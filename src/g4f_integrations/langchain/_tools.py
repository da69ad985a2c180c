"""Tools, tool choices and response formats in the forms that users give them → OpenAI's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

from g4f_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    ToolLike: TypeAlias = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
else:
    # Loading the tools' classes takes milliseconds, and LangChain evaluates annotations where it binds fallbacks.
    ToolLike = Mapping[str, Any] | type | Callable[..., Any]

ToolChoice: TypeAlias = str | Mapping[str, Any]

_WORDS = {"auto": "auto", "none": "none", "any": "required", "required": "required"}
_FORMAT_TYPES = frozenset({"json_schema", "json_object", "text"})


def to_openai_tools(tools: Sequence[ToolLike], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """`tools` in OpenAI's form; dicts that have it already are taken over as they are.

    Args:
        tools: Functions, pydantic classes, TypedDicts, LangChain tools, or dicts in OpenAI's, Anthropic's or JSON
            schema form.
        strict: Whether the model is asked to follow the schemas to the letter; ``None`` asks for nothing.
    """
    return [convert_to_openai_tool(tool, strict=strict) for tool in tools]


def to_tool_choice(choice: Any, tools: Sequence[Mapping[str, Any]]) -> ToolChoice | None:
    """`choice` in OpenAI's form.

    Args:
        choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"``, a tool's name, ``True`` (some tool), ``False`` or
            ``None`` (say nothing), or a dict in OpenAI's or Anthropic's form.
        tools: The tools bound, in OpenAI's form.

    Raises:
        ConfigurationError: The choice names a tool that is not bound, or has no known form.
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
    if choice in _tool_names(tools):  # first, for a tool may be called "any"
        return _named_choice(choice)
    if choice in _WORDS:
        return _WORDS[choice]
    raise ConfigurationError(_unknown_tool(choice, tools))


def _choice_of_dict(choice: Mapping[str, Any], tools: Sequence[Mapping[str, Any]]) -> ToolChoice:
    kind, function = choice.get("type"), choice.get("function")
    if kind in _WORDS and "name" not in choice:  # Anthropic's {"type": "any"}
        return _WORDS[kind]
    name = function.get("name") if isinstance(function, Mapping) else choice.get("name")
    if name is None:
        return dict(choice)  # a built-in tool of some endpoint
    if name not in _tool_names(tools):
        raise ConfigurationError(_unknown_tool(name, tools))
    return dict(choice) if function is not None else _named_choice(name)


def _named_choice(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _tool_names(tools: Sequence[Mapping[str, Any]]) -> list[str]:
    return [tool["function"]["name"] for tool in tools if isinstance(tool.get("function"), Mapping)]


def _unknown_tool(name: str, tools: Sequence[Mapping[str, Any]]) -> str:
    known = ", ".join(map(repr, _tool_names(tools))) or "none"
    return f"tool_choice {name!r} is not among the bound tools ({known})"


def to_response_format(response_format: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """`response_format` in OpenAI's form.

    Args:
        response_format: A dict in OpenAI's form (taken over as it is), a JSON schema, a pydantic class or a TypedDict.
        strict: Whether the model is asked to follow the schema to the letter.
    """
    if isinstance(response_format, Mapping) and response_format.get("type") in _FORMAT_TYPES:
        return dict(response_format)
    schema = convert_to_json_schema(response_format)
    wrapped: dict[str, Any] = {"name": schema.get("title", "answer"), "schema": schema}
    if strict is not None:
        wrapped["strict"] = strict
    return {"type": "json_schema", "json_schema": wrapped}
