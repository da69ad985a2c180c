"""`Route` and `Endpoint`: one way each to reach one model, as the user names it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from pydantic import SecretStr

from g4f_integrations.core.credentials import Secret, is_secret_header, leave_credentials, redact_url, scrub
from g4f_integrations.core.proxies import Proxy, ProxyMap, freeze_proxy
from g4f_integrations.errors import ConfigurationError

Headers: TypeAlias = tuple[tuple[str, str | Secret], ...]

CAPS = ("max_concurrency", "requests_per_minute", "tokens_per_minute")
"""The fields of a route that say how much of it may be used at a time."""


@dataclass(frozen=True, slots=True)
class Route:
    """A model reached through a g4f provider.

    Example:
        >>> Route("Pollinations", "openai", context_window=32_000).label
        'Pollinations:openai'

    Attributes:
        provider: A g4f provider's name or class.
        model: Model id as that provider knows it; ``None`` takes the provider's default.
        api_key: Key for this provider only.
        context_window: Tokens that the model can read and write together.
        max_output_tokens: Tokens that it writes at the most.
        native_tools: Whether it takes tools by itself; ``None`` asks the provider class.
        weight: Share of calls under ``order="adaptive"``, among routes that are equally fast.
        max_concurrency: Calls at a time at the most, in this process.
        requests_per_minute: Calls in any 60 seconds at the most, in this process.
        tokens_per_minute: Tokens read and written in any 60 seconds at the most, in this process.
        proxy: Proxy URL for this route, or URLs by scheme.
        inline: Run the provider in the caller's event loop instead of the provider thread.
        allow_local_tools: Allow a provider that runs code on this machine (g4f's ``AgentTools``).
    """

    provider: str | type
    model: str | None = None
    api_key: Secret | SecretStr | str | None = field(default=None, kw_only=True)
    context_window: int | None = field(default=None, kw_only=True)
    max_output_tokens: int | None = field(default=None, kw_only=True)
    native_tools: bool | None = field(default=None, kw_only=True)
    weight: float = field(default=1.0, kw_only=True)
    max_concurrency: int | None = field(default=None, kw_only=True)
    requests_per_minute: int | None = field(default=None, kw_only=True)
    tokens_per_minute: int | None = field(default=None, kw_only=True)
    proxy: Proxy | None = field(default=None, kw_only=True, repr=False)
    inline: bool = field(default=False, kw_only=True)
    allow_local_tools: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.provider, type) and not (isinstance(self.provider, str) and self.provider.strip()):
            message = f"Route.provider must be a g4f provider's name or class, not {self.provider!r}"
            raise ConfigurationError(message)
        _check_model("Route", self.model)
        _check_common(self)

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider if isinstance(self.provider, str) else self.provider.__name__

    @property
    def label(self) -> str:
        """``"Provider:model"``."""
        return f"{self.name}:{self.model}" if self.model else self.name


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model reached through an OpenAI-compatible HTTP endpoint.

    Example:
        >>> Endpoint("http://127.0.0.1:1337/v1", "gpt-4o", api_key="secret").label
        '127.0.0.1:1337:gpt-4o'

    Attributes:
        base_url: URL to which ``/chat/completions`` is appended.
        model: Model id as the endpoint knows it; ``None`` takes the model that the client names.
        api_key: Sent as bearer token, to this endpoint only.
        headers: Further headers, sent to this endpoint only.
        context_window: Tokens that the model can read and write together.
        max_output_tokens: Tokens that it writes at the most.
        native_tools: Whether it takes tools by itself; ``None`` finds out.
        weight: Share of calls under ``order="adaptive"``, among routes that are equally fast.
        max_concurrency: Calls at a time at the most, in this process.
        requests_per_minute: Calls in any 60 seconds at the most, in this process.
        tokens_per_minute: Tokens read and written in any 60 seconds at the most, in this process.
        proxy: Proxy URL for this endpoint, or URLs by scheme.
        verify: Whether TLS certificates are checked.
    """

    base_url: str
    model: str | None = None
    api_key: Secret | SecretStr | str | None = field(default=None, kw_only=True)
    headers: Mapping[str, Any] | Headers | None = field(default=None, kw_only=True, repr=False)
    context_window: int | None = field(default=None, kw_only=True)
    max_output_tokens: int | None = field(default=None, kw_only=True)
    native_tools: bool | None = field(default=None, kw_only=True)
    weight: float = field(default=1.0, kw_only=True)
    max_concurrency: int | None = field(default=None, kw_only=True)
    requests_per_minute: int | None = field(default=None, kw_only=True)
    tokens_per_minute: int | None = field(default=None, kw_only=True)
    proxy: Proxy | None = field(default=None, kw_only=True, repr=False)
    verify: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname)
            _ = parts.port  # raises on a port out of range
        except (ValueError, AttributeError, TypeError):
            valid = False
        if not valid:
            shown = scrub(redact_url(self.base_url)) if isinstance(self.base_url, str) else type(self.base_url).__name__
            message = f"base_url must be an http:// or https:// URL, not {shown!r}"
            raise ConfigurationError(message)
        _check_model("Endpoint", self.model)
        object.__setattr__(self, "headers", freeze_headers(self.headers))
        _check_common(self)

    def __reduce__(self) -> tuple[Any, ...]:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return _arrive, ({**given, "base_url": leave_credentials(self.base_url)},)

    def __copy__(self) -> Endpoint:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Endpoint:
        return self

    def __repr__(self) -> str:
        return f"Endpoint({redact_url(self.base_url)!r}, {self.model!r})"

    @property
    def name(self) -> str:
        """The host, with its port where one is given."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def label(self) -> str:
        """``"host:model"``."""
        return f"{self.name}:{self.model}" if self.model else self.name

    def list_models(self, timeout: float | None = 30.0) -> list[dict[str, Any]]:
        """Ask the endpoint which models it has (``GET /models``), with this endpoint's key, headers and proxy.

        One attempt. Works inside a running event loop, too, which it blocks.

        Args:
            timeout: Seconds for the whole request; ``None`` waits for ever.

        Returns:
            One dict per model, as the endpoint describes it: ``"id"`` is what `model` takes, most tell ``"owned_by"``
            and ``"created"``, some tell prices and context windows.

        Raises:
            IntegrationError: As for a completion: `AuthenticationError`, `RateLimitError`, `ProviderTimeoutError`,
                `ProviderUnavailableError` … `InvalidRequestError` when the endpoint does not list its models.
        """
        # From far above this room, which is plain data: only the asking needs threads and an HTTP client.
        models: list[dict[str, Any]] = import_module("g4f_integrations.core.loop").run_blocking(
            lambda: self.alist_models(timeout)
        )
        return models

    async def alist_models(self, timeout: float | None = 30.0) -> list[dict[str, Any]]:  # noqa: ASYNC109  see `list_models`
        """Like `list_models`, for callers in an event loop."""
        listing = import_module("g4f_integrations.core.listing")
        models: list[dict[str, Any]] = await listing.list_models(self, timeout)
        return models


def _arrive(given: dict[str, Any]) -> Endpoint:
    return Endpoint(**given)


def _check_model(owner: str, model: Any) -> None:
    if model is not None and not isinstance(model, str):
        message = f"{owner}.model must be a string or None, not {model!r}"
        raise ConfigurationError(message)


def _check_common(route: Route | Endpoint) -> None:
    owner = type(route).__name__
    for name in ("context_window", "max_output_tokens", *CAPS):
        value = getattr(route, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            message = f"{owner}.{name} must be a positive whole number or None, not {value!r}"
            raise ConfigurationError(message)
    if not isinstance(route.weight, int | float) or not 0 < route.weight < math.inf:
        message = f"{owner}.weight must be a positive number, not {route.weight!r}"
        raise ConfigurationError(message)
    object.__setattr__(route, "api_key", Secret.of(route.api_key))
    object.__setattr__(route, "proxy", freeze_proxy(route.proxy))


def freeze_headers(headers: Mapping[str, Any] | Headers | None) -> Headers:
    """`headers` as a hashable tuple, the values of credential headers kept as `Secret`, and without those of ``None``.

    Raises:
        ConfigurationError: They are no mapping of names to values.
    """
    if not headers:
        return ()
    try:
        items = [(str(name), value) for name, value in (headers.items() if isinstance(headers, Mapping) else headers)]
    except (TypeError, ValueError):
        message = f"headers must be a mapping of names to values, not {type(headers).__name__}"
        raise ConfigurationError(message) from None
    return tuple((name, _header_value(name, value)) for name, value in items if value is not None)


def _header_value(name: str, value: Any) -> str | Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, SecretStr):
        return Secret(value.get_secret_value())
    return Secret(str(value)) if is_secret_header(name) else str(value)


class RouteChoice(NamedTuple):
    """What the user chose, as plain hashable data; `core.candidates` turns it into ordered candidates.

    Attributes:
        model: Model id, ``"auto"`` for whatever is known to work.
        provider: As in the model classes: ``None``, name(s), class(es), or a g4f list provider.
        routes: Exactly these routes, in this order.
        fallback_models: Models to try when `model` has no working candidate left.
        base_url: An OpenAI-compatible endpoint.
        headers: Further headers for `base_url`.
        proxy: For every route that names none.
        api_key: One key, or ``(provider, key)`` pairs.
    """

    model: str = "auto"
    provider: Any = None
    routes: tuple[Route | Endpoint | str, ...] = ()
    fallback_models: tuple[str, ...] = ()
    base_url: str | None = None
    headers: Headers = ()
    proxy: ProxyMap | None = None
    api_key: Secret | tuple[tuple[str, Secret], ...] | None = None


def parse_route(text: str) -> Route | Endpoint:
    """``"Provider:model"`` (split at the first colon), ``"Provider"``, or the URL of an endpoint.

    Example:
        >>> parse_route("Pollinations:openai:large").model
        'openai:large'
    """
    stripped = text.strip()
    if stripped.lower().startswith(("http://", "https://")):
        return Endpoint(stripped)
    provider, _, model = stripped.partition(":")
    return Route(provider.strip(), model.strip() or None)
