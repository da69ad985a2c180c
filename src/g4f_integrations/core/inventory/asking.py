"""Asking providers and endpoints for their models: side by side, a few at a time, each with its own clock."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, TypeAlias

from g4f_integrations.core.blocking import step_in_thread
from g4f_integrations.core.catalog import (
    Listing,
    environment_key,
    find_provider,
    is_users_own,
    review_of,
    reviews,
    unknown_provider,
)
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.failures import ClockExpired, classify
from g4f_integrations.core.inventory.results import Asked
from g4f_integrations.core.inventory.rows import read_rows
from g4f_integrations.core.inventory.stored import Told
from g4f_integrations.core.listing import list_models
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.errors import ConfigurationError, IntegrationError

Source: TypeAlias = str | type | Endpoint
"""A provider's name or class, an endpoint, or its URL."""

_LONGEST_ERROR = 300


def to_source(given: Any) -> Source:
    """What a user named, checked: a URL becomes an `Endpoint`.

    Raises:
        ConfigurationError: It is neither a provider nor an endpoint.
    """
    if isinstance(given, str) and "://" in given:
        return Endpoint(given)
    if isinstance(given, str) and given.strip():
        return given.strip()
    if isinstance(given, type | Endpoint):
        return given
    message = f"a source of models is a provider's name or class, an Endpoint or its URL, not {type(given).__name__}"
    raise ConfigurationError(message)


def name_of(source: Source) -> str:
    """The name under which a source's list is kept."""
    if isinstance(source, Endpoint):
        return source.name
    if isinstance(source, type):
        return source.__name__
    review = review_of(source)
    return review.name if review is not None else source


def safe_sources() -> list[str]:
    """The providers that may be asked without being named."""
    return [name for name, info in reviews().items() if info.safe]


async def ask_all(sources: Iterable[Source], timeout: float, concurrency: int) -> list[Told]:  # noqa: ASYNC109  for each of them
    """Ask every source for its list.

    Args:
        sources: Whom to ask.
        timeout: Seconds for each.
        concurrency: How many at a time.

    Returns:
        One `Told` for each, in order; those that failed say how.
    """
    gate = asyncio.Semaphore(max(1, concurrency))

    async def ask_in_turn(source: Source) -> Told:
        async with gate:
            return await _ask(source, timeout)

    return await asyncio.gather(*map(ask_in_turn, sources))


async def _ask(source: Source, timeout: float) -> Told:  # noqa: ASYNC109  see `ask_all`
    kind = "endpoint" if isinstance(source, Endpoint) else "provider"
    name = name_of(source)
    asked_at, began = time.time(), time.monotonic()
    error_kind, message = None, ""
    try:
        async with asyncio.timeout(timeout) as clock:
            if isinstance(source, Endpoint):
                rows: Any = await list_models(source, None)
            else:
                rows = await _from_provider(source)
        models = await asyncio.to_thread(read_rows, rows)
    except IntegrationError as error:
        error_kind, message = error.kind, str(error)
    except Exception as error:  # a provider's module raises whatever it likes
        expired = isinstance(error, TimeoutError) and clock.expired()
        failure = classify(ClockExpired(f"no list of models within {timeout:g} s") if expired else error)
        failure = failure.masking([_key_of(source)])
        error_kind, message = failure.kind, failure.message or type(error).__name__
    seconds = time.monotonic() - began
    if error_kind is not None:
        return Told(Asked(name, kind, asked_at, seconds, 0, None, error_kind, message[:_LONGEST_ERROR]))
    listing = Listing(name, kind, asked_at, models)
    return Told(Asked(name, kind, asked_at, seconds, len(models), asked_at), listing)


def _key_of(source: Source) -> Secret | None:
    """The key that g4f takes from the environment for a provider; errors may echo it."""
    if isinstance(source, Endpoint):
        return None
    with suppress(ConfigurationError):
        provider = find_provider(source) if isinstance(source, str) else source
        return environment_key(provider)[0] if provider is not None else None
    return None


async def _from_provider(source: str | type) -> Any:
    """What a provider's own ``get_models`` gives; it blocks, so it runs in a daemon thread that can be left behind."""
    stepping = step_in_thread(lambda: [_get_models(source)])
    try:
        return await anext(stepping)
    finally:
        await stepping.aclose()


def _get_models(source: str | type) -> Any:
    provider: Any = find_provider(source) if isinstance(source, str) else source
    if provider is None:
        raise unknown_provider(str(source))
    method = getattr(provider, "get_models", None)
    if method is None:
        message = f"{name_of(source)} has no list of models"
        raise ConfigurationError(message)
    if _asks_others(provider, method):
        # On a class of its own: the list is asked for anew, and what it leaves on the class is not seen elsewhere.
        empty: list[Any] | dict[Any, Any] = {} if isinstance(getattr(provider, "models", None), dict) else []
        own = type(provider.__name__, (provider,), {"models": empty, "__module__": provider.__module__})
        method = getattr(own, "get_models")  # noqa: B009  mypy does not know what the class inherits
    found = method()
    return asyncio.run(found) if inspect.iscoroutine(found) else found


def _asks_others(provider: Any, method: Any) -> bool:
    """Whether g4f's own `get_models` asks its host, and keeps the answer on the class from then on."""
    review = review_of(provider.__name__)
    if review is not None and not is_users_own(provider):
        return review.network_models
    return getattr(method, "__module__", "").startswith("g4f.") and not getattr(provider, "models", None)
