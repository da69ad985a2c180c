"""What a search finds, checked: engines answer all sorts of things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_LONGEST_TITLE = 200
_LONGEST_SNIPPET = 1_000
_LONGEST_URL = 2_000
# Control characters, marks that turn the direction of writing, and letters that nobody sees: places to hide words in.
# And halves of characters, which no encoding can carry.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NAMES = {"title": ("title", "name"), "url": ("url", "href", "link"), "snippet": ("snippet", "body", "description")}


@dataclass(frozen=True, slots=True)
class SearchResult:
    """One page that was found.

    Attributes:
        title: Its title.
        url: Its http(s) address.
        snippet: What the engine shows of it.
        text: What stands on it, as far as it was fetched; ``""`` if it was not.
    """

    title: str
    url: str
    snippet: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class SearchResults:
    """What a search found, best first.

    Attributes:
        query: What was asked.
        results: The pages.
    """

    query: str
    results: tuple[SearchResult, ...] = ()

    def __iter__(self) -> Iterator[SearchResult]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def sources(self) -> list[dict[str, Any]]:
        """The pages as numbered sources: dicts with ``number``, ``title``, ``url`` and ``snippet``."""
        return [
            {"number": number, "title": result.title, "url": result.url, "snippet": result.snippet}
            for number, result in enumerate(self.results, start=1)
        ]


def read_results(found: Any, most: int) -> list[SearchResult]:
    """At most so many results out of what an engine gave, without repeats and without what leads nowhere.

    Args:
        found: `SearchResult`s, or mappings with a title, a URL and a snippet under their usual names.
        most: How many are wanted.
    """
    results: dict[str, SearchResult] = {}
    for item in found if isinstance(found, Iterable) and not isinstance(found, str | bytes | Mapping) else ():
        result = _read_result(item)
        if result is not None and result.url not in results:
            results[result.url] = result
        if len(results) >= most:
            break
    return [*results.values()]


def _read_result(item: Any) -> SearchResult | None:
    if isinstance(item, SearchResult):
        told: Mapping[str, Any] = {
            "title": item.title, "url": item.url, "snippet": item.snippet, "text": item.text,
        }  # fmt: skip
    elif isinstance(item, Mapping):
        told = item
    else:
        return None
    url, title, snippet = (_first(told, name) for name in ("url", "title", "snippet"))
    url = url.strip()[:_LONGEST_URL]
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname or any(map(str.isspace, url)):
        return None
    text = told.get("text")
    return SearchResult(
        one_line(title)[:_LONGEST_TITLE] or parts.hostname,
        _INVISIBLE.sub("", url),
        one_line(snippet)[:_LONGEST_SNIPPET],
        visible(text) if isinstance(text, str) else "",
    )


def _first(told: Mapping[str, Any], name: str) -> str:
    values = (told.get(known) for known in _NAMES[name])
    return next((value for value in values if isinstance(value, str) and value.strip()), "")


def visible(text: str) -> str:
    """`text` without characters that nobody sees."""
    return _INVISIBLE.sub("", _LINE_END.sub("\n", text))


def one_line(text: str) -> str:
    """`text` on one line, without characters that nobody sees."""
    return " ".join(visible(text).split())


def first_words(text: str, most: int) -> str:
    r"""The first so many words of `text`, line breaks kept.

    Example:
        >>> first_words("one two\nthree four", 3)
        'one two\nthree …'
    """
    count = 0
    for count, word in enumerate(re.finditer(r"\S+", text), start=1):
        if count > most:
            return f"{text[: word.start()].rstrip()} …" if most else ""
    return text.strip() if count else ""
