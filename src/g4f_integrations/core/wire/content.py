"""The content of a message in its rarer forms: lists of parts, pictures, sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from g4f_integrations.core.events import Media, ReasoningDelta, TextDelta

_DEEPEST = 4
_PART_KEYS = frozenset({"type", "text", "refusal"})


def read_parts(parts: Any, choice: int, depth: int = 0) -> Iterator[TextDelta | ReasoningDelta | Media]:
    """The events of a content that is no string: a list of typed parts, or one part."""
    if isinstance(parts, str):
        if parts:
            yield TextDelta(parts, choice)
    elif isinstance(parts, list) and depth < _DEEPEST:
        for part in parts:
            yield from read_parts(part, choice, depth + 1)
    elif isinstance(parts, dict):
        yield from _read_part(parts, choice, depth)
    elif depth == 0 and type(parts) in {int, float}:
        yield TextDelta(json.dumps(parts), choice)  # a server that reads its model's JSON and forgets to write it again


def _read_part(part: dict[str, Any], choice: int, depth: int) -> Iterator[TextDelta | ReasoningDelta | Media]:
    kind = part.get("type")
    if kind in {"thinking", "reasoning"}:
        inner = part.get("thinking") or part.get("reasoning") or part.get("text")
        for event in read_parts(inner, choice, depth + 1):
            yield ReasoningDelta(event.text, choice) if isinstance(event, TextDelta) else event
    elif kind in {"image_url", "image", "output_image"}:
        yield from read_media("image", [part], choice)
    elif kind in {"video_url", "video"}:
        yield from read_media("video", [part], choice)
    else:
        text = part.get("text") or part.get("refusal")
        if isinstance(text, dict):  # {"value": …}, as in OpenAI's assistants
            text = text.get("value")
        if isinstance(text, str) and text:
            yield TextDelta(text, choice)
        elif depth == 0 and part.keys().isdisjoint(_PART_KEYS):
            yield TextDelta(json.dumps(part, ensure_ascii=False), choice)  # as above, in JSON mode


def read_media(kind: Literal["image", "video"], entries: Any, choice: int) -> Iterator[Media]:
    """One event with all URLs and ``data:`` URIs among `entries`, if there are any."""
    entries = entries if isinstance(entries, list) else [entries]
    items = [url for entry in entries for url in [_url_of(entry, kind)] if url]
    if items:
        label = "image" if kind == "image" else "video"
        yield Media(kind, items, "\n".join(f"![{label}]({url})" for url in items), choice)


def _url_of(entry: Any, kind: str) -> str:
    for _ in range(_DEEPEST):
        if isinstance(entry, str):
            return entry
        if not isinstance(entry, dict):
            return ""
        encoded = entry.get("b64_json")
        if isinstance(encoded, str) and encoded:
            return f"data:{'image/png' if kind == 'image' else 'video/mp4'};base64,{encoded}"
        entry = entry.get(f"{kind}_url") or entry.get("url") or entry.get(kind)
    return ""


class Sound:
    """The ``audio`` members of one choice, put together: base64 in pieces, and what is said in it."""

    __slots__ = ("_data", "_transcript", "_url")

    def __init__(self) -> None:
        self._data: list[str] = []
        self._transcript: list[str] = []
        self._url = ""

    def feed(self, audio: Any) -> None:
        """Takes one ``audio`` member."""
        if isinstance(audio, str):
            audio = {"data": audio}
        if not isinstance(audio, dict):
            return
        for member, pieces in (("data", self._data), ("transcript", self._transcript)):
            value = audio.get(member)
            if isinstance(value, str) and value:
                pieces.append(value)
        url = audio.get("url")
        self._url = url if isinstance(url, str) and url else self._url

    def close(self, choice: int, audio_format: str) -> Media | None:
        """The sound as one event; `audio_format` is what was asked for (``"wav"``, ``"mp3"`` …)."""
        data = "".join(self._data)
        if data and not data.startswith(("data:", "http://", "https://")):
            data = f"data:audio/{audio_format};base64,{data}"
        item = data or self._url
        return Media("audio", [item], "".join(self._transcript), choice) if item else None
