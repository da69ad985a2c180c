"""Calls in tags: ``<tool_call>``, ``<function=…>``, ``<invoke name=…>``, ``<|python_tag|>`` and their many kin."""

from __future__ import annotations

import re
from typing import Any

from g4f_integrations.core.toolcalls.dialects import gemma, python_calls
from g4f_integrations.core.toolcalls.dialects.json_values import arguments_at, certain_values, may_be_call, read_calls
from g4f_integrations.core.toolcalls.dialects.parameters import read_parameters
from g4f_integrations.core.toolcalls.bounds import bounds_of
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import WAIT, Calls, Found, Outcome, Plain, Wait, broken

LONGEST_TAG = 300
"""Characters of a tag's inside; longer ones open nothing."""

_TAG = re.compile(rf"<([^<>]{{1,{LONGEST_TAG}}})>")
_PART_OF_TAG = re.compile(rf"<[^<>]{{0,{LONGEST_TAG}}}\Z")
_SPACES = ("dsml|", "antml:", "minimax:", "seed:", "steptml:")

# A body in one of these is meant as a call, whatever it says.
_WRAPPERS = {
    "tool_call", "tool_calls", "toolcall", "toolcalls", "function_call", "function_calls", "functioncall", "functioncalls",
    "tool_use", "tool_call_start", "start_function_call", "tools_prefix", "action_start", "start_action", "python_tag",
    "longcat_tool_call", "tool_calls_begin", "tool_calls_section_begin",
}  # fmt: skip
# A body in one of these is one if it names a tool.
_WEAK = {"tool", "call", "function", "action", "tool_code", "tool_request", "tool_invocation", "use_mcp_tool", "invoke"}
_NAMED = {"invoke", "function", "tool_call", "function_call", "tool", "call", "tool_use"}
_HEADS = (*_WRAPPERS, *_WEAK, "tool_call_begin", "channel", "start", "plugin", "interpreter")

