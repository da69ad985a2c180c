"""Calls in ReAct's lines: ``Action:`` and ``Action Input:``, and what models put behind ``Action:`` besides."""

from __future__ import annotations

import re
from typing import Any

from g4f_integrations.core.toolcalls.dialects import python_calls
from g4f_integrations.core.toolcalls.dialects.json_values import bare_json, call_with
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, Calls, Found, Outcome, Plain
from g4f_integrations.core.toolcalls.source import Source
from g4f_integrations.core.toolcalls.tolerant_json import loads

_ACTION = re.compile(r"\*{0,2}Action(?: \d{1,2})?\*{0,2}:\*{0,2}[ \t]*+", re.IGNORECASE)
_PART_OF_ACTION = re.compile(
    r"\*{0,2}(?:A(?:c(?:t(?:i(?:o(?:n(?: ?\d{0,2})?\*{0,2}(?::\*{0,2}[ \t]*)?)?)?)?)?)?)?\Z", re.IGNORECASE
)
_INPUT = re.compile(r"\s*\*{0,2}Action[ _]?Input(?: \d{1,2})?\*{0,2}:\*{0,2}[ \t]*+", re.IGNORECASE)
_PART_OF_INPUT = re.compile(r"\s*(?:\*{0,2}(?:a(?:c(?:t(?:i(?:o(?:n[\w \d*:]{0,12})?)?)?)?)?)?)?\Z", re.IGNORECASE)
_NAME = re.compile(r"[`*\"'\[ \t]*+([A-Za-z_][\w.:-]{0,127})(?:\(\))?[`*\"'\] \t.]*+(?=\n|\Z)")
_LOOKUP = re.compile(r"[`*]*([A-Za-z_][\w.-]{0,127})\[([^\]\n]{1,1000})\][`* \t]*+(?=\n|\Z)")
_CALL = re.compile(r"[`*]*(?=[A-Za-z_][\w.-]{0,127}\s?\()")
_FENCE = re.compile(r"\s*(```+)[\w-]{0,20}[ \t]*\n\s*")
_PART_OF_FENCE = re.compile(r"\s*(?:`{1,2}|```+[\w-]{0,20}[ \t]*)?\Z")
_END = re.compile(
    r"\n[ \t]*(?:\*{0,2})(?:Observation|Thought|Action|Final Answer|Question|Result)\b[^\n:]{0,12}:", re.IGNORECASE
)
_PAIR = re.compile(r"([A-Za-z_]\w*)\s*[=:]\s*(.+)")
_NOTHING = {"none", "n/a", "na", "no", "nothing", "finish", "final_answer", "final", "answer", "respond", "done"}
_EMPTY = {"", "none", "null", "{}", "n/a", "()"}
_LONGEST_STEP = 60  # characters of the head of a line that names a step
_LONGEST_LINE = 1200  # characters of the line that names the action


def action(source: Source, at: int, offer: Offer) -> Outcome:
    """``Action: name`` with its input, ``Action: {json}``, ``Action: f(x)`` or ``Action: f[x]``."""
    head = source.match(_ACTION, at, _PART_OF_ACTION)
    if head is None:
        return Plain(at + 1)
    start = source.skip(head.end())
    fence = source.match(_FENCE, head.end(), _PART_OF_FENCE)
    if fence is not None:
        outcome = _fenced(source, fence, offer)
    elif source.sign(start) in {"{", "["}:
        outcome = bare_json(source, start, offer, "tag")
    elif "\n" not in source.text[head.end() : start]:
        outcome = _named_action(source, head.end(), offer)
    else:
        outcome = Plain(head.end())
    return outcome if outcome.end >= head.end() else Plain(head.end())


def _fenced(source: Source, fence: re.Match[str], offer: Offer) -> Outcome:
    at = source.skip(fence.end())
    outcome = bare_json(source, at, offer, "fence") if source.sign(at) in {"{", "["} else Plain(at)
    if isinstance(outcome, Plain):
        return Plain(max(outcome.end, fence.end()), fence[1])
    return Calls(outcome.end, outcome.found, outcome.said, fence[1])


