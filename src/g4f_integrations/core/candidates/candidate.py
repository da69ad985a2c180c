"""`Candidate`: a route made ready for use, and what it is known by."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from g4f_integrations.core.credentials import Secret, redact_url
from g4f_integrations.core.proxies import ProxyMap
from g4f_integrations.core.routes import CAPS, Endpoint, Route, freeze_headers

_PROCESS_SALT = os.urandom(16)  # so that a key's hash says nothing outside this process


class RouteKey(NamedTuple):
    """What tells two routes apart in this process; `key_hash` is keyed, so it gives nothing away."""

    provider: type | None
    name: str
    model: str
    base_url: str
    key_hash: str

    @property
    def label(self) -> str:
        """``"Provider:model"``, without anything secret."""
        return f"{self.name}:{self.model}" if self.model else self.name


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A route made ready for use.

    Attributes:
        route: The route as it was named.
        name: Provider's name, or host of the endpoint; shown in metadata.
        model: Model id to send; ``""`` leaves the choice to the provider.
        provider: The g4f provider class; ``None`` for an endpoint.
        api_key: Key for this route and no other.
        proxy: Proxies for this route.
        native_tools: Whether the route takes tools by itself; ``None`` if nobody knows yet.
        body_provider: Name that an endpoint understands as ``"provider"`` in the body.
        attempts: Attempts on this route at the most, where a g4f ``RetryProvider`` states it.
        key: What health is kept under.
        tier: 0 for the model that was asked for, then 1 for each fallback model; ``order="adaptive"`` keeps to it.
        is_capped: Whether the user limits how much of it may be used at a time.
    """

    route: Route | Endpoint
    name: str
    model: str
    provider: Any
    api_key: Secret | None
    proxy: ProxyMap | None
    native_tools: bool | None
    body_provider: str | None
    attempts: int | None
    key: RouteKey
    tier: int = 0
    is_capped: bool = field(init=False)

    def __post_init__(self) -> None:
        # Asked for on every call, and always the same.
        object.__setattr__(self, "is_capped", any(getattr(self.route, name) is not None for name in CAPS))

    @property
    def label(self) -> str:
        """``"Provider:model"`` for logs and errors."""
        return self.key.label


@dataclass(frozen=True, slots=True)
class Plan:
    """The candidates of one choice, in order; `shuffle` mixes them anew for every call, as g4f's lists can."""

    candidates: tuple[Candidate, ...]
    shuffle: bool = False


def route_key(
    provider: type | None, name: str, model: str, *, base_url: str = "", api_key: Secret | None = None
) -> RouteKey:
    """The key under which the health of a route is kept; the API key goes in as a keyed hash."""
    value = "" if api_key is None else api_key.get_secret_value()
    shown = redact_url(base_url) if base_url else ""
    if shown != base_url:  # credentials in the URL tell accounts apart as well as a key does
        value = f"{value} {base_url}"
    data = value.encode("utf-8", "surrogatepass")
    digest = hmac.new(_PROCESS_SALT, data, hashlib.sha256).hexdigest()[:16] if value else ""
    return RouteKey(provider, name, model, shown, digest)


def secrets_of(candidate: Candidate, headers: Mapping[str, Any] | None = None) -> list[Secret]:
    """Every credential that goes to a route, for masking what it says: keys, headers, userinfo, query values.

    Args:
        candidate: The route.
        headers: Further headers of one call.
    """
    found = [candidate.api_key] if candidate.api_key is not None else []
    urls = [url for _, url in candidate.proxy or ()]
    if isinstance(candidate.route, Endpoint):
        urls.append(candidate.route.base_url)
        found += [value for _, value in freeze_headers(candidate.route.headers) if isinstance(value, Secret)]
    found += [value for _, value in freeze_headers(headers) if isinstance(value, Secret)]
    for url in urls:
        parts = urlsplit(url)
        account = parts.netloc.rpartition("@")[0]
        words = [account, unquote(account), *account.split(":", 1), *unquote(account).split(":", 1)]
        words += [value for _, value in parse_qsl(parts.query)]
        found += [Secret(word) for word in words if word]
    # A header's value often is a scheme and a credential; either may be echoed alone.
    found += [Secret(word) for secret in found for word in secret.get_secret_value().split() if len(word) >= 8]
    return found
