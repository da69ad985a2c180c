"""What goes wrong in a chaos run, and what the right answer would have been: pure, and the same in every run.

A call is known by its number, which stands in its prompt; its answer follows from the number alone. Whether an attempt
fails, and how, follows from the seed, the route, the call and how often this route was asked for it, so the order in
which calls run changes nothing.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from server import END, HEAD, STREAM_HEAD, chunk, event

TOOL: Final = {
    "type": "function",
    "function": {
        "name": "record",
        "description": "Writes a list down.",
        "parameters": {
            "type": "object",
            "properties": {"number": {"type": "integer"}, "text": {"type": "string"}},
            "required": ["number", "text"],
        },
    },
}
FATAL: Final = (
    "rate_limit", "rate_limit_waits", "server_error", "bad_key", "no_credit", "challenge", "empty", "notice", "reset",
    "silence", "stall_first", "stall_later", "cut", "false_end", "error_event", "garbage", "broken_gzip", "oversized",
)  # fmt: skip
"""What an endpoint does instead of answering."""
HARMLESS: Final = ("noise", "slow_drip", "mislabelled", "duplicate_frames")
"""What an endpoint does while it answers, and nobody should notice."""
FATAL_IN_PROCESS: Final = (
    "rate_limit", "server_error", "bad_key", "no_credit", "challenge", "empty", "notice", "refused", "reset", "silence",
    "stall_later", "cut", "error_event",
)  # fmt: skip
"""What a provider in this process does instead; `blocked`, which costs its neighbours too, is added by the scene."""
ODDITY_SHARE: Final = 0.2  # of the good answers that come in an odd way
WAIT_SECONDS: Final = 0.05  # that a rate limit asks for

PROBE: Final = -1_000_000
"""The number of what a client asks beside its calls, to see whether a route is well again."""

_ANIMALS = ("otter", "heron", "café cat", "badger", "wren", "Fähre-dog", "tortoise", "lynx", "dormouse", "puffin")
_THINGS = ("shells", "bricks", "lanterns", "маяки", "stamps", "灯塔", "buttons 🧵", "kites", "spoons", "maps")
_NUMBER = re.compile(r"Task (-?\d+)\b")
_SHORTEST_TOLD = 12  # characters of its answer by which a model recognises that it is to carry on
NOTICES: Final = (
    "Request ended with status code 404",
    "The server is busy. Please try again later.",
    "Too many requests. Please slow down and try again later.",
    "The model is currently overloaded. Please try again later.",
    "Rate limit exceeded. Please slow down.",
)
"""What each endpoint says instead of an answer; two that say the same would be believed."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for that many seconds."""

    seconds: float


class Reset:
    """The connection is aborted here, without a word."""


RESET = Reset()
FOREVER = Pause(3600.0)
Step = bytes | Pause | Reset


@lru_cache(maxsize=20_000)
def answer_to(number: int) -> str:
    """The right answer to a call: a list whose lines occur once, in several alphabets."""
    dice = random.Random(number)
    lines = [
        f"{line}. The {dice.choice(_ANIMALS)} of bay {dice.randrange(1000)} has {dice.randrange(10**6)} "
        f"{dice.choice(_THINGS)}."
        for line in range(1, dice.randrange(5, 14))
    ]
    return "\n".join(lines)


def prompt_of(number: int) -> str:
    """What is asked."""
    return f"Task {number}: give me the list of the bays."


def number_in(messages: Sequence[dict[str, Any]]) -> int:
    """Which call a conversation belongs to; `PROBE` if a client asks something of its own."""
    found = _NUMBER.search(_text_of(messages[0]))
    return int(found[1]) if found else PROBE


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else json.dumps(content)


def rest_of(answer: str, messages: Sequence[dict[str, Any]], dice: random.Random) -> str:
    """What a model says to a conversation: all of `answer`, or what follows the part of it that it is shown.

    Models that are asked to carry on repeat their last words first, as they are told to; or begin anew; or, now and
    then, go on to the letter.
    """
    told = max((_length_of_told(answer, _text_of(message)) for message in messages[1:]), default=0)
    if not told:
        return answer
    manner = dice.random()
    if manner < 0.8:
        return answer[max(told - dice.randrange(15, 70), 0) :]
    return answer if manner < 0.95 else answer[told:]


def _length_of_told(answer: str, text: str) -> int:
    """How much of `answer` stands in `text`, where the rest of a line may follow it."""
    at = text.find(answer[:_SHORTEST_TOLD])
    if at < 0:
        return 0
    shown = text[at : at + len(answer) + 1]
    pairs = enumerate(zip(shown, answer, strict=False))
    length = next((place for place, (said, meant) in pairs if said != meant), min(len(shown), len(answer)))
    # A line's end behind what is told belongs to whoever tells it.
    return length - 1 if answer[:length].endswith("\n") and shown[length : length + 1] == "[" else length


