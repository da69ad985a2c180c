"""What happens to an answer on its way, as events of LlamaIndex's instrumentation.

Example:
    >>> from llama_index.core.instrumentation import get_dispatcher
    >>> from llama_index.core.instrumentation.event_handlers import BaseEventHandler
    >>> class Told(BaseEventHandler):
    ...     def handle(self, event, **kwargs):
    ...         if isinstance(event, G4FAttemptEvent):
    ...             print(event.provider, event.outcome)
    >>> handler = Told()
    >>> get_dispatcher().add_event_handler(handler)
    >>> from g4f_integrations.llama_index import G4FLLM
    >>> from g4f_integrations.testing import ScriptedProvider
    >>> busy = ScriptedProvider(RuntimeError("429 Too many requests"), name="Busy")
    >>> print(G4FLLM(provider=[busy, ScriptedProvider("hi", name="Idle")]).complete("Hello"))
    Busy rate_limit
    Idle ok
    hi
    >>> get_dispatcher().event_handlers.remove(handler)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.base import BaseEvent
from llama_index_instrumentation.event_handlers import NullEventHandler
from llama_index_instrumentation.span import active_span_id

from g4f_integrations.core.events import AnswerInfo, Attempt, Event, Retrying
from g4f_integrations.errors import IntegrationError

dispatcher = get_dispatcher(__name__)


class G4FAttemptEvent(BaseEvent):
    """One attempt has ended; a failed one is told as soon as the next is decided on.

    Attributes:
        number: Its number within the call, from 1.
        provider: The provider, or the host of an endpoint.
        model: The model that was asked for there.
        outcome: ``"ok"`` or the kind of failure.
        error: What went wrong, without credentials; ``None`` if nothing did.
        seconds: How long it took.
    """

    number: int
    provider: str
    model: str
    outcome: str
    error: str | None = None
    seconds: float = 0.0

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "G4FAttemptEvent"


class G4FResumedEvent(BaseEvent):
    """A stream broke off after something had been handed over, and another attempt carries it on.

    Attributes:
        number: Of the attempt that broke off, from 1.
        provider: Who broke off.
        error: What went wrong, without credentials.
    """

    number: int
    provider: str
    error: str | None = None

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "G4FResumedEvent"


class G4FTrimmedEvent(BaseEvent):
    """A part of the conversation was left out, so that the rest fits the route.

    Attributes:
        report: How many messages were removed and cut, the tokens before and after, and whose limit it was.
    """

    report: dict[str, Any]

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "G4FTrimmedEvent"


class G4FCleanedEvent(BaseEvent):
    """Something was taken out of the answer, or out of earlier answers in the conversation.

    Attributes:
        removed: Each thing with its rule and its text.
    """

    removed: list[dict[str, Any]]

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "G4FCleanedEvent"


class G4FRepairedEvent(BaseEvent):
    """An answer in the wrong form was asked for again, and came right.

    Attributes:
        problems: What was wrong with the earlier ones, one line for each.
    """

    problems: list[str]

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "G4FRepairedEvent"


class G4FAnswerEvent(BaseEvent):
    """An answer is complete.

    Attributes:
        info: What ``ChatResponse.additional_kwargs["g4f"]`` holds: who answered, all attempts, what was trimmed,
            cleaned, dropped, repaired or resumed.
    """

    info: dict[str, Any]

    @classmethod
    def class_name(cls) -> str:
        """The name that handlers see."""
        return "G4FAnswerEvent"


class Reporter:
    """Tells the handlers of one call's attempts and answer; does nothing when nobody listens.

    As a context manager around a call it tells of the attempts of a failed one, too.
    """

    __slots__ = ("_span", "_told", "listening")

    def __init__(self) -> None:
        self.listening = has_listeners()
        self._span = active_span_id.get()  # a stream is read when its span is over
        self._told: list[Attempt] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self.listening and isinstance(error, IntegrationError):
            self._catch_up(error.attempts)

    def hear(self, event: Event) -> None:
        """Tell of a failed attempt that another one follows, and of the answer."""
        if not self.listening:
            return
        if isinstance(event, Retrying):
            self._tell(event.attempt)
            if event.resumes:
                broken = event.attempt
                self._send(G4FResumedEvent(number=len(self._told), provider=broken.provider, error=broken.error))
        elif isinstance(event, AnswerInfo):
            self._catch_up(event.attempts)
            self._tell_answer(event)

    async def ahear(self, event: Event) -> None:
        """`hear`, for callers that await it."""
        self.hear(event)

    def _tell_answer(self, info: AnswerInfo) -> None:
        if info.trimmed:
            self._send(G4FTrimmedEvent(report=dict(info.trimmed)))
        if info.cleaned:
            self._send(G4FCleanedEvent(removed=[dict(one) for one in info.cleaned]))
        problems = [attempt.error or "" for attempt in info.attempts if attempt.outcome == "invalid"]
        if problems and info.suspect != "invalid":
            self._send(G4FRepairedEvent(problems=problems))
        self._send(G4FAnswerEvent(info=info.to_dict()))

    def _send(self, event: BaseEvent) -> None:
        event.span_id = self._span
        dispatcher.event(event)

    def _catch_up(self, attempts: Sequence[Attempt]) -> None:
        """Tell of the attempts that nobody knows of yet; these are all that there were."""
        for attempt in attempts:
            if not any(attempt is told for told in self._told):  # in a race, later ones may end first
                self._tell(attempt)

    def _tell(self, attempt: Attempt) -> None:
        self._told.append(attempt)
        self._send(G4FAttemptEvent(number=len(self._told), **attempt.to_dict()))


def has_listeners() -> bool:
    """Whether anybody is told of events."""
    current = dispatcher
    while True:
        for handler in current.event_handlers:  # no generator: this runs on every call
            if type(handler) is not NullEventHandler:
                return True
        if not current.propagate:
            return False
        current = current.parent
