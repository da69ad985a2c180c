"""One attempt: a route's events, filtered, against the clocks, up to its verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from g4f_integrations.core.assembly import ToolCallAssembler
from g4f_integrations.core.clocks import AttemptClocks, CallState
from g4f_integrations.core.events import (
    Batch,
    Event,
    Finish,
    Logprobs,
    Media,
    Outcome,
    ReasoningDelta,
    ResponseInfo,
    Sources,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from g4f_integrations.core.failures import (
    AttemptFailed,
    ClockExpired,
    Failure,
    HTTPFailure,
    NoticeGate,
    StreamCut,
    classify,
)
from g4f_integrations.core.lane import Lane
from g4f_integrations.core.pump import Expired
from g4f_integrations.core.request import CallNotes
from g4f_integrations.core.routes import Candidate
from g4f_integrations.core.transport import Upstream, open_upstream
from g4f_integrations.errors import IntegrationError

_UNTOLD = ResponseInfo()  # what a route that says nothing of itself has said; never changed
_FINISH_REASONS = {
    "end_turn": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "safety": "content_filter",
}


class AttemptRun:
    """One attempt under way.

    Attributes:
        candidate: The route that is asked.
        started: Loop time of its beginning.
        committed: Whether text, a tool call or media has been handed over.
        again: Whether the same route should be asked again at once, the request having been mended for it.
        clocks: What bounds it in time, and how it went with them.
    """

    __slots__ = (
        "_answered",
        "_aside",
        "_assembler",
        "_call",
        "_has_media",
        "_lanes",
        "_loop",
        "_may_stop",
        "_over",
        "_pending",
        "_upstream",
        "_whole",
        "again",
        "calls",
        "candidate",
        "clocks",
        "committed",
        "finishes",
        "info",
        "notes",
        "sources",
        "started",
        "suspect",
        "usage",
    )

    def __init__(self, candidate: Candidate, call: CallState) -> None:
        self.candidate = candidate
        self.notes = CallNotes()
        self.info = _UNTOLD
        self.usage: Usage | None = None
        self.finishes: dict[int, str] = {}
        self.sources: list[dict[str, Any]] | None = None
        self.calls: Sequence[ToolCall] = ()
        self.suspect: Outcome | None = None
        self.committed = self.again = False
        self._call = call
        self._loop = asyncio.get_running_loop()
        self.started = self._loop.time()
        self.clocks = AttemptClocks(call, self.started)
        self._lanes: dict[int, Lane] = {}
        self._assembler: ToolCallAssembler | None = None
        self._aside: Batch | None = None  # what goes with the text, and waits for it
        self._answered = self._has_media = self._over = False  # text or media has left the filters
        self._whole: Batch = []  # what a blocking answer holds so far
        self._pending: BaseException | None = None  # raised at the next read: events before it are handed over first
        self._upstream: Upstream = open_upstream(candidate, call.request, self.notes)
        self.clocks.streams = self._upstream.streams
        self._may_stop = bool(call.request.stop) or self._upstream.output_limit is not None

    @property
    def text(self) -> str:
        """All text of the first choice that was handed over."""
        lane = self._lanes.get(0)
        return "".join(lane.parts) if lane is not None else ""

    @property
    def texts(self) -> list[str]:
        """The text of every choice."""
        return ["".join(lane.parts) for lane in self._lanes.values()]

    async def aclose(self) -> None:
        """Close the upstream; returns when it is closed."""
        await self._upstream.pump.aclose()

    async def read(self) -> Batch:
        """The next events for the user, an empty list at the end of a good answer.

        Raises:
            AttemptFailed: The attempt failed; nothing of the upstream's own exception hangs on it, because that may
                hold credentials.
            IntegrationError: A mistake in the settings, found only now.
        """
        self.clocks.wait_begins(self._loop.time())
        try:
            return await (self._read_piece() if self._call.request.stream else self._read_whole())
        except AttemptFailed as error:
            failure = error.failure
        except IntegrationError:
            raise
        except Expired:
            failure = classify(ClockExpired(self.clocks.name_of_expired(self._loop.time())))
            await self._upstream.pump.expire()
        except HTTPFailure as error:
            self.again = error.mended
            failure = classify(error)
        except Exception as error:
            failure = classify(error)
        finally:
            self.clocks.wait_ends(self._loop.time())
        if self.finishes and not self._over:
            # The answer was complete before its upstream failed to hang up; unless there was none, and this is why.
            try:
                return self._end_or_fail()
            except AttemptFailed as judged:
                failure = failure if judged.failure.kind == "empty" else judged.failure
        raise AttemptFailed(failure)

    def _end_or_fail(self) -> Batch:
        whole, self._whole = self._whole, []
        return self._end(whole)

    async def _read_piece(self) -> Batch:
        if self._pending is not None:
            raise self._pending
        if self._over:
            return []
        upstream = self._upstream
        while chunks := await upstream.pump.take(due := self.clocks.due()):
            released = self._released(upstream.reader.read(chunks))
            self._pending = upstream.reader.error
            if self._may_stop and self._stopped():
                await upstream.pump.aclose()  # the rest of the answer is not wanted
                return self._end(released)
            if released:
                self.clocks.spoke, self.committed = True, self._answered
                return released
            if self._pending is not None:
                raise self._pending
            if due is not None and self._loop.time() >= due:
                self._check_clock()
        return self._end([])

    async def _read_whole(self) -> Batch:
        if self._over:
            return []
        upstream = self._upstream
        while chunks := await upstream.pump.take(due := self.clocks.due()):
            self._whole += self._released(upstream.reader.read(chunks))
            if upstream.reader.error is not None:
                raise upstream.reader.error
            if self._may_stop and self._stopped():
                await upstream.pump.aclose()
                break
            if due is not None and self._loop.time() >= due:
                self._check_clock()
        return self._end_or_fail()

    def _check_clock(self) -> None:
        """Expire by ourselves: a pump whose upstream floods us with nothing never waits, and so never rings."""
        due = self.clocks.due()
        if due is not None and self._loop.time() >= due:
            raise Expired

    def _stopped(self) -> bool:
        return bool(self._lanes) and all(lane.stopped for lane in self._lanes.values())

    # Filters ---------------------------------------------------------------------------------------------------

    def _lane(self, choice: int) -> Lane:
        lane = self._lanes.get(choice)
        if lane is None:
            call = self._call
            gate = NoticeGate(self.candidate.name, call.prompt)
            lane = self._lanes[choice] = Lane(call.request, self._upstream.output_limit, gate)
        return lane

    def _released(self, events: Batch) -> Batch:
        """What of `events` may be handed over now; the rest is held or noted."""
        released: Batch = []
        content = False
        for event in events:
            kind = type(event)
            if kind is TextDelta:
                content = True
                lane = self._lanes.get(event.choice) or self._lane(event.choice)  # type: ignore[union-attr]
                if lane.passing:
                    lane.parts.append(event.text)  # type: ignore[union-attr]
                    released.append(event)
                else:
                    self._release_text(lane, *lane.feed(event.text), event.choice, released)  # type: ignore[union-attr]
            else:
                content |= self._note(event, released)
        if content:
            self.clocks.content_came(self._loop.time())
        if released and self._aside and self._answered:
            released, self._aside = [*self._aside, *released], None
        return released

    def _release_text(self, lane: Lane, text: str, reasoning: str, choice: int, released: Batch) -> None:
        if reasoning:
            released.append(ReasoningDelta(reasoning, choice))
        if text:
            lane.parts.append(text)
            released.append(TextDelta(text, choice))
            self._answered = True

    def _note(self, event: Event, released: Batch) -> bool:
        """Take an event that is no text; whether it is content, which keeps the stall clock from running out."""
        match event:
            case ReasoningDelta():
                released.append(event)
                return True
            case ToolCallDelta():
                if self._assembler is None:
                    self._assembler = ToolCallAssembler()
                self._assembler.feed(event)
                return True
            case Media():
                self._note_media(event, released)
                return True
            case Usage():
                self.usage = event
            case Finish():
                self.finishes[event.choice] = event.reason
                self.clocks.finish_came(self._loop.time())
            case Sources():
                self.sources = self.sources or []
                self.sources += event.items
                self._set_aside(event)
            case Logprobs():
                self._set_aside(event)
            case ResponseInfo():
                self._merge_info(event)
            case _:
                pass
        return False

    def _set_aside(self, event: Event) -> None:
        if self._aside is None:
            self._aside = []
        self._aside.append(event)

    def _note_media(self, event: Media, released: Batch) -> None:
        for choice, lane in self._lanes.items():
            if self._flush(choice, lane, released) is not None:  # beside a picture it is no mere notice
                released.append(TextDelta("".join(lane.parts), choice))
        self._has_media = self._answered = True
        released.append(event)

    def _merge_info(self, event: ResponseInfo) -> None:
        if self.info is _UNTOLD:
            self.info = ResponseInfo(event.model, event.provider, event.id, dict(event.headers), dict(event.extra))
            return
        info = self.info
        info.model = event.model or info.model
        info.provider = event.provider or info.provider
        info.id = info.id or event.id
        info.headers.update(event.headers)
        info.extra.update(event.extra)

    def _flush(self, choice: int, lane: Lane, released: Batch) -> Failure | None:
        text, reasoning, verdict = lane.close()
        if verdict is None:
            self._release_text(lane, text, reasoning, choice, released)
            return None
        if reasoning:
            released.append(ReasoningDelta(reasoning, choice))
        lane.parts.append(text)
        return verdict

    # The end ---------------------------------------------------------------------------------------------------

    def _end(self, released: Batch) -> Batch:
        """What was still held, when the answer stands; the end of an answer that does not is a failure."""
        self._over = True
        stopped = self._may_stop and self._stopped()
        if self._upstream.tells_finish and not self._upstream.reader.finished and not stopped:
            message = "the stream ended without a finish reason"
            raise StreamCut(message)
        for choice, lane in self._lanes.items():
            verdict = self._flush(choice, lane, released)
            if verdict is not None and verdict.kind != "empty":  # emptiness is judged over all of the answer
                if not self._has_media:  # beside a picture it is no mere notice
                    self._accept_suspect(verdict, "".join(lane.parts))
                released.append(TextDelta("".join(lane.parts), choice))
        calls = self._assembler.close() if self._assembler is not None else []
        if calls:
            released += calls
            self.calls = [call for call in calls if isinstance(call, ToolCall)]
        if not calls and not self._has_media and not any(text.strip() for text in self.texts):
            self._judge_empty(stopped=stopped)
        self.committed = True
        self.clocks.spoke = self.clocks.spoke or bool(released)
        if not self._aside:
            return released
        aside, self._aside = self._aside, None
        return [*aside, *released]

    def _accept_suspect(self, verdict: Failure, text: str) -> None:
        """Let a suspect answer stand if another provider gave the very same one, else fail."""
        suspects = self._call.suspects
        text = " ".join(text.split())
        if suspects.setdefault(text, self.candidate.name) == self.candidate.name:
            raise AttemptFailed(verdict)
        self.suspect = verdict.kind

    def _judge_empty(self, *, stopped: bool) -> None:
        call = self._call
        reason = self.finish_reason(0)
        if stopped or (reason == "length" and "max_tokens" in call.request.params):
            return
        if reason == "content_filter":
            raise AttemptFailed(Failure("content_filter", scope="request", message="the route refused by its policy"))
        if call.request.ends_with_tool_result:
            if call.empty_after_tool:
                return
            call.empty_after_tool = True
        raise AttemptFailed(Failure("empty", message="the answer holds no text, tool call or media"))

    def finish_reason(self, choice: int) -> str:
        """The finish reason of a choice in OpenAI's terms."""
        lane = self._lanes.get(choice)
        if lane is not None and lane.stopped:
            return "length" if lane.limit is not None and lane.limit.hit else "stop"
        told = self.finishes.get(choice, "stop").lower()
        reason = _FINISH_REASONS.get(told, told)
        if reason == "stop" and any(call.choice == choice for call in self.calls):
            return "tool_calls"
        return reason

    @property
    def choices(self) -> list[int]:
        """The numbers of the choices that were answered."""
        return sorted({0, *self._lanes, *self.finishes})
