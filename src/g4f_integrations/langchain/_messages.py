"""LangChain messages → chat messages in OpenAI wire form.

Plain text goes through untouched. What LangChain keeps in fields of its own (tool calls, tool results, names, roles)
goes where the wire has it; see `_content` for everything inside a content list. Nothing of the caller's is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from g4f_integrations.core.request import FailedToolResult
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.langchain._content import to_parts

WireMessage: TypeAlias = dict[str, Any]

_ROLES = {  # of messages that need no more than a role and their text
    "human": "user",
    "HumanMessageChunk": "user",
    "system": "system",
    "SystemMessageChunk": "system",
    "ai": "assistant",
}
_WIRE_CALL_KEYS = ("id", "type", "function")


def to_wire(messages: Sequence[BaseMessage]) -> list[WireMessage]:
    """`messages` in OpenAI wire form.

    A user message with Anthropic's ``tool_result`` blocks becomes a tool message per block, followed by the rest.

    Raises:
        ConfigurationError: A message or one of its blocks is of a kind that has no place in a chat; the error names
            its position.
    """
    wire: list[WireMessage] = []
    append = wire.append
    for index, message in enumerate(messages):
        try:
            role = _ROLES.get(message.type)
            content = message.content
            # The common case, kept short: histories can hold a thousand of them.
            if (
                role is not None
                and type(content) is str
                and not message.additional_kwargs
                and message.name is None
                and (type(message) is not AIMessage or not (message.tool_calls or message.invalid_tool_calls))
            ):
                append({"role": role, "content": content})
            else:
                if type(message) is not ToolMessage and getattr(message, "invalid_tool_calls", None):
                    message = _with_unanswered_told(message, messages)  # noqa: PLW2901  the same message, sendable
                wire.extend(_convert_message(message))
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            problem = f"messages[{index}] ({type(message).__name__}) cannot be sent: {error}"
            raise ConfigurationError(problem) from error
    return wire


def _convert_message(message: BaseMessage) -> Iterable[WireMessage]:
    if isinstance(message, AIMessage):
        return (_convert_assistant(message),)
    if isinstance(message, HumanMessage):
        return _convert_user(message)
    if isinstance(message, ToolMessage):
        content = _content(_unwrapped(message.content))
        result = {"role": "tool", "tool_call_id": message.tool_call_id, "content": content}
        return (FailedToolResult(result) if message.status == "error" else result,)
    if isinstance(message, SystemMessage):
        return (_named(message, str(message.additional_kwargs.get("__openai_role__", "system"))),)
    if isinstance(message, FunctionMessage):
        return ({"role": "function", "name": message.name, "content": _content(message.content)},)
    if isinstance(message, ChatMessage):
        return (_named(message, message.role),)
    problem = "expected a human, AI, system, tool, function or chat message"
    raise TypeError(problem)


def _content(content: str | list[Any], *, assistant: bool = False) -> str | list[dict[str, Any]]:
    return content if isinstance(content, str) else to_parts(content, assistant=assistant) or ""


def _unwrapped(content: str | list[Any]) -> str | list[Any]:
    """A tool's result without Anthropic's ``tool_result`` around it."""
    if isinstance(content, str):
        return content
    blocks: list[Any] = []
    for block in content:
        inner = block.get("content") if isinstance(block, Mapping) and block.get("type") == "tool_result" else [block]
        blocks += [inner] if isinstance(inner, str) else inner or []
    return blocks


def _named(message: BaseMessage, role: str) -> WireMessage:
    wire: WireMessage = {"role": role, "content": _content(message.content, assistant=role == "assistant")}
    name = message.name or message.additional_kwargs.get("name")
    if name is not None:
        wire["name"] = name
    return wire


def _convert_user(message: HumanMessage) -> Iterable[WireMessage]:
    wire = _named(message, "user")
    results = [
        {
            "role": "tool",
            "tool_call_id": block.get("tool_use_id"),
            "content": _content(block.get("content") or ""),
        }
        for block in (message.content if isinstance(message.content, list) else ())
        if isinstance(block, Mapping) and block.get("type") == "tool_result"
    ]
    return [*results, wire] if wire["content"] or not results else results


def _convert_assistant(message: AIMessage) -> WireMessage:
    wire = _named(message, "assistant")
    extra = message.additional_kwargs
    calls = _wire_calls(message)
    if calls:
        wire["tool_calls"] = calls
    elif extra.get("tool_calls"):
        wire["tool_calls"] = [
            {key: call[key] for key in _WIRE_CALL_KEYS if key in call} for call in extra["tool_calls"]
        ]
    elif extra.get("function_call"):
        wire["function_call"] = dict(extra["function_call"])
    if ("tool_calls" in wire or "function_call" in wire) and not wire["content"]:
        wire["content"] = None  # the wire's own form of "called a tool and said nothing"
    return wire


def _with_unanswered_told(message: BaseMessage, messages: Sequence[BaseMessage]) -> BaseMessage:
    """`message` with those of its invalid calls as text that nobody answers, for which endpoints refuse a history."""
    assert isinstance(message, AIMessage)
    answered = {other.tool_call_id for other in messages if isinstance(other, ToolMessage)}
    told = [f"{call['name']}({call['args']})" for call in message.invalid_tool_calls if call["id"] not in answered]
    if not told:
        return message
    kept = [call for call in message.invalid_tool_calls if call["id"] in answered]
    said = [message.content] if isinstance(message.content, str) else message.content
    content: list[Any] | str = [*filter(None, said), *told]
    if isinstance(message.content, str):
        content = "\n".join(content)
    return message.model_copy(update={"invalid_tool_calls": kept, "content": content})


def _wire_calls(message: AIMessage) -> list[dict[str, Any]]:
    calls = [_wire_call(call["id"], call["name"], call["args"]) for call in message.tool_calls]
    calls += [_wire_call(call["id"], call["name"], call["args"] or "") for call in message.invalid_tool_calls]
    if isinstance(message.content, list):
        known = {call["id"] for call in calls}
        calls += [call for call in map(_call_in_block, message.content) if call and call["id"] not in known]
    return calls


def _call_in_block(block: Any) -> dict[str, Any] | None:
    """The call that a content block holds, in messages that were put together from blocks alone."""
    if not isinstance(block, Mapping):
        return None
    if block.get("type") == "function_call" and block.get("call_id"):  # OpenAI's Responses; `id` is the item's there
        return _wire_call(block["call_id"], block.get("name"), block.get("arguments") or {})
    if not block.get("id"):
        return None
    if block.get("type") == "tool_use":
        return _wire_call(block["id"], block.get("name"), block.get("input") or {})
    if block.get("type") == "tool_call":
        return _wire_call(block["id"], block.get("name"), block.get("args") or {})
    return None


def _wire_call(identifier: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {"type": "function", "id": identifier, "function": {"name": name, "arguments": text}}
