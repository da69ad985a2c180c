"""Models that can stand in for another one: they do all that it does, and take as much."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from g4f_integrations.core.catalog.listed import generation, listings
from g4f_integrations.core.catalog.models import ModelInfo, model_info
from g4f_integrations.core.catalog.registry import canonical_model, model_ids
from g4f_integrations.core.catalog.reviews import closeness

SIMILAR = "similar"
"""What stands in `fallback_models` for the models of this room."""

_MOST = 4
_SAME_MAKER = 0.2  # worth a fifth of the name
_NOT_COMPARED = frozenset({"chat", "web_search"})  # searching is the host's doing more than the model's


def similar_models(model: str, served_by: frozenset[str] | None = None) -> tuple[str, ...]:
    """Models with the same abilities as `model` and a window that is not smaller, the closest first.

    Args:
        model: A model's id or alias.
        served_by: Names of providers and hosts of endpoints, one of which has to serve them; ``None`` takes the
            providers that may be chosen without being named.

    Returns:
        At most four ids, the most alike first; none where nothing is known of `model`.

    Example:
        >>> "gpt-4o" in similar_models("gpt-4o")
        False
    """
    return _similar(canonical_model(model) or model, served_by, generation())


@lru_cache(maxsize=256)
def _similar(model: str, served_by: frozenset[str] | None, _: int) -> tuple[str, ...]:
    wanted = model_info(model)
    needs = frozenset(wanted.abilities) - _NOT_COMPARED
    if not needs and wanted.window is None:
        return ()
    found = [
        info
        for info in _served(served_by)
        if info.id != model
        and info.kind == wanted.kind
        and needs <= frozenset(info.abilities)
        and (wanted.window is None or (info.window or 0) >= wanted.window)
    ]

    def distance(info: ModelInfo) -> tuple[float, str]:
        of_one_maker = bool(info.family) and info.family == wanted.family
        return -closeness(model, info.id) - (_SAME_MAKER if of_one_maker else 0.0), info.id

    found.sort(key=distance)
    return tuple(info.id for info in found[:_MOST])


def _served(served_by: frozenset[str] | None) -> Iterator[ModelInfo]:
    infos = map(model_info, model_ids())
    if served_by is None:
        yield from (info for info in infos if info.default_providers)
        return
    yield from (info for info in infos if served_by & frozenset(info.providers))
    for name in sorted(served_by):
        listing = listings().get(name)
        if listing is not None and listing.kind == "endpoint":
            yield from map(model_info, listing.models)
