"""A model's settings and the arguments of one call → what the engine takes.

A per-call argument wins over the constructor's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from g4f_integrations.core.events import Batch, Retrying
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Message, Request
from g4f_integrations.core.routes import RouteChoice
from g4f_integrations.core.settings.choices import to_tool_choice
from g4f_integrations.core.settings.fields import ModelFields
from g4f_integrations.core.settings.names import ALIASES, PARAMETERS
from g4f_integrations.core.settings.routing import changed_choice, own_choice
from g4f_integrations.core.settings.values import (
    to_cleaning,
    to_finite,
    to_folder,
    to_tool_calling,
    to_trimming,
    to_window,
)
from g4f_integrations.errors import ConfigurationError

_PLACES = {
    **dict.fromkeys(("model", "provider", "routes", "fallback_models", "base_url", "default_headers"), "routing"),
    **dict.fromkeys(("proxy", "api_key"), "routing"),
    **dict.fromkeys(("timeout", "max_retries", "resilience"), "policy"),
    **dict.fromkeys(
        ("tools", "tool_choice", "parallel_tool_calls", "tool_calling", "prompts", "trimming", "cleaning"), "request"
    ),
    "context_window": "request",
    **dict.fromkeys(("extra_body", "headers", "extra_headers"), "request"),
    **dict.fromkeys(("stop", "image_provider"), "face"),
    "stream": "nowhere",
}

_ENGINE = "g4f_integrations.core.engine"
_loaded: dict[str, ModuleType] = {}  # unlike `sys.modules`, which shows a module while it is still being imported


async def load_engine() -> None:
    """Import the engine off the caller's event loop; costs nothing after the first time."""
    if _ENGINE not in _loaded:
        _loaded[_ENGINE] = await asyncio.get_running_loop().run_in_executor(None, import_module, _ENGINE)


class Face(NamedTuple):
    """What a framework adds to the road that all calls go.

    Attributes:
        to_tools: Tools in the framework's forms → OpenAI's.
        to_response_format: A schema in the framework's forms → OpenAI's ``response_format``.
        places: Which part of a call an argument belongs to; those that are not listed are parameters of the route.
    """

    to_tools: Callable[[Sequence[Any]], list[dict[str, Any]]]
    to_response_format: Callable[[Any], dict[str, Any]]
    places: Mapping[str, str]


def make_face(
    to_tools: Callable[[Sequence[Any]], list[dict[str, Any]]],
    to_response_format: Callable[[Any], dict[str, Any]],
    *,
    own: Iterable[str] = (),
    ignored: Iterable[str] = (),
    dropped: Iterable[str] = (),
) -> Face:
    """A `Face`, and what becomes of its framework's own arguments, which reach no route.

    Args:
        to_tools: See `Face`.
        to_response_format: See `Face`.
        own: Arguments that are kept for the face (`Call.own`).
        ignored: Arguments that mean nothing here.
        dropped: Settings of a model that no single call can change, and which the answer names as dropped.
    """
    places = {
        **_PLACES,
        **dict.fromkeys(own, "face"),
        **dict.fromkeys(ignored, "nowhere"),
        **dict.fromkeys(dropped, "dropped"),
    }
    return Face(to_tools, to_response_format, places)


