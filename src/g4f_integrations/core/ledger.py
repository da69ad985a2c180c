"""A call's books: the attempts it has made, how they ended, and what follows from that."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

from g4f_integrations.core.admission import Admission, heed_headers
from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.call_state import CallState, Partial
from g4f_integrations.core.candidates import abilities_lacking
from g4f_integrations.core.candidates.candidate import Candidate, secrets_of
from g4f_integrations.core.capacity import Lease
from g4f_integrations.core.events import Attempt, Batch, Outcome, Retrying, TextDelta
from g4f_integrations.core.failures import AttemptFailed, Failure
from g4f_integrations.core.fitting import Fitting
from g4f_integrations.core.health import BreakerSettings, HealthStore, default_store
from g4f_integrations.core.hedging import HEDGING
from g4f_integrations.core.logs import call_logger, in_its_call
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.probing import probe_beside
from g4f_integrations.core.reporting import error_for, interruption
from g4f_integrations.core.request import Request
from g4f_integrations.core.resuming import carry_on, may_resume
from g4f_integrations.core.retrying import RetryDriver
from g4f_integrations.core.rotation import MUST_BE_CUT, Choice, Rotation
from g4f_integrations.core.short_calls import is_narrow, is_short
from g4f_integrations.errors import IntegrationError, StreamInterruptedError

if TYPE_CHECKING:  # loaded when somebody follows a call
    from g4f_integrations.core.observing import CallWatch

logger = call_logger("engine")

_STORE = default_store()
_call_numbers = itertools.count(1)
_ABOUT_LENGTH = frozenset({"context_length", "bad_request", "rate_limit", "unknown"})


class Ledger(ABC):
    """The books of one call; the engine is built on them.

    Args:
        request: What is asked.
        policy: How hard to try.
    """

    __slots__ = (
        "_admission", "_attempts", "_candidates", "_chosen", "_failures", "_fitting", "_held", "_is_over", "_loop",
        "_next", "_number", "_policy", "_request", "_retries", "_rotation", "_state", "_store", "_untold", "_watch",
    )  # fmt: skip

    _loop: asyncio.AbstractEventLoop
    _candidates: Sequence[Candidate]
    _state: CallState

    def __init__(self, request: Request, policy: Resilience) -> None:
        self._request = request
        self._policy = policy
        self._store: HealthStore = _STORE if policy.store is None else policy.store
        self._number = next(_call_numbers)
        self._attempts: list[Attempt] = []
        self._failures: list[Failure] = []
        self._rotation: Rotation | None = None
        self._admission: Admission | None = None
        self._fitting: Fitting | None = None  # where the conversation may not fit as it is
        self._next: Choice | None = None
        self._chosen = False
        self._held: Batch = []  # what an answer that broke off had brought and nobody has got yet
        self._is_over = False  # nothing more can come, though the last attempt failed
        self._retries: RetryDriver | None = None
        self._untold: list[Retrying] = []  # further attempts that a race has begun, of which nobody has heard yet
        self._watch: CallWatch | None = None

    @property
    def number(self) -> int:
        """The call's number in this process, by which its log lines are known."""
        return self._number

    # What tenacity asks ----------------------------------------------------------------------------------------

    def _choose(self) -> Choice | None:
        """The next candidate, decided once between two attempts: tenacity asks for its wait and for its presence."""
        if not self._chosen:
            self._next = chosen = self._order().choose(time.monotonic())
            self._chosen = True
            if chosen is not None and chosen.beside is not None:
                probe_beside(chosen.beside, self._request, self._policy, self._store)
        return self._next

    async def _enter(self, chosen: Choice) -> Lease | None:
        """A place for the next attempt, perhaps on another route than the chosen one, where places are counted."""
        if self._admission is None:
            self._admission = Admission(self._request, self._policy, self._store)
        waited = self._admission.waited
        lease = await self._admission.enter(chosen, self._order(), self._attempts)
        if lease is not None and lease.candidate is not chosen.candidate:
            self._leave()
        if self._state.deadline is not None:
            self._state.deadline += self._admission.waited - waited
        return lease

    def _enter_at_once(self, candidate: Candidate) -> tuple[bool, Lease | None]:
        """Whether there is a place on a route without a wait, and the place where they are counted."""
        if self._admission is None:
            self._admission = Admission(self._request, self._policy, self._store)
        return self._admission.enter_at_once(candidate)

    def can_go_on(self) -> bool:
        """Whether attempts are left and the newest failure is not final."""
        final = self._failures[-1].kind == "content_filter" and not self._policy.rotate_on_content_filter
        time_left = self.time_left()
        out_of_time = time_left is not None and time_left <= 0
        return not final and not out_of_time and len(self._attempts) < self._policy.max_attempts

    def next_wait(self) -> float | None:
        """Seconds before the next attempt; ``None`` when no candidate is left."""
        choice = self._choose()
        return None if choice is None else choice.wait

    def time_left(self) -> float | None:
        """Seconds to the deadline or the end of the total time, whichever is nearer; ``None`` without either."""
        state, total = self._state, self._policy.total_timeout
        left = math.inf if state.deadline is None else state.deadline - self._loop.time()
        if total is not None:
            left = min(left, total - state.waited)
        return None if left == math.inf else left

    def _order(self) -> Rotation:
        if self._rotation is None:
            if (
                self._fitting is None  # the request is short, and it has been made sure that the first route takes it
                and self._request.trimming is not None
                and any(is_narrow(candidate, self._store.view(candidate.key)) for candidate in self._candidates)
            ):
                self._fitting = self._make_fitting()
            self._rotation = Rotation(
                self._candidates,
                self._policy,
                self._store,
                lack=self._lack,
                probes_beside=self._policy.probe_beside,
            )
            if self._attempts:
                self._rotation.began(self._candidates[0])  # the first attempt was made without it
        return self._rotation

    def _lack(self, candidate: Candidate) -> int:
        must_be_cut = self._fitting is not None and self._fitting.needs_care(candidate)
        return MUST_BE_CUT * must_be_cut + abilities_lacking(candidate, self._request)

    def _leave(self) -> None:
        # A probe that came to no verdict (the caller left, the time ran out) must not keep others from probing.
        if self._next is not None and self._next.is_probe:
            self._store.end_probe(self._next.candidate.key)

    # Verdicts --------------------------------------------------------------------------------------------------

    def _note(self, run: AttemptRun, attempt: Attempt) -> None:
        self._attempts.append(attempt)
        if self._watch is not None:
            self._watch.ended(run, attempt)

    def _succeeded(self, run: AttemptRun) -> None:
        seconds = run.clocks.elapsed
        self._note(run, Attempt(run.candidate.name, run.candidate.model, "ok", None, seconds))
        self._store.succeeded(run.candidate.key, run.clocks.first_content or seconds)
        if self._policy.hedge_after is not None:
            first = run.clocks.first_content if self._request.stream else None
            HEDGING.answered(run.candidate.key, first or seconds, streamed=self._request.stream)
        if run.answer.info.headers:
            heed_headers(run.candidate.key, run.answer.info.headers, self._store)
        if run.lease is not None and run.answer.usage is not None:
            run.lease.correct(run.answer.usage.total_tokens)
        self._next = None
        answer = run.answer
        if self._fitting is not None or (answer.filled_window and self._request.trimming is not None):
            fitting = self._fitting or self._make_fitting()
            reason = answer.finishes[0].lower() if answer.filled_window else answer.finish_reason(0)
            fitting.answered(run.candidate, run.messages, reason, answer.usage)
        if logger.logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s answered in %.2f s", run.candidate.label, seconds)

    @in_its_call
    async def _failed(self, run: AttemptRun, failure: Failure) -> IntegrationError | None:
        """Book a failed attempt; the error that ends the call, or ``None`` when there is to be another attempt."""
        failure = failure.masking(secrets_of(run.candidate, self._request.headers))
        error = await self._book(run, failure)
        return error if error is not None or self._is_over else await self._decide(run, failure)

    async def _book(self, run: AttemptRun, failure: Failure) -> IntegrationError | None:
        """Book a failed attempt; the error of an answer that broke off and cannot go on."""
        candidate, state = run.candidate, self._state
        bad_form = failure.kind == "invalid"
        # An answer that lacks its tool calls alone is completed by another attempt, whose text nobody needs.
        state.muted = state.muted or (bad_form and run.answer.begun and self._request.stream)
        broke_off = run.committed and not bad_form and not state.muted
        kind: Outcome = "interrupted" if broke_off else failure.kind
        seconds = self._loop.time() - run.started
        self._note(run, Attempt(candidate.name, candidate.model, kind, failure.message or None, seconds))
        self._failures.append(failure)
        rotation = self._order()
        rotation.turn_to(candidate)
        if not run.clocks.out_of_time:
            breaker = BreakerSettings(self._policy.breaker_failures, self._policy.breaker_cooldown)
            self._store.failed(candidate.key, kind, failure.retry_after, breaker, scope=failure.scope, seconds=seconds)
            self._next = None
        if broke_off:
            logger.warning("%s broke off: %s", candidate.label, failure.message)
            held = run.answer.break_off()
            if not may_resume(state, run):
                self._held = [TextDelta(text, choice) for choice, text in held.items()]
                text = run.answer.text + held.get(0, "")
                return interruption(self._attempts, failure, candidate.label, text=text, calls=run.answer.calls)
            self._carry_on(run, held.get(0, ""))
        # Another continuation of the same model may fit, where this one did not.
        is_luck = bad_form and state.partial is not None
        rotation.failed(failure, time.monotonic(), again=run.again, is_luck=is_luck)
        if not run.again and self._request.trimming is not None and failure.kind in _ABOUT_LENGTH:
            await self._learn_length(run, failure, rotation)
        return None

    def _carry_on(self, run: AttemptRun, held: str) -> None:
        """From now on the call asks for the rest of the answer."""
        state = self._state
        if not carry_on(state, run, held):
            run.answer.finishes[0] = "length"
            self._is_over = True
        self._request = state.request
        if self._fitting is not None or (self._request.trimming is not None and not is_short(self._request)):
            self._fitting = self._make_fitting()

    async def _decide(self, run: AttemptRun, failure: Failure) -> IntegrationError | None:
        """Whether and when there is to be another attempt; the error that ends the call if there is none."""
        self._chosen = run.clocks.out_of_time  # then there is nothing left to choose
        if self._retries is None:
            self._retries = RetryDriver(self, self._attempts[-1].seconds)
        wait = await self._retries.decide(AttemptFailed(failure))
        following = self._next
        if wait is None or following is None:
            logger.warning("gave up after %d attempts", len(self._attempts))
            partial = self._state.partial
            if partial is not None:
                self._held = [TextDelta(partial.held)] if partial.held else []
                return self._interrupted(partial, failure, run.candidate.label)
            return error_for(self._attempts, self._failures, run.candidate.label)
        logger.info(
            "%s failed (%s: %s); %s is next in %.2f s",
            run.candidate.label,
            failure.kind,
            failure.message,
            following.candidate.label,
            wait,
        )
        return None

    def _interrupted(self, partial: Partial, failure: Failure, label: str) -> StreamInterruptedError:
        """The error of an answer that nobody carries on."""
        text = partial.text + partial.held
        return interruption(self._attempts, failure, label, text=text, calls=partial.calls)

    async def _learn_length(self, run: AttemptRun, failure: Failure, rotation: Rotation) -> None:
        """What a refusal tells of the route's window; it is asked again with what fits, after those that have room."""
        fitting = self._fitting or self._make_fitting()
        if await fitting.refused(run.candidate, failure, run.messages):
            self._fitting = fitting
            rotation.set_back(await fitting.ordered(self._candidates))

    def _retrying(self) -> Retrying:
        assert self._retries is not None
        # A copy: a consumer on another thread reads it while the next attempt is being made.
        return Retrying(self._attempts[-1], copy(self._retries.state), resumes=self._state.partial is not None)

    def _note_replaced(self, failure: Failure) -> None:
        """Another attempt has taken the place of the newest failed one, while others are under way."""
        if self._retries is None:
            self._retries = RetryDriver(self, self._attempts[-1].seconds)
        self._retries.replaced(AttemptFailed(failure))
        self._untold.append(self._retrying())
        self._retries.go_on()

    def _take_untold(self) -> list[Retrying]:
        untold, self._untold = self._untold, []
        return untold

    @abstractmethod
    def _make_fitting(self) -> Fitting:
        """What makes the call's conversation fit a route."""
