"""An answer that must be JSON, brought to that form when it is whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from g4f_integrations.core.prompts import readable_json
from g4f_integrations.core.prompts.answers import schema_of
from g4f_integrations.core.structured.shapes import Shape, shape_of
from g4f_integrations.core.toolcalls.problems import one_line
from g4f_integrations.core.toolcalls.repair import repair_value
from g4f_integrations.core.toolcalls.tolerant_json import loads, read_value

_MOST_CANDIDATES = 32  # values of one answer that are judged; the last ones, and the largest
_MOST_REREADING = 3  # how often, on average, a character may be read in vain; bounds the work of hostile text
_FREE_READING = 10_000  # characters that may be read in vain in any case
_COST_OF_BEGINNING = 32  # characters that are read in the time that it takes to begin in vain
_QUICK_COUNTING = 64  # characters that are counted in the time in which one is read
_COST_OF_JUDGING = 200  # characters that are read in the time that it takes to judge a value by its schema
_FIRST_MEMBER = re.compile(r'"[^"\\\n]{0,200}"\s*:')
_FENCE = re.compile(r"(?:```|~~~)[ \t]*[\w.+-]*\s*\Z")
_FENCED = re.compile(r"(?:```|~~~)[^\n`]*\n(.*?)\n?[ \t]*(?:```|~~~|\Z)", re.DOTALL)
_FENCE_END = re.compile(r"\n[ \t]*(?:```|~~~)")
_FENCE_SIZE = 24  # characters before a value in which its fence is looked for
_BRACKET = {
    (True, True): re.compile(r"[{\[]"),
    (True, False): re.compile(r"\{"),
    (False, True): re.compile(r"\["),
}
_UNREADABLE = (ValueError, RecursionError)


def _refuse(word: str) -> NoReturn:
    message = f"{word} is no JSON"
    raise ValueError(message)


_STRICT = json.JSONDecoder(parse_constant=_refuse)


@dataclass(slots=True)
class _Candidate:
    value: Any
    text: str
    is_fenced: bool


def settle_json(text: str, response_format: Mapping[str, Any] | None) -> tuple[str, str | None]:
    """The JSON value in `text`, bare and valid.

    The last value that is valid as it stands is taken; else the last that becomes valid when what is wrong with it is
    put right; else one that stands inside another. Values in fences go before others, and empty ones come last.

    Args:
        text: The whole answer.
        response_format: The form asked for, as OpenAI writes it.

    Returns:
        The JSON text, as the model wrote it where that was valid, and ``None``; or the best there is, and what is
        wrong with it in one line.
    """
    schema = schema_of(response_format)
    if schema is None:
        return text, None
    shape = shape_of(schema)
    whole = _bare(text.strip(), shape)
    if is_valid(whole, schema):
        return whole, None
    candidates = _ranked(_candidates(whole, shape))
    for candidate in candidates:
        if is_valid(candidate.text, schema):
            return candidate.text, None
    best: tuple[str, str | None] | None = None
    for candidate in candidates:
        value, problem = repaired(candidate.value, schema)
        if problem is None:
            return _written(value, candidate.text), None
        if best is None or len(candidate.text) > len(best[0]):
            best = candidate.text, problem
    inner = _inner(whole, schema, shape)
    if inner is None and (best is None or shape.kinds.isdisjoint({"object", "array"})):
        return _settle_scalar(whole, schema, shape, best)
    return (inner, None) if inner is not None else best or (whole, None)


def _bare(text: str, shape: Shape) -> str:
    """`text` without a fault that hides its brackets: an object inside a JSON string, or members without braces."""
    if not text.startswith('"') or "string" in shape.kinds or "object" not in shape.kinds:
        return text
    with suppress(*_UNREADABLE):
        inner = _STRICT.decode(text)
        return inner.strip() if isinstance(inner, str) else text
    return f"{{{text.removesuffix('}')}}}" if _FIRST_MEMBER.match(text) else text


def is_valid(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether `text` is strict JSON and meets the schema as it stands."""
    return problem_of(text, schema) is None


def problem_of(text: str, schema: Mapping[str, Any]) -> str | None:
    """What is wrong with `text` as JSON of the schema, in one line; ``None`` if nothing."""
    try:
        value = _STRICT.decode(text)
    except _UNREADABLE as error:
        return f"the answer is no JSON: {error}"
    mended, problem = repaired(value, schema)
    if problem is None and mended is not value:
        return "the answer does not fit the schema"
    return problem


