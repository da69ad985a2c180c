"""Calls in code fences, and the fences that are the answer's own."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.dialects import python_calls, react, tags, tokens
from g4f_integrations.core.toolcalls.dialects.json_values import BETWEEN, SURPLUS, may_be_call, read_calls
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import Calls, Found, Outcome, Plain
from g4f_integrations.core.toolcalls.source import Source

_OPEN = re.compile(r"(`{3,}|~{3,})[ \t]*([^\s`]{0,40})[^\n`]{0,80}\n")
_PART_OF_OPEN = re.compile(r"(?:`{1,2}|~{1,2}|(?:`{3,}|~{3,})[^\n`]{0,130})\Z")
_MARKS = re.compile(r"`+|~+")
_ANYTHING = {"", "json", "jsonc", "json5", "jsonl", "ndjson", "xml", "text", "txt", "plaintext"}
# What is in one of these is meant as a call.
_CALLING = {"tool_call", "tool_calls", "tool", "tools", "tool_use", "function", "function_call", "function_calls"}
_PYTHON = {"python", "py", "python3"}
_READ = _ANYTHING | _CALLING | {"tool_code", "action"}


def _beginning(pieces: list[str]) -> str:
    """Matches any beginning of what `pieces` match one after the other, at the end of a text."""
    nested = ""
    for piece in reversed(pieces):
        nested = f"(?:{piece}{nested})?"
    return rf"{nested}\Z"


def _key(name: str) -> list[str]:
    return [r"\s*+", '"', *name, '"', r"\s*+", ":", r"\s*+"]


_ID = ['"', r'[^"\n]{0,127}+', '"', r"\s*+", ","]
# An example of the form, such as our own prompt's, has no tool's name in it.
_NAME = ['"', r'(?!name_of_the_tool")[A-Za-z_][\w.:/-]{0,126}+', '"', r"\s*+", ","]
_PIECES = [r"\[", r"\s*+", r"\{", *_key("id"), *_ID, *_key("name"), *_NAME, *_key("arguments"), r"\{"]
# The form that models without calls of their own are asked for, to the letter: whoever writes it means a call.
_ASKED = re.compile("".join(_PIECES))
_PART_OF_ASKED = re.compile(_beginning(_PIECES))


def fence(source: Source, at: int, offer: Offer, *, alone: bool) -> Outcome:
    """The fence at `at`.

    Args:
        source: The text so far.
        at: The place of its first mark.
        offer: The tools of the request.
        alone: Whether nothing of the answer stands before it.
    """
    opened = source.match(_OPEN, at, _PART_OF_OPEN)
    if opened is None:
        marks = _MARKS.match(source.text, at)
        return Plain(at + 1 if marks is None else marks.end())
    mark, language = opened[1], opened[2].lower()
    own = Plain(opened.end(), mark)
    if language not in _READ and not (alone and language in _PYTHON):
        return own
    start = source.skip(opened.end())
    if start == len(source.text):
        return own
    outcome = _inside(source, start, offer, mark, language)
    # What is no call is the answer's own up to the fence's end, also where that has not been reached yet.
    return outcome if isinstance(outcome, Calls) or outcome.inside == mark else own


def _inside(source: Source, at: int, offer: Offer, mark: str, language: str) -> Outcome:
    sign = source.sign(at)
    if language in _PYTHON:
        return _only_a_list(source, at, offer, mark)
    if language == "tool_code" or (language in _CALLING and sign.isalpha()):
        return _closed(source, python_calls.code_calls(source, at, offer, mark), mark)
    if sign == "[" and python_calls.begins_list(source, at, offer):
        return _closed(source, python_calls.call_list(source, at, offer), mark)
    if sign == "[" and source.starts(tokens.MISTRAL, at):
        return _opened(tokens.mistral_call(source, at, offer), mark)
    if sign in "{[":
        return _values(source, at, offer, mark, certain=language in _CALLING)
    return _opened(tags.tag_call(source, at, offer) if sign == "<" else react.action(source, at, offer), mark)


def _opened(outcome: Outcome, mark: str) -> Outcome:
    """Calls whose fence is closed by what comes after them."""
    return Calls(outcome.end, outcome.found, outcome.said, mark) if isinstance(outcome, Calls) else outcome


def _values(source: Source, at: int, offer: Offer, mark: str, *, certain: bool) -> Outcome:
    """JSON values up to the closing marks; all of them are calls, or the fence is an answer."""
    certain = certain or source.match(_ASKED, at, _PART_OF_ASKED) is not None
    if not certain and not may_be_call(source, at, offer):
        return Plain(at, "")
    calls: list[Found] = []
    said: list[str] = []
    while source.sign(at) and source.sign(at) in "{[":
        bounds = source.bounds(at, "fence")
        found = read_calls(source, at, bounds, offer, certain=certain)
        if found is None:
            return Plain(bounds.end, mark)
        end = bounds.end
        calls += found[0]
        said += [found[1]] if found[1] else []
        surplus = SURPLUS.match(source.text, end)
        end = surplus.end() if surplus is not None else end
        at = source.skip(end, BETWEEN)
    return _closed(source, Calls(end, tuple(calls), "\n".join(said)), mark)


def _closed(source: Source, outcome: Outcome, mark: str) -> Outcome:
    """Calls with the marks that close their fence; something else before these makes the fence an answer."""
    if not isinstance(outcome, Calls):
        return outcome
    at = source.skip(outcome.end, BETWEEN)
    if source.starts(mark, at):
        return Calls(at + len(mark), outcome.found, outcome.said)
    cut = mark.startswith(source.text[at:])
    return Calls(len(source.text), outcome.found, outcome.said) if cut else Plain(at, mark)


def _only_a_list(source: Source, at: int, offer: Offer, mark: str) -> Outcome:
    """A Python fence that is the whole answer and nothing but a list of calls."""
    if source.sign(at) != "[":
        return Plain(at)
    outcome = _closed(source, python_calls.call_list(source, at, offer), mark)
    if isinstance(outcome, Calls) and source.skip(outcome.end) < len(source.text):
        return Plain(at)
    return outcome
