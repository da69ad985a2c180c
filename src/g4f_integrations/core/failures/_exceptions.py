"""`classify`: whatever an attempt raised → what it means."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._failure import (
    AttemptFailed,
    ClockExpired,
    Failure,
    Scope,
    StreamCut,
    one_line,
    usual_scope,
)
from g4f_integrations.core.failures._numbers import (
    read_figures,
    read_reset_headers,
    read_retry_headers,
    read_wait,
    sane_wait,
)
from g4f_integrations.core.failures._phrases import bounded, kind_of_text

_G4F_STATUS = re.compile(r"^(?:\w*error: )?(?:error|response) (\d{3}):")
_STATUSES = tuple(
    re.compile(source)
    for source in (
        r"^\[?(?:http(?:/\d(?:\.\d)?)? ?)?(?:error:? |status:? |code:? )*([45]\d\d)\b(?=$|[\s:,.\-({<\]])",
        r"\b(?:error|response|status|code|http|api error)(?: code| status)?[:=]? ?[\[(]?([45]\d\d)\b",
        r"""["'](?:status|code|status_?code|error_?code|http_?status)["']\s?:\s?["']?([45]\d\d)\b""",
        r"\b([45]\d\d) (?:client|server) error\b",
        r"\b([45]\d\d) (?:too many requests|bad gateway|service unavailable|gateway time-?out|not found|bad request)",
        r"\b([45]\d\d) (?:internal server error|payment required|unauthorized|forbidden|request entity too large)",
    )
)

_BY_STATUS: dict[int, Outcome] = {
    400: "bad_request",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "model_not_found",
    405: "bad_request",
    408: "timeout",
    409: "overloaded",
    410: "model_not_found",
    413: "context_length",
    414: "context_length",  # prompts that travel in the address
    418: "blocked",
    423: "overloaded",
    424: "overloaded",
    425: "overloaded",
    429: "rate_limit",
    440: "auth",
    451: "auth",
    498: "auth",
    499: "network",
    504: "timeout",
    511: "auth",
    520: "blocked",
    521: "blocked",
    522: "timeout",
    523: "blocked",
    524: "timeout",
    525: "blocked",
    526: "blocked",
    527: "blocked",
    530: "blocked",
    598: "timeout",
}

# Classes whose name settles the matter whatever their text says: texts of transport errors are full of addresses.
_TRANSPORT: dict[str, Outcome] = {
    "CancelledError": "cancelled",
    "GeneratorExit": "cancelled",
    "KeyboardInterrupt": "cancelled",
    "TimeoutError": "timeout",
    "Timeout": "timeout",
    "ReadTimeout": "timeout",
    "ConnectTimeout": "timeout",
    "TimeoutException": "timeout",
    "APITimeoutError": "timeout",
    "ServerTimeoutError": "timeout",
    "DeadlineExceeded": "timeout",
    "GatewayTimeout": "timeout",
    "ClientConnectionError": "network",
    "ClientPayloadError": "network",
    "ConnectionError": "network",
    "gaierror": "network",
    "SSLError": "network",
    "CertificateError": "network",
    "TransportError": "network",
    "NetworkError": "network",
    "ProtocolError": "network",
    "ChunkedEncodingError": "network",
    "IncompleteRead": "network",
    "IncompleteReadError": "network",
    "ProxyError": "network",
    "DNSError": "network",
    "CurlError": "network",
    "HTTPException": "network",
    "EOFError": "network",
    "APIConnectionError": "network",
}
# Classes that stand behind the text and the status.
_NAMED: dict[str, Outcome] = {
    "MissingAuthError": "auth",
    "AuthenticationError": "auth",
    "PermissionDeniedError": "auth",
    "PermissionDenied": "auth",
    "Unauthenticated": "auth",
    "NoValidHarFileError": "auth",
    "PaymentRequiredError": "quota",
    "RateLimitError": "rate_limit",
    "ConversationLimitError": "rate_limit",
    "TooManyRequests": "rate_limit",
    "ResourceExhausted": "rate_limit",
    "CloudflareError": "blocked",
    "ContentTypeError": "blocked",
    "ModelNotFoundError": "model_not_found",
    "ModelNotAllowedError": "model_not_found",
    "NotFoundError": "model_not_found",
    "NotFound": "model_not_found",
    "ContextWindowExceededError": "context_length",
    "ContextOverflowError": "context_length",
    "ContentPolicyViolationError": "content_filter",
    "ContentFilterFinishReasonError": "content_filter",
    "BadRequestError": "bad_request",
    "UnprocessableEntityError": "bad_request",
    "InvalidArgument": "bad_request",
    "StreamNotSupportedError": "bad_request",
    "NoMediaResponseError": "empty",
    "InternalServerError": "overloaded",
    "ServiceUnavailableError": "overloaded",
    "ServiceUnavailable": "overloaded",
    "OSError": "network",
    "ClientError": "network",
    "RequestException": "network",
    "RequestsError": "network",
}
_KINDS = frozenset(get_args(Outcome)) - {"ok"}
_WITH_FIGURES = frozenset({"context_length", "rate_limit", "bad_request", "quota"})
_WITH_WAIT = frozenset({"rate_limit", "quota", "overloaded", "context_length", "timeout", "blocked", "unknown"})
# Our own class of g4f's mishap on a good answer that is neither JSON nor an event stream, and on one without choices.
_NEITHER_JSON = "the provider answered with neither JSON nor an event stream"
_NO_CHOICES = "the provider answered without choices"
_CAUSES = 5


def _look(thing: object, name: str) -> Any:
    """The attribute, or ``None``: properties of foreign exceptions may raise anything."""
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _status_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return int(value) if isinstance(value, int) and 100 <= value <= 599 else None


def _status_of(error: BaseException) -> int | None:
    response = _look(error, "response")
    for owner, name in ((error, "status"), (error, "status_code"), (response, "status_code"), (response, "status")):
        status = _status_number(_look(owner, name))
        if status is not None:
            return status
    return _status_number(_look(error, "code"))


def _status_in(lowered: str) -> int | None:
    found = _G4F_STATUS.match(lowered)
    if found is not None:
        return int(found[1])
    for pattern in _STATUSES:
        found = pattern.search(lowered)
        if found is not None:
            return int(found[1])
    return None


def _headers_of(error: BaseException) -> dict[str, str]:
    for owner in (error, _look(error, "response")):
        headers = _look(owner, "headers")
        if isinstance(headers, Mapping):
            try:
                return {str(name).lower(): str(value) for name, value in headers.items()}
            except Exception:
                return {}
    return {}


def _body_of(error: BaseException) -> str:
    """The answer's body, where the exception holds it already; nothing is read from a socket."""
    body = _look(error, "body")
    if body is None:
        body = _look(error, "doc")  # json.JSONDecodeError keeps what it could not read
    if isinstance(body, bytes | bytearray):
        return bytes(body[:8000]).decode("utf-8", "replace")
    if isinstance(body, str):
        return body
    if isinstance(body, dict | list):
        try:
            return json.dumps(body, ensure_ascii=False, default=str)
        except Exception:
            return ""
    return ""


