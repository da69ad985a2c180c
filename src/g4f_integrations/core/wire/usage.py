"""``usage`` members of every dialect → `Usage`, in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.events import Usage
from g4f_integrations.core.wire.decoding import whole_number

_INPUT = ("prompt_tokens", "input_tokens")
_OUTPUT = ("completion_tokens", "output_tokens")
_PARTS = (
    ("prompt_tokens_details", "input_"),
    ("input_tokens_details", "input_"),
    ("completion_tokens_details", "output_"),
    ("output_tokens_details", "output_"),
)
_OTHER_NAMES = {  # DeepSeek's and Anthropic's names for what OpenAI keeps under prompt_tokens_details
    "prompt_cache_hit_tokens": "cached_tokens",
    "cache_read_input_tokens": "cached_tokens",
    "cache_creation_input_tokens": "cache_creation_tokens",
    "reasoning_tokens": "reasoning_tokens",
}


def read_usage(usage: Mapping[str, Any]) -> Usage | None:
    """The tokens that a server reports; ``None`` when it reports nothing but zeros, which means that it did not count.

    `details` uses OpenAI's names (``cached_tokens``, ``reasoning_tokens``, ``accepted_prediction_tokens`` …);
    ``audio_tokens``, ``text_tokens`` and ``image_tokens``, which both sides have, become ``input_audio_tokens`` etc.

    Example:
        >>> read_usage({"prompt_tokens": 3.0, "completion_tokens": "4"})
        Usage(input_tokens=3, output_tokens=4, total_tokens=7, details={})
    """
    asked = _first(usage, _INPUT)
    answered = _first(usage, _OUTPUT)
    total = whole_number(usage.get("total_tokens")) or asked + answered
    if not total:
        return None
    details: dict[str, int] = {}
    for member, side in _PARTS:
        part = usage.get(member)
        if not isinstance(part, dict):
            continue
        for name, value in part.items():
            count = whole_number(value)
            if count:
                both = name in {"audio_tokens", "text_tokens", "image_tokens"}
                details[f"{side}{name}" if both else name] = count
    for name, ours in _OTHER_NAMES.items():
        count = whole_number(usage[name]) if name in usage else 0
        if count:
            details.setdefault(ours, count)
    return Usage(asked, answered, total, details)


def _first(usage: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """The count under the first of `names` that has one."""
    for name in names:
        count = whole_number(usage.get(name))
        if count:
            return count
    return 0
