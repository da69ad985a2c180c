"""Whether the user asked for the very text that looks like a failure: judged by the user's own words."""

from __future__ import annotations

import re
from functools import cache

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._phrases import load_data

_HEAD, _TAIL = 4000, 16_000  # of the conversation: what it is about, and what was asked last

_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(load_data("asked.toml")[name]))


@cache
def _topic(kind: Outcome) -> re.Pattern[str]:
    data = load_data("asked.toml")
    return re.compile("|".join([*data["any_topic"], *data["topics"].get(kind, ())]))


def _bounded(prompt: str) -> str:
    text = prompt if len(prompt) <= _HEAD + _TAIL else f"{prompt[:_HEAD]}\n{prompt[-_TAIL:]}"
    return text.lower().replace("\u2019", "'")


def _shingles(text: str) -> set[str]:
    """Runs of three words (of four signs in scripts without spaces) of a short text."""
    signs = "".join(_HAN.findall(text))
    if len(signs) >= 4:
        return {signs[place : place + 4] for place in range(len(signs) - 3)}
    words = _WORD.findall(text)
    size = min(3, len(words))
    return {" ".join(words[place : place + size]) for place in range(len(words) - size + 1)} if size else set()


def holds_text(prompt: str, text: str) -> bool:
    """Whether at least half of the short `text` stands in the prompt, word for word."""
    wanted = _shingles(text[:600].lower().replace("\u2019", "'"))
    if not wanted:
        return False
    lowered = _bounded(prompt)
    signs = "".join(_HAN.findall(lowered))
    given = signs if _HAN.search(next(iter(wanted))) else f" {' '.join(_WORD.findall(lowered))} "
    return sum(piece in given for piece in wanted) * 2 >= len(wanted)


def asks_for(prompt: str, kind: Outcome, text: str) -> bool:
    """Whether the user's words ask for a text such as `text`, a notice of that kind."""
    lowered = _bounded(prompt)
    if _pattern("text_wanted").search(lowered) and _topic(kind).search(lowered):
        return True
    return holds_text(prompt, text)


def speaks_of(prompt: str, kind: Outcome, text: str) -> bool:
    """Whether the user's words speak of such failures at all, or hold that text."""
    return _topic(kind).search(_bounded(prompt)) is not None or holds_text(prompt, text)


def asks_for_page(prompt: str, *, certain: bool) -> bool:
    """Whether the user's words ask for such a page; a page with certain marks must be asked for by its subject."""
    lowered = _bounded(prompt)
    if certain:
        return _pattern("page_topic").search(lowered) is not None
    return any(_pattern(name).search(lowered) for name in ("page_wanted", "page_topic"))