def _named_action(source: Source, at: int, offer: Offer) -> Outcome:
    text = source.text
    line_end = text.find("\n", at)
    if line_end < 0 and len(text) - at < _LONGEST_LINE:
        source.more()
    line_end = len(text) if line_end < 0 else line_end
    if line_end - at > _LONGEST_LINE:
        return Plain(at)
    looked_up = _looked_up(text, at, offer)
    if looked_up is not None:
        return looked_up
    named = _NAME.match(text, at)
    if named is not None:
        return _with_input(source, named, line_end, offer)
    called = _CALL.match(text, at)
    return python_calls.calls_from(source, called.end(), offer) if called is not None else Plain(at)


def _looked_up(text: str, at: int, offer: Offer) -> Calls | None:
    """``search[cats]``, for a tool that has one argument."""
    found = _LOOKUP.match(text, at)
    tool = offer.match(found[1]) if found is not None else None
    key = offer.lone_property(tool) if tool is not None else None
    if found is None or key is None:
        return None
    return Calls(found.end(), (Found(found[1], {key: found[2].strip("\"'")}),))


def _with_input(source: Source, named: re.Match[str], line_end: int, offer: Offer) -> Outcome:
    """The action with the input in the next line; without one only if the tool takes none and nothing follows."""
    name = named[1]
    given = source.match(_INPUT, line_end, _PART_OF_INPUT)
    if given is None:
        alone = offer.has(name) and not offer.required(name) and _is_last(source, line_end)
        return Calls(named.end(), (Found(name, {}),)) if alone else Plain(named.start())
    if name.lower() in _NOTHING and not offer.has(name):
        return Plain(named.start())
    return _input(source, given.end(), name, offer)


def _is_last(source: Source, at: int) -> bool:
    """Whether nothing follows, or what follows is the next step's line."""
    start = source.skip(at)
    line = source.text[start : start + _LONGEST_STEP].partition("\n")[0]
    if start + len(line) == len(source.text) and ":" not in line:
        source.more()
    return not line or _END.match("\n" + line) is not None


def _input(source: Source, at: int, name: str, offer: Offer) -> Calls:
    """The call whose input begins at `at`: JSON, bare or fenced, or plain text for a tool with one argument."""
    fence = source.match(_FENCE, at, _PART_OF_FENCE)
    start = source.skip(fence.end() if fence is not None else at)
    mark = fence[1] if fence is not None else ""
    if source.sign(start) == "{":
        calls = call_with(source, start, name, None, "fence" if mark else "tag")
        return Calls(calls.end, calls.found, "", mark)
    end = _END.search(source.text, at - 1)
    if end is None:
        source.more()
    stop = max(end.start() if end is not None else len(source.text), at)
    raw = source.text[start:stop].strip()
    if mark:
        raw = raw.split(f"\n{mark}")[0].rstrip("`")
    return Calls(stop, (Found(name, _plain_input(raw, name, offer)),))


def _plain_input(raw: str, name: str, offer: Offer) -> Any:
    """Plain text as arguments: nothing for no input, else the value of the tool's one argument."""
    tool = offer.match(name)
    if raw.lower() in _EMPTY:
        return {}
    if tool is None or len(raw) > MAX_ARGUMENTS:
        return raw
    pair = _PAIR.fullmatch(raw)
    if pair is not None and pair[1] in offer.properties(tool):
        return {pair[1]: _unquoted(pair[2].strip())}
    key = offer.lone_property(tool)
    return {key: _unquoted(raw)} if key is not None else raw


def _unquoted(raw: str) -> Any:
    """A value without the quotes that stand around all of it; a list as a list."""
    if raw[0] + raw[-1] not in {'""', "''", "[]"}:
        return raw
    try:
        return loads(raw)
    except ValueError:
        return raw
