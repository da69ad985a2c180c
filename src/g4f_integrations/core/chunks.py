"""g4f's typed chunks → our events.

Chunks are told apart by class name along their ancestry, so this module needs no g4f. A chunk of a type that is
not in the table is an answer's text if it has a text form, as g4f itself treats it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from g4f_integrations.core.events import (
    Batch,
    Event,
    Finish,
    Media,
    ReasoningDelta,
    ResponseInfo,
    Sources,
    TextDelta,
    ToolCallDelta,
    Usage,
)

logger = logging.getLogger("g4f_integrations.transport")

_KEPT_HEADERS = ("retry-after", "x-ratelimit", "x-request-id")


def usage_from(raw: Mapping[str, Any]) -> Usage | None:
    """Token counts in any of the usual spellings → `Usage`; ``None`` if there are none.

    Args:
        raw: OpenAI's, Anthropic's or g4f's usage members.
    """
    given = _int(raw.get("prompt_tokens", raw.get("input_tokens")))
    made = _int(raw.get("completion_tokens", raw.get("output_tokens")))
    total = _int(raw.get("total_tokens"))
    if not (given or made or total):
        return None
    details = {
        f"{group.removesuffix('_details')}.{name}": value
        for group, members in raw.items()
        if isinstance(members, Mapping)
        for name, value in members.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    return Usage(given, made, max(total, given + made), details)


def _int(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and value > 0 else 0


class ChunkReader:
    """Turns the chunks of one attempt into events.

    Attributes:
        finished: Whether the provider told a finish reason.
        error: An exception that the provider yielded instead of raising it; what came after it is not read.
    """

    __slots__ = ("_calls", "_identified", "_spoke", "error", "finished")

    def __init__(self) -> None:
        self.finished = False
        self.error: BaseException | None = None
        self._identified = False
        self._spoke = False
        self._calls: dict[int, tuple[str | None, str | None]] = {}

    def read(self, chunks: list[Any]) -> Batch:
        """The events of `chunks`, in order; keep-alives and empty chunks give none."""
        events: Batch = []
        for chunk in chunks:
            if type(chunk) is str:
                if chunk:
                    events.append(TextDelta(chunk))
                continue
            read = _READERS.get(type(chunk)) or _reader_for(type(chunk))
            read(self, chunk, events)
            if self.error is not None:
                break
        return events

    def _text(self, chunk: Any, events: Batch) -> None:
        text = str(chunk)
        if text:
            events.append(TextDelta(text))

    def _bytes(self, chunk: bytes, events: Batch) -> None:
        events.append(TextDelta(chunk.decode("utf-8", "replace")))

    def _nothing(self, chunk: Any, events: Batch) -> None:
        """Dropped on purpose; the table says why."""

    def _reasoning(self, chunk: Any, events: Batch) -> None:
        # `is_thinking` holds literal <think> markers and `status` a progress label; neither is reasoning.
        if chunk.token:
            self._spoke = True
            events.append(ReasoningDelta(str(chunk.token)))

    def _usage(self, chunk: Any, events: Batch) -> None:
        usage = usage_from(vars(chunk))
        if usage is not None:
            events.append(usage)

    def _finish(self, chunk: Any, events: Batch) -> None:
        self.finished = True
        events.append(Finish(str(chunk.reason or "stop")))

    def _tool_calls(self, chunk: Any, events: Batch) -> None:
        for position, raw in enumerate(chunk.get_list() or ()):
            fragment = _plain(raw)
            function = _plain(fragment.get("function") or {})
            index = fragment.get("index")
            if not isinstance(index, int):
                index = self._index_of(fragment.get("id"), position)
            call_id, name = fragment.get("id") or None, function.get("name") or None
            known_id, known_name = self._calls.get(index, (None, None))
            self._calls[index] = (known_id or call_id, known_name or name)
            arguments = function.get("arguments")
            if arguments is None:
                arguments = ""
            elif not isinstance(arguments, str):
                arguments = json.dumps(_jsonable(arguments), ensure_ascii=False)
            events.append(
                ToolCallDelta(
                    index, None if known_id else call_id, None if known_name else name, arguments
                )  # id and name once, on the first fragment
            )

    def _index_of(self, call_id: Any, position: int) -> int:
        for index, (known, _) in self._calls.items():
            if call_id and known == call_id:
                return index
        return len(self._calls) if call_id else position

    def _picture(self, chunk: Any, events: Batch) -> None:
        events.append(Media("image", [str(url) for url in chunk.get_list() or ()], str(chunk)))

    def _video(self, chunk: Any, events: Batch) -> None:
        events.append(Media("video", [str(url) for url in chunk.get_list() or ()], str(chunk)))

    def _sound(self, chunk: Any, events: Batch) -> None:
        events.append(Media("audio", [chunk.to_uri()], chunk.transcript or ""))

    def _sources(self, chunk: Any, events: Batch) -> None:
        items = [_source(item) for item in chunk.list or ()]
        if items:
            events.append(Sources(items))

    def _source_link(self, chunk: Any, events: Batch) -> None:
        events.append(Sources([{"url": chunk.url, "title": chunk.title}]))

    def _provider_info(self, chunk: Any, events: Batch) -> None:
        model = getattr(chunk, "model", None)
        name = getattr(chunk, "name", None)
        if model or name:
            events.append(ResponseInfo(model=str(model) if model else None, provider=str(name) if name else None))

    def _json_response(self, chunk: Any, events: Batch) -> None:
        # The upstream's JSON as it came: the only place of the answer's id, and of the reasoning of a blocking answer.
        if not self._identified and getattr(chunk, "id", None):
            self._identified = True
            events.append(ResponseInfo(id=str(chunk.id)))
        choices = getattr(chunk, "choices", None)
        if not choices or not isinstance(choices, list):
            return
        message = getattr(choices[0], "message", None)
        if message is not None and not self._spoke:
            reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None)
            if isinstance(reasoning, str) and reasoning:
                self._spoke = True
                events.append(ReasoningDelta(reasoning))

    def _headers(self, chunk: Any, events: Batch) -> None:
        kept = {
            str(name).lower(): str(value)
            for name, value in vars(chunk).items()
            if str(name).lower().startswith(_KEPT_HEADERS)
        }
        if kept:
            events.append(ResponseInfo(headers=kept))

    def _error(self, chunk: BaseException, _: Batch) -> None:
        self.error = chunk


_Reader = Callable[[ChunkReader, Any, list[Event]], None]

CHUNK_TABLE: dict[str, str] = {
    "str": "_text",  # the table is part of the class
    "bytes": "_bytes",
    "NoneType": "_nothing",  # a keep-alive
    "BaseException": "_error",
    "Reasoning": "_reasoning",
    "Usage": "_usage",
    "FinishReason": "_finish",
    "ToolCalls": "_tool_calls",
    "ImageResponse": "_picture",
    "VideoResponse": "_video",
    "AudioResponse": "_sound",
    "MediaResponse": "_picture",
    "Sources": "_sources",
    "SearchResults": "_sources",
    "SourceLink": "_source_link",
    "ProviderInfo": "_provider_info",
    "JsonResponse": "_json_response",
    "HeadersResponse": "_headers",
    "BaseConversation": "_nothing",  # a session is never kept between calls
    "JsonRequest": "_nothing",  # our own request, echoed
    "Parameters": "_nothing",  # the provider's own settings
    "ImagePreview": "_nothing",  # followed by the picture
    "PreviewResponse": "_nothing",  # followed by the text
    "HiddenResponse": "_nothing",  # titles, logs, follow-ups, logins, variants: not the answer
    "RawResponse": "_nothing",  # a frame of g4f's own protocol without a text form
}
"""Which method of `ChunkReader` reads which chunk type; the first of a chunk's ancestors named here decides."""

