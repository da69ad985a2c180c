"""The figures of an error about length, whatever its sentence: by arithmetic, and by the words beside each number."""

from __future__ import annotations

import re
from functools import cache
from itertools import combinations_with_replacement, pairwise
from typing import NamedTuple

from g4f_integrations.core.failures._numbers import FIGURE, in_bytes, whole_number
from g4f_integrations.core.failures._phrases import load_data

_BEFORE, _AFTER = 44, 28  # characters beside a number that may say what it is
_LEAST = 64  # no model's window is smaller; what is smaller counts something else
_MOST_SIZES = 6  # of more, no sum is believed

# Not in the middle of an identifier, an address or a price.
_NUMBER = re.compile(rf"(?<![\w.\-/#@$€£¥:+])(?<!\w:){FIGURE}(?![\w%$€]|-\w|[:.]\d|/\w)")
# "12203 / 8191": so much of so much, in an error that names what is counted.
_RATIO = re.compile(
    rf"(?<![\w.\-/:]){FIGURE} ?(?:(?:input |prompt )?tokens? ?)?(?:/|of(?: the| a maximum of)?|out of) ?{FIGURE}"
    r"(?![\w%/.-]\w)"
)
_COUNTED = re.compile(r"token|context|prompt|input.?(?:length|limit|size|too)")
_PER_TIME = re.compile(r"\bper \w|rate.?limit|/ ?(?:min|sec|hour|day)|\b[rt]p[md]\b")
_PLUS = re.compile(r"[^\d+]{0,24}(?:\+|\bplus\b)[^\d+]{0,24}$")
_STATUS = re.compile(r"(?<=<)\d{3}>|[45]\d\d(?: ?[{\"\[<]|:? [a-z]+ (?:error|request|entity)| [45]\d\d\b)")


class _Size(NamedTuple):
    value: int
    limit: bool
    asked: bool
    added: bool = False  # to the size before it


@cache
def _beside(name: str) -> re.Pattern[str]:
    return re.compile("|".join(load_data("figures.toml")["sizes"][name]))


def _last(name: str, text: str) -> int:
    return max((found.end() for found in _beside(name).finditer(text)), default=-1)


def _may_be_size(number: re.Match[str], lowered: str) -> bool:
    """Whether the number is neither a code nor a status nor an amount of something else."""
    if whole_number(number[1]) < _LEAST or (number.start() < 2 and len(number[1]) == 3):
        return False
    before = lowered[max(0, number.start() - _BEFORE) : number.start()]
    after = lowered[number.end() : number.end() + _AFTER]
    other = _beside("other_before").search(before) or _beside("other_after").match(after)
    return other is None and _STATUS.match(lowered, number.start()) is None


def _sizes(lowered: str) -> list[_Size]:
    """The different sizes of which the text speaks, with what stands beside them, in the text's order."""
    found = [number for number in _NUMBER.finditer(lowered) if _may_be_size(number, lowered)]
    starts = [number.start() for number in found[1:]]
    sizes: dict[int, _Size] = {}
    behind = 0
    for number, ahead in zip(found, [*starts, len(lowered)], strict=False):
        before = lowered[max(behind, number.start() - _BEFORE) : number.start()]
        after = lowered[number.end() : min(ahead, number.end() + _AFTER)]
        behind = number.end()
        about = _beside("about_length")
        if about.search(before) is None and about.search(after) is None:
            continue
        beaten = _beside("asked_after").match(after) is not None
        limit, asked = _last("limit_before", before), _last("asked_before", before)
        limited = not beaten and (limit >= max(asked, 0) or _beside("limit_after").match(after) is not None)
        known = sizes.get(whole_number(number[1]), _Size(0, limit=False, asked=False))
        sizes[whole_number(number[1])] = _Size(
            whole_number(number[1]),
            limit=limited or known.limit,
            asked=beaten or (asked >= 0 and not limited) or known.asked,
            added=_PLUS.search(before) is not None,
        )
    return list(sizes.values())


def _by_sum(sizes: list[_Size]) -> tuple[int, int] | None:
    """``(limit, requested)`` where parts add up to what was requested, whether or not the text tells their sum."""
    for first_part, second_part in pairwise(sizes):
        total = first_part.value + second_part.value
        others = [size.value for size in sizes if size.value not in {first_part.value, second_part.value, total}]
        if second_part.added and len(others) == 1 and others[0] < total:
            return others[0], total
    values = sorted(size.value for size in sizes)
    for first, second in combinations_with_replacement(values, 2):
        total = first + second
        rest = [value for value in values if value not in {first, second, total}]
        limits = [size.value for size in sizes if size.value in rest and size.limit]
        if total in values and rest and max(rest) < total:
            return (limits or rest)[-1], total
        if len(values) == 3 and first != second and limits and second <= limits[0] < total:
            return limits[0], total
    return None


def read_ratio(lowered: str) -> tuple[int, int] | None:
    """``(limit, requested)`` where the text tells them as one of the other, if that is more than there is.

    Example:
        >>> read_ratio("input_length: 12203 / 8191")
        (8191, 12203)
    """
    if _COUNTED.search(lowered) is None or _PER_TIME.search(lowered) is not None or in_bytes(lowered):
        return None
    for found in _RATIO.finditer(lowered):
        asked, limit = whole_number(found[1]), whole_number(found[2])
        if asked > limit >= _LEAST:
            return limit, asked
    return None


def read_lengths(lowered: str) -> tuple[int | None, int | None]:
    """``(limit, requested)`` in an error about length, each ``None`` when it is not told or cannot be told apart.

    What was refused for its length was longer than the limit: of two sizes the larger one was requested. Of more, those
    count that add up, then those beside which a word says what they are.

    Example:
        >>> read_lengths("8192 is all the tokens there are, and there were 9216 of them")
        (8192, 9216)
    """
    sizes = [] if in_bytes(lowered) else _sizes(lowered)
    ratio = read_ratio(lowered)
    if ratio is not None:
        return ratio
    summed = _by_sum(sizes) if 3 <= len(sizes) <= _MOST_SIZES else None
    if summed is not None:
        return summed
    if len(sizes) == 2:
        low, high = sorted(size.value for size in sizes)
        return low, high
    limit = min((size.value for size in sizes if size.limit), default=None)
    asked = [size.value for size in sizes if size.asked and not size.limit and size.value > (limit or 0)]
    return limit, max(asked, default=None)
