"""Tools and response formats in the forms that users give them → OpenAI's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    ToolLike: TypeAlias = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
else:
    # Loading the tools' classes takes milliseconds, and LangChain evaluates annotations where it binds fallbacks.
    ToolLike = Mapping[str, Any] | type | Callable[..., Any]

_FORMAT_TYPES = frozenset({"json_schema", "json_object", "text"})


def to_openai_tools(tools: Sequence[ToolLike], *, strict: bool | None = None) -> list[dict[str, Any]]:
    """`tools` in OpenAI's form; dicts that have it already are taken over as they are.

    Args:
        tools: Functions, pydantic classes, TypedDicts, LangChain tools, or dicts in OpenAI's, Anthropic's or JSON
            schema form.
        strict: Whether the model is asked to follow the schemas to the letter; ``None`` asks for nothing.
    """
    return [convert_to_openai_tool(tool, strict=strict) for tool in tools]


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
