"""What all media calls share: whom to ask, with which model, several at a time, and the blocking forms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.events import Attempt
from g4f_integrations.core.media.settings import UNNAMED, MediaRoutes
from g4f_integrations.errors import ConfigurationError

T = TypeVar("T")

PARALLEL = 4
"""Calls of one wish for several results that are under way at a time."""
_MOST = 100


def routes_of(routing: dict[str, Any]) -> MediaRoutes:
    """The routing arguments of a call, checked.

    Raises:
        ConfigurationError: One is unknown, or two contradict each other.
    """
    unknown = sorted(routing.keys() - set(MediaRoutes.ROUTING))
    if unknown:
        message = f"unknown argument {unknown[0]!r}; parameters that the route alone knows go into extra={{…}}"
        raise ConfigurationError(message)
    return MediaRoutes(**routing)


def with_models(attributes: Sequence[str]) -> Callable[[Sequence[Candidate]], Sequence[Candidate]]:
    """Gives candidates that no model was named for the one that their provider states for such work.

    Args:
        attributes: Where providers state it, the best place first (``"default_image_model"``).
    """

    def adapting(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        return [_with_model(one, attributes) if one.model == UNNAMED else one for one in candidates]

    return adapting


def _with_model(candidate: Candidate, attributes: Sequence[str]) -> Candidate:
    stated = (getattr(candidate.provider, name, None) for name in attributes) if candidate.provider is not None else ()
    model = next((found for value in stated if (found := _first(value))), "")
    key: RouteKey = candidate.key._replace(model=model)
    return replace(candidate, model=model, key=key)


def _first(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = list(value)
    if isinstance(value, Iterable):
        return next((item for item in value if isinstance(item, str)), "")
    return ""


async def several(count: int, make: Callable[[int], Awaitable[T]], together: int = PARALLEL) -> list[T]:
    """Results of `count` calls that are made side by side, in order; the first failure ends them all.

    Raises:
        ConfigurationError: `count` is out of range.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= _MOST:
        message = f"n must be a whole number from 1 to {_MOST}, not {count!r}"
        raise ConfigurationError(message)
    if count == 1:
        return [await make(0)]
    gate = asyncio.Semaphore(together)

    async def one(index: int) -> T:
        async with gate:
            return await make(index)

    tasks = [asyncio.ensure_future(one(index)) for index in range(count)]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def told(
    candidate: Candidate, attempts: tuple[Attempt, ...], dropped: Iterable[str], model: str | None
) -> dict[str, Any]:
    """Who made it and how, for a result."""
    return {
        "provider": candidate.name,
        "model": model or candidate.model,
        "attempts": attempts,
        "dropped": tuple(dropped),
    }


def a_text(value: Any, name: str) -> str:
    """`value`, if it is a text that says something.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, str) or not value.strip():
        message = f"{name} must be a text, not {'an empty one' if isinstance(value, str) else type(value).__name__}"
        raise ConfigurationError(message)
    return value


def an_extra(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Further parameters of a route, by their names.

    Raises:
        ConfigurationError: They are no mapping.
    """
    if value is not None and not isinstance(value, Mapping):
        message = f"extra must map names of parameters to their values, not be of type {type(value).__name__}"
        raise ConfigurationError(message)
    return value or {}


def a_seed(value: Any) -> int | None:
    """`value`, if it is a whole number or nothing.

    Raises:
        ConfigurationError: It is not.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    message = f"seed must be a whole number, not {value!r}"
    raise ConfigurationError(message)


def a_format(value: Any, known: Sequence[str]) -> str:
    """`value`, if it is one of the known response formats.

    Raises:
        ConfigurationError: It is not.
    """
    if value not in known:
        message = f"response_format must be one of {', '.join(map(repr, known))}, not {value!r}"
        raise ConfigurationError(message)
    return str(value)
