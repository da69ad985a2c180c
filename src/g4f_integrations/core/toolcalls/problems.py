"""What is wrong with a value, in words that a model can act on: where, what was expected, what was found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from g4f_integrations.core.toolcalls.conversions import PLAIN_TYPES
from g4f_integrations.core.toolcalls.schemas import Violation

LONGEST_LINE = 300  # characters of an error as a whole
_MOST_PROBLEMS = 3  # told in one line
_LONGEST_PATH = 60  # characters
_LONGEST_WANTED = 80  # characters
_LONGEST_FOUND = 40  # characters of a value
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} properties",
    "maxProperties": "at most {} properties",
    "multipleOf": "a multiple of {}",
    "pattern": "a match of {}",
    "format": "a value of format {}",
    "const": "{}",
    "uniqueItems": "items that differ",
    "not": "another value",
    "contains": "a certain item that is missing",
    "required": "further properties",
    "additionalProperties": "no further properties",
    "unevaluatedProperties": "no further properties",
}


def describe(error: Violation) -> str:
    """One problem in one line.

    Example:
        ``days: expected integer, found "soon"``
    """
    error = _nearest(error)
    path = _path(error.absolute_path)
    found = found_words(error.instance)
    if error.validator == "required":
        names = [name for name in error.validator_value if name not in error.instance]
        name = error.message if error.message in names else str(names[0]) if names else ""
        if name:
            return f"{_path([*error.absolute_path, name])}: is required but missing"
    if error.validator is None:
        return f"{path}: is not allowed, found {found}"
    return f"{path}: expected {_cut(_wanted(error), _LONGEST_WANTED)}, found {found}"


def one_line(problems: Sequence[str]) -> str:
    """The first problems in one line of at most 300 characters."""
    told = "; ".join(problems[:_MOST_PROBLEMS])
    more = len(problems) - _MOST_PROBLEMS
    return _cut(told, LONGEST_LINE - 20) + (f"; and {min(more, 9999)} more" if more > 0 else "")


def found_words(value: Any) -> str:
    """A value as an error tells it: short texts and numbers as they are, of others the kind and the size."""
    if isinstance(value, dict):
        keys = ", ".join(_cut(str(key), 20) for key in list(value)[:3])
        return _cut(f"an object with {keys}", _LONGEST_FOUND) if value else "an empty object"
    if isinstance(value, list):
        return f"an array of {len(value)} items" if len(value) != 1 else "an array of one item"
    if isinstance(value, str):
        return json.dumps(_cut(value, _LONGEST_FOUND), ensure_ascii=False)
    return _cut(_text(value), _LONGEST_FOUND)


def _nearest(error: Violation) -> Violation:
    """The error that tells most: of a choice of schemas, that of the branch which fits best."""
    while error.validator in {"anyOf", "oneOf"} and error.context:
        branches: dict[Any, list[Violation]] = {}
        for inner in error.context:
            branches.setdefault(inner.relative_schema_path[0], []).append(inner)
        fitting = [errors for errors in branches.values() if not any(map(_is_of_root, errors))]
        if not fitting:
            return error
        error = min(fitting, key=len)[0]
    return error


def _is_of_root(error: Violation) -> bool:
    return not error.relative_path and error.validator in {"type", "const", "enum"}


def _wanted(error: Violation) -> str:
    value = error.validator_value
    if error.validator == "type":
        return _types(value)
    if error.validator == "enum":
        options = [_cut(_text(option), 30) for option in value[:6]]
        return f"one of {', '.join(options)}{' …' if len(value) > len(options) else ''}"
    if error.validator in {"anyOf", "oneOf"}:
        if not error.context:
            return "exactly one of several forms to fit"
        kinds = [inner for inner in error.context if _is_of_root(inner)]
        return " or ".join(dict.fromkeys(map(_wanted, kinds))) or "one of several forms"
    form = _BOUNDS.get(str(error.validator))
    return form.format(_cut(_text(value), _LONGEST_FOUND)) if form is not None else f"what {error.validator} demands"


def _types(wanted: Any) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(PLAIN_TYPES.get(name, name) for name in names if isinstance(name, str))


def _path(parts: Iterable[Any]) -> str:
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        if len(path) > _LONGEST_PATH:
            break
    return _cut(path, _LONGEST_PATH) or "the value"


def _text(value: Any) -> str:
    if isinstance(value, int) and not -(10**18) < value < 10**18:
        return "a very large number"
    try:
        return json.dumps(value, ensure_ascii=False, default=lambda odd: type(odd).__name__)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def _cut(text: str, size: int) -> str:
    """`text` on one line of at most `size` characters."""
    line = " ".join(text[: 4 * size].split())
    return line if len(line) <= size else line[: size - 1] + "…"
