"""A real HTTP server on this machine that answers as it is told, and remembers what it was asked.

    def test_something(loopback):
        loopback.replies(Reply.chat("Hello"), Reply.status(429, headers={"Retry-After": "1"}))
        ...  # call loopback.base_url
        assert loopback.requests[0].body["model"] == "m"

The first reply serves the first request, and so on; the last one serves all that follow. Without replies the server is
a strict OpenAI-like one that repeats the newest message. It runs in a thread of its own, so tests may block.
"""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from stand_in import USAGE as USAGE_IN_DETAIL
from stand_in import reply_to
from strict_openai import request_fault
from toy_model import Said, in_words, say, wish_of_parameters, wish_of_words

WAIT = 5.0  # a test that would wait longer than this has failed; none of them takes that long when it passes


@dataclass(frozen=True)
class Stall:
    """A step: nothing is sent for that long; ``None`` is until the client goes away or the server ends."""

    seconds: float | None = None


class Cut:
    """A step: the connection is reset, unsent bytes and all."""


CUT = Cut()


@dataclass
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]  # lower-cased names
    raw: bytes
    connection: int  # number of the connection that it came over, from 0
    answered: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    def client_left(self) -> bool:
        """Waits until the client has closed this request's connection."""
        return self.hung_up.wait(WAIT)


@dataclass(frozen=True)
class Reply:
    """What to answer: bytes as they go over the wire, and what happens between them."""

    steps: tuple[Any, ...]
    keep_alive: bool = True

    @classmethod
    def raw(cls, *steps):
        """Bytes exactly as given, head and all; then the connection is closed."""
        return cls(steps, keep_alive=False)

    @classmethod
    def status(cls, status, body=b"", headers=None, content_type="application/json"):
        """One whole body: bytes, text, or something to write as JSON."""
        if not isinstance(body, bytes | str):
            body = json.dumps(body)
        data = body.encode() if isinstance(body, str) else body
        return cls(
            (_head(status, {"Content-Type": content_type, "Content-Length": len(data), **(headers or {})}), data)
        )

    @classmethod
    def json(cls, payload, status=200, headers=None):
        """One JSON body."""
        return cls.status(status, payload, headers)

    @classmethod
    def body(cls, *steps, status=200, content_type="text/event-stream", headers=None, ends=True):
        """A chunked body, one chunk per bytes step; without its last chunk if `ends` is false."""
        chunks = [
            b"%x\r\n%b\r\n" % (len(step), step) if isinstance(step, bytes) else step for step in steps if step != b""
        ]
        head = _head(status, {"Content-Type": content_type, "Transfer-Encoding": "chunked", **(headers or {})})
        return cls((head, *chunks, *([b"0\r\n\r\n"] if ends else [])), keep_alive=ends)

    @classmethod
    def sse(cls, *payloads, done=True, **options):
        """A stream of events: dicts become ``data`` lines of JSON, bytes and steps go through as they are."""
        steps = [_event(payload) if isinstance(payload, dict | list) else payload for payload in payloads]
        return cls.body(*steps, *([b"data: [DONE]\n\n"] if done else []), **options)

    @classmethod
    def gzipped(cls, *payloads):
        """A stream of events, compressed."""
        data = b"".join(map(_event, payloads)) + b"data: [DONE]\n\n"
        return cls.body(gzip.compress(data), headers={"Content-Encoding": "gzip"})

    @classmethod
    def chat(cls, *texts, **details):
        """A good answer, streamed (one chunk per text) or whole, as it was asked for; `details` as for `completion`."""
        return lambda request: (
            cls.sse(*chunks(*texts, **details))
            if request.body.get("stream")
            else cls.json(completion(*texts, **details))
        )


def _event(payload):
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def _head(status, headers):
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def completion(*texts, model="m", finish="stop", usage=USAGE, tool_calls=None, **message):
    """A whole ``chat.completion``."""
    content = "".join(texts) if texts else None
    message = {"role": "assistant", "content": content, **({"tool_calls": tool_calls} if tool_calls else {}), **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": usage,
    }


def chunk(delta=None, finish=None, model="m", index=0, **members):
    """One ``chat.completion.chunk``; `delta` is a text or a dict."""
    delta = {"content": delta} if isinstance(delta, str) else delta or {}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    return {**head, "choices": [choice], **members}


def chunks(*texts, model="m", finish="stop", usage=USAGE, tool_calls=None, **message):
    """The chunks of a good stream, usage in a chunk of its own."""
    deltas = [{"role": "assistant", "content": "", **message}, *({"content": text} for text in texts)]
    deltas += [{"tool_calls": [{"index": n, **call}]} for n, call in enumerate(tool_calls or ())]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    last = [{**head, "choices": [], "usage": usage}] if usage else []
    return [*(chunk(delta, model=model) for delta in deltas), chunk({}, finish, model), *last]


