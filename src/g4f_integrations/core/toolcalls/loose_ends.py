"""Calls without a result and results without a call: an agent that was stopped, a history that was cut.

Some endpoints take a history with them, others refuse the whole request. For these, what does not fit together is told
in text; calls and results that do stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from g4f_integrations.core.toolcalls.emulation import tell_calls

_ABOUT_TURNS = re.compile(r"\btools?\b|tool_|function|arguments|json", re.IGNORECASE)
_LONGEST = 4_000


def refuses_loose_ends(status: int, text: str, messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a server may have refused a history because its calls and results do not fit together.

    Args:
        status: HTTP status of the answer; a chat template that fails is llama.cpp's 500.
        text: Its body.
        messages: What was sent.
    """
    return status in {400, 422, 500} and _ABOUT_TURNS.search(text[:_LONGEST]) is not None and has_loose_ends(messages)


def has_loose_ends(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a call has no result or none in the right place, a result no call, or a call's arguments are no JSON."""
    return any(not in_order for _, in_order in _turns(messages))


def tell_loose_ends(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    r"""`messages` with what does not fit together as text; the others are the caller's own objects.

    Example:
        >>> tell_loose_ends([{"role": "tool", "tool_call_id": "c1", "content": "3"}])
        [{'role': 'user', 'content': '<tool_result id="c1">\n3\n</tool_result>'}]
    """
    told: list[Mapping[str, Any]] = []
    for turn, in_order in _turns(messages):
        told += turn if in_order else tell_calls(turn)
    return told


def _turns(messages: Sequence[Mapping[str, Any]]) -> Iterator[tuple[list[Mapping[str, Any]], bool]]:
    """Each message with the results that stand behind it, and whether these are just the ones that it asks for."""
    turn: list[Mapping[str, Any]] = []
    for message in messages:
        if turn and message.get("role") != "tool":
            yield turn, _fits(turn)
            turn = []
        turn.append(message)
    if turn:
        yield turn, _fits(turn)


def _fits(turn: Sequence[Mapping[str, Any]]) -> bool:
    first, *results = turn
    calls = first.get("tool_calls")
    if first.get("role") == "tool":
        return False
    if not calls:
        return not results
    if not isinstance(calls, list | tuple) or not all(map(_is_sound, calls)):
        return False
    asked = [call["id"] for call in calls]
    answered = [result.get("tool_call_id") for result in results]
    return len(set(asked)) == len(asked) and sorted(asked) == sorted(map(str, answered))


def _is_sound(call: Any) -> bool:
    """Whether a call has an id, and arguments that chat templates can read."""
    if not isinstance(call, Mapping) or not isinstance(call.get("id"), str):
        return False
    function = call.get("function")
    if not isinstance(function, Mapping):
        return True  # a kind of call that we do not know
    try:
        return isinstance(json.loads(function.get("arguments") or "{}"), dict)
    except (TypeError, ValueError, RecursionError):
        return False
