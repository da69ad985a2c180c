"""Calls behind control tokens: Mistral's ``[TOOL_CALLS]`` and the channels of gpt-oss (harmony)."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.bounds import bounds_of
from g4f_integrations.core.toolcalls.dialects.json_values import arguments_at, certain_values
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import WAIT, Calls, Found, Outcome, Plain, broken

MISTRAL = "[TOOL_CALLS]"
_NAMED = re.compile(r"([A-Za-z_][\w.-]{0,127})\s*(?:\[CALL_ID\]\s*([A-Za-z0-9_-]{1,64})\s*)?(?:\[ARGS\]\s*)?(?=\{)")
_LONGEST_HEAD = 300  # characters between the token and the arguments

_HARMONY = re.compile(
    r"(?:<\|start\|>\s{0,4}\w{0,20}\s{0,4}(?:to=(?P<early>[\w.:-]{1,160})\s{0,4}(?=<\|))?)?"
    r"<\|channel\|>\s{0,4}\w{1,20}\s{0,4}(?:to=(?P<to>[\w.:-]{1,160})\s{0,4})?"
    r"(?:(?:<\|constrain\|>\s{0,4})?\w{1,20}\s{0,4})?<\|message\|>\s{0,8}"
)
_PART_OF_HARMONY = re.compile(r"<[^\n{]{0,300}\Z")


def mistral_call(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """``[TOOL_CALLS] [{…}]`` and ``[TOOL_CALLS]name[ARGS]{…}``."""
    if not text.startswith(MISTRAL, at):
        return WAIT if not final and MISTRAL.startswith(text[at:]) else Plain(at + 1)
    start = at + len(MISTRAL)
    start += len(text[start : start + _LONGEST_HEAD]) - len(text[start : start + _LONGEST_HEAD].lstrip())
    if start == len(text):
        return Plain(start) if final else WAIT
    if text[start] in "{[":
        return certain_values(text, start, offer, final=final)
    named = _NAMED.match(text, start)
    if named is None:
        return WAIT if not final and len(text) - start < _LONGEST_HEAD else Plain(start)
    return with_arguments(text, named.end(), named[1], named[2], final=final)


def with_arguments(text: str, at: int, name: str, call_id: str | None, *, final: bool) -> Outcome:
    """A call whose name is known and whose arguments are the JSON at `at`."""
    try:
        read = arguments_at(text, at, final=final)
    except ValueError as error:
        end = max(bounds_of(text, at, "tag").end, at)
        return Calls(end, (broken(name, text[at:end], f"The arguments are no JSON: {error}"),))
    return WAIT if read is None else Calls(read[1], (Found(name, read[0], call_id),))


def harmony_call(text: str, at: int, *, final: bool) -> Outcome:
    """``<|channel|>commentary to=functions.name <|constrain|>json<|message|>{…}``; other channels are text."""
    head = _HARMONY.match(text, at)
    if head is None:
        return WAIT if not final and _PART_OF_HARMONY.match(text, at) else Plain(at + 1)
    recipient = head["to"] or head["early"]
    if recipient is None or head.end() == len(text):
        return Plain(head.end()) if recipient is None or final else WAIT
    if text[head.end()] != "{":
        return Plain(head.end())
    return with_arguments(text, head.end(), recipient.removeprefix("functions."), None, final=final)
