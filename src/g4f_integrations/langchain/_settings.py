"""What users give to a constructor → the frozen forms that the core takes, and back to plain data without secrets."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any

from pydantic import SecretStr

from g4f_integrations.core.credentials import Secret, redact_url
from g4f_integrations.core.proxies import ProxyMap
from g4f_integrations.core.routes import Endpoint, Headers, Route, parse_route
from g4f_integrations.errors import ConfigurationError

ALIASES = {
    "model_name": "model",
    "openai_api_base": "base_url",
    "api_base": "base_url",
    "openai_api_key": "api_key",
    "max_completion_tokens": "max_tokens",
    "stop_sequences": "stop",
    "request_timeout": "timeout",
    "proxies": "proxy",
    "openai_proxy": "proxy",
}
"""Names that users bring from other classes → the field that is meant."""

BASE_URL_VARIABLES = ("G4F_BASE_URL", "API_BASE_URL")
API_KEY_VARIABLE = "G4F_API_KEY"

# Body members that hold credentials. Narrower than for headers: "max_new_tokens" is none.
_SECRET_NAME = re.compile(r"(?i)(?:^|[_-])(?:key|apikey|secret|password|token|authorization|cookies?|credentials?)$")


class EnvironmentURL(str):
    """A `base_url` that the user has not given: it steps back where something else is named."""

    __slots__ = ()


def canonical_names(values: Mapping[str, Any], known: Iterable[str], owner: str) -> dict[str, Any]:
    """Constructor arguments under the names of the fields.

    Args:
        values: What the user gave.
        known: Names of the fields.
        owner: The class, for the error.

    Raises:
        ConfigurationError: A name is unknown, or one thing is given under two names.
    """
    fields_known = set(known)
    named: dict[str, Any] = {}
    for name, value in values.items():
        field = name if name in fields_known else ALIASES.get(name)
        if field is None:
            raise ConfigurationError(_unknown(name, [*fields_known, *ALIASES], owner))
        if field != name and field in values:
            message = f"{owner}: {field!r} is given twice, also as {name!r}"
            raise ConfigurationError(message)
        named[field] = value
    return named


def _unknown(name: str, known: Iterable[str], owner: str) -> str:
    matches = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    hint = f"Did you mean {matches[0]!r}?" if matches else "Other parameters of a route go into model_kwargs={…}."
    return f"{owner} has no argument {name!r}. {hint}"


def to_api_key(value: Any) -> Secret | dict[str, Secret] | None:
    """One key, or keys by provider, as `Secret`; blank ones are none.

    Raises:
        ConfigurationError: It is neither a string nor a mapping of strings.
    """
    if isinstance(value, Mapping):
        keys = {}
        for provider, key in value.items():
            secret = to_api_key(key)
            if isinstance(secret, Secret):
                keys[provider.__name__ if isinstance(provider, type) else str(provider)] = secret
        return keys or None
    if value is not None and not isinstance(value, str | SecretStr):
        message = f"api_key must be a string or a mapping of providers to strings, not {type(value).__name__}"
        raise ConfigurationError(message)
    return Secret.of(value)


def to_provider(value: Any) -> Any:
    """`value`, if it can name providers: a name or names, a class, an object with a list of providers, or a list.

    Raises:
        ConfigurationError: It is none of these.
    """
    if isinstance(value, list | tuple):
        if not value or None in value:
            raise _nobody(value)
        return [to_provider(item) for item in value]
    if value is None or isinstance(value, type) or hasattr(value, "providers"):
        return value
    if isinstance(value, str):
        if not value.strip():
            raise _nobody(value)
        return _loaded_class(value) or value.strip()
    message = f"provider must be a name, a g4f provider class or a list of these, not {value!r}"
    raise ConfigurationError(message)


def _nobody(value: Any) -> ConfigurationError:
    # Never taken for "anybody": the prompt would go to providers that the user has not chosen.
    message = f"provider names nobody: {value!r}. Leave it out (or give None) for the providers chosen by default."
    return ConfigurationError(message)


def _loaded_class(path: str) -> type | None:
    """The class at an import path, as `plain_provider` writes it, if its module is loaded; nothing is imported."""
    module, _, name = path.strip().rpartition(".")
    found = getattr(sys.modules.get(module), name, None) if module else None
    return found if isinstance(found, type) else None


def to_routes(value: Any) -> list[Route | Endpoint | str]:
    """Routes as the user named them, checked; dicts with their arguments become `Route` or `Endpoint`.

    Raises:
        ConfigurationError: An item is no route.
    """
    if value is None:
        return []
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [_to_route(item) for item in items]


def _to_route(item: Any) -> Route | Endpoint | str:
    if isinstance(item, Route | Endpoint):
        return item
    if isinstance(item, str):
        parsed = parse_route(item)  # says what is wrong with it now and not at the first call
        return parsed if isinstance(parsed, Endpoint) else item
    if isinstance(item, type):
        return Route(item)
    if not isinstance(item, Mapping):
        message = f"routes: expected Route, Endpoint or 'Provider:model', not {item!r}"
        raise ConfigurationError(message)
    try:
        if "base_url" in item:
            return Endpoint(**item)
        provider = item.get("provider")
        return Route(**{**item, "provider": _loaded_class(provider) or provider} if isinstance(provider, str) else item)
    except TypeError as error:
        message = f"routes: {error}"
        raise ConfigurationError(message) from error


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


def without_secrets(value: Any) -> Any:
    """A copy of plain data without members that, by their names or types, hold credentials."""
    if isinstance(value, Mapping):
        return {
            name: without_secrets(item)
            for name, item in value.items()
            if not (isinstance(name, str) and _SECRET_NAME.search(name)) and not isinstance(item, SecretStr)
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value if not isinstance(item, SecretStr)]
    return value


def _as_it_is(value: Any) -> Any:
    return value


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "provider": plain_provider,
    "base_url": redact_url,
    "headers": plain_headers,
    "proxy": plain_proxy,
}
