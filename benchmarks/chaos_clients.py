"""The clients that a chaos run compares, each over the same five endpoints; and routes of ours in this process."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from chaos import Ask, Said, wants_call
from clients import KEY, provider_from
from faults import (
    FATAL_IN_PROCESS,
    NOTICES,
    TOOL,
    Plan,
    answer_to,
    arguments_of,
    call_id,
    number_in,
    pieces_of,
    prompt_of,
    rest_of,
)

from g4f_integrations import Endpoint, Route
from g4f_integrations.core.threads import BLOCKING, ORDINARY, caller_loop, provider_loop
from g4f_integrations.langchain import ChatG4F

BLOCKED_SECONDS = 0.3
BLOCKED_SHARE = 0.02  # of the faults of a provider that may block its loop: it costs all calls that share the loop
_FOREVER = 3600.0
_TEXTS = {
    "rate_limit": "Response 429: Too many requests",
    "server_error": "Response 503: Service unavailable",
    "bad_key": "Response 401: Incorrect API key provided",
    "no_credit": "Response 402: Insufficient credits",
    "challenge": "Response 403: Cloudflare detected",
    "error_event": "Error 500: the upstream failed",
}


def start_threads() -> None:
    """Our threads start on first use, and stay: they are no part of what a run leaves behind."""
    caller_loop()
    for lane in (ORDINARY, BLOCKING):
        provider_loop(lane)


def tools_of(number: int) -> dict[str, Any]:
    """What the call offers beside its prompt."""
    return {"tools": [TOOL]} if wants_call(number) else {}


def said_by(message: Any) -> Said:
    """What a LangChain message says."""
    arguments = message.tool_calls[0]["args"] if message.tool_calls else None
    journey = message.response_metadata.get("g4f") or {}
    attempts = len(journey["attempts"]) if journey else None
    return Said(message.text, arguments, attempts)


def asking_langchain(model: Any, *, stream: bool) -> Ask:
    """Asks a LangChain model, ours or another's."""

    async def ask(number: int) -> Said:
        bound = model.bind(**tools_of(number)) if wants_call(number) else model
        if not stream:
            message = await bound.ainvoke(prompt_of(number))
        else:
            message = None
            async with aclosing(bound.astream(prompt_of(number))) as chunks:
                async for chunk in chunks:
                    message = chunk if message is None else message + chunk
        return said_by(message)

    return ask


def ours(routes: Sequence[Any], *, stream: bool = True, **settings: Any) -> Callable[[], Awaitable[Ask]]:
    """`ChatG4F` over `routes`."""

    async def make() -> Ask:
        return asking_langchain(ChatG4F(routes=list(routes), model="bench", **settings), stream=stream)

    return make


def endpoints(urls: Sequence[str]) -> list[Endpoint]:
    """The server's endpoints as routes of ours."""
    return [Endpoint(url, "bench", api_key=KEY, native_tools=True) for url in urls]


def with_fallbacks(urls: Sequence[str], *, timeout: float, **settings: Any) -> Callable[[], Awaitable[Ask]]:
    """LangChain's way: a `ChatOpenAI` for each endpoint, the others as the first one's fallbacks."""
    from langchain_openai import ChatOpenAI  # the tests do without it

    async def make() -> Ask:
        models = [
            ChatOpenAI(model="bench", base_url=url, api_key=KEY, timeout=timeout, **settings)  # type: ignore[arg-type]
            for url in urls
        ]
        return asking_langchain(models[0].with_fallbacks(models[1:]), stream=True)

    return make


def retry_provider(urls: Sequence[str], *, timeout: float) -> Callable[[], Awaitable[Ask]]:
    """g4f's way: a provider for each endpoint, in a `RetryProvider`, behind its client."""

    async def make() -> Ask:
        from g4f.client import AsyncClient, create_custom_provider
        from g4f.providers.retry_provider import RetryProvider

        made = [
            create_custom_provider(url, api_key=KEY, name=f"Peer{place}", default_model="bench", models=["bench"])
            for place, url in enumerate(urls)
        ]
        client = AsyncClient(provider=RetryProvider(made, shuffle=False))

        async def ask(number: int) -> Said:
            messages = [{"role": "user", "content": prompt_of(number)}]
            stream = client.chat.completions.create(
                messages, "bench", stream=True, stream_timeout=timeout, **tools_of(number)
            )
            text, arguments = "", ""
            async for chunk in stream:
                delta = chunk.choices[0].delta
                text += delta.content or ""
                for call in getattr(delta, "tool_calls", None) or ():
                    function = call["function"] if isinstance(call, dict) else call.function
                    arguments += (function["arguments"] if isinstance(function, dict) else function.arguments) or ""
            return Said(text, _parsed(arguments))

        return ask

    return make


