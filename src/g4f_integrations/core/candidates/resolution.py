"""One choice → ordered candidates. Nothing is asked and nothing is fetched."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate, Plan, route_key
from g4f_integrations.core.candidates.keys import check_names, key_for, too_many
from g4f_integrations.core.catalog import (
    AUTO,
    SIMILAR,
    environment_key,
    find_provider,
    generation,
    load_g4f,
    review_of,
    served_by_default,
    similar_models,
    static_model,
    unknown_provider,
)
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.proxies import ProxyMap, freeze_proxy
from g4f_integrations.core.routes import Endpoint, Route, RouteChoice, parse_route
from g4f_integrations.errors import ConfigurationError

DEEPEST = 8
"""Lists in lists, at the most: a list can hold itself."""

_METHODS = ("create_async_generator", "create_async", "create_completion")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A plan and what it depends on besides the choice."""

    plan: Plan
    names: tuple[tuple[str, Any], ...]  # names as they were looked up, and the classes they stood for
    environment: tuple[tuple[str, str | None], ...] = field(repr=False)  # holds keys
    lists: int = 0  # which lists of models were known

    def still_holds(self) -> bool:
        """Whether names, lists and environment say the same as when the plan was made."""
        if self.lists != generation():
            return False
        for name, value in self.environment:
            if os.environ.get(name) != value:
                return False
        if self.names:
            loaded = load_g4f().loader.loaded
            for name, provider in self.names:
                if loaded.get(name, provider) is not provider:
                    return False
        return True


def members_of(provider: Any) -> list[Any] | None:
    """The providers of a g4f list provider (`IterListProvider`, `RetryProvider`, `RotatedProvider`), else ``None``."""
    if isinstance(provider, type | str | list | tuple):
        return None
    members = getattr(provider, "providers", None)
    return list(members) if isinstance(members, list | tuple) else None


def model_name(model: Any) -> str:
    """A model's name; g4f's `Model` objects count as theirs."""
    name = model if isinstance(model, str) else getattr(model, "name", model)
    if not isinstance(name, str):
        message = f"model must be a model id such as 'gpt-4o', or 'auto', not {type(model).__name__}"
        raise ConfigurationError(message)
    return name.strip() or AUTO


@dataclass(frozen=True, slots=True)
class _Named:
    """One provider of the user's list."""

    provider: Any
    attempts: int | None = None


