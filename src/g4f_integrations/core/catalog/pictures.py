"""Whether a picture that is sent to a route is seen there."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

from g4f_integrations.core.catalog.abilities import table_abilities
from g4f_integrations.core.catalog.listed import listed_model
from g4f_integrations.core.catalog.registry import is_users_own

_METHODS = ("create_async_generator", "create_async", "create_completion")


def sees_pictures(provider: Any, source: str, model: str) -> bool | None:
    """Whether a route reads pictures: what its list of models says counts, then its class, then our table.

    Args:
        provider: The provider class; ``None`` for an endpoint.
        source: The provider's name, or the endpoint's host.
        model: The model's id there; ``""`` for whatever it takes by itself.

    Returns:
        ``None`` where nobody knows, which is always so of classes that users wrote.
    """
    if is_users_own(provider):
        return None
    if provider is not None and not _passes_pictures(provider):
        return False
    row = listed_model(source, model)
    told = row.abilities.of("vision") if row is not None else None
    if told is not None:
        return told
    if model and model in (getattr(provider, "vision_models", None) or ()):
        return True
    return table_abilities(model).of("vision") if model else None


@lru_cache(maxsize=512)
def _passes_pictures(provider: Any) -> bool:
    """Whether a class of g4f's hands pictures on at all: its template sends messages whole, others take ``media``."""
    if any(base.__name__ == "OpenaiTemplate" for base in inspect.getmro(provider)):
        return True
    method = next((found for name in _METHODS if (found := getattr(provider, name, None)) is not None), None)
    return method is None or "media" in inspect.signature(method).parameters
