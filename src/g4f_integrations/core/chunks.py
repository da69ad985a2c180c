"""g4f's typed chunks → our events.

Chunks are told apart by class name along their ancestry, so this module needs no g4f. A chunk of a type that is
not in the table is an answer's text if it has a text form, as g4f itself treats it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from typing import Any, Literal

from g4f_integrations.core.events import (
    Batch,
    Event,
    Finish,
    Media,
    ReasoningDelta,
    ResponseInfo,
    Sources,
    TextDelta,
)
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.wire.fragments import FragmentJoiner
from g4f_integrations.core.wire.usage import read_usage

logger = call_logger("transport")

_DEEPEST = 64  # levels of a tool's arguments; what lies deeper is turned into text
_NO_BRACKETS = str.maketrans("[]", "()")
_KEPT_HEADERS = ("retry-after", "x-ratelimit", "x-request-id")


class ChunkReader:
    """Turns the chunks of one attempt into events.

    Attributes:
        finished: Whether the provider told a finish reason.
        error: An exception that the provider yielded instead of raising it; what came after it is not read.
    """

    __slots__ = ("_decoder", "_identified", "_joiner", "_spoke", "error", "finished")

    def __init__(self) -> None:
        self.finished = False
        self.error: BaseException | None = None
        self._identified = False
        self._spoke = False
        self._joiner = FragmentJoiner(0)
        self._decoder: codecs.IncrementalDecoder | None = None

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
        if self._decoder is None:  # chunks may cut a character in two
            self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = self._decoder.decode(chunk)
        if text:
            events.append(TextDelta(text))

    def _nothing(self, chunk: Any, events: Batch) -> None:
        """Dropped on purpose; the table says why."""

    def _reasoning(self, chunk: Any, events: Batch) -> None:
        # `is_thinking` holds literal <think> markers and `status` a progress label; neither is reasoning.
        if chunk.token:
            self._spoke = True
            events.append(ReasoningDelta(str(chunk.token)))

    def _usage(self, chunk: Any, events: Batch) -> None:
        usage = read_usage(vars(chunk))
        if usage is not None:
            events.append(usage)

    def _finish(self, chunk: Any, events: Batch) -> None:
        self.finished = True
        events.append(Finish(str(chunk.reason or "stop")))

    def _tool_calls(self, chunk: Any, events: Batch) -> None:
        calls = chunk.get_list() or ()
        for position, raw in enumerate(calls if isinstance(calls, list | tuple) else (calls,)):
            delta = self._joiner.feed(_plain(raw), position)
            if delta is not None:
                events.append(delta)

    def _media(self, chunk: Any, events: Batch) -> None:
        items = [str(url) for url in chunk.get_list() or () if url]
        if items:
            kind: Literal["image", "video"] = "video" if _is_a(chunk, "VideoResponse") else "image"
            events.append(Media(kind, items, _markdown(chunk, items)))

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
        # What ends tasks and threads must not, just because a provider yielded it, end the caller's.
        self.error = chunk if isinstance(chunk, Exception) else RuntimeError(f"the provider yielded {chunk!r}")


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
    "MediaResponse": "_media",
    "AudioResponse": "_sound",
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


def _is_a(chunk: Any, name: str) -> bool:
    return any(ancestor.__name__ == name for ancestor in type(chunk).__mro__)


def _markdown(chunk: Any, items: list[str]) -> str:
    if any(item[:5].lower() == "data:" for item in items):
        # g4f quotes a URI character by character, which takes seconds for a large picture, and writes it twice.
        alt = " ".join(str(getattr(chunk, "alt", None) or "").translate(_NO_BRACKETS).split())
        return "\n".join(f"![{alt}]({item})" for item in items)
    try:
        return str(chunk)
    except Exception:  # g4f's own text form fails on odd options, and its base class has none
        return "\n".join(items)


def _plain(value: Any, depth: int = 0) -> Any:
    """A tool call or a part of it as plain data, whether it came as dicts or as objects of g4f's."""
    if value is None or isinstance(value, str | int | float) or depth > _DEEPEST:
        return value if value is None or isinstance(value, str | int | float) else str(value)
    if isinstance(value, list | tuple):
        return [_plain(member, depth + 1) for member in value]
    if not isinstance(value, Mapping):
        get_dict = getattr(value, "get_dict", None)
        value = get_dict() if callable(get_dict) else getattr(value, "__dict__", {})
    return {str(name): _plain(member, depth + 1) for name, member in value.items()}
