"""g4f's model registry, read statically: who serves a model, and under which id. Nothing is fetched or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from g4f_integrations.core.catalog.listed import generation, listings
from g4f_integrations.core.catalog.loading import find_provider, load_g4f
from g4f_integrations.core.catalog.reviews import ProviderInfo, default_routes, review_of, suggestion
from g4f_integrations.core.logs import call_logger
from g4f_integrations.errors import ConfigurationError, ModelNotFoundError

logger = call_logger("catalog")

AUTO = "auto"
_DEFAULT_ROW = "default"  # g4f's own "any model" row, whose ids are empty


class Served(NamedTuple):
    """A provider class, the name it was found by, and the id under which it serves a model."""

    name: str
    provider: Any
    model: str


def registry_entry(model: str) -> Any | None:
    """g4f's `Model` of that name, without the lookup that invents one for every name with ``gemini-`` in front."""
    models = load_g4f().models
    found = models.convert.get(model)
    return models.get_model(model) if found is None and not model.startswith("gemini-") else found


def model_ids() -> list[str]:
    """Ids of all models of g4f's registry and of the providers' lists, sorted."""
    return sorted({*_registry_ids(), *listed_by_providers()})


def _registry_ids() -> set[str]:
    parts = load_g4f()
    return {*parts.models.convert, *parts.model_map} - {"", _DEFAULT_ROW}


@lru_cache(maxsize=1)
def _folded() -> Mapping[str, str]:
    parts = load_g4f()
    folded = {alias.lower(): model for alias, model in parts.model_aliases.items()}
    folded.update({name.lower(): name for name in sorted(_registry_ids())})
    return folded


def canonical_model(model: str) -> str | None:
    """The catalogue's id for `model`, which may be an alias or differ in case; ``None`` if nobody knows it."""
    return registry_id(model) or (model if model in listed_by_providers() else None)


def registry_id(model: str) -> str | None:
    """The id for `model` in g4f's own registry; ``None`` if it does not know it."""
    parts = load_g4f()
    if model in parts.model_map or registry_entry(model) is not None:
        return model
    alias = parts.model_aliases.get(model) or _folded().get(model.lower())
    return alias if alias and alias != _DEFAULT_ROW else None


def _best_providers(model: str) -> tuple[Any, ...]:
    """Names and classes that g4f's registry prefers for `model`."""
    best = getattr(registry_entry(model), "best_provider", None)
    if best is None:
        return ()
    return (best,) if isinstance(best, str | type) else tuple(getattr(best, "providers", ()))


def serving(model: str) -> dict[str, tuple[Any, str | None]]:
    """Who serves `model`: by name, the provider (name or class) and the model's id there, if known.

    First those of g4f's registry, best first, then those whose own lists name it.
    """
    mapped = load_g4f().model_map.get(model, {})
    found: dict[str, tuple[Any, str | None]] = {}
    for provider in (*_best_providers(model), *mapped):
        name = provider if isinstance(provider, str) else provider.__name__
        found.setdefault(name, (provider, _first(mapped.get(name))))
    for name, model_id in listed_by_providers().get(model, {}).items():
        found.setdefault(name, (name, model_id))
    return found


def listed_by_providers() -> Mapping[str, Mapping[str, str]]:
    """Models that providers have listed, by the registry's id where it knows them: each provider's own id for it."""
    return _listed_by_providers(generation())


