"""Calls in tags: ``<tool_call>``, ``<function=…>``, ``<invoke name=…>``, ``<|python_tag|>`` and their many kin."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.dialects import elements, gemma, python_calls, tokens
from g4f_integrations.core.toolcalls.dialects.json_values import bare_json, call_with, certain_values
from g4f_integrations.core.toolcalls.dialects.parameters import read_parameters
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import Calls, Outcome, Plain
from g4f_integrations.core.toolcalls.source import Source

_LONGEST_TAG = 300  # characters of a tag's inside; longer ones open nothing
_DEEPEST = 2  # wrappers in wrappers
_TAG = re.compile(rf"<([^<>]{{1,{_LONGEST_TAG}}})>")
_PART_OF_TAG = re.compile(rf"<[^<>]{{0,{_LONGEST_TAG}}}\Z")
_SPACES = ("dsml|", "antml:", "minimax:", "seed:", "steptml:")

# A body in one of these is meant as a call, whatever it says.
_WRAPPERS = {
    "tool_call", "tool_calls", "toolcall", "toolcalls", "function_call", "function_calls", "functioncall",
    "functioncalls", "tool_use", "tool_call_start", "start_function_call", "tools_prefix", "action_start",
    "start_action", "python_tag", "longcat_tool_call", "tool_calls_begin", "tool_calls_section_begin",
}  # fmt: skip
# A body in one of these is one if it names a tool.
_WEAK = {"tool", "call", "function", "action", "tool_code", "tool_request", "tool_invocation", "use_mcp_tool", "invoke"}
_NAMED = {"invoke", "function", "tool_call", "function_call", "tool", "call", "tool_use"}
_HEADS = (*_WRAPPERS, *_WEAK, "tool_call_begin", "channel", "start", "plugin", "interpreter", *_SPACES)

_EQUALS = re.compile(r"(?:function|tool|invoke)\s*=\s*[\"']?([\w.:-]{1,128})[\"']?\s*\Z", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\s(?:name|tool_name)\s*=\s*[\"']([^\"'<>]{1,128})[\"']", re.IGNORECASE)
_BEHIND_WORD = re.compile(r"[\s=|/]")
_SKIPPED = re.compile(r"\s*<[|\uff5c](?:plugin|interpreter)[|\uff5c]>\s*|\s*:\s*")
_PART_OF_SKIPPED = re.compile(r"<(?:[|\uff5c][a-z]{0,11}[|\uff5c]?)?\Z")
_FENCE = re.compile(r"(```|~~~)[\w-]*[ \t]*\n\s*")
_PART_OF_FENCE = re.compile(r"(?:`{1,2}|~{1,2}|(?:```|~~~)[\w-]{0,20}[ \t]*)\Z")
_NAME = re.compile(r"[\w.:-]{1,128}")
_AFTER_NAME = re.compile(r"\s*(?=<arg_key>|</[|\uff5c]?(?:tool_call|function_call|tool_calls)[|\uff5c]?>|[{(]|\Z)")
_PART_OF_AFTER = re.compile(r"\s*(?:<[/|\uff5c\w]{0,20})?\Z")
_FUNCTION = re.compile(r"\s*function\s{0,9}<[|\uff5c]tool[_\u2581]sep[|\uff5c]>\s{0,9}(?=<)")


def canonical(inside: str) -> str:
    """What stands in a tag, without its dress.

    Example:
        >>> canonical("|TOOL_CALLS_BEGIN|"), canonical("minimax:tool_call")
        ('tool_calls_begin', 'tool_call')
    """
    plain = inside.lower().replace("\uff5c", "|").replace("\u2581", "_").strip("| ")
    for space in _SPACES:
        plain = plain.removeprefix(space)
    return plain.strip("| ")


def tag_call(source: Source, at: int, offer: Offer, depth: int = 0) -> Outcome:
    """The calls of the tag at `at`, as far as they follow each other directly."""
    opened = source.match(_TAG, at)
    kind = _kind(opened[1], offer) if opened is not None else None
    if opened is None or kind is None:
        if opened is None and _may_become_tag(source, at, offer):
            source.more()
        return Plain(at + 1)
    sort, name = kind
    if sort == "named":
        outcome = elements.named_call(source, opened.end(), name, offer)
    elif sort == "tool":
        outcome = elements.tool_element(source, opened, name, offer)
    elif sort == "token":
        outcome = _token_call(source, opened.end(), offer)
    else:
        outcome = _body(source, opened.end(), offer, certain=sort == "wrapper", depth=depth)
    # A tag that opens nothing is text, and what is in it is looked at on its own.
    return outcome if outcome.end >= opened.end() else Plain(opened.end())


def _may_become_tag(source: Source, at: int, offer: Offer) -> bool:
    """Whether the ``<`` at `at` begins a tag that is cut and may come to open a call."""
    if _PART_OF_TAG.match(source.text, at) is None or source.text.startswith("</", at):
        return False
    plain = canonical(source.text[at + 1 :])
    word = _first_word(plain)
    return any(head.startswith(word) for head in (*_HEADS, *(name.lower() for name in offer.names)))


def _kind(inside: str, offer: Offer) -> tuple[str, str] | None:
    """The kind of an opening tag, and the name of the tool that it gives."""
    if inside.startswith("/"):
        return None
    plain = canonical(inside)
    named = _EQUALS.match(inside.strip("|\uff5c ")[-len(plain) :]) if "=" in plain else None
    if named is None and _first_word(plain) in _NAMED:
        named = _ATTRIBUTE.search(inside)
    if named is not None:
        return "named", named[1]
    sort = next((sort for sort, words in _SORTS if plain in words), None)
    if sort is not None:
        return sort, ""
    first = _first_word(inside.strip())
    return ("tool", first) if offer.has(first) else None


def _first_word(text: str) -> str:
    return _BEHIND_WORD.split(text, maxsplit=1)[0]


_SORTS = (("wrapper", _WRAPPERS), ("weak", _WEAK), ("token", {"tool_call_begin"}))


def _token_call(source: Source, at: int, offer: Offer) -> Outcome:
    nested = _FUNCTION.match(source.text, at)  # Step's form has further tags behind DeepSeek's tokens
    outcome = tag_call(source, nested.end(), offer, _DEEPEST) if nested is not None else None
    return outcome if isinstance(outcome, Calls) else tokens.token_call(source, at)


def _body(source: Source, at: int, offer: Offer, *, certain: bool, depth: int) -> Outcome:
    """What stands in a wrapper: JSON, Python, further tags, or a name and its arguments."""
    nothing = Plain(at)
    at = source.skip(at)
    skipped = source.match(_SKIPPED, at, _PART_OF_SKIPPED)
    fence = source.match(_FENCE, skipped.end() if skipped is not None else at, _PART_OF_FENCE)
    opening = fence or skipped
    at = source.skip(opening.end() if opening is not None else at)
    if at == len(source.text):
        return nothing
    outcome = _content(source, at, offer, certain=certain, depth=depth)
    if isinstance(outcome, Calls):
        return outcome if fence is None else Calls(outcome.end, outcome.found, outcome.said, fence[1])
    return outcome if outcome.end > at + 1 else nothing


def _content(source: Source, at: int, offer: Offer, *, certain: bool, depth: int) -> Outcome:
    sign = source.sign(at)
    if sign == "[" and python_calls.begins_list(source, at, offer, certain=certain):
        return python_calls.call_list(source, at, offer, certain=certain)
    if sign in "{[":
        return certain_values(source, at, offer) if certain else bare_json(source, at, offer, "tag")
    if sign == "<":
        return _nested(source, at, offer, depth)
    if sign == "c" and source.starts("call:", at):
        return gemma.gemma_call(source, at, offer, certain=True)
    return _name_first(source, at, offer, certain=certain)


def _nested(source: Source, at: int, offer: Offer, depth: int) -> Outcome:
    if depth >= _DEEPEST or source.text.startswith("</", at):
        return Plain(at)
    inner = tag_call(source, at, offer, depth + 1)
    return inner if isinstance(inner, Calls) else elements.described_call(source, at, offer)


def _name_first(source: Source, at: int, offer: Offer, *, certain: bool) -> Outcome:
    """``name`` and then GLM's pairs, JSON, Python's parentheses or nothing."""
    named = source.match(_NAME, at)
    after = source.match(_AFTER_NAME, named.end(), _PART_OF_AFTER) if named is not None else None
    if named is None or after is None:
        return Plain(at)
    name, start = named[0], after.end()
    if start == len(source.text):
        source.more()
    sign = source.sign(start)
    if sign == "(":
        return python_calls.calls_from(source, at, offer, certain=certain)
    if sign == "{":
        return call_with(source, start, name)
    arguments = read_parameters(source, start)
    known = arguments.values or offer.match(name) is not None
    return Calls(arguments.end, (arguments.call(name),)) if known else Plain(at)
