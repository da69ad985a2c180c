"""Everything this package raises on purpose.

    IntegrationError
    ├── ConfigurationError          the settings contradict each other or name something unknown
    ├── RateLimitError              asked too often; `retry_after` when the route said for how long
    ├── QuotaError                  the account or the free allowance is used up
    ├── AuthenticationError         a key is missing, wrong or not allowed here
    ├── ContextLengthError          the request is too long; `limit` and `requested` when they are known
    ├── ContentFilterError          refused by policy
    ├── ModelNotFoundError          no such model there
    ├── InvalidRequestError         the route refuses the request itself
    ├── ProviderTimeoutError        a clock of ours ran out
    ├── ProviderUnavailableError    network, overload, challenge page, or an unknown fault
    ├── EmptyResponseError          an answer with nothing in it
    ├── ProviderNoticeError         an error or advert delivered as if it were the answer
    ├── StreamInterruptedError      the stream died after text had been handed over
    └── RoutesExhaustedError        every attempt failed, in different ways

Each carries the attempts that were made and says whether asking again can help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from g4f_integrations.core.events import Attempt, ToolCall

_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray")


class IntegrationError(Exception):
    """Base of all errors of this package.

    Attributes:
        kind: The kind of failure, in the words of `core.events.Outcome`, or ``"configuration"``.
        attempts: The attempts made for this call, in order.
        route: ``"Provider:model"`` of the route that failed last, if one was asked.
        retry_after: Seconds that the route asked to wait, if it did.
        is_retryable: Whether the same call may succeed when it is made again.
        status: The HTTP status of the attempt that failed last, ``None`` if it got none.
        body: What that route answered, without credentials and cut to 2,000 characters; ``""`` if nothing is known.
        headers: Request ids, rate limits and waits among its headers, with lower-cased names.
    """

    kind: str = "unknown"
    _retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        attempts: Sequence[Attempt] = (),
        route: str | None = None,
        retry_after: float | None = None,
        kind: str | None = None,
        is_retryable: bool | None = None,
        status: int | None = None,
        body: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.attempts: tuple[Attempt, ...] = tuple(attempts)
        self.route = route
        self.retry_after = retry_after
        if kind is not None:
            self.kind = kind
        self.is_retryable = self._retryable if is_retryable is None else is_retryable
        self.status = status
        self.body = body
        self.headers: dict[str, str] = dict(headers or {})

    @property
    def request_id(self) -> str | None:
        """The id that the route gave the failed request, for asking its operators about it."""
        return next((self.headers[name] for name in _REQUEST_IDS if name in self.headers), None)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way calls the class with `args` alone and would lose the keyword-only state.
        return _rebuild, (type(self), self.message), self.__dict__.copy()


def _rebuild(cls: type[IntegrationError], message: str) -> IntegrationError:
    return cls(message)


class ConfigurationError(IntegrationError, ValueError):
    """The settings contradict each other, or name something that does not exist. Nothing was sent."""

    kind = "configuration"


class RateLimitError(IntegrationError):
    """Asked too often. `retry_after` holds the seconds to wait, where the route told them."""

    kind = "rate_limit"
    _retryable = True


class QuotaError(IntegrationError):
    """The account's balance or the free allowance is used up; waiting a little does not help."""

    kind = "quota"


class AuthenticationError(IntegrationError):
    """A key is missing, wrong, or not allowed to do this."""

    kind = "auth"


class ContextLengthError(IntegrationError):
    """The request is longer than the route can take.

    Attributes:
        limit: The route's limit, in tokens unless the message says otherwise, if known.
        requested: The size of the request in the same unit, if known.
    """

    kind = "context_length"

    def __init__(
        self, message: str = "", *, limit: int | None = None, requested: int | None = None, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.limit = limit
        self.requested = requested


class ContentFilterError(IntegrationError):
    """Refused by a provider's policy. Not routed around unless the user says so."""

    kind = "content_filter"


class ModelNotFoundError(IntegrationError):
    """No candidate serves the model; the message names close matches."""

    kind = "model_not_found"


class InvalidRequestError(IntegrationError):
    """The route refuses the request itself: a bad parameter, role or content."""

    kind = "bad_request"


class ProviderTimeoutError(IntegrationError, TimeoutError):
    """A clock of ours ran out: no answer, no first token, a stall, or the deadline of the whole call."""

    kind = "timeout"
    _retryable = True


class ProviderUnavailableError(IntegrationError):
    """The route could not be reached, is overloaded, answers with a challenge page, or fails in an unknown way.

    `kind` says which: network, overloaded, blocked or unknown.
    """

    _retryable = True


class EmptyResponseError(IntegrationError):
    """The answer held no text, no tool call and no media."""

    kind = "empty"
    _retryable = True


class ProviderNoticeError(IntegrationError):
    """A provider delivered an error or an advert as if it were the answer; `text` is what it said."""

    kind = "notice"
    _retryable = True

    def __init__(self, message: str = "", *, text: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.text = text


class StreamInterruptedError(IntegrationError):
    """The stream died after the first text had been handed over, so it could not be begun again.

    Attributes:
        partial_text: All text that was handed over.
        partial_tool_calls: The complete tool calls among it.
    """

    kind = "interrupted"

    def __init__(
        self,
        message: str = "",
        *,
        partial_text: str = "",
        partial_tool_calls: Sequence[ToolCall] = (),
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.partial_text = partial_text
        self.partial_tool_calls = tuple(partial_tool_calls)


class RoutesExhaustedError(IntegrationError):
    """Every attempt failed, and not all in the same way. The message is a table of the attempts."""

    kind = "unknown"


__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "ContentFilterError",
    "ContextLengthError",
    "EmptyResponseError",
    "IntegrationError",
    "InvalidRequestError",
    "ModelNotFoundError",
    "ProviderNoticeError",
    "ProviderTimeoutError",
    "ProviderUnavailableError",
    "QuotaError",
    "RateLimitError",
    "RoutesExhaustedError",
    "StreamInterruptedError",
]
