"""The arguments of one call as traces and caches may see them: without credentials, but telling places apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.credentials import redact_url
from g4f_integrations.core.proxies import freeze_proxy
from g4f_integrations.core.routes import freeze_headers
from g4f_integrations.core.settings.names import ALIASES, without_secrets
from g4f_integrations.core.settings.plain import plain_headers, plain_proxy, plain_route
from g4f_integrations.core.settings.values import to_routes


def shown_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A call's arguments as traces and caches may see them."""
    if not arguments:
        return {}
    shown = {name: _shown(ALIASES.get(name, name), value) for name, value in arguments.items()}
    for name in [name for name in shown if ALIASES.get(name, name) == "api_key"]:
        del shown[name]
    return shown


def _shown(name: str, value: Any) -> Any:
    """One argument without its credentials, but still telling one place from another."""
    if value is None:
        return None
    if name == "routes":
        return [plain_route(route) for route in to_routes(value)]
    if name == "base_url":
        return redact_url(str(value))
    if name == "proxy":
        return plain_proxy(freeze_proxy(value))
    if name in {"default_headers", "headers", "extra_headers"}:
        return plain_headers(freeze_headers(value))
    return without_secrets(value) if name in {"extra_body", "model_kwargs"} else value
