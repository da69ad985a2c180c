"""What an answer's headers tell of the route's rate limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from g4f_integrations.core.failures import RateLimit, read_ratelimit, read_reset

Unit: TypeAlias = Literal["requests", "tokens"]

# OpenAI and its kin: x-ratelimit-remaining-requests; Anthropic: anthropic-ratelimit-requests-remaining; the IETF's
# older draft and OpenRouter: ratelimit-remaining; the newer ones put all into one header, RateLimit.
_NAMES = re.compile(
    r"(?:x-|anthropic-)?ratelimit-(?:(requests|tokens)-)?(limit|remaining|reset)(?:-(requests|tokens))?"
)
_COUNT = re.compile(r"\d{1,15}")


def read_allowances(headers: Mapping[str, str]) -> dict[Unit, RateLimit]:
    """What is left of requests and of tokens, as far as the headers tell.

    Example:
        >>> read_allowances({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"})
        {'requests': RateLimit(left=0, resets_in=360.0, limit=None)}

    Args:
        headers: With lower-cased names.
    """
    told: dict[Unit, dict[str, str]] = {}
    for name, value in headers.items():
        found = _NAMES.fullmatch(name)
        if found is not None:
            unit: Unit = "tokens" if "tokens" in {found[1], found[3]} else "requests"
            told.setdefault(unit, {})[found[2]] = value
    allowances: dict[Unit, RateLimit] = {}
    for unit, figures in told.items():
        left, resets_in = _count(figures.get("remaining")), read_reset(figures.get("reset", ""), headers)
        if left is not None and resets_in is not None:
            allowances[unit] = RateLimit(left, resets_in, _count(figures.get("limit")))
    if "requests" not in allowances and (all_in_one := read_ratelimit(headers.get("ratelimit", ""))) is not None:
        allowances["requests"] = all_in_one
    return allowances


def _count(value: str | None) -> int | None:
    found = None if value is None else _COUNT.match(value.strip())
    return None if found is None else int(found[0])
