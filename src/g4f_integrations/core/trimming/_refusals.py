"""What a refusal for length says: in which unit, how much was allowed, how much was sent."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from g4f_integrations.core.failures import Failure

Unit: TypeAlias = Literal["tokens", "characters", "messages"]

_N = r"(?<![\d.,])(\d[\d,_]{0,17}+(?:\.\d+)?)"  # possessive: a figure is never read in part
_SHOWN = 4_000  # characters of an error that are looked at
_LEAST_LIMIT = 16  # tokens; a smaller figure was no limit of a conversation
_BYTES_PER_CHARACTER = 3  # of Chinese in UTF-8; of English it is one
# A refusal for size that sounds like something else is one only if it names the messages or the text.
_ABOUT_SIZE = re.compile(
    r"too (?:many|long|large)|at most|max(?:imum)?[ _](?:of|length|number)|exceed|char(?:acter)?s? limit|per message"
    r"|maximal|m[áa]ximo|максим|не более|überschr"
)
# Messages in a time are counted over all conversations: leaving some out of one does not help.
_IN_A_TIME = re.compile(
    r"(?:messages|turns)[ -]?(?:/|per |an? |each |every |(?:with)?in (?:the last |an? )?)"
    r"\W?(?:\d+ )?(?:sec|min|hour|day|week|month)"
    r"|(?:hourly|daily|weekly|monthly) (?:message|limit)"
)
_TOKENS_IN_A_TIME = re.compile(r"tokens?[ -](?:per|/|a)[ -](?:minute|min|hour|day)\b|\btp[mhd]\b|tokens/m")


@dataclass(frozen=True, slots=True)
class Overflow:
    """One refusal for length.

    Attributes:
        unit: What was counted.
        limit: How much is allowed, if it was told.
        requested: How much was sent, if it was told.
    """

    unit: Unit = "tokens"
    limit: int | None = None
    requested: int | None = None


def read_overflow(failure: Failure, sent: int | None = None) -> Overflow | None:
    """The refusal in `failure`, ``None`` if it is about something else.

    Limits of characters, messages and bytes are found in the text, also where the failure's kind is another: a server
    that checks its input calls a long message a bad request. A number of bytes is turned into the characters that are
    safe under it. A limit of tokens in a minute is one of length where a single request is above it: no wait helps.

    Args:
        failure: How an attempt failed.
        sent: Tokens of what was sent, as we count, if known.

    Example:
        >>> read_overflow(Failure("bad_request", message="messages: at most 50 messages are allowed, got 62"))
        Overflow(unit='messages', limit=50, requested=62)
    """
    text = f"{failure.message}\n{getattr(failure, 'body', '') or ''}"[:_SHOWN].lower()
    is_length = failure.kind == "context_length"
    if not is_length and (failure.kind not in {"bad_request", "rate_limit", "unknown"} or not _ABOUT_SIZE.search(text)):
        return None
    if failure.kind == "rate_limit" and (failure.limit is not None or failure.retry_after is not None):
        if _TOKENS_IN_A_TIME.search(text) and (failure.requested or sent or 0) > (failure.limit or sys.maxsize):
            return Overflow("tokens", failure.limit, failure.requested)
        if failure.retry_after is not None:
            return None  # waiting helps, whatever it counts
    if _IN_A_TIME.search(text):
        return Overflow() if is_length else None
    return _of_length(failure, text)


def _of_length(failure: Failure, text: str) -> Overflow | None:
    units: tuple[Unit, ...] = ("messages", "characters")
    for unit in units:
        limit = _first(unit, "limits", text)
        if limit is not None:
            requested = _first(unit, "requests", text)
            return Overflow(unit, limit, requested if requested is not None and requested > limit else None)
    size = _bytes(text)
    if size is not None:
        return Overflow("characters", max(1, size // _BYTES_PER_CHARACTER))
    if failure.kind != "context_length":
        return None
    limit = failure.limit if failure.limit is not None and failure.limit >= _LEAST_LIMIT else None
    return Overflow("tokens", limit, failure.requested)


def _bytes(text: str) -> int | None:
    for name, factor in (("limits", 1), ("kilobytes", 1_000), ("megabytes", 1_000_000)):
        found = _first("bytes", name, text)
        if found is not None:
            return found * factor
    return None


@cache
def _table() -> dict[str, Any]:
    path = files("g4f_integrations.core").joinpath("data", "size_limits.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _patterns(unit: str, name: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(source.replace("#", _N)) for source in _table()[unit][name])


def _first(unit: str, name: str, text: str) -> int | None:
    for pattern in _patterns(unit, name):
        found = pattern.search(text)
        if found is not None:
            value = int(float(found[1].replace(",", "").replace("_", "")))
            if value > 0:
                return value
    return None
