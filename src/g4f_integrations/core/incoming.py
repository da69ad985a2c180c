"""One attempt's answer as it comes in: what may be handed over now, and what is held or noted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from g4f_integrations.core.accompaniment import UNTOLD, Accompaniment
from g4f_integrations.core.asking import Asked
from g4f_integrations.core.call_state import CallState, Partial
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.events import (
    AsideDelta,
    Batch,
    Finish,
    InvalidToolCall,
    Outcome,
    ReasoningDelta,
    ResponseInfo,
    TextDelta,
    ToolCall,
    Usage,
)
from g4f_integrations.core.failures import AttemptFailed, Failure
from g4f_integrations.core.lane import Lane
from g4f_integrations.core.trimming import WINDOW_FULL

if TYPE_CHECKING:  # loaded when an answer breaks off
    from g4f_integrations.core.joining import Joint

_FINISH_REASONS = {
    **dict.fromkeys(WINDOW_FULL, "length"),
    "end_turn": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "safety": "content_filter",
}


class Incoming(Accompaniment):
    """What an attempt has brought so far; `core.answer` judges it at its end.

    Args:
        candidate: Whose answer it is.
        call: What the attempts of the call share.
        asked: What the route was asked, and the form that its answer must have.
        output_limit: Tokens after which the text ends, where the route is known to ignore ``max_tokens``.

    Attributes:
        asks_model: Whether a model is to look at the end for adverts, by `consider`, so that the filters hold it till
            then.
        calls: The valid tool calls, known at the end.
        may_stop: Whether we may have to end the answer ourselves.
        kept: What an answer that fails for its form alone, or may be a notice, would have handed over, for want of a
            better one.
        suspect: What the answer looks like, though it was let through.
    """

    __slots__ = ("_invalid", "_limit", "_shown", "_stops", "asks_model", "calls", "kept", "may_stop", "suspect")

    def __init__(self, candidate: Candidate, call: CallState, asked: Asked, output_limit: int | None) -> None:
        super().__init__(candidate, call, asked)
        self._stops = call.request.stop
        self._limit = output_limit
        self.may_stop = output_limit is not None or bool(self._stops)
        # Where bare JSON is wanted, what stands around it goes anyhow.
        self.asks_model = call.ask_about_adverts is not None and asked.format is None
        self._invalid: Sequence[InvalidToolCall] = ()
        self.calls: Sequence[ToolCall] = ()
        self.kept: Batch | None = None
        self.suspect: Outcome | None = None

    @property
    def text(self) -> str:
        """All text of the first choice that was handed over."""
        lane = self._lanes.get(0)
        return "".join(lane.parts) if lane is not None else ""

    @property
    def texts(self) -> list[str]:
        """The text of every choice."""
        return ["".join(lane.parts) for lane in self._lanes.values()]

    @property
    def weight(self) -> int:
        """Characters that came so far of what has a form: of text with calls or JSON in it, and of calls."""
        texts = sum(len(part) for lane in self._lanes.values() for part in lane.raw)
        return texts if self._assembler is None else texts + self._assembler.size

    @property
    def choices(self) -> list[int]:
        """The numbers of the choices that were answered."""
        return sorted({0, *self._lanes, *self.finishes})

    async def consider(self) -> None:
        """Have a model look at the texts, if the settings want it; only the answer's end is still to come."""
        for lane in self._lanes.values():
            await lane.consider()

    @property
    def stopped(self) -> bool:
        """Whether a stop sequence or the output limit has ended every choice."""
        if not self._lanes or not self.may_stop:
            return False
        wanted = 1 if self._candidate.provider is not None else self._call.request.params.get("n", 1)
        return len(self._lanes) >= wanted and all(lane.stopped for lane in self._lanes.values())

    # While it comes ----------------------------------------------------------------------------------------------

    def take(self, events: Batch) -> tuple[Batch, bool]:
        """What of `events` may be handed over now, and whether any of them was content; the rest is held or noted."""
        lane = self._lanes.get(0)
        passed = self._passed(events, lane) if lane is not None and lane.passing else None
        if passed is not None:
            return passed, True
        released: Batch = []
        content = tried = False
        for place, event in enumerate(events, start=1):
            if type(event) is TextDelta:
                content = True
                if self._reasoning:
                    self._flush_reasoning(released)
                lane = self._lanes.get(event.choice) or self._lane(event.choice)
                if self.finishes and event.choice in self.finishes:
                    self._note(AsideDelta(event.text, event.choice, after_finish=True), released)
                    continue
                self._release(lane, *lane.feed(event.text), event.choice, released)
                if lane.passing and not tried and place < len(events) and event.choice == 0:
                    tried = True  # once: a batch that is no plain text to its end has to be walked
                    passed = self._passed(events[place:], lane)
                    if passed is not None:
                        released += passed
                        break
            else:
                content |= self._note(event, released)
        if released and self._aside and self.begun:
            released, self._aside = [*self._aside, *released], None
        return released, content

    def _passed(self, events: Batch, lane: Lane) -> Batch | None:
        """What goes on of a batch of ordinary text of the one choice, in which nothing can begin: the usual batch.

        ``None`` if it is another, and has to go through the filters.
        """
        if self._call.muted or self._aside or self._reasoning or self.finishes or not events:
            return None
        texts = [event.text for event in events if type(event) is TextDelta and event.choice == 0]
        if len(texts) != len(events):
            return None
        cleaner = lane.cleaner
        if cleaner is None:
            lane.parts += texts
            return events
        ends = texts[0], texts[-1]
        if not cleaner.pass_batch(texts):
            return None
        lane.parts += texts
        if (texts[0], texts[-1]) == ends:
            return events
        return [
            event if event.text is text else TextDelta(text)  # type: ignore[union-attr]  # all of them are texts
            for event, text in zip(events, texts, strict=True)
            if text
        ]

    def take_whole(self, events: Batch) -> Batch:
        """The same for all events of a blocking answer at once; only `end` is still to come."""
        released: Batch = []
        texts: dict[int, list[str]] = {}
        for event in events:
            if type(event) is TextDelta:
                parts = texts.get(event.choice)
                if parts is None:
                    texts[event.choice] = [event.text]
                else:
                    parts.append(event.text)
            elif type(event) is Finish:
                self.finishes[event.choice] = event.reason
            elif type(event) is Usage:
                self.usage = event
            elif type(event) is ResponseInfo and self.info is UNTOLD:
                self.info = event
            else:
                self._note(event, released)
        if self._reasoning:
            self._flush_reasoning(released)
        for choice, parts in texts.items():
            lane = self._lanes.get(choice) or self._lane(choice)
            cut = False
            if self._asked.tools:
                cut = self.finish_reason(choice) == "length"
            self._settle(lane, choice, lane.whole("".join(parts), cut=cut), released)
        return released

    def take_text(self, text: str) -> Batch:
        """The same for a blocking answer that is nothing but one text, as that of most providers."""
        released: Batch = []
        cut = bool(self._asked.tools) and self.finish_reason(0) == "length"
        lane = self._lanes.get(0) or self._lane(0)
        self._settle(lane, 0, lane.whole(text, cut=cut), released)
        return released

    def _lane(self, choice: int) -> Lane:
        asked = self._asked
        lane = self._lanes[choice] = Lane(
            self._candidate.name,
            self._call,
            cleaning=self._call.request.cleaning,
            complete=self._ask_about_adverts if self.asks_model else None,
            at_once=not self._call.request.stream and not self.may_stop,
            stops=self._stops,
            output_limit=self._limit,
            make_splitter=asked.splitter if asked.tools else None,
            form=asked.json_stage() if asked.format is not None else None,
            joint=self._joint(self._call.partial) if self._call.partial is not None else None,
            guesses=self._may_guess(),
        )
        return lane

    def _may_guess(self) -> bool:
        """Whether a text that merely reads like a notice may be taken for one.

        Not where it may be right for what came before it: after the result of a tool, which may have failed, beside
        calls and other choices, and in a format.
        """
        request = self._call.request
        return (
            self._asked.format is None
            and not request.tools
            and not request.ends_with_tool_result
            and request.params.get("n", 1) == 1
        )

    def _joint(self, partial: Partial) -> Joint:
        from g4f_integrations.core.transport import trims_answers  # few answers break off

        return partial.joint(trimmed=trims_answers(self._candidate))

    async def _ask_about_adverts(self, question: str) -> str | None:
        ask = self._call.ask_about_adverts
        return None if ask is None else await ask(self._candidate, question)

    def _flush(self, choice: int, lane: Lane, released: Batch) -> Failure | None:
        cut = False
        if self._asked.tools:
            cut = self.finish_reason(choice) == "length"
        text, reasoning, verdict = lane.close(cut=cut)
        if verdict is None:
            self._release(lane, text, reasoning, choice, released)
            return None
        if reasoning:
            self._release_reasoning(ReasoningDelta(reasoning, choice), released)
        lane.parts.append(text)
        return verdict

    # Verdicts on texts -------------------------------------------------------------------------------------------

    def _settle(self, lane: Lane, choice: int, found: tuple[str, str, Failure | None], released: Batch) -> None:
        text, reasoning, verdict = found
        if verdict is None:
            self._release(lane, text, reasoning, choice, released)
            return
        if reasoning:
            self._release_reasoning(ReasoningDelta(reasoning, choice), released)
        lane.parts.append(text)
        self._judge_text(lane, choice, verdict, released)

    def _judge_text(self, lane: Lane, choice: int, verdict: Failure | None, released: Batch) -> None:
        if verdict is None or verdict.kind == "empty":  # emptiness is judged over all of the answer
            return
        text = "".join(lane.parts)
        if not self._stands_whatever_it_says(lane, text):
            if verdict.doubtful:
                self._doubt(verdict, TextDelta(text, choice), released, lane)
            else:
                self._accept_suspect(verdict, text)
        if not self._call.muted:
            released.append(TextDelta(text, choice))

    def _stands_whatever_it_says(self, lane: Lane, text: str) -> bool:
        """Whether a text is no mere notice: beside a picture or calls, cut by a stop of ours, in the form wanted."""
        if self._has_media or self._assembler is not None or lane.stopped:
            return True
        if lane.parsed is not None and (lane.parsed.calls or lane.parsed.invalid):
            return True
        return self._asked.format is not None and lane.problem is None and text.lstrip()[:1] in {"{", "["}

    def _doubt(self, verdict: Failure, text: TextDelta, released: Batch, lane: Lane) -> None:
        """Have a text that reads like a notice asked for elsewhere, once in this call; it rests no route.

        As the rest of an answer that broke off it is never taken.
        """
        call = self._call
        if call.partial is None:
            self.suspect = verdict.kind
            if call.has_doubted:
                return
            call.has_doubted = True
        self.kept = [*(self._aside or ()), *released, text]
        self.removed += lane.removed
        message = f"it reads like a notice: {verdict.message}"
        raise AttemptFailed(Failure("invalid", scope="request", message=message))

    def _accept_suspect(self, verdict: Failure, text: str) -> None:
        """Let a suspect answer stand if another provider gave the very same one, else fail."""
        call = self._call
        if call.suspects is None:
            call.suspects = {}
        text = " ".join(text.split())
        if call.suspects.setdefault(text, self._candidate.name) == self._candidate.name:
            raise AttemptFailed(verdict)
        self.suspect = verdict.kind

    @property
    def filled_window(self) -> bool:
        """Whether the route told that the answer ends because the window is full."""
        return bool(self.finishes) and self.finishes.get(0, "").lower() in WINDOW_FULL

    def finish_reason(self, choice: int) -> str:
        """The finish reason of a choice in OpenAI's terms."""
        lane = self._lanes.get(choice)
        told = self.finishes.get(choice, "stop").lower()
        if lane is not None and self.may_stop and lane.stopped:
            told = "length" if lane.limited else "stop"
        reason = _FINISH_REASONS.get(told, told)
        if reason == "stop" and self.calls and any(call.choice == choice for call in self.calls):
            return "tool_calls"
        return "stop" if reason == "tool_calls" and not (self.calls or self._invalid) else reason
