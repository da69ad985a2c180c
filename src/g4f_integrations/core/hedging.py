"""When a second route is asked though the first has not failed: how long one waits for it, and how often that may be.

Hedging at the 95th percentile of the latency buys most of the tail for a few percent more requests (Dean and Barroso,
"The Tail at Scale"). A budget keeps it from doubling the load when all routes have become slow at once; its figures are
gRPC's (proposal A6): ten tokens, a tenth of one back for every answer, and none spent below half.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from g4f_integrations.core.candidates.candidate import RouteKey
from g4f_integrations.core.policy import Resilience

_MAX_ROUTES = 1024
_SAMPLES = 100  # newest latencies of a route that count
_FEWEST = 10  # latencies that tell a percentile
_SHARE = 0.95
_SOONEST = 0.005  # seconds: a hedge that follows at once is no hedge
_SHARE_OF_CLOCK = 0.25  # of the first token's clock, after which a route is hedged of which too little is known
_USUAL_CLOCK = 20.0  # seconds, where that clock is switched off

_TOKENS = 10.0
_ALL_TOKENS = 50.0  # of all providers together
_PER_ANSWER = 0.1
_TIMES_SLOWER = 2.0  # than usual: silent for so long, a route that was outrun is more than slow


@dataclass(slots=True)
class _Known:
    """What is known of one route."""

    streamed: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    whole: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    outrun: int = 0  # times in a row


class Hedging:
    """What the calls of this process have learned for their hedges. Safe between threads; bounded to 1,024 routes."""

    def __init__(self) -> None:
        self._routes: OrderedDict[RouteKey, _Known] = OrderedDict()
        self._budgets: OrderedDict[str, float] = OrderedDict()
        self._left = _ALL_TOKENS
        self._lock = threading.Lock()

    def delay(self, key: RouteKey, policy: Resilience, *, streamed: bool) -> float:
        """Seconds after which a further route is asked beside this one."""
        if policy.hedge_after != "p95":
            return float(policy.hedge_after or 0.0)
        with self._lock:
            known = self._routes.get(key)
            latencies = sorted((known.streamed if streamed else known.whole) if known is not None else ())
        if len(latencies) >= _FEWEST:
            return max(latencies[int(_SHARE * (len(latencies) - 1))], _SOONEST)
        clock = policy.first_token_timeout if streamed else policy.attempt_timeout
        return _SHARE_OF_CLOCK * min(clock or _USUAL_CLOCK, _USUAL_CLOCK)

    def may_hedge(self, provider: str) -> bool:
        """Whether `provider` may be asked beside another route; what that takes of the budget is taken."""
        with self._lock:
            left = self._budgets.get(provider, _TOKENS)
            if left <= _TOKENS / 2 or self._left <= _ALL_TOKENS / 2:
                return False
            self._left -= 1.0
            self._keep(provider, left - 1.0)
            return True

    def answered(self, key: RouteKey, seconds: float, *, streamed: bool) -> None:
        """A route answered, `seconds` after it was asked (its first content, of a stream)."""
        with self._lock:
            known = self._known(key)
            (known.streamed if streamed else known.whole).append(seconds)
            known.outrun = 0
            self._left = min(self._left + _PER_ANSWER, _ALL_TOKENS)
            left = self._budgets.get(key.name)
            if left is not None:
                self._keep(key.name, min(left + _PER_ANSWER, _TOKENS))

    def outrun(self, key: RouteKey, seconds: float, usual: float | None, times: int, *, streamed: bool) -> bool:
        """A route that was asked first was still silent when another answered.

        Args:
            key: The route.
            seconds: How long it was silent.
            usual: Its usual latency, if one is known.
            times: How often in a row that makes an outage.
            streamed: Whether a stream was asked for.

        Returns:
            Whether it is likely to be down: it never lives to see its own clock run out while it is hedged.
        """
        with self._lock:
            known = self._known(key)
            (known.streamed if streamed else known.whole).append(
                seconds
            )  # at least; else only quick answers would count
            if usual is not None and seconds < _TIMES_SLOWER * usual:
                return False
            known.outrun += 1
            return known.outrun >= times

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._routes.clear()
            self._budgets.clear()
            self._left = _ALL_TOKENS

    def _known(self, key: RouteKey) -> _Known:
        found = self._routes.setdefault(key, _Known())
        self._routes.move_to_end(key)
        if len(self._routes) > _MAX_ROUTES:
            self._routes.popitem(last=False)
        return found

    def _keep(self, provider: str, tokens: float) -> None:
        self._budgets[provider] = tokens
        self._budgets.move_to_end(provider)
        if len(self._budgets) > _MAX_ROUTES:
            self._budgets.popitem(last=False)


HEDGING = Hedging()
"""Of this process."""


def _renew_lock() -> None:
    HEDGING._lock = threading.Lock()  # noqa: SLF001  another thread may have held it while this process was forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
