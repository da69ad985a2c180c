"""What a failed attempt is, and the exceptions by which the rooms of `core` tell each other of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from g4f_integrations.core.credentials import Secret, scrub
from g4f_integrations.core.events import Outcome

Scope: TypeAlias = Literal["request", "key", "model", "provider", "everyone"]
"""Whom a failure concerns: this request alone, the key, the model on that route, the whole provider, or all routes."""

MESSAGE_LIMIT = 300
BODY_LIMIT = 2_000
_SHOWN_BODY = 160


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on one attempt.

    Attributes:
        kind: The kind, one of the words of `core.events.Outcome` (never ``"ok"``).
        retry_after: Seconds that the route asked to wait, ``None`` when it did not say.
        limit: The limit that was hit, in tokens or requests, when the text tells it.
        requested: What was asked for, in the unit of `limit`; output that was reserved counts.
        scope: Whom the failure concerns.
        message: One scrubbed line of at most 300 characters for people.
        status: The HTTP status, when one is known.
        body: What the route answered, scrubbed and cut to 2,000 characters; ``""`` when it is not known.
        headers: The answer's headers that are worth showing (request ids, rate limits), with lower-cased names.
        doubtful: Whether it may be an answer all the same: a text that nobody has seen yet reads like a notice.
    """

    kind: Outcome
    retry_after: float | None = None
    limit: int | None = None
    requested: int | None = None
    scope: Scope = "provider"
    message: str = ""
    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    doubtful: bool = False

    def masking(self, secrets: Iterable[Secret | None]) -> Failure:
        """This failure without the credentials `secrets`, which the route may have echoed."""
        known = [*secrets]
        return replace(
            self,
            message=scrub(self.message, known),
            body=scrub(self.body, known, limit=BODY_LIMIT),
            headers={name: scrub(value, known) for name, value in self.headers.items()},
        )


class HTTPFailure(Exception):  # noqa: N818 - an event of the engine, not an error for users
    """An HTTP answer with an error status, or an error object inside a good one.

    Attributes:
        status: The HTTP status.
        body: The answer's text, as much of it as was read.
        headers: The answer's headers, with lower-cased names.
        mended: Whether the next request on this route will be another one, so that it may follow at once.
    """

    mended = False

    def __init__(self, status: int, body: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body, headers)
        self.status = status
        self.body = body
        self.headers: dict[str, str] = {name.lower(): value for name, value in (headers or {}).items()}

    def __str__(self) -> str:
        return f"HTTP {self.status}: {one_line(self.body, _SHOWN_BODY)}"

    def __repr__(self) -> str:
        # Exception's own repr would show the raw body and the headers.
        return f"HTTPFailure({self.status})"


class AttemptFailed(Exception):  # noqa: N818 - an event of the engine, not an error for users
    """Carries a failure that is already classified, and whether the same route should be asked again at once."""

    def __init__(self, failure: Failure, *, again: bool = False) -> None:
        super().__init__(failure)
        self.failure = failure
        self.again = again

    def __str__(self) -> str:
        return f"{self.failure.kind}: {self.failure.message}"


class ClockExpired(Exception):  # noqa: N818 - an event of the engine, not an error for users
    """One of our clocks ran out; the message says which and after how many seconds."""


class StreamCut(Exception):  # noqa: N818 - an event of the engine, not an error for users
    """The stream ended without a finish: what came may be half an answer."""


_SCOPES: dict[Outcome, Scope] = {
    "context_length": "request",
    "bad_request": "request",
    "content_filter": "request",
    "cancelled": "request",
    "auth": "key",
    "quota": "key",
    "model_not_found": "model",
}


def usual_scope(kind: Outcome) -> Scope:
    """Whom a failure of that kind concerns unless its text says more."""
    return _SCOPES.get(kind, "provider")


def one_line(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """`text` on one line, scrubbed of credentials and cut to `limit` characters."""
    return scrub(" ".join(text[: limit * 8].split()), limit=limit)
