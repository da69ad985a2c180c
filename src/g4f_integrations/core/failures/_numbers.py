"""The figures that an error tells: the limit, what was requested, and how long to wait."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import NamedTuple

from g4f_integrations.core.failures._phrases import load_data

# A wait beyond a month is no wait but a date misread.
_LONGEST_WAIT = 31 * 86400.0
_A_DATE = 1e9  # seconds since 1970 are meant from here on
_EPOCH_FLOOR = 1e9  # seconds since 1970 that no duration reaches (31 years)

# Bounded and never begun in the middle of a figure, so that a long run of digits costs no more than its length; and
# possessive, or else what must not follow a figure would be found behind a part of it.
FIGURE = (
    r"(?<!\d)((?:\d{1,3}+(?:[,_.' ]\d{3}(?!\d))++|\d{1,18}+(?:[,_]\d{2,3}+){0,5}+(?:\.\d{1,9}+)?+)"
    r"(?:\s?(?:[km]|mi|тыс\.?|万|千|thousand|million)(?![\w]))?+)"
)
_REVERSED_SUM = re.compile(rf"\({FIGURE} > {FIGURE} - {FIGURE}\)")
_IN_BYTES = re.compile(
    r"\b(?:message|body|payload|request) size (?:of |is )?\d|message larger than max|\d ?-?bytes?\b|\bbytes:? \(?\d"
)
_EXCEEDED_BY = re.compile(rf"exceeded by {FIGURE} tokens?[^\n]{{0,80}}\blimit\b[^\n\d]{{0,24}}{FIGURE}")

_DURATION_PART = re.compile(
    r"(\d{1,9}(?:\.\d{1,18})?)\s*(milliseconds?|msecs?|ms|days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|m|seconds?|secs?|sec|s"
    r"|毫秒|天|日|个?小时|時間|分钟|分|秒钟?|дн\w*|час\w*|мин\w*|сек\w*|segundos?|secondes?|sekunden?|minutos?|minuten?|horas?|heures?|stunden?"
    r"|초|분|시간|일|saniye|dakika|saat|sn|dk|ثوان|ثانية|دقائق|دقيقة|ساعات|ساعة)"
    r"(?![a-z])"
)
_CLOCK = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2}))?\b")
_UNITS: tuple[tuple[str, float], ...] = (
    ("毫秒", 0.001),
    ("dak", 60.0),
    ("dk", 60.0),
    ("saat", 3600.0),
    ("분", 60.0),
    ("시간", 3600.0),
    ("일", 86400.0),
    ("دقا", 60.0),
    ("دقي", 60.0),
    ("ساع", 3600.0),
    ("mil", 0.001),
    ("ms", 0.001),
    ("min", 60.0),
    ("мин", 60.0),
    ("分", 60.0),
    ("h", 3600.0),
    ("stu", 3600.0),
    ("час", 3600.0),
    ("小时", 3600.0),
    ("時間", 3600.0),
    ("日", 86400.0),
    ("个小时", 3600.0),
    ("d", 86400.0),
    ("дн", 86400.0),
    ("天", 86400.0),
    ("m", 60.0),
)
_LETTERS = "a-z\\u0430-\\u044f\\u0621-\\u064a\\u4e00-\\u9fff\\uac00-\\ud7a3"
_D = rf"((?:\d{{1,9}}(?:\.\d{{1,18}})?\s?[{_LETTERS}]{{1,12}}(?: and | ?, ?| )?){{1,4}}|\d{{1,3}}:\d{{2}}(?::\d{{2}})?)"
_STRUCTURED = re.compile(r";\s?r=(\d{1,15})[^,]{0,60}?;\s?t=(\d{1,9})")
_LISTED = re.compile(r"\b(limit|remaining|reset)=(\d{1,9})\b")
_BARE_MILLIS = re.compile(r"(?:retry[-_ ]?after[-_ ]?ms|retryafterms)[\"']?\s?[:=]\s?[\"']?(\d{1,9}(?:\.\d{1,18})?)")


@cache
def _patterns(name: str) -> tuple[re.Pattern[str], ...]:
    what = _D if name == "waits" else FIGURE
    return tuple(re.compile(source.replace("#", what)) for source in load_data("figures.toml")[name])


@cache
def _word_waits() -> tuple[tuple[re.Pattern[str], float], ...]:
    listed = load_data("figures.toml")["word_waits"]
    return tuple((re.compile("|".join(sources)), float(seconds)) for seconds, sources in listed.items())


_GROUPED = re.compile(r"\d{1,3}(?:[,_.' ]\d{3})+")
_FACTORS = {
    "k": 1e3,
    "тыс": 1e3,
    "тыс.": 1e3,
    "千": 1e3,
    "thousand": 1e3,
    "万": 1e4,
    "m": 1e6,
    "mi": 1e6,
    "million": 1e6,
}


def whole_number(figure: str) -> int:
    digits = re.match(r"[\d,_.' ]+", figure)
    number = (digits[0] if digits is not None else "0").strip()
    unit = figure[len(number) :].strip()
    if not unit and number.endswith("."):
        number = number[:-1]
    if _GROUPED.fullmatch(number) and not (unit and "." in number):  # "8.192k" is no list of thousands
        number = re.sub(r"[,_.' ]", "", number)
    number = re.sub(r"[,_' ]", "", number)[:18]
    return int(float(number) * _FACTORS.get(unit, 1.0))


def _first(name: str, lowered: str) -> int | None:
    for pattern in _patterns(name):
        found = pattern.search(lowered)
        if found is not None:
            return whole_number(found[1])
    return None


def in_bytes(lowered: str) -> bool:
    """Whether the sizes that the lower-cased text tells are of bytes on the wire and not of tokens."""
    return "token" not in lowered and _IN_BYTES.search(lowered) is not None


def read_figures(lowered: str) -> tuple[int | None, int | None]:
    """``(limit, requested)`` that the lower-cased text tells, each ``None`` when it does not.

    `requested` counts the reserved output when the text names it.
    """
    if in_bytes(lowered):
        return None, None
    exceeded = _EXCEEDED_BY.search(lowered)
    if exceeded is not None:
        limit = whole_number(exceeded[2])
        return limit, limit + whole_number(exceeded[1])
    backwards = _REVERSED_SUM.search(lowered)
    if backwards is not None:  # "(2000 > 4096 - 2104)": output wanted > limit - input
        return whole_number(backwards[2]), whole_number(backwards[1]) + whole_number(backwards[3])
    requested = None
    for pattern in _patterns("sums"):
        found = pattern.search(lowered)
        if found is not None:
            requested = whole_number(found[1]) + whole_number(found[2])
            break
    if requested is None:
        requested = _first("requests", lowered)
    return _first("limits", lowered), requested


def sane_wait(seconds: float) -> float | None:
    """`seconds` if it can be a wait: finite, not negative and no date; at most a month of it counts."""
    return min(seconds, _LONGEST_WAIT) if math.isfinite(seconds) and 0 <= seconds < _A_DATE else None


def read_duration(text: str) -> float | None:
    """Seconds in a lower-cased duration such as ``1m47.5s``, ``20 seconds``, ``2 hours 5 min`` or ``0:12:34``."""
    clock = _CLOCK.match(text)
    if clock is not None:
        first, second, third = clock.groups()
        parts = (int(first), int(second), int(third)) if third else (0, int(first), int(second))
        return sane_wait(parts[0] * 3600.0 + parts[1] * 60.0 + parts[2])
    total, end = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if text[end : part.start()].strip(" ,") not in {"", "and"}:
            break
        unit = next((factor for start, factor in _UNITS if part[2].startswith(start)), 1.0)
        total += float(part[1][:18]) * unit
        end = part.end()
    return sane_wait(total) if end else None


def read_wait(lowered: str) -> float | None:
    """Seconds that the lower-cased text asks to wait, or ``None``."""
    millis = _BARE_MILLIS.search(lowered)
    if millis is not None:
        return sane_wait(float(millis[1][:18]) / 1000)
    for pattern in _patterns("bare_waits"):
        found = pattern.search(lowered)
        if found is not None:
            return sane_wait(float(found[1][:18]))
    for pattern in _patterns("waits"):
        found = pattern.search(lowered)
        if found is not None:
            wait = read_duration(found[1])
            if wait is not None:
                return wait
    for pattern, seconds in _word_waits():
        if pattern.search(lowered):
            return seconds
    return None


def _number(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def _moment(value: str) -> float | None:
    """Seconds since 1970 of an HTTP or ISO date."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        return moment.timestamp()
    except (OverflowError, ValueError):
        return None


