"""Calls behind control tokens: Mistral's, DeepSeek's, Kimi's, and the channels of gpt-oss (harmony)."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.dialects.json_values import call_with, certain_values
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import Calls, Outcome, Plain
from g4f_integrations.core.toolcalls.source import Source

MISTRAL = "[TOOL_CALLS]"
_LONGEST_HEAD = 300  # characters between the token and the arguments
_MISTRAL_NAME = re.compile(
    r"([A-Za-z_][\w.-]{0,127})\s{0,9}(?:\[CALL_ID\]\s{0,9}([A-Za-z0-9_-]{1,64})\s{0,9})?(?:\[ARGS\]\s{0,9})?(?=\{)"
)
_SHORT_REST = re.compile(rf"[^{{]{{0,{_LONGEST_HEAD}}}\Z")

_SEPARATOR = r"\s{0,9}<[|\uff5c](?:tool[_\u2581]sep|tool_call_argument_begin)[|\uff5c]>\s{0,9}"
_TOKEN_HEAD = re.compile(
    rf"\s{{0,9}}(?:function{_SEPARATOR})?([^<>{{}}\s`][^<>{{}}\n`]{{0,160}}?)(?:{_SEPARATOR})?\s{{0,9}}"
    r"(?:```\w{0,9}\s{0,9})?(?=[{\"])"
)
_INDEX = re.compile(r":\d+$")

_HARMONY = re.compile(
    r"(?:<\|start\|>\s{0,4}\w{0,20}\s{0,4}(?:to=(?P<early>[\w.:-]{1,160})\s{0,4}(?=<\|))?)?"
    r"<\|channel\|>\s{0,4}\w{1,20}\s{0,4}(?:to=(?P<to>[\w.:-]{1,160})\s{0,4})?"
    r"(?:(?:<\|constrain\|>\s{0,4})?\w{1,20}\s{0,4})?<\|message\|>"
)
_PART_OF_HARMONY = re.compile(rf"<[^{{]{{0,{_LONGEST_HEAD}}}\Z")


def mistral_call(source: Source, at: int, offer: Offer) -> Outcome:
    """``[TOOL_CALLS] [{…}]`` and ``[TOOL_CALLS]name[ARGS]{…}``."""
    if not source.starts(MISTRAL, at):
        return Plain(at + 1)
    start = source.skip(at + len(MISTRAL))
    if source.sign(start) in {"{", "["}:
        return certain_values(source, start, offer)
    named = source.match(_MISTRAL_NAME, start, _SHORT_REST)
    return Plain(start) if named is None else call_with(source, named.end(), named[1], named[2])


def token_call(source: Source, at: int) -> Outcome:
    """DeepSeek's and Kimi's forms, behind their first token: a name, a token, the arguments."""
    head = source.match(_TOKEN_HEAD, at, _SHORT_REST)
    if head is None:
        return Plain(at)
    name = _INDEX.sub("", head[1].strip()).removeprefix("functions.")
    calls = call_with(source, head.end(), name)
    return Calls(calls.end, calls.found, "", "```") if "```" in head[0] else calls


def harmony_call(source: Source, at: int) -> Outcome:
    """``<|channel|>commentary to=functions.name <|constrain|>json<|message|>{…}``; other channels are text."""
    head = source.match(_HARMONY, at, _PART_OF_HARMONY)
    recipient = head["to"] or head["early"] if head is not None else None
    if head is None or recipient is None:
        return Plain(at + 1 if head is None else head.end())
    start = source.skip(head.end())
    if source.sign(start) != "{":
        return Plain(head.end())
    return call_with(source, start, recipient.removeprefix("functions."))
