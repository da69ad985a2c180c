"""Routes with all that is known of them: their model's facts, their own limits, and what calls have shown."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from g4f_integrations.core.candidates import resolve
from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.catalog import listings, model_info, review_of, sees_pictures
from g4f_integrations.core.catalog.measured import Measured
from g4f_integrations.core.health import HealthStore, RouteHealth, known_routes
from g4f_integrations.core.inventory.results import RouteInfo
from g4f_integrations.core.routes import Route, RouteChoice
from g4f_integrations.core.trimming import known_limits


def measure(key: RouteKey, health: RouteHealth | None) -> Measured:
    """What a store knows of a route, for people."""
    if health is None:
        return Measured(key.label)
    now = time.monotonic()
    taught = getattr(health.limits, "window", None)
    is_out = health.state(now) != "closed"  # found out here, or by a process that shares the store
    works = health.successes > 0 and health.failures == 0 and not is_out
    return Measured(
        key.label,
        works=works if health.calls or is_out else None,
        calls=health.calls,
        successes=health.successes,
        first_token=health.latency,
        resting=max(0.0, health.ready_at() - now),
        last_error=health.last_error,
        learned_window=taught,
    )


def measured_by_provider(store: HealthStore) -> dict[str, tuple[Measured, ...]]:
    """What a store knows of all routes, by provider or host of the endpoint."""
    found: dict[str, tuple[Measured, ...]] = {}
    for key, health in known_routes(store).items():
        row = measure(key, health)
        if row != Measured(row.route):
            found[key.name] = (*found.get(key.name, ()), row)
    return found


def route_infos(choice: RouteChoice, store: HealthStore) -> Iterable[RouteInfo]:
    """The routes that a choice takes, in order, each with what is known of it."""
    health = known_routes(store)
    for candidate in resolve(choice).candidates:
        by_name = candidate.key._replace(provider=None, key_hash="")  # as others tell of it
        yield _info(candidate, measure(candidate.key, health.get(candidate.key) or health.get(by_name)))


def _info(candidate: Candidate, measured: Measured) -> RouteInfo:
    name, model = candidate.name, candidate.model
    sources: dict[str, str] = {}
    abilities: set[str] = set()
    if model:
        facts = model_info(model)
        abilities = set(facts.abilities)
        sources = {ability: facts.sources[ability] for ability in abilities if ability in facts.sources}
    sees = sees_pictures(candidate.provider, name, model)
    if sees is not True:
        abilities.discard("vision")
        sources.pop("vision", None)
    window, max_output = _limits(candidate, measured, sources)
    review = review_of(name) if candidate.provider is not None else None
    given = candidate.route
    if isinstance(given, Route) and isinstance(given.provider, type) and review is not None:
        given = Route(name, model or None)  # by name, so that it reads well and travels
    return RouteInfo(
        given,
        name,
        model or None,
        window,
        max_output,
        tuple(sorted(abilities)),
        candidate.native_tools,
        review.free if review is not None else None,
        measured,
        sources,
    )


def _limits(candidate: Candidate, measured: Measured, sources: dict[str, str]) -> tuple[int | None, int | None]:
    name, model = candidate.name, candidate.model
    listing = listings().get(name)
    row = listing.models.get(model) if listing is not None else None
    known = known_limits(name, model)
    given = candidate.route
    windows: list[tuple[Any, str]] = [
        (given.context_window, "the route itself"),
        (measured.learned_window, "its refusals"),
        (row.window if row is not None else None, "its list of models"),
        (known.window if known is not None else None, "core/data/context_windows.toml"),
    ]
    outputs: list[tuple[Any, str]] = [
        (given.max_output_tokens, "the route itself"),
        (row.max_output if row is not None else None, "its list of models"),
        (known.max_output if known is not None else None, "core/data/context_windows.toml"),
    ]
    found: list[int | None] = []
    for name_of_fact, told in (("window", windows), ("max_output", outputs)):
        value, source = next(((value, source) for value, source in told if value is not None), (None, ""))
        if value is not None:
            sources[name_of_fact] = source
        found.append(value)
    return found[0], found[1]
