"""One small call over several routes: attempts, clocks, waits and errors as the engine has them, for what is no chat.

Embeddings use it, and whatever else asks a route once and gets one answer: say how one route is asked, and `RouteCall`
asks them in order, waits where a route asks for patience, tells their health, and raises one error for all attempts.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from g4f_integrations.core.admission import place_on
from g4f_integrations.core.alarms import Limit
from g4f_integrations.core.candidates.candidate import Candidate, secrets_of
from g4f_integrations.core.events import Attempt
from g4f_integrations.core.failures import AttemptFailed, ClockExpired, Failure, HTTPFailure, classify
from g4f_integrations.core.health import BreakerSettings, HealthStore, default_store
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.reporting import error_for
from g4f_integrations.core.retrying import RetryDriver
from g4f_integrations.core.rotation import Choice, Rotation
from g4f_integrations.errors import IntegrationError

if TYPE_CHECKING:  # loaded when somebody follows
    from g4f_integrations.core.observing import WorkWatch

logger = call_logger("calling")

T = TypeVar("T")


class RouteCall(Generic[T]):
    """One call, made of at most ``policy.max_attempts`` attempts. Use it once.

    Args:
        candidates: The routes, in order; at least one.
        ask: Asks one of them and gives the answer, checked: what it raises is that attempt's failure, classified if it
            is no `AttemptFailed`. An `IntegrationError` ends the call at once.
        policy: How hard to try. ``attempt_timeout`` bounds one attempt, ``deadline`` all of them with their waits.
        watch: Who follows it for a trace, if anybody.

    Attributes:
        attempts: Those made so far, in order.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        ask: Callable[[Candidate], Awaitable[T]],
        policy: Resilience,
        watch: WorkWatch | None = None,
    ) -> None:
        self.attempts: list[Attempt] = []
        self._failures: list[Failure] = []
        self._ask = ask
        self._watch = watch
        self._policy = policy
        self._store: HealthStore = default_store() if policy.store is None else policy.store
        self._keys = [candidate.key for candidate in candidates]
        self._rotation = Rotation(candidates, policy, self._store, probes_beside=False)
        self._next: Choice | None = None
        self._chosen = False
        self._due = math.inf

    async def run(self) -> T:
        """The first good answer.

        Raises:
            IntegrationError: The settings are wrong, or every attempt failed.
        """
        loop = asyncio.get_running_loop()
        if self._policy.deadline is not None:
            self._due = loop.time() + self._policy.deadline
        if (loading := self._store.loading(self._keys)) is not None:
            await loading
        first = self._choose()
        wait = 0.0 if first is None else first.wait
        retries: RetryDriver | None = None
        try:
            while True:
                left = self.time_left()
                if wait and (left is None or wait < left):
                    await asyncio.sleep(wait)
                chosen = self._next
                assert chosen is not None
                queued = loop.time()
                lease = await place_on(chosen.candidate, self._policy, self.attempts)
                started = loop.time()
                self._due += started - queued  # waiting for a cap is nobody's delay
                try:
                    value, failure, again = await self._attempt(chosen.candidate)
                finally:
                    if lease is not None:
                        lease.release()
                seconds = loop.time() - started
                if failure is None:
                    self._succeeded(chosen.candidate, seconds)
                    return cast("T", value)  # which is there where no failure is
                self._failed(chosen.candidate, failure, seconds, again=again)
                retries = retries or RetryDriver(self, seconds)
                following = await retries.decide(AttemptFailed(failure))
                if following is None or self._next is None:
                    # Outside of every `except`: what the HTTP client raised may hold credentials.
                    raise error_for(self.attempts, self._failures, chosen.candidate.label)
                wait = following
                retries.go_on()
        finally:
            if self._watch is not None:
                self._watch.dropped(self)
            if self._next is not None and self._next.is_probe:  # it came to no verdict
                self._store.end_probe(self._next.candidate.key)

    async def _attempt(self, candidate: Candidate) -> tuple[T | None, Failure | None, bool]:
        loop = asyncio.get_running_loop()
        self._rotation.began(candidate)
        watch = self._watch
        watching = None if watch is None else watch.enter(self, candidate)
        limit = self._policy.attempt_timeout
        expires = min(self._due, math.inf if limit is None else loop.time() + limit)
        try:
            async with Limit(None if expires == math.inf else expires) as clock:
                return await self._ask(candidate), None, False
        except IntegrationError:
            raise
        except AttemptFailed as failed:
            return None, failed.failure, failed.again
        except Exception as error:
            expired = isinstance(error, TimeoutError) and clock.expired
            which = "the deadline of the call" if expires == self._due else f"attempt_timeout={limit:g} s"
            failure = classify(ClockExpired(f"{which} ran out") if expired else error)
            return None, failure, isinstance(error, HTTPFailure) and error.mended
        finally:
            if watch is not None:
                watch.leave(watching)

    def _succeeded(self, candidate: Candidate, seconds: float) -> None:
        self._next = None
        self._made(Attempt(candidate.name, candidate.model, "ok", None, seconds))
        self._store.succeeded(candidate.key, seconds)

    def _made(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if self._watch is not None:
            self._watch.ended(self, attempt)

    def _failed(self, candidate: Candidate, failure: Failure, seconds: float, *, again: bool) -> None:
        failure = failure.masking(secrets_of(candidate))
        self._made(Attempt(candidate.name, candidate.model, failure.kind, failure.message or None, seconds))
        self._failures.append(failure)
        breaker = BreakerSettings(self._policy.breaker_failures, self._policy.breaker_cooldown)
        self._store.failed(candidate.key, failure.kind, failure.retry_after, breaker, scope=failure.scope)
        self._rotation.failed(failure, time.monotonic(), again=again)
        self._next, self._chosen = None, False
        logger.info("%s failed (%s: %s)", candidate.label, failure.kind, failure.message)

    # What tenacity asks ----------------------------------------------------------------------------------------

    def _choose(self) -> Choice | None:
        if not self._chosen:
            self._next = self._rotation.choose(time.monotonic())
            self._chosen = True
        return self._next

    def can_go_on(self) -> bool:
        """Whether attempts and time are left and the newest failure is not final."""
        final = self._failures[-1].kind == "content_filter" and not self._policy.rotate_on_content_filter
        left = self.time_left()
        return not final and (left is None or left > 0) and len(self.attempts) < self._policy.max_attempts

    def next_wait(self) -> float | None:
        """Seconds before the next attempt; ``None`` when no route is left."""
        choice = self._choose()
        return None if choice is None else choice.wait

    def time_left(self) -> float | None:
        """Seconds to the deadline, ``None`` without one."""
        return None if self._due == math.inf else self._due - asyncio.get_running_loop().time()
