"""The benchmarks' server: a process of its own that answers OpenAI-shaped requests from pre-rendered bytes.

The first part of a request's path says how to answer, so that no body has to be understood:

    /call     one JSON answer                     /first    one word at once, the rest 2 ms later
    /wait50   the same, 50 ms later               /the      the same with "The" as that word, as notices begin, too
    /s<N>     a stream of N content chunks        /stall    two content chunks, then nothing
    /silent   nothing, for ever
    /endless  a content chunk each millisecond until the client hangs up
    /closed   when (on the machine's monotonic clock) endless clients were seen to hang up since the last question

Every event of a stream is an HTTP chunk of its own, as real servers send it, but all of them leave in one write.
The process ends when its standard input does, so it never outlives the benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import cast

WORDS = ("The ", "quick ", "brown ", "fox ", "jumps ", "over ", "a ", "lazy ", "dog, ", "twice. ")
ANSWER = "".join(WORDS)
USAGE = {"prompt_tokens": 12, "completion_tokens": 10, "total_tokens": 22}
HEAD = {"id": "chatcmpl-8f3a5c2e91d74b60", "created": 1_767_225_600, "model": "bench"}
END = b"0\r\n\r\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def words(count: int) -> list[str]:
    """The content of `count` chunks."""
    return [WORDS[i % len(WORDS)] for i in range(count)]


def json_reply(value: object) -> bytes:
    body = json.dumps(value, separators=(",", ":")).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def event(value: object) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    line = f"data: {text}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(line), line)


def chunk(delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return event({**HEAD, "object": "chat.completion.chunk", "choices": [choice]})


_OPENING = chunk({"role": "assistant", "content": ""})
_CLOSING = b"".join(
    (
        chunk({}, "stop"),
        event({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}),
        event("[DONE]"),
        END,
    )
)
_CALL = json_reply(
    {
        **HEAD,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
)


@lru_cache
def _stream(count: int) -> bytes:
    return b"".join((STREAM_HEAD, _OPENING, *(chunk({"content": word}) for word in words(count)), _CLOSING))


class Connection(asyncio.Protocol):
    """One client; requests may come in any pieces, but one at a time."""

    closings: list[float] = []  # noqa: RUF012  shared by all connections on purpose

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.buffer = self.body = b""
        self.endless = False
        self.gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's own class does not inherit it

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self.gone = True
        if self.endless:
            self.closings.append(time.monotonic())

    def data_received(self, data: bytes) -> None:
        self.buffer = data = self.buffer + data if self.buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        at = data[:end].lower().find(b"content-length:")
        length = 0 if at < 0 else int(data[at + 15 : data.index(b"\r\n", at)])
        if len(data) >= end + 4 + length:
            self.buffer, self.body = b"", data[end + 4 : end + 4 + length]
            self.answer(data.split(b" ", 2)[1].split(b"/", 2)[1].decode())

    def answer(self, way: str) -> None:
        write, loop = self.transport.write, self.loop
        if way == "call":
            write(_CALL)
        elif way[:1] == "s" and way[1:].isdigit():
            write(_stream(int(way[1:])))
        elif way == "wait50":
            loop.call_later(0.05, self.send, _CALL)
        elif way in {"first", "the"}:
            write(STREAM_HEAD + _OPENING + chunk({"content": "Foxes " if way == "first" else WORDS[0]}))
            rest = b"".join(chunk({"content": word}) for word in WORDS[1:])
            loop.call_later(0.002, self.send, rest + _CLOSING)
        elif way == "endless":
            write(STREAM_HEAD + _OPENING)
            self.endless = True
            self.go_on()
        elif way == "stall":
            write(STREAM_HEAD + _OPENING + chunk({"content": ANSWER}) * 2)
        elif way == "closed":
            write(json_reply(self.closings))
            self.closings.clear()

    def send(self, data: bytes) -> None:
        if not self.gone:
            self.transport.write(data)

    def go_on(self) -> None:
        if not self.gone:
            self.transport.write(chunk({"content": ANSWER}))
            self.loop.call_later(0.001, self.go_on)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(loop), "127.0.0.1", 0, backlog=1024)
    kind = type(loop).__module__.partition(".")[0]
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "loop": kind}), flush=True)
    await server.serve_forever()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # the server does without it
    except ImportError:
        return None
    return uvloop.new_event_loop


def leave_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", type=int, help="the processor that the server keeps to")
    core: int | None = parser.parse_args().core
    if core is not None:
        os.sched_setaffinity(0, {core})
    threading.Thread(target=leave_with_parent, daemon=True).start()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve())
