"""Calls in lines of words: ReAct's ``Action:`` / ``Action Input:``, ``Call: f(x)``, a name and JSON below it."""

from __future__ import annotations

import re
from typing import Any

from g4f_integrations.core.toolcalls.bounds import bounds_of
from g4f_integrations.core.toolcalls.dialects import gemma, python_calls
from g4f_integrations.core.toolcalls.dialects.json_values import arguments_at, may_be_call, read_calls
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, WAIT, Calls, Found, Outcome, Plain, broken
from g4f_integrations.core.toolcalls.tolerant_json import loads

_ACTION = re.compile(r"\*{0,2}Action(?: \d{1,2})?\*{0,2}:\*{0,2}[ \t]*", re.IGNORECASE)
_PART_OF_ACTION = re.compile(
    r"\*{0,2}(?:A(?:c(?:t(?:i(?:o(?:n(?: ?\d{0,2})?\*{0,2}(?::\*{0,2}[ \t]*)?)?)?)?)?)?)?\Z", re.IGNORECASE
)
_INPUT = re.compile(r"\s*\*{0,2}Action[ _]?Input(?: \d{1,2})?\*{0,2}:\*{0,2}[ \t]*", re.IGNORECASE)
_PART_OF_INPUT = re.compile(r"\s*(?:\*{0,2}(?:a(?:c(?:t(?:i(?:o(?:n[\w \d*:]{0,12})?)?)?)?)?)?)?\Z", re.IGNORECASE)
_NAME = re.compile(r"[`*\"'\[ \t]*([A-Za-z_][\w.:-]{0,127})(?:\(\))?[`*\"'\] \t.]*+(?=\n|\Z)")
_SEARCH = re.compile(r"[`*]*([A-Za-z_][\w.-]{0,127})\[([^\]\n]{1,1000})\][`* \t]*(?=\n|\Z)")
_CALL = re.compile(r"[`*]*(?=[A-Za-z_][\w.-]{0,127}\s*\()")
_FENCE = re.compile(r"\s*(```+)[\w-]{0,20}[ \t]*\n\s*")
_END = re.compile(
    r"\n[ \t]*(?:\*{0,2})(?:Observation|Thought|Action|Final Answer|Question|Result)\b[^\n:]{0,12}:", re.IGNORECASE
)
_NOTHING = {"none", "n/a", "na", "no", "nothing", "finish", "final_answer", "final", "answer", "respond", "done"}
_LONGEST_LINE = 1200  # characters of the line that names the action


