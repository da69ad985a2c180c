"""How a g4f provider is called: through its own method, with what that takes, as deep copies."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from g4f_integrations.core.blocking import step_in_thread
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.catalog import reviewed
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.proxies import proxy_for
from g4f_integrations.core.request import COMPLETION_PARAMETERS, CallNotes, Request
from g4f_integrations.core.threads import BLOCKING, ORDINARY

logger = call_logger("transport")

# What our own core reads and providers never get.
_OURS = frozenset({"model", "messages", "stream"})


def call_provider(
    provider: Any, model: str, messages: list[dict[str, Any]], arguments: dict[str, Any]
) -> AsyncIterator[Any]:
    """The provider's own chunks; a method that blocks is stepped through in a worker thread."""
    if not hasattr(provider, "create_async_generator") and not hasattr(provider, "create_async"):
        return step_in_thread(partial(provider.create_completion, model=model, messages=messages, **arguments))
    method: Any = (_method_of or _load_door())(provider)
    chunks: AsyncIterator[Any] = method(model=model, messages=messages, **arguments)
    return chunks


_method_of: Callable[[Any], Any] | None = None


def _load_door() -> Callable[[Any], Any]:
    global _method_of  # noqa: PLW0603  an import statement on the way of every call costs more than the look-up
    from g4f import get_async_provider_method  # type: ignore[attr-defined]  # g4f's own public door

    _method_of = get_async_provider_method
    return get_async_provider_method


@dataclass(frozen=True, slots=True)
class Shape:
    """What a provider's method takes."""

    named: frozenset[str]
    takes_any: bool
    is_template: bool  # built on g4f's OpenAI template, whose `**kwargs` lead nowhere but whose `extra_body` is sent
    template_takes: frozenset[str]
    ignores_max_tokens: bool
    lane: str  # the loop thread on which providers of its sort run


@lru_cache(maxsize=512)
def shape_of(provider: Any) -> Shape:
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
    return Shape(
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
    if wanted.get("stream_options", ...) is None:
        del wanted["stream_options"]  # endpoints alone would be asked for the usage
    if request.stop:
        wanted["stop"] = list(request.stop)
    if request.tools:
        wanted["tools"] = list(request.tools)
        if request.tool_choice is not None:
            wanted["tool_choice"] = request.tool_choice
        if request.parallel_tool_calls is not None:
            wanted["parallel_tool_calls"] = request.parallel_tool_calls
    return wanted


def arguments_of(candidate: Candidate, request: Request, shape: Shape, notes: CallNotes) -> dict[str, Any]:
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
    if candidate.proxy is None:
        return found
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


def media_of(messages: list[dict[str, Any]]) -> list[tuple[str, None]]:
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
