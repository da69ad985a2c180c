"""Gemma's calls: ``call:get_weather{city:<escape>Paris<escape>,days:3}``, with ``<|"|>`` as the newer quote."""

from __future__ import annotations

import json
import re

from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, Calls, Found, Outcome, Plain, broken
from g4f_integrations.core.toolcalls.source import Source
from g4f_integrations.core.toolcalls.tolerant_json import loads

_HEAD = re.compile(r"call:\s*([\w.-]{1,128})\s*(?=\{)")
_PART_OF_HEAD = re.compile(r"c(?:a(?:l(?:l(?::\s*[\w.-]{0,128}\s*)?)?)?)?\Z")
_QUOTE = re.compile(r"<escape>|<\|\"\|>")
_TOKEN = re.compile(
    r'(?P<quote><escape>|<\|"\|>)|(?P<open>[{\[])|(?P<close>[}\]])|(?P<stop><[/|A-Za-z][\w/|=" -]{0,40}>)'
    r'|"[^"\\]*+(?:\\.[^"\\]*+)*+"?+',
    re.DOTALL,
)


def gemma_call(source: Source, at: int, offer: Offer, *, certain: bool) -> Outcome:
    """The call at `at`; where no tag stands before it, only that of a tool."""
    head = source.match(_HEAD, at, _PART_OF_HEAD)
    if head is None or not (certain or offer.match(head[1])):
        return Plain(at + 1 if head is None else head.end())
    end = _end(source, head.end())
    if end < 0:
        raw = source.text[head.end() :]
        return Calls(len(source.text), (broken(head[1], raw, "The call is cut off."),))
    body = source.text[head.end() : end]
    if len(body) > MAX_ARGUMENTS:
        return Calls(end, (broken(head[1], body, "The arguments are longer than 1 MiB."),))
    try:
        found = Found(head[1], loads(_as_json(body)))
    except ValueError as error:
        if not certain:
            return Plain(end)
        found = broken(head[1], body, f"The arguments are no JSON: {error}")
    return Calls(end, (found,))


def _end(source: Source, at: int) -> int:
    """The end of the braces, in which nothing between two of Gemma's quotes counts; -1 if they are cut in these."""
    depth = 0
    while (token := _TOKEN.search(source.text, at)) is not None:
        kind = token.lastgroup
        at = token.end()
        if kind == "stop":
            return token.start()
        if kind == "quote":
            closing = _QUOTE.search(source.text, at)
            if closing is None:
                source.more()
                return -1
            at = closing.end()
        elif kind is not None:
            depth += 1 if kind == "open" else -1
            if depth <= 0:
                return at
    source.more()
    return len(source.text)


def _as_json(body: str) -> str:
    """The body with JSON's quotes in place of Gemma's."""
    pieces = _QUOTE.split(body)
    return "".join(json.dumps(piece) if place % 2 else piece for place, piece in enumerate(pieces))
