"""Answers that are wholly a JSON error object of a provider, against JSON that a model was asked for."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._exceptions import classify_text
from g4f_integrations.core.failures._phrases import bounded, kind_of_text
from g4f_integrations.core.failures._wordings import GUESSED, match_wording

_LONGEST = 600
_LONGEST_ERROR = 2000  # behind a first key "error", which innocent answers hardly begin with
OBJECT_START = 100
"""Characters in which the first key of an error object must stand."""
_FIRST_KEY = re.compile(r"""\[?\s{0,40}\{\s{0,40}["']([^"']{0,40})(["']?)""")
_NO_KEY_YET = re.compile(r"\[?\s{0,40}(?:\{\s{0,40})?\Z")

_ERROR_KEYS = frozenset({"error", "errors", "detail", "message", "msg", "error_message", "errormsg", "errmsg", "err"})
# What stands around an error without being a result.
_ENVELOPE = _ERROR_KEYS | {
    "code", "status", "status_code", "statuscode", "success", "ok", "type", "object", "error_type", "error_code",
    "errorcode", "errcode", "request_id", "requestid", "timestamp", "path", "param", "title", "instance", "action",
    "_action", "overridecode", "estimated_time", "retry_after", "data", "result", "trace_id", "traceid", "id",
    "conversationid", "reason", "x402version", "accepts", "event", "description", "documentation", "docs", "help",
    "version", "provider", "model", "cd", "r", "user_id", "localized_message", "warnings", "wait", "details", "hint",
    "info", "support",
}  # fmt: skip
_FLAGS = frozenset({"success", "ok", "status"})
# Kinds that a text in an error object must speak of plainly; "User not found" and the like are an application's own.
_PROVIDER_KINDS = frozenset(
    {"rate_limit", "quota", "overloaded", "blocked", "auth", "timeout", "context_length", "content_filter", "network"}
)
# FastAPI's and Starlette's own answers, letter for letter.
_FRAMEWORK: dict[str, Outcome] = {
    "Not Found": "model_not_found",
    "Unauthorized": "auth",
    "Not authenticated": "auth",
    "Forbidden": "auth",
    "Method Not Allowed": "bad_request",
    "Internal Server Error": "overloaded",
    "Bad Gateway": "overloaded",
    "Service Unavailable": "overloaded",
}
_PROVIDER_WORDS = re.compile(
    r"\b(?:requests?|api|server|upstream|model|provider|token|key|rate|quota|limit|capacity|overloaded|service|gateway"
    r"|timed? ?out|timeout|busy|traffic|unusual|credits?|try again|error occurred|captcha|blocked|cloudflare|account)"
    r"|err_[a-z_]+|[\u3400-\u9fff]"
)
_SERVER_FAULT = re.compile(
    r"internal[_ ]server[_ ]error|server_error|api_error|bad[_ ]gateway|service[_ ]?unavailable|unknown[_ ]error"
    r"|\(unknown\) error|an? (?:unexpected |internal |unknown )?error occurred|something went wrong|upstream"
    r"|err_[a-z]+_[a-z]+"
)


def may_open_object(start: str) -> int:
    """Characters that an answer which begins with `start` may have to be an error object; 0 if it can be none."""
    found = _FIRST_KEY.match(start)
    if found is None:
        return _LONGEST if _NO_KEY_YET.match(start) else 0
    key, closed = found[1].lower(), found[2]
    if closed:
        return _LONGEST_ERROR if key == "error" else _LONGEST if key in _ENVELOPE else 0
    return _LONGEST if any(known.startswith(key) for known in _ENVELOPE) else 0


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:  # str() of a dict, as careless relays yield it
        # A back-slash could be an escape that Python warns of, on standard error.
        return ast.literal_eval(text) if "'" in text and "\\" not in text else None
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _words(found: object, depth: int = 0) -> str:
    if isinstance(found, dict | list) and depth < 5:
        inner = list(found.values()) if isinstance(found, dict) else found[:3]
        return " ".join(filter(None, (_words(value, depth + 1) for value in inner)))
    if isinstance(found, str):
        return found
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def _is_error(fields: dict[str, Any]) -> bool:
    """Whether the fields are those of an error alone, without a result and without a sign of success."""
    names = _ERROR_KEYS | {"text"} if fields.get("error_code") else _ERROR_KEYS  # as FastChat tells its errors
    if not names & fields.keys() and not str(fields.get("type", "")).upper().startswith("ERR_"):
        return False
    if not fields.keys() <= _ENVELOPE | names or fields.get("data") or fields.get("result"):
        return False
    flags = [fields.get(flag) for flag in _FLAGS]
    if any(flag is True or flag in ("ok", "success", 200) for flag in flags):
        return False
    return bool(fields.get("error", True))


@dataclass(frozen=True, slots=True)
class ErrorObject:
    """An answer that is the JSON object of an error.

    Attributes:
        kind: The kind of failure it tells.
        words: All that it says.
        doubtful: Whether it says so in words that no phrase knows.
    """

    kind: Outcome
    words: str
    doubtful: bool = False


def read_object(text: str) -> ErrorObject | None:
    """The error of which `text` is the JSON object; ``None`` for any other text."""
    if len(text) > may_open_object(text[:OBJECT_START]) or text[-1:] not in {"}", "]"}:
        return None
    found = _parse(text)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    fields = {str(name).lower(): value for name, value in found.items()} if isinstance(found, dict) else {}
    if not _is_error(fields):
        return None
    detail = fields.get("detail")
    if len(fields) == 1 and isinstance(detail, str) and detail in _FRAMEWORK:
        return ErrorObject(_FRAMEWORK[detail], detail)
    words = " ".join(_words(found).lower().split())
    kind = _spoken_kind(bounded(words))
    if kind is not None:
        return ErrorObject(kind, words)
    meant = _meant_kind(_error_in(fields))
    return None if meant is None else ErrorObject(meant, words, doubtful=True)


def _error_in(fields: dict[str, Any]) -> str:
    """What the object says under a name that only errors have; a mere message may be an answer."""
    values = [fields.get(key) for key in ("error", "errors", "detail")]
    if values[0] is True:
        values[0] = fields.get("message")
    values += [value.get("message") or value.get("error") for value in values if isinstance(value, dict)]
    return next((value for value in values if isinstance(value, str) and value), "")


def _meant_kind(said: str) -> Outcome | None:
    """The kind by what the words mean together, where they are those of a provider; never one that blames a key."""
    worded = match_wording(said)
    if worded is not None or not _PROVIDER_WORDS.search(said.lower()):
        return worded
    return GUESSED.get(classify_text(said).kind)


def _spoken_kind(words: str) -> Outcome | None:
    strong = kind_of_text(words, strong=True)
    if strong in _PROVIDER_KINDS and _PROVIDER_WORDS.search(words):
        return strong
    if strong == "model_not_found":
        return strong
    if _SERVER_FAULT.search(words):
        return strong or "overloaded"
    if "invalid_request_error" in words:
        return "bad_request"
    return None
