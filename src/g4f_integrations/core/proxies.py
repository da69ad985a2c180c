"""Proxies as users name them, one URL or URLs by scheme, made hashable and kept from showing their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from g4f_integrations.core.credentials import leave_credentials, redact_url
from g4f_integrations.errors import ConfigurationError

Proxy: TypeAlias = str | Mapping[str, str]
"""One proxy URL, or proxy URLs by scheme: ``{"http": …, "https": …, "all": …}``."""


class ProxyMap(tuple[tuple[str, str], ...]):
    """Proxy URLs by scheme, hashable; shows no credentials, and a pickle of it takes none along."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return ProxyMap, (tuple((scheme, leave_credentials(url)) for scheme, url in self),)

    def __copy__(self) -> ProxyMap:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ProxyMap:
        return self

    def __repr__(self) -> str:
        return repr({scheme: redact_url(url) for scheme, url in self})


def freeze_proxy(proxy: Any) -> Any:
    """`proxy` checked and made hashable: a URL stays as it is, a mapping becomes a `ProxyMap`.

    Raises:
        ConfigurationError: It is neither a URL nor a mapping of ``http``, ``https``, ``all`` to URLs.
    """
    if proxy is None or isinstance(proxy, ProxyMap):
        return proxy
    urls = {"all": proxy} if isinstance(proxy, str) else proxy
    if not isinstance(urls, Mapping):
        message = f"proxy must be a URL or a mapping of schemes to URLs, not {type(proxy).__name__}"
        raise ConfigurationError(message)
    frozen = []
    for scheme, url in urls.items():
        name = str(scheme).removesuffix("://")
        if name not in {"http", "https", "all"}:
            message = f"proxy: unknown scheme {scheme!r}; use 'http', 'https' or 'all'"
            raise ConfigurationError(message)
        if not isinstance(url, str) or "://" not in url:
            message = f"proxy: {name!r} must be a URL such as 'http://host:8080'"
            raise ConfigurationError(message)
        frozen.append((name, url))
    return ProxyMap(frozen)


def proxy_for(proxy: Proxy | ProxyMap | None, scheme: str) -> str | None:
    """The proxy URL to use for requests of `scheme`, if any."""
    frozen = freeze_proxy(proxy)
    if frozen is None:
        return None
    urls = dict(frozen)
    return urls.get(scheme) or urls.get("all")
