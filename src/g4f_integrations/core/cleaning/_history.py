"""The assistant's earlier turns, cleaned before they are sent again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from g4f_integrations.core.cleaning._results import Removed

if TYPE_CHECKING:
    from g4f_integrations.core.cleaning.settings import Cleaning


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list | tuple):
        for part in content:
            if isinstance(part, Mapping) and isinstance(part.get("text"), str):
                yield part["text"]


def words_of_user(messages: Sequence[Mapping[str, Any]]) -> str:
    """Everything in a conversation that the assistant did not say."""
    return "\n".join(
        text for message in messages if message.get("role") != "assistant" for text in _texts(message.get("content"))
    )


def clean_history(
    cleaning: Cleaning, messages: Sequence[Mapping[str, Any]]
) -> tuple[Sequence[Mapping[str, Any]], list[dict[str, Any]]]:
    """See `Cleaning.clean_history`."""
    ruleset = cleaning.ruleset(None)
    if ruleset is None:
        return messages, []
    entries: list[dict[str, Any]] = []
    cleaned: list[Mapping[str, Any]] | None = None
    prompt: str | None = None

    def clean(text: str, number: int) -> str:
        nonlocal prompt
        if not ruleset.may_match(text):
            return text
        if prompt is None:
            prompt = words_of_user(messages)
        stream = cleaning.stream(prompt=prompt, notices=False, report=False)
        left = stream.feed(text) + stream.flush()
        if not left.strip():
            return text
        entries.extend(_entry(removed, number) for removed in stream.removed)
        return left

    for number, message in enumerate(messages):
        if message.get("role") != "assistant":
            continue
        content = message.get("content")
        changed: Any = content
        if isinstance(content, str):
            changed = clean(content, number)
        elif isinstance(content, list):
            changed = [
                {**part, "text": clean(part["text"], number)}
                if isinstance(part, Mapping) and isinstance(part.get("text"), str)
                else part
                for part in content
            ]
        if changed != content:
            cleaned = list(messages) if cleaned is None else cleaned
            cleaned[number] = {**message, "content": changed}
    return (messages if cleaned is None else cleaned), entries


def _entry(removed: Removed, number: int) -> dict[str, Any]:
    return {**removed.to_dict(), "message": number}
