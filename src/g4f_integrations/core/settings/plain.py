"""The settings of a model → plain data without secrets, which the constructor takes back."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any

from pydantic import BaseModel

from g4f_integrations.core.credentials import redact_url
from g4f_integrations.core.proxies import ProxyMap
from g4f_integrations.core.routes import Endpoint, Headers, Route
from g4f_integrations.core.settings.values import API_KEY_VARIABLE


def plain_search(value: Any) -> Any:
    """`value` as plain data; functions in it are left out."""
    if value is None or isinstance(value, bool | str):
        return value
    from g4f_integrations.core.search import plain_web_search

    return plain_web_search(value)


def plain_provider(provider: Any) -> Any:
    """`provider` as names that find it again: g4f's own by name, others by import path where they have one."""
    if provider is None or isinstance(provider, str):
        return provider
    if isinstance(provider, type):
        return _class_name(provider)
    items = provider if isinstance(provider, list | tuple) else getattr(provider, "providers", ())
    return [plain_provider(item) for item in items]


def _class_name(provider: type) -> str:
    known_by_name = provider.__module__.partition(".")[0] == "g4f"
    importable = getattr(sys.modules.get(provider.__module__), provider.__qualname__, None) is provider
    if known_by_name or not importable:
        return provider.__name__
    return f"{provider.__module__}.{provider.__qualname__}"


def key_variable(provider: Any, base_url: str | None, api_key: Any) -> str | None:
    """The variable that a key is asked from again where a model is written down without it.

    An endpoint's is our own, which goes nowhere else; a provider's is the one that g4f reads for it (``GROQ_API_KEY``).
    ``None`` for keys by provider, and where a plain key is nobody's.
    """
    if isinstance(api_key, Mapping):
        return None
    if base_url or provider is None:
        return API_KEY_VARIABLE
    named = plain_provider(provider)
    names = [named] if isinstance(named, str) else named
    if len(names) != 1 or not isinstance(names[0], str) or len(names[0].split()) != 1:
        return None
    return f"{re.sub(r'[^A-Z0-9]+', '_', names[0].rpartition('.')[2].upper())}_API_KEY"


def plain_route(route: Route | Endpoint | str) -> Any:
    """`route` as a string or a dict of what was set on it, without keys."""
    if isinstance(route, str):
        return redact_url(route) if "://" in route else route
    plain: dict[str, Any] = {}
    for field in fields(route):
        value = getattr(route, field.name)
        if field.name == "api_key" or (field.default is not MISSING and value == field.default):
            continue
        plain[field.name] = _PLAIN.get(field.name, _as_it_is)(value)
    return {name: value for name, value in plain.items() if value not in (None, {})}


def plain_headers(headers: Headers) -> dict[str, str]:
    """The headers that hold no credential."""
    return {name: value for name, value in headers if isinstance(value, str)}


def plain_proxy(proxy: ProxyMap | None) -> str | dict[str, str] | None:
    """The proxies without their users' names and passwords."""
    if proxy is None:
        return None
    urls = {scheme: redact_url(url) for scheme, url in proxy}
    return urls["all"] if list(urls) == ["all"] else urls


def _as_it_is(value: Any) -> Any:
    return value


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "provider": plain_provider,
    "base_url": redact_url,
    "headers": plain_headers,
    "proxy": plain_proxy,
}


def plain_policy(policy: BaseModel | None) -> dict[str, Any]:
    """A `Cleaning` or `Trimming` as plain data that the constructor takes back; functions are left out."""
    if policy is None:
        return {"off": True}
    given = {name: getattr(policy, name) for name in sorted(policy.model_fields_set)}
    return {name: _plain_value(value) for name, value in given.items() if not callable(value)}


def _plain_value(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain_value(item) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
