"""The attempts of a failed call → the one error that tells the user what happened and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from g4f_integrations.core.events import Attempt
from g4f_integrations.core.failures import Failure
from g4f_integrations.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    EmptyResponseError,
    IntegrationError,
    InvalidRequestError,
    ModelNotFoundError,
    ProviderNoticeError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    QuotaError,
    RateLimitError,
    RoutesExhaustedError,
    StreamInterruptedError,
)

_ERRORS: dict[str, type[IntegrationError]] = {
    "rate_limit": RateLimitError,
    "context_length": ContextLengthError,
    "auth": AuthenticationError,
    "quota": QuotaError,
    "content_filter": ContentFilterError,
    "model_not_found": ModelNotFoundError,
    "bad_request": InvalidRequestError,
    "timeout": ProviderTimeoutError,
    "empty": EmptyResponseError,
    "notice": ProviderNoticeError,
    "interrupted": StreamInterruptedError,
}

_STOPS = (".", "!", "?", "…")
_ADVICE = {
    "rate_limit": "Wait, add providers or models to rotate over, or raise Resilience(max_retry_after=…).",
    "context_length": "Shorten the conversation, or add a route with a larger context window.",
    "auth": "Check the api_key of this route; other routes were not given it.",
    "quota": "The allowance of this route is used up; add routes to rotate over.",
    "content_filter": "Resilience(rotate_on_content_filter=True) asks other routes nevertheless.",
    "model_not_found": "Check the model's name on this route.",
    "bad_request": "The route refuses the request itself; the message says why.",
    "timeout": "Raise the timeout, or add routes to rotate over.",
}

# What g4f's API server says of every failure that it has no status for, of conversations that are too long, too.
_HIDES_CAUSE = "Request execution failed"
_HIDDEN = "g4f's API server does not tell the cause; it stands in its log."


def error_for(attempts: Sequence[Attempt], failures: Sequence[Failure], label: str) -> IntegrationError:
    """The error of a call whose attempts all failed.

    Args:
        attempts: All attempts, in order.
        failures: What each of them failed with.
        label: Route of the newest attempt.
    """
    kinds = {failure.kind for failure in failures} - {"cancelled"}
    last = failures[-1]
    details: dict[str, Any] = {
        "attempts": attempts,
        "route": label,
        "retry_after": _soonest(attempts, failures),
        **_answer_of(last),
    }
    message = _message(attempts, last)
    if len(kinds) > 1 and last.kind != "content_filter":
        return RoutesExhaustedError(message, is_retryable=False, **details)
    if len(attempts) > 1:
        details["is_retryable"] = False  # the rotation has done what another call would do
    kind = _ERRORS.get(last.kind, ProviderUnavailableError)
    details["kind"] = last.kind
    if kind is ContextLengthError:
        limits = [failure.limit for failure in failures if failure.limit is not None]
        return ContextLengthError(message, limit=max(limits, default=None), requested=last.requested, **details)
    if kind is ProviderNoticeError:
        return ProviderNoticeError(message, text=last.message, **details)
    return kind(message, **details)


def _answer_of(failure: Failure) -> dict[str, Any]:
    """What the route of the newest attempt answered over HTTP."""
    return {"status": failure.status, "body": failure.body, "headers": failure.headers}


def _soonest(attempts: Sequence[Attempt], failures: Sequence[Failure]) -> float | None:
    """The shortest of the waits that the routes asked for last: another call can help when that is over."""
    asked = {
        (attempt.provider, attempt.model): failure.retry_after
        for attempt, failure in zip(attempts, failures, strict=True)
        if failure.retry_after is not None
    }
    return min(asked.values(), default=None)


def interruption(
    attempts: Sequence[Attempt], failure: Failure, label: str, *, text: str, calls: Sequence[Any]
) -> StreamInterruptedError:
    """The error of a stream that died after something had been handed over."""
    message = f"{label} broke off after {len(text)} characters ({failure.kind}): {failure.message}"
    if len(attempts) > 1:
        message = f"{message}\n{_table(attempts)}"
    return StreamInterruptedError(
        message,
        partial_text=text,
        partial_tool_calls=calls,
        attempts=attempts,
        route=label,
        retry_after=failure.retry_after,
        **_answer_of(failure),
    )


def _message(attempts: Sequence[Attempt], last: Failure) -> str:
    advice = _HIDDEN if _HIDES_CAUSE in last.message else _ADVICE.get(last.kind, "")
    if len(attempts) == 1:
        only = attempts[0]
        said = f"{_label(only)} failed ({last.kind}){': ' if last.message else '.'}{last.message}"
        if not advice:
            return said
        return f"{said if said.endswith(_STOPS) else f'{said}.'} {advice}"
    head = f"All {len(attempts)} attempts failed."
    same = all(attempt.outcome == last.kind for attempt in attempts)
    return "\n".join([f"{head} {advice}".rstrip() if same else head, _table(attempts)])


def _table(attempts: Sequence[Attempt]) -> str:
    rows = [("", "route", "outcome", "seconds", "what was said")]
    rows += [
        (
            str(number),
            _label(attempt),
            attempt.outcome,
            f"{attempt.seconds:.2f}",
            " ".join((attempt.error or "").split()),
        )
        for number, attempt in enumerate(attempts, start=1)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
        for row in rows
    )


def _label(attempt: Attempt) -> str:
    return f"{attempt.provider}:{attempt.model}" if attempt.model else attempt.provider
