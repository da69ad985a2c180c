"""`classify`: whatever an attempt raised → what it means."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import get_args

from g4f_integrations.core.credentials import scrub
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._classes import BY_STATUS, CLASS_WEIGHTS, NAMED, STATUS_WEIGHTS, TRANSPORT
from g4f_integrations.core.failures._concepts import plain_words, weigh_concepts
from g4f_integrations.core.failures._evidence import (
    body_of,
    class_names,
    headers_of,
    look,
    readable,
    status_in,
    status_of,
    text_of,
)
from g4f_integrations.core.failures._failure import (
    BODY_LIMIT,
    AttemptFailed,
    ClockExpired,
    Failure,
    Scope,
    StreamCut,
    one_line,
    usual_scope,
)
from g4f_integrations.core.failures._headers import kept_headers
from g4f_integrations.core.failures._lengths import read_lengths, read_ratio
from g4f_integrations.core.failures._numbers import (
    read_figures,
    read_reset_headers,
    read_retry_headers,
    read_wait,
    sane_wait,
)
from g4f_integrations.core.failures._phrases import bounded, kind_of_text, tells_of, unescaped

_KINDS = frozenset(get_args(Outcome)) - {"ok"}
_WITH_FIGURES = frozenset({"context_length", "rate_limit", "bad_request", "quota"})
_WITH_WAIT = frozenset({"rate_limit", "quota", "overloaded", "context_length", "timeout", "blocked", "unknown"})
# Our own class of g4f's mishap on a good answer that is neither JSON nor an event stream, and on one without choices.
_NEITHER_JSON = "the provider answered with neither JSON nor an event stream"
_NO_CHOICES = "the provider answered without choices"
_CAUSES = 5
_REFUSALS = frozenset({"auth", "model_not_found", "bad_request"})  # what vague words may say of a status below 500
_BOTH_SIZES = 3  # what it weighs that two sizes in tokens are told, one of them greater
_VAGUE = 3  # what a vague phrase weighs against concepts
# What concepts cannot make of a server's own failure (5xx): kinds that end the call or take a key out of service.
_NOT_OF_A_SERVER: tuple[Outcome, ...] = ("content_filter", "bad_request", "auth", "quota")
# Sizes of what is no text are counted in bytes and pixels, never in tokens.
_NO_TEXT = re.compile(
    r"\b(?:image|picture|photo|video|audio|file|attachment|pdf|screenshot|upload|pixel|byte|[kmg]i?b\b)"
)
# aiohttp's family for answers that are no sound HTTP; it hands them on as refusals of ours, with status 400.
_MALFORMED = "HttpProcessingError"


def _scope(kind: Outcome, lowered: str) -> Scope:
    if kind in {"rate_limit", "overloaded"} and re.search(
        r"\bmodel\b[^\n]{0,80}\b(?:overloaded|at capacity|loading|busy)|for (?:the )?model|_per_model|permodel", lowered
    ):
        return "model"
    return usual_scope(kind)


def _kind_of(text: str, lowered: str, status: int | None, names: list[str]) -> Outcome:
    """The kind by evidence in falling order: transport class, plain words, then all that is left, weighed."""
    if status is None or status < 400:
        carried = next((TRANSPORT[name] for name in names if name in TRANSPORT), None)
        if carried is not None:
            return carried
    strong = kind_of_text(lowered, strong=True)
    if strong in {"rate_limit", "quota"}:
        limit, requested = read_figures(lowered)
        if limit is not None and requested is not None and requested > limit:
            return "context_length"  # waiting never makes room for it
    return strong or _weighed(text, lowered, status, names)


def _weighed(text: str, lowered: str, status: int | None, names: list[str]) -> Outcome:
    """The kind for which most speaks: the status, the class, vague words, and what the text speaks of at all."""
    weights = dict(weigh_concepts(plain_words(text)))
    lengths, ratio = read_lengths(lowered), read_ratio(lowered)
    if status is not None and status >= 500:
        sized = ratio is not None or lengths != (None, None)
        weights = {
            kind: weight
            for kind, weight in weights.items()
            if kind not in _NOT_OF_A_SERVER and (sized or kind != "context_length")
        }
    named = next((NAMED[name] for name in names if name in NAMED), None)
    if named is not None:
        weights[named] = weights.get(named, 0) + CLASS_WEIGHTS.get(named, 4)
    if status is not None and status >= 400:
        by_status = BY_STATUS.get(status, "overloaded" if status >= 500 else "bad_request")
        weights[by_status] = weights.get(by_status, 0) + STATUS_WEIGHTS.get(status, 6)
    if ratio is not None or ("token" in lowered and None not in lengths):
        weights["context_length"] = weights.get("context_length", 0) + _BOTH_SIZES
    weak = kind_of_text(lowered, strong=False)
    if weak is not None and (status is None or status < 400 or (status < 500 and weak in _REFUSALS)):
        weights[weak] = weights.get(weak, 0) + _VAGUE
    return max(weights, key=lambda kind: weights[kind]) if weights else "unknown"


def _completed(limit: int | None, requested: int | None, lowered: str) -> tuple[int | None, int | None]:
    """The figures of an error about length of which a phrase tells one or none."""
    found, asked = read_lengths(lowered)
    if found is not None and asked is not None and (limit is None or limit == found):
        return found, asked
    found, asked = found if limit is None else limit, asked if requested is None else requested
    if found is not None and asked is not None and asked <= found:
        return limit, requested  # what was refused for its length was longer than the limit
    return found, asked


def _of_output(limit: int | None, requested: int | None, lowered: str) -> tuple[int | None, int | None]:
    """The figures of an output limit that was asked for too high, where they may also be told one without the other."""
    if limit is not None and requested is not None and requested > limit:
        return limit, requested
    found, asked = read_lengths(lowered)
    if found is not None and asked is not None:
        return found, asked
    return found if limit is None else limit, None


def _assemble(text: str, *, status: int | None, names: list[str], headers: dict[str, str], said: str) -> Failure:
    text = unescaped(bounded(text))
    lowered = " ".join(text.lower().replace("\u2019", "'").split())
    if status is None or status < 400:
        status = status_in(lowered) or status
    kind = _kind_of(text, lowered, status, names)
    limit, requested = read_figures(lowered) if kind in _WITH_FIGURES else (None, None)
    if kind == "context_length" and (limit is None or requested is None):
        limit, requested = _completed(limit, requested, lowered)
    if kind == "bad_request" and tells_of("output_limit", lowered):
        limit, requested = _of_output(limit, requested, lowered)
    elif kind in {"bad_request", "quota"} and (None in {limit, requested} or _NO_TEXT.search(lowered)):
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
        return Failure("timeout", message=one_line(text_of(error)) or "a clock ran out")
    if isinstance(error, StreamCut):
        return Failure("interrupted", message=one_line(text_of(error)) or "the stream ended without a finish")
    kind = look(error, "kind")
    if isinstance(kind, str) and kind in _KINDS:  # this package's own errors, raised again by a provider
        outcome: Outcome = next(known for known in get_args(Outcome) if known == kind)
        figures = [value if isinstance(value := look(error, name), int) else None for name in ("limit", "requested")]
        return Failure(
            outcome,
            retry_after=_given_wait(error),
            limit=figures[0],
            requested=figures[1],
            scope=usual_scope(outcome),
            message=readable(text_of(error)),
            status=status_of(error),
            body=scrub(body_of(error), limit=BODY_LIMIT),
            headers=kept_headers(headers_of(error)),
        )
    return None


def _given_wait(error: BaseException) -> float | None:
    value = look(error, "retry_after")
    if isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value):
        return sane_wait(float(value))
    return None


def _mishap(error: BaseException, text: str) -> Failure | None:
    """Stumbles of g4f and of its HTTP client over answers that they did not expect."""
    if isinstance(error, UnboundLocalError) and "'model'" in text:
        return Failure("blocked", message=_NEITHER_JSON)
    if isinstance(error, AttributeError | TypeError | IndexError) and ("'NoneType'" in text or "index out of" in text):
        return Failure("empty", message=_NO_CHOICES)
    if isinstance(error, KeyError) and "choices" in text:
        return Failure("empty", message=_NO_CHOICES)
    if error.__cause__ is not None and _MALFORMED in class_names(error.__cause__):
        return Failure("network", message=one_line(f"the answer is no sound HTTP: {text_of(error.__cause__)}"))
    return None


def _classify_exception(error: BaseException, depth: int) -> Failure:
    own = _own(error)
    if own is not None:
        return own
    text = text_of(error)
    mishap = _mishap(error, text)
    if mishap is not None:
        return mishap
    names = class_names(error)
    body = body_of(error)
    title = names[0] if names else type(error).__name__
    said = readable(body or text)
    if title not in {"HTTPFailure", "RuntimeError"} or not said:
        said = one_line(f"{title}: {said}" if said else title)
    headers = headers_of(error)
    evidence = text if body in text else f"{body}\n{text}"
    failure = _assemble(
        body if title == "HTTPFailure" else evidence,
        status=status_of(error),
        names=names,
        headers=headers,
        said=said,
    )
    if body or headers:
        failure = replace(failure, body=scrub(body, limit=BODY_LIMIT), headers=kept_headers(headers))
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
    plain words of the text ("insufficient_quota" stands against a 429); then, weighed against each other, the HTTP
    status, as an attribute or as g4f writes it (``Error 429: …``), the class, vague words, and what the text speaks of
    at all (`data/error_concepts.toml`), so that wordings nobody has listed are read too. Exceptions of g4f and of HTTP
    libraries are recognised by the names of their classes, so that none of these libraries is imported. Waits are read
    from ``Retry-After`` and its kin where the exception carries headers, and from the text. Of giant texts the start
    and the end are read.

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
