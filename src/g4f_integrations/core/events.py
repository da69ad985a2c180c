"""The small typed events that every answer is made of.

One answer is one stream of these objects; a blocking answer is the same stream, folded. Layers hand them on in
lists (one list per read from upstream), so that the cost of a layer is paid per read and not per event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal[
    "ok",
    "rate_limit",
    "context_length",
    "auth",
    "quota",
    "content_filter",
    "model_not_found",
    "bad_request",
    "timeout",
    "network",
    "overloaded",
    "blocked",
    "empty",
    "notice",
    "invalid",
    "interrupted",
    "cancelled",
    "unknown",
]
"""How one attempt ended: ``"ok"`` or the kind of its failure.

``"invalid"`` is an answer that is not in the form asked for: a tool call that breaks its schema, no call where one was
demanded, JSON that breaks its schema.
"""


class _Record:
    """Equality and repr by fields, written once: generated for every class they are half of this import's time."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # mypy knows no other way to say that events have none

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({shown})"


@dataclass(slots=True, eq=False, repr=False)
class TextDelta(_Record):
    """A piece of the answer's text; `choice` counts from 0 when several answers were asked for (``n > 1``)."""

    text: str
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class AsideDelta(_Record):
    """A piece of text that the route itself sets apart: in an event marked as an advert, or behind its finish reason.

    Where answers are cleaned it may be dropped; elsewhere it is text like any other.
    """

    text: str
    choice: int = 0
    event_id: str | None = None
    model: str | None = None
    after_finish: bool = False


@dataclass(slots=True, eq=False, repr=False)
class ReasoningDelta(_Record):
    """A piece of the model's reasoning, which is shown apart from the answer."""

    text: str
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class ToolCallDelta(_Record):
    """A fragment of a tool call, as it came over the wire.

    `index` says which call of the answer it belongs to; `id` and `name` stand on the first fragment only, and
    `arguments` is a piece of JSON text.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class ToolCall(_Record):
    """One complete call of a tool: `arguments` is the parsed JSON object."""

    id: str
    name: str
    arguments: dict[str, Any]
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class InvalidToolCall(_Record):
    """A tool call whose arguments are no JSON object; `arguments` is the raw text and `error` says what is wrong."""

    id: str
    name: str
    arguments: str
    error: str
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class Usage(_Record):
    """Tokens of one answer, always whole numbers; `details` keeps what else the route told (cached, reasoning …)."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    details: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Media(_Record):
    """Pictures, sound or video inside an answer.

    `items` are URLs or ``data:`` URIs, `text` is what a text-only reader sees instead (markdown).
    """

    kind: Literal["image", "audio", "video"]
    items: list[str]
    text: str = ""
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class Sources(_Record):
    """Where the answer's facts come from: dicts with ``url`` and, where known, ``title`` and ``snippet``."""

    items: list[dict[str, Any]]


@dataclass(slots=True, eq=False, repr=False)
class Logprobs(_Record):
    """Token log-probabilities in OpenAI's form (a list of token dicts)."""

    content: list[dict[str, Any]]
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class ResponseInfo(_Record):
    """What the route says about itself: the model that really answers, the answer's id, headers worth keeping."""

    model: str | None = None
    provider: str | None = None
    id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Finish(_Record):
    """The answer is complete; `reason` in OpenAI's terms: stop, length, tool_calls, content_filter."""

    reason: str
    choice: int = 0


@dataclass(slots=True, eq=False, repr=False)
class Attempt(_Record):
    """One call of a provider's method or one HTTP completion request, as the metadata show it.

    Attributes:
        provider: The provider's name, or the host of an endpoint.
        model: The model that was asked for on that route.
        outcome: ``"ok"`` or the kind of failure.
        error: One scrubbed line on what went wrong, ``None`` if all went well.
        seconds: From the start of the attempt to its end.
    """

    provider: str
    model: str
    outcome: Outcome
    error: str | None = None
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The attempt as a plain dict, with the keys provider, model, outcome, error, seconds."""
        return {
            "provider": self.provider,
            "model": self.model,
            "outcome": self.outcome,
            "error": self.error,
            "seconds": round(self.seconds, 4),
        }


@dataclass(slots=True, eq=False, repr=False)
class Retrying(_Record):
    """Sent before the engine tries again.

    Attributes:
        attempt: The one that failed.
        state: tenacity's ``RetryCallState``.
        resumes: Whether the next attempt carries on an answer of which something has been handed over.
    """

    attempt: Attempt
    state: Any
    resumes: bool = False


@dataclass(slots=True, eq=False, repr=False)
class AnswerInfo(_Record):
    """The last event of every answer: the truth about how it came to be.

    Attributes:
        provider: Who really answered.
        model: The model that really answered.
        attempts: All attempts, the successful one included, in order.
        tools: ``"native"``, ``"prompt"`` or ``None`` when no tools were offered.
        structured: ``"native"``, ``"prompt"`` or ``None`` when no JSON format was asked for.
        trimmed: What was taken out of the history, or ``None``.
        cleaned: What was taken out of the answer.
        dropped: Parameters that the route could not take.
        lowered: Limits of the answer that were lowered to what the route can write, by their names.
        flattened: Whether roles were folded into text because the route lacks them.
        sources: Sources that the route named.
        resumed: How often the stream was carried on by another route.
        usage_estimated: Whether the usage is our own estimate.
        side_calls: Calls made on behalf of this one, with budgets of their own.
        suspect: The kind of failure that the answer looks like, though two attempts brought it or nobody did better,
            else ``None``; with ``"empty"`` there was reasoning alone, which is taken for the text.
        response_id: The route's own id of the answer, if any.
        headers: Request ids and rate limits among the answer's headers, with lower-cased names.
        extra: Further facts told by the route (``system_fingerprint`` …).
    """

    provider: str
    model: str
    attempts: tuple[Attempt, ...]
    tools: Literal["native", "prompt"] | None = None
    structured: Literal["native", "prompt"] | None = None
    trimmed: dict[str, Any] | None = None
    cleaned: list[dict[str, Any]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    lowered: dict[str, int] = field(default_factory=dict)
    flattened: bool = False
    sources: list[dict[str, Any]] = field(default_factory=list)
    resumed: int = 0
    usage_estimated: bool = False
    side_calls: list[dict[str, Any]] = field(default_factory=list)
    suspect: str | None = None
    response_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The ``g4f`` entry of the answer's metadata: plain data that JSON can hold."""
        info: dict[str, Any] = {
            "provider": self.provider,
            "model": self.model,
            "attempts": list(map(Attempt.to_dict, self.attempts)),
            "tools": self.tools,
            "trimmed": self.trimmed,
            "cleaned": self.cleaned,
            "dropped": self.dropped,
            "flattened": self.flattened,
            "sources": self.sources,
            "resumed": self.resumed,
            "usage_estimated": self.usage_estimated,
            "side_calls": self.side_calls,
        }
        if self.lowered:
            info["lowered"] = self.lowered
        if self.structured is not None:
            info["structured"] = self.structured
        if self.suspect is not None:
            info["suspect"] = self.suspect
        if self.headers:
            info["headers"] = self.headers
        return info


Event: TypeAlias = (
    TextDelta
    | AsideDelta
    | ReasoningDelta
    | ToolCallDelta
    | ToolCall
    | InvalidToolCall
    | Usage
    | Media
    | Sources
    | Logprobs
    | ResponseInfo
    | Finish
    | Retrying
    | AnswerInfo
)
Batch: TypeAlias = list[Event]
"""The events of one read from upstream."""
