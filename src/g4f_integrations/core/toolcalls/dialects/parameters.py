"""Arguments as XML: ``<parameter=city>Paris</parameter>``, ``<parameter name="city">…``, ``<city>…``, GLM's pairs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from g4f_integrations.core.toolcalls.outcomes import Found, broken, found_in
from g4f_integrations.core.toolcalls.source import Source
from g4f_integrations.core.toolcalls.tolerant_json import loads

_SPACE = r"(?:[|\uff5c]{0,2}(?:DSML[|\uff5c]{1,2})?|antml:|steptml:|minimax:|seed:)?"
_WORDS = "(?:parameter|param|argument|arg)"
_OPEN = re.compile(
    rf"\s*<{_SPACE}{_WORDS}"
    r"(?:\s*=\s*[\"']?(?P<key>[^<>\"']{1,128}?)[\"']?"
    r"|\s+(?:name|key)\s*=\s*[\"'](?P<name>[^<>\"']{1,128})[\"'](?P<rest>[^<>]{0,128}?))\s*>",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"</{_SPACE}{_WORDS}[|\uff5c]{{0,2}}>"  # its own end
    rf"|(?=<{_SPACE}{_WORDS}(?:\s*=|\s+name=))"  # the next one's beginning
    rf"|<[|\uff5c]{{1,2}}DSML[|\uff5c]{{1,2}}parameter>",  # DeepSeek's end, with the slash forgotten
    re.IGNORECASE,
)
_LAST = re.compile(rf"</{_SPACE}(?:function|invoke|tool_call|tool_calls|function_call|function_calls)\b", re.IGNORECASE)
_PAIR = re.compile(r"\s*<arg_key>\s*(?P<key>[^<>]{1,128}?)\s*</arg_key>\s*<arg_value>", re.IGNORECASE)
_PAIR_END = re.compile(r"</arg_value>|(?=<arg_key>)", re.IGNORECASE)
_ELEMENT = re.compile(r"\s*<(?P<key>[A-Za-z_][\w.-]{0,127})>")
_PART = re.compile(
    r"\s*(?:<[^<>]{0,300})?\Z"
    r"|\s*<arg_key>[^<>]{0,160}(?:</?[^<>]{0,20}>?\s{0,40}(?:<[^<>]{0,20})?)?\Z",
    re.IGNORECASE,
)


@dataclass(slots=True, frozen=True)
class Arguments:
    """Arguments as they were read: the `values`, the `raw` text and its `end`; whether the last one is `cut` off."""

    values: dict[str, Any]
    raw: str
    end: int
    cut: bool

    def call(self, name: str, values: Any = None) -> Found:
        """The call of `name` with these arguments, or with `values` that were made of them."""
        if self.cut:
            return broken(name, self.raw, "The call is cut off.")
        return found_in(self.raw, name, self.values if values is None else values)


def read_parameters(source: Source, at: int, *, elements: bool = False) -> Arguments:
    """Read arguments from `at` on, up to where none begins any more.

    Args:
        source: The text so far.
        at: Where the first may begin.
        elements: Whether any element is an argument, by its tag's name.

    Returns:
        The arguments as text (parsed JSON where ``string="false"`` says so), and the place after them.
    """
    arguments: dict[str, Any] = {}
    start, cut = at, False
    while (opened := _opened(source, at, elements=elements)) is not None:
        head, close = opened
        closed = close.search(source.text, head.end())
        if closed is None:
            source.more()
        end = closed.start() if closed is not None else len(source.text)
        at = closed.end() if closed is not None else end
        if closed is None or not closed[0]:  # its end is missing; that of its call may not be
            last = _LAST.search(source.text, head.end(), end)
            end = at = last.start() if last is not None else end
            cut = closed is None and last is None
        fields = head.groupdict()
        key = fields["key"] or fields["name"]
        arguments[key.strip()] = _value(source.text[head.end() : end], fields.get("rest") or "")
    return Arguments(arguments, source.text[start:at], at, cut=cut)


def _opened(source: Source, at: int, *, elements: bool) -> tuple[re.Match[str], re.Pattern[str]] | None:
    """The tag that opens an argument at `at`, and what ends that argument."""
    text = source.text
    if (found := _OPEN.match(text, at)) is not None:
        return found, _CLOSE
    if (found := _PAIR.match(text, at)) is not None:
        return found, _PAIR_END
    found = source.match(_ELEMENT, at, _PART) if elements else None
    if found is not None and found["key"].lower() != "arg_key":
        return found, re.compile(rf"</{re.escape(found['key'])}\s*>")
    if _PART.match(text, at) is not None:
        source.more()
    return None


def _value(text: str, attributes: str) -> Any:
    if 'string="false"' in attributes:
        try:
            return loads(text)
        except ValueError:
            return text.strip()
    return text.removeprefix("\n").rstrip("\n") if "\n" in text.strip(" ") else text.strip()
