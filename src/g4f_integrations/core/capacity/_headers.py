"""What an answer's headers tell of the route's rate limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from g4f_integrations.core.failures import read_reset

Unit: TypeAlias = Literal["requests", "tokens"]

# OpenAI and its kin: x-ratelimit-remaining-requests; Anthropic: anthropic-ratelimit-requests-remaining; the IETF's
# older draft and OpenRouter: ratelimit-remaining; the newer draft puts all into one: RateLimit: "default";r=50;t=30.
_NAMES = re.compile(
    r"(?:x-|anthropic-)?ratelimit-(?:(requests|tokens)-)?(limit|remaining|reset)(?:-(requests|tokens))?"
)
_STRUCTURED = re.compile(r";\s?r=(\d{1,15})(?:[^,]{0,60}?;\s?t=(\d{1,9}))?")
_COUNT = re.compile(r"\d{1,15}")


class Told(NamedTuple):
    """One allowance as the headers tell it: what is left, seconds until it is whole, and how much that is."""

    left: int
    resets_in: float
    limit: int | None


def read_allowances(headers: Mapping[str, str]) -> dict[Unit, Told]:
    """What is left of requests and of tokens, as far as the headers tell.

    Example:
        >>> read_allowances({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"})
        {'requests': Told(left=0, resets_in=360.0, limit=None)}

    Args:
        headers: With lower-cased names.
    """
    told: dict[Unit, dict[str, str]] = {}
    for name, value in headers.items():
        found = _NAMES.fullmatch(name)
        if found is not None:
            unit: Unit = "tokens" if "tokens" in {found[1], found[3]} else "requests"
            told.setdefault(unit, {})[found[2]] = value
    allowances: dict[Unit, Told] = {}
    for unit, figures in told.items():
        left, resets_in = _count(figures.get("remaining")), read_reset(figures.get("reset", ""), headers)
        if left is not None and resets_in is not None:
            allowances[unit] = Told(left, resets_in, _count(figures.get("limit")))
    structured = _STRUCTURED.search(headers.get("ratelimit", "")[:300])
    if structured is not None and structured[2] is not None and "requests" not in allowances:
        allowances["requests"] = Told(int(structured[1]), float(structured[2]), None)
    return allowances


def _count(value: str | None) -> int | None:
    found = None if value is None else _COUNT.match(value.strip())
    return None if found is None else int(found[0])
