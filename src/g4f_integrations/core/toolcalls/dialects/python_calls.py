"""Calls written as Python: ``[get_weather(city="Paris"), get_time()]``, ``tool_code`` and ``Call:`` lines."""

from __future__ import annotations

import re
from typing import Any

from g4f_integrations.core.toolcalls.dialects.json_values import BETWEEN
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, Calls, Found, Outcome, Plain, broken
from g4f_integrations.core.toolcalls.source import Source
from g4f_integrations.core.toolcalls.tolerant_json import loads

_NAME = r"[A-Za-z_][\w.-]{0,127}"
_LIST = re.compile(rf"\[\s*({_NAME})\s*\(")
_PART_OF_LIST = re.compile(rf"\[\s*(?:{_NAME})?\s*\Z")
_CALL = re.compile(rf"({_NAME})\s*\(")
_PART_OF_CALL = re.compile(rf"(?:{_NAME})?\s*\Z")
_BY_NAME = re.compile(rf"({_NAME})\s?\(\s*(?:\)|[A-Za-z_]\w*\s?=)")
_PART_OF_BY_NAME = re.compile(rf"(?:{_NAME}\s?(?:\(\s*(?:[A-Za-z_]\w*\s?)?)?)?\Z")
_PRINT = re.compile(r"print\s*\(\s*")
_CLOSED = re.compile(r"\s*\)")
_KEYWORD = re.compile(r"\s*([A-Za-z_]\w*)\s*[=:](?!=)\s*")
_METHOD = re.compile(r"\.(?:call|invoke|run)$")
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    r"|(?<!\w)'(?:[^'\\]|\\.|'(?!\s*[,:}\])]))*+'"
    r"|(?P<open>[{(\[])|(?P<close>[})\]])|(?P<comma>,)",
    re.DOTALL,
)


def begins_list(source: Source, at: int, offer: Offer, *, certain: bool = False) -> bool:
    """Whether a list of calls begins at the ``[`` at `at`: its first item calls a tool."""
    found = source.match(_LIST, at, _PART_OF_LIST)
    return found is not None and (certain or offer.match(_plain_name(found[1])) is not None)


def call_list(source: Source, at: int, offer: Offer, *, certain: bool = False) -> Outcome:
    """``[f(a=1), g()]`` with names of tools only, unless a tag says that it is a list of calls."""
    if not begins_list(source, at, offer, certain=certain):
        return Plain(at + 1)
    end = source.bounds(at, "tag" if certain else None).end
    found = read_python(source.text[at:end], offer, certain=certain)
    return Plain(end) if found is None else Calls(end, found)


def calls_from(source: Source, at: int, offer: Offer, *, certain: bool = False) -> Outcome:
    """``f(a=1)`` without brackets, one or several, up to where no further call begins."""
    calls: list[Found] = []
    end = at + 1
    while (head := source.match(_CALL, at, _PART_OF_CALL)) is not None:
        if not certain and offer.match(_plain_name(head[1])) is None:
            break
        stop = source.bounds(head.end() - 1).end
        found = read_python(source.text[at:stop], offer, certain=certain)
        if found is None:
            end = end if calls else stop
            break
        calls += found
        end = stop
        at = source.skip(end, BETWEEN)
    return Calls(end, tuple(calls)) if calls else Plain(end)


def code_calls(source: Source, at: int, offer: Offer, mark: str) -> Outcome:
    """The inside of a ``tool_code`` fence, if it is nothing but calls of tools."""
    end = source.text.find("\n" + mark, at)
    if end < 0:
        source.more()
        end = len(source.text)
    found = read_python(source.text[at:end].rstrip("`~ \n"), offer, certain=False)
    return Plain(end) if found is None else Calls(end, found)


def whole_answer(source: Source, at: int, offer: Offer) -> Outcome:
    """An answer that is nothing but ``f(a=1)``, one or several: the exact names of tools, and arguments by name."""
    head = source.match(_BY_NAME, at, _PART_OF_BY_NAME)
    if head is None or not offer.has(_plain_name(head[1]).rpartition(".")[2]):
        return Plain(at + 1)
    outcome = calls_from(source, at, offer)
    if isinstance(outcome, Calls) and source.skip(outcome.end) < len(source.text):
        return Plain(outcome.end)
    return outcome


def read_python(body: str, offer: Offer, *, certain: bool) -> tuple[Found, ...] | None:
    """The calls of a text that is a list of calls, or calls on lines of their own, and nothing else."""
    if len(body) > MAX_ARGUMENTS:
        head = _CALL.search(body, 0, 1000)
        return (broken(head[1] if head is not None else "", body, "The call is longer than 1 MiB."),)
    body = body.strip()
    at = 1 if body.startswith("[") else 0
    end = len(body) - (1 if at and body.endswith("]") else 0)
    calls: list[Found] = []
    while (at := _next_call(body, at)) < end:
        printed = _PRINT.match(body, at)
        head = _CALL.match(body, printed.end() if printed is not None else at)
        if head is None:
            return None
        name = _plain_name(head[1])
        tool = offer.match(name)
        if tool is None and not certain:
            return None
        pieces, at = _split(body, head.end())
        arguments = _arguments(pieces, offer, tool)
        if arguments is None:
            return None
        calls.append(Found(name, arguments))
        closed = _CLOSED.match(body, at) if printed is not None else None
        at = closed.end() if closed is not None else at
    return tuple(calls) or None


def _next_call(body: str, at: int) -> int:
    between = BETWEEN.match(body, at)
    return at if between is None else between.end()


def _plain_name(name: str) -> str:
    return _METHOD.sub("", name)


def _split(body: str, at: int) -> tuple[list[str], int]:
    """The arguments up to the closing parenthesis, and the place after it."""
    pieces: list[str] = []
    start, depth = at, 0
    for token in _TOKEN.finditer(body, at):
        kind = token.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close" and depth:
            depth -= 1
        elif kind == "close":
            return [*pieces, body[start : token.start()]], token.end()
        elif kind == "comma" and not depth:
            pieces.append(body[start : token.start()])
            start = token.end()
    return [*pieces, body[start:]], len(body)


def _arguments(pieces: list[str], offer: Offer, tool: str | None) -> dict[str, Any] | None:
    """Arguments by name and by place; ``None`` if they are no literals, or too many for the tool."""
    by_name: dict[str, Any] = {}
    by_place: list[Any] = []
    for piece in filter(str.strip, pieces):
        keyword = _KEYWORD.match(piece)
        try:
            value = _literal(piece[keyword.end() :] if keyword is not None else piece)
        except ValueError:
            return None
        if keyword is not None:
            by_name[keyword[1]] = value
        else:
            by_place.append(value)
    if len(by_place) == 1 and isinstance(by_place[0], dict) and not by_name:
        return by_place[0]
    placed = offer.named(tool or "", by_place)
    return None if placed is None else {**placed, **by_name}


def _literal(text: str) -> Any:
    text = text.strip()
    if len(text) >= 6 and text[:3] == text[-3:] and text[:3] in {'"""', "'''"}:
        return text[3:-3]
    return loads(text)
