"""The bytes of one HTTP answer → events. Pure: any split of the bytes gives the same events and the same failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from g4f_integrations.core.events import Batch
from g4f_integrations.core.failures import HTTPFailure, StreamCut
from g4f_integrations.core.sse import SSEParser
from g4f_integrations.core.wire.chunks import ChunkReader
from g4f_integrations.core.wire.decoding import decode_json, plain_text
from g4f_integrations.core.wire.errors import error_of_choice, is_error, status_of

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Longest answer that is read; a film in base64 is more, an endless stream too."""

_MOST_EVENTS = 1_000_000
"""Events of one answer at the most; each is a token or more, and no model writes that many."""

_FIELDS = (b"data:", b"event:", b":", b"id:", b"retry:")
_LONGEST_FIELD = max(map(len, _FIELDS))
_LINE_TYPES = ("text/event-stream", "ndjson", "jsonl", "json-seq")
_BLANK = b" \t\r\n\xef\xbb\xbf"


class AnswerReader:
    """Understands a stream of events, one JSON body, and JSON by the line, whatever was asked for or announced.

    Call `feed` for each read and `close` at the end of the body; after each call look at `failure`, which is kept
    apart so that the events before it are not lost.

    Args:
        content_type: The answer's media type.
        streamed: Whether a stream was asked for; decides what an empty body means.
        headers: The answer's headers, for failures.
        kept: Headers that go into the answer's `ResponseInfo`.
        sound_format: Format of the sound that was asked for, if any.

    Attributes:
        failure: What the bytes so far amount to, if it is no answer; nothing is read after that.
        ended: Whether ``[DONE]`` was seen; nothing is read after that.
    """

    def __init__(
        self,
        *,
        content_type: str = "text/event-stream",
        streamed: bool = True,
        headers: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
        sound_format: str = "wav",
    ) -> None:
        self.failure: HTTPFailure | StreamCut | ConnectionError | None = None
        self.ended = False
        self._headers = headers
        self._streamed = streamed
        self._chunks = ChunkReader(kept, sound_format)
        is_plain_json = content_type.startswith("application/json")  # spares the common case the search
        is_by_line = not is_plain_json and any(name in content_type.lower() for name in _LINE_TYPES)
        self._parser = SSEParser() if is_by_line else None
        self._is_decided = is_by_line
        self._body: list[bytes] = []  # kept until it is known to be a stream of events
        self._saw_payload = False
        self._stray: tuple[int, bytes] | None = None  # what was no part of an answer, in case that nothing else comes
        self._size = 0
        self._events = 0

    @property
    def is_complete(self) -> bool:
        """Whether all that can still come is usage and ``[DONE]``."""
        return self._chunks.is_complete

    def finishes(self) -> Batch:
        """The finish reasons told so far; `close` tells them once more."""
        return self._chunks.finishes()

    def feed(self, data: bytes) -> Batch:
        """The events that `data` completes."""
        out: Batch = []
        if self.ended or self.failure is not None:
            return out
        room = MAX_ANSWER_BYTES - self._size
        is_too_long = len(data) > room
        data = data[:room] if is_too_long else data
        self._size += len(data)
        if not self._saw_payload:
            self._body.append(data)
            if not self._is_decided:
                data = self._decide()
        if self._parser is not None:
            self._read_payloads(self._parser.feed(data), out)
            self._check_size(self._parser.oversized, "An event of the stream")
        self._check_size(is_too_long, "The answer")
        return out

    def close(self) -> Batch:
        """The events that only the end of the body completes."""
        out: Batch = []
        if self.ended or self.failure is not None:
            return out
        if self._parser is not None:
            self._read_payloads(self._parser.close(), out, at_end=True)
            self._check_size(self._parser.oversized, "An event of the stream")
        if self.ended or self.failure is not None:
            return out
        if not self._saw_payload:
            self._read_body(b"".join(self._body), out)
        else:
            self._finish_unless_cut(out)
        return out

    def _decide(self) -> bytes:
        """Looks at the first bytes; gives what the parser has to be fed with, if there is to be one."""
        start = b"".join(self._body).lstrip(_BLANK)  # some servers send blanks while they think
        self._body = [start]
        if len(start) >= _LONGEST_FIELD:
            self._is_decided = True
            if start.startswith(_FIELDS):
                self._parser = SSEParser()
        return start

    def _read_payloads(self, payloads: list[bytes], out: Batch, *, at_end: bool = False) -> None:
        if payloads and not self._saw_payload:
            self._saw_payload = True
            self._body.clear()
        self._events += len(payloads)
        if self._events > _MOST_EVENTS:
            self._read_last_payloads(payloads[: _MOST_EVENTS - self._events], out)
            return
        for payload in payloads:
            try:
                chunk = from_json(payload)
            except ValueError:
                chunk = self._decode_patiently(payload, out, at_end=at_end)
            self._read_value(chunk, payload, out)
            if self.ended or self.failure is not None:
                return

    def _read_last_payloads(self, payloads: list[bytes], out: Batch) -> None:
        """Reads what there is room for, whatever the reads from upstream were; what follows is given up."""
        self._events = 0
        self._read_payloads(payloads, out)
        self._check_size(True, "The stream")

    def _read_value(self, chunk: Any, payload: bytes, out: Batch) -> None:
        if type(chunk) is not dict:
            if isinstance(chunk, str):
                self._stray = self._stray or (200, payload)
            for item in chunk if isinstance(chunk, list) else ():
                if isinstance(item, dict) and self.failure is None:
                    self._read_value(item, payload, out)
            return
        if "choices" not in chunk or "error" in chunk or type(payload) is not bytes:
            if is_error(chunk) or type(payload) is not bytes:
                self._fail(status_of(chunk), payload)
                return
            if "choices" not in chunk and not chunk.get("usage"):
                self._stray = self._stray or (status_of(chunk), payload)
        try:
            self._chunks.read(chunk, out)
        except RecursionError:
            self._fail(200, payload)
        if self._chunks.failed:
            self._fail_by_choice(chunk, payload)

    def _decode_patiently(self, payload: bytes, out: Batch, *, at_end: bool) -> Any:
        """The value of what is no strict JSON; ``None`` if it says nothing, or once it has been dealt with."""
        text = payload.strip()
        if text.upper() == b"[DONE]":
            self._finish(out)
        if not text or self.ended or self.failure is not None:
            return None
        try:
            chunk = decode_json(text)
        except ValueError:
            pass
        else:
            self._chunks.patient = True
            return chunk
        if type(payload) is not bytes:
            self._fail(200, payload)
        elif b"\n" in text:  # several events whose blank lines were forgotten
            self._read_payloads(text.split(b"\n"), out, at_end=at_end)
        elif at_end or self._chunks.is_complete:
            self._stray = self._stray or (200, payload)  # cut in the middle of an event, or behind the last word
        elif text.startswith((b"{", b"[")):
            self._fail(200, payload)  # a part of the answer is lost
        else:
            self._stray = self._stray or (200, payload)  # such as "ping", or an error in plain words
        return None

    def _read_body(self, body: bytes, out: Batch) -> None:
        """Reads a body that is no stream of events."""
        text = body.strip(_BLANK)
        if text[:1] != b"{" and _is_only_fields(text):
            if not body and self._is_compressed():
                self.failure = ConnectionResetError("The compressed answer broke off before its first word.")
            elif self._streamed:
                self.failure = StreamCut("The stream ended without a word.")
            return
        try:
            value = from_json(text)
        except ValueError:
            value = self._decode_body(text, out)
            if value is None:
                return
        items = value if isinstance(value, list) else [value]
        for item in items:
            if not isinstance(item, dict) or is_error(item) or "choices" not in item:
                self._fail(status_of(item), text)
                return
            self._read_value(item, text, out)
            if self.failure is not None:
                return
        self._finish(out)

    def _is_compressed(self) -> bool:
        """Whether an empty body means that its compression was cut: codecs take a start without an end for nothing."""
        headers = self._headers or {}
        encoding = headers.get("Content-Encoding", "").lower()
        return encoding not in {"", "identity"} and headers.get("Content-Length") != "0"

    def _decode_body(self, text: bytes, out: Batch) -> Any:
        try:
            value = decode_json(text)
        except ValueError:
            pass
        else:
            self._chunks.patient = True
            return value
        is_json = text.startswith((b"{", b"["))
        if is_json and b"}\n{" in text.replace(b"\r", b""):
            self._read_payloads(text.splitlines(), out, at_end=True)
            if not self.ended and self.failure is None:
                self._finish_unless_cut(out)
        elif is_json and not text.endswith((b"}", b"]")):
            self.failure = StreamCut("The answer broke off in the middle of its JSON.")
        else:
            self._fail(200, text)
        return None

    def _finish(self, out: Batch) -> None:
        if self._stray is not None and not self._chunks.has_choices:
            self._fail(*self._stray)
            return
        out += self._chunks.close()
        self.ended = True

    def _finish_unless_cut(self, out: Batch) -> None:
        if self._chunks.is_complete or (self._stray is not None and not self._chunks.has_choices):
            self._finish(out)
        else:
            self.failure = StreamCut("The stream ended without a finish reason or [DONE].")

    def _fail(self, status: int, body: bytes) -> None:
        self.failure = self.failure or HTTPFailure(status, plain_text(body), dict(self._headers or {}))

    def _fail_by_choice(self, chunk: dict[str, Any], payload: bytes) -> None:
        told = error_of_choice(chunk)
        if told is not None:
            chunk, payload = told, json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
        self._fail(status_of(chunk), payload)

    def _check_size(self, is_too_long: bool, what: str) -> None:
        if is_too_long and not self.ended and self.failure is None:
            self._fail(200, f"{what} is too long and was not read further.".encode())


def _is_only_fields(body: bytes) -> bool:
    """Whether a body without events is at least a stream of events: keep-alives, a cut field, or nothing at all."""
    *lines, last = body.splitlines() or [b""]
    is_cut = any(field.startswith(last) for field in _FIELDS)
    return all(not line.strip(_BLANK) or line.startswith(_FIELDS) for line in [*lines, *([] if is_cut else [last])])
