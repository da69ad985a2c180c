"""The names of arguments: those that users bring from other classes, unknown ones, and those that hold credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from pydantic import SecretStr

from g4f_integrations.core.patterns import compiled
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

PARAMETERS = (
    "temperature",
    "top_p",
    "max_tokens",
    "n",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
    "web_search",
    "logprobs",
    "top_logprobs",
)
"""Fields of the model that travel under their own names."""

NO_ALIASES: Mapping[str, str] = MappingProxyType({})

# Whole names and what may stand before them. A name that merely ends in "token" or "key" says nothing: "eos_token",
# "stop_token" and "prompt_cache_key" are parameters.
_KEYS = "access|account|api|auth|client|consumer|encryption|license|master|private|secret|service|shared|signing"
_TOKENS = (
    "access|api|app|arkose|auth|authentication|authorization|bearer|bot|client|csrf|gh|github|gitlab|hf|id|identity|jwt"
    "|login|oauth|personal|refresh|secret|security|service|session|turnstile|user|xsrf"
)
_CREDENTIAL = (
    rf"key|token|auth|(?:.*_)?(?:(?:{_KEYS}|ssh|subscription)_?keys?(?:_id)?|(?:{_TOKENS})_?tokens?"
    r"|secrets?|passw(?:or)?ds?|pwd|passphrase|authorization|credentials?|cookies?|jwt|bearer)"
)
_CAMEL = r"(?<=[a-z0-9])(?=[A-Z])"


def is_credential_name(name: str) -> bool:
    """Whether a member of that name usually holds a credential.

    Example:
        >>> [is_credential_name(name) for name in ("api_key", "X-Api-Key", "accessToken", "eos_token")]
        [True, True, True, False]
    """
    words = compiled(_CAMEL).sub("_", name.strip()).lower().replace("-", "_").replace(".", "_").replace(" ", "_")
    return len(words) < 200 and compiled(_CREDENTIAL).fullmatch(words) is not None


def without_secrets(value: Any) -> Any:
    """A copy of plain data without members that, by their names or types, hold credentials."""
    if isinstance(value, Mapping):
        return {
            name: without_secrets(item)
            for name, item in value.items()
            if not (isinstance(name, str) and is_credential_name(name)) and not isinstance(item, SecretStr)
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value if not isinstance(item, SecretStr)]
    return value


def canonical_names(
    values: Mapping[str, Any], known: Iterable[str], owner: str, further: Mapping[str, str] = NO_ALIASES
) -> dict[str, Any]:
    """Constructor arguments under the names of the fields.

    Args:
        values: What the user gave.
        known: Names of the fields.
        owner: The class, for the error.
        further: Aliases beside `ALIASES`.

    Raises:
        ConfigurationError: A name is unknown, or one thing is given under two names.
    """
    fields_known = set(known)
    named: dict[str, Any] = {}
    for name, value in values.items():
        field = name if name in fields_known else further.get(name) or ALIASES.get(name)
        if field is None:
            raise ConfigurationError(_unknown(name, [*fields_known, *ALIASES, *further], owner))
        if field != name and field in values:
            message = f"{owner}: {field!r} is given twice, also as {name!r}"
            raise ConfigurationError(message)
        named[field] = value
    return named


def _unknown(name: str, known: Iterable[str], owner: str) -> str:
    matches = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    hint = f"Did you mean {matches[0]!r}? " if matches else ""
    others = "Other parameters of a route go into model_kwargs={…}." if "model_kwargs" in known else ""
    return f"{owner} has no argument {name!r}. {hint}{others}".rstrip()
