"""Users' regular expressions: refused where a text could make them explode."""

from __future__ import annotations

import re

from g4f_integrations.errors import ConfigurationError

_MOST_OPEN = 3  # unbounded parts in a row: more of them, on a window of 2,000 characters, are too slow
_QUANTIFIER = re.compile(r"[*+?]|\{\d*,?\d*\}")
_REFUSED = (
    (re.compile(r"\(\?[=!<]"), "looks around"),
    (re.compile(r"\\[1-9]|\(\?P="), "refers back"),
)


def check_pattern(pattern: str, name: str) -> None:
    """Refuse a pattern that does not compile or whose work can explode.

    What can: a repeated group that holds a repetition or alternatives, repetitions side by side, more than three
    unbounded ones, looking around and referring back.

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
    unbounded, place, after_open = 0, 0, False
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
            is_open = found[0] in {"*", "+"} or found[0].endswith(",}")
            if varies and found[0] != "?":
                return "repeats a group that can vary itself"
            if is_open and after_open:
                return "has two unbounded repetitions side by side"
            unbounded += is_open
            after_open = is_open
            varies = True
        if groups and varies:
            groups[-1] = True
    return f"has more than {_MOST_OPEN} unbounded repetitions" if unbounded > _MOST_OPEN else None


def _class_end(pattern: str, place: int) -> int:
    place += 1
    if pattern[place : place + 1] == "^":
        place += 1
    if pattern[place : place + 1] == "]":
        place += 1
    while place < len(pattern) and pattern[place] != "]":
        place += 2 if pattern[place] == "\\" else 1
    return place + 1
