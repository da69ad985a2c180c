"""The rotation loop: one call's attempts over its candidates, up to an answer or an error that tells the truth.

Before the commit point the engine rotates freely. After it, what has been handed over is never repeated and never
contradicted.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import random
import time
from collections.abc import AsyncGenerator
from copy import copy
from dataclasses import replace

from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.candidates import resolve, resolve_cached
from g4f_integrations.core.clocks import CallState
from g4f_integrations.core.credentials import scrub
from g4f_integrations.core.events import AnswerInfo, Attempt, Batch, Finish, Outcome, Retrying, Usage
from g4f_integrations.core.failures import AttemptFailed, Failure, preload
from g4f_integrations.core.health import BreakerSettings, HealthStore, default_store
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.reporting import error_for, interruption
from g4f_integrations.core.request import Request
from g4f_integrations.core.retrying import RetryDriver
from g4f_integrations.core.roles import text_of
from g4f_integrations.core.rotation import Choice, Rotation
from g4f_integrations.core.routes import Candidate, Plan, RouteChoice, secrets_of
from g4f_integrations.core.tokens import count_message_tokens, count_tokens
from g4f_integrations.core.transport import load_for
from g4f_integrations.errors import ConfigurationError, IntegrationError

logging.getLogger("g4f_integrations").addHandler(logging.NullHandler())  # nothing is printed unless it is asked for
logger = logging.getLogger("g4f_integrations.engine")

_call_numbers = itertools.count(1)
_PROMPT_MESSAGES = 4  # turns of the user that are looked at to tell an answer about errors from an error
_PROMPT_CHARACTERS = 8_000


def answer(choice: RouteChoice, request: Request, policy: Resilience) -> AsyncGenerator[Batch, None]:
    """Ask the candidates of `choice` until one answers.

    Args:
        choice: Which routes may serve the call.
        request: What is asked.
        policy: How hard to try.

    Returns:
        An async generator of event batches: text, reasoning, media, sources and whole tool calls as they come (before
        them `Retrying` for every further attempt), then one `Usage`, a `Finish` for each choice, and one
        `AnswerInfo`. Closing it closes the upstream before it returns.

    Raises:
        IntegrationError: From the generator: the settings are wrong, every attempt failed, or the stream broke off.
    """
    return _Call(choice, request, policy).run()


class _Call:
    """One call under way."""

    def __init__(self, choice: RouteChoice, request: Request, policy: Resilience) -> None:
        self._choice = choice if policy.rotate_models else replace(choice, fallback_models=())
        self._request = request
        self._policy = policy
        self._store: HealthStore = default_store() if policy.store is None else policy.store
        self._breaker = BreakerSettings(policy.breaker_failures, policy.breaker_cooldown)
        self._number = next(_call_numbers)
        self._attempts: list[Attempt] = []
        self._failures: list[Failure] = []
        self._next: Choice | None = None
        self._chosen = False
        self._retries: RetryDriver | None = None

    async def run(self) -> AsyncGenerator[Batch, None]:
        """The call's events; see `answer`."""
        loop = self._loop = asyncio.get_running_loop()
        policy, request = self._policy, self._request
        began = loop.time()
        deadline = None if policy.deadline is None else began + policy.deadline
        plan = resolve_cached(self._choice)
        if plan is None:  # the first time g4f is imported, which takes a while
            plan = await loop.run_in_executor(None, _prepare, self._choice)
        self._rotation = Rotation(self._usable(plan), policy, self._store)
        state = self._state = CallState(request, policy, _prompt_of(request), deadline, waited=loop.time() - began)
        try:
            await self._wait_for_the_first()
            while True:
                chosen = self._choose()
                assert chosen is not None
                self._rotation.began(chosen.candidate)
                run = AttemptRun(chosen.candidate, state)
                broke: Failure | None = None
                try:
                    while batch := await run.read():
                        yield batch
                except AttemptFailed as failed:
                    broke = failed.failure
                finally:
                    await run.aclose()
                if broke is None:
                    self._succeeded(run)
                    yield self._closing_events(run)
                    return
                error = await self._failed(run, broke)
                if error is not None:
                    raise error  # outside of every `except`, so that no upstream exception hangs on it
                assert self._retries is not None
                # A copy: a consumer on another thread reads it while the next attempt is being made.
                yield [Retrying(self._attempts[-1], copy(self._retries.state))]
                wait = self._retries.state.upcoming_sleep
                await asyncio.sleep(wait)
                state.waited += wait
                self._retries.go_on()
        finally:
            # A probe that came to no verdict (the caller left, the time ran out) must not keep others from probing.
            if self._next is not None and self._next.is_probe:
                self._store.end_probe(self._next.candidate.key)

    async def _wait_for_the_first(self) -> None:
        """Wait if every route asked for patience; one attempt is made anyhow if the wait would pass the deadline."""
        first = self._choose()
        left = self.time_left()
        if first is not None and first.wait > 0 and (left is None or first.wait < left):
            logger.info(
                "call %d: %s asked for patience; waiting %.2f s", self._number, first.candidate.label, first.wait
            )
            await asyncio.sleep(first.wait)
            self._state.waited += first.wait

    # Candidates ------------------------------------------------------------------------------------------------

    def _usable(self, plan: Plan) -> list[Candidate]:
        """The plan's candidates that may serve this request, in the order of this call."""
        candidates = list(plan.candidates)
        if plan.shuffle:
            random.shuffle(candidates)
        if not self._policy.rotate_providers:
            first = candidates[0].key
            candidates = [c for c in candidates if (c.key.name, c.key.base_url) == (first.name, first.base_url)]
        if not self._policy.rotate_models:
            candidates = (
                [c for c in candidates if c.model == candidates[0].model] if self._choice.routes else candidates
            )
        if self._request.tools:
            able = [candidate for candidate in candidates if candidate.native_tools is not False]
            if not able:
                message = (
                    "tools were given, but no candidate takes tools by itself: "
                    f"{', '.join(candidate.label for candidate in candidates)}. Name a provider or endpoint that does."
                )
                raise ConfigurationError(message)
            candidates = able
        return candidates

    def _choose(self) -> Choice | None:
        """The next candidate, decided once between two attempts: tenacity asks for its wait and for its presence."""
        if not self._chosen:
            self._next = self._rotation.choose(time.monotonic())
            self._chosen = True
        return self._next

    # What tenacity asks ----------------------------------------------------------------------------------------

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

    # Verdicts --------------------------------------------------------------------------------------------------

    def _succeeded(self, run: AttemptRun) -> None:
        seconds = self._loop.time() - run.started
        self._attempts.append(Attempt(*_named(run.candidate), "ok", None, seconds))
        self._store.succeeded(run.candidate.key, run.clocks.first_content or seconds)
        self._next = None
        logger.debug("call %d: %s answered in %.2f s", self._number, run.candidate.label, seconds)

    async def _failed(self, run: AttemptRun, failure: Failure) -> IntegrationError | None:
        """Book a failed attempt; the error that ends the call, or ``None`` when there is to be another attempt."""
        candidate = run.candidate
        failure = replace(failure, message=scrub(failure.message, secrets_of(candidate, self._request.headers)))
        seconds = self._loop.time() - run.started
        kind: Outcome = "interrupted" if run.committed else failure.kind
        attempt = Attempt(*_named(candidate), kind, failure.message or None, seconds)
        self._attempts.append(attempt)
        self._failures.append(failure)
        if not run.clocks.out_of_time:
            self._store.failed(candidate.key, kind, failure.retry_after, self._breaker)
            self._next = None
        if run.committed:
            logger.warning("call %d: %s broke off: %s", self._number, candidate.label, failure.message)
            return interruption(self._attempts, failure, candidate.label, text=run.text, calls=run.calls)
        self._rotation.failed(failure, time.monotonic(), again=run.again)
        self._chosen = run.clocks.out_of_time  # then there is nothing left to choose
        failed = AttemptFailed(failure)
        if self._retries is None:
            self._retries = RetryDriver(self, seconds)
        wait = await self._retries.decide(failed)
        following = self._next
        if wait is None or following is None:
            logger.warning("call %d: gave up after %d attempts", self._number, len(self._attempts))
            return error_for(self._attempts, self._failures, candidate.label)
        logger.info(
            "call %d: %s failed (%s: %s); %s is next in %.2f s",
            self._number,
            candidate.label,
            failure.kind,
            failure.message,
            following.candidate.label,
            wait,
        )
        return None

    # The end ---------------------------------------------------------------------------------------------------

    def _closing_events(self, run: AttemptRun) -> Batch:
        """Usage, finish reasons and the account of how the answer came to be."""
        candidate, info = run.candidate, run.info
        usage = run.usage
        estimated = usage is None
        if usage is None:
            usage = _estimate(self._request, run)
        events: Batch = [usage]
        events += [Finish(run.finish_reason(choice), choice) for choice in run.choices]
        provider, model = _named(candidate)
        events.append(
            AnswerInfo(
                provider=info.provider or provider,
                model=info.model or model,
                attempts=tuple(self._attempts),
                tools=run.notes.tools,
                dropped=sorted(set(run.notes.dropped)) if run.notes.dropped else [],
                flattened=run.notes.flattened,
                sources=list(run.sources or ()),
                usage_estimated=estimated,
                suspect=run.suspect,
                response_id=info.id,
                extra=dict(info.extra),
            )
        )
        return events


def _prepare(choice: RouteChoice) -> Plan:
    """All that is slow the first time, in a worker thread: g4f, the HTTP client, the tables of notices."""
    plan = resolve(choice)
    load_for(plan)
    preload()
    return plan


def _named(candidate: Candidate) -> tuple[str, str]:
    return candidate.name, candidate.model


def _estimate(request: Request, run: AttemptRun) -> Usage:
    given = sum(count_message_tokens(message, run.candidate.model) for message in request.messages)
    made = sum(count_tokens(text, run.candidate.model) for text in run.texts)
    made += sum(count_tokens(f"{call.name}{call.arguments}", run.candidate.model) for call in run.calls)
    return Usage(given, made, given + made)


def _prompt_of(request: Request) -> str:
    """The user's newest words, as far as they help to tell an answer about errors from an error."""
    said = [
        text_of(m.get("content")) for m in request.messages[-2 * _PROMPT_MESSAGES :] if m.get("role") != "assistant"
    ]
    return "\n".join(said)[-_PROMPT_CHARACTERS:]
