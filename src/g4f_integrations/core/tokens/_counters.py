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

    def from_the_end(self, messages: Sequence[Mapping[str, Any]], most: int) -> tuple[list[int], bool]:
        """Tokens of each message, the newest first, up to the one with which all exceed `most`.

        Returns:
            The counts, and whether all messages together are within `most`.
        """
        counts: list[int] = []
        spent = 0
        for message in reversed(messages):
            content = message.get("content")
            members = len(message)
            if type(content) is str and (members == 2 or (members == 3 and "tool_call_id" in message)):
                # The way of `message`, without a call for each.
                key = hash(content)
                known = self._young.get(key)
                cost = known if known is not None else self._counted(content, key)
                cost += PER_MESSAGE if members == 2 else PER_MESSAGE + _PER_RESULT
            else:
                cost = self.message(message)
            counts.append(cost)
            spent += cost
            if spent > most:
                return counts, False
        return counts, True

    def messages(self, messages: Iterable[Mapping[str, Any]]) -> int:
        """Tokens of several messages."""
        return sum(map(self.message, messages))

    def tools(self, tools: Sequence[Mapping[str, Any]] | None) -> int:
        """Tokens of the schemas of `tools`, as JSON."""
        if not tools:
            return 0
        return sum(_PER_TOOL + self.text(_json(tool)) for tool in tools)

    def _members(self, message: Mapping[str, Any]) -> int:
        total = _PER_RESULT if "tool_call_id" in message else 0
        calls = message.get("tool_calls")
        if calls:
            total += self._calls(calls)
        if len(message) == 3 and (total or "tool_calls" in message):
            return total  # role, content and one of the two, as most such messages have
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
        for call in calls if isinstance(calls, list | tuple) else [calls]:
            total += _PER_CALL
            function = call.get("function") if type(call) is dict or isinstance(call, Mapping) else None
            if type(function) is not dict and not isinstance(function, Mapping):
                total += self.text(_json(call))
                continue
            for value in (function.get("name"), function.get("arguments")):
                if value:
                    text = value if type(value) is str else _json(value)
                    key = hash(text)
                    known = self._young.get(key)
                    total += known if known is not None else self._counted(text, key)
        return total

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
