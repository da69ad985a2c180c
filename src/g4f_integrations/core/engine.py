"""The rotation loop: one call's attempts over its candidates, up to an answer or an error that tells the truth.

Before the commit point the engine rotates freely. After it, what has been handed over is never repeated and never
contradicted.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from g4f_integrations.core.accounting import closing_events
from g4f_integrations.core.asking import in_words
from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.call_state import CallState
from g4f_integrations.core.candidates import elsewhere, resolve, resolve_cached, usable
from g4f_integrations.core.candidates.candidate import Candidate, Plan
from g4f_integrations.core.capacity import Lease
from g4f_integrations.core.cleaning import Cleaning
from g4f_integrations.core.events import Batch, Retrying
from g4f_integrations.core.failures import AttemptFailed, Failure, preload
from g4f_integrations.core.fitting import Fitting
from g4f_integrations.core.logs import call_logger, call_number, in_its_call
from g4f_integrations.core.observing import watch_call
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.racing import Racing
from g4f_integrations.core.request import Request
from g4f_integrations.core.rotation import Choice
from g4f_integrations.core.routes import RouteChoice
from g4f_integrations.core.short_calls import is_narrow, is_short
from g4f_integrations.core.side_calls import SideCalls
from g4f_integrations.core.transport import load_for
from g4f_integrations.errors import ContextLengthError, IntegrationError, StreamInterruptedError

if TYPE_CHECKING:  # loaded when somebody follows a call
    from g4f_integrations.core.observing import CallWatch

logger = call_logger("engine")

OnRetry: TypeAlias = Callable[[Retrying], Awaitable[None]]


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
    call = _Call(choice, request, policy)
    watch = watch_call(choice, request)
    return call.run() if watch is None else watch.stream(call.watched_by(watch).run())


def complete(
    choice: RouteChoice, request: Request, policy: Resilience, on_retry: OnRetry | None = None
) -> Coroutine[Any, Any, Batch]:
    """All events of a blocking answer: what `answer` gives, but for `Retrying`, which `on_retry` is called with.

    Args:
        choice: Which routes may serve the call.
        request: What is asked; not to be streamed.
        policy: How hard to try.
        on_retry: Awaited before the wait for each further attempt.

    Raises:
        IntegrationError: The settings are wrong, or every attempt failed.
    """
    call, watch = _Call(choice, request, policy), watch_call(choice, request)
    return call.whole(on_retry) if watch is None else watch.whole(call.watched_by(watch).whole(on_retry))


class _Call(Racing):
    """One call under way."""

    __slots__ = ("_avoided", "_choice", "_cleaned", "_sides")

    def __init__(
        self, choice: RouteChoice, request: Request, policy: Resilience, avoided: Candidate | None = None
    ) -> None:
        super().__init__(request, policy)
        self._avoided = avoided  # in a call on behalf of another: the route that is not to be asked
        self._choice = choice if policy.rotate_models else choice._replace(fallback_models=())
        self._cleaned: Sequence[dict[str, Any]] = ()  # out of earlier answers, before they are sent again
        self._sides: SideCalls | None = None

    def watched_by(self, watch: CallWatch) -> Self:
        """This call, with `watch` told of its attempts."""
        self._watch = watch
        return self

    async def run(self) -> AsyncGenerator[Batch, None]:
        """The call's events; see `answer`."""
        contender = self.raced(await self._first_attempt())
        try:
            while True:
                broke: Failure | None = None
                try:
                    if self._request.stream:
                        while batch := await contender.read():
                            yield batch
                    elif batch := await contender.whole():
                        yield [*self._take_untold(), *batch]
                except AttemptFailed as failed:
                    broke = failed.failure
                finally:
                    await contender.aclose()
                run = contender.leader
                if broke is None:
                    self._succeeded(run)
                    if run.answer.removed or self._state.partial is not None:
                        await self._tell_removed(run)
                    yield self._account(run)
                    return
                error = await self._failed(run, broke)
                if error is not None or self._is_over:
                    for batch in self._last_batches(run, error):
                        yield batch
                    return
                yield [*self._take_untold(), self._retrying()]
                contender = self.raced(await self._next_attempt())
        finally:
            self._leave()

    async def whole(self, on_retry: OnRetry | None) -> Batch:
        """All of the call's events at once; see `complete`."""
        token = call_number.set(
            self._number
        )  # in force until the end: no consumer sees it, as one of a generator would
        try:
            contender = self.raced(await self._prepare_first())
            while True:
                broke: Failure | None = None
                try:
                    events = await contender.whole()
                except AttemptFailed as failed:
                    broke = failed.failure
                finally:
                    if contender.holds_upstream:
                        await contender.aclose()
                run = contender.leader
                if self._untold:
                    await self._tell_untold(on_retry)
                if broke is None:
                    self._succeeded(run)
                    if run.answer.removed:
                        await self._tell_removed(run)
                    events += self._account(run)
                    return events
                error = await self._failed(run, broke)
                if error is not None:
                    return [event for batch in self._last_batches(run, error) for event in batch]
                if on_retry is not None:
                    await on_retry(self._retrying())
                contender = self.raced(await self._next_attempt())
        finally:
            if self._next is not None:
                self._leave()
            call_number.reset(token)

    async def _tell_untold(self, on_retry: OnRetry | None) -> None:
        for event in self._take_untold():
            if on_retry is not None:
                await on_retry(event)

    # Attempts --------------------------------------------------------------------------------------------------

    async def _prepare_first(self) -> AttemptRun:
        loop = self._loop = asyncio.get_running_loop()
        policy = self._policy
        began = now = loop.time()
        cleaning = self._request.cleaning
        plan = resolve_cached(self._choice)
        if plan is None or (cleaning is not None and not cleaning.is_ready(plan.candidates[0].name)):
            # The first time g4f is imported and rules are compiled, which takes a while.
            plan = await loop.run_in_executor(None, _prepare, self._choice, cleaning)
            now = loop.time()
        if cleaning is not None and len(self._request.messages) > 1:
            messages, self._cleaned = cleaning.clean_history(self._request.messages)
            if self._cleaned:
                self._request = self._request.replacing(messages=messages)
        if self._request.tools:
            from g4f_integrations.core.toolcalls.checking import check_tools  # many calls have none

            check_tools(self._request.tools, self._request.tool_choice)
        deadline = None if policy.deadline is None else began + policy.deadline
        candidates = usable(plan, self._choice, self._request, policy)
        if self._avoided is not None:
            candidates = elsewhere(candidates, self._avoided)
        self._candidates = candidates
        state = self._state = CallState(self._request, policy, deadline, now - began)
        state.number, state.watch = self._number, self._watch
        if cleaning is not None and cleaning.asks_model:
            state.ask_about_adverts = self._make_sides().point_at_adverts
        first = candidates[0]
        health = self._store.view(first.key)
        if self._request.trimming is not None and (not is_short(self._request) or is_narrow(first, health)):
            fitting = self._fitting = self._make_fitting()
            self._candidates = candidates = await fitting.ordered(candidates)
            first = candidates[0]
            health = self._store.view(first.key)
            now = loop.time()
        if (
            health.at_ease
            and not first.is_capped
            and policy.order == "given"
            and (self._fitting is None or not self._fitting.needs_care(first))
        ):
            return AttemptRun(first, state, now)  # the usual case: a healthy first route, and nothing to weigh
        if (loading := self._store.loading([candidate.key for candidate in candidates])) is not None:
            await loading
        chosen = self._choose()
        await self._be_patient(chosen)
        return await self._begin(chosen)

    _first_attempt = in_its_call(_prepare_first)

    async def _begin(self, chosen: Choice | None) -> AttemptRun:
        assert chosen is not None
        rotation = self._order()
        lease: Lease | None = None
        try:
            while True:
                lease = await self._enter(chosen)
                candidate = chosen.candidate if lease is None else lease.candidate
                rotation.began(candidate)
                try:
                    fitted = None
                    if self._fitting is not None and self._fitting.needs_care(candidate):
                        fitted = await self._fitting.fitted(candidate, in_words(candidate, self._state))
                except ContextLengthError:  # there may be a route with a larger window
                    rotation.rule_out(candidate)
                    self._leave()
                    if lease is not None:
                        lease.release()
                    self._chosen = False
                    chosen = self._choose()
                    if chosen is None:
                        raise
                    continue
                return AttemptRun(candidate, self._state, fitted=fitted, lease=lease)
        except BaseException:
            self._leave()
            if lease is not None:
                lease.release()
            raise

    def _account(self, run: AttemptRun) -> Batch:
        side_calls = self._sides.entries if self._sides is not None else ()
        cleaning, suggested = self._request.cleaning, ()
        if cleaning is not None:
            suggested = cleaning.suggestions(
                run.answer.text, provider=run.candidate.name, prompt=self._state.tell_prompt
            )
        return closing_events(run, self._attempts, self._cleaned, side_calls, suggested, partial=self._state.partial)

    def _make_fitting(self) -> Fitting:
        return Fitting(self._request, self._request.trimming, self._store, self._make_sides().summarise)

    def _make_sides(self) -> SideCalls:
        if self._sides is None:
            self._sides = SideCalls(self._choice, self._request, self._policy, _ask_aside)
        return self._sides

    @in_its_call
    async def _next_attempt(self) -> AttemptRun:
        assert self._retries is not None
        assert self._next is not None
        wait = self._retries.state.upcoming_sleep
        await asyncio.sleep(wait)
        self._state.waited += wait
        self._retries.go_on()
        partial = self._state.partial
        try:
            return await self._begin(self._next)
        except IntegrationError as error:
            if partial is None:
                raise
            failure = Failure("unknown", error.retry_after, message=error.message)
            raise self._interrupted(partial, failure, self._next.candidate.label) from error

    def _last_batches(self, run: AttemptRun, error: IntegrationError | None) -> Iterator[Batch]:
        """What a broken answer still held; or one that failed for its form or for how it reads, for want of a better.

        Raises:
            IntegrationError: There is no more to be had.
        """
        kept, self._state.kept = self._state.kept, None
        if error is None:
            yield self._account(run)
            return
        if self._held:
            yield self._held
        if kept is None or isinstance(error, StreamInterruptedError):
            raise error  # outside of every `except`, so that no upstream exception hangs on it
        run, events = kept
        if events:
            yield events
        yield self._account(run)

    async def _be_patient(self, first: Choice | None) -> None:
        """Wait if every route asked for patience; one attempt is made anyhow if the wait would pass the deadline."""
        left = self.time_left()
        if first is not None and first.wait > 0 and (left is None or first.wait < left):
            logger.info("%s asked for patience; waiting %.2f s", first.candidate.label, first.wait)
            try:
                await asyncio.sleep(first.wait)
            except BaseException:
                self._leave()
                raise
            self._state.waited += first.wait

    @in_its_call
    async def _tell_removed(self, run: AttemptRun) -> None:
        """Call the user's `on_clean`, which is not run on a loop of ours: it may call the model."""
        partial = self._state.partial
        removed = [*(partial.removed if partial is not None else ()), *run.answer.removed]
        on_clean = self._request.cleaning.on_clean if removed else None
        if on_clean is None:
            return
        context = contextvars.copy_context()
        try:
            await self._loop.run_in_executor(None, context.run, on_clean, removed)
        except Exception as error:  # the answer is there all the same
            logger.warning("on_clean raised %s: %s", type(error).__name__, error)


async def _ask_aside(choice: RouteChoice, request: Request, policy: Resilience, avoided: Candidate | None) -> Batch:
    return await _Call(choice, request, policy, avoided).whole(None)


def _prepare(choice: RouteChoice, cleaning: Cleaning | None) -> Plan:
    """All that is slow the first time, in a worker thread: g4f, the HTTP client, the tables of notices, the rules."""
    plan = resolve(choice)
    load_for(plan)
    preload()
    if cleaning is not None:
        cleaning.prepare(candidate.name for candidate in plan.candidates)
    return plan
