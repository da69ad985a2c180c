"""The figures that an error tells: the limit, what was requested, and how long to wait."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A wait beyond a month is no wait but a date misread.
_LONGEST_WAIT = 31 * 86400.0
_EPOCH_FLOOR = 1e9  # seconds since 1970 that no duration reaches (31 years)

# Bounded and never begun in the middle of a figure, so that a long run of digits costs no more than its length.
_N = r"(?<!\d)(\d[\d,_]{0,17}(?:\.\d{1,9})?(?:\s?[km]\b)?)"
_LIMITS = tuple(
    re.compile(source.replace("#", _N))
    for source in (
        # context windows; a bracketed number straight after "limit" is MiniMax's error code, not a limit
        r"context limit: \d+ \+ \d+ > #",
        r"(?:prompt|input|context)\D{0,12} tokens? ?\+ \S+ must be <= #",
        r"(?:context (?:length|window|size|limit)|model token limit)(?: is| of|:|=)? ?(?:only |model )?#",
        r"context (?:length|window|size|limit):? ?\(?#(?: tokens?)?\)?",
        r"with # maximum context length",
        r"maximum model length (?:is|of) #",
        r"(?:maximum|max|configured|available|supported) (?:model )?(?:prompt |input |context |sequence )?(?:length|size|window)\s?(?:is|of|:|=|\()?\s?#(?! (?:bytes|mb|kb|characters|pixels))",
        r"maximum number of tokens allowed \(#\)",
        r"allowed input length of #",
        r"max(?:imum)?[_ ]tokens must be less than or equal to #",
        r"must (?:be <=|have less than|be less than|be at most) # ?(?:tokens)?(?=[. ;]|$)",
        r"only supports? (?:up to )?#",
        r"range of input length should be \[\d+, ?#\]",
        r"cannot exceed #",
        r"exceeds? the limit (?:of )?#",
        r"> #(?: tokens?)? ?(?:maximum|limit|- \d|\()?",
        r"""["']?n_ctx["']?\s?[:=]\s?#""",
        # requests and tokens per time
        r"""["']?limit["']?\b(?: is| of| set to| to)?\s?[:=]?\s?#(?! ?(?:mb|kb|bytes|characters|chars|pixels|seconds))""",
        r"rate limit[^\n.]{0,60}? of # (?:\w+ )?(?:tokens|requests)",
        r"\(max(?:imum)?:? #\)",
        r"(?:limited to|limit of|at most|maximum of|up to) # (?:requests|tokens|messages|concurrent|calls)",
        r"# (?:requests?|tokens|messages|calls)(?:\(s\))? ?(?:per|/) ?(?:min|minute|second|hour|day)",
        r"rate limit (?:exceeded )?\(#(?:/| request| per)",
        r"目前限制了每\S{1,2}#次",
    )
)
_REQUESTS = tuple(
    re.compile(source.replace("#", _N))
    for source in (
        r"you requested (?:about |a total of |approximately )?~?#",
        r"resulted in #",
        r"requested:? (?:about |a total of )?~?#",
        r"# tokens? > \d",
        r"token count (?:of |is |\()?#",
        r"current length is #",
        r"received #",
        r"prompt (?:has|contains|is|with) #",
        r"(?:input|prompt|request|requested tokens|number of tokens|decoder prompt)\s?\((?:length )?#(?: tokens)?\)",
        r"input length #",
        r"request (?:contains|has|was|is) #",
        r"(?:too (?:long|large)|too many tokens)[:;,] #(?! bytes)",
        r"given: #(?![^\n]{0,40} and \d)",
        r"keep the first #",
        r"""["']?n_prompt_tokens["']?\s?[:=]\s?#""",
        r"(?:got|contains) # (?:input )?tokens",
    )
)
# Input and reserved output, named apart.
_SUMS = tuple(
    re.compile(source.replace("#", _N))
    for source in (
        r"# \+ # > \d",
        r"request has # input tokens plus # 'max_tokens'",
        r"given: # \S+ tokens and #",
    )
)
_REVERSED_SUM = re.compile(rf"\({_N} > {_N} - {_N}\)")
_EXCEEDED_BY = re.compile(rf"exceeded by {_N} tokens?[^\n]{{0,80}}\blimit:? (?:is |of )?{_N}")

