"""Where an answer's facts come from, as endpoints that search the web tell it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST = 256
_LISTS = ("citations", "search_results")  # Perplexity's: the former in the order of its numbers, the latter with titles
_NAMES = {"title": ("title", "name"), "snippet": ("snippet", "content", "text")}


class Citations:
    """The sources of one answer, each once, whether they are told once, in pieces, or again in every chunk."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Any]] = {}

    def read_chunk(self, chunk: Mapping[str, Any]) -> None:
        """Takes what a chunk, or a whole answer, tells beside its choices."""
        for name in _LISTS:
            self._take(chunk.get(name))

    def read_message(self, message: Mapping[str, Any]) -> None:
        """Takes the ``annotations`` of a message or a delta (OpenAI's and OpenRouter's place for them)."""
        self._take(message.get("annotations"))

    def items(self) -> list[dict[str, Any]]:
        """The sources in the order in which they were told: ``url``, and ``title`` and ``snippet`` where known."""
        return [*self._found.values()]

    def _take(self, entries: Any) -> None:
        for source in _sources(entries if isinstance(entries, list) else ()):
            known = self._found.get(source["url"])
            if known is not None:
                known.update({name: value for name, value in source.items() if name not in known})
            elif len(self._found) < _MOST:
                self._found[source["url"]] = source


def _sources(entries: Any) -> Iterator[dict[str, Any]]:
    for entry in entries[:_MOST]:
        held = {"url": entry} if isinstance(entry, str) else entry
        if not isinstance(held, Mapping):
            continue
        inner = held.get("url_citation")  # the type of OpenAI's annotations
        held = inner if isinstance(inner, Mapping) else held
        url = held.get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            continue
        source = {"url": url}
        for name, members in _NAMES.items():
            value = next((held[member] for member in members if isinstance(held.get(member), str)), "")
            if value:
                source[name] = value
        yield source
