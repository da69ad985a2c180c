"""Calls that begin with a word at the head of a line."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.dialects import gemma, python_calls, react
from g4f_integrations.core.toolcalls.dialects.json_values import call_with, certain_values
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import Calls, Found, Outcome, Plain
from g4f_integrations.core.toolcalls.source import Source
from g4f_integrations.core.toolcalls.tolerant_json import loads

_CALL = re.compile(r"Call:[ \t]*+(?=[A-Za-z_][\w.-]{0,127}\s?\()")
_PART_OF_CALL = re.compile(r"C(?:a(?:l(?:l(?::[ \t]*(?:[A-Za-z_][\w.-]{0,127}\s?)?)?)?)?)?\Z")
_CHANNEL = re.compile(
    r"(?:assistant)?commentary[ \t]{1,3}to=functions\.([\w.-]{1,128})[ \t]{0,3}(?:code|json)?[ \t]{0,3}(?=\{)"
)
_PART_OF_CHANNEL = re.compile(r"(?:assistant)?commentary[ \t]{1,3}[\w=.\t -]{0,150}\Z")
_FUNCTOOLS = re.compile(r"functools(?=\[\s*\{)")
_PART_OF_FUNCTOOLS = re.compile(r"f(?:u(?:n(?:c(?:t(?:o(?:o(?:l(?:s(?:\[\s*)?)?)?)?)?)?)?)?)?\Z")
_NAME = re.compile(r"(?:functions\.)?([A-Za-z_][\w.-]{0,127})")
_JSON_BELOW = re.compile(r"[ \t]*+\n?+[ \t]*+(?=\{)")
_PART_OF_BELOW = re.compile(r"[ \t]*+\n?+[ \t]*+\Z")


def worded_call(source: Source, at: int, offer: Offer, *, alone: bool) -> Outcome:
    """The call that the word at `at` begins, in any of the forms.

    Args:
        source: The text so far.
        at: The head of a line.
        offer: The tools of the request.
        alone: Whether nothing of the answer stands before it; all of it may then be a call of Python.
    """
    for form in (*_FORMS, *((python_calls.whole_answer,) if alone else ())):
        outcome: Outcome = form(source, at, offer)
        if isinstance(outcome, Calls) or outcome.end > at + 1:
            return outcome
    return Plain(at + 1)


def _call_line(source: Source, at: int, offer: Offer) -> Outcome:
    """``Call: f(x)`` as NexusRaven writes it, and Gemma's ``call:f{…}`` where its tag is lost."""
    line = source.match(_CALL, at, _PART_OF_CALL)
    if line is None:
        return gemma.gemma_call(source, at, offer, certain=False)
    return python_calls.calls_from(source, line.end(), offer)


def _functools(source: Source, at: int, offer: Offer) -> Outcome:
    """Phi's ``functools[{…}]``."""
    head = source.match(_FUNCTOOLS, at, _PART_OF_FUNCTOOLS)
    if head is None:
        return Plain(at + 1)
    return certain_values(source, head.end(), offer)


def _channel(source: Source, at: int, offer: Offer) -> Outcome:
    """``commentary to=functions.f json{…}``: what is left of gpt-oss's channels where a provider drops the tokens."""
    head = source.match(_CHANNEL, at, _PART_OF_CHANNEL)
    if head is None or offer.match(head[1]) is None:
        return Plain(at + 1)
    return call_with(source, head.end(), head[1])


def _name_and_json(source: Source, at: int, offer: Offer) -> Outcome:
    """GLM-4's form: a tool's exact name, and JSON that can be its arguments on the next line or right behind."""
    named = _NAME.match(source.text, at)
    if named is None:
        return Plain(at + 1)
    name = named[1]
    if named.end() == len(source.text) and (
        "functions".startswith(name) or any(n.startswith(name) for n in offer.names)
    ):
        source.more()
    below = source.match(_JSON_BELOW, named.end(), _PART_OF_BELOW) if offer.has(name) else None
    if below is None:
        return Plain(at + 1)
    end = source.bounds(below.end()).end
    try:
        arguments = loads(source.text[below.end() : end])
    except ValueError:
        return Plain(end)
    fits = isinstance(arguments, dict) and offer.takes(name, arguments)
    return Calls(end, (Found(name, arguments),)) if fits else Plain(end)


_FORMS = (react.action, _call_line, _channel, _functools, _name_and_json)
