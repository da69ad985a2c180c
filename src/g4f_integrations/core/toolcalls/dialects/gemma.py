"""Gemma's calls: ``call:get_weather{city:<escape>Paris<escape>,days:3}``, with ``<|"|>`` as the newer quote."""

from __future__ import annotations

import json
import re

from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, WAIT, Calls, Found, Outcome, Plain, broken
from g4f_integrations.core.toolcalls.tolerant_json import loads

_HEAD = re.compile(r"call:\s*([\w.-]{1,128})\s*(?=\{)")
_PART_OF_HEAD = re.compile(r"c(?:a(?:l(?:l(?::\s*[\w.-]{0,128}\s*)?)?)?)?\Z")
_QUOTE = re.compile(r"<escape>|<\|\"\|>")
_TOKEN = re.compile(
    r'(?P<quote><escape>|<\|"\|>)|(?P<open>[{\[])|(?P<close>[}\]])|(?P<stop><[^<>\n]{1,40}>)'
    r'|"[^"\\]*+(?:\\.[^"\\]*+)*+"?+',
    re.DOTALL,
)


def gemma_call(text: str, at: int, offer: Offer, *, final: bool, certain: bool) -> Outcome:
    """The call at `at`; where no tag stands before it, only that of a tool."""
    head = _HEAD.match(text, at)
    if head is None:
        return WAIT if not final and _PART_OF_HEAD.match(text, at) else Plain(at + 1)
    if not certain and offer.match(head[1]) is None:
        return Plain(head.end())
    end = _end(text, head.end())
    if end is None:
        if not final:
            return WAIT
        end = len(text)
    body = text[head.end() : end]
    if len(body) > MAX_ARGUMENTS:
        return Calls(end, (broken(head[1], body, "The arguments are longer than 1 MiB."),))
    try:
        arguments = loads(_as_json(body))
    except ValueError as error:
        if not certain:
            return Plain(end)
        return Calls(end, (broken(head[1], body, f"The arguments are no JSON: {error}"),))
    return Calls(end, (Found(head[1], arguments),))


def _end(text: str, at: int) -> int | None:
    """The end of the braces, in which nothing between two of Gemma's quotes counts."""
    depth = 0
    while (token := _TOKEN.search(text, at)) is not None:
        kind = token.lastgroup
        at = token.end()
        if kind == "quote":
            closing = _QUOTE.search(text, at)
            if closing is None:
                return None
            at = closing.end()
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
            if depth <= 0:
                return at
        elif kind == "stop":
            return token.start()
    return None


def _as_json(body: str) -> str:
    """The body with JSON's quotes in place of Gemma's."""
    pieces = _QUOTE.split(body)
    return "".join(json.dumps(piece) if place % 2 else piece for place, piece in enumerate(pieces))