class Resolution:
    """One run of `resolve`: gathers candidates and what they depend on."""

    def __init__(self, choice: RouteChoice) -> None:
        self.choice = choice
        self.lists = generation()
        self.models = _without_similar(choice)
        self.proxy: ProxyMap | None = freeze_proxy(choice.proxy)
        self.names: dict[str, Any] = {}
        self.environment: dict[str, str | None] = {}

    def resolve(self) -> Resolved:
        """The plan, with what it depends on.

        Raises:
            ConfigurationError: See `resolve` of this package.
            ModelNotFoundError: Nobody is known to serve the model.
        """
        choice = self.choice
        shuffle = False
        if choice.routes:
            candidates = self._from_routes()
        elif choice.base_url is not None:
            candidates = self._from_base_url()
        elif choice.provider is not None:
            named, shuffle = self._named_providers()
            candidates = self._from_providers(named)
        else:
            candidates = self._from_registry()
        check_names(choice.api_key, candidates)
        # A shuffled plan would mix the fallback models among the candidates that they stand behind.
        plan = Plan(tuple(candidates), shuffle and len(self.models) == 1)
        return Resolved(plan, tuple(self.names.items()), tuple(self.environment.items()), self.lists)

    # Where candidates come from.

    def _from_routes(self) -> list[Candidate]:
        choice = self.choice
        for name in ("provider", "base_url"):
            if getattr(choice, name) is not None:
                message = f"routes and {name} exclude each other: put the {name} into routes, or leave routes out"
                raise ConfigurationError(message)
        routes = [self._as_route(route) for route in choice.routes]
        self._add_similar(route.name for route in routes if route.model is None)
        if isinstance(choice.api_key, Secret) and len(routes) > 1:
            raise too_many(field_name="routes")
        return _without_repeats(
            [self._from_route(route, model) for route in routes if not repeats or route.model is None]
            for repeats, model in enumerate(self.models)
        )

    def _as_route(self, route: Any) -> Route | Endpoint:
        if isinstance(route, str):
            return parse_route(route)
        if isinstance(route, type):
            return Route(route)
        if not isinstance(route, Route | Endpoint):
            message = f"routes takes Route, Endpoint or 'Provider:model', not {type(route).__name__}"
            raise ConfigurationError(message)
        return route

    def _from_route(self, route: Route | Endpoint, model: str) -> Candidate:
        if isinstance(route, Endpoint):
            return self._endpoint(route, model)
        provider = self._provider(route.provider, "routes", allow_local_tools=route.allow_local_tools)
        return self._candidate(route, provider, static_model(provider, route.model or model))

    def _from_base_url(self) -> list[Candidate]:
        choice = self.choice
        assert choice.base_url is not None
        body_provider = choice.provider
        if body_provider is not None and not (isinstance(body_provider, str) and body_provider.strip()):
            message = (
                "provider: with base_url it must be a name that the endpoint understands, which is sent in the body; "
                "to use a g4f provider beside an endpoint, list both in routes"
            )
            raise ConfigurationError(message)
        endpoint = Endpoint(choice.base_url, headers=choice.headers)
        self._add_similar([endpoint.name])
        return _without_repeats([self._endpoint(endpoint, model, body_provider)] for model in self.models)

    def _named_providers(self) -> tuple[list[_Named], bool]:
        named = list(self._flattened(self.choice.provider))
        if not named:
            message = "provider names nobody; leave it out to let the catalogue choose, or name at least one"
            raise ConfigurationError(message)
        if isinstance(self.choice.api_key, Secret) and len({one.provider for one in named}) > 1:
            raise too_many(field_name="provider")
        alone = self.choice.provider
        if isinstance(alone, list | tuple) and len(alone) == 1:
            alone = alone[0]
        return named, members_of(alone) is not None and bool(getattr(alone, "shuffle", False)) and len(named) > 1

    def _flattened(self, provider: Any, attempts: int | None = None, depth: int = 0) -> Iterator[_Named]:
        if depth > DEEPEST:
            message = f"provider: lists are nested more than {DEEPEST} deep; give one list of names or classes"
            raise ConfigurationError(message)
        if isinstance(provider, str) and self._registered(provider.strip()) is None and len(provider.split()) != 1:
            provider = provider.split()  # g4f's "A B C"
        if isinstance(provider, list | tuple):
            for one in provider:
                yield from self._flattened(one, attempts, depth + 1)
            return
        if isinstance(provider, str):
            provider = self._provider(provider.strip(), "provider")
        members = members_of(provider)
        if members is None:
            yield _Named(self._provider(provider, "provider"), attempts)
            return
        if getattr(provider, "single_provider_retry", False):  # g4f asks the first one only, again and again
            members, attempts = members[:1], max(1, int(getattr(provider, "max_retries", 3)))
        yield from self._flattened(members, attempts, depth + 1)

    def _from_providers(self, named: list[_Named]) -> list[Candidate]:
        self._add_similar(one.provider.__name__ for one in named)
        return _without_repeats(
            [
                self._candidate(Route(one.provider), one.provider, static_model(one.provider, model), one.attempts)
                for one in named
            ]
            for model in self.models
        )

    def _from_registry(self) -> list[Candidate]:
        if isinstance(self.choice.api_key, Secret):
            message = (
                "api_key: nobody is named to whom the key belongs; give provider= or base_url=, "
                "or api_key={'Provider': key}"
            )
            raise ConfigurationError(message)
        self._add_similar(None)
        rounds: list[list[Candidate]] = []
        refused: ConfigurationError | None = None
        for index, model in enumerate(self.models):
            try:
                served = served_by_default(model, "fallback_models" if index else "model")
            except ConfigurationError as error:
                refused = refused or error
                continue
            self.names.update((one.name, one.provider) for one in served)
            rounds.append([self._candidate(Route(one.provider), one.provider, one.model) for one in served])
        if not rounds and refused is not None:
            raise refused
        return _without_repeats(rounds)

    def _add_similar(self, served_by: Iterable[str] | None) -> None:
        """Models that can stand in for the first one, where the user asked for these instead of naming any."""
        if SIMILAR in self.choice.fallback_models and self.models[0] != AUTO:
            names = None if served_by is None else frozenset(served_by)
            found = similar_models(self.models[0], names)
            self.models = (*self.models, *(model for model in found if model not in self.models))

    # What a candidate is made of.

    def _registered(self, name: str) -> Any | None:
        return load_g4f().loader.loaded.get(name)

    def _provider(self, provider: Any, where: str, *, allow_local_tools: bool = False) -> Any:
        """The class behind a name, or a class as it is, checked: nobody runs code or tools here unasked."""
        found = provider
        if isinstance(provider, str):
            found = find_provider(provider)
            if found is None:
                raise unknown_provider(provider, where)
            self.names[provider] = found
            if where == "provider" and members_of(found) is not None:
                return found
        if not isinstance(found, type) or not any(hasattr(found, method) for method in _METHODS):
            message = f"{where}: {_shown(found)} is no g4f provider class, name or list of these"
            raise ConfigurationError(message)
        if _runs_code(found) and not allow_local_tools:
            message = (
                f"{where}: {found.__name__} runs commands and code on this machine that a remote model asks for. "
                f"If you want that, allow it: routes=[Route({found.__name__!r}, allow_local_tools=True)]"
            )
            raise ConfigurationError(message)
        return found

    def _candidate(self, route: Route, provider: Any, model: str, attempts: int | None = None) -> Candidate:
        api_key = (
            route.api_key if isinstance(route.api_key, Secret) else key_for(self.choice.api_key, provider, route.name)
        )
        if api_key is None:
            api_key, variables = environment_key(provider)
            self.environment.update((name, os.environ.get(name)) for name in variables)
        native = route.native_tools
        name = provider.__name__
        return Candidate(
            route=route,
            name=name,
            model=model,
            provider=provider,
            api_key=api_key,
            proxy=freeze_proxy(route.proxy) or self.proxy,
            native_tools=bool(getattr(provider, "supports_native_tools", False)) if native is None else native,
            body_provider=None,
            attempts=attempts,
            key=route_key(provider, name, model, api_key=api_key),
        )

    def _endpoint(self, endpoint: Endpoint, model: str, body_provider: str | None = None) -> Candidate:
        model = endpoint.model or ("" if model == AUTO else model)
        own = endpoint.api_key if isinstance(endpoint.api_key, Secret) else None
        # Not `or`: a key that a pickle left behind is empty, and has to be missed rather than forgotten.
        api_key = own if own is not None else key_for(self.choice.api_key, None, endpoint.name, body_provider)
        name = endpoint.name
        return Candidate(
            route=endpoint,
            name=name,
            model=model,
            provider=None,
            api_key=api_key,
            proxy=freeze_proxy(endpoint.proxy) or self.proxy,
            native_tools=endpoint.native_tools,
            body_provider=body_provider,
            attempts=None,
            key=route_key(
                None,
                f"{name}/{body_provider}" if body_provider else name,
                model,
                base_url=endpoint.base_url,
                api_key=api_key,
            ),
        )


def _without_similar(choice: RouteChoice) -> tuple[str, ...]:
    named = (model for model in choice.fallback_models if model != SIMILAR)
    return (model_name(choice.model), *map(model_name, named))


def _runs_code(provider: type) -> bool:
    """Whether `provider`, or a g4f class that it is built on, is reviewed as running code."""
    ours = (base for base in provider.__mro__ if base.__module__.startswith("g4f."))
    return any((review := review_of(base.__name__)) is not None and review.runs_code for base in ours)


def _without_repeats(rounds: Iterable[list[Candidate]]) -> list[Candidate]:
    """All rounds (one per model) in a row; what an earlier round holds already is left out."""
    kept: list[Candidate] = []
    seen: set[Hashable] = set()
    for tier, candidates in enumerate(rounds):
        for candidate in candidates:
            identity = (candidate.key, candidate.proxy)
            if identity not in seen:
                seen.add(identity)
                kept.append(replace(candidate, tier=tier) if tier else candidate)
    return kept


def _shown(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else f"an object of type {type(value).__name__}"
