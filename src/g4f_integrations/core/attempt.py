"""One attempt: a route's events, filtered, against the clocks, up to its verdict."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

from g4f_integrations.core.answer import Answer
from g4f_integrations.core.asking import ask, learn_refusal
from g4f_integrations.core.call_state import CallState
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.capacity import Lease
from g4f_integrations.core.clocks import AttemptClocks
from g4f_integrations.core.credentials import scrub
from g4f_integrations.core.events import (
    AsideDelta,
    Batch,
    Event,
    Finish,
    Media,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from g4f_integrations.core.failures import (
    AttemptFailed,
    ClockExpired,
    Failure,
    HTTPFailure,
    StreamCut,
    classify,
    is_own_fault,
)
from g4f_integrations.core.fitting import Fitted
from g4f_integrations.core.logs import call_logger, call_number
from g4f_integrations.core.pump import Expired
from g4f_integrations.core.request import CallNotes
from g4f_integrations.core.transport import Upstream, ask_whole, open_upstream
from g4f_integrations.errors import IntegrationError

_BEFORE_TAGS = frozenset("< \t\r\n")
_HEAVY = 16_384  # characters of an answer whose form has to be checked: a hostile one costs a quarter of a second
_IN_PLACE = (Media, AsideDelta)  # what has its place between the texts
logger = call_logger("attempt")


class AttemptRun:
    """One attempt under way.

    Attributes:
        again: Whether the same route should be asked again at once, the request having been mended for it.
        answer: What it has brought so far.
        candidate: The route that is asked.
        clocks: What bounds it in time, and how it went with them.
        lease: Its place on a route whose calls are counted; given back when it is closed.
        committed: Whether text, a tool call or media has been handed over.
        messages: The conversation that was sent, before it was put in the route's terms.
        notes: What was done to the request on its way.
        started: Loop time of its beginning.
    """

    __slots__ = (
        "_asked", "_call", "_collected", "_finished", "_loop", "_over", "_pending", "_upstream", "again", "answer",
        "candidate", "clocks", "committed", "lease", "messages", "notes", "started",
    )  # fmt: skip

    def __init__(
        self,
        candidate: Candidate,
        call: CallState,
        now: float | None = None,
        fitted: Fitted | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.candidate = candidate
        self.lease = lease
        self.committed = self.again = self._over = self._finished = False
        self._call = call
        self._loop = asyncio.get_running_loop()
        self._pending: BaseException | None = None  # raised at the next read: events before it are handed over first
        self.started = self._loop.time() if now is None else now
        self.clocks = AttemptClocks(call, self.started)
        request = call.request if fitted is None else fitted.request
        self.messages = request.messages
        self._asked = asked = ask(candidate, call, request)
        self.notes = CallNotes(tools=asked.tools_by, structured=asked.format_by)
        if fitted is not None:
            self.notes.trimmed, self.notes.lowered = fitted.trimmed, fitted.lowered
        self._upstream: Upstream | None = None
        self._collected: Batch = []  # of a blocking answer, so far
        limit = None
        if candidate.provider is not None or asked.request.stream:
            watching = None if call.watch is None else call.watch.enter(self, candidate)
            try:
                self._upstream = open_upstream(candidate, asked.request, self.notes)
            finally:
                if call.watch is not None:
                    call.watch.leave(watching)
            limit = self._upstream.output_limit
        self.clocks.streams = self._upstream is not None and self._upstream.streams
        self.answer = Answer(candidate, call, asked, limit)

    async def aclose(self) -> None:
        """Close the upstream; returns when it is closed."""
        try:
            if self._upstream is not None:
                await self._upstream.pump.aclose()
        finally:
            if self.lease is not None:
                self.lease.release()

    async def read(self) -> Batch:
        """The next events of a streamed answer for the user, an empty list at the end of a good one.

        Raises:
            AttemptFailed: The attempt failed; nothing of the upstream's own exception hangs on it, because that may
                hold credentials.
            IntegrationError: A mistake in the settings, found only now.
        """
        return [] if self._over else await self._guarded(self._read_piece())

    def whole(self) -> Coroutine[Any, Any, Batch]:
        """All events of a blocking answer for the user. Raises like `read`."""
        if self._upstream is not None:
            return self._guarded(self._read_all(self._upstream))
        due = self.clocks.due_of_whole()
        return self._guarded(ask_whole(self.candidate, self._asked.request, self.notes, due), settle=True)

    @property
    def leader(self) -> AttemptRun:
        """The attempt that counts, which a race of several has to find out first."""
        return self

    @property
    def holds_upstream(self) -> bool:
        """Whether there is anything to close."""
        upstream = self._upstream
        return (upstream is not None and not upstream.pump.spent) or self.lease is not None

    async def _guarded(self, reading: Coroutine[Any, Any, Batch], *, settle: bool = False) -> Batch:
        if self._upstream is not None:
            self.clocks.wait_begins(self._loop.time())
        watch = self._call.watch
        watching = None if watch is None else watch.enter(self, self.candidate)
        number = call_number.set(self._call.number)
        try:
            try:
                events = await reading
                if not settle:
                    return events
                if self.answer.asks_model:
                    return await self._considered(events)
                asked = self._asked
                if asked.tools or asked.format is not None:  # looked at here, too: most answers have no form
                    return await self._ended(self._settle, events)
                return self._settle(events)
            except IntegrationError:
                raise
            except Exception as error:
                if is_own_fault(error):
                    raise self._own_fault(error) from error
                failure = self._failure_of(error)
                if self._upstream is not None and isinstance(error, Expired):
                    await self._upstream.pump.expire()
            finally:
                self.clocks.wait_ends(self._loop.time())
            return await self._stand_or_fail(failure)
        finally:
            call_number.reset(number)
            if watch is not None:
                watch.leave(watching)

    def _own_fault(self, error: Exception) -> IntegrationError:
        """The error of a mistake in this package, which no other route can make good."""
        message = (
            f"a mistake inside this package and not of the route; please report it: {type(error).__name__}: {error}"
        )
        return IntegrationError(scrub(message), route=self.candidate.label)

    def _failure_of(self, error: Exception) -> Failure:
        if isinstance(error, AttemptFailed):
            self.again = error.again
            if error.failure.kind == "invalid" and self._call.partial is None:
                self._call.kept = (self, self.answer.kept or [])
            return error.failure
        if isinstance(error, Expired):
            return classify(ClockExpired(self.clocks.name_of_expired(self._loop.time())))
        self.again = isinstance(error, HTTPFailure) and error.mended
        return classify(error)

    async def _stand_or_fail(self, failure: Failure) -> Batch:
        """The end of an answer that was complete before its upstream failed to hang up.

        Raises:
            AttemptFailed: It was not, or is none.
        """
        if (self._finished or self.answer.finishes) and not self._over:
            try:
                ended = await self._end(self._collected)
            except AttemptFailed as judged:  # an empty answer is explained by what came after it
                failure = failure if judged.failure.kind == "empty" else self._failure_of(judged)
            else:
                logger.info("%s finished and did not hang up; what may follow is not read", self.candidate.label)
                return ended
        self.again = self.again or learn_refusal(self.candidate, self._asked, failure, self._call)
        raise AttemptFailed(failure)

    def _is_heavy(self, events: Batch) -> bool:
        """Whether so much is to be parsed and checked, with `events` at its end, that a loop of many callers waits."""
        if not self._asked.tools and self._asked.format is None:
            return False
        return self.answer.weight + sum(map(_size, events)) > _HEAVY

    async def _ended(self, end: Callable[[Batch], Batch], events: Batch) -> Batch:
        """What `end` makes of the last events; in a worker thread where that may take long."""
        if not self._is_heavy(events):
            return end(events)
        return await self._loop.run_in_executor(None, contextvars.copy_context().run, end, events)

    def _settle(self, events: Batch) -> Batch:
        self._over = True
        released = self._through_filters(events)
        self.committed = True
        return released

    async def _considered(self, events: Batch) -> Batch:
        """All events of a blocking answer whose texts a model looks at for adverts → what is handed over of it."""
        self._over = True
        released, _ = self.answer.take(events)
        await self.answer.consider()
        released = self.answer.end(released)
        self.committed = True
        return released

    def _through_filters(self, events: Batch) -> Batch:
        """All events of a blocking answer → what is handed over of it."""
        answer = self.answer
        texts = []
        for event in events:  # no comprehension or generator: every function counts after a wait for the network
            if type(event) is not TextDelta or event.choice:
                break
            texts.append(event.text)
        else:
            return answer.end(answer.take_text("".join(texts)), whole=True)
        may_hold_tags = has_reasoning = False
        for event in events:
            kind = type(event)
            if kind in _IN_PLACE:
                return answer.end(answer.take(events)[0])
            if kind is ReasoningDelta:
                has_reasoning = True
            elif not may_hold_tags and type(event) is TextDelta:
                may_hold_tags = event.text[:1] in _BEFORE_TAGS
        if has_reasoning and may_hold_tags:  # both sorts of reasoning, which belong in the order in which they came
            return answer.end(answer.take(events)[0])
        return answer.end(answer.take_whole(events), whole=True)

    async def _read_piece(self) -> Batch:
        if self._pending is not None:
            raise self._pending
        upstream, answer = self._upstream, self.answer
        assert upstream is not None
        while chunks := await upstream.pump.take(due := self.clocks.due()):
            released = self._take(upstream.reader.read(chunks))
            self._pending = upstream.reader.error
            if answer.may_stop and answer.stopped:
                await upstream.pump.aclose()  # the rest of the answer is not wanted
                return await self._end(released)
            if released:
                self.clocks.spoke, self.committed = True, answer.begun
                return released
            if self._pending is not None:
                raise self._pending
            if due is not None and self._loop.time() >= due:
                self._check_clock()
        return await self._end([])

    async def _read_all(self, upstream: Upstream) -> Batch:
        answer = self.answer
        while chunks := await upstream.pump.take(due := self.clocks.due()):
            events = upstream.reader.read(chunks)
            if not answer.may_stop:
                self._note(events)
            else:
                self._collected += self._take(events)
                if answer.stopped:
                    await upstream.pump.aclose()
                    break
            if upstream.reader.error is not None:
                raise upstream.reader.error
            if due is not None and self._loop.time() >= due:
                self._check_clock()
        return await self._end(self._collected)

    def _note(self, events: Batch) -> None:
        """Keep events of a blocking answer, which goes through the filters as a whole."""
        self._collected += events
        now = self._loop.time()
        if events:
            self.clocks.content_came(now)
        if not self.clocks.finished:
            for event in events:  # no generator, as below
                if type(event) is Finish:
                    self._finished = True
                    self.clocks.finish_came(now)
                    break

    def _take(self, events: Batch) -> Batch:
        released, is_content = self.answer.take(events)
        if is_content:
            self.clocks.content_came(self._loop.time())
        if self.answer.finishes and not self.clocks.finished:
            self.clocks.finish_came(self._loop.time())
        return released

    def _check_clock(self) -> None:
        """Expire by ourselves: a pump whose upstream floods us with nothing never waits, and so never rings."""
        due = self.clocks.due()
        if due is not None and self._loop.time() >= due:
            raise Expired

    async def _end(self, released: Batch) -> Batch:
        """What was still held, when the answer stands; the end of an answer that does not is a failure."""
        self._over = True
        upstream = self._upstream
        if upstream is not None and upstream.tells_finish and not upstream.reader.finished and not self.answer.stopped:
            message = "the stream ended without a finish reason"
            raise StreamCut(message)
        if self.answer.asks_model:
            if not self._call.request.stream and not self.answer.may_stop:
                released, _ = self.answer.take(released)
            await self.answer.consider()
            released = self.answer.end(released)
        elif self._upstream is not None and not self._call.request.stream and not self.answer.may_stop:
            released = await self._ended(self._through_filters, released)
        else:
            released = await self._ended(self.answer.end, released)
        self.committed = True
        self.clocks.spoke = self.clocks.spoke or bool(released)
        return released


def _size(event: Event) -> int:
    if isinstance(event, TextDelta):
        return len(event.text)
    return len(event.arguments) if isinstance(event, ToolCallDelta) else 0