_DURATION_PART = re.compile(
    r"(\d{1,9}(?:\.\d{1,18})?)\s*(milliseconds?|msecs?|ms|days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|m|seconds?|secs?|sec|s"
    r"|毫秒|天|个?小时|分钟|分|秒钟?|дн\w*|час\w*|мин\w*|сек\w*|segundos?|secondes?|sekunden?|minutos?|minuten?|horas?|heures?|stunden?)"
    r"(?![a-z])"
)
_CLOCK = re.compile(r"(\d{1,3}):(\d{2})(?::(\d{2}))?\b")
_UNITS: tuple[tuple[str, float], ...] = (
    ("毫秒", 0.001),
    ("mil", 0.001),
    ("ms", 0.001),
    ("min", 60.0),
    ("мин", 60.0),
    ("分", 60.0),
    ("h", 3600.0),
    ("stu", 3600.0),
    ("час", 3600.0),
    ("小时", 3600.0),
    ("个小时", 3600.0),
    ("d", 86400.0),
    ("дн", 86400.0),
    ("天", 86400.0),
    ("m", 60.0),
)
_D = r"((?:\d{1,9}(?:\.\d{1,18})?\s?[a-zа-я\u4e00-\u9fff]{1,12}(?: and | ?, ?| )?){1,4}|\d{1,3}:\d{2}(?::\d{2})?)"
_WAITS = tuple(
    re.compile(source.replace("#", _D))
    for source in (
        r"(?:try|retry|again|available|retrying|resets?|reset|resume|wait|back|request)(?: again)?(?: your request)?(?: will be (?:available|allowed))? (?:in|after|for|within)(?: about| another| at least| approximately)? #",
        r"wait(?:ing)?(?: for| about| at least| another)? #",
        r"retry[_-]?delay[\"']?\s?[:=]\s?[\"']?#",
        r"(?:in|after) # (?:and )?(?:try|retry)",
        r"(?:请|请在|请等待|请于|等待|等)\s*#\s*(?:后|之后|再)",
        r"через #",
        r"(?:dentro de|en|dans|in) # ?(?:erneut|nochmal|r[ée]essay)",
        r"(?:int[ée]ntalo|r[ée]essayez|versuchen)[^\n]{0,20}(?:en|dans|in) #",
    )
)
_BARE_WAITS = tuple(
    re.compile(source)
    for source in (
        r"retry_delay\s*\{\s*seconds:\s*(\d{1,9}(?:\.\d{1,18})?)",
        r"(?:retry[-_ ]?after|estimated_time|retry_in|wait_seconds|retryafterseconds|retry_after_seconds)[\"']?\s?[:=]?\s?[\"']?(\d{1,9}(?:\.\d{1,18})?)\b(?!\s?(?:ms|milli|:))",
    )
)
_BARE_MILLIS = re.compile(r"(?:retry[-_ ]?after[-_ ]?ms|retryafterms)[\"']?\s?[:=]\s?[\"']?(\d{1,9}(?:\.\d{1,18})?)")


def _whole(figure: str) -> int:
    digits = figure.replace(",", "").replace("_", "").strip()
    factor = {"k": 1000, "m": 1_000_000}.get(digits[-1:], 1)
    if factor != 1:
        digits = digits[:-1].strip()
    return int(float(digits[:18]) * factor)


def _first(patterns: tuple[re.Pattern[str], ...], lowered: str) -> int | None:
    for pattern in patterns:
        found = pattern.search(lowered)
        if found is not None:
            return _whole(found[1])
    return None


def read_figures(lowered: str) -> tuple[int | None, int | None]:
    """``(limit, requested)`` that the lower-cased text tells, each ``None`` when it does not.

    `requested` counts the reserved output when the text names it.
    """
    exceeded = _EXCEEDED_BY.search(lowered)
    if exceeded is not None:
        limit = _whole(exceeded[2])
        return limit, limit + _whole(exceeded[1])
    backwards = _REVERSED_SUM.search(lowered)
    if backwards is not None:  # "(2000 > 4096 - 2104)": output wanted > limit - input
        return _whole(backwards[2]), _whole(backwards[1]) + _whole(backwards[3])
    requested = None
    for pattern in _SUMS:
        found = pattern.search(lowered)
        if found is not None:
            requested = _whole(found[1]) + _whole(found[2])
            break
    if requested is None:
        requested = _first(_REQUESTS, lowered)
    return _first(_LIMITS, lowered), requested


def sane_wait(seconds: float) -> float | None:
    """`seconds` if it can be a wait: finite, not negative, under a month."""
    return seconds if math.isfinite(seconds) and 0 <= seconds <= _LONGEST_WAIT else None


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
    for pattern in _BARE_WAITS:
        found = pattern.search(lowered)
        if found is not None:
            return sane_wait(float(found[1][:18]))
    for pattern in _WAITS:
        found = pattern.search(lowered)
        if found is not None:
            wait = read_duration(found[1])
            if wait is not None:
                return wait
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


def read_retry_headers(headers: Mapping[str, str]) -> float | None:
    """Seconds by ``Retry-After-Ms`` or ``Retry-After`` (a number, fractions too, or a date); names lower-cased."""
    millis = _number(headers.get("retry-after-ms"))
    if millis is not None and sane_wait(millis) is not None:
        return sane_wait(millis / 1000)
    value = headers.get("retry-after")
    return None if value is None else _until(value.strip(), _now(headers))


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
    if not waits:
        return None
    used_up = [wait for empty, wait in waits if empty]
    return max(used_up) if used_up else min(wait for _, wait in waits)
