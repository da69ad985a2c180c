"""The short way for the commonest of all bodies: one whole, plain text answer.

The reader for everything (`core.endpoint._answers`) gives the same events; its many rooms cost several times their
own work after a wait for the network, when nothing of them is in the processor's caches any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from g4f_integrations.core.events import Batch, Finish, ResponseInfo, TextDelta, Usage

_PLAIN_REASONS = frozenset({"stop", "length"})
_PLAIN_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens"})
_ODD_MEMBERS = ("error", "provider", "system_fingerprint", "service_tier", "detail", "citations", "search_results")


def read_plain_answer(body: bytes, headers: Mapping[str, str]) -> Batch | None:
    """The events of a completion that holds nothing but text; ``None`` for any other body, whatever it is.

    Args:
        body: The whole body.
        headers: Headers that go into the answer's `ResponseInfo`.
    """
    try:
        answer = from_json(body)
    except ValueError:
        return None
    if type(answer) is not dict:
        return None
    for name in _ODD_MEMBERS:
        if answer.get(name) is not None:
            return None
    choices, usage = answer.get("choices"), answer.get("usage")
    text = _plain_text(choices[0]) if type(choices) is list and len(choices) == 1 else None
    if choices is None or text is None or type(usage) is not dict or not _is_plain_usage(usage):
        return None
    model, answer_id = answer.get("model"), answer.get("id")
    info = ResponseInfo(
        model if isinstance(model, str) and model else None,
        None,
        answer_id if isinstance(answer_id, str) and answer_id else None,
        dict(headers),
    )
    asked, answered = usage["prompt_tokens"], usage["completion_tokens"]
    counted = Usage(asked, answered, usage.get("total_tokens") or asked + answered)
    return [info, TextDelta(text), counted, Finish(choices[0]["finish_reason"])]


def _plain_text(choice: Any) -> str | None:
    if type(choice) is not dict or choice.get("finish_reason") not in _PLAIN_REASONS or choice.get("logprobs"):
        return None
    message = choice.get("message")
    if type(message) is not dict or choice.get("error") or choice.get("index") not in (0, None) or "delta" in choice:
        return None
    for name, value in message.items():
        if value and name not in {"content", "role"}:
            return None
    text = message.get("content")
    return text if type(text) is str and text else None


def _is_plain_usage(usage: dict[str, Any]) -> bool:
    if not usage.keys() <= _PLAIN_COUNTS:
        return False
    for count in (usage.get("prompt_tokens"), usage.get("completion_tokens"), usage.get("total_tokens", 1)):
        if type(count) is not int or count <= 0:
            return False
    return True
