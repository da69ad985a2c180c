"""Calls written as Python: ``[get_weather(city="Paris"), get_time()]``, ``tool_code`` and ``Call:`` lines."""

from __future__ import annotations

import re
from typing import Any

from g4f_integrations.core.toolcalls.bounds import bounds_of
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import MAX_ARGUMENTS, WAIT, Calls, Found, Outcome, Plain
from g4f_integrations.core.toolcalls.tolerant_json import loads

_NAME = r"[A-Za-z_][\w.-]{0,127}"
_LIST = re.compile(rf"\[\s*({_NAME})\s*\(")
_PART_OF_LIST = re.compile(rf"\[\s*(?:{_NAME})?\s*\Z")
_CALL = re.compile(rf"({_NAME})\s*\(")
_PART_OF_CALL = re.compile(rf"(?:{_NAME})?\s*\Z")
_PRINT = re.compile(r"print\s*\(\s*")
_KEYWORD = re.compile(r"\s*([A-Za-z_]\w*)\s*[=:](?!=)\s*")
_BETWEEN = re.compile(r"[\s,;]*")
_METHOD = re.compile(r"\.(?:call|invoke|run)$")
_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    r"|(?<!\w)'(?:[^'\\]|\\.|'(?!\s*[,:}\])]))*+'"
    r"|(?P<open>[{(\[])|(?P<close>[})\]])|(?P<comma>,)",
    re.DOTALL,
)


def begins_list(text: str, at: int, offer: Offer) -> bool | None:
    """Whether a list of calls begins at the ``[`` at `at`: its first item calls a tool. ``None``: too early to say."""
    found = _LIST.match(text, at)
    if found is not None:
        return offer.match(_plain_name(found[1])) is not None
    return None if _PART_OF_LIST.match(text, at) else False


def call_list(text: str, at: int, offer: Offer, *, final: bool, certain: bool = False) -> Outcome:
    """``[f(a=1), g()]`` with names of tools only, unless a tag says that it is a list of calls."""
    begins = begins_list(text, at, offer)
    if begins is None and not final:
        return WAIT
    if not begins and not (certain and _LIST.match(text, at)):
        return Plain(at + 1)
    bounds = bounds_of(text, at, "tag" if certain else None)
    if bounds.state == "open" and not final:
        return WAIT
    found = read_python(text[at : bounds.end], offer, certain=certain)
    return Plain(bounds.end) if found is None else Calls(bounds.end, found)


def calls_from(text: str, at: int, offer: Offer, *, final: bool, certain: bool = False) -> Outcome:
    """``f(a=1)`` without brackets, one or several, up to where no further call begins."""
    calls: list[Found] = []
    end = at
    while True:
        head = _CALL.match(text, at)
        if head is None:
            if not final and _PART_OF_CALL.match(text, at):
                return WAIT
            break
        if not certain and offer.match(_plain_name(head[1])) is None:
            break
        bounds = bounds_of(text, head.end() - 1)
        if bounds.state == "open" and not final:
            return WAIT
        found = read_python(text[at : bounds.end], offer, certain=certain)
        if found is None:
            end = end if calls else bounds.end
            break
        calls += found
        end = bounds.end
        at = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
    return Calls(end, tuple(calls)) if calls else Plain(max(end, at + 1))


def read_python(body: str, offer: Offer, *, certain: bool) -> tuple[Found, ...] | None:
    """The calls of a text that is a list of calls, or calls on lines of their own, and nothing else."""
    if len(body) > 2 * MAX_ARGUMENTS:
        return (Found("", body[:1000], None, "The call is longer than 1 MiB."),)
    body = body.strip()
    listed = body.startswith("[")
    at = 1 if listed else 0
    calls = []
    while True:
        at = _BETWEEN.match(body, at).end()  # type: ignore[union-attr]
        if at >= len(body) or (listed and body[at] == "]" and not body[at + 1 :].strip()):
            return tuple(calls) or None
        printed = _PRINT.match(body, at)
        at = printed.end() if printed is not None else at
        head = _CALL.match(body, at)
        if head is None:
            return None
        name = _plain_name(head[1])
        tool = offer.match(name)
        if tool is None and not certain:
            return None
        arguments, at = _arguments(body, head.end(), offer, tool)
        if arguments is None:
            return None
        calls.append(Found(name, arguments))
        if printed is not None:
            closing = re.compile(r"\s*\)").match(body, at)
            at = closing.end() if closing is not None else at


def _plain_name(name: str) -> str:
    return _METHOD.sub("", name)


def _arguments(body: str, at: int, offer: Offer, tool: str | None) -> tuple[dict[str, Any] | None, int]:
    """The arguments up to the closing parenthesis, and the place after it."""
    pieces: list[str] = []
    start, depth, end = at, 0, len(body)
    for token in _TOKEN.finditer(body, at):
        if token.lastgroup == "open":
            depth += 1
        elif token.lastgroup == "close":
            depth -= 1
            if depth < 0:
                end = token.start()
                break
        elif token.lastgroup == "comma" and depth == 0:
            pieces.append(body[start : token.start()])
            start = token.end()
    pieces.append(body[start:end])
    named: dict[str, Any] = {}
    unnamed: list[Any] = []
    for piece in pieces:
        if not piece.strip():
            continue
        keyword = _KEYWORD.match(piece)
        try:
            value = _literal(piece[keyword.end() :] if keyword is not None else piece)
        except ValueError:
            return None, end
        if keyword is not None:
            named[keyword[1]] = value
        elif isinstance(value, dict) and len(pieces) == 1:
            named.update(value)
        else:
            unnamed.append(value)
    if unnamed:
        given = offer.named(tool, unnamed) if tool is not None else None
        if given is None:
            return None, end
        named = {**given, **named}
    return named, min(end + 1, len(body))


def _literal(text: str) -> Any:
    text = text.strip()
    if len(text) >= 6 and text[:3] == text[-3:] and text[:3] in {'"""', "'''"}:
        return text[3:-3]
    return loads(text)


def code_calls(text: str, at: int, offer: Offer, marker: str, *, final: bool) -> Outcome:
    """The inside of a ``tool_code`` fence, if it is nothing but calls of tools."""
    end = text.find("\n" + marker, at)
    if end < 0:
        if not final:
            return WAIT
        end = len(text)
    found = read_python(text[at:end].rstrip("`~ \n"), offer, certain=False)
    return Plain(end) if found is None else Calls(end, found)


_KEYWORDS_ONLY = re.compile(r"[A-Za-z_][\w.]{0,127}\s?\(\s*(?:\)|[A-Za-z_]\w*\s?=)")
_PART_OF_KEYWORDS = re.compile(r"(?:[A-Za-z_][\w.]{0,127}\s?(?:\(\s*(?:[A-Za-z_]\w*\s?)?)?)?\Z")


def whole_answer(text: str, at: int, offer: Offer, *, final: bool) -> Outcome:
    """An answer that is nothing but ``f(a=1)``, one or several: the exact names of tools, and arguments by name."""
    if _KEYWORDS_ONLY.match(text, at) is None:
        return WAIT if not final and _PART_OF_KEYWORDS.match(text, at) else Plain(at + 1)
    head = _CALL.match(text, at)
    if head is None or not offer.has(_plain_name(head[1]).rpartition(".")[2]):
        return Plain(at + 1)
    outcome = calls_from(text, at, offer, final=final)
    if not isinstance(outcome, Calls):
        return outcome
    if text[outcome.end :].strip():
        return Plain(outcome.end)
    return outcome if final else WAIT
