"""One conversation of 1,000 turns over providers that announce no window: ``python benchmarks/long_conversation.py``.

Three servers on this machine take 4,000, 16,000 and 128,000 tokens (or characters) and refuse whatever is longer, with
the figure in OpenAI's words or without any. They answer like an agent's model: about two turns in three begin with tool
calls, whose results are sometimes longer than the smallest window. Now and then a server is overloaded, so that the
conversation moves to the others, and back. The whole history is given to every call. What is counted: calls without an
answer, and the requests that each server refused for their length. Nothing passes or fails: a figure that misses its
target says so, and the exit code is 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Report, at_most
from setting import clean_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.web import Request, Response

Wire = dict[str, Any]
WINDOWS = {"Small": 4_000, "Middle": 16_000, "Large": 128_000}
WORDS = ("light", "tower", "storm", "keeper", "lamp", "harbour", "signal", "fog", "rock", "wave", "the", "of", "and")
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "description": f"Reads the {what} of a day.",
            "parameters": {"type": "object", "properties": {"day": {"type": "integer"}}, "required": ["day"]},
        },
    }
    for name, what in (("read_log", "logbook"), ("read_chart", "chart"), ("read_post", "letters"))
]


@dataclass
class Provider:
    """A server with a window.

    Attributes:
        name: For the report.
        window: What it takes.
        unit: ``"tokens"`` or ``"characters"``.
        tells: Whether a refusal names the figures.
        overload: How often it is overloaded, of 1.
        asked: Requests that came.
        refused: Those refused for their length.
        url: Where it listens.
    """

    name: str
    window: int
    unit: str
    tells: bool
    overload: float
    dice: random.Random
    count: Callable[[str], int]
    asked: int = 0
    refused: int = 0
    url: str = ""
    faults: list[str] = field(default_factory=list)

    def size(self, body: Wire) -> int:
        """What the request counts as; this server counts some things that nobody else does."""
        return 3 + sum(6 + self.count(text) for text in _texts(body))

    def answer(self, body: Wire) -> tuple[int, Wire]:
        """Status and body of the reply."""
        self.asked += 1
        fault = _fault(body["messages"])
        if fault is not None:
            self.faults.append(fault)
            return 400, {"error": {"message": fault, "type": "invalid_request_error"}}
        size = self.size(body)
        if size > self.window:
            self.refused += 1
            return 400, {"error": {"message": self.refusal(size), "code": "context_length_exceeded"}}
        if self.dice.random() < self.overload:
            return 503, {"error": {"message": "The server is overloaded."}}
        return 200, _completion(self.dice, body)

    def refusal(self, size: int) -> str:
        """A refusal in OpenAI's words."""
        if not self.tells:
            return "The prompt is too long."
        unit = self.unit
        return (
            f"This model's maximum context length is {self.window} {unit}. However, your messages resulted in "
            f"{size} {unit}. Please reduce the length of the messages."
        )


def _texts(body: Wire) -> Iterator[str]:
    for message in body["messages"]:
        content = message.get("content")
        yield content if isinstance(content, str) else json.dumps(content or "")
        for call in message.get("tool_calls") or ():
            yield call["function"]["name"] + call["function"]["arguments"]
    for tool in body.get("tools") or ():
        yield json.dumps(tool)


def _fault(messages: Sequence[Wire]) -> str | None:
    """What a strict server finds wrong with a conversation."""
    open_calls: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                return "a tool's result without its call"
            open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            return "a tool call without its result"
        open_calls = {call["id"] for call in message.get("tool_calls") or ()}
    rest = [message for message in messages if message["role"] != "system"]
    return None if rest and rest[0]["role"] == "user" else "the conversation does not begin with the user"


def _say(dice: random.Random, least: int, most: int) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(least, most)))


def _completion(dice: random.Random, body: Wire) -> Wire:
    message: Wire = {"role": "assistant", "content": _say(dice, 10, 120)}
    if body["messages"][-1]["role"] == "user" and dice.random() < 0.66:
        message = {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": f"call{dice.randrange(10**9)}",
                    "type": "function",
                    "function": {
                        "name": dice.choice(TOOLS)["function"]["name"],  # type: ignore[index]
                        "arguments": json.dumps({"day": dice.randint(1, 365)}),
                    },
                }
                for _ in range(dice.randint(1, 3))
            ],
        }
    reason = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}


