"""What the settings of models, embeddings and media share: checked however they are set, and pickled without keys.

`CheckedSettings` does that; `RoutedSettings` adds the fields that say who is asked.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, ValidationError, model_validator
from pydantic_core.core_schema import any_schema

from g4f_integrations.core.credentials import Secret, leave_credentials
from g4f_integrations.core.proxies import ProxyMap, freeze_proxy
from g4f_integrations.core.routes import Endpoint, Headers, Route, freeze_headers
from g4f_integrations.core.settings.names import canonical_names, without_secrets
from g4f_integrations.core.settings.values import (
    API_KEY_VARIABLE,
    BASE_URL_VARIABLES,
    EnvironmentURL,
    own_error,
    to_api_key,
    to_models,
    to_provider,
    to_routes,
)
from g4f_integrations.errors import ConfigurationError

Check = Callable[[Any], Any]

# A table and not field validators, which pydantic inspects one by one: that was a tenth of the time of the import.
CHECKED = GetPydanticSchema(lambda _source, _handler: any_schema())
"""Marks fields of which the table of checks knows all that is to be known."""


def to_proxy(value: Any) -> ProxyMap | None:
    """A proxy URL, or URLs by scheme, in frozen form."""
    frozen: ProxyMap | None = freeze_proxy(value or None)
    return frozen


def to_base_url(value: Any) -> str | None:
    """An endpoint's URL, checked; blank ones are none."""
    return value if isinstance(value, EnvironmentURL) or not value else Endpoint(value).base_url


class CheckedSettings(BaseModel):
    """Immutable data whose values are checked, however they are set, and whose credentials no pickle takes along."""

    # Deferred: nobody makes one of these by itself, and building its validator takes a third of ChatG4F's import.
    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=(), defer_build=True)

    CHECKS: ClassVar[Mapping[str, Check]] = MappingProxyType({})
    """What becomes of a value, however its field is set: credentials are hidden, what cannot be sent is refused."""
    FURTHER_ALIASES: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Names that users of the framework bring → the field that is meant, in the constructor."""

    def __init__(self, **kwargs: Any) -> None:
        """See the fields.

        Raises:
            ConfigurationError: An argument is unknown, or two contradict each other.
            pydantic.ValidationError: A value is of the wrong type or out of its range.
        """
        try:
            super().__init__(**kwargs)
        except ValidationError as error:
            ours = own_error(error)
            if ours is None:
                raise
            raise ours from None

    @model_validator(mode="before")
    @classmethod
    def _name_arguments(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        named = canonical_names(values, cls.model_fields, cls.__name__, cls.FURTHER_ALIASES)
        return {name: cls._checked(name, value) for name, value in named.items()}

    @classmethod
    def _checked(cls, name: str, value: Any) -> Any:
        check = cls.CHECKS.get(name)
        return value if check is None else check(value)

    def __setattr__(self, name: str, value: Any) -> None:
        # A key that is set later is no less a key; without this, `repr` would show it.
        super().__setattr__(name, self._checked(name, value))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed; credentials among them are kept as such."""
        checked = {name: self._checked(name, value) for name, value in (update or {}).items()}
        return super().model_copy(update=checked, deep=deep)

    def __getstate__(self) -> builtins.dict[Any, Any]:
        # What a pickle writes down. Copies do not come here, and keep everything.
        state = super().__getstate__()
        kept = state["__dict__"].copy()
        if kept.get("base_url") and not isinstance(kept["base_url"], EnvironmentURL):
            kept["base_url"] = leave_credentials(kept["base_url"])
        for name in kept.keys() & {"model_kwargs", "extra_body"}:
            kept[name] = without_secrets(kept[name])
        return {**state, "__dict__": kept}


class RoutedSettings(CheckedSettings):
    """Who is asked, as immutable data."""

    model: Any = Field(default=None, description="Model id.")
    provider: Annotated[Any, CHECKED] = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Who serves: a name, several names, a g4f provider class, a g4f list provider, or a list of these.",
    )
    routes: Annotated[list[Route | Endpoint | str], CHECKED] = Field(
        default_factory=list,
        exclude=True,
        repr=False,
        description="Exactly these routes in this order: `Route`, `Endpoint`, 'Provider:model' or a URL.",
    )
    fallback_models: list[str] = Field(
        default_factory=list,
        description="Models to try when `model` has no working candidate left; 'similar' takes those of the catalogue "
        "that do all that it does and take as much.",
    )
    base_url: Annotated[str | None, CHECKED] = Field(
        default=None,
        exclude=True,
        repr=False,
        description="An OpenAI-compatible endpoint. From G4F_BASE_URL or API_BASE_URL if nothing else is named.",
    )
    default_headers: Annotated[Headers, CHECKED] = Field(
        default=(), exclude=True, repr=False, description="Further HTTP headers for `base_url`."
    )
    proxy: Annotated[ProxyMap | None, CHECKED] = Field(
        default=None, exclude=True, repr=False, description="Proxy URL, or URLs by scheme (http, https, all)."
    )
    api_key: Annotated[Secret | dict[str, Secret] | None, CHECKED] = Field(
        default=None,
        exclude=True,
        description="Key for `base_url` or the one provider named, or keys by provider. G4F_API_KEY is for `base_url`.",
    )
    timeout: float | None = Field(default=None, gt=0, description="Seconds for one attempt; see `Resilience`.")
    max_retries: int | None = Field(default=None, ge=0, description="Further attempts after the first one.")

    CHECKS: ClassVar[Mapping[str, Check]] = {
        "api_key": to_api_key,
        "base_url": to_base_url,
        "default_headers": freeze_headers,
        "fallback_models": to_models,
        "provider": to_provider,
        "proxy": to_proxy,
        "routes": to_routes,
    }

    def settle_routes(self) -> None:
        """Refuses contradictions, and takes the environment's endpoint and key where nobody else is named.

        Raises:
            ConfigurationError: Two settings contradict each other.
        """
        if isinstance(self.base_url, EnvironmentURL) and (self.routes or self.provider is not None):
            self._forget_environment()  # `configurable_fields` makes models anew, from all fields of another one
        if self.routes and (self.provider is not None or self.base_url is not None):
            message = "routes names every route itself; give neither provider nor base_url beside it"
            raise ConfigurationError(message)
        # Written past pydantic, so that `model_fields_set` tells what the user gave from what the environment did.
        if self.base_url is None and self.provider is None and not self.routes:
            self.__dict__["base_url"] = EnvironmentURL.from_env(*BASE_URL_VARIABLES)
        if self.base_url is not None and self.api_key is None:
            self.__dict__["api_key"] = Secret.from_env(API_KEY_VARIABLE)

    def _forget_environment(self) -> None:
        self.__dict__["base_url"] = None
        if isinstance(self.api_key, Secret) and self.api_key.origin == f"env:{API_KEY_VARIABLE}":
            self.__dict__["api_key"] = None
