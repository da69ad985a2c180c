"""A call whose answer is to rest on a web search: the search comes first, its results go into the question.

Where every route that may answer searches by itself, the wish is handed on to it instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, NamedTuple

from g4f_integrations.core.candidates import resolve, resolve_cached
from g4f_integrations.core.events import AnswerInfo, Batch
from g4f_integrations.core.prompts import add_before, fill, load_prompt
from g4f_integrations.core.request import Request
from g4f_integrations.core.roles import text_of
from g4f_integrations.core.routes import RouteChoice
from g4f_integrations.core.search import (
    Remembered,
    SearchResults,
    WebSearch,
    fenced,
    key_of,
    memory,
    once,
    to_web_search,
)
from g4f_integrations.core.transport import names_parameter
from g4f_integrations.errors import ConfigurationError, IntegrationError

logger = logging.getLogger("g4f_integrations.search")

WISH = "web_search"
"""The parameter's name."""


class Grounded(NamedTuple):
    """A request after its search.

    Attributes:
        request: What the routes are asked.
        sources: The numbered sources.
        side_call: What the metadata tell of the search; ``None`` if there was none.
        failed: Whether the answer has to do without it.
    """

    request: Request
    sources: list[dict[str, Any]]
    side_call: dict[str, Any] | None
    failed: bool

    def tell(self, batch: Batch) -> None:
        """Add the search to the metadata, if they are in this batch."""
        info = batch[-1] if batch else None
        if isinstance(info, AnswerInfo) and self.side_call is not None:
            info.sources = [*self.sources, *info.sources]
            info.side_calls = [self.side_call, *info.side_calls]
            if self.failed:
                info.dropped = sorted({*info.dropped, WISH})


async def answer_grounded(
    choice: RouteChoice, request: Request, answer: Callable[[Request], AsyncGenerator[Batch, None]]
) -> AsyncGenerator[Batch, None]:
    """The events of a call with a search before it.

    Args:
        choice: Which routes may serve the call.
        request: What is asked, with the wish for a search among its parameters.
        answer: The engine.

    Raises:
        ConfigurationError: The wish makes no sense, or what a search needs is not installed.
        IntegrationError: As the engine does.
    """
    grounded = await ground(choice, request)
    async with aclosing(answer(grounded.request)) as batches:
        async for batch in batches:
            grounded.tell(batch)
            yield batch


async def complete_grounded(
    choice: RouteChoice, request: Request, complete: Callable[[Request], Awaitable[Batch]]
) -> Batch:
    """All events of a blocking call with a search before it; see `answer_grounded`."""
    grounded = await ground(choice, request)
    events = await complete(grounded.request)
    grounded.tell(events)
    return events


async def ground(choice: RouteChoice, request: Request) -> Grounded:
    """`request` with the results of the search that it asks for.

    Raises:
        ConfigurationError: The wish makes no sense, or what a search needs is not installed.
    """
    wish = to_web_search(request.params[WISH])
    params = {name: value for name, value in request.params.items() if name != WISH}
    plain = request.replacing(params=params)
    if not wish:
        return Grounded(plain, [], None, failed=False)
    if wish is True and await _searches_by_itself(choice):
        return Grounded(request, [], None, failed=False)
    settings = wish if isinstance(wish, WebSearch) else WebSearch(query=wish if isinstance(wish, str) else None)
    query = settings.query or _asked(request)
    told: dict[str, Any] = {"purpose": WISH, "query": query, "results": 0, "outcome": "ok", "cached": False}
    if not query.strip():
        return Grounded(plain, [], {**told, "outcome": "empty"}, failed=True)
    kept = memory.get(settings, query, same_turn=_is_continued(request))
    if kept is None:
        key = key_of(settings, query)
        kept = await (_search(settings, query) if key is None else once(key, lambda: _search(settings, query)))
    else:
        told["cached"] = True
    if kept.found is None:
        # An answer without sources, said to be one, is better than none.
        return Grounded(plain, [], {**told, "outcome": kept.failure}, failed=True)
    found = kept.found
    told["query"], told["results"] = found.query, len(found)
    messages = _with_results(request, found) if found.results else request.messages
    return Grounded(plain.replacing(messages=messages), found.sources(), told, failed=False)


async def _search(settings: WebSearch, query: str) -> Remembered:
    try:
        found = await settings.asearch(query)
    except ConfigurationError:
        raise
    except IntegrationError as error:
        logger.warning("%s", error)
        return memory.keep(settings, query, None, error.kind)
    return memory.keep(settings, query, found)


def _is_continued(request: Request) -> bool:
    """Whether the newest message is a tool's result: an agent's next turn on a question searched for already."""
    return bool(request.messages) and request.messages[-1].get("role") in {"tool", "function"}


async def _searches_by_itself(choice: RouteChoice) -> bool:
    plan = resolve_cached(choice)
    if plan is None:  # the first time g4f is imported, which takes a while
        plan = await asyncio.get_running_loop().run_in_executor(None, resolve, choice)
    return all(names_parameter(candidate, WISH) for candidate in plan.candidates)


def _asked(request: Request) -> str:
    """The user's newest words."""
    users = (message for message in reversed(request.messages) if message.get("role") == "user")
    return next((text for message in users if (text := text_of(message.get("content"))).strip()), "")


def _with_results(request: Request, found: SearchResults) -> list[Any]:
    prompt = load_prompt(WISH, request.prompts)
    date = datetime.now(UTC).date().isoformat()
    messages = [*request.messages]
    add_before(messages, fill(prompt, results=fenced(found), date=date))
    return messages
