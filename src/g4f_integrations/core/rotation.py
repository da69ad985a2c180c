"""Which candidate is asked next, and when. Pure: time and chance are passed in.

Order is breadth first: every candidate once before any twice. A wait lies only before the same route is asked again,
or when every route left is cooling down; it is zero when another is ready. A route whose cooldown is over is tried
beside a healthy one, not instead of it; it is the call's own attempt only where no healthy one is ready.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from g4f_integrations.core.balance import draw
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures import Failure
from g4f_integrations.core.health import HealthStore, RouteHealth
from g4f_integrations.core.policy import Resilience

# Asking the same route again with the same request and key cannot help.
_ROUTE_IS_OUT: frozenset[Outcome] = frozenset(
    {"auth", "quota", "model_not_found", "bad_request", "context_length", "content_filter", "invalid"}
)
MUST_BE_CUT = 10
"""What a route lacks whose window does not hold the whole conversation."""

_KEY_IS_OUT: frozenset[Outcome] = frozenset({"auth", "quota"})


@dataclass(slots=True, eq=False)
class _Standing:
    """One candidate's standing within one call."""

    candidate: Candidate
    health: RouteHealth
    limit: int
    tries: int = 0
    not_before: float = 0.0
    out: bool = False

    @property
    def left(self) -> bool:
        return not self.out and self.tries < self.limit


@dataclass(frozen=True, slots=True)
class Choice:
    """The next candidate, and the seconds to wait before it is asked.

    Attributes:
        candidate: Who is asked.
        wait: Seconds until then.
        is_probe: Whether the attempt is the one probe that its route gets after a cooldown.
        beside: A route that has to be probed beside the call; whoever takes the choice sees to it.
    """

    candidate: Candidate
    wait: float
    is_probe: bool = False
    beside: Candidate | None = None


