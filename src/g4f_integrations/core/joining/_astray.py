"""Whether what should carry an answer on is an answer of its own, told by how it begins."""

from __future__ import annotations

import re

from g4f_integrations.core.joining._words import words

_LONGEST = 160  # characters of a beginning that are looked at
_LETTERS = 20  # in a row of another script: no name and no quotation, but a text
_FEW = 12  # the same, of a text that is over
_MANY = 120  # letters of one script after which another one is a surprise
_NEAR = 300  # characters in which a change of language would be announced
_SCRIPTS = {
    "latin": "A-Za-z\u00c0-\u024f",
    "cyrillic": "\u0400-\u04ff",
    "greek": "\u0370-\u03ff",
    "hebrew": "\u0590-\u05ff",
    "arabic": "\u0600-\u06ff",
    "indic": "\u0900-\u0dff",
    "thai": "\u0e00-\u0e7f",
    "wide": "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff",
}
_LINES = re.compile(r"\s+")
_OF_SCRIPT = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}


def is_astray(old: str, body: str, *, final: bool) -> bool | None:
    """Whether `body` is no continuation of `old`, but speaks to the user anew, or in another script.

    Args:
        old: The old end, without white space behind it.
        body: How the continuation begins.
        final: Whether that is all of it.

    Returns:
        ``None`` while it may turn out to be that.

    Example:
        >>> is_astray("The lamp is lit.", "Hello! How can I help you today?", final=True)
        True
        >>> is_astray("The lamp is lit.", "Hello! called the keeper, and came down.", final=True)
        False
    """
    if old[-1:] in ":\uff1a\"“„«「'`*>|":  # after these anybody may be quoted
        return False
    verdict = _speaks_anew(old, body, final=final)
    return _changes_script(old, body, final=final) if verdict is False else verdict


def _speaks_anew(old: str, body: str, *, final: bool) -> bool | None:
    head = _LINES.sub(" ", body[:_LONGEST].lower().replace("\u2019", "'"))
    found = words().astray.match(head)
    if found is not None:
        return found[0] not in old.lower().replace("\u2019", "'")  # an answer about such sentences
    may_be = any(head.startswith(opening) or opening.startswith(head) for opening in words().astray_openings)
    return None if may_be and not final and len(body) < _LONGEST else False


def _changes_script(old: str, body: str, *, final: bool) -> bool | None:
    first = next((char for char in body[:_LONGEST] if char.isalpha()), "")
    new = _script_of(first)
    if new is None or _OF_SCRIPT[new].search(old) is not None:
        return False
    letters = [char for char in old if char.isalpha()]
    before = _script_of(letters[-1]) if len(letters) >= _MANY else None
    if before is None or words().languages.search(old[-_NEAR:].lower()) is not None:
        return False
    if any(_OF_SCRIPT[before].match(char) is None for char in letters):
        return False
    row = [char for char in body[:_LONGEST] if char.isalpha()][:_LETTERS]
    if any(_OF_SCRIPT[new].match(char) is None for char in row):
        return False
    if len(row) == _LETTERS:
        return True
    return len(row) >= _FEW if final or len(body) >= _LONGEST else None


def _script_of(char: str) -> str | None:
    return next((name for name, pattern in _OF_SCRIPT.items() if pattern.match(char)), None)
