"""Server-sent events, fed in pieces: bytes in, data payloads out. Pure: no clock, no socket.

The format is WHATWG's (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream). Three
liberties are taken, because servers take them: an event that the stream's end cuts short of its blank line is
delivered, two JSON objects on consecutive ``data`` lines are two events, and a line that is bare JSON counts as data,
one that is JSON behind ``error:`` as an event of that name.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Longest event that is collected; a picture in base64 fits, an endless line does not."""

_BOM = b"\xef\xbb\xbf"
_DONE = b"[DONE]"


class ErrorPayload(bytes):
    """The data of an event whose name is ``error``."""

    __slots__ = ()


class SSEParser:
    r"""Takes a stream of server-sent events in pieces of any size and gives the data of each complete event.

    Example:
        >>> parser = SSEParser()
        >>> parser.feed(b'data: {"a":1}\n\nda'), parser.feed(b"ta: [DONE]\r\n\r\n")
        ([b'{"a":1}'], [b'[DONE]'])

    Attributes:
        oversized: Whether an event grew beyond the limit; nothing is read after that.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_data_size", "_held", "_held_size", "_limit", "_name", "oversized")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._held: list[bytes] = []  # pieces of the line that has not ended yet
        self._held_size = 0
        self._data: list[bytes] = []  # data lines of the event that has not ended yet
        self._data_size = 0
        self._name = b""
        self._after_cr = False
        self._at_start = True
        self.oversized = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads of the events that `data` completes; multi-line data is joined by LF."""
        out: list[bytes] = []
        if self.oversized or not data:
            return out
        if self._at_start:
            data = self._without_bom(data)
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 10:  # the LF of a CRLF that the last read cut in two
                data = data[1:]
        if b"\r" in data:
            self._after_cr = data[-1] == 13
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = data.rfind(b"\n") + 1
        if end:
            lines, data = data[:end], data[end:]
            if self._held:
                lines = b"".join([*self._held, lines])
                self._held.clear()
                self._held_size = 0
            self._read_lines(lines, out)
        if data and not self.oversized:
            self._held.append(data)
            self._held_size += len(data)
            self.oversized = self._data_size + self._held_size > self._limit
        return out

    def close(self) -> list[bytes]:
        """The payload of an event that the stream's end left without its blank line, if there is one."""
        out = self.feed(b"\n")
        if not self.oversized:
            self._dispatch(out)
        return out

    def _without_bom(self, data: bytes) -> bytes:
        data = b"".join([*self._held, data])
        self._held.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._held.append(data)
            return b""
        self._at_start = False
        return data.removeprefix(_BOM)

    def _read_lines(self, text: bytes, out: list[bytes]) -> None:
        lines = text.split(b"\n")
        in_pairs = len(lines) & 1 and not any(lines[1::2])
        if in_pairs and not self._data and not self._name and len(text) <= self._limit:
            # Nearly every read is data lines and blank ones in turn: a quarter of a microsecond per event.
            payloads = [line[6:] for line in lines[::2] if line[:6] == b"data: "]
            if len(payloads) == len(lines) >> 1:
                out += payloads
                return
        lines.pop()  # what stands behind the last LF: nothing
        for line in lines:
            self._read_line(line, out)
            if self.oversized:
                return

    def _read_line(self, line: bytes, out: list[bytes]) -> None:
        if not line:
            self._dispatch(out)
            return
        if self._data_size + len(line) > self._limit:
            self.oversized = True
            return
        field, _, value = line.partition(b":")
        is_error = field == b"error" and value.lstrip().startswith(b"{")  # older llama.cpp servers' way
        if field == b"data":
            value = value.removeprefix(b" ")
        elif field == b"event":
            self._name = value.strip()
            return
        elif is_error:
            value = value.lstrip()
        elif line[0] == 123 and line[-1] == 125:  # "{" and "}"
            value = line
        else:
            return  # a comment, id, retry, or an unknown field
        if self._data and self._data[-1].endswith(b"}") and value.startswith((b"{", _DONE)):
            # "}" and "{" are never neighbours inside one JSON text: the server forgot the blank line.
            self._dispatch(out)
        if is_error:
            self._name = b"error"
        self._data.append(value)
        self._data_size += len(line)

    def _dispatch(self, out: list[bytes]) -> None:
        if self._data:
            payload = b"\n".join(self._data) if len(self._data) > 1 else self._data[0]
            out.append(ErrorPayload(payload) if self._name == b"error" else payload)
            self._data.clear()
            self._data_size = 0
        self._name = b""
