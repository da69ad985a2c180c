"""Tool-call fragments → complete calls. A call leaves here only when it is whole, because a cut one looks valid."""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import dataclass, field

from g4f_integrations.core.events import InvalidToolCall, ToolCall, ToolCallDelta

_ID_ALPHABET = string.ascii_letters + string.digits
_MAX_ARGUMENTS = 1 << 20  # characters; more is no call but an attack or a loop


def new_call_id() -> str:
    """A fresh id of nine alphanumerics, which every provider accepts (Mistral demands exactly these)."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(9))


@dataclass(slots=True)
class _Parts:
    id: str | None = None
    name: str | None = None
    arguments: list[str] = field(default_factory=list)
    size: int = 0


class ToolCallAssembler:
    """Collects the fragments of one answer's tool calls."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], _Parts] = {}

    def __bool__(self) -> bool:
        return bool(self._parts)

    def feed(self, delta: ToolCallDelta) -> None:
        """Take one fragment. Id and name count once; a fragment that repeats them changes nothing."""
        parts = self._parts.setdefault((delta.choice, delta.index), _Parts())
        parts.id = parts.id or delta.id
        parts.name = parts.name or delta.name
        if delta.arguments and parts.size <= _MAX_ARGUMENTS:
            parts.arguments.append(delta.arguments)
            parts.size += len(delta.arguments)

    def close(self) -> list[ToolCall | InvalidToolCall]:
        """All calls, in order; one whose arguments are no JSON object comes out as invalid."""
        calls = [_finish(choice, parts) for (choice, _), parts in sorted(self._parts.items())]
        self._parts = {}
        return calls


def _finish(choice: int, parts: _Parts) -> ToolCall | InvalidToolCall:
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
        return InvalidToolCall(call_id, name, text, f"The arguments are no JSON: {error}", choice)
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        return InvalidToolCall(call_id, name, text, "The arguments are no JSON object.", choice)
    return ToolCall(call_id, name, arguments, choice)
