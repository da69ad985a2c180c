"""What is known about models and providers, without asking anybody: the packaged reviews and g4f's own registry."""

from __future__ import annotations

from collections.abc import Iterable

from g4f_integrations.core.catalog.loading import (
    G4F,
    environment_key,
    find_provider,
    g4f_version,
    load_g4f,
    provider_names,
    unknown_provider,
)
from g4f_integrations.core.catalog.registry import (
    AUTO,
    ModelInfo,
    Served,
    canonical_model,
    is_users_own,
    model_ids,
    model_info,
    served_by_default,
    static_model,
)
from g4f_integrations.core.catalog.reviews import (
    DefaultRoute,
    ProviderInfo,
    default_routes,
    review_of,
    reviews,
    suggestion,
)
from g4f_integrations.core.routes import Route
from g4f_integrations.errors import ConfigurationError, ModelNotFoundError

__all__ = [
    "AUTO",
    "G4F",
    "Catalog",
    "DefaultRoute",
    "ModelInfo",
    "ProviderInfo",
    "Served",
    "default_routes",
    "environment_key",
    "find_provider",
    "g4f_version",
    "load_g4f",
    "provider_names",
    "review_of",
    "reviews",
    "served_by_default",
    "static_model",
    "suggestion",
    "unknown_provider",
]

_NEEDS = {
    "tools": "supports_native_tools",
    "history": "supports_message_history",
    "system": "supports_system_message",
    "stream": "supports_stream",
}


class Catalog:
    """Read-only, offline view of models, providers and routes.

    Nothing is fetched, and no provider is loaded but those that `routes` looks into.

    Example:
        >>> catalog = Catalog()
        >>> catalog.provider("AgentTools").runs_code
        True
        >>> "Pollinations" in [provider.name for provider in catalog.providers(safe=True)]
        True
        >>> catalog.model("gpt-4o").kind
        'chat'
    """

    __slots__ = ()

    def models(self, *, kind: str | None = None, provider: str | None = None, safe: bool = False) -> list[ModelInfo]:
        """Models of g4f's registry, sorted by id.

        Args:
            kind: Only chat, image, audio or video models.
            provider: Only models that this provider serves.
            safe: Only models with a provider that may be chosen without being named.

        Raises:
            ConfigurationError: Nobody knows `provider`.
        """
        name = self.provider(provider).name if provider is not None else None
        return [
            info
            for info in map(model_info, model_ids())
            if kind in {None, info.kind}
            and (name is None or name in info.providers)
            and (info.default_providers or not safe)
        ]

    def model(self, model: str) -> ModelInfo:
        """What is known of one model, found by its id or an alias.

        Raises:
            ModelNotFoundError: Nobody knows it; the message names close matches.
        """
        found = canonical_model(model)
        if found is None:
            message = f"model: unknown model {model[:100]!r}{suggestion(model, model_ids())}"
            raise ModelNotFoundError(message)
        return model_info(found)

    def providers(self, *, kind: str | None = None, safe: bool = False) -> list[ProviderInfo]:
        """All reviewed providers, sorted by name; with `safe` those that may be chosen without being named.

        Example:
            >>> {provider.browser for provider in Catalog().providers(safe=True)}
            {False}
        """
        rows = sorted(reviews().values(), key=lambda info: info.name.lower())
        return [info for info in rows if kind in {None, info.kind} and (info.safe or not safe)]

    def provider(self, name: str) -> ProviderInfo:
        """The review of a provider; one that g4f knows and nobody has reviewed comes without a date.

        Raises:
            ConfigurationError: Nobody knows it; the message names close matches.
        """
        found = review_of(name)
        if found is not None:
            return found
        if name in provider_names():
            return ProviderInfo(name, note="Not reviewed; used only where it is named.")
        raise unknown_provider(name)

    def review(self, provider: str | type) -> ProviderInfo | None:
        """The review of a provider by its name or class, or ``None`` if there is none; does not load g4f.

        A user's own class has none, whatever its name.
        """
        if isinstance(provider, str):
            return review_of(provider)
        return None if is_users_own(provider) else review_of(provider.__name__)

    def routes(self, model: str = AUTO, needs: Iterable[str] = ()) -> list[Route]:
        """The routes that a model would take if no provider is named, in order.

        Args:
            model: A model's id or alias, ``"auto"`` for the default routes.
            needs: What the provider must support by itself: ``"tools"``, ``"history"``, ``"system"``, ``"stream"``.

        Raises:
            ModelNotFoundError: Nobody knows the model.
            ConfigurationError: Only providers that have to be named serve it, or a need is unknown.
        """
        wanted = list(needs)
        unknown = [need for need in wanted if need not in _NEEDS]
        if unknown:
            message = f"needs: unknown {', '.join(map(repr, unknown))}; known are {', '.join(_NEEDS)}"
            raise ConfigurationError(message)
        return [
            Route(served.provider.__name__, served.model or None)
            for served in served_by_default(model)
            if all(getattr(served.provider, _NEEDS[need], False) for need in wanted)
        ]
