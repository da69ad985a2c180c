"""Route + request → events. The only door to g4f's chat.

A g4f provider is called through its own method, with deep copies, on the provider thread (or in the caller's loop
where the route says so); an endpoint through `core.endpoint`. g4f's client is never used: it rewrites the
conversation and shares sessions between callers.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Coroutine
from functools import lru_cache
from typing import Any, Protocol

from g4f_integrations.core.candidates.candidate import Candidate, Plan
from g4f_integrations.core.chunks import ChunkReader
from g4f_integrations.core.credentials import MASK
from g4f_integrations.core.endpoint import ask_endpoint, call_endpoint, load_client
from g4f_integrations.core.events import Batch
from g4f_integrations.core.pump import LocalPump, Pump
from g4f_integrations.core.remote import RemotePump
from g4f_integrations.core.request import CallNotes, Request
from g4f_integrations.core.roles import adapt_messages
from g4f_integrations.core.routes import Endpoint, Route
from g4f_integrations.core.threads import at_exit_of_providers
from g4f_integrations.core.transport._providers import (
    arguments_of,
    call_provider,
    copied,
    credentials_of,
    media_of,
    shape_of,
)
from g4f_integrations.errors import ConfigurationError

__all__ = [
    "Reader",
    "Upstream",
    "ask_whole",
    "call_provider",
    "check_arrived",
    "copied",
    "credentials_of",
    "load_for",
    "names_parameter",
    "open_upstream",
    "shape_of",
    "takes_parameter",
    "trims_answers",
]

_HELD_READS = 16  # network reads of a stream that wait for a slow consumer; one can hold a thousand events


async def _close_g4f_connections() -> None:
    """g4f keeps its connections for as long as the process lives, and aiohttp complains of it at exit."""
    requests = sys.modules.get("g4f.requests")
    if requests is not None:
        await requests.close_shared_connectors()


at_exit_of_providers(_close_g4f_connections)


class Reader(Protocol):
    """Turns what a pump delivers into events."""

    error: BaseException | None
    finished: bool

    def read(self, chunks: list[Any]) -> Batch:
        """The events of `chunks`, in order."""


class _BatchReader:
    """For endpoints, whose chunks are batches of events already and whose missing ends are noticed there."""

    __slots__ = ()
    error: BaseException | None = None
    finished = True

    def read(self, chunks: list[Any]) -> Batch:
        if len(chunks) == 1:
            only: Batch = chunks[0]
            return only
        return [event for batch in chunks for event in batch]


_BATCHES = _BatchReader()  # it has no state


class Upstream:
    """One attempt's way to its route, which gives its events piece by piece.

    Args:
        pump: Delivers chunks against a clock.
        reader: Makes events of them.
        streams: Whether the route really streams; if not, only the attempt's own clock counts.
        tells_finish: Whether an end without a finish reason means that the answer was cut.
        output_limit: Tokens after which we end the answer ourselves, because the route is known not to.
    """

    __slots__ = ("output_limit", "pump", "reader", "streams", "tells_finish")

    def __init__(
        self,
        pump: Pump,
        reader: Reader,
        *,
        streams: bool,
        tells_finish: bool = False,
        output_limit: int | None = None,
    ) -> None:
        self.pump = pump
        self.reader = reader
        self.streams = streams
        self.tells_finish = tells_finish
        self.output_limit = output_limit


def load_for(plan: Plan) -> None:
    """Import what the plan's routes need, which takes a while the first time; meant for a worker thread."""
    if any(candidate.provider is None for candidate in plan.candidates):
        load_client()


def ask_whole(
    candidate: Candidate, request: Request, notes: CallNotes, expires: float | None
) -> Coroutine[Any, Any, Batch]:
    """All events of an endpoint's blocking answer at once.

    It needs no task of its own and no pump, because it is our own code, which heeds a cancellation.

    Args:
        candidate: An endpoint.
        request: What to ask; it is not changed.
        notes: Filled with what the route could not take.
        expires: Time of the running loop at which to give up, if any.

    Raises:
        Expired: The time ran out.
        ConfigurationError: The route's key did not travel with a pickle.
    """
    check_arrived(candidate)
    return ask_endpoint(candidate, request, notes, expires)


