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
    usual_scope,
)
from g4f_integrations.core.failures._faults import is_own_fault
from g4f_integrations.core.failures._headers import KEPT_HEADERS
from g4f_integrations.core.failures._notices import notice_table
from g4f_integrations.core.failures._numbers import RateLimit, read_ratelimit, read_reset
from g4f_integrations.core.failures._wordings import wordings

__all__ = [
    "KEPT_HEADERS",
    "AttemptFailed",
    "ClockExpired",
    "Failure",
    "HTTPFailure",
    "NoticeGate",
    "RateLimit",
    "Scope",
    "StreamCut",
    "classify",
    "classify_content",
    "is_own_fault",
    "preload",
    "read_ratelimit",
    "read_reset",
    "usual_scope",
]


def preload() -> None:
    """Reads the data files and builds automata and patterns now, not in the first answer or at the first failure.

    A quarter of a second of work and file access, so it belongs in a worker thread; without it the first use does it.
    """
    notice_table(None)
    wordings()
    classify("none of the wordings that are known")  # each of them is looked for
