"""Ids of tool calls: nine alphanumerics, which every provider accepts (Mistral demands exactly these)."""

from __future__ import annotations

import re
import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 9
_ACCEPTED = re.compile(rf"[A-Za-z0-9]{{{_LENGTH}}}", re.ASCII)


def new_call_id() -> str:
    """A fresh id."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def is_call_id(text: str) -> bool:
    """Whether `text` has the form of our ids, so that it may be kept.

    Example:
        >>> is_call_id("a1B2c3D4e"), is_call_id("call_0")
        (True, False)
    """
    return _ACCEPTED.fullmatch(text) is not None
