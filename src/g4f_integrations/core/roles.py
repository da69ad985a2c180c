"""Messages for routes that do not take them as they are: roles folded into text, content made safe for g4f."""

from __future__ import annotations

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
    keeps_tools = native_tools and (history or len(messages) < 2)  # one text that tells the history has no tool calls
    flattened = False
    if not keeps_tools and tells_of_tools(messages):
        from g4f_integrations.core.toolcalls.emulation import tell_calls  # few histories hold calls

        messages, flattened = tell_calls(messages), True
    adapted = [_safe_copy(message) for message in messages]
    for message in adapted:
        if message.get("role") == "developer":
            message["role"] = "system"
            flattened = True
    if not system and any(message.get("role") == "system" for message in adapted):
        adapted = _fold_system(adapted)
        flattened = True
    if not history and len(adapted) > 1:
        adapted = [_fold_history(adapted)]
        flattened = True
    return adapted, flattened


def tells_of_tools(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether calls of tools, or their results, stand in a conversation."""
    for message in messages:
        if message.get("role") in {"tool", "function"} or message.get("tool_calls") or message.get("function_call"):
            return True
    return False


def _safe_copy(message: Mapping[str, Any]) -> dict[str, Any]:
    copied = {name: value if type(value) is str else deepcopy(value) for name, value in message.items()}
    content = copied.get("content")
    if isinstance(content, list | tuple):
        copied["content"] = [part for part in map(_safe_part, content) if part is not None]
    return copied


def _safe_part(part: Any) -> Any:
    """A content part that g4f will not take for a file on this machine.

    g4f reads parts without a ``type`` as names of local files, and pictures whose path begins with ``/files/`` from
    its own folders.
    """
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, Mapping) or not ("type" in part or "text" in part):
        return None
    if "type" not in part:
        return {"type": "text", "text": str(part["text"])}
    if part["type"] != "image_url":
        return part
    picture = part.get("image_url")
    url = picture.get("url", "") if isinstance(picture, Mapping) else picture
    safe = _safe_url(url) if isinstance(url, str) else None
    if safe is None or safe == url:
        return None if safe is None else part
    return {**part, "image_url": {**picture, "url": safe} if isinstance(picture, Mapping) else safe}


def _safe_url(url: str) -> str | None:
    """A picture's URL that no place of g4f takes for a file; ``None`` if it is none."""
    if url[:5].lower() == "data:":
        return f"data:{url[5:]}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return None
    if parts.path.startswith("/files/"):
        return parts._replace(path=f"/.{parts.path}").geturl()  # the same place by RFC 3986, but no local file
    # Spelt otherwise, g4f would not see that it is a URL, and look for a file of that name.
    return url if url.startswith(("http://", "https://")) else parts.geturl()


def _fold_system(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """System messages put in front of the first turn of the user."""
    rules = "\n\n".join(filter(None, (text_of(m.get("content")) for m in messages if m.get("role") == "system")))
    turns = [message for message in messages if message.get("role") != "system"]
    first = next((message for message in turns if message.get("role") == "user"), None)
    if first is None:
        return [{"role": "user", "content": rules}, *turns]
    if rules:
        first["content"] = _in_front(rules, first.get("content"), "\n\n")
    return turns


def _fold_history(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """One user message that tells the conversation so far; what is no text is kept beside it."""
    lines = []
    others = []
    for message in messages:
        content = message.get("content")
        role = str(message.get("role"))
        lines.append(f"{_SPEAKERS.get(role, role)}: {text_of(content)}")
        if isinstance(content, list):
            others += _others(content)
    text = "\n".join([*lines, "Assistant:"])
    return {"role": "user", "content": [{"type": "text", "text": text}, *others] if others else text}


def _in_front(text: str, content: Any, between: str) -> Any:
    if isinstance(content, list) and _others(content):
        return [{"type": "text", "text": text}, *content]
    said = text_of(content)
    return f"{text}{between}{said}" if said else text


def _others(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts that are no text."""
    return [part for part in content if part.get("type") != "text"]


def text_of(content: Any) -> str:
    """The text of a message's content, whatever its form."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "\n".join(
        part if isinstance(part, str) else str(part.get("text", ""))
        for part in (content if isinstance(content, list | tuple) else [content])
        if isinstance(part, str) or (isinstance(part, Mapping) and part.get("type") == "text")
    )
