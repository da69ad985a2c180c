"""Exception or text → `Failure`; the one owner of notices.

`classify` says what a failed attempt means. `classify_content` finds the answers that are really errors: notices, error
objects, error and challenge pages, emptiness. `NoticeGate` does the same for a stream, and holds text back only while
it can still become one. No clock, no socket; the wordings are data files, read on first use.
"""

from __future__ import annotations

from g4f_integrations.core.failures._content import NoticeGate, classify_content
from g4f_integrations.core.failures._exceptions import classify
from g4f_integrations.core.failures._failure import (
    AttemptFailed,
    ClockExpired,
    Failure,
    HTTPFailure,
    Scope,
    StreamCut,
)

__all__ = [
    "AttemptFailed",
    "ClockExpired",
    "Failure",
    "HTTPFailure",
    "NoticeGate",
    "Scope",
    "StreamCut",
    "classify",
    "classify_content",
]
