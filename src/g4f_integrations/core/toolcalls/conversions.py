"""One value → what it may have meant, where a schema wants another type. Pure; whether it fits is checked elsewhere."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from g4f_integrations.core.toolcalls.tolerant_json import loads

_OTHER_NAMES = {
    "object": ("dict", "map", "mapping", "OBJECT"),
    "array": ("list", "tuple", "set", "ARRAY"),
    "string": ("str", "text", "STRING"),
    "integer": ("int", "long", "INTEGER"),
    "number": ("float", "double", "NUMBER"),
    "boolean": ("bool", "BOOLEAN"),
    "null": ("none", "None", "NULL"),
}
PLAIN_TYPES = {name: plain for plain, names in _OTHER_NAMES.items() for name in (plain, *names)}
"""JSON's own name of a type, by the names under which schemas ask for it."""

LINK_FORMATS = frozenset(
    ("uri", "url", "uri-reference", "iri", "iri-reference", "path", "file-path", "directory-path", "hostname")
)
"""Formats of strings that models write as markdown links."""

_LONGEST_LINK = 8192  # characters
_LONGEST_NUMBER = 400  # characters; a double ends at 309 digits
_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))
_NULL = frozenset(("null", "none", "undefined", "nil", ""))
_WHOLE = re.compile(r"[-+]?\d+(?:\.0*)?", re.ASCII)
_REAL = re.compile(r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?", re.ASCII)
_LINK = re.compile(r"!?\[[^\[\]]*+\]\(\s*+<?((?:[^()\s<>]|\([^()\s<>]*+\))++)>?(?:\s++\"[^\"]*+\")?\s*+\)")
_ANGLED = re.compile(r"<([^<>\s]++)>")
_BLANKS = re.compile(r"[\s_\-]+")


def conversions(value: Any, types: Iterable[str]) -> Iterator[Any]:
    """What `value` may have meant as one of `types`, the likeliest first.

    Example:
        >>> list(conversions("3", ["integer", "array"]))
        [3, ['3']]
    """
    wanted = [PLAIN_TYPES.get(name, name) for name in types]
    parsed = _parsed(value) if "object" in wanted or "array" in wanted else None
    for name in wanted:
        yield from _scalars(value, name)
        if name == "object" and isinstance(parsed, dict):
            yield parsed
        elif name == "array":
            yield from _arrays(value, parsed)


def _parsed(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", "(")):
        return None
    try:
        return loads(value)
    except ValueError:
        return None


def _scalars(value: Any, name: str) -> Iterator[Any]:
    if name == "string":
        if isinstance(value, bool | int | float):
            yield json.dumps(value)
    elif name == "null":
        if isinstance(value, str) and value.strip().lower() in _NULL:
            yield None
    elif name == "boolean":
        meant = _truth(value)
        if meant is not None:
            yield meant
    elif name in {"integer", "number"}:
        number = _number(value, whole=name == "integer")
        if number is not None:
            yield number


def _truth(value: Any) -> bool | None:
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        return None
    lowered = value.strip().lower()
    return True if lowered in _TRUE else False if lowered in _FALSE else None


def _number(value: Any, *, whole: bool) -> int | float | None:
    if isinstance(value, float):
        return int(value) if whole and value.is_integer() else None
    if not isinstance(value, str) or len(value) > _LONGEST_NUMBER:
        return None
    text = value.strip()
    if _WHOLE.fullmatch(text) and (whole or "." not in text):
        return int(text.partition(".")[0])
    if not _REAL.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return number if not whole else int(number) if number.is_integer() else None


def _arrays(value: Any, parsed: Any) -> Iterator[list[Any]]:
    if isinstance(parsed, list):
        yield parsed
    elif isinstance(parsed, dict):
        yield [parsed]
    elif isinstance(value, str):
        if not value.strip():
            yield []
            return
        if not value.lstrip().startswith("["):
            yield [value]
        if "," in value or "\n" in value:
            yield [item for part in re.split(r"[,\n]", value) if (item := part.strip())]
    elif value is not None and not isinstance(value, list):
        yield [value]


def matching_options(value: Any, options: Sequence[Any]) -> list[Any]:
    """The one of `options` that `value` is but for case, blanks and type; empty if there is none, or several."""
    if isinstance(value, dict | list | None):
        return []
    texts = all(isinstance(option, str) for option in options)
    for index, plain in enumerate((_lowered, _joined)):
        spelled = _spellings_of_texts(tuple(options))[index] if texts else _spelled(options, plain)
        same = spelled.get(plain(value), [])
        if same:
            return same if len(same) == 1 else []
    return []


def _spelled(options: Iterable[Any], plain: Callable[[Any], str]) -> dict[str, list[Any]]:
    spelled: dict[str, list[Any]] = {}
    for option in options:
        if not isinstance(option, dict | list):
            spelled.setdefault(plain(option), []).append(option)
    return spelled


@lru_cache(maxsize=64)
def _spellings_of_texts(options: tuple[str, ...]) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    return _spelled(options, _lowered), _spelled(options, _joined)


def _lowered(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.strip().casefold()


def _joined(value: Any) -> str:
    return _BLANKS.sub("", _lowered(value))


def link_target(text: str) -> str | None:
    """Where a text leads that is a markdown link and nothing else; ``None`` if it is none.

    Example:
        >>> link_target("[main.py](src/main.py)")
        'src/main.py'
    """
    if len(text) > _LONGEST_LINK:
        return None
    stripped = text.strip()
    found = _LINK.fullmatch(stripped) or _ANGLED.fullmatch(stripped)
    return found[1] if found is not None else None