_READERS: dict[type, _Reader] = {}


def _reader_for(kind: type) -> _Reader:
    name = next((CHUNK_TABLE[ancestor.__name__] for ancestor in kind.__mro__ if ancestor.__name__ in CHUNK_TABLE), None)
    if name is None:
        logger.debug("Chunk of unknown type %s is taken as text", kind.__name__)
    reader: _Reader = getattr(ChunkReader, name or "_text")
    if len(_READERS) < 256:  # providers may make classes on the fly
        _READERS[kind] = reader
    return reader


def _source(item: Any) -> dict[str, Any]:
    raw = item if isinstance(item, Mapping) else {"url": str(item)}
    source: dict[str, Any] = {"url": raw.get("url") or raw.get("link") or ""}
    for name, spellings in (("title", ("title", "name")), ("snippet", ("snippet", "text"))):
        value = next((raw[spelling] for spelling in spellings if raw.get(spelling)), None)
        if value is not None:
            source[name] = value
    return source


def _plain(value: Any) -> Mapping[str, Any]:
    """A tool call or its function as a mapping, whether it came as dict or as an object of g4f's."""
    if isinstance(value, Mapping):
        return value
    get_dict = getattr(value, "get_dict", None)
    found: Mapping[str, Any] = get_dict() if callable(get_dict) else vars(value)
    return found


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _jsonable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(member) for member in value]
    return value if isinstance(value, str | int | float | bool | None) else _plain(value)