def takes_parameter(candidate: Candidate, name: str) -> bool:
    """Whether a route is known to act on a parameter. Any endpoint is, until it refuses."""
    if candidate.provider is None:
        return True
    shape = shape_of(candidate.provider)
    return name in shape.named or shape.is_template


def names_parameter(candidate: Candidate, name: str) -> bool:
    """Whether a route is a provider whose own method has a parameter of that name."""
    return candidate.provider is not None and name in shape_of(candidate.provider).named


def trims_answers(candidate: Candidate) -> bool:
    """Whether a route is known to drop white space at the beginning of an answer, as g4f's OpenAI template does."""
    return candidate.provider is not None and shape_of(candidate.provider).is_template


def open_upstream(candidate: Candidate, request: Request, notes: CallNotes) -> Upstream:
    """Start one attempt: one call of a provider's method, or one HTTP request.

    Args:
        candidate: The route to ask.
        request: What to ask; it is not changed, and providers get deep copies.
        notes: Filled with what the route could not take.

    Raises:
        ConfigurationError: The route's key did not travel with a pickle.
    """
    if candidate.provider is not None:
        return _open_provider(candidate, request, notes)
    check_arrived(candidate)
    pump = LocalPump(lambda: call_endpoint(candidate, request, notes), held=_HELD_READS)
    return Upstream(pump, _BATCHES, streams=request.stream)


@lru_cache(maxsize=256)
def check_arrived(candidate: Candidate) -> None:
    """Whether the credentials inside the route's URLs are still there.

    Raises:
        ConfigurationError: They were left behind by a pickle.
    """
    route = candidate.route
    is_masked = type(route) is Endpoint and MASK in route.base_url
    if candidate.proxy is not None:
        is_masked = is_masked or any(MASK in url for _, url in candidate.proxy)
    if is_masked:
        message = (
            f"The user name, password or key inside the base_url or proxy of {candidate.label} did not travel with a "
            "pickle. Give the URL anew in this process, or give its credential as api_key from the environment."
        )
        raise ConfigurationError(message)


def _open_provider(candidate: Candidate, request: Request, notes: CallNotes) -> Upstream:
    check_arrived(candidate)
    provider = candidate.provider
    shape = shape_of(provider)
    streams = request.stream and bool(getattr(provider, "supports_stream", True))
    try:
        messages, notes.flattened = adapt_messages(
            request.messages,
            history=bool(getattr(provider, "supports_message_history", False)),
            system=bool(getattr(provider, "supports_system_message", False)),
            native_tools=bool(candidate.native_tools),
        )
        arguments = arguments_of(candidate, request, shape, notes)
    except RecursionError:
        message = "a message, a parameter or extra_body is nested too deeply (or holds itself)"
        raise ConfigurationError(message) from None
    if "stream" in shape.named or shape.takes_any:
        arguments["stream"] = streams
    media = media_of(messages) if "media" in shape.named and not shape.is_template else []
    if media:
        arguments["media"] = media

    def source() -> AsyncIterator[Any]:
        return call_provider(provider, candidate.model, messages, arguments)

    route = candidate.route
    inline = (isinstance(route, Route) and route.inline) or bool(getattr(provider, "runs_inline", False))
    limit = request.params.get("max_tokens")
    ignores_limit = "max_tokens" in notes.dropped or shape.ignores_max_tokens
    return Upstream(
        LocalPump(source) if inline else RemotePump(source, lane=shape.lane),
        ChunkReader(),
        streams=streams,
        tells_finish=shape.is_template and streams,
        output_limit=limit if ignores_limit and isinstance(limit, int) else None,
    )
