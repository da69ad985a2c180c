"""Who is asked: a model's settings, and what a call changes of them → the engine's `RouteChoice`.

A key goes to the place that it was given for and nowhere else: a call that names another provider, other routes or
another endpoint does not take the constructor's key or headers along.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.proxies import freeze_proxy
from g4f_integrations.core.routes import RouteChoice, freeze_headers
from g4f_integrations.core.settings.fields import ModelFields
from g4f_integrations.core.settings.values import (
    API_KEY_VARIABLE,
    EnvironmentURL,
    to_api_key,
    to_models,
    to_provider,
    to_routes,
)
from g4f_integrations.errors import ConfigurationError


def own_choice(settings: Mapping[str, Any]) -> RouteChoice:
    """The choice of a model with these settings, without what a call may change."""
    provider, key = settings["provider"], settings["api_key"]
    return RouteChoice(
        model=settings["model"],
        provider=tuple(provider) if isinstance(provider, list) else provider,
        routes=tuple(settings["routes"]),
        fallback_models=tuple(settings["fallback_models"]),
        base_url=settings["base_url"],
        headers=settings["default_headers"],
        proxy=settings["proxy"],
        api_key=_frozen_key(key) if isinstance(key, dict) else key,
    )


def changed_choice(model: ModelFields, routing: Mapping[str, Any]) -> RouteChoice:
    """The model's choice with the changes of a call.

    Args:
        model: The model with its settings.
        routing: The arguments of the call that say who is to answer.

    Raises:
        ConfigurationError: They contradict each other, or cannot be read.
    """
    provider, routes, base_url = model.provider, model.routes, model.base_url
    if "routes" in routing:
        if "provider" in routing or "base_url" in routing:
            message = "routes names every route itself; give neither provider nor base_url beside it"
            raise ConfigurationError(message)
        provider, routes, base_url = None, to_routes(routing["routes"]), None
    elif "base_url" in routing:
        # A provider beside a base_url is a word for that endpoint; a g4f provider is left behind with its place.
        provider = provider if base_url else None
        provider, routes, base_url = to_provider(routing.get("provider", provider)), [], routing["base_url"]
    elif "provider" in routing:
        # A base_url from the environment counts only where nothing else is named.
        base_url = None if isinstance(base_url, EnvironmentURL) else base_url
        provider, routes = to_provider(routing["provider"]), []
    moved = (provider, routes, base_url) != (model.provider, model.routes, model.base_url)
    if "api_key" in routing:
        key = to_api_key(routing["api_key"])
    else:
        key = _key_that_goes_along(model, base_url) if moved else model.api_key
    headers = model.default_headers if base_url == model.base_url else ()
    return RouteChoice(
        model=routing.get("model", model.model),
        provider=_frozen(provider),
        routes=tuple(routes),
        fallback_models=tuple(to_models(routing.get("fallback_models", model.fallback_models))),
        base_url=base_url,
        headers=freeze_headers(routing["default_headers"]) if "default_headers" in routing else headers,
        proxy=freeze_proxy(routing.get("proxy", model.proxy)),
        api_key=_frozen_key(key),
    )


def _key_that_goes_along(model: ModelFields, base_url: str | None) -> Secret | dict[str, Secret] | None:
    """The model's key, as far as it was given for the place that the call goes to."""
    if isinstance(model.api_key, dict):
        return model.api_key
    if base_url is None:
        return None
    return model.api_key if base_url == model.base_url else Secret.from_env(API_KEY_VARIABLE)


def _frozen(provider: Any) -> Any:
    return tuple(provider) if isinstance(provider, list) else provider


def _frozen_key(key: Secret | dict[str, Secret] | None) -> Secret | tuple[tuple[str, Secret], ...] | None:
    return tuple(key.items()) if isinstance(key, dict) else key