def _until(value: str, now: float) -> float | None:
    """Seconds to wait by a header's `value`: a number, a moment in seconds or milliseconds, a duration or a date."""
    number = _number(value)
    if number is not None:
        if number >= _EPOCH_FLOOR * 1000:
            return sane_wait(max(0.0, number / 1000 - now))
        if number >= _EPOCH_FLOOR:
            return sane_wait(max(0.0, number - now))
        return sane_wait(number)
    duration = read_duration(value.lower()) if value[:1].isdigit() and "-" not in value else None
    if duration is not None:
        return duration
    moment = _moment(value)
    return None if moment is None else sane_wait(max(0.0, moment - now))


def _now(headers: Mapping[str, str]) -> float:
    # The server's own clock, if it told the time: dates in its headers were written by it.
    moment = _moment(headers["date"]) if "date" in headers else None
    return time.time() if moment is None else moment


def read_reset(value: str, headers: Mapping[str, str]) -> float | None:
    """Seconds until what a header's `value` tells: a duration, a date, or seconds or milliseconds since 1970.

    Args:
        value: The header's.
        headers: All of the answer's, with lower-cased names; its ``date`` is the clock that the value goes by.
    """
    return _until(value.strip(), _now(headers))


def read_retry_headers(headers: Mapping[str, str]) -> float | None:
    """Seconds by ``Retry-After-Ms`` or ``Retry-After`` (a number, fractions too, or a date); names lower-cased."""
    millis = _number(headers.get("retry-after-ms", headers.get("x-ms-retry-after-ms")))  # the latter is Azure's
    if millis is not None and sane_wait(millis) is not None:
        return sane_wait(millis / 1000)
    value = headers.get("retry-after")
    return None if value is None else _until(value.strip(), _now(headers))