_EQUALS = re.compile(r"(?:function|tool|invoke)\s*=\s*[\"']?([\w.:-]{1,128})[\"']?\s*\Z", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s(?:name|tool_name)\s*=\s*[\"']([^\"'<>]{1,128})[\"']", re.IGNORECASE)
_BLANKS = re.compile(r"\s*")
_FENCE = re.compile(r"(?:```|~~~)[\w-]*[ \t]*\n\s*")
_PART_OF_FENCE = re.compile(r"(?:`{1,3}|~{1,3})(?:(?<=```)[\w-]{0,20}[ \t]*)?\Z")
_NAME = re.compile(r"[\w.:-]{1,128}")
_AFTER_NAME = re.compile(r"\s*(?=<arg_key>|</[|\uff5c]?(?:tool_call|function_call|tool_calls)[|\uff5c]?>|[{(]|\Z)")
_PART_OF_AFTER = re.compile(r"\s*(?:<[/|\uff5c\w]{0,20})?\Z")
_SKIPPED = re.compile(r"\s*<[|\uff5c](?:plugin|interpreter)[|\uff5c]>\s*|\s*:")


def canonical(inside: str) -> str:
    """What stands in a tag, without its dress: ``｜tool▁calls▁begin｜``, ``|TOOL_CALLS_BEGIN|`` → ``tool_calls_begin``."""
    plain = inside.lower().replace("\uff5c", "|").replace("\u2581", "_").strip("| ")
    for space in _SPACES:
        plain = plain.removeprefix(space)
    return plain.strip("| ")


def may_be_tag(text: str, at: int, offer: Offer) -> bool | None:
    """Whether the ``<`` at `at` begins a tag that can begin a call; ``None`` if that takes more text."""
    found = _TAG.match(text, at)
    if found is None:
        if not _PART_OF_TAG.match(text, at):
            return False
        part = text[at + 1 :]
        if part.startswith("/"):
            return False
        plain = canonical(part)
        word = re.split(r"[\s=|]", plain, maxsplit=1)[0]
        lowered = (name.lower() for name in offer.names)
        begins = any(space.startswith(plain.split("|")[0]) for space in _SPACES) or not plain
        known = any(head.startswith(word) or word == head for head in (*_HEADS, *lowered))
        return None if begins or known else False
    return _kind(found[1], offer) is not None


def _kind(inside: str, offer: Offer) -> tuple[str, str] | None:
    """The kind of an opening tag, and the name of the tool that it gives."""
    if inside.startswith("/"):
        return None
    plain = canonical(inside)
    named = _EQUALS.match(plain) and _EQUALS.match(inside.strip("|\uff5c "))
    if named is not None and named:
        return "named", named[1]
    word = re.split(r"[\s]", plain, maxsplit=1)[0]
    if word in _NAMED and (attribute := _ATTRIBUTE.search(inside)) is not None:
        return "named", attribute[1]
    if plain in _WRAPPERS:
        return "wrapper", ""
    if plain in _WEAK:
        return "weak", ""
    if plain == "tool_call_begin":
        return "token", ""
    first = re.split(r"[\s/]", inside.strip(), maxsplit=1)[0]
    return ("tool", first) if offer.has(first) else None


def tag_call(text: str, at: int, offer: Offer, *, final: bool, depth: int = 0) -> Outcome:
    """The calls of the tag at `at`, as far as they follow each other directly."""
    possible = may_be_tag(text, at, offer)
    if possible is None and not final:
        return WAIT
    if not possible:
        return Plain(at + 1)
    opened = _TAG.match(text, at)
    assert opened is not None
    kind, name = _kind(opened[1], offer) or ("", "")
    outcome: Outcome
    if kind == "named":
        outcome = _named(text, opened.end(), name, offer, final=final)
    elif kind == "tool":
        outcome = _tool_tag(text, opened, name, offer, final=final)
    elif kind == "token":
        outcome = _token_call(text, opened.end(), offer, final=final)
    else:
        outcome = _body(text, opened.end(), offer, final=final, certain=kind == "wrapper", depth=depth)
    # A tag that opens nothing is text, and what is in it is looked at on its own.
    return Plain(opened.end(), outcome.inside) if isinstance(outcome, Plain) and outcome.end < opened.end() else outcome


def _body(text: str, at: int, offer: Offer, *, final: bool, certain: bool, depth: int) -> Outcome:
    """What stands in a wrapper: JSON, Python, further tags, or a name and its arguments."""
    nothing = Plain(at)
    at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
    skipped = _SKIPPED.match(text, at)
    at = skipped.end() if skipped is not None else at
    fence = _FENCE.match(text, at)
    if fence is not None:
        at = fence.end()
    elif not final and (at == len(text) or _PART_OF_FENCE.match(text, at)):
        return WAIT
    if at >= len(text):
        return WAIT if not final else nothing
    marker = text[fence.start() : fence.start() + 3] if fence is not None else ""
    outcome = _content(text, at, offer, final=final, certain=certain, depth=depth)
    if isinstance(outcome, Calls) and marker:
        return Calls(outcome.end, outcome.found, outcome.said, marker)
    return nothing if isinstance(outcome, Plain) and outcome.end <= at + 1 else outcome


def _content(text: str, at: int, offer: Offer, *, final: bool, certain: bool, depth: int) -> Outcome:
    first = text[at]
    if first == "[":
        listed = python_calls.begins_list(text, at, offer)
        if listed or (certain and re.compile(r"\[\s*[A-Za-z_][\w.]*\s*\(").match(text, at)):
            return python_calls.call_list(text, at, offer, final=final, certain=certain)
        if listed is None and not final:
            return WAIT
    if first in "{[":
        if certain:
            return _certain_json(text, at, offer, final=final)
        return _weak_json(text, at, offer, final=final)
    if first == "<":
        if depth > 2 or (text.startswith("</", at)):
            return Plain(at)
        inner = tag_call(text, at, offer, final=final, depth=depth + 1)
        if isinstance(inner, Plain) and inner.end <= at + 1 + LONGEST_TAG:
            return _described(text, at, offer, final=final)
        return inner
    if text.startswith("call:", at) or (not final and "call:".startswith(text[at:])):
        return gemma.gemma_call(text, at, offer, final=final, certain=True)
    return _name_first(text, at, offer, final=final, certain=certain)


def _certain_json(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    return certain_values(text, at, offer, final=final)


def _weak_json(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    possible = may_be_call(text, at, offer)
    if possible is None and not final:
        return WAIT
    if not possible:
        return Plain(at)
    bounds = bounds_of(text, at, "tag")
    if bounds.state == "open" and not final:
        return WAIT
    found = read_calls(text[at : bounds.end], offer, certain=False)
    return Plain(bounds.end) if found is None else Calls(bounds.end, *found)


def _name_first(text: str, at: int, offer: Offer, *, final: bool, certain: bool) -> Outcome:
    """``name`` and then GLM's pairs, JSON, Python's parentheses or nothing."""
    named = _NAME.match(text, at)
    if named is None:
        return Plain(at)
    if named.end() == len(text) and not final:
        return WAIT
    after = _AFTER_NAME.match(text, named.end())
    if not final and (after is None or after.end() == len(text)) and _PART_OF_AFTER.match(text, named.end()):
        return WAIT
    if after is None:
        return Plain(at)
    name, start = named[0], after.end()
    if text.startswith("(", start):
        return python_calls.calls_from(text, at, offer, final=final, certain=certain)
    if text.startswith("{", start):
        return _with_json(text, start, name, offer, final=final)
    if not text.startswith("<arg_key>", start):
        return Calls(start, (Found(name, {}),)) if offer.match(name) is not None else Plain(at)
    read = read_parameters(text, start, final=final)
    return WAIT if read is None else Calls(read[1], (Found(name, read[0]),))


def _with_json(text: str, at: int, name: str, offer: Offer, *, final: bool) -> Outcome:
    try:
        read = arguments_at(text, at, final=final)
    except ValueError as error:
        bounds = bounds_of(text, at, "tag")
        return Calls(max(bounds.end, at), (broken(name, text[at : bounds.end], f"The arguments are no JSON: {error}"),))
    return WAIT if read is None else Calls(read[1], (Found(name, read[0]),))


def _named(text: str, at: int, name: str, offer: Offer, *, final: bool) -> Outcome:
    """``<function=name>`` and ``<invoke name="name">``: parameters, elements or JSON follow."""
    start = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
    if start == len(text):
        return (
            Calls(at, (Found(name, {}),)) if final and offer.match(name) is not None else Plain(at) if final else WAIT
        )
    if text[start] == "{":
        return _with_json(text, start, name, offer, final=final)
    if text[start] != "<":
        return Plain(at)
    read = read_parameters(text, start, final=final, elements=True)
    if read is None:
        return WAIT
    arguments, end = read
    if not arguments and offer.match(name) is None:
        return Plain(at)
    if not arguments and re.compile(r"</[^<>]{0,40}?(?:function|invoke|tool|call)").match(text, start) is None:
        return Plain(at)
    return Calls(end, (Found(name, arguments),))


def _tool_tag(text: str, opened: re.Match[str], name: str, offer: Offer, *, final: bool) -> Outcome:
    """``<get_weather><city>Paris</city></get_weather>``, if it holds arguments that the tool has."""
    at = opened.end()
    attributes = dict(re.findall(r"([A-Za-z_][\w.-]*)\s*=\s*\"([^\"<>]*)\"", opened[1]))
    if attributes and opened[1].rstrip().endswith("/"):
        return Calls(at, (Found(name, attributes),)) if offer.takes(name, attributes) else Plain(at)
    if opened[1] != name:
        return Plain(at)
    start = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
    if start == len(text) and not final:
        return WAIT
    if text.startswith("{", start):
        bounds = bounds_of(text, start, "tag")
        if bounds.state == "open" and not final:
            return WAIT
        try:
            read = arguments_at(text, start, final=final)
        except ValueError:
            return Plain(bounds.end)
        if read is None or not isinstance(read[0], dict):
            return Plain(bounds.end)
        return _until_own_end(text, read[1], name, read[0], offer, final=final)
    element = re.compile(r"<([A-Za-z_][\w.-]{0,127})(?:>|\Z)").match(text, start)
    if element is None:
        if not final and re.compile(r"<\Z").match(text, start):
            return WAIT
        return Plain(at)
    if (
        element[0].endswith(">")
        and element[1] not in offer.properties(name)
        and element[1] not in {"parameter", "param"}
    ):
        return Plain(at)
    parameters = read_parameters(text, start, final=final, elements=True)
    if parameters is None:
        return WAIT
    arguments, end = parameters
    return _until_own_end(text, end, name, arguments, offer, final=final)


def _until_own_end(text: str, at: int, name: str, arguments: dict[str, Any], offer: Offer, *, final: bool) -> Outcome:
    """The call whose arguments end at `at`, if the tag of its tool ends there too and the tool has such arguments."""
    closing = re.compile(rf"\s*</{re.escape(name)}\s*>").match(text, at)
    if closing is None and not final and re.compile(r"\s*(?:<(?:/[\w.-]*\s*)?)?\Z").match(text, at):
        return WAIT
    if closing is None or not set(arguments) <= set(offer.properties(name)):
        return Plain(at)
    return Calls(closing.end(), (Found(name, arguments),))


def _described(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """``<name>get_weather</name><arguments>{"city": "Paris"}</arguments>`` inside a wrapper."""
    head = re.compile(r"<(name|tool_name|function|tool|server_name)>", re.IGNORECASE).match(text, at)
    if head is None:
        part = re.compile(r"<[a-z_]{0,12}\Z", re.IGNORECASE)
        return WAIT if not final and part.match(text, at) else Plain(at)
    read = read_parameters(text, at, final=final, elements=True)
    if read is None:
        return WAIT
    fields, end = read
    name = next((str(fields.pop(key)) for key in ("tool_name", "name", "function", "tool") if key in fields), "")
    if offer.match(name) is None and not fields:
        return Plain(at)
    fields.pop("server_name", None)
    for key in ("arguments", "parameters", "args", "input", "params"):
        if key in fields:
            given = fields[key]
            if "<" in given and not given.lstrip().startswith("{"):
                inner = read_parameters(given, 0, final=True, elements=True)
                given = inner[0] if inner is not None else given
            return Calls(end, (Found(name, given or {}),))
    return Calls(end, (Found(name, fields),))


_SEP = r"\s{0,9}<[|\uff5c](?:tool[_▁]sep|tool_call_argument_begin)[|\uff5c]>\s{0,9}"
_TOKEN_HEAD = re.compile(
    rf"\s{{0,9}}(?:function{_SEP})?([^<>{{}}\s`][^<>{{}}\n`]{{0,160}}?)(?:{_SEP})?\s{{0,9}}(?:```\w{{0,9}}\s{{0,9}})?(?=[{{\"])"
)
_TOKEN_STEP = re.compile(rf"\s*function{_SEP}(?=<)")


def _token_call(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """DeepSeek's and Kimi's forms: a token, a name, a token, the arguments."""
    step = _TOKEN_STEP.match(text, at)
    if step is not None:
        nested = tag_call(text, step.end(), offer, final=final, depth=2)
        if not isinstance(nested, Plain):
            return nested
    head = _TOKEN_HEAD.match(text, at)
    if head is None:
        return WAIT if not final and len(text) - at < LONGEST_TAG else Plain(at)
    name = re.sub(r":\d+$", "", head[1].strip()).removeprefix("functions.")
    fence = "```" if "```" in head[0] else ""
    outcome = _with_json(text, head.end(), name, offer, final=final)
    return Calls(outcome.end, outcome.found, "", fence) if isinstance(outcome, Calls) else outcome
