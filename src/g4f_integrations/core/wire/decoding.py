"""JSON as it really comes: fast where it is sound, patient where it is not."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import from_json


def decode_json(data: bytes) -> Any:
    """The value of a JSON text.

    The strict parser is three times as fast as the standard library's, but refuses lone surrogates (an emoji cut in
    two), a byte order mark, raw control characters and broken UTF-8. Such texts are read the patient way: what is no
    UTF-8 becomes U+FFFD.

    Raises:
        ValueError: `data` is no JSON, or is nested too deeply.
    """
    try:
        return from_json(data)
    except ValueError:
        text = data.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        message = "nested too deeply"
        raise ValueError(message) from None


def whole_text(text: str) -> tuple[str, str]:
    r"""`text` with surrogate pairs joined and lone ones replaced, and the half pair that it ends with, if any.

    Example:
        >>> whole_text("a\ud83d\ude00b\ud83d") == ("a\U0001f600b", "\ud83d")
        True
    """
    held = ""
    if text and "\ud800" <= text[-1] <= "\udbff":
        text, held = text[:-1], text[-1]
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), held


def plain_text(data: bytes, limit: int = 65_536) -> str:
    """The first `limit` bytes of `data` as text, for an error's body."""
    return data[:limit].decode("utf-8", "replace")


def whole_number(value: Any) -> int:
    """`value` as a count: what is no finite, positive number is 0."""
    if type(value) is int:
        return max(value, 0)
    try:
        return max(int(float(value)), 0) if isinstance(value, float | str) else 0
    except (ValueError, OverflowError):
        return 0