class RateLimit(NamedTuple):
    """What one ``RateLimit`` header tells: what is left, seconds until it is whole, and how much that is."""

    left: int
    resets_in: float
    limit: int | None


def read_ratelimit(value: str) -> RateLimit | None:
    """The IETF's header that says all in one, in its newer form or the older one; ``None`` if it says too little.

    Example:
        >>> read_ratelimit('"default";r=50;t=30')
        RateLimit(left=50, resets_in=30.0, limit=None)
        >>> read_ratelimit("limit=100, remaining=50, reset=30")
        RateLimit(left=50, resets_in=30.0, limit=100)
    """
    policies = [(int(left), -float(until)) for left, until in _STRUCTURED.findall(value[:300])]
    if policies:  # of several, the one that is used up first and longest counts
        left, until = min(policies)
        return RateLimit(left, -until, None)
    named = {name: int(figure) for name, figure in _LISTED.findall(value[:300].lower())}
    if "remaining" not in named or "reset" not in named:
        return None
    return RateLimit(named["remaining"], float(named["reset"]), named.get("limit"))


def read_reset_headers(headers: Mapping[str, str]) -> float | None:
    """Seconds by the ``ratelimit-reset`` family of headers; of several, those whose allowance is used up count."""
    waits: list[tuple[bool, float]] = []
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name:
            continue
        wait = _until(value.strip(), _now(headers))
        if wait is not None:
            left = headers.get(name.replace("reset-after", "remaining").replace("reset", "remaining"))
            waits.append((_number(left) == 0, wait))
    told = read_ratelimit(headers.get("ratelimit", ""))
    if told is not None and told.left == 0:
        waits.append((True, told.resets_in))
    if not waits:
        return None
    used_up = [wait for empty, wait in waits if empty]
    return max(used_up) if used_up else min(wait for _, wait in waits)
