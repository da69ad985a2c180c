"""Tool-call fragments → complete calls. A call leaves here only when it is whole, because a cut one looks valid."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from g4f_integrations.core.events import InvalidToolCall, ToolCall, ToolCallDelta
from g4f_integrations.core.toolcalls.ids import new_call_id

_MAX_ARGUMENTS = 1 << 20  # characters; more is no call but an attack or a loop


@dataclass(slots=True)
class _Parts:
    id: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list)
    size: int = 0


class ToolCallAssembler:
    """Collects the fragments of one answer's tool calls.

    Args:
        tools: The tools that were offered, in OpenAI's form: calls are fitted to their schemas. Without any, calls are
            taken as they are.
    """

    __slots__ = ("_parts", "_tools")

    def __init__(self, tools: Sequence[Mapping[str, Any]] = ()) -> None:
        self._parts: dict[tuple[int, int], _Parts] = {}
        self._tools = tools

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def size(self) -> int:
        """Characters of arguments so far."""
        return sum(parts.size for parts in self._parts.values())

    def feed(self, delta: ToolCallDelta) -> None:
        """Take one fragment. Id and name count once; a fragment that repeats them changes nothing."""
        parts = self._parts.setdefault((delta.choice, delta.index), _Parts())
        parts.id = parts.id or delta.id
        parts.name = parts.name or delta.name
        if delta.arguments and parts.size <= _MAX_ARGUMENTS:
            parts.arguments.append(delta.arguments)
            parts.size += len(delta.arguments)

    def close(self, *, cut: Collection[int] = ()) -> list[ToolCall | InvalidToolCall]:
        """All calls, in order; one that is no call of an offered tool with arguments that fit comes out as invalid.

        Args:
            cut: The choices that hit their token limit: what is no strict JSON was cut there, and is not mended.
        """
        calls = [
            _finish(choice, parts, self._tools, choice in cut) for (choice, _), parts in sorted(self._parts.items())
        ]
        self._parts = {}
        return calls


def _is_unclosed(text: str) -> bool:
    """Whether the arguments break off: half a call must not be run as if it were whole."""
    from g4f_integrations.core.toolcalls.tolerant_json import find_end  # only broken calls need it

    start = len(text) - len(text.lstrip())
    return text[start : start + 1] in {"{", "[", '"'} and find_end(text, start) is None


def _finish(choice: int, parts: _Parts, tools: Sequence[Mapping[str, Any]], cut: bool) -> ToolCall | InvalidToolCall:
    call_id = parts.id or new_call_id()
    text = "".join(parts.arguments)
    name = parts.name or ""
    if not name:
        return InvalidToolCall(call_id, name, text, "The call names no tool.", choice)
    if parts.size > _MAX_ARGUMENTS:
        return InvalidToolCall(call_id, name, text[:1000], "The arguments are longer than 1 MiB.", choice)
    try:
        arguments = json.loads(text, strict=False) if text.strip() else {}
        if isinstance(arguments, str):  # encoded twice
            arguments = json.loads(arguments, strict=False) if arguments.strip() else {}
    except (ValueError, RecursionError) as error:
        if cut or not tools or _is_unclosed(text):
            return InvalidToolCall(call_id, name, text, f"The arguments are no JSON: {error}", choice)
        arguments = text
    if tools:
        from g4f_integrations.core.toolcalls.arguments import settle_call  # only calls need it

        return settle_call(call_id, name, arguments, tools, choice)
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        return InvalidToolCall(call_id, name, text, "The arguments are no JSON object.", choice)
    return ToolCall(call_id, name, arguments, choice)
