"""How many tokens a text or message holds: a cautious estimate that needs no vocabulary and no network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

TOKEN = 18
"""Units of `weight_of` in one token, so that weights are whole numbers and add up."""

_PER_MESSAGE = 4  # role and separators, as OpenAI's chat format counts them
_PER_IMAGE = 765  # a 1024 x 1024 picture at high detail, by OpenAI's tile rule
_NARROW = 5  # 3.6 characters a token: English prose has about 4.2 in cl100k and o200k, code about 3.4
_OTHER_SCRIPT = 9
_WIDE = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_OTHER = re.compile(
    r"[^\x00-\u024f\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


def count_tokens(text: str, model: str = "auto") -> int:  # noqa: ARG001  the estimate is the same for every model
    """Estimated tokens of `text`, rather too many than too few.

    Latin text counts a token per 3.6 characters, Chinese, Japanese and Korean a token per character, other scripts
    and symbols one per two characters.

    Args:
        text: Any text.
        model: Model whose vocabulary is meant.

    Example:
        >>> count_tokens("Hello, world!")
        4
    """
    if not text:
        return 0
    return max(1, round(weight_of(text) / TOKEN))


def weight_of(text: str) -> int:
    """What `count_tokens` rounds, in units of a `TOKEN`; the weights of a text's pieces add up to its own."""
    if text.isascii():
        return len(text) * _NARROW
    wide = len(_WIDE.findall(text))
    other = len(_OTHER.findall(text))
    return (len(text) - wide - other) * _NARROW + wide * TOKEN + other * _OTHER_SCRIPT


def count_message_tokens(message: Mapping[str, Any], model: str = "auto") -> int:
    """Estimated tokens of one chat message in OpenAI wire form, its name, tool calls and pictures included.

    Args:
        message: A chat message.
        model: Model whose vocabulary is meant.
    """
    total = _PER_MESSAGE + _count_content(message.get("content"), model)
    if name := message.get("name"):
        total += count_tokens(str(name), model)
    if calls := message.get("tool_calls"):
        total += count_tokens(json.dumps(calls, ensure_ascii=False, default=str), model)
    return total


def _count_content(content: Any, model: str) -> int:
    if content is None:
        return 0
    if isinstance(content, str):
        return count_tokens(content, model)
    total = 0
    for part in content if isinstance(content, list | tuple) else [content]:
        if not isinstance(part, Mapping):
            total += count_tokens(str(part), model)
        elif part.get("type") == "text":
            total += count_tokens(str(part.get("text", "")), model)
        else:
            total += _PER_IMAGE
    return total