class Call(NamedTuple):
    """One call, ready for the engine, and what the face has to know beside.

    `dropped` names what was left out because a stream, or a single call, cannot have it; `own` are the arguments that
    are the face's alone.
    """

    choice: RouteChoice
    request: Request
    policy: Resilience
    dropped: tuple[str, ...]
    own: Mapping[str, Any]

    def batches(self) -> AsyncGenerator[Batch, None]:
        """The engine's answer to this call."""
        from g4f_integrations.core.engine import answer  # the engine is loaded with the first call

        if "web_search" in self.request.params:
            from g4f_integrations.core.grounding import answer_grounded  # few calls search the web

            return answer_grounded(self.choice, self.request, lambda request: answer(self.choice, request, self.policy))
        return answer(self.choice, self.request, self.policy)

    def complete(self, on_retry: Callable[[Retrying], Awaitable[None]] | None = None) -> Coroutine[Any, Any, Batch]:
        """All events of the engine's answer to this call, which is not to be streamed.

        Args:
            on_retry: Awaited before the wait for each further attempt.
        """
        engine = _loaded.get(_ENGINE)
        if engine is None:
            return self._load_and_complete(on_retry)
        if "web_search" in self.request.params:
            from g4f_integrations.core.grounding import complete_grounded  # few calls search the web

            return complete_grounded(
                self.choice,
                self.request,
                lambda request: engine.complete(self.choice, request, self.policy, on_retry),
            )
        answering: Coroutine[Any, Any, Batch] = engine.complete(self.choice, self.request, self.policy, on_retry)
        return answering

    async def _load_and_complete(self, on_retry: Callable[[Retrying], Awaitable[None]] | None) -> Batch:
        await load_engine()
        return await self.complete(on_retry)


class _Parts(NamedTuple):
    """A call's arguments by their places."""

    routing: dict[str, Any]
    policy: dict[str, Any]
    request: dict[str, Any]
    face: dict[str, Any]
    nowhere: dict[str, Any]
    dropped: dict[str, Any]


_NO_PARTS = _Parts({}, {}, {}, {}, {}, {})


def prepare_call(
    model: ModelFields,
    messages: Sequence[Message],
    stop: Sequence[str] | str | None,
    arguments: dict[str, Any],
    stream: bool,
    *,
    face: Face,
) -> Call:
    """What `model` asks of the engine for `messages`.

    Args:
        model: The model with its settings.
        messages: The conversation in OpenAI wire form.
        stop: Texts that end the answer; ``None`` takes the model's.
        arguments: The call's other arguments; those that are nobody's go to the route.
        stream: Whether the answer is wanted piece by piece. A stream holds one choice, so `n` is not asked for.
        face: How the framework names things.

    Raises:
        ConfigurationError: The arguments contradict each other, or hold what cannot be sent.
    """
    settings = model.__dict__
    params: dict[str, Any] = {}
    for name in PARAMETERS:  # no comprehension: this runs on every call, and each function on the way counts
        value = settings[name]
        if value is not None:
            params[name] = value
    parts = _sort(settings["model_kwargs"], arguments, params, face) if arguments or model.model_kwargs else _NO_PARTS
    sees = parts.face["image_provider"] if "image_provider" in parts.face else settings["image_provider"]
    if sees is not None and _holds_pictures(messages):
        parts = _to_image_provider(parts, sees)
    dropped = tuple(parts.dropped)
    if stream and params.get("n", 1) != 1:
        del params["n"]
        dropped = ("n", *dropped)
    if stop is None:
        stop = parts.face.get("stop", settings["stop"])
    request = Request(
        messages=messages,
        stream=stream,
        params=params,
        stop=_stops(stop) if stop else (),
        extra_body=settings["extra_body"],
        tool_calling=settings["tool_calling"],
        prompts=settings["prompts"],
        context_window=settings["context_window"],
        trimming=settings["trimming"],
        cleaning=settings["cleaning"],
        completion=model.COMPLETES,
    )
    has_shorthands = settings["timeout"] is not None or settings["max_retries"] is not None
    return Call(
        changed_choice(model, parts.routing) if parts.routing else own_choice(settings),
        _completed(request, parts.request, face) if parts.request else request,
        _policy(model, parts.policy) if parts.policy or has_shorthands else settings["resilience"],
        dropped,
        parts.face,
    )


def _holds_pictures(messages: Sequence[Message]) -> bool:
    parts = (part for one in messages if isinstance(one.get("content"), list) for part in one["content"])
    return any(isinstance(part, Mapping) and part.get("type") == "image_url" for part in parts)


