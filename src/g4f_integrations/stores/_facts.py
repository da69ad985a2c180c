"""The wire form of what processes tell each other of routes: one small JSON object for each fact.

A fact is about a route's *name* (provider, model, address) and never holds a key. Times are seconds since 1970, so that
the clocks of the machines should agree to a few seconds. What cannot be read is passed over.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, NamedTuple, get_args

from g4f_integrations.core.candidates.candidate import RouteKey
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.health import Fact, RouteHealth
from g4f_integrations.core.trimming import RouteLimits

VERSION = 1
FACTS: tuple[Fact, ...] = ("breaker", "pushback", "rest", "limits")
LONGEST_TEXT = 2_000
"""Characters of a fact; what is longer was not written by us."""

_LONGEST = 86_400.0  # seconds for which another process may keep us from a route
_SKEW = 60.0  # seconds that another machine's clock may be ahead
_ERRORS = frozenset(get_args(Outcome)) - {"ok"}
# What concerns a key concerns no process that has another one.
_ABOUT_KEYS: frozenset[Outcome] = frozenset({"auth", "quota"})


class Told(NamedTuple):
    """A fact as it was read: when it was found out, and what it says."""

    at: float
    says: Mapping[str, Any]


def shared_name(key: RouteKey) -> str:
    """What a route is called among processes: provider or host, model and address, without credentials."""
    return json.dumps([key.name, key.model, key.base_url], ensure_ascii=False, separators=(",", ":"))


def key_of(name: str) -> RouteKey | None:
    """A route by its shared name: without its class and its key, which are not told. ``None`` if it is no such name."""
    try:
        parts = json.loads(name)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parts, list) or len(parts) != 3 or not all(isinstance(part, str) for part in parts):
        return None
    return RouteKey(None, parts[0], parts[1], parts[2], "")


def write_fact(health: RouteHealth, fact: Fact, wall: float, mono: float) -> str | None:
    """A route's state as others may read it; ``None`` where it is not for others.

    Args:
        health: The state.
        fact: Which part of it.
        wall: Seconds since 1970.
        mono: The same moment by `time.monotonic`.
    """
    says: dict[str, Any]
    if fact == "breaker":
        if health.open_until and health.last_error in _ABOUT_KEYS:
            return None
        until = wall + health.open_until - mono if health.open_until else 0.0
        says = {"until": until, "cooldowns": health.cooldowns, "error": health.last_error}
    elif fact == "pushback":
        says = {"until": wall + health.pushback_until - mono}
    elif fact == "rest":
        says = {"until": wall + health.rests_until - mono}
    else:
        says = asdict(health.limits) if isinstance(health.limits, RouteLimits) else {}
    return json.dumps({"v": VERSION, "at": wall, **says}, separators=(",", ":"))


def read_fact(text: str | bytes, wall: float) -> Told | None:
    """A fact, if it is one: of our version, and from no time to come."""
    if len(text) > LONGEST_TEXT:
        return None
    try:
        says = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(says, dict) or says.get("v") != VERSION:
        return None
    at = _time(says.get("at"))
    return None if at is None or at > wall + _SKEW else Told(at, says)


def apply_fact(health: RouteHealth, fact: Fact, told: Told, *, wall: float, mono: float, chance: float) -> None:
    """Take over what another process has found out.

    Args:
        health: Our own state of the route, which is changed.
        fact: Which part of it.
        told: What the other says.
        wall: Seconds since 1970.
        mono: The same moment by `time.monotonic`.
        chance: A number of [0, 1), so that not all processes come back to a route at once.
    """
    if fact == "limits":
        limits = _limits(told.says)
        if limits is not None:
            health.limits = limits
        return
    until = _time(told.says.get("until"))
    if until is None:
        return
    left = min(until - wall, _LONGEST)
    if fact == "breaker":
        _apply_breaker(health, told.says, left if until else None, mono, chance)
    elif left > 0 and fact == "pushback":
        health.pushback_until = max(health.pushback_until, mono + left)
    elif left > 0:
        health.rests_until = max(health.rests_until, mono + left)
    health.look_again()


def _apply_breaker(
    health: RouteHealth, says: Mapping[str, Any], left: float | None, mono: float, chance: float
) -> None:
    cooldowns = says.get("cooldowns")
    if isinstance(cooldowns, int) and 0 <= cooldowns <= 1_000_000:
        health.cooldowns = cooldowns
    if left is None:
        health.close()
        return
    error = says.get("error")
    if error in _ERRORS:
        health.last_error = error
        health.timed_out = error == "timeout"
    health.open_until = mono + left + 0.1 * max(left, 0.0) * chance


def _time(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e11 and math.isfinite(value) else None


def _limits(says: Mapping[str, Any]) -> RouteLimits | None:
    given: dict[str, Any] = {}
    for field in fields(RouteLimits):
        value = says.get(field.name, field.default)
        if field.name.endswith("scale"):
            fits = isinstance(value, int | float) and not isinstance(value, bool) and 0.1 <= value <= 100
        else:
            least = 1 if field.default is None else 0
            is_figure = isinstance(value, int) and not isinstance(value, bool) and least <= value < 10**12
            fits = is_figure or (value is None and field.default is None)
        if not fits:
            return None
        given[field.name] = value
    return RouteLimits(**given)