def _class_names(error: BaseException) -> list[str]:
    return [cls.__name__ for cls in type(error).__mro__ if cls not in {BaseException, Exception, object}]


def _scope(kind: Outcome, lowered: str) -> Scope:
    if kind in {"rate_limit", "overloaded"} and re.search(
        r"\bmodel\b[^\n]{0,80}\b(?:overloaded|at capacity|loading|busy)|for (?:the )?model|_per_model|permodel", lowered
    ):
        return "model"
    return usual_scope(kind)


def readable(text: str) -> str:
    """The heart of an error's text for people: the message of a JSON body, the title of a page; one scrubbed line."""
    head = text[:8000]
    page = re.search(r"<(?:!doctype|html|head|body|title)\b", head[:2000], re.IGNORECASE)
    if page is not None:
        title = re.search(r"<title[^>]{0,200}>([^<]{1,300})", head, re.IGNORECASE)
        return one_line(f"{head[: page.start()]}an HTML page{f': {title[1].strip()}' if title else ''}")
    brace = head.find("{")
    if brace >= 0 and len(text) <= len(head):
        try:
            found = json.loads(head[brace:])
        except (ValueError, RecursionError):
            return one_line(head)
        message = _message_in(found)
        if message:
            return one_line(f"{head[:brace]}{message}")
    return one_line(head)


def _message_in(found: object, depth: int = 0) -> str:
    if isinstance(found, str):
        return found
    if isinstance(found, dict) and depth < 4:
        for name in ("error", "message", "detail", "msg", "error_description"):
            message = _message_in(found.get(name), depth + 1)
            if message:
                return message
    return ""


def _kind_of(lowered: str, status: int | None, names: list[str]) -> Outcome:
    """The kind by evidence in falling order: transport class, plain words, status, class, vague words."""
    for name in names:
        if name in _TRANSPORT and not (status is not None and status >= 400):
            return _TRANSPORT[name]
    limit, requested = read_figures(lowered)
    strong = kind_of_text(lowered, strong=True)
    if strong in {"rate_limit", "quota"} and limit is not None and requested is not None and requested > limit:
        return "context_length"  # waiting never makes room for it
    if strong is not None:
        return strong
    if status is not None and (status in _BY_STATUS or status >= 500) and status != 400:
        return _BY_STATUS.get(status, "overloaded")
    named = next((_NAMED[name] for name in names if name in _NAMED), None)
    if named is not None and named != "network":
        return named
    weak = kind_of_text(lowered, strong=False)
    if status is not None and 400 <= status < 500:
        return weak if weak in {"auth", "model_not_found"} else "bad_request"
    return weak or named or "unknown"