def repaired(value: Any, schema: Mapping[str, Any]) -> tuple[Any, str | None]:
    """`value` with what can be put right put right, and what is still wrong with it, in one line."""
    mended, problems = repair_value(value, schema)
    return mended, one_line(problems) if problems else None


def read_tolerantly(text: str, start: int, fence: int | None) -> tuple[Any, int]:
    """The value that begins at `start`, and its end; if it makes no sense, what there is of it before `fence`.

    Raises:
        ValueError: There is no value.
        RecursionError: It is nested too deeply.
    """
    try:
        return read_value(text, start)
    except _UNREADABLE:
        if fence is not None:
            with suppress(*_UNREADABLE):
                return read_value(text[:fence], start)
        raise


def closing_fence(text: str, at: int) -> int | None:
    """Where a line after `at` begins with a fence, if one does."""
    found = _FENCE_END.search(text, at)
    return found.start() if found is not None else None


def follows_fence(text: str, at: int) -> bool:
    """Whether a code fence opens right before `at`."""
    return _FENCE.search(text, max(0, at - _FENCE_SIZE), at) is not None


def _written(value: Any, otherwise: str) -> str:
    try:
        return readable_json(value)
    except _UNREADABLE:  # numbers of thousands of digits
        return otherwise


# Values among prose


def _candidates(text: str, shape: Shape) -> Iterator[_Candidate]:
    """The containers in `text`, each read from its first bracket to its end with all tolerance."""
    pattern = _BRACKET.get(("object" in shape.kinds, "array" in shape.kinds))
    at, budget = 0, _reading_budget(text)
    fence = closing_fence(text, 0)
    while pattern is not None and budget > 0 and (found := pattern.search(text, at)) is not None:
        start = found.start()
        if fence is not None and fence < start:
            fence = closing_fence(text, start)
        try:
            value, end = read_tolerantly(text, start, fence)
        except _UNREADABLE:
            budget -= len(text) - start  # it may have looked at all of it
            at = start + 1
            continue
        at = max(end, start + 1)
        yield _Candidate(value, text[start:at], follows_fence(text, start))


def _reading_budget(text: str) -> int:
    return _MOST_REREADING * len(text) + _FREE_READING


def _ranked(candidates: Iterator[_Candidate]) -> list[_Candidate]:
    """The candidates that are judged, best first."""
    last: list[_Candidate] = []
    largest: _Candidate | None = None
    for candidate in candidates:
        if largest is None or len(candidate.text) > len(largest.text):
            largest = candidate
        last.append(candidate)
        if len(last) > 2 * _MOST_CANDIDATES:
            del last[:_MOST_CANDIDATES]
    judged = last[-_MOST_CANDIDATES:]
    if largest is not None and all(candidate is not largest for candidate in judged):
        judged.insert(0, largest)
    judged.reverse()
    judged.sort(key=lambda candidate: (not candidate.value, not candidate.is_fenced))
    return judged


def _inner(text: str, schema: Mapping[str, Any], shape: Shape) -> str | None:
    """The last valid value that stands inside another, or behind a bracket of the prose that is never closed."""
    pattern = _BRACKET.get(("object" in shape.kinds, "array" in shape.kinds))
    best = None
    at, budget = 0, _reading_budget(text)
    while pattern is not None and budget > 0 and (found := pattern.search(text, at)) is not None:
        start = found.start()
        at = start + 1
        try:
            _, end = _STRICT.raw_decode(text, start)
        except _UNREADABLE as error:
            # Python counts the lines before the mistake for its message.
            budget -= getattr(error, "pos", len(text)) - start + _COST_OF_BEGINNING + len(text) // _QUICK_COUNTING
            continue
        budget -= _COST_OF_JUDGING + end - start
        if is_valid(text[start:end], schema):
            best = text[start:end]
            at = end
    return best


def _settle_scalar(
    whole: str, schema: Mapping[str, Any], shape: Shape, best: tuple[str, str | None] | None
) -> tuple[str, str | None]:
    """A text, a number or the like, bare or in a fence; a text may lack its quotes."""
    fenced = _FENCED.search(whole)
    body = fenced[1].strip() if fenced is not None else whole
    if shape.kinds.isdisjoint({"object", "array"}):
        values: list[Any] = []
        with suppress(*_UNREADABLE):
            values.append(loads(body))
        for value in [*values, body] if "string" in shape.kinds else values:
            mended, problem = repaired(value, schema)
            if problem is None:
                return _written(mended, body), None
            best = best or (body, problem)
    return best or (whole, "the answer holds no JSON")
