"""What a route must have by itself to be of use to somebody: abilities of its model, properties of its provider."""

from __future__ import annotations

from g4f_integrations.core.catalog import find_provider
from g4f_integrations.core.inventory.results import RouteInfo
from g4f_integrations.core.routes import Endpoint, Route

CLASS_FACTS = {
    "history": "supports_message_history",
    "system": "supports_system_message",
    "stream": "supports_stream",
}
"""Needs that a provider's class tells of, and the attribute that does."""


def has(info: RouteInfo, need: str) -> bool:
    """Whether a route is known to have what is needed: an ability, or a key of `CLASS_FACTS`."""
    if need in CLASS_FACTS:
        return _states(info, CLASS_FACTS[need])
    return bool(info.native_tools) if need == "tools" else need in info.abilities


def _states(info: RouteInfo, attribute: str) -> bool:
    """Whether a route's provider class has a property; endpoints take roles, and stream."""
    if isinstance(info.route, Endpoint):
        return True
    provider = info.route.provider if isinstance(info.route, Route) else None
    found = find_provider(provider) if isinstance(provider, str) else provider
    return bool(getattr(found, attribute, False))