def _assemble(text: str, *, status: int | None, names: list[str], headers: dict[str, str], said: str) -> Failure:
    lowered = " ".join(bounded(text).lower().replace("\u2019", "'").split())
    if status is None or status < 400:
        status = _status_in(lowered) or status
    kind = _kind_of(lowered, status, names)
    limit, requested = read_figures(lowered) if kind in _WITH_FIGURES else (None, None)
    if kind in {"bad_request", "quota"} and (limit is None or requested is None):
        limit = requested = None
    retry_after = None
    if kind in _WITH_WAIT:
        retry_after = read_retry_headers(headers)
        if retry_after is None:
            retry_after = read_wait(lowered)
        if retry_after is None and kind in {"rate_limit", "overloaded"}:
            retry_after = read_reset_headers(headers)
    return Failure(
        kind=kind,
        retry_after=retry_after,
        limit=limit,
        requested=requested,
        scope=_scope(kind, lowered),
        message=said,
        status=status,
    )


def classify_text(text: str) -> Failure:
    """What an error of which only the text is known means."""
    return _assemble(text, status=None, names=[], headers={}, said=readable(text))


def _own(error: BaseException) -> Failure | None:
    """The failure of an exception that already says what it is."""
    if isinstance(error, AttemptFailed):
        return error.failure
    if isinstance(error, ClockExpired):
        return Failure("timeout", message=one_line(_text_of(error)) or "a clock ran out")
    if isinstance(error, StreamCut):
        return Failure("interrupted", message=one_line(_text_of(error)) or "the stream ended without a finish")
    kind = _look(error, "kind")
    if isinstance(kind, str) and kind in _KINDS:  # this package's own errors, raised again by a provider
        outcome: Outcome = next(known for known in get_args(Outcome) if known == kind)
        figures = [value if isinstance(value := _look(error, name), int) else None for name in ("limit", "requested")]
        return Failure(
            outcome,
            retry_after=_given_wait(error),
            limit=figures[0],
            requested=figures[1],
            scope=usual_scope(outcome),
            message=readable(_text_of(error)),
            status=_status_of(error),
        )
    return None


def _given_wait(error: BaseException) -> float | None:
    value = _look(error, "retry_after")
    if isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value):
        return sane_wait(float(value))
    return None


def _mishap(error: BaseException, text: str) -> Failure | None:
    """g4f's own stumbles over answers that it did not expect."""
    if isinstance(error, UnboundLocalError) and "'model'" in text:
        return Failure("blocked", message=_NEITHER_JSON)
    if isinstance(error, AttributeError | TypeError | IndexError) and ("'NoneType'" in text or "index out of" in text):
        return Failure("empty", message=_NO_CHOICES)
    if isinstance(error, KeyError) and "choices" in text:
        return Failure("empty", message=_NO_CHOICES)
    return None


def _classify_exception(error: BaseException, depth: int) -> Failure:
    own = _own(error)
    if own is not None:
        return own
    text = _text_of(error)
    mishap = _mishap(error, text)
    if mishap is not None:
        return mishap
    names = _class_names(error)
    body = _body_of(error)
    title = names[0] if names else type(error).__name__
    said = readable(body or text)
    if title not in {"HTTPFailure", "RuntimeError"} or not said:
        said = one_line(f"{title}: {said}" if said else title)
    evidence = text if body in text else f"{body}\n{text}"
    failure = _assemble(
        body if title == "HTTPFailure" else evidence,
        status=_status_of(error),
        names=names,
        headers=_headers_of(error),
        said=said,
    )
    given = _given_wait(error)
    if given is not None:
        failure = replace(failure, retry_after=given)
    if failure.kind == "unknown" and depth < _CAUSES:
        cause = _cause_of(error)
        if cause is not None:
            deeper = _classify_exception(cause, depth + 1)
            if deeper.kind not in {"unknown", "cancelled"}:
                return replace(deeper, message=failure.message or deeper.message)
    return failure


def _cause_of(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup) and error.exceptions:
        inner: BaseException = error.exceptions[0]
        return inner
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


def classify(error: BaseException | str) -> Failure:
    """What a failed attempt means; never raises.

    Evidence counts in falling order: exceptions of our own that say their kind; the classes of transport errors;
    plain words of the text ("insufficient_quota" stands against a 429); the HTTP status, as an attribute or as g4f
    writes it (``Error 429: …``); the class; vague words. Exceptions of g4f and of HTTP libraries are recognised by
    the names of their classes, so that none of these libraries is imported. Waits are read from ``Retry-After`` and its
    kin where the exception carries headers, and from the text. Of giant texts the start and the end are read.

    Args:
        error: What was raised, or the text of an error.

    Returns:
        The failure; its `kind` is ``"unknown"`` when nothing is recognised.

    Example:
        >>> failure = classify("Error 429: Rate limit reached. Please try again in 1m30s.")
        >>> failure.kind, failure.retry_after, failure.status
        ('rate_limit', 90.0, 429)
    """
    try:
        return classify_text(error) if isinstance(error, str) else _classify_exception(error, 0)
    except Exception as fault:  # a fault of ours while an error is handled must not replace that error
        return Failure("unknown", message=one_line(f"{type(error).__name__} (unreadable: {type(fault).__name__})"))