def _parsed(arguments: str) -> dict[str, Any] | None:
    try:
        value = json.loads(arguments)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


class InProcess:
    """Providers in this process that fail like the server's endpoints.

    Args:
        seed: Of everything.
        probability: That an attempt fails.

    Attributes:
        asked: Requests of each call.
    """

    def __init__(self, seed: int, probability: float) -> None:
        self.asked: Counter[int] = Counter()
        self.fates: Counter[str] = Counter()
        self._plan = Plan(seed, probability, FATAL_IN_PROCESS, oddities=False)
        self._tries: Counter[tuple[int, int]] = Counter()

    def route(self, place: int, *, inline: bool, may_block: bool = False) -> Route:
        """A route of ours over such a provider.

        Args:
            place: Its number among the routes.
            inline: Whether it runs in the caller's loop, else on the provider thread.
            may_block: Whether one of its faults is to block its loop.
        """

        async def give(*, messages: list[dict[str, Any]], tools: Any = None, **_: Any) -> AsyncIterator[Any]:
            number = number_in(messages)
            self.asked[number] += 1
            attempt = self._tries[place, number]
            self._tries[place, number] += 1
            dice = self._plan.dice(place, number, attempt)
            fate = self._plan.fate(dice)
            if fate is not None and may_block and dice.random() < BLOCKED_SHARE:
                fate = "blocked"
            self.fates[fate or "ok"] += 1
            said = rest_of(answer_to(number), messages, dice)
            async for item in _before(fate, place):
                yield item
            if fate not in {"empty", "notice"}:
                async for item in _playing(
                    fate, _items_of(said, number, dice) if tools else pieces_of(said, dice), dice
                ):
                    yield item

        provider = provider_from(give, f"Chaotic{place}")
        return Route(provider, "bench", inline=inline, native_tools=True)


async def _before(fate: str | None, place: int) -> AsyncIterator[Any]:
    if fate == "blocked":
        time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251  blocking is what it is for
    if fate in {"blocked", "silence"}:
        await asyncio.sleep(_FOREVER)
    if fate == "notice":
        yield NOTICES[place]
    _raise_before(fate)


def _items_of(said: str, number: int, dice: random.Random) -> list[Any]:
    from g4f.providers.response import ToolCalls  # after the environment is clean

    pieces = pieces_of(arguments_of(said, number), dice)
    head = {"index": 0, "id": call_id(number), "type": "function", "function": {"name": "record", "arguments": ""}}
    return [ToolCalls([head]), *(ToolCalls([{"index": 0, "function": {"arguments": piece}}]) for piece in pieces)]


async def _playing(fate: str | None, items: list[Any], dice: random.Random) -> AsyncIterator[Any]:
    from g4f.providers.response import FinishReason, ToolCalls

    reason = FinishReason("tool_calls" if isinstance(items[0], ToolCalls) else "stop")
    breaks_at = dice.randrange(1, len(items) + 1) if fate is not None else None
    for place, item in enumerate([*items, reason]):
        if place == breaks_at:
            if fate == "stall_later":
                await asyncio.sleep(_FOREVER)
            _raise_later(fate)
        yield item


def _raise_before(fate: str | None) -> None:
    from g4f import errors

    kinds = {
        "rate_limit": errors.RateLimitError,
        "server_error": errors.ResponseStatusError,
        "bad_key": errors.MissingAuthError,
        "no_credit": errors.PaymentRequiredError,
        "challenge": errors.CloudflareError,
        "refused": ConnectionRefusedError,
        "reset": ConnectionResetError,
    }
    if fate in kinds:
        raise kinds[fate](_TEXTS.get(fate, f"connection {fate}"))


def _raise_later(fate: str | None) -> None:
    from aiohttp import ClientPayloadError
    from g4f.errors import ResponseError

    if fate == "cut":
        message = "Response payload is not completed"
        raise ClientPayloadError(message)
    if fate == "error_event":
        raise ResponseError(_TEXTS[fate])
