"""Tools and schemas in the forms that users give them → OpenAI's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool
from pydantic import BaseModel, TypeAdapter

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    ToolLike: TypeAlias = Mapping[str, Any] | type | Callable[..., Any] | BaseTool
else:
    # Loading the tools' classes takes milliseconds, and LangChain evaluates annotations where it binds fallbacks.
    ToolLike = Mapping[str, Any] | type | Callable[..., Any]

_FORMAT_TYPES = frozenset({"json_schema", "json_object", "text"})
_ILL_NAMED = re.compile(r"[^A-Za-z0-9_-]+")
_REFERENCE = re.compile(r'"#/\$defs/([^"]+)"')
_NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}}
_LONGEST_NAME = 64  # characters; OpenAI's limit for names of tools and formats


class Described(NamedTuple):
    """A schema as routes are told of it.

    Attributes:
        name: Its name, in the characters that routes take.
        schema: The JSON schema.
        description: What it is for; ``""`` if nobody said.
    """

    name: str
    schema: dict[str, Any]
    description: str = ""

    def as_tool(self, *, strict: bool | None = None) -> dict[str, Any]:
        """The tool whose arguments are the answer."""
        function: dict[str, Any] = {"name": self.name, "parameters": self.schema}
        if self.description:
            function["description"] = self.description
        if strict is not None:
            function["strict"] = strict
        return {"type": "function", "function": function}

    def as_response_format(self, *, strict: bool | None = None) -> dict[str, Any]:
        """The same as OpenAI's ``response_format``."""
        wrapped: dict[str, Any] = {"name": self.name, "schema": self.schema}
        if self.description and "description" not in self.schema:
            wrapped["description"] = self.description
        if strict is not None:
            wrapped["strict"] = strict
        return {"type": "json_schema", "json_schema": wrapped}


def describe_schema(schema: Any, *, strict: bool | None = None) -> Described:
    """A schema in any of the forms that users have for one.

    Args:
        schema: A JSON schema (taken over as it is), a tool in OpenAI's or Anthropic's form, a ``response_format`` in
            OpenAI's form, a pydantic class of either version, a TypedDict or a dataclass.
        strict: ``True`` closes its objects to further properties, without which endpoints refuse a strict schema.

    Raises:
        TypeError: It is none of these.
        ValueError: It is a class that cannot be told as a JSON schema.
    """
    if isinstance(schema, Mapping):
        described = _described(schema)
        return _closed(described) if strict and "properties" in described.schema else described
    if isinstance(schema, type) and is_dataclass(schema):
        return describe_schema({"title": schema.__name__, **TypeAdapter(schema).json_schema()}, strict=strict)
    if not callable(schema):
        message = f"a schema is a dict, a pydantic class, a TypedDict or a dataclass, not {type(schema).__name__}"
        raise TypeError(message)
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        whole = schema.model_json_schema()
        if _is_recursive(whole):  # LangChain's converter cuts a recursion off, and the answer could be anything there
            return _described({"title": schema.__name__, "description": schema.__doc__ or "", **whole})
    return _described(convert_to_openai_function(schema, strict=strict))


def _described(given: Mapping[str, Any]) -> Described:
    for wrapper in ("function", "json_schema"):
        inner = given.get(wrapper)
        if given.get("type") == wrapper and isinstance(inner, Mapping):
            given = inner
    description = given.get("description") or ""
    if isinstance(given.get("name"), str) and "properties" not in given:
        members = (given.get(member) for member in ("parameters", "input_schema", "schema"))
        schema = next((member for member in members if isinstance(member, Mapping)), _NO_ARGUMENTS)
        return Described(_wire_name(given["name"]), dict(schema), description)
    return Described(_wire_name(given.get("title") or "answer"), dict(given), description)


def _closed(described: Described) -> Described:
    function = convert_to_openai_function({**described.schema, "title": described.name}, strict=True)
    return described._replace(schema=function["parameters"])


def _is_recursive(schema: Mapping[str, Any]) -> bool:
    """Whether one of the schema's definitions leads back to itself."""
    definitions = schema.get("$defs", {})
    leads_to = {name: set(_REFERENCE.findall(json.dumps(body, default=str))) for name, body in definitions.items()}
    for name in definitions:
        reached: set[str] = set()
        ahead = leads_to[name]
        while ahead:
            reached |= ahead
            ahead = {after for one in ahead for after in leads_to.get(one, ())} - reached
        if name in reached:
            return True
    return False


def _wire_name(name: Any) -> str:
    return _ILL_NAMED.sub("_", str(name)).strip("_")[:_LONGEST_NAME] or "answer"


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
        response_format: A dict in OpenAI's form (taken over as it is), or a schema as `describe_schema` takes it.
        strict: Whether the model is asked to follow the schema to the letter.
    """
    if isinstance(response_format, Mapping) and response_format.get("type") in _FORMAT_TYPES:
        return dict(response_format)
    return describe_schema(response_format, strict=strict).as_response_format(strict=strict)