@dataclass(frozen=True, slots=True)
class Plan:
    """How a route behaves.

    Attributes:
        seed: Of everything.
        probability: That an attempt fails.
        kinds: The ways to fail, equally likely.
        oddities: Whether good answers may come in odd ways.
    """

    seed: int
    probability: float
    kinds: tuple[str, ...] = FATAL
    oddities: bool = True

    def dice(self, route: int, number: int, attempt: int) -> random.Random:
        """The chance of one attempt."""
        return random.Random(f"{self.seed} {route} {number} {attempt}")

    def fate(self, dice: random.Random) -> str | None:
        """What befalls the attempt whose dice these are; ``None`` is nothing."""
        if dice.random() < self.probability:
            return dice.choice(self.kinds)
        return dice.choice(HARMLESS) if self.oddities and dice.random() < ODDITY_SHARE else None


def pieces_of(text: str, dice: random.Random) -> list[str]:
    """`text` in pieces like tokens."""
    pieces, at = [], 0
    while at < len(text):
        size = dice.randrange(2, 14)
        pieces.append(text[at : at + size])
        at += size
    return pieces


# Over HTTP ----------------------------------------------------------------------------------------------------------

_USAGE: Final = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
_PAGE = "<!DOCTYPE html><html><head><title>{}</title></head><body>{}</body></html>"
_REFUSALS: Final[dict[str, tuple[int, object, dict[str, object]]]] = {
    "rate_limit": (429, {"error": {"message": "Rate limit reached for requests", "type": "requests"}}, {}),
    "rate_limit_waits": (
        429,
        {"error": {"message": "Too many requests", "type": "requests"}},
        {"Retry-After": WAIT_SECONDS, "retry-after-ms": round(WAIT_SECONDS * 1000)},
    ),
    "server_error": (503, {"error": {"message": "Internal server error", "type": "server_error"}}, {}),
    "bad_key": (401, {"error": {"message": "Incorrect API key provided.", "code": "invalid_api_key"}}, {}),
    "no_credit": (402, {"error": {"message": "Insufficient credits.", "type": "insufficient_quota"}}, {}),
    "challenge": (403, _PAGE.format("Just a moment...", "cf-chl"), {}),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server has it.

    Attributes:
        number: Of the call.
        route: Whose endpoint was asked.
        body: The request.
        dice: For everything that is left to chance.
    """

    number: int
    route: int
    body: dict[str, Any]
    dice: random.Random


def steps_of(fate: str | None, said: str, asked: Asked) -> list[Step]:
    """What goes over the wire in answer to a request.

    Args:
        fate: What befalls it.
        said: The model's words.
        asked: The request.
    """
    if fate == "reset":
        return [RESET]
    if fate == "silence":
        return [FOREVER]
    if fate == "oversized":
        return [b"HTTP/1.1 200 OK\r\nX-Junk: " + b"x" * 200_000 + b"\r\n\r\n"]
    if fate in _REFUSALS:
        return [_reply(*_REFUSALS[fate])]
    calls_tool = bool(asked.body.get("tools"))
    if fate in {"empty", "notice"}:
        said, calls_tool = "" if fate == "empty" else NOTICES[asked.route % len(NOTICES)], False
    if asked.body.get("stream"):
        answer = _Stream(_call_frames(said, asked) if calls_tool else _text_frames(said, asked), calls_tool, asked.dice)
        return _BEFALLS_STREAM.get(fate or "", _Stream.whole)(answer)
    return _whole(fate, said, asked, calls_tool)


def _reply(status: int, content: object, headers: dict[str, object]) -> bytes:
    is_page = isinstance(content, str)
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    told = {"Content-Type": "text/html" if is_page else "application/json", "Content-Length": len(body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**told, **headers}.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + body


def arguments_of(said: str, number: int) -> str:
    """The arguments of the call of a tool that stands for an answer."""
    return json.dumps({"number": number, "text": said}, ensure_ascii=False)


def call_id(number: int) -> str:
    """The id of that call of a tool."""
    return f"call{abs(number) % 10**5:05d}"


def _whole(fate: str | None, said: str, asked: Asked, calls_tool: bool) -> list[Step]:
    """A blocking answer; what befalls a stream befalls its body."""
    message: dict[str, Any] = {"role": "assistant", "content": None if calls_tool else said}
    if calls_tool:
        function = {"name": "record", "arguments": arguments_of(said, asked.number)}
        message["tool_calls"] = [{"id": call_id(asked.number), "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls_tool else "stop"}
    reply = _reply(200, {**HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}, {})
    half = reply[: len(reply) - asked.dice.randrange(20, 150)]
    odd: dict[str, list[Step]] = {
        "error_event": [_reply(200, {"error": {"message": "The upstream failed.", "type": "server_error"}}, {})],
        "garbage": [_reply(200, _PAGE.format("502 Bad Gateway", "nginx"), {})],
        "broken_gzip": [_gzipped(b'{"choices": [')],
        "cut": [half, RESET],
        "false_end": [half, RESET],
        "stall_first": [FOREVER],
        "stall_later": [half, FOREVER],
        "slow_drip": _dripped(reply),
        "mislabelled": [reply.replace(b"application/json", b"text/plain; charset=iso-8859-1", 1)],
    }
    return odd.get(fate or "", [reply])


def _text_frames(said: str, asked: Asked) -> list[bytes]:
    return [chunk({"content": piece}) for piece in pieces_of(said, asked.dice)]


def _call_frames(said: str, asked: Asked) -> list[bytes]:
    head = {"index": 0, "id": call_id(asked.number), "type": "function"}
    parts: list[dict[str, Any]] = [{**head, "function": {"name": "record", "arguments": ""}}]
    pieces = pieces_of(arguments_of(said, asked.number), asked.dice)
    parts += [{"index": 0, "function": {"arguments": piece}} for piece in pieces]
    return [chunk({"tool_calls": [part]}) for part in parts]


class _Stream:
    """A streamed answer, and what can befall it somewhere in its middle."""

    def __init__(self, frames: list[bytes], calls_tool: bool, dice: random.Random) -> None:
        somewhere = dice.randrange(1, len(frames)) if len(frames) > 1 else 0
        self.dice = dice
        self.frames = frames
        self.begun = b"".join(frames[:somewhere])
        self.left = frames[somewhere:]
        self.opening = STREAM_HEAD + chunk({"role": "assistant", "content": ""})
        self.finish = chunk({}, "tool_calls" if calls_tool else "stop")
        self.usage = event({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE})
        self.done = event("[DONE]")

    @property
    def closing(self) -> bytes:
        return self.finish + self.usage + self.done + END

    def whole(self) -> list[Step]:
        return [self.opening, b"".join(self.frames) + self.closing]

    def stall_first(self) -> list[Step]:
        return [self.opening, FOREVER]

    def stall_later(self) -> list[Step]:
        return [self.opening, self.begun, FOREVER]

    def cut(self) -> list[Step]:
        return [self.opening, self.begun + self.left[0][: len(self.left[0]) // 2], RESET]

    def false_end(self) -> list[Step]:
        return [self.opening, self.begun, END]

    def error_event(self) -> list[Step]:
        return [self.opening, self.begun, event({"error": {"message": "The upstream failed."}}), END]

    def garbage(self) -> list[Step]:
        """One frame of the text comes as half of one."""
        broken = event('{"id": "chatcmpl-8f3a", "choices": [{"index": 0, "delta": {"content": "The q')
        return [self.opening, self.begun + broken, b"".join(self.left[1:]) + self.closing]

    def broken_gzip(self) -> list[Step]:
        return [_gzipped(b"data: {")]

    def noise(self) -> list[Step]:
        noises = [_line(text) for text in (": keep-alive\n\n", "event: ping\nretry: 10\n\n", "\r\n\r\n", "id: 7\n\n")]
        return [self.opening, *(self.dice.choice(noises) + frame for frame in self.frames), self.closing]

    def slow_drip(self) -> list[Step]:
        return _dripped(b"".join([self.opening, *self.frames, self.closing]))

    def mislabelled(self) -> list[Step]:
        wrong = self.opening.replace(b"text/event-stream", b"application/octet-stream; charset=iso-8859-1")
        return [wrong, b"".join(self.frames) + self.closing]

    def duplicate_frames(self) -> list[Step]:
        """Of everything but the text, whose repetition would be text."""
        role = self.opening[len(STREAM_HEAD) :]
        return [self.opening + role, b"".join(self.frames) + 2 * self.finish + 2 * self.usage + 2 * self.done + END]


_BEFALLS_STREAM: Final[dict[str, Callable[[_Stream], list[Step]]]] = {
    "stall_first": _Stream.stall_first,
    "stall_later": _Stream.stall_later,
    "cut": _Stream.cut,
    "false_end": _Stream.false_end,
    "error_event": _Stream.error_event,
    "garbage": _Stream.garbage,
    "broken_gzip": _Stream.broken_gzip,
    "noise": _Stream.noise,
    "slow_drip": _Stream.slow_drip,
    "mislabelled": _Stream.mislabelled,
    "duplicate_frames": _Stream.duplicate_frames,
}


def _line(text: str) -> bytes:
    return b"%x\r\n%b\r\n" % (len(text), text.encode())


def _gzipped(data: bytes) -> bytes:
    body = gzip.compress(data)[:-12] + b"garbage!"
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nContent-Length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


def _dripped(data: bytes) -> list[Step]:
    """`data` in bits that cut characters, lines and HTTP chunks anywhere."""
    steps: list[Step] = []
    for at in range(0, len(data), 97):
        steps += [data[at : at + 97], Pause(0.0005)]
    return steps