class LoopbackServer:
    """The server; `base_url`, `requests` and `replies` are what tests need."""

    def __init__(self, *, api_key=None, refuses=()):
        self.api_key = api_key
        self.refuses = frozenset(refuses)  # parameters that the strict server does not know
        self.requests: list[Received] = []
        self._asked = threading.Condition()
        self.connections = 0
        self._script: list[Any] = []
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._open: set[_Connection] = set()
        self._thread = threading.Thread(target=self._run, daemon=True, name="loopback")
        self._thread.start()
        starting = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=512)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(WAIT)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def root(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self):
        return f"{self.root}/v1"

    def replies(self, *replies: Reply | Callable[[Received], Reply]):
        """Sets what the next requests get; the last one repeats."""
        with self._lock:
            self._script = list(replies)
        return self

    def wait_for_requests(self, count=1):
        """Waits until so many requests have come; false if they do not."""
        with self._asked:
            return self._asked.wait_for(lambda: len(self.requests) >= count, WAIT)

    def wait_until_left(self):
        """Waits until no connection is open; false if one stays."""
        with self._asked:
            return self._asked.wait_for(lambda: not self._open, WAIT)

    def hang_up(self):
        """Closes every connection; see `wait_until_left`."""
        self._loop.call_soon_threadsafe(lambda: [connection.transport.close() for connection in self._open])

    def forget(self, connection):
        with self._asked:
            self._open.discard(connection)
            self._asked.notify_all()

    def note(self, request):
        with self._asked:
            self.requests.append(request)
            self._asked.notify_all()

    def reply_for(self, request):
        with self._lock:
            reply = self._script[0] if self._script else self.answer_strictly
            if len(self._script) > 1:
                del self._script[0]
        return reply(request) if callable(reply) else reply

    def answer_strictly(self, request):
        """What a server that follows OpenAI's rules to the letter would say."""
        if self.api_key is not None and request.headers.get("authorization") != f"Bearer {self.api_key}":
            return _refusal(401, "Incorrect API key provided.", code="invalid_api_key")
        if (request.method, request.path) == ("GET", "/v1/models"):
            return Reply.json({"object": "list", "data": [{"id": "m", "object": "model"}]})
        if (request.method, request.path) != ("POST", "/v1/chat/completions"):
            return _refusal(404, f"Unknown request URL: {request.method} {request.path}")
        try:
            body = request.body
        except ValueError:
            body = None
        complaint = request_fault(body, self.refuses)
        if complaint is not None:
            return _refusal(400, *complaint)
        if "tools" in self.refuses:  # it has a model that only talks
            said = Said(in_words(say(wish_of_words(body), reply_to(body["messages"]))))
        else:
            said = say(wish_of_parameters(body), reply_to(body["messages"]))
        calls = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
            }
            for call in said.calls
        ]
        details = {"tool_calls": calls, "finish": "tool_calls"} if calls else {}
        return Reply.chat(*said.texts, model=body["model"], usage=USAGE_IN_DETAIL, **details)(request)

    def _run(self):
        self._loop.run_forever()
        self._loop.run_until_complete(_end_tasks())
        self._loop.close()

    def close(self):
        """Closes every connection and ends the thread."""

        def stop():
            self._server.close()
            for connection in list(self._open):
                connection.transport.abort()
            self._loop.call_soon(self._loop.stop)

        self._loop.call_soon_threadsafe(stop)
        self._thread.join(WAIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _refusal(status, message, param=None, code=None):
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Reply.json({"error": error}, status)


class _Connection(asyncio.Protocol):
    def __init__(self, server):
        self._server = server
        self._buffer = b""
        self._task = None
        self._current = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport):
        self.transport = transport
        self.number = self._server.connections
        self._server.connections += 1
        self._server._open.add(self)

    def connection_lost(self, exc):
        asyncio.get_running_loop().call_soon(self._server.forget, self)  # by then its socket is closed
        self._writable.set()
        if self._current is not None:
            self._current.hung_up.set()
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self):
        self._writable.clear()

    def resume_writing(self):
        self._writable.set()

    def data_received(self, data):
        self._buffer += data
        self._next_request()

    def _next_request(self):
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found or (self._task is not None and not self._task.done()):
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        method, path, _ = first.split(" ")
        request = Received(method, path, headers, rest[:length], self.number)
        self._current = request
        self._server.note(request)
        self._task = asyncio.ensure_future(self._answer(request))

    async def _answer(self, request):
        reply = self._server.reply_for(request)
        for step in reply.steps:
            if isinstance(step, Cut):
                self.transport.abort()
                return
            if isinstance(step, Stall):
                await asyncio.sleep(step.seconds if step.seconds is not None else 3600)
                continue
            self.transport.write(step)
            await self._writable.wait()
            await asyncio.sleep(0)  # so that steps leave one by one
        request.answered.set()
        if not reply.keep_alive:
            self.transport.close()
            return
        self._current = request
        asyncio.get_running_loop().call_soon(self._next_request)


async def _end_tasks():
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
def loopback():
    """A server for one test; closed when the test is over."""
    with LoopbackServer() as server:
        yield server