def action(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """``Action: name`` with its input, ``Action: {json}``, ``Action: f(x)`` or ``Action: f[x]``."""
    head = _ACTION.match(text, at)
    if head is None:
        return WAIT if not final and _PART_OF_ACTION.match(text, at) else Plain(at + 1)
    plain = Plain(head.end())
    start = head.end()
    blanks = len(text[start : start + 80]) - len(text[start : start + 80].lstrip())
    first = text[start + blanks : start + blanks + 1]
    if not first:
        return plain if final else WAIT
    if first in "{[`" and (first != "`" or "\n" in text[start : start + blanks] or text.startswith("```", start)):
        outcome = _json_action(text, start, start + blanks, offer, final=final)
        if outcome is not None:
            return _ended(outcome, plain)
    if not blanks or "\n" not in text[start : start + blanks]:
        return _ended(_named_action(text, start, offer, final=final), plain)
    return plain


def _ended(outcome: Outcome, plain: Plain) -> Outcome:
    return Plain(max(plain.end, outcome.end), outcome.inside) if isinstance(outcome, Plain) else outcome


def _json_action(text: str, start: int, at: int, offer: Offer, *, final: bool) -> Outcome | None:
    """JSON after ``Action:``, in a fence or bare."""
    marker = ""
    if text[at] == "`":
        fence = _FENCE.match(text, start)
        if fence is None:
            return WAIT if not final and "\n" not in text[at:] and len(text) - at < 40 else None
        at, marker = fence.end(), fence[1]
        if at == len(text):
            return WAIT if not final else Plain(at, marker)
    if text[at] not in "{[":
        return Plain(at, marker) if marker else None
    possible = may_be_call(text, at, offer)
    if possible is None and not final:
        return WAIT
    if not possible:
        return Plain(at, marker)
    bounds = bounds_of(text, at, "fence" if marker else "tag")
    if bounds.state == "open" and not final:
        return WAIT
    found = read_calls(text[at : bounds.end].rstrip(), offer, certain=False)
    return Plain(bounds.end, marker) if found is None else Calls(bounds.end, found[0], found[1], marker)


def _named_action(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    line_end = text.find("\n", at)
    if line_end < 0:
        if not final and len(text) - at < _LONGEST_LINE:
            return WAIT
        line_end = len(text)
    if line_end - at > _LONGEST_LINE:
        return Plain(at)
    if (searched := _SEARCH.match(text, at)) is not None and (tool := offer.match(searched[1])) is not None:
        key = offer.lone_property(tool)
        if key is not None:
            return Calls(searched.end(), (Found(searched[1], {key: searched[2].strip("\"'")}),))
    if (called := _CALL.match(text, at)) is not None and _NAME.match(text, at) is None:
        outcome = python_calls.calls_from(text, called.end(), offer, final=final)
        return outcome
    named = _NAME.match(text, at)
    if named is None:
        return Plain(at)
    given = _INPUT.match(text, line_end)
    if given is None:
        if not final and _PART_OF_INPUT.match(text, line_end):
            return WAIT
        tool = offer.match(named[1]) if offer.has(named[1]) else None
        alone = tool is not None and not offer.required(tool) and _is_last(text, line_end)
        return Calls(named.end(), (Found(named[1], {}),)) if alone else Plain(at)
    if named[1].lower() in _NOTHING and not offer.has(named[1]):
        return Plain(at)
    return _with_input(text, given.end(), named[1], offer, final=final)


def _is_last(text: str, at: int) -> bool:
    """Whether nothing follows, or what follows is the next step's line."""
    rest = text[at : at + 200]
    return not rest.strip() or _END.match("\n" + rest.lstrip()) is not None


def _with_input(text: str, at: int, name: str, offer: Offer, *, final: bool) -> Outcome:
    """The call whose input begins at `at`: JSON, bare or fenced, or plain text for a tool with one argument."""
    fence = _FENCE.match(text, at)
    start = fence.end() if fence is not None else at
    marker = fence[1] if fence is not None else ""
    if not final and (
        text[at:].strip() in {"", "`", "``"} or (fence is None and re.match(r"\s*```[^\n]{0,40}\Z", text[at : at + 80]))
    ):
        return WAIT
    if start == len(text) and not final:
        return WAIT
    begin = start + len(text[start : start + 80]) - len(text[start : start + 80].lstrip())
    if text[begin : begin + 1] == "{":
        return _json_input(text, begin, name, marker, final=final)
    end = _END.search(text, max(at - 1, 0))
    if end is None and not final:
        return WAIT
    stop = end.start() if end is not None else len(text)
    raw = text[start:stop].strip()
    if marker:
        raw = raw.split(f"\n{marker}")[0].rstrip("`")
    return Calls(max(stop, at), (Found(name, _plain_input(raw, name, offer)),))


def _json_input(text: str, at: int, name: str, marker: str, *, final: bool) -> Outcome:
    try:
        read = arguments_at(text, at, final=final, stop="fence" if marker else "tag")
    except ValueError as error:
        end = max(bounds_of(text, at).end, at)
        return Calls(end, (broken(name, text[at:end], f"The arguments are no JSON: {error}"),), "", marker)
    return WAIT if read is None else Calls(read[1], (Found(name, read[0]),), "", marker)


def _plain_input(raw: str, name: str, offer: Offer) -> Any:
    """Plain text as arguments: nothing for no input, else the value of the tool's one argument."""
    if len(raw) > MAX_ARGUMENTS:
        return raw
    tool = offer.match(name)
    if raw.lower() in {"", "none", "null", "{}", "n/a", "()"}:
        return {}
    if tool is None:
        return raw
    key = offer.lone_property(tool)
    if raw[0] in "[\"'":
        try:
            raw = loads(raw)
        except ValueError:
            pass
    pairs = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*[=:]\s*(.+)", raw) if isinstance(raw, str) else None
    if pairs is not None and pairs[1] in offer.properties(tool):
        return {pairs[1]: pairs[2].strip().strip("\"'")}
    return {key: raw} if key is not None else raw


_CALL_LINE = re.compile(r"Call:[ \t]*(?=[A-Za-z_][\w.-]{0,127}\s*\()")


def worded_call(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """A call that begins with a word at the head of a line, in any of the forms."""
    if text[at] in "*Aa":
        outcome = action(text, at, offer, final=final)
        if not isinstance(outcome, Plain) or outcome.end > at + 1:
            return outcome
    if text[at] in "Cc":
        outcome = _call_line(text, at, offer, final=final)
        if not isinstance(outcome, Plain) or outcome.end > at + 1:
            return outcome
    if text.startswith("functools", at):
        outcome = _functools(text, at + len("functools"), offer, final=final)
        if outcome is not None:
            return outcome
    return _name_and_json(text, at, offer, final=final)


def _call_line(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    line = _CALL_LINE.match(text, at)
    if line is not None:
        outcome = python_calls.calls_from(text, line.end(), offer, final=final)
        return outcome if not isinstance(outcome, Plain) else Plain(at + 1)
    if not final and re.compile(r"C(?:a(?:l(?:l(?::[ \t]*(?:[A-Za-z_][\w.-]{0,127}\s*)?)?)?)?)?\Z").match(text, at):
        return WAIT
    return gemma.gemma_call(text, at, offer, final=final, certain=False)


def _functools(text: str, at: int, offer: Offer, *, final: bool) -> Outcome | None:
    """Phi's ``functools[{…}]``."""
    if at == len(text):
        return None if final else WAIT
    if text[at] != "[":
        return None
    bounds = bounds_of(text, at, "tag")
    if bounds.state == "open" and not final:
        return WAIT
    found = read_calls(text[at : bounds.end], offer, certain=True)
    return None if found is None else Calls(bounds.end, *found)


_JSON_BELOW = re.compile(r"[ \t]*+\n?+[ \t]*+(?=\{)")
_PART_OF_BELOW = re.compile(r"[ \t]*+\n?+[ \t]*+\Z")


def _name_and_json(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """GLM-4's form: a tool's exact name, and JSON that can be its arguments on the next line or right behind."""
    named = re.compile(r"(?:functions\.)?([A-Za-z_][\w.-]{0,127})").match(text, at)
    if named is None:
        return Plain(at + 1)
    if named.end() == len(text) and not final:
        part = named[0].removeprefix("functions.")
        return (
            WAIT
            if "functions.".startswith(part) or any(name.startswith(part) for name in offer.names)
            else Plain(at + 1)
        )
    if not offer.has(named[1]):
        return Plain(at + 1)
    below = _JSON_BELOW.match(text, named.end())
    if below is None:
        return WAIT if not final and _PART_OF_BELOW.match(text, named.end()) else Plain(at + 1)
    bounds = bounds_of(text, below.end())
    if bounds.state == "open" and not final:
        return WAIT
    try:
        arguments = loads(text[below.end() : bounds.end])
    except ValueError:
        return Plain(bounds.end)
    fits = isinstance(arguments, dict) and offer.takes(named[1], arguments)
    return Calls(bounds.end, (Found(named[1], arguments),)) if fits else Plain(bounds.end)
