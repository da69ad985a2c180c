"""What users give to a constructor → the frozen forms that the core takes; `core.settings.plain` goes the other way."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Self

from pydantic import BaseModel, SecretStr, ValidationError

from g4f_integrations.core.credentials import Secret, leave_credentials
from g4f_integrations.core.routes import Endpoint, Route, parse_route
from g4f_integrations.errors import ConfigurationError

BASE_URL_VARIABLES = ("G4F_BASE_URL", "API_BASE_URL")
API_KEY_VARIABLE = "G4F_API_KEY"


class EnvironmentURL(str):
    """A `base_url` that the user has not given: it steps back where something else is named.

    A pickle of it takes along where it came from, and the environment is read anew where it arrives.
    """

    __slots__ = ("origin",)

    origin: str

    @classmethod
    def from_env(cls, *names: str) -> Self | None:
        """The first of the environment's variables `names` that is set and not blank, else ``None``.

        Raises:
            ConfigurationError: It holds no http:// or https:// URL.
        """
        for name in names:
            value = os.environ.get(name, "").strip()
            if value:
                return cls._from(Endpoint(value).base_url, name)
        return None

    @classmethod
    def _from(cls, url: str, origin: str) -> Self:
        made = cls(url)
        made.origin = origin
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrive, (leave_credentials(self), self.origin)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


def _arrive(shown: str, origin: str) -> EnvironmentURL:
    # What is shown has lost its credentials; where the variable is not set, the first call says so.
    return EnvironmentURL.from_env(origin) or EnvironmentURL._from(shown, origin)  # noqa: SLF001  its own constructor


def own_error(error: ValidationError) -> ConfigurationError | None:
    """Our own error inside pydantic's, which wraps every `ValueError`: it says already what is wrong and what to do."""
    causes = (detail.get("ctx", {}).get("error") for detail in error.errors())
    return next((cause for cause in causes if isinstance(cause, ConfigurationError)), None)


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
    """The class at an import path, as `core.settings.plain` writes it, if its module is loaded; nothing is imported."""
    module, _, name = path.strip().rpartition(".")
    found = getattr(sys.modules.get(module), name, None) if module else None
    return found if isinstance(found, type) else None


def to_models(value: Any) -> Any:
    """Several models, of which one may be given alone; ``None`` is none."""
    return [] if value is None else [value] if isinstance(value, str) else value


def to_routes(value: Any) -> list[Route | Endpoint | str]:
    """Routes as the user named them, checked; dicts with their arguments become `Route` or `Endpoint`.

    What the catalogue tells of a route (`RouteInfo`) stands for the route.

    Raises:
        ConfigurationError: An item is no route.
    """
    if value is None:
        return []
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [_to_route(item) for item in items]


def _to_route(item: Any) -> Route | Endpoint | str:
    item = item if isinstance(item, type) else getattr(item, "route", item)
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


def to_folder(value: Any) -> str | None:
    """The path of a folder as text; nothing is looked up.

    Raises:
        ConfigurationError: It is no path.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str | os.PathLike):
        message = f"prompts must be the path of a folder, not {type(value).__name__}"
        raise ConfigurationError(message)
    return str(os.fspath(value))


def to_tool_calling(value: Any) -> str:
    """``"auto"``, ``"native"`` or ``"prompt"``; ``None`` is ``"auto"``.

    Raises:
        ConfigurationError: It is none of these.
    """
    if value is None:
        return "auto"
    if value not in ("auto", "native", "prompt"):
        message = f"tool_calling must be 'auto', 'native' or 'prompt', not {value!r}"
        raise ConfigurationError(message)
    return str(value)


def to_window(value: Any) -> int | None:
    """Tokens that a model reads and writes at once, ``None`` where nobody says.

    Raises:
        ConfigurationError: It is no positive whole number.
    """
    if value is None or (type(value) is int and value > 0):
        return value
    message = f"context_window must be a positive whole number, not {value!r}"
    raise ConfigurationError(message)


def to_finite(name: str, value: Any) -> Any:
    """`value` as it is, if no number in it is infinite or none at all: JSON has no way to write these.

    Args:
        name: The argument, for the error.
        value: A number, or lists and dicts of whatever.

    Raises:
        ConfigurationError: It holds NaN or an infinity.
    """
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        message = f"{name} must be a finite number, not {value}"
        raise ConfigurationError(message)
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, float):
            if not math.isfinite(item):
                message = f"{name} holds {item}, which cannot be sent"
                raise ConfigurationError(message)
        elif isinstance(item, Mapping | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            waiting.extend(item.values() if isinstance(item, Mapping) else item)
    return value


def to_search(value: Any) -> Any:
    """Whether and how the web is searched before the answer: yes or no, a query, a `WebSearch`, a dict of its fields.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None or isinstance(value, bool):
        return value
    from g4f_integrations.core.search import to_web_search  # few models search the web

    return to_web_search(value)


@cache
def default_cleaning() -> Any:
    """The `Cleaning` of models that are given none; one object, so that it costs nothing to tell."""
    from g4f_integrations.core.cleaning import Cleaning  # loaded with the first model

    return Cleaning()


@cache
def default_trimming() -> Any:
    """The `Trimming` of models that are given none."""
    from g4f_integrations.core.trimming import Trimming  # loaded with the first model

    return Trimming()


def to_cleaning(value: Any) -> Any:
    """A `Cleaning`, or ``None`` where nothing is cleaned; also of a mode's name, a bool, or a dict of its fields.

    Raises:
        ConfigurationError: It is none of these.
    """
    from g4f_integrations.core.cleaning import Cleaning  # loaded with the first model

    given = {"mode": value} if isinstance(value, str) else value
    return _to_policy("cleaning", Cleaning, default_cleaning(), given)


def to_trimming(value: Any) -> Any:
    """A `Trimming`, or ``None`` where nothing is trimmed; also of a bool, or a dict of its fields.

    Raises:
        ConfigurationError: It is none of these.
    """
    from g4f_integrations.core.trimming import Trimming  # loaded with the first model

    return _to_policy("trimming", Trimming, default_trimming(), value)


def _to_policy(name: str, kind: type[BaseModel], default: BaseModel, value: Any) -> Any:
    if value is None or value is False or value == {"off": True}:
        return None
    if value is True:
        return default
    if isinstance(value, kind):
        return value
    if isinstance(value, Mapping):
        return kind.model_validate(dict(value))
    message = f"{name} must be a {kind.__name__}, a dict of its fields, True or None, not {type(value).__name__}"
    raise ConfigurationError(message)