@asynccontextmanager
async def serving(provider: Provider) -> AsyncIterator[None]:
    """The provider as a server on this machine."""
    from aiohttp import web  # after the environment is clean

    async def complete(request: Request) -> Response:
        status, reply = provider.answer(await request.json())
        return web.json_response(reply, status=status)

    app = web.Application(client_max_size=1 << 28)
    app.router.add_post("/v1/chat/completions", complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    provider.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield
    finally:
        await runner.cleanup()


@dataclass
class Outcome:
    """How a conversation went."""

    calls: int = 0
    unanswered: int = 0
    messages: int = 0
    seconds: float = 0.0
    trouble: list[str] = field(default_factory=list)


async def converse(providers: Sequence[Provider], turns: int, dice: random.Random) -> Outcome:
    """Have the whole conversation; the history is never cut by the caller."""
    from g4f_integrations.core.policy import Resilience
    from g4f_integrations.core.routes import Endpoint, RouteChoice
    from g4f_integrations.testing import reset_health

    reset_health()
    choice = RouteChoice(routes=tuple(Endpoint(provider.url, "a-model-nobody-knows") for provider in providers))
    policy = Resilience(backoff_initial=0.001, backoff_max=0.002, breaker_cooldown=0.01)
    history: list[Wire] = [{"role": "system", "content": "You look after a lighthouse."}]
    outcome = Outcome()
    began = time.perf_counter()
    for turn in range(turns):
        history.append({"role": "user", "content": f"{turn}: {_say(dice, 5, 90)}?"})
        calls = await _ask(choice, policy, history, outcome)
        if calls:
            for call in calls:
                long = dice.random() < 0.05
                text = _say(dice, 2_000, 6_000) if long else _say(dice, 5, 150)
                history.append({"role": "tool", "tool_call_id": call, "content": text})
            await _ask(choice, policy, history, outcome)
    outcome.messages, outcome.seconds = len(history), time.perf_counter() - began
    return outcome


async def _ask(choice: Any, policy: Any, history: list[Wire], outcome: Outcome) -> list[str]:
    """One call; gives the ids of the tool calls that it was answered with."""
    from g4f_integrations.core.engine import complete
    from g4f_integrations.core.events import TextDelta, ToolCall
    from g4f_integrations.core.request import Request
    from g4f_integrations.core.trimming import Trimming
    from g4f_integrations.errors import IntegrationError

    outcome.calls += 1
    try:
        events = await complete(choice, Request(history, tools=tuple(TOOLS), trimming=Trimming()), policy)
    except IntegrationError as error:
        outcome.unanswered += 1
        outcome.trouble.append(" ".join(str(error).split())[:300])
        history.append({"role": "assistant", "content": "(no answer)"})
        return []
    calls = [event for event in events if isinstance(event, ToolCall)]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    message: Wire = {"role": "assistant", "content": text or None}
    if calls:
        made = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
            }
            for call in calls
        ]
        message["tool_calls"] = made
    history.append(message)
    return [call.id for call in calls]


def _token_counter() -> Callable[[str], int]:
    """The servers' own vocabulary, which is not the one that we count with."""
    spec = find_spec("llama_index")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(place, "core", "_static", "tiktoken_cache")
        if folder.is_dir():
            os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)
    import tiktoken  # the folder must be set before

    encode = tiktoken.get_encoding("cl100k_base").encode_ordinary
    known: dict[str, int] = {}

    def count(text: str) -> int:
        found = known.get(text)
        if found is None:
            found = known[text] = len(encode(text))
        return found

    return count


async def scene(names: Sequence[str], unit: str, turns: int, *, tells: bool) -> tuple[list[Provider], Outcome]:
    """One conversation over the providers of these names."""
    count = _token_counter() if unit == "tokens" else len
    overload = 0.1 if len(names) > 1 else 0.0
    providers = [
        Provider(name, WINDOWS[name], unit, tells, overload, random.Random(number), count)
        for number, name in enumerate(names)
    ]
    async with AsyncExitStack() as stack:
        for provider in providers:
            await stack.enter_async_context(serving(provider))
        return providers, await converse(providers, turns, random.Random(7))


def _run(make: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await make()

    return asyncio.run(main())


def main() -> None:
    """Have all the conversations and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=1_000, help="turns of each conversation (1000)")
    parser.add_argument("--all", action="store_true", help="each provider alone as well")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures down as well")
    options = parser.parse_args()
    clean_environment()
    report = Report()
    together = [tuple(WINDOWS), tuple(reversed(WINDOWS))]
    alone = [(name,) for name in WINDOWS] if options.all else []
    for names in (*together, *alone):
        for unit in ("tokens", "characters"):
            for tells in (True, False):
                told = "with figures" if tells else "without figures"
                title = f"{', '.join(names)}; {unit}; refusals {told}"
                providers, outcome = _run(lambda: scene(names, unit, options.turns, tells=tells))  # noqa: B023
                print(
                    f"\n{title}: {outcome.calls:,} calls, {outcome.messages:,} messages at the end, "
                    f"{outcome.seconds:.0f} s"
                )
                for provider in providers:
                    print(
                        f"    {provider.name:<8}{provider.window:>8,} {unit:<11}{provider.asked:>7,} requests"
                        f"{provider.refused:>5} refused for length{len(provider.faults):>5} for their form"
                    )
                for line in (outcome.trouble + [fault for one in providers for fault in one.faults])[:3]:
                    print(f"    ! {line}")
                report.judge(f"calls without an answer, {title}", outcome.unanswered, at_most(0), "")
                worst = max(provider.refused for provider in providers)
                report.judge(f"requests refused, worst provider, {title}", worst, at_most(2), "")
    report.summary()
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_data(), indent=1))


if __name__ == "__main__":
    main()
