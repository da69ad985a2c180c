"""Answers that are wholly an HTML page: error and challenge pages by their marks, against pages that a model wrote."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from g4f_integrations.core.failures._phrases import load_data

PAGE_WINDOW = 2000
"""Characters of a page that are searched for marks, and that a stream holds back at most before it decides."""

_FEW_WORDS = 60  # characters

_OPENINGS = ("<!doctype html", "<html", "<head>", "<title>", "<body", "<?xml")
_LONGEST_OPENING = max(map(len, _OPENINGS))
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,300})")
_HEADING = re.compile(r"<h1[^>]{0,200}>([^<]{1,200})")
_SCRIPTS = re.compile(r"<(script|style|noscript)\b.*?(?:</\1\s*>|\Z)", re.DOTALL)
_TAGS = re.compile(r"<[^<>]*(?:>|\Z)")
_BUNDLE = re.compile(r"""(?:src|href)=["'][^"'<>]{0,200}[.-][0-9a-z_-]{6,}\.(?:js|css)["']""")
_AFTER = re.compile(r"\s*(?:<!--|<script|\Z)")


@dataclass(frozen=True, slots=True)
class PageMark:
    """Why a page is no answer: `text` is what was found, `certain` marks are never a model's own work by chance."""

    text: str
    certain: bool
    login: bool = False


def may_open_page(start: str) -> bool:
    """Whether a text that begins with `start` can still turn out to be a page, or is one."""
    lowered = start[:_LONGEST_OPENING].lower()
    return any(lowered.startswith(opening) or opening.startswith(lowered) for opening in _OPENINGS)


@cache
def _whole(name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{title})" for title in load_data("error_pages.toml")[name]))


@cache
def _anywhere(name: str) -> tuple[str, ...]:
    return tuple(load_data("error_pages.toml")[name])


def _title_fits(name: str, title: str) -> bool:
    parts = [title, *(part.strip() for part in re.split(r"[|\u2013\u2014]", title)), *title.split(": ", 1)[1:]]
    return any(_whole(name).fullmatch(part) for part in parts if part)


def page_mark(start: str) -> PageMark | None:
    """The mark of an error, a challenge or a login in the first `PAGE_WINDOW` characters of a page, else ``None``."""
    lowered = start[:PAGE_WINDOW].lower().replace("\u2026", "...")
    if not any(lowered.startswith(opening) for opening in _OPENINGS):
        return None
    found = _TITLE.search(lowered)
    title = " ".join(found[1].split()) if found else ""
    if title and _title_fits("challenge_titles", title):
        return PageMark(title, certain=True)
    for mark in _anywhere("code"):
        if mark in lowered:
            return PageMark(title or mark, certain=True)
    heading = _HEADING.search(lowered)
    for text in (title, " ".join(heading[1].split()) if heading else "", _all_that_shows(lowered)):
        if text and _title_fits("titles", text):
            return PageMark(text, certain=False)
    if title and _title_fits("login_titles", title) and any(mark in lowered for mark in _anywhere("login")):
        return PageMark(title, certain=False, login=True)
    return None


def _all_that_shows(lowered: str) -> str:
    """The text of a page that shows a few words and nothing else; empty for any other, and for an unfinished one."""
    if "</html" not in lowered and "</body" not in lowered:
        return ""
    shown = " ".join(_TAGS.sub(" ", _SCRIPTS.sub(" ", lowered)).split())
    return shown if len(shown) <= _FEW_WORDS else ""


def is_empty_shell(page: str) -> bool:
    """Whether a short page shows nothing at all: the frame of a web application, or a page cut inside its head."""
    if len(page) > PAGE_WINDOW:
        return False
    lowered = page.lower()
    if not lowered.startswith(("<!doctype html", "<html")):
        return False
    body = lowered.find("<body")
    if body < 0:
        return "<title" not in lowered and "</html" not in lowered and "<link" in lowered
    if not _BUNDLE.search(lowered):
        return False
    shown = _TAGS.sub("", _SCRIPTS.sub("", lowered[body:]))
    return not shown.strip()


def is_whole_page(text: str) -> bool:
    """Whether nothing but the page stands there: text behind its end makes it part of an answer."""
    end = max(text.rfind("</html>"), text.rfind("</HTML>"))
    return end < 0 or _AFTER.match(text, end + len("</html>")) is not None
