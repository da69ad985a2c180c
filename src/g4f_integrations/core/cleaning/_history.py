"""The assistant's earlier turns, cleaned before they are sent again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
    if cleaning.ruleset(None) is None:
        return messages, []
    washing = _Washing(cleaning, messages)
    cleaned: list[Mapping[str, Any]] | None = None
    for number, message in enumerate(messages):
        if message.get("role") != "assistant":
            continue
        content = message.get("content")
        changed = washing.content(content, number)
        if changed != content:
            cleaned = list(messages) if cleaned is None else cleaned
            cleaned[number] = {**message, "content": changed}
    return (messages if cleaned is None else cleaned), washing.entries


class _Washing:
    """Cleans the contents of one conversation's messages, and notes what it took out."""

    __slots__ = ("_cleaning", "_messages", "_prompt", "_ruleset", "entries")

    def __init__(self, cleaning: Cleaning, messages: Sequence[Mapping[str, Any]]) -> None:
        self._cleaning = cleaning
        self._messages = messages
        self._ruleset = cleaning.ruleset(None)
        self._prompt: str | None = None  # read only when something looks like an advert
        self.entries: list[dict[str, Any]] = []

    def content(self, content: Any, number: int) -> Any:
        """A message's content without adverts: a text, or parts of which some are texts."""
        if isinstance(content, str):
            return self._text(content, number)
        if not isinstance(content, list | tuple):
            return content
        parts = [
            {**part, "text": self._text(part["text"], number)}
            if isinstance(part, Mapping) and isinstance(part.get("text"), str)
            else part
            for part in content
        ]
        return parts if isinstance(content, list) else tuple(parts)

    def _text(self, text: str, number: int) -> str:
        if self._ruleset is None or self._ruleset.knows_as_clean(text):
            return text
        if self._prompt is None:
            self._prompt = words_of_user(self._messages)
        stream = self._cleaning.stream(prompt=self._prompt, notices=False, report=False)
        left = stream.clean_whole(text)
        if not left.strip():
            return text
        self.entries.extend({**removed.to_dict(), "message": number} for removed in stream.removed)
        return left
