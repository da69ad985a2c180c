"""Counting messages piece by piece, and remembering the count of every text."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from g4f_integrations.core.tokens._estimate import estimate_tokens
from g4f_integrations.core.tokens._families import Family
from g4f_integrations.core.tokens._media import part_tokens

PER_MESSAGE = 4  # role and separators, as OpenAI's chat format counts them
_PER_CALL = 12  # the marks around a tool call and its id, as open models' templates write them
_PER_RESULT = 4  # a result's reference to its call
_PER_TOOL = 8
_KEPT_TEXTS = 32_768  # in each of two generations, about 100 bytes each
_DEEPEST = 8
_OTHER_TEXTS = ("reasoning_content", "refusal", "name")


class Counter:
    """Counts texts and messages by one way of counting, and remembers the counts of texts by their hashes.

    The texts themselves are not kept. A count that was made once costs a look-up, so that a conversation which grows
    costs its new messages.

    Args:
        count: Tokens (or another unit) of one text.
        family: Whose rules count for pictures.
    """

    __slots__ = ("_count", "_family", "_old", "_young")

    def __init__(self, count: Callable[[str], int], family: Family) -> None:
        self._count = count
        self._family = family
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def text(self, text: str) -> int:
        """Tokens of `text`."""
        if type(text) is not str:
            text = str(text)
        key = hash(text)
        known = self._young.get(key)
        return known if known is not None else self._counted(text, key)

    def _counted(self, text: str, key: int) -> int:
        known = self._old.get(key)
        if known is None:
            known = self._count(text) if text else 0
        young = self._young
        young[key] = known
        if len(young) >= _KEPT_TEXTS:
            # What was not asked for since the last change of generations is forgotten.
            self._old, self._young = young, {}
        return known

    def message(self, message: Mapping[str, Any]) -> int:
        """Tokens of one chat message in OpenAI wire form, with all that is sent of it."""
        content = message.get("content")
        if type(content) is str:
            key = hash(content)
            known = self._young.get(key)
            total = PER_MESSAGE + (known if known is not None else self._counted(content, key))
        elif content is None:
            total = PER_MESSAGE
        else:
            total = PER_MESSAGE + self._content(content)
        if len(message) > 2:
            total += self._members(message)
        return total

    def from_the_end(self, messages: Sequence[Mapping[str, Any]], most: int) -> list[int]:
        """Tokens of the newest messages together: of none, of one, of two, …, up to the first sum that exceeds `most`.

        Only these are counted. All messages are within `most` if the last sum is.
        """
        spent = 0
        sums = [spent]
        young = self._young  # a generation that has just become the old one still tells the truth
        for message in reversed(messages):
            content = message.get("content")
            known = young.get(hash(content)) if type(content) is str else None
            if known is None:
                spent += self.message(message)
            elif len(message) == 2:
                spent += PER_MESSAGE + known
            else:
                spent += PER_MESSAGE + known + self._members(message)
            sums.append(spent)
            if spent > most:
                break
        return sums

    def new_characters(self, messages: Sequence[Mapping[str, Any]], tokens: int, most: int) -> int:
        """Characters of the newest messages, as many as `tokens` hold, that were not counted before; about.

        Args:
            messages: Chat messages.
            tokens: Older messages than these hold are not looked at.
            most: Where there are more characters than these, the rest is not looked at either.
        """
        new = 0
        young, old = self._young, self._old
        for message in reversed(messages):
            content = message.get("content")
            texts = [content] if type(content) is str else []
            if not texts and content is not None:
                new += most + 1  # parts of any kind: nobody knows without counting them
            if "tool_calls" in message:
                texts += _arguments_in(message["tool_calls"])
            for text in texts:
                key = hash(text)
                known = young.get(key) or old.get(key)
                if known is None:
                    new += len(text)
                else:
                    tokens -= known
            if new > most or tokens < 0:
                break
        return new

    def messages(self, messages: Iterable[Mapping[str, Any]]) -> int:
        """Tokens of several messages."""
        return sum(map(self.message, messages))

    def tools(self, tools: Sequence[Mapping[str, Any]] | None) -> int:
        """Tokens of the schemas of `tools`, as JSON."""
        if not tools:
            return 0
        return sum(_PER_TOOL + self.text(_json(tool)) for tool in tools)

    def _members(self, message: Mapping[str, Any]) -> int:
        is_result = "tool_call_id" in message
        if is_result and len(message) == 3:
            return _PER_RESULT  # beside role and content, as most results have it
        total = _PER_RESULT if is_result else 0
        calls = message.get("tool_calls")
        if calls:
            total += self._calls(calls)
        if len(message) == 3 and "tool_calls" in message:
            return total
        for name in _OTHER_TEXTS:
            value = message.get(name)
            if value:
                total += self.text(value if type(value) is str else _json(value))
        call = message.get("function_call")
        if call:
            total += self._calls([{"function": call}])
        return total

    def _calls(self, calls: Any) -> int:
        total = 0
        young = self._young
        for call in calls if isinstance(calls, list | tuple) else [calls]:
            function = call.get("function") if type(call) is dict else None
            if type(function) is dict:
                name, arguments = function.get("name"), function.get("arguments")
                if type(name) is str and type(arguments) is str:
                    # Every call that is in order: no more than its two look-ups.
                    known, more = young.get(hash(name)), young.get(hash(arguments))
                    total += known if known is not None else self.text(name)
                    total += more if more is not None else self.text(arguments)
                    total += _PER_CALL
                    continue
            total += _PER_CALL + self._odd_call(call)
        return total

    def _odd_call(self, call: Any) -> int:
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping):
            return self.text(_json(call))
        values = (function.get("name"), function.get("arguments"))
        return sum(self.text(value if type(value) is str else _json(value)) for value in values if value)

    def _content(self, content: Any) -> int:
        if isinstance(content, str):
            return self.text(str(content))
        parts = content if isinstance(content, list | tuple) else [content]
        return sum(map(self._part, parts))

    def _part(self, part: Any) -> int:
        if isinstance(part, str):
            return self.text(part)
        if not isinstance(part, Mapping):
            return 0 if part is None else self.text(str(part))
        text = part.get("text")
        if type(text) is str:
            return self.text(text)
        known = part_tokens(part, self._family.image)
        return self._strings(part, _DEEPEST) if known is None else known

    def _strings(self, value: Any, depth: int) -> int:
        """Tokens of all texts inside a part of a kind that nobody knows, save data in base64."""
        if isinstance(value, str):
            return 0 if value[:5].lower() == "data:" else self.text(value)
        if depth == 0:
            return 0
        if isinstance(value, Mapping):
            return sum(self._strings(inner, depth - 1) for name, inner in value.items() if name != "data")
        if isinstance(value, list | tuple):
            return sum(self._strings(inner, depth - 1) for inner in value)
        return 1


def _arguments_in(calls: Any) -> list[str]:
    functions = [call.get("function") for call in calls if type(call) is dict] if type(calls) is list else []
    found = [function.get("arguments") for function in functions if type(function) is dict]
    return [arguments for arguments in found if type(arguments) is str]


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return ""


def scaled(count: Callable[[str], int], ratio: float) -> Callable[[str], int]:
    """`count` times `ratio`, rounded up."""
    return count if ratio == 1 else lambda text: math.ceil(count(text) * ratio)


def estimating(family: Family) -> Counter:
    """A counter that needs no vocabulary."""
    return Counter(scaled(estimate_tokens, family.ratio), family)
