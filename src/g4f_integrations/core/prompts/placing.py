"""Where instructions go in a conversation: to the end of the system message, and to the end of the newest user turn.

Messages are in OpenAI wire form. The functions change the list that they are given, which must be the caller's own,
but never a message or a content part in it.
"""

from __future__ import annotations

import json
import re
from typing import Any

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def add_to_system(messages: list[Any], text: str) -> None:
    """Put `text` at the end of the first system message, or make it one in front of all."""
    for index, message in enumerate(messages):
        if message.get("role") in {"system", "developer"}:
            messages[index] = _extended(message, text)
            return
    messages.insert(0, {"role": "system", "content": text})


def add_reminder(messages: list[Any], text: str) -> None:
    """Put `text` at the end of the newest user message; without one, at the end of the system message."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "user":
            messages[index] = _extended(messages[index], text)
            return
    add_to_system(messages, text)


def add_before(messages: list[Any], text: str) -> None:
    """Put `text` at the beginning of the newest user message; without one, at the end of the system message."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "user":
            content = messages[index].get("content")
            if isinstance(content, list | tuple):
                extended: Any = [{"type": "text", "text": text}, *content]
            else:
                extended = f"{text}\n\n{content}" if content else text
            messages[index] = {**messages[index], "content": extended}
            return
    add_to_system(messages, text)


def _extended(message: Any, text: str) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list | tuple):
        return {**message, "content": [*content, {"type": "text", "text": text}]}
    return {**message, "content": f"{content}\n\n{text}" if content else text}


def readable_json(value: Any) -> str:
    """`value` as JSON on one line, in plain characters; what JSON does not know is written as text.

    Models repeat the escapes that they are shown, so characters beyond ASCII stand for themselves, save halves of
    characters, which no encoding can carry.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return json.dumps(value, default=str) if _LONE_SURROGATE.search(text) else text
