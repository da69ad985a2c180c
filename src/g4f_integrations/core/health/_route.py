"""One route's state, and the rules by which attempts change it. Pure: time and chance are passed in."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.health._window import SuccessWindow
from g4f_integrations.core.status import State

LONGEST_PROBE = 60.0  # seconds after which a probe that never reported back (its process hung) is forgotten
_SOFT_COOLDOWN = 5.0  # seconds a route rests after a rate limit that named no time (LiteLLM's figure)
_COOLDOWN_GROWTH = 2.0
_MAX_COOLDOWN_FACTOR = 16.0
_JITTER = 0.25  # of a cooldown, added at most, so that many processes do not come back at once
_EWMA_SHARE = 0.3  # weight of the newest latency
_DECAY = 10.0  # seconds in which a peak of latency falls to a third (linkerd's figure)
_LEAST_PENALTY = 1.0  # seconds that a failure counts as, however fast it came
_MOST_PENALTY = 60.0

# Failures that say nothing against the route's own state: the request, the key or the pace was at fault.
_NOT_CONSECUTIVE: frozenset[Outcome] = frozenset(
    {
        "rate_limit",
        "auth",
        "bad_request",
        "context_length",
        "content_filter",
        "quota",
        "model_not_found",
        "invalid",
        "cancelled",
    }
)
# Of these, asking too often counts against the share of successes all the same (linkerd's rule).
_NOT_IN_RATIO = _NOT_CONSECUTIVE - {"rate_limit"}
OPENS_AT_ONCE: frozenset[Outcome] = frozenset({"timeout", "auth", "quota", "model_not_found"})
"""What one attempt is enough to know: a second one would only cost another wait, or be refused the same way."""


@dataclass(slots=True)
class RouteHealth:
    """One route's state, in this process. Times are of `time.monotonic`, in seconds.

    Attributes:
        at_ease: Whether nothing at all keeps the route from being asked; the one thing that the usual call looks at.
        failures: Consecutive failures of the route's own making.
        open_until: Until when the breaker keeps the route out; 0 while it is closed.
        pushback_until: Until when the route itself asked to be left alone.
        rests_until: Until when the route rests after a rate limit that named no time.
        cooldowns: How often the breaker opened in a row.
        timed_out: Whether a timeout opened it, so that asking it costs a wait and not only an attempt.
        probing_since: When the single probe after a cooldown began, 0 if none runs.
        calls: Attempts that ended, of whatever outcome.
        successes: Those that ended well.
        window: The attempts of the last minute.
        latency: Smoothed seconds to the first content.
        peak: The same, but a rise shows at once and wears off with time; failures count as slow.
        peaked_at: When `peak` was last heard of.
        last_error: Kind of the newest failure.
        limits: What the route's refusals have taught of its window (`core.trimming.RouteLimits`).
        is_short: Whether the route has told that little is left of what it allows (`core.capacity`).
        unread: Whether a shared store may know more of the route than has been read from it yet.
    """

    at_ease: bool = True
    failures: int = 0
    open_until: float = 0.0
    pushback_until: float = 0.0
    rests_until: float = 0.0
    cooldowns: int = 0
    timed_out: bool = False
    probing_since: float = 0.0
    calls: int = 0
    successes: int = 0
    window: SuccessWindow = field(default_factory=SuccessWindow, repr=False)
    latency: float | None = None
    peak: float | None = None
    peaked_at: float = 0.0
    last_error: Outcome | None = None
    limits: Any = None
    is_short: bool = False
    unread: bool = False

    def ready_at(self) -> float:
        """When the route may be asked again, as far as its health goes; in the past if it may now."""
        return max(self.open_until, self.pushback_until, self.rests_until)

    def state(self, now: float) -> State:
        """The breaker's state: half-open is a cooldown that is over, with no good probe since."""
        if not self.open_until:
            return "closed"
        return "open" if self.open_until > now else "half-open"

    def peak_now(self, now: float) -> float | None:
        """`peak`, worn off until `now`, so that a route that was slow once is tried again."""
        return None if self.peak is None else self.peak * math.exp((self.peaked_at - now) / _DECAY)

    def look_again(self) -> None:
        """Work out `at_ease` anew."""
        self.at_ease = not (self.open_until or self.pushback_until or self.rests_until or self.is_short or self.unread)

    def close(self) -> None:
        """The breaker closes, for a probe or an answer was good."""
        self.failures = 0
        self.open_until = self.rests_until = self.probing_since = 0.0
        self.timed_out = False
        self.window.clear()


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a route is taken out, and for how long (seconds, at first)."""

    failures: int = 3
    cooldown: float = 30.0


def book_recovery(health: RouteHealth, now: float) -> bool:
    """A good answer of a route that had failed; whether its breaker closes by that."""
    was_open = health.open_until > 0
    if was_open:
        health.close()
    health.failures = health.cooldowns = 0
    health.rests_until = health.probing_since = 0.0
    # What the route itself asked for outlives a call that was under way when it asked.
    if health.pushback_until <= now:
        health.pushback_until = 0.0
    health.look_again()
    return was_open


def book_latency(health: RouteHealth, seconds: float, now: float) -> None:
    """`seconds` to the first content of a good answer."""
    old = health.latency
    health.latency = seconds if old is None else old + _EWMA_SHARE * (seconds - old)
    peak = health.peak
    if peak is not None and seconds < peak:
        kept = math.exp((health.peaked_at - now) / _DECAY)
        seconds += kept * (peak - seconds)
    health.peak, health.peaked_at = seconds, now


def book_failure(health: RouteHealth, kind: Outcome, now: float, breaker: BreakerSettings, seconds: float) -> bool:
    """A failed attempt.

    Args:
        health: The route's state, which is changed.
        kind: How the attempt failed.
        now: The time.
        breaker: When the route is taken out.
        seconds: How long the attempt took.

    Returns:
        Whether the route is to be taken out now.
    """
    health.calls += 1
    health.last_error = kind
    was_probe, health.probing_since = health.probing_since > 0, 0.0
    if kind in OPENS_AT_ONCE and kind in _NOT_CONSECUTIVE:
        return health.open_until <= now
    if kind in _NOT_IN_RATIO:
        return False
    slowest = max(health.peak_now(now) or 0.0, seconds)
    health.peak, health.peaked_at = min(max(2 * slowest, _LEAST_PENALTY), _MOST_PENALTY), now
    health.window.add(now, 0)
    if kind not in _NOT_CONSECUTIVE:
        health.failures += 1
    # Calls that were under way when the breaker opened say nothing new and do not lengthen the cooldown.
    if health.open_until > now:
        return False
    return was_probe or kind == "timeout" or health.failures >= breaker.failures or health.window.is_bad(now)


def book_wait(
    health: RouteHealth, kind: Outcome, retry_after: float | None, now: float, cooldown: float
) -> Literal["pushback", "rest"] | None:
    """What a refusal says of when to come again: nothing, a time that the route named, or only that it is too early."""
    if retry_after is not None:
        health.pushback_until = max(health.pushback_until, now + retry_after)
    elif kind == "rate_limit":
        health.rests_until = max(health.rests_until, now + min(_SOFT_COOLDOWN, cooldown))
    else:
        return None
    health.look_again()
    return "rest" if retry_after is None else "pushback"


def open_breaker(health: RouteHealth, kind: Outcome, now: float, cooldown: float, chance: float) -> None:
    """Take a route out, longer every time until an answer is good again."""
    factor = min(_COOLDOWN_GROWTH ** min(health.cooldowns, 10), _MAX_COOLDOWN_FACTOR)
    health.cooldowns += 1
    health.open_until = now + cooldown * factor * (1 + _JITTER * chance)
    health.timed_out = kind == "timeout"
    health.look_again()
