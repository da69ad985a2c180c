"""What comes with an answer's text: reasoning, tool calls, media, sources, and what the route says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from g4f_integrations.core.asking import Asked
from g4f_integrations.core.call_state import CallState
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.events import (
    AsideDelta,
    Batch,
    Event,
    Finish,
    Logprobs,
    Media,
    ReasoningDelta,
    ResponseInfo,
    Sources,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from g4f_integrations.core.lane import Lane

if TYPE_CHECKING:  # loaded with the first tool call
    from g4f_integrations.core.assembly import ToolCallAssembler
    from g4f_integrations.core.cleaning import CleaningStream, Removed

UNTOLD = ResponseInfo()
"""What a route that says nothing of itself has said; never changed."""


class Accompaniment(ABC):
    """What of an attempt's answer is no text, noted as it comes; `core.incoming` adds the text.

    Args:
        candidate: Whose answer it is.
        call: What the attempts of the call share.
        asked: What the route was asked, and the form that its answer must have.

    Attributes:
        begun: Whether text, tool calls or media have left the filters.
        finishes: The finish reasons that the route told.
        info: What the route said of itself.
        removed: What was cleaned away, known at the end.
        sources: Sources that it named.
        usage: What it cost, if the route told.
    """

    __slots__ = (
        "_aside", "_asked", "_assembler", "_call", "_candidate", "_has_media", "_lanes", "_reasoning", "_thoughts",
        "begun", "finishes", "info", "removed", "sources", "usage",
    )  # fmt: skip

    def __init__(self, candidate: Candidate, call: CallState, asked: Asked) -> None:
        self._candidate = candidate
        self._call = call
        self._asked = asked
        self._lanes: dict[int, Lane] = {}
        self._assembler: ToolCallAssembler | None = None
        self._aside: Batch | None = None  # what goes with the text, and waits for it
        self._has_media = False
        self._reasoning: dict[int, CleaningStream] | None = None  # what cleans the reasoning of each choice
        self._thoughts: list[str] = []  # the reasoning of the first choice
        self.begun = False
        self.removed: list[Removed] = []
        self.finishes: dict[int, str] = {}
        self.info = UNTOLD
        self.sources: list[dict[str, Any]] = []
        self.usage: Usage | None = None

    @property
    def has_media(self) -> bool:
        """Whether pictures, sound or video are part of it."""
        return self._has_media

    @abstractmethod
    def _lane(self, choice: int) -> Lane:
        """The filters of a choice whose text begins."""

    def _release(self, lane: Lane, text: str, reasoning: str, choice: int, released: Batch) -> None:
        if reasoning:
            self._release_reasoning(ReasoningDelta(reasoning, choice), released)
        if text:
            lane.parts.append(text)
            if not self._call.muted:
                released.append(TextDelta(text, choice))
            self.begun = True

    def _note(self, event: Event, released: Batch) -> bool:
        """Take an event that is no text; whether it is content, which keeps the stall clock from running out."""
        match event:
            case ReasoningDelta():
                self._note_reasoning(event, released)
                return True
            case AsideDelta():
                lane = self._lanes.get(event.choice) or self._lane(event.choice)
                self._release(lane, *lane.feed(event.text, event), event.choice, released)
                return True
            case ToolCallDelta():
                self._note_call(event)
                return True
            case Media():
                self._note_media(event, released)
                return True
            case Usage():
                self.usage = event
            case Finish():
                self.finishes[event.choice] = event.reason
            case Sources():
                self.sources += event.items
                self._set_aside(event)
            case Logprobs():
                self._set_aside(event)
            case ResponseInfo():
                self._merge_info(event)
            case _:
                pass
        return False

    def _note_reasoning(self, event: ReasoningDelta, released: Batch) -> None:
        cleaning = self._call.request.cleaning
        if cleaning is not None:
            if self._reasoning is None:
                self._reasoning = {}
            stream = self._reasoning.get(event.choice)
            if stream is None:
                prompt = self._call.prompt
                stream = cleaning.stream(provider=self._candidate.name, prompt=prompt, notices=False, report=False)
                self._reasoning[event.choice] = stream
            event = ReasoningDelta(stream.feed(event.text), event.choice)
        if event.text:
            self._release_reasoning(event, released)

    def _release_reasoning(self, event: ReasoningDelta, released: Batch) -> None:
        if event.choice == 0:
            self._thoughts.append(event.text)
        if not self._call.hides_reasoning:
            released.append(event)

    def _flush_reasoning(self, released: Batch) -> None:
        """What the cleaning of the reasoning still held; it goes before the text."""
        streams, self._reasoning = self._reasoning, None
        for choice, stream in (streams or {}).items():
            rest = stream.flush()
            self.removed += stream.removed
            if rest:
                self._release_reasoning(ReasoningDelta(rest, choice), released)

    def _note_call(self, event: ToolCallDelta) -> None:
        if self._assembler is None:
            from g4f_integrations.core.assembly import ToolCallAssembler  # many answers hold no call

            self._assembler = ToolCallAssembler(self._asked.tools)
        self._assembler.feed(event)

    def _set_aside(self, event: Event) -> None:
        if self._aside is None:
            self._aside = []
        self._aside.append(event)

    def _note_media(self, event: Media, released: Batch) -> None:
        for choice, lane in self._lanes.items():
            self._release(lane, lane.interrupt(), "", choice, released)  # beside a picture it is no mere notice
        self._has_media = self.begun = True
        if self._call.muted:
            self._set_aside(event)
        else:
            released.append(event)

    def _merge_info(self, event: ResponseInfo) -> None:
        if self.info is UNTOLD:
            self.info = ResponseInfo(event.model, event.provider, event.id, dict(event.headers), dict(event.extra))
            return
        info = self.info
        info.model = event.model or info.model
        info.provider = event.provider or info.provider
        info.id = info.id or event.id
        info.headers.update(event.headers)
        info.extra.update(event.extra)
