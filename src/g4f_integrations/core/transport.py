"""Route + request → events. The only door to g4f's chat.

A g4f provider is called through its own method, with deep copies, on the provider thread (or in the caller's loop
where the route says so); an endpoint through `core.endpoint`. g4f's client is never used: it rewrites the
conversation and shares sessions between callers.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies

from g4f_integrations.core.blocking import step_in_thread
from g4f_integrations.core.candidates.candidate import Candidate, Plan
from g4f_integrations.core.catalog import reviewed
from g4f_integrations.core.chunks import ChunkReader
from g4f_integrations.core.credentials import MASK
from g4f_integrations.core.endpoint import ask_endpoint, call_endpoint, load_client
from g4f_integrations.core.events import Batch
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.proxies import proxy_for
from g4f_integrations.core.pump import LocalPump, Pump
from g4f_integrations.core.remote import RemotePump
from g4f_integrations.core.request import COMPLETION_PARAMETERS, CallNotes, Request
from g4f_integrations.core.roles import adapt_messages
from g4f_integrations.core.routes import Endpoint, Route
from g4f_integrations.core.threads import BLOCKING, ORDINARY, at_exit_of_providers
from g4f_integrations.errors import ConfigurationError

logger = call_logger("transport")

_HELD_READS = 16  # network reads of a stream that wait for a slow consumer; one can hold a thousand events
# What our own core reads and providers never get.
_OURS = frozenset({"model", "messages", "stream"})


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
        arguments = _arguments(candidate, request, shape, notes)
    except RecursionError:
        message = "a message, a parameter or extra_body is nested too deeply (or holds itself)"
        raise ConfigurationError(message) from None
    if "stream" in shape.named or shape.takes_any:
        arguments["stream"] = streams
    media = _media(messages) if "media" in shape.named and not shape.is_template else []
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


def call_provider(
    provider: Any, model: str, messages: list[dict[str, Any]], arguments: dict[str, Any]
) -> AsyncIterator[Any]:
    """The provider's own chunks; a method that blocks is stepped through in a worker thread."""
    if not hasattr(provider, "create_async_generator") and not hasattr(provider, "create_async"):
        return step_in_thread(partial(provider.create_completion, model=model, messages=messages, **arguments))
    from g4f import get_async_provider_method  # type: ignore[attr-defined]  # noqa: PLC0415  g4f's own public door

    method: Any = get_async_provider_method(provider)
    chunks: AsyncIterator[Any] = method(model=model, messages=messages, **arguments)
    return chunks


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a provider's method takes."""

    named: frozenset[str]
    takes_any: bool
    is_template: bool  # built on g4f's OpenAI template, whose `**kwargs` lead nowhere but whose `extra_body` is sent
    template_takes: frozenset[str]
    ignores_max_tokens: bool
    lane: str  # the loop thread on which providers of its sort run


@lru_cache(maxsize=512)
def shape_of(provider: Any) -> _Shape:
    """What a provider's method takes, read from its signature and our review."""
    method = next(
        found
        for name in ("create_async_generator", "create_async", "create_completion")
        if (found := getattr(provider, name, None)) is not None
    )
    parameters = inspect.signature(method).parameters
    named = frozenset(
        name
        for name, parameter in parameters.items()
        if parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
    )
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    is_template = any(
        base.__name__ == "OpenaiTemplate"
        for base in inspect.getmro(provider if isinstance(provider, type) else type(provider))
    )
    extra = parameters.get("extra_parameters")
    default = extra.default if extra is not None and extra.default is not inspect.Parameter.empty else ()
    review = reviewed(provider)
    if review is not None and review.kwargs == "ignored":
        takes_any = False
    may_block = review is not None and (review.blocks or review.network_models)
    return _Shape(
        named,
        takes_any,
        is_template,
        frozenset(default or ()),
        review is not None and review.max_tokens == "ignored",
        BLOCKING if may_block or is_template else ORDINARY,
    )


def _wanted(request: Request) -> dict[str, Any]:
    """Everything that the request asks for beside its messages, by g4f's names."""
    wanted: dict[str, Any] = {name: value for name, value in request.params.items() if name not in _OURS}
    if request.stop:
        wanted["stop"] = list(request.stop)
    if request.tools:
        wanted["tools"] = list(request.tools)
        if request.tool_choice is not None:
            wanted["tool_choice"] = request.tool_choice
        if request.parallel_tool_calls is not None:
            wanted["parallel_tool_calls"] = request.parallel_tool_calls
    return wanted


def _arguments(candidate: Candidate, request: Request, shape: _Shape, notes: CallNotes) -> dict[str, Any]:
    """The parameters that the provider takes, as deep copies; the names of the others go to `notes.dropped`."""
    taken: dict[str, Any] = {}
    body: dict[str, Any] = {}
    wanted = _wanted(request)
    if request.completion:
        notes.dropped += [name for name in COMPLETION_PARAMETERS if wanted.pop(name, None) is not None]
    if wanted.pop("n", 1) != 1:  # a provider gives one answer, whatever it is asked for
        notes.dropped.append("n")
    for name, value in wanted.items():
        if name in shape.named or name in shape.template_takes or (shape.takes_any and not shape.is_template):
            taken[name] = copied(value)
        elif shape.is_template:
            body[name] = copied(value)
        else:
            notes.dropped.append(name)
    if request.extra_body:
        body.update(copied(request.extra_body))
    if body and ("extra_body" in shape.named or shape.takes_any):
        taken["extra_body"] = body
    elif body:
        notes.dropped += body
    taken.update(credentials_of(candidate))
    if notes.dropped:
        logger.debug("%s cannot take %s", candidate.label, ", ".join(notes.dropped))
    return taken


def credentials_of(candidate: Candidate) -> dict[str, str]:
    """The key and the proxy, where there are any."""
    found = {}
    if candidate.api_key is not None:
        found["api_key"] = candidate.api_key.reveal(candidate.name)
    scheme = urlsplit(getattr(candidate.provider, "url", None) or "https:").scheme
    proxy = proxy_for(candidate.proxy, scheme)
    if proxy is not None and proxy.lower().startswith("env://"):
        proxy = getproxies().get(scheme) or getproxies().get("all")
    if proxy is not None:
        found["proxy"] = proxy
    return found


def copied(value: Any) -> Any:
    """A copy of `value` in plain lists and dicts; what is neither stays the same object."""
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, dict | Mapping):  # asking for dict first spares the usual case the abstract class's look-up
        return {name: copied(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [copied(member) for member in value]
    return value


def _media(messages: list[dict[str, Any]]) -> list[tuple[str, None]]:
    """Pictures of the newest message, for providers that take them apart from the text."""
    content = messages[-1].get("content") if messages else None
    if not isinstance(content, list):
        return []
    found = []
    for part in content:
        picture = part.get("image_url") if part.get("type") == "image_url" else None
        url = picture.get("url") if isinstance(picture, Mapping) else picture
        if isinstance(url, str) and url:
            found.append((url, None))
    return found
