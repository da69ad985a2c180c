"""Several routes asked for the same answer: the first real content wins, and the others are closed."""

from __future__ import annotations

import asyncio
import time

from g4f_integrations.core.asking import in_words
from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.candidates.candidate import Candidate, secrets_of
from g4f_integrations.core.capacity import Lease
from g4f_integrations.core.events import Attempt, Batch
from g4f_integrations.core.failures import AttemptFailed, Failure
from g4f_integrations.core.health import BreakerSettings
from g4f_integrations.core.hedging import HEDGING
from g4f_integrations.core.ledger import Ledger
from g4f_integrations.core.logs import call_logger, in_its_call
from g4f_integrations.errors import ContextLengthError

logger = call_logger("engine")

_GRACE = 0.005  # seconds that a good answer waits at its end for a loser that is slow to close

_closing: set[asyncio.Task[None]] = set()  # a loop alone holds its tasks weakly


class Racing(Ledger):
    """The books of a call that may have several attempts under way."""

    __slots__ = ()

    def raced(self, run: AttemptRun) -> AttemptRun | Race:
        """`run`, with others beside it if it keeps silent and the policy wants that."""
        return run if self._policy.hedge_after is None else Race(self, run)

    def hedge_delay(self, run: AttemptRun) -> float:
        """Seconds after which another route is asked beside `run`."""
        return HEDGING.delay(run.candidate.key, self._policy, streamed=self._request.stream)

    @in_its_call
    async def begin_beside(self, runs: list[AttemptRun], *, replaces: AttemptRun | None = None) -> AttemptRun | None:
        """One attempt more, on a route that none of `runs` has; ``None`` if there can be none at once.

        Args:
            runs: Those under way.
            replaces: One that has failed meanwhile, whose successor takes nothing of the budget for hedges.
        """
        left = self.time_left()
        if len(self._attempts) + len(runs) >= self._policy.max_attempts or (left is not None and left <= 0):
            return None
        if self._rotation is None:
            self._order().began(runs[0].candidate)  # the first attempt was made without it
        keys = {run.candidate.key for run in runs}
        mended = [replaces.candidate] if replaces is not None and replaces.again else []
        others = [*mended, *self._order().others(time.monotonic(), (replaces or runs[0]).candidate)]
        for candidate in others:
            if candidate.key in keys:
                continue
            is_free, lease = self._enter_at_once(candidate)
            if is_free and (replaces is not None or HEDGING.may_hedge(candidate.name)):
                run = await self._begin_on(candidate, lease)
                if run is not None:
                    if replaces is not None:
                        self._note_replaced(self._failures[-1])
                    return run
            elif lease is not None:
                lease.release()
        return None

    async def _begin_on(self, candidate: Candidate, lease: Lease | None) -> AttemptRun | None:
        try:
            fitted = None
            if self._fitting is not None and self._fitting.needs_care(candidate):
                fitted = await self._fitting.fitted(candidate, in_words(candidate, self._state))
            run = AttemptRun(candidate, self._state, fitted=fitted, lease=lease)
        except BaseException as error:
            if lease is not None:
                lease.release()
            if isinstance(error, ContextLengthError):
                self._order().rule_out(candidate)
                return None
            raise
        self._order().began(candidate)
        logger.info("%s is asked as well", candidate.label)
        return run

    @in_its_call
    async def book_failed(self, run: AttemptRun, failure: Failure) -> None:
        """An attempt failed while others are under way."""
        await self._book(run, failure.masking(secrets_of(run.candidate, self._request.headers)))
        logger.info("%s failed (%s: %s)", run.candidate.label, failure.kind, failure.message)

    def book_outrun(self, run: AttemptRun, winner: AttemptRun | None) -> None:
        """An attempt was given up because `winner` answered first, or the call ended."""
        candidate = run.candidate
        seconds = self._loop.time() - run.started
        said = "the call ended" if winner is None else f"{winner.candidate.label} answered first"
        self._note(run, Attempt(candidate.name, candidate.model, "cancelled", said, seconds))
        self._failures.append(Failure("cancelled", scope="request", message=said))
        if winner is None or run.started > winner.started or run.clocks.first_content is not None:
            return
        policy = self._policy
        usual = self._store.view(candidate.key).latency
        times = policy.breaker_failures
        if HEDGING.outrun(candidate.key, seconds, usual, times, streamed=self._request.stream):
            breaker = BreakerSettings(policy.breaker_failures, policy.breaker_cooldown)
            self._store.failed(candidate.key, "timeout", None, breaker, seconds=seconds)
            logger.warning("%s keeps silent and is taken out", candidate.label)

    def take_replaced(self) -> Batch:
        """The events of the attempts that have taken the place of failed ones, each told once."""
        return [*self._take_untold()]

    def race_took(self, waited: float) -> None:
        """The time of a race counts once, however many took part."""
        self._state.waited = waited

    @property
    def waited(self) -> float:
        """Seconds spent waiting so far."""
        return self._state.waited