class Rotation:
    """The order in which one call goes through its candidates.

    Args:
        candidates: In the user's order.
        policy: Limits and backoff.
        store: What is known about the routes' health.
        chance: A number of [0, 1) for jitter.
        lack: How much a candidate lacks of what the call asks, 0 for nothing; however quick, it is not preferred to
            one that lacks less. From `MUST_BE_CUT` on speed does not matter at all, but the windows' order.
        probes_beside: Whether the caller can have a route probed beside the call; if not, the call itself is the probe.
    """

    __slots__ = (
        "_chance", "_in_order", "_lack", "_mended", "_policy", "_probes_beside", "_standings", "_store",
        "current",
    )  # fmt: skip

    def __init__(
        self,
        candidates: Sequence[Candidate],
        policy: Resilience,
        store: HealthStore,
        chance: Callable[[], float] = random.random,
        *,
        lack: Callable[[Candidate], int] = lambda _: 0,
        probes_beside: bool = True,
    ) -> None:
        several = 2 if len(candidates) > 1 else policy.max_attempts
        self._policy = policy
        self._store = store
        self._chance = chance
        self._lack = lack
        self._in_order = policy.order == "given"
        self._probes_beside = probes_beside
        self._standings = [
            _Standing(candidate, store.view(candidate.key), policy.attempts_per_route or candidate.attempts or several)
            for candidate in candidates
        ]
        self.current: _Standing | None = None
        self._mended: _Standing | None = None  # asked again at once

    def choose(self, now: float) -> Choice | None:
        """The next candidate, ``None`` when none is left. Does not change anything but the probes begun.

        Args:
            now: Time of `time.monotonic`.
        """
        standings = self._standings
        at_once = self._mended
        if standings and at_once is None and not standings[0].tries and standings[0].health.at_ease and self._in_order:
            at_once = standings[0]  # the usual case: a healthy first route
        if at_once is not None and at_once.left:
            return Choice(at_once.candidate, 0.0)
        left = [standing for standing in standings if standing.left]
        # Sorting is stable and keeps the user's order among equals.
        left.sort(key=lambda standing: (max(standing.not_before - now, 0.0), standing.tries))
        closed = [each for each in left if not each.health.open_until and each.health.ready_at() <= now]
        due = [each for each in left if each.health.open_until and each.health.ready_at() <= now]
        ready = [each for each in closed if each.not_before <= now]
        if ready and not self._probes_beside:
            mine = [each for each in due if self._standings.index(each) < self._standings.index(ready[0])]
            if (probe := self._probe(mine, now)) is not None:
                return probe
        if ready:
            return Choice(self._pick(ready, now).candidate, 0.0, beside=self._probe_beside(due, ready[0], now))
        return (
            self._probe(due, now)
            or self._let_back(now)
            or self._after_a_wait(closed, due, now)
            or self._last_resort(left, now)
        )

    def others(self, now: float, full: Candidate) -> list[Candidate]:
        """Who might serve as well at once, the user's favourite first, because `full` takes nobody at present."""
        left = [each for each in self._standings if each.left and each.candidate is not full]
        ready = [
            each
            for each in left
            if not each.health.open_until and each.health.ready_at() <= now and each.not_before <= now
        ]
        return [each.candidate for each in sorted(ready, key=lambda each: each.tries)]

    def _pick(self, ready: Sequence[_Standing], now: float) -> _Standing:
        """One of the healthy routes that are ready, of which the first is the user's own first choice."""
        first = ready[0]
        if self._in_order or len(ready) == 1:
            return first
        peers = [each for each in ready if (each.tries, each.candidate.tier) == (first.tries, first.candidate.tier)]
        lacks = [self._lack(each.candidate) for each in peers]
        equals = [each for each, lack in zip(peers, lacks, strict=True) if lack == min(lacks)]
        if len(equals) == 1 or min(lacks) >= MUST_BE_CUT:
            return equals[0]
        latencies = [each.health.peak_now(now) for each in equals]
        return equals[draw([each.candidate for each in equals], latencies, self._chance)]

    def _probe_beside(self, due: Sequence[_Standing], chosen: _Standing, now: float) -> Candidate | None:
        """Who is to be probed beside the call: a route that the user would rather have, after its cooldown."""
        for standing in due if self._probes_beside else ():
            before = not self._in_order or self._standings.index(standing) < self._standings.index(chosen)
            if before and standing.not_before <= now and self._store.begin_probe(standing.candidate.key):
                return standing.candidate
        return None

    def _probe(self, due: Sequence[_Standing], now: float) -> Choice | None:
        """An attempt that is a probe, where no healthy route could be asked beside it."""
        for standing in due:
            if standing.not_before <= now and self._store.begin_probe(standing.candidate.key):
                return Choice(standing.candidate, 0.0, is_probe=True)
        return None

    def _after_a_wait(self, closed: Sequence[_Standing], due: Sequence[_Standing], now: float) -> Choice | None:
        """Whoever may be asked first among those that have failed in this call already."""
        for standing in sorted([*closed, *due], key=lambda standing: standing.not_before):
            wait = max(standing.not_before - now, 0.0)
            if not standing.health.open_until:
                return Choice(standing.candidate, wait)
            if self._store.begin_probe(standing.candidate.key):
                return Choice(standing.candidate, wait, is_probe=True)
        return None

    def _let_back(self, now: float) -> Choice | None:
        """A route that is out and may be asked nevertheless, because at most half of the candidates are held back.

        With so many out, it may be us; those that are back soonest are the likeliest to be well. Where a timeout, a key
        or a missing model took a route out, asking it again is known to help nobody.
        """
        out = [each for each in self._standings if each.health.open_until > now]
        most = len(self._standings) // 2
        if len(out) <= most:
            return None
        out.sort(key=lambda each: each.health.open_until)
        for standing in out[: len(out) - most]:
            health = standing.health
            if not standing.left or max(standing.not_before, health.pushback_until, health.rests_until) > now:
                continue
            if not health.timed_out and health.last_error not in _ROUTE_IS_OUT:
                return Choice(standing.candidate, 0.0)
        return None

    def _last_resort(self, left: Sequence[_Standing], now: float) -> Choice | None:
        """The best of the routes that are all out or resting.

        Only what a route itself asked for is waited for, and only so long; our own guesses (breaker, rest after a rate
        limit) give way when there is nothing better to do, the one that is back soonest first, and a route that asked
        for longer comes last.
        """
        if not left:
            return None
        chosen = min(
            left, key=lambda standing: (*self._wait_for(standing, now), standing.tries, standing.health.open_until)
        )
        return Choice(chosen.candidate, self._wait_for(chosen, now)[1])

    def _wait_for(self, standing: _Standing, now: float) -> tuple[bool, float]:
        """Whether the route asked for more patience than we have, and the seconds to wait."""
        wait = max(standing.not_before - now, 0.0)
        asked = standing.health.pushback_until - now
        asks_too_much = asked > self._policy.max_retry_after
        return asks_too_much, wait if asks_too_much else max(wait, asked)

    def began(self, candidate: Candidate) -> None:
        """An attempt on `candidate` begins."""
        self.current = next(standing for standing in self._standings if standing.candidate is candidate)
        self.current.tries += 1
        self._mended = None

    def turn_to(self, candidate: Candidate) -> None:
        """Of several attempts under way, the one on `candidate` is spoken of from now on."""
        self.current = next(standing for standing in self._standings if standing.candidate is candidate)

    def failed(self, failure: Failure, now: float, *, again: bool = False, is_luck: bool = False) -> None:
        """The current attempt failed.

        Args:
            failure: How.
            now: Time of `time.monotonic`.
            again: The same route should be asked again at once, because the request has been mended for it.
            is_luck: The route may well do better when it is its turn again, though the request is the same.
        """
        standing = self.current
        assert standing is not None
        if again and failure.kind == "invalid":  # asked again with what was wrong: an attempt like any other
            again = standing.left
            self._mended = standing if again else None
            if again:
                return
        if again:
            standing.tries -= 1
            self._mended = standing
            return
        if failure.kind in _ROUTE_IS_OUT and not is_luck:
            standing.out = True
            if failure.kind in _KEY_IS_OUT:
                self._drop_key_of(standing)
        if failure.retry_after is not None and failure.retry_after > self._policy.max_retry_after:
            standing.out = True
        standing.not_before = now + self._backoff(standing.tries, failure.retry_after)

    def rule_out(self, candidate: Candidate) -> None:
        """The route cannot serve this call."""
        for standing in self._standings:
            if standing.candidate is candidate:
                standing.out = True

    def set_back(self, order: Sequence[Candidate]) -> None:
        """The current route may be asked again, for another request, after those that can serve the call as it is.

        Args:
            order: The order from now on.
        """
        if self.current is not None:
            self.current.out = False
            self.current.tries -= 1
            self.current.not_before = 0.0
        places = {id(candidate): place for place, candidate in enumerate(order)}
        self._standings.sort(key=lambda standing: places.get(id(standing.candidate), len(places)))

    def _drop_key_of(self, failed: _Standing) -> None:
        key = failed.candidate.key
        for standing in self._standings:
            other = standing.candidate.key
            if (other.provider, other.name, other.base_url, other.key_hash) == (
                key.provider,
                key.name,
                key.base_url,
                key.key_hash,
            ):
                standing.out = True

    def _backoff(self, tries: int, asked: float | None) -> float:
        doubled = 2.0 ** min(tries - 1, 60)  # beyond any `backoff_max` by then, and floats have an end
        ceiling = min(self._policy.backoff_initial * doubled, self._policy.backoff_max)
        jittered = self._chance() * ceiling
        return jittered if asked is None else max(asked, jittered)
