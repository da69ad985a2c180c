"""Where media calls go and how hard they try: the same words as for chat, for one call or for a tool's whole life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field, model_validator

from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint, Route, RouteChoice
from g4f_integrations.core.settings.base import Check, RoutedSettings
from g4f_integrations.errors import ConfigurationError

UNNAMED = "(the route's own)"
"""Stands for a model that nobody has named, until the route is known that has to have one."""

_DEFAULT_LIMITS = DownloadLimits()


class MediaRoutes(RoutedSettings):
    """Who serves media calls. Immutable data; nothing is asked at construction.

    Names and meanings are those of the chat models; see there. Nothing named takes what is known to work without a key.
    """

    model_config = ConfigDict(extra="forbid", defer_build=False)

    model: str | None = Field(default=None, description="Model id; by default the route's own.")
    resilience: Resilience | None = Field(default=None, exclude=True, repr=False, description="How hard to try.")
    limits: DownloadLimits = Field(
        default=_DEFAULT_LIMITS, exclude=True, repr=False, description="What is fetched or read at the most."
    )

    CHECKS: ClassVar[Mapping[str, Check]] = {
        **RoutedSettings.CHECKS,
        "limits": lambda value: _DEFAULT_LIMITS if value is None else value,
    }
    ROUTING: ClassVar[tuple[str, ...]] = (
        "model", "provider", "routes", "fallback_models", "base_url", "default_headers", "proxy", "api_key",
        "timeout", "max_retries", "resilience", "limits",
    )  # fmt: skip

    @model_validator(mode="after")
    def _complete_routes(self) -> Self:
        self.settle_routes()
        return self

    def choice(self, defaults: tuple[str, ...]) -> RouteChoice:
        """Which routes may serve.

        Args:
            defaults: Routes for when nobody is named.

        Raises:
            ConfigurationError: Nobody is named, and nobody is known to do it without being named.
        """
        is_nobody_named = self.provider is None and self.base_url is None and not self.routes
        routes: tuple[Route | Endpoint | str, ...] = tuple(self.routes)
        if is_nobody_named and self.model is None:
            if not defaults:
                message = "nobody is known to do this without being named; give provider=, routes= or base_url="
                raise ConfigurationError(message)
            routes = defaults
        key = tuple(self.api_key.items()) if isinstance(self.api_key, dict) else self.api_key
        return RouteChoice(
            model=self.model or UNNAMED,
            provider=tuple(self.provider) if isinstance(self.provider, list) else self.provider,
            routes=routes,
            fallback_models=tuple(self.fallback_models),
            base_url=self.base_url,
            headers=self.default_headers,
            proxy=self.proxy,
            api_key=key,
        )

    def policy(self, attempt_timeout: float) -> Resilience:
        """How hard to try.

        Args:
            attempt_timeout: Seconds that such work may take by default.
        """
        if self.resilience is None:
            policy = Resilience(attempt_timeout=attempt_timeout, deadline=attempt_timeout * 3, total_timeout=None)
            policy = Resilience.model_construct(_fields_set=set(), **dict(policy))  # shorthands win over defaults
        else:
            policy = self.resilience
        return policy.with_shorthands(self.timeout, self.max_retries)

    def routing(self) -> dict[str, Any]:
        """What is set here, as arguments for the media functions."""
        return {name: getattr(self, name) for name in self.ROUTING if name in self.model_fields_set}
