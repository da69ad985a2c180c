"""Where media calls go and how hard they try: the same words as for chat, for one call or for a tool's whole life."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.proxies import ProxyMap, freeze_proxy
from g4f_integrations.core.routes import Endpoint, Headers, Route, RouteChoice, freeze_headers
from g4f_integrations.core.settings.values import (
    API_KEY_VARIABLE,
    BASE_URL_VARIABLES,
    EnvironmentURL,
    to_api_key,
    to_provider,
    to_routes,
)
from g4f_integrations.errors import ConfigurationError

UNNAMED = "(the route's own)"
"""Stands for a model that nobody has named, until the route is known that has to have one."""

_DEFAULT_LIMITS = DownloadLimits()


class MediaRoutes(BaseModel):
    """Who serves media calls. Immutable data; nothing is asked at construction.

    Names and meanings are those of the chat models; see there. Nothing named takes what is known to work without a key.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=(), extra="forbid")

    model: str | None = Field(default=None, description="Model id; by default the route's own.")
    provider: Any = Field(default=None, exclude=True, repr=False, description="Who serves, as for a chat model.")
    routes: list[Route | Endpoint | str] = Field(
        default_factory=list, exclude=True, repr=False, description="Exactly these routes, in this order."
    )
    fallback_models: list[str] = Field(default_factory=list, description="Models to try when `model` has none left.")
    base_url: str | None = Field(
        default=None, exclude=True, repr=False, description="An OpenAI-compatible endpoint; see the chat models."
    )
    default_headers: Headers = Field(default=(), exclude=True, repr=False, description="Headers for `base_url`.")
    proxy: ProxyMap | None = Field(default=None, exclude=True, repr=False, description="Proxy URL, or URLs by scheme.")
    api_key: Secret | dict[str, Secret] | None = Field(
        default=None, exclude=True, repr=False, description="Key for `base_url` or the one provider, or by provider."
    )
    timeout: float | None = Field(default=None, gt=0, description="Seconds for one attempt; see `Resilience`.")
    max_retries: int | None = Field(default=None, ge=0, description="Further attempts after the first one.")
    resilience: Resilience | None = Field(default=None, exclude=True, repr=False, description="How hard to try.")
    limits: DownloadLimits = Field(
        default=_DEFAULT_LIMITS, exclude=True, repr=False, description="What is fetched or read at the most."
    )

    ROUTING: ClassVar[tuple[str, ...]] = (
        "model", "provider", "routes", "fallback_models", "base_url", "default_headers", "proxy", "api_key",
        "timeout", "max_retries", "resilience", "limits",
    )  # fmt: skip

    def __init__(self, **kwargs: Any) -> None:
        """See the fields.

        Raises:
            ConfigurationError: An argument is unknown, or two contradict each other.
            pydantic.ValidationError: A value is of the wrong type or out of its range.
        """
        try:
            super().__init__(**kwargs)
        except ValidationError as error:
            causes = (detail.get("ctx", {}).get("error") for detail in error.errors())
            ours = next((cause for cause in causes if isinstance(cause, ConfigurationError)), None)
            if ours is None:
                raise
            raise ours from None

    @field_validator("provider", mode="plain")
    @classmethod
    def _check_provider(cls, value: Any) -> Any:
        return to_provider(value)

    @field_validator("routes", mode="plain")
    @classmethod
    def _check_routes(cls, value: Any) -> list[Route | Endpoint | str]:
        return to_routes(value)

    @field_validator("base_url", mode="plain")
    @classmethod
    def _check_base_url(cls, value: Any) -> str | None:
        return value if isinstance(value, EnvironmentURL) or not value else Endpoint(value).base_url

    @field_validator("default_headers", mode="plain")
    @classmethod
    def _freeze_headers(cls, value: Any) -> Headers:
        return freeze_headers(value)

    @field_validator("proxy", mode="plain")
    @classmethod
    def _freeze_proxy(cls, value: Any) -> ProxyMap | None:
        frozen: ProxyMap | None = freeze_proxy(value or None)
        return frozen

    @field_validator("api_key", mode="plain")
    @classmethod
    def _freeze_api_key(cls, value: Any) -> Any:
        return to_api_key(value)

    @field_validator("fallback_models", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return [] if value is None else value

    @field_validator("limits", mode="before")
    @classmethod
    def _default_limits(cls, value: Any) -> Any:
        return _DEFAULT_LIMITS if value is None else value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.routes and (self.provider is not None or self.base_url is not None):
            message = "routes names every route itself; give neither provider nor base_url beside it"
            raise ConfigurationError(message)
        if self.base_url is None and self.provider is None and not self.routes:
            self.__dict__["base_url"] = EnvironmentURL.from_env(*BASE_URL_VARIABLES)
        if self.base_url is not None and self.api_key is None:
            self.__dict__["api_key"] = Secret.from_env(API_KEY_VARIABLE)
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
