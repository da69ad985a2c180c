"""Calls in code fences, and the fences that are the answer's own."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.bounds import bounds_of
from g4f_integrations.core.toolcalls.dialects import python_calls, react, tags, tokens
from g4f_integrations.core.toolcalls.dialects.json_values import may_be_call, read_calls
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import WAIT, Calls, Found, Outcome, Plain

_OPEN = re.compile(r"(`{3,}|~{3,})[ \t]*([^\s`]{0,40})[^\n`]{0,80}\n")
_PART_OF_OPEN = re.compile(r"(?:`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^\n`]{0,130})\Z")
_BLANKS = re.compile(r"\s*")
_BETWEEN = re.compile(r"[\s,;]*")
_SURPLUS = re.compile(r"[\s}\])]*[}\])]")
_ANYTHING = {"", "json", "jsonc", "json5", "jsonl", "ndjson", "xml", "text", "txt", "plaintext"}
_CALLING = {
    "tool_call",
    "tool_calls",
    "tool",
    "tools",
    "tool_use",
    "function",
    "function_call",
    "function_calls",
    "action",
}
_PYTHON = {"python", "py", "python3"}


def fence(text: str, at: int, offer: Offer, *, final: bool, alone: bool) -> Outcome:
    """The fence at `at`.

    Args:
        text: All text so far.
        at: The place of its first mark.
        offer: The tools of the request.
        final: Whether no more text comes.
        alone: Whether nothing of the answer stands before it.
    """
    opened = _OPEN.match(text, at)
    if opened is None:
        return WAIT if not final and _PART_OF_OPEN.match(text, at) else Plain(_end_of_marks(text, at))
    marker, language = opened[1], opened[2].lower()
    start = _BLANKS.match(text, opened.end()).end()  # type: ignore[union-attr]
    own = Plain(opened.end(), marker)
    if start == len(text):
        readable = language in _ANYTHING | _CALLING | _PYTHON | {"tool_code"}
        return WAIT if readable and not final else own
    if language in _PYTHON:
        return _python(text, start, marker, offer, own, final=final) if alone else own
    if language == "tool_code":
        outcome = python_calls.code_calls(text, start, offer, marker, final=final)
        return _closed(text, outcome, marker, final=final) if isinstance(outcome, Calls) else _own(outcome, own)
    if language in _ANYTHING | _CALLING:
        return _content(text, start, marker, offer, own, final=final, certain=language in _CALLING)
    return own


def _end_of_marks(text: str, at: int) -> int:
    mark = text[at]
    end = at
    while end < len(text) and text[end] == mark:
        end += 1
    return end


def _own(outcome: Outcome, own: Plain) -> Outcome:
    return own if isinstance(outcome, Plain) else outcome


def _content(text: str, at: int, marker: str, offer: Offer, own: Plain, *, final: bool, certain: bool) -> Outcome:
    first = text[at]
    if first == "[" and (listed := python_calls.begins_list(text, at, offer)) is not False:
        if listed is None and not final:
            return WAIT
        outcome = python_calls.call_list(text, at, offer, final=final)
        return _closed(text, outcome, marker, final=final) if isinstance(outcome, Calls) else _own(outcome, own)
    if first in "{[":
        possible = may_be_call(text, at, offer)
        if first == "[" and not final and tokens.MISTRAL.startswith(text[at : at + len(tokens.MISTRAL)]):
            possible = None
        if text.startswith(tokens.MISTRAL, at):
            return _opened(tokens.mistral_call(text, at, offer, final=final), marker, own)
        if possible is None and not final:
            return WAIT
        return _values(text, at, marker, offer, own, final=final, certain=certain) if possible or certain else own
    if first == "<":
        return _opened(tags.tag_call(text, at, offer, final=final), marker, own)
    return _opened(react.action(text, at, offer, final=final), marker, own)


def _opened(outcome: Outcome, marker: str, own: Plain) -> Outcome:
    if isinstance(outcome, Calls):
        return Calls(outcome.end, outcome.found, outcome.said, marker)
    return _own(outcome, own)


def _values(text: str, at: int, marker: str, offer: Offer, own: Plain, *, final: bool, certain: bool) -> Outcome:
    """JSON values up to the closing marks; all of them are calls, or the fence is an answer."""
    calls: list[Found] = []
    said: list[str] = []
    while True:
        bounds = bounds_of(text, at, "fence")
        if bounds.state == "open" and not final:
            return WAIT
        found = read_calls(text[at : bounds.end].rstrip(), offer, certain=certain)
        if found is None:
            return Plain(bounds.end, marker)
        calls += found[0]
        said += [found[1]] if found[1] else []
        surplus = _SURPLUS.match(text, bounds.end)
        end = surplus.end() if surplus is not None else bounds.end
        at = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
        if at >= len(text) and not final:
            return WAIT
        if at < len(text) and text[at] in "{[":
            continue
        outcome = _closed(text, Calls(end, tuple(calls), "\n".join(said)), marker, final=final)
        return outcome if not isinstance(outcome, Plain) else Plain(outcome.end, marker)


def _closed(text: str, calls: Calls, marker: str, *, final: bool) -> Outcome:
    """The calls with the marks that close their fence; something else before these makes the fence an answer."""
    at = _BETWEEN.match(text, calls.end).end()  # type: ignore[union-attr]
    rest = text[at : at + len(marker)]
    if rest == marker:
        return Calls(at + len(marker), calls.found, calls.said)
    if marker.startswith(rest):
        return Calls(len(text), calls.found, calls.said) if final else WAIT
    return Plain(at, marker)


def _python(text: str, at: int, marker: str, offer: Offer, own: Plain, *, final: bool) -> Outcome:
    """A Python fence that is the whole answer and nothing but a list of calls."""
    if text[at] != "[":
        return own
    outcome = python_calls.call_list(text, at, offer, final=final)
    if not isinstance(outcome, Calls):
        return _own(outcome, own)
    outcome = _closed(text, outcome, marker, final=final)
    if not isinstance(outcome, Calls):
        return _own(outcome, own)
    if text[outcome.end :].strip():
        return own
    return outcome if final else WAIT
