"""Prompts and answers in the form that the semantic conventions give them; only where they are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.events import Batch, InvalidToolCall, ReasoningDelta, TextDelta, ToolCall
from g4f_integrations.core.request import Request


def input_attributes(request: Request) -> dict[str, str]:
    """What is asked, as attributes of a span: the system's instructions, the conversation and the tools."""
    said = [message for message in request.messages if message.get("role") not in {"system", "developer"}]
    told = [message for message in request.messages if message.get("role") in {"system", "developer"}]
    attributes = {"gen_ai.input.messages": _json([_message(message) for message in said])}
    if told:
        parts = [part for message in told for part in _parts(message.get("content"))]
        attributes["gen_ai.system_instructions"] = _json(parts)
    if request.tools:
        attributes["gen_ai.tool.definitions"] = _json(list(request.tools))
    return attributes


class Contents:
    """Collects an answer while it passes."""

    __slots__ = ("_calls", "_reasoning", "_texts")

    def __init__(self) -> None:
        self._texts: dict[int, list[str]] = {}
        self._reasoning: dict[int, list[str]] = {}
        self._calls: dict[int, list[ToolCall | InvalidToolCall]] = {}

    def take(self, batch: Batch) -> None:
        """See some events of the answer."""
        for event in batch:
            if isinstance(event, TextDelta):
                self._texts.setdefault(event.choice, []).append(event.text)
            elif isinstance(event, ReasoningDelta):
                self._reasoning.setdefault(event.choice, []).append(event.text)
            elif isinstance(event, ToolCall | InvalidToolCall):
                self._calls.setdefault(event.choice, []).append(event)

    def attributes(self, reasons: Sequence[str]) -> dict[str, str]:
        """The answer as attributes of a span.

        Args:
            reasons: Why each choice ended.
        """
        messages = []
        for choice, reason in enumerate(reasons):
            parts: list[dict[str, Any]] = []
            if reasoning := "".join(self._reasoning.get(choice, ())):
                parts.append({"type": "reasoning", "content": reasoning})
            if text := "".join(self._texts.get(choice, ())):
                parts.append({"type": "text", "content": text})
            parts += [
                {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
                for call in self._calls.get(choice, ())
            ]
            messages.append({"role": "assistant", "parts": parts, "finish_reason": reason})
        return {"gen_ai.output.messages": _json(messages)}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    role = message.get("role")
    if role == "tool":
        response = {"type": "tool_call_response", "id": message.get("tool_call_id"), "response": message.get("content")}
        return {"role": role, "parts": [response]}
    parts = _parts(message.get("content"))
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        made = {"type": "tool_call", "id": call.get("id"), "name": function.get("name")}
        parts.append({**made, "arguments": function.get("arguments")})
    return {"role": role, "parts": parts}


def _parts(content: Any) -> list[dict[str, Any]]:
    """A message's content as parts; pictures and sounds are named, not copied."""
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "content": content}]
    if not isinstance(content, Sequence):
        return [{"type": "text", "content": str(content)}]
    return [
        {"type": "text", "content": part.get("text")}
        if isinstance(part, Mapping) and part.get("type") == "text"
        else {"type": str(part.get("type")) if isinstance(part, Mapping) else "text"}
        for part in content
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
