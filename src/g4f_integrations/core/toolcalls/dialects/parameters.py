"""Arguments as XML: ``<parameter=city>Paris</parameter>``, ``<parameter name="city">…``, ``<city>…``, GLM's pairs."""

from __future__ import annotations

import re
from typing import Any

from g4f_integrations.core.toolcalls.tolerant_json import loads

_SPACE = r"(?:[|\uff5c]{0,2}(?:DSML[|\uff5c]{1,2})?|antml:|steptml:|minimax:|seed:)?"
_WORDS = "parameter|param|argument|arg"
_OPEN = re.compile(
    rf"\s*<{_SPACE}(?:{_WORDS})"
    rf"(?:\s*=\s*[\"']?(?P<key>[^<>\"']{{1,128}}?)[\"']?|\s+(?:name|key)\s*=\s*[\"'](?P<name>[^<>\"']{{1,128}})[\"'](?P<rest>[^<>]{{0,128}}?))\s*>",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</{_SPACE}(?:{_WORDS})[|\uff5c]{{0,2}}>"  # its own end
    rf"|(?=<{_SPACE}(?:{_WORDS})(?:\s*=|\s+name=))"  # the next one's beginning
    rf"|<[|\uff5c]{{1,2}}DSML[|\uff5c]{{1,2}}parameter>",  # DeepSeek's end, with the slash forgotten
    re.IGNORECASE,
)
_LAST = re.compile(rf"</{_SPACE}(?:function|invoke|tool_call|tool_calls|function_call|function_calls)\b", re.IGNORECASE)
_PAIR = re.compile(r"\s*<arg_key>\s*([^<>]{1,128}?)\s*</arg_key>\s*<arg_value>", re.IGNORECASE)
_PAIR_END = re.compile(r"</arg_value>|(?=<arg_key>)", re.IGNORECASE)
_ELEMENT = re.compile(r"\s*<([A-Za-z_][\w.-]{0,127})>")
_PART = re.compile(
    r"\s*(?:<[^<>]{0,300})?\Z|\s*<arg_key>[^<>]{0,160}(?:</?[^<>]{0,20}>?\s{0,40}(?:<[^<>]{0,20})?)?\Z", re.IGNORECASE
)


def read_parameters(text: str, at: int, *, final: bool, elements: bool = False) -> tuple[dict[str, Any], int] | None:
    """Read arguments from `at` on, up to where none begins any more.

    Args:
        text: All text so far.
        at: Where the first may begin.
        final: Whether no more text comes; an argument that is cut off then ends with the text.
        elements: Whether any element is an argument, by its tag's name.

    Returns:
        The arguments as text (``string="false"`` marks JSON) and the place after them; ``None`` if more text is needed.
    """
    arguments: dict[str, Any] = {}
    while True:
        opened, close = _OPEN.match(text, at), _CLOSE
        if opened is not None:
            key, rest = opened["key"] or opened["name"], opened["rest"] or ""
        elif (opened := _PAIR.match(text, at)) is not None:
            key, rest, close = opened[1], "", _PAIR_END
        elif elements and (opened := _ELEMENT.match(text, at)) is not None:
            key, rest, close = opened[1], "", re.compile(rf"</{re.escape(opened[1])}\s*>")
        else:
            return (arguments, at) if final or not _PART.match(text, at) else None
        closed = close.search(text, opened.end())
        if closed is None and not final:
            return None
        end = closed.start() if closed is not None else len(text)
        value = text[opened.end() : end]
        last = _LAST.search(value) if closed is None or closed.start() == closed.end() else None
        if last is not None:  # the end of the argument is missing, the end of its call is not
            value, end = value[: last.start()], opened.end() + last.start()
        arguments[key.strip()] = _value(value, rest)
        at = closed.end() if closed is not None and last is None else end


def _value(text: str, attributes: str) -> Any:
    if 'string="false"' in attributes:
        try:
            return loads(text)
        except ValueError:
            return text.strip()
    return text.removeprefix("\n").rstrip("\n") if "\n" in text.strip(" ") else text.strip()
