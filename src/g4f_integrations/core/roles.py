"""Messages for routes that do not take them as they are: roles folded into text, content made safe for g4f."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any
from urllib.parse import urlsplit

_SPEAKERS = {"user": "User", "assistant": "Assistant", "system": "System", "developer": "System", "tool": "Tool result"}


def adapt_messages(
    messages: Sequence[Mapping[str, Any]], *, history: bool, system: bool, native_tools: bool
) -> tuple[list[dict[str, Any]], bool]:
    """Deep copies of `messages` in roles that the route has.

    Args:
        messages: Chat messages in OpenAI wire form; they are not changed.
        history: Whether the route takes several turns.
        system: Whether it takes a system message.
        native_tools: Whether it takes tool calls and their results.

    Returns:
        The messages, and whether any role had to be folded into text.
    """
    adapted = [_safe_copy(message) for message in messages]
    flattened = False
    for message in adapted:
        flattened |= _fold_roles(message, native_tools=native_tools)
    if not system and any(message["role"] == "system" for message in adapted):
        adapted = _fold_system(adapted)
        flattened = True
    if not history and len(adapted) > 1:
        adapted = [_fold_history(adapted)]
        flattened = True
    return adapted, flattened


def _safe_copy(message: Mapping[str, Any]) -> dict[str, Any]:
    copied = {name: deepcopy(value) for name, value in message.items()}
    content = copied.get("content")
    if isinstance(content, list):
        copied["content"] = [part for part in map(_safe_part, content) if part is not None]
    return copied


def _safe_part(part: Any) -> Any:
    """A content part that g4f will not take for a file on this machine.

    g4f reads parts without a ``type`` as names of local files, and pictures whose path begins with ``/files/`` from
    its own folders.
    """
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if "type" not in part:
        return {"type": "text", "text": str(part["text"])} if "text" in part else None
    picture = part.get("image_url")
    if part.get("type") == "image_url" and picture is not None:
        url = picture.get("url", "") if isinstance(picture, Mapping) else picture
        parts = urlsplit(str(url)[:2048])
        if parts.scheme not in {"http", "https", "data"}:
            return None
        if parts.path.startswith("/files/"):
            moved = str(url).replace("/files/", "/./files/", 1)  # the same place by RFC 3986, but no local file
            return {**part, "image_url": {**picture, "url": moved} if isinstance(picture, Mapping) else moved}
    return part


def _fold_roles(message: dict[str, Any], *, native_tools: bool) -> bool:
    role = message.get("role")
    if role == "developer":
        message["role"] = "system"
        return True
    if native_tools:
        return False
    if role in {"tool", "function"}:
        name = message.pop("name", None)
        call_id = message.pop("tool_call_id", None)
        about = " ".join(part for part in (name, f"({call_id})" if call_id else None) if part)
        message["role"] = "user"
        message["content"] = f"Tool result{f' of {about}' if about else ''}:\n{text_of(message.get('content'))}"
        return True
    calls = message.pop("tool_calls", None)
    if calls:
        lines = [
            f"Called the tool {call['function']['name']} ({call.get('id')}) with {_arguments(call['function'])}"
            for call in calls
        ]
        message["content"] = "\n".join([*filter(None, [text_of(message.get("content"))]), *lines])
        return True
    return False


def _arguments(function: Mapping[str, Any]) -> str:
    arguments = function.get("arguments")
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _fold_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """System messages put in front of the first turn of the user."""
    rules = "\n\n".join(text_of(message.get("content")) for message in messages if message["role"] == "system")
    turns = [message for message in messages if message["role"] != "system"]
    first = next((message for message in turns if message["role"] == "user"), None)
    if first is None:
        return [{"role": "user", "content": rules}, *turns]
    first["content"] = _in_front(rules, first.get("content"))
    return turns


def _fold_history(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """One user message that tells the conversation so far; what is no text is kept beside it."""
    lines = []
    others = []
    for message in messages:
        content = message.get("content")
        lines.append(f"{_SPEAKERS.get(str(message['role']), str(message['role']))}: {text_of(content)}")
        if isinstance(content, list):
            others += [part for part in content if part.get("type") != "text"]
    text = "\n".join([*lines, "Assistant:"])
    return {"role": "user", "content": [{"type": "text", "text": text}, *others] if others else text}


def _in_front(text: str, content: Any) -> Any:
    if isinstance(content, list):
        return [{"type": "text", "text": text}, *content]
    return f"{text}\n\n{content}" if content else text


def text_of(content: Any) -> str:
    """The text of a message's content, whatever its form."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "\n".join(
        part if isinstance(part, str) else str(part.get("text", ""))
        for part in content
        if isinstance(part, str) or part.get("type") == "text"
    )
