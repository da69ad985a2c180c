"""Lists of models as providers and endpoints told them, kept for this process.

Whoever asks for lists publishes them here; the choice of candidates reads them. Nothing here asks anybody.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from g4f_integrations.core.catalog.abilities import UNKNOWN, Abilities

_MOST_SOURCES = 256


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One row of a list.

    Attributes:
        id: The model's id there.
        window: Tokens that it reads and writes together, if told.
        max_output: Tokens that it writes at the most, if told.
        abilities: What is told of them.
    """

    id: str
    window: int | None = None
    max_output: int | None = None
    abilities: Abilities = UNKNOWN


@dataclass(frozen=True, slots=True)
class Listing:
    """What one provider or endpoint listed.

    Attributes:
        source: The provider's name, or an endpoint's host.
        kind: ``"provider"`` or ``"endpoint"``.
        told_at: When, in seconds since the epoch.
        models: Its models by id, in its order.
    """

    source: str
    kind: str
    told_at: float
    models: Mapping[str, ListedModel] = field(default_factory=dict)


_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)
_listings: dict[str, Listing] = {}
_generation = 0


def publish(listings: Iterable[Listing]) -> None:
    """Make lists known to this process; of each source the newest counts."""
    global _generation, _listings  # noqa: PLW0603  replaced as a whole, so that readers need no lock
    with _lock:
        merged = dict(_listings)
        for listing in listings:
            known = merged.get(listing.source)
            if known is None or known.told_at < listing.told_at:
                merged.pop(listing.source, None)
                merged[listing.source] = listing
        while len(merged) > _MOST_SOURCES:
            del merged[next(iter(merged))]
        if merged != _listings:
            _listings = merged
            _generation += 1


def listings() -> Mapping[str, Listing]:
    """All lists by source; not to be changed."""
    return _listings


def listed_model(source: str, model: str) -> ListedModel | None:
    """What `source` told of `model`, if it did."""
    listing = _listings.get(source)
    return listing.models.get(model) if listing is not None else None


def generation() -> int:
    """Changes whenever a list does."""
    return _generation


def forget_lists() -> None:
    """Forget all lists."""
    global _generation, _listings  # noqa: PLW0603  see `publish`
    with _lock:
        _listings = {}
        _generation += 1