def _to_image_provider(parts: _Parts, provider: Any) -> _Parts:
    """The call goes to the provider for pictures, unless it names somebody itself."""
    if parts.routing.keys() & {"provider", "routes", "base_url"}:
        return parts
    return parts._replace(routing={**parts.routing, "provider": provider})


def _sort(standing: Mapping[str, Any], arguments: Mapping[str, Any], params: dict[str, Any], face: Face) -> _Parts:
    """The arguments by their places, parameters into `params`; an explicit ``None`` takes one of the model's back."""
    parts = _Parts({}, {}, {}, {}, {}, {})
    places = face.places
    if "model_kwargs" in arguments:
        further = arguments["model_kwargs"] or {}
        if not isinstance(further, Mapping):
            message = f"model_kwargs must be a dict, not {type(further).__name__}"
            raise ConfigurationError(message)
        arguments = {**further, **arguments}
        del arguments["model_kwargs"]
    for given, value in {**standing, **arguments}.items():
        name = ALIASES.get(given, given)
        place = places.get(name)
        if place is not None:
            if value is not None or name in _WITH_DEFAULTS:
                getattr(parts, place)[name] = value
        elif value is None:
            params.pop(name, None)
        elif name == "response_format":
            params[name] = face.to_response_format(value)
        else:
            params[name] = to_finite(name, value) if isinstance(value, float | dict | list | tuple) else value
    return parts


_WITH_DEFAULTS = frozenset({"tool_calling", "prompts", "trimming", "cleaning", "context_window", "image_provider"})


def _stops(stop: Sequence[str] | str) -> tuple[str, ...]:
    texts = (stop,) if isinstance(stop, str) else tuple(stop) if isinstance(stop, Sequence) else (stop,)
    if not all(isinstance(text, str) for text in texts):
        message = f"stop must be a text or a list of texts, not {stop!r}"
        raise ConfigurationError(message)
    return texts


def _completed(request: Request, given: Mapping[str, Any], face: Face) -> Request:
    """`request` with what the call adds to it."""
    tools = given.get("tools") or ()
    if not all(isinstance(tool, Mapping) and tool.get("type") == "function" for tool in tools):
        tools = face.to_tools(tools)
    changes: dict[str, Any] = {
        "tools": tuple(tools),
        "tool_choice": to_tool_choice(given.get("tool_choice"), tools) if tools else None,
        "parallel_tool_calls": given.get("parallel_tool_calls") if tools else None,
        "headers": {**(given.get("headers") or {}), **(given.get("extra_headers") or {})},
    }
    if "extra_body" in given:
        changes["extra_body"] = {**request.extra_body, **to_finite("extra_body", given["extra_body"])}
    if "tool_calling" in given:
        changes["tool_calling"] = to_tool_calling(given["tool_calling"])
    if "trimming" in given:
        changes["trimming"] = to_trimming(given["trimming"])
    if "cleaning" in given:
        changes["cleaning"] = to_cleaning(given["cleaning"])
    if "context_window" in given:
        changes["context_window"] = to_window(given["context_window"])
    if "prompts" in given:
        changes["prompts"] = to_folder(given["prompts"])
    return request.replacing(**changes)


def _policy(model: ModelFields, call: Mapping[str, Any]) -> Resilience:
    timeout, max_retries = model.timeout, model.max_retries
    if not call:
        policy = model.resilience
        return policy if timeout is None and max_retries is None else policy.with_shorthands(timeout, max_retries)
    policy = model.resilience
    if "resilience" in call:
        policy = Resilience.model_validate(call["resilience"])
    policy = policy.with_shorthands(timeout, max_retries)
    # The constructor's explicit fields win over the constructor's shorthands, but not over the call's.
    settled = policy if "resilience" in call else Resilience.model_construct(_fields_set=set(), **dict(policy))
    return settled.with_shorthands(call.get("timeout"), call.get("max_retries"))