@lru_cache(maxsize=2)
def _listed_by_providers(_: int) -> Mapping[str, Mapping[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for listing in listings().values():
        if listing.kind != "provider":
            continue
        for model_id in listing.models:
            known = registry_id(model_id) or model_id
            found.setdefault(known, {}).setdefault(listing.source, model_id)
    return found


def _first(value: Any) -> str | None:
    """A model id of the map; where it lists several, the first, so that a route has one name."""
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    return value if isinstance(value, str) else None


def is_users_own(provider: Any) -> bool:
    """Whether `provider` is a class that a user made; g4f's factory leaves ``abc`` as the module of its classes."""
    module = getattr(provider, "__module__", "")
    return isinstance(provider, type) and not module.startswith("g4f.") and module not in {"g4f", "abc"}


def reviewed(provider: Any) -> ProviderInfo | None:
    """The review of a provider class; a user's own class has none, whatever its name."""
    return None if is_users_own(provider) else review_of(provider.__name__)


def _safe_review(provider: Any) -> ProviderInfo | None:
    review = review_of(provider if isinstance(provider, str) else provider.__name__)
    return review if review is not None and review.safe else None


def may_serve(provider: Any, model: str | None) -> bool:
    """Whether a provider (name or class) may be chosen unasked for the model id `model`."""
    if is_users_own(provider):
        return True
    review = _safe_review(provider)
    return review is not None and review.serves_by_default(model or "")


def _loaded(provider: Any) -> Any | None:
    """The class behind a name of the registry, unless it cannot be loaded or has changed since it was reviewed."""
    if is_users_own(provider):
        return provider
    try:
        found = find_provider(provider) if isinstance(provider, str) else provider
    except ConfigurationError as error:
        logger.debug("%s", error)
        return None
    changed = getattr(found, "needs_auth", False) or getattr(found, "use_nodriver", False)
    return found if isinstance(found, type) and getattr(found, "working", False) and not changed else None


def served_by_default(model: str, field: str = "model") -> list[Served]:
    """The providers that may be chosen for `model` without being named, in order.

    Args:
        model: A model's id or alias; ``"auto"`` takes the reviewed default routes, last those whose provider has
            listed its models since and does not name the route's any more.
        field: Where the model was named, for the message of an error.

    Raises:
        ModelNotFoundError: The registry does not know the model; the message names close matches.
        ConfigurationError: It does, but only with providers that have to be named; the message says which and why.
    """
    if model in {AUTO, ""}:
        return _default_routes()
    canonical = canonical_model(model)
    if canonical is None:
        known = (
            suggestion(model, [*model_ids(), *load_g4f().model_aliases]) or "; Catalog().models() lists what is known"
        )
        message = f"{field}: nobody is known to serve {model[:100]!r}{known}"
        raise ModelNotFoundError(message)
    rows = serving(canonical)
    found = [
        Served(name, provider, static_model(provider, canonical, known=model_id))
        for name, (named, model_id) in rows.items()
        if may_serve(named, model_id) and (provider := _loaded(named)) is not None
    ]
    if not found:
        raise ConfigurationError(_must_be_named(canonical, list(rows), field))
    return found


def _default_routes() -> list[Served]:
    found = [
        Served(row.provider, provider, row.model)
        for row in default_routes()
        if (provider := _loaded(row.provider)) is not None
    ]
    if not found:
        message = "model='auto': the installed g4f has none of the default routes; name a provider or a base_url"
        raise ConfigurationError(message)
    return sorted(found, key=_is_gone)


def _is_gone(served: Served) -> bool:
    """Whether a provider's own list, where somebody asked for it, does not name the model any more."""
    listing = listings().get(served.name)
    review = reviewed(served.provider)
    if listing is None or not listing.models or review is None or not review.network_models:
        return False
    aliases: Mapping[str, Any] = getattr(served.provider, "model_aliases", None) or {}
    names = {served.model, _first(aliases.get(served.model))}
    names.update(alias for alias, own_id in aliases.items() if own_id == served.model)
    return names.isdisjoint(listing.models)


def _must_be_named(model: str, names: list[str], field: str) -> str:
    if not names:
        return f"{field}: {model!r} is known to g4f, but no provider serves it; choose another model or give a base_url"
    rows = []
    for name in names[:6]:
        review = review_of(name) or ProviderInfo(name)
        reasons = " and ".join(review.hindrances) or "serves it only with a key"
        rows.append(f"{name} ({reasons})")
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    local = any((known := review_of(name)) is not None and known.runs_code for name in names)
    advice = "Route(..., allow_local_tools=True)" if local else "provider=, with api_key= where it needs a key"
    return (
        f"{field}: {model!r} is served only by providers that are not used unless they are named: "
        f"{', '.join(rows)}{more}. Name one with {advice}, or choose another model"
    )


def static_model(provider: Any, model: str, *, known: str | None = None) -> str:
    """The id to send to `provider` for `model`, from what its class states; never asks it for its list.

    Args:
        provider: A provider class.
        model: What the user named; ``"auto"`` takes the provider's default.
        known: The id in g4f's model map, where there is one; empty for the provider's default.

    Returns:
        The id; ``""`` leaves the choice to a provider that states no models.

    Raises:
        ConfigurationError: A default is wanted and none is stated.
    """
    if known == "" or (known is None and model in {AUTO, ""}):
        return _default_model(provider)
    if known is not None:
        return known
    review = review_of(provider.__name__)
    if review is not None and review.network_models and not is_users_own(provider):
        return model  # the class resolves its aliases itself, while an id it does not list makes it fetch one
    aliases = getattr(provider, "model_aliases", None)
    alias = _first(aliases.get(model)) if isinstance(aliases, Mapping) else None
    return alias or model


def _default_model(provider: Any) -> str:
    stated = getattr(provider, "default_model", None)
    models = getattr(provider, "models", None)
    if stated == AUTO:
        return ""  # the provider's own "auto", which it takes by itself where no model is named
    listed = next(_ids(models), None)
    review = review_of(provider.__name__) if not is_users_own(provider) else None
    found = stated or listed or (review.default_model if review is not None else "")
    if found:
        return "" if found == AUTO else str(found)
    if stated is None and not _states(provider, "default_model") and not _states(provider, "models"):
        return ""
    message = (
        f"model: provider {provider.__name__!r} states no default model; name one with model= "
        f"or routes=['{provider.__name__}:model']{_examples(provider.__name__)}"
    )
    raise ConfigurationError(message)


def _ids(models: Any) -> Iterator[str]:
    if isinstance(models, Mapping | list | tuple):
        yield from (model for model in models if isinstance(model, str) and model)


def _states(provider: Any, attribute: str) -> bool:
    """Whether a class sets `attribute` itself, rather than inheriting g4f's empty mixin."""
    return any(attribute in vars(base) for base in provider.__mro__ if base.__name__ != "ProviderModelMixin")


def _examples(provider: str) -> str:
    mapped = (row.get(provider) for row in load_g4f().model_map.values())
    ids = [value for value in mapped if isinstance(value, str) and value][:3]
    return f", for example {', '.join(map(repr, ids))}" if ids else ""
