"""Users' regular expressions: refused where a text could make them explode."""

from __future__ import annotations

import re

from g4f_integrations.errors import ConfigurationError

_MOST_OPEN = 3  # unbounded parts in a row: more of them, on a window of 2,000 characters, are too slow
_MANY = 50  # repetitions from which on a limit to them is none
_MOST_WAYS = 4096  # in which bounded parts can vary together; an eighth of it for each unbounded one
_QUANTIFIER = re.compile(r"[*+?]|\{\d*,?\d*\}")
_REFUSED = (
    (re.compile(r"\(\?[=!<]"), "looks around"),
    (re.compile(r"\\[1-9]|\(\?P="), "refers back"),
)


def check_pattern(pattern: str, name: str) -> None:
    """Refuse a pattern that does not compile or whose work can explode.

    What can: a repeated group that holds a repetition or alternatives, unbounded repetitions side by side (fifty times
    and more count as such), more than three of them, many parts that may be missing, looking around, referring back.

    Raises:
        ConfigurationError: The pattern is refused; the message says why.

    Example:
        >>> check_pattern("Ad: [^ ]+ here", "mine")
        >>> check_pattern("(a+)+b", "mine")
        Traceback (most recent call last):
        ...
        g4f_integrations.errors.ConfigurationError: the pattern of rule 'mine' repeats a group that can vary itself
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"the pattern of rule {name!r} is no regular expression: {error}"
        raise ConfigurationError(message) from None
    reason = next((words for found, words in _REFUSED if found.search(pattern)), None) or _explosion(pattern)
    if reason:
        message = f"the pattern of rule {name!r} {reason}"
        raise ConfigurationError(message)


def _explosion(pattern: str) -> str | None:  # noqa: C901, PLR0912 - one walk over the pattern's grammar
    groups: list[bool] = []  # of each open group, whether it can vary
    unbounded, place, after_open, ways = 0, 0, False, 1
    while place < len(pattern):
        char = pattern[place]
        varies = False
        if char == "(":
            groups.append(False)
            place += 1
            after_open = False
            continue
        if char == "|":
            if groups:
                groups[-1] = True
            place += 1
            after_open = False
            continue
        if char == ")":
            varies = groups.pop() if groups else False
            place += 1
        elif char == "[":
            place = _class_end(pattern, place)
        else:
            place += 2 if char == "\\" else 1
        found = _QUANTIFIER.match(pattern, place)
        if found is None:
            after_open = False
        else:
            place = found.end()
            if pattern[place : place + 1] in {"?", "+"}:
                place += 1
            spread = _spread(found[0])
            is_open = spread >= _MANY
            ways *= 1 if is_open else spread + 1
            if varies and found[0] != "?":
                return "repeats a group that can vary itself"
            if is_open and after_open:
                return "has two unbounded repetitions side by side"
            unbounded += is_open
            after_open = is_open
            varies = True
        if groups and varies:
            groups[-1] = True
    if unbounded > _MOST_OPEN:
        return f"has more than {_MOST_OPEN} unbounded repetitions"
    return "has too many parts that can vary" if ways > _MOST_WAYS >> 3 * unbounded else None


def _spread(quantifier: str) -> int:
    """By how many repetitions a part can vary."""
    if quantifier == "?":
        return 1
    least, comma, most = quantifier.strip("{}").partition(",")
    if quantifier in {"*", "+"} or (comma and not most):
        return _MANY
    return int(most) - int(least or 0) if comma else 0


def _class_end(pattern: str, place: int) -> int:
    place += 1
    if pattern[place : place + 1] == "^":
        place += 1
    if pattern[place : place + 1] == "]":
        place += 1
    while place < len(pattern) and pattern[place] != "]":
        place += 2 if pattern[place] == "\\" else 1
    return place + 1
