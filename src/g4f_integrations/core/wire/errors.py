"""Errors that come as JSON, with whatever status."""

from __future__ import annotations

from typing import Any

from g4f_integrations.core.wire.decoding import decode_json

_PLACES = ("code", "status", "status_code", "statusCode", "http_code", "http_status")


def is_error(payload: dict[str, Any]) -> bool:
    """Whether a JSON object is an error and no part of an answer: ``{"error": …}`` and its relatives.

    Example:
        >>> is_error({"error": {"message": "no"}}), is_error({"error": None, "choices": []})
        (True, False)
    """
    if payload.get("error") or payload.get("object") == "error" or payload.get("type") == "error":
        return True
    return "choices" not in payload and bool(payload.get("errors"))


def status_of(payload: Any, default: int = 200) -> int:
    """The HTTP status that an error names in its body (400 to 599), or `default`.

    Example:
        >>> status_of({"error": {"message": "slow down", "code": "429"}})
        429
        >>> status_of({"error": '{"error": {"code": 429}}'})  # a relay's way to hand on what it was told
        429
    """
    inner = _inner(payload)
    for holder in (inner, _inner(inner), payload):
        if not isinstance(holder, dict):
            continue
        for place in _PLACES:
            value = holder.get(place)
            if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdecimal():
                value = int(value)
            if type(value) is int and 400 <= value <= 599:
                return value
    return default


def error_of_choice(chunk: dict[str, Any]) -> dict[str, Any] | None:
    """The error that stands in one of the choices (OpenRouter's place for it), as ``{"error": …}``."""
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("error"):
            return {"error": choice["error"]}
    return None


def _inner(payload: Any) -> Any:
    inner = payload.get("error") if isinstance(payload, dict) else None
    if isinstance(inner, str) and inner.lstrip().startswith("{"):
        try:
            return decode_json(inner.encode("utf-8", "replace"))
        except ValueError:
            return None
    return inner
