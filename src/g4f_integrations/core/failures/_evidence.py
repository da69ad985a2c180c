"""What an exception holds that tells of its failure: status, headers, body, text, the names of its classes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.failures._failure import one_line

_G4F_STATUS = re.compile(r"^(?:\w*error: )?(?:error|response) (\d{3}):")
_STATUSES = tuple(
    re.compile(source)
    for source in (
        r"""["']status["']\s?:\s?["']?([45]\d\d)["']?\s?\}$""",  # a relay's own, behind what it was told
        r"^\[?(?:http(?:/\d(?:\.\d)?)? ?)?(?:error:? |status:? |code:? )*([45]\d\d)\b(?=$|[\s:,.\-({<\]])",
        r"\b(?:error|response|status|code|http|api error)(?: code| status)?[:=]? ?[\[(]?([45]\d\d)\b",
        r"""["'](?:status|code|status_?code|error_?code|http_?status)["']\s?:\s?["']?([45]\d\d)\b""",
        r"\b([45]\d\d) (?:client|server) error\b",
        r"error ([45]\d\d)(?=$|[\s:,.\-({<\]])",
        r"\bfailed\b[^\n:]{0,60}: ([45]\d\d)(?=$|[\s:,.\-({<\]])",
        r"\b(?:return|respond|repli|fail)ed (?:with )?(?:an? )?(?:http )?(?:error |status )?(?:code )?([45]\d\d)\b",
        r"\b(?:got|received|returned|gave) an? (?:http )?([45]\d\d)\b",
        r"\b([45]\d\d) (?:too many requests|bad gateway|service unavailable|gateway time-?out|not found|bad request)",
        r"\b([45]\d\d) (?:internal server error|payment required|unauthorized|forbidden|request entity too large)",
    )
)


def look(thing: object, name: str) -> Any:
    """The attribute, or ``None``: properties of foreign exceptions may raise anything."""
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def text_of(error: BaseException) -> str:
    """`str(error)`, which foreign exceptions may refuse."""
    try:
        return str(error)
    except Exception:
        return ""


def _status_number(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return int(value) if isinstance(value, int) and 100 <= value <= 599 else None


def status_of(error: BaseException) -> int | None:
    """The HTTP status that the exception or its response carries."""
    response = look(error, "response")
    for owner, name in ((error, "status"), (error, "status_code"), (response, "status_code"), (response, "status")):
        status = _status_number(look(owner, name))
        if status is not None:
            return status
    return _status_number(look(error, "code"))


def status_in(lowered: str) -> int | None:
    """The HTTP status that the lower-cased text names, g4f's own way of writing it first."""
    found = _G4F_STATUS.match(lowered)
    if found is not None:
        return int(found[1])
    for pattern in _STATUSES:
        found = pattern.search(lowered)
        if found is not None:
            return int(found[1])
    return None


def headers_of(error: BaseException) -> dict[str, str]:
    """The headers that the exception or its response carries, with lower-cased names."""
    for owner in (error, look(error, "response")):
        headers = look(owner, "headers")
        if isinstance(headers, Mapping):
            try:
                return {str(name).lower(): str(value) for name, value in headers.items()}
            except Exception:
                return {}
    return {}


def body_of(error: BaseException) -> str:
    """The answer's body, where the exception holds it already; nothing is read from a socket."""
    body = look(error, "body")
    if body is None:
        body = look(error, "doc")  # json.JSONDecodeError keeps what it could not read
    if isinstance(body, bytes | bytearray):
        return bytes(body[:8000]).decode("utf-8", "replace")
    if isinstance(body, str):
        return body
    if isinstance(body, dict | list):
        try:
            return json.dumps(body, ensure_ascii=False, default=str)
        except Exception:
            return ""
    return ""


def class_names(error: BaseException) -> list[str]:
    """The names of the exception's classes, the nearest first."""
    return [cls.__name__ for cls in type(error).__mro__ if cls not in {BaseException, Exception, object}]


def readable(text: str) -> str:
    """The heart of an error's text for people: the message of a JSON body, the title of a page; one scrubbed line."""
    head = text[:8000]
    page = re.search(r"<(?:!doctype|html|head|body|title)\b", head[:2000], re.IGNORECASE)
    if page is not None:
        title = re.search(r"<title[^>]{0,200}>([^<]{1,300})", head, re.IGNORECASE)
        return one_line(f"{head[: page.start()]}an HTML page{f': {title[1].strip()}' if title else ''}")
    brace = head.find("{")
    if brace >= 0 and len(text) <= len(head):
        try:
            found = json.loads(head[brace:])
        except (ValueError, RecursionError):
            return one_line(head)
        message = _message_in(found)
        if message:
            return one_line(f"{head[:brace]}{message}")
    return one_line(head)


def _message_in(found: object, depth: int = 0) -> str:
    if isinstance(found, str):
        if depth < 4 and found.lstrip().startswith("{"):  # a relay's way to hand on what it was told
            try:
                return _message_in(json.loads(found), depth + 1) or found
            except (ValueError, RecursionError):
                pass
        return found
    if isinstance(found, dict) and depth < 4:
        for name in ("error", "message", "detail", "msg", "error_description"):
            message = _message_in(found.get(name), depth + 1)
            if message:
                return message
    return ""