class Race:
    """Attempts for one answer, the first of which is under way.

    Args:
        call: Begins further ones, and keeps the books.
        run: The first.
    """

    __slots__ = ("_call", "_decided", "_loop", "_losers", "_readers", "_waiting", "leader")

    def __init__(self, call: Racing, run: AttemptRun) -> None:
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._readers: dict[asyncio.Task[Batch], AttemptRun] = {}
        self._losers: list[asyncio.Task[None]] = []
        self._decided = False
        self._waiting: Batch | None = None  # the first content, while what goes before it is handed over
        self.leader = run

    @property
    def holds_upstream(self) -> bool:
        """See `AttemptRun.holds_upstream`."""
        return True

    async def read(self) -> Batch:
        """See `AttemptRun.read`."""
        if self._waiting is not None:
            events, self._waiting = self._waiting, None
            return events
        if self._decided:
            return await self.leader.read()
        events = await self._run(whole=False)
        replaced = self._call.take_replaced()
        if not replaced:
            return events
        self._waiting = events
        return replaced

    async def whole(self) -> Batch:
        """See `AttemptRun.whole`."""
        return await self._run(whole=True)

    async def aclose(self) -> None:
        """Close the winner, and see that the losers are."""
        try:
            await self.leader.aclose()
        finally:
            if self._losers:
                await asyncio.wait(self._losers, timeout=_GRACE)

    async def _run(self, *, whole: bool) -> Batch:
        began, waited = self._loop.time(), self._call.waited
        self._decided = True
        winner: AttemptRun | None = None
        try:
            self._read(self.leader, whole=whole)
            events = await self._until_decided(whole=whole)
            winner = self.leader
            return events
        finally:
            self._call.race_took(waited + self._loop.time() - began)
            for task, run in self._readers.items():
                task.cancel()
                self._call.book_outrun(run, winner)
                self._losers.append(self._close(task, run))
            if winner is None and self._losers:
                await asyncio.wait(self._losers)

    def _read(self, run: AttemptRun, *, whole: bool) -> None:
        self._readers[self._loop.create_task(run.whole() if whole else run.read())] = run

    async def _until_decided(self, *, whole: bool) -> Batch:
        """The first batch of whoever speaks first, who becomes the leader.

        Raises:
            AttemptFailed: All have failed; the leader is the one that did so last.
        """
        due: float | None = self._loop.time() + self._call.hedge_delay(self.leader)
        while True:
            timeout = None if due is None else max(due - self._loop.time(), 0.0)
            done, _ = await asyncio.wait(self._readers, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            failed: list[tuple[AttemptRun, AttemptFailed]] = []
            for task in sorted(done, key=lambda one: self._readers[one].started):
                error = task.exception()
                if error is None:
                    await self._give_up(failed)
                    self.leader = self._readers.pop(task)
                    return task.result()
                if not isinstance(error, AttemptFailed):
                    self.leader = self._readers.pop(task)
                    raise error
                failed.append((self._readers.pop(task), error))
            another = await self._follow(failed) if failed else await self._call.begin_beside([*self._readers.values()])
            if another is not None:
                self._read(another, whole=whole)
                due = self._loop.time() + self._call.hedge_delay(another)
            elif not failed:
                due = None
            del failed

    async def _give_up(self, failed: list[tuple[AttemptRun, AttemptFailed]]) -> None:
        for run, error in failed:
            self._losers.append(self._close(None, run))
            await self._call.book_failed(run, error.failure)

    async def _follow(self, failed: list[tuple[AttemptRun, AttemptFailed]]) -> AttemptRun | None:
        """Who takes the place of attempts that have failed while others go on.

        Raises:
            AttemptFailed: No others do.
        """
        if not self._readers:
            self.leader, last = failed.pop()
            await self._give_up(failed)
            raise last
        await self._give_up(failed)
        return await self._call.begin_beside([*self._readers.values()], replaces=failed[-1][0])

    def _close(self, task: asyncio.Task[Batch] | None, run: AttemptRun) -> asyncio.Task[None]:
        closing = self._loop.create_task(_closed(task, run))
        _closing.add(closing)
        closing.add_done_callback(_closing.discard)
        return closing


async def _closed(task: asyncio.Task[Batch] | None, run: AttemptRun) -> None:
    if task is not None:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at, so that nobody complains
    await run.aclose()
