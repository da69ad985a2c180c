"""The window that LlamaIndex may fill, whoever of the pool will answer."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from g4f_integrations.core.routes import parse_route
from g4f_integrations.core.settings import ModelFields
from g4f_integrations.core.settings.plain import plain_provider

UNKNOWN_WINDOW = 8_192
"""Tokens of a pool about which nothing is known; few models of today have less."""


def smallest_window(model: ModelFields) -> int:
    """The smallest known window of those who may answer, in tokens; else `UNKNOWN_WINDOW`.

    What a route states of itself counts for it, then what the model states, then what is published of the model that
    is asked for there. Nobody is asked, and it stays the same whoever answers.
    """
    stated, provider = model.context_window, model.provider
    if model.routes:
        routes = [parse_route(route) if isinstance(route, str) else route for route in model.routes]
        windows = [
            route.context_window or stated or _published(route.name, route.model or model.model) for route in routes
        ]
    elif stated is not None:
        return stated
    else:
        names = provider if provider is None or type(provider) is str else _hashable(plain_provider(provider))
        return _smallest(names, model.base_url, (model.model, *model.fallback_models))
    return min(filter(None, windows), default=UNKNOWN_WINDOW)


@lru_cache(maxsize=256)  # traces ask on every call, and what is published changes with the package alone
def _smallest(provider: Hashable, base_url: str | None, models: tuple[str, ...]) -> int:
    windows = [_published(name, asked) for name in _names(provider, base_url) for asked in models]
    return min(filter(None, windows), default=UNKNOWN_WINDOW)


def _hashable(provider: Any) -> Hashable:
    return tuple(name for name in provider if isinstance(name, str)) if isinstance(provider, list) else str(provider)


def _names(provider: Hashable, base_url: str | None) -> Iterator[str]:
    """The names of the providers, or of the endpoint, that may answer; one without a name for those of g4f's choice."""
    if isinstance(provider, str):
        yield from provider.split()
    elif isinstance(provider, tuple):
        yield from provider
    else:
        yield urlsplit(base_url).netloc.rpartition("@")[2] if base_url else ""


def _published(provider: str, model: str) -> int | None:
    if model == "auto":
        return None
    from g4f_integrations.core.trimming import known_limits  # loaded when somebody asks

    limits = known_limits(provider, model)
    return None if limits is None else limits.window
