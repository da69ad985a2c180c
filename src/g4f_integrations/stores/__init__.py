"""Routes' health outside the process: a SQLite file for one machine, Redis for a fleet.

`Resilience(store=...)` takes a store or its URL. Processes that share one find out once that a provider is dead, how
long its rate limit lasts, and how large its window is. No call waits for a store, and none fails because of one.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from g4f_integrations._lazy import lazy_names
from g4f_integrations.core.credentials import redact_url
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.stores._shared import SharedHealth

if TYPE_CHECKING:
    from g4f_integrations.stores.redis import RedisHealth
    from g4f_integrations.stores.sqlite import SQLiteHealth

_HOMES = {"RedisHealth": "redis", "SQLiteHealth": "sqlite"}


def store_at(url: str) -> SharedHealth:
    """The store behind a URL; in one process the same URL gives the same object. Nothing is opened yet.

    Example:
        >>> store_at("sqlite:///health.db")
        SQLiteHealth('health.db')
        >>> store_at("sqlite:///health.db") is store_at("sqlite:///health.db")
        True

    Args:
        url: ``sqlite:///relative/path`` or ``sqlite:////absolute/path``; ``redis://``, ``rediss://`` or ``unix://``,
            with ``?namespace=…`` if not all may share; or ``env:NAME`` for the URL in an environment variable.

    Raises:
        ConfigurationError: It is no URL of a store.
    """
    origin, url = (url, os.environ.get(url[4:], "").strip()) if url.startswith("env:") else ("", url.strip())
    if origin and not url:
        message = f"store: the environment variable {origin[4:]} holds no URL"
        raise ConfigurationError(message)
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    found: SharedHealth | None = None
    if scheme == "sqlite":
        path = unquote(url.partition("://")[2].partition("?")[0].removeprefix("/"))
        found = _room("sqlite").sqlite_at(path) if path else None
    elif scheme in {"redis", "rediss", "unix"}:
        bare, namespace = _without_namespace(url)
        found = _room("redis").redis_at(origin if origin and bare == url else bare, namespace)
    if found is not None:
        return found
    message = f"store: {redact_url(url)!r} is none; known are 'sqlite:///path', 'redis://host/0' and 'env:NAME'"
    raise ConfigurationError(message)


def _room(name: str) -> Any:
    return import_module(f"{__name__}.{name}")


def _without_namespace(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    namespace = next((value for name, value in query if name == "namespace" and value), "default")
    rest = urlencode([(name, value) for name, value in query if name != "namespace"])
    return urlunsplit(parts._replace(query=rest)) if parts.query else url, namespace


__all__ = ["RedisHealth", "SQLiteHealth", "SharedHealth", "store_at"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
