"""Search results as a reader and as a model sees them. Pure."""

from __future__ import annotations

import re

from g4f_integrations.core.search._results import SearchResult, SearchResults

# A page that closes the fence could speak as the user does; also with what only looks like the mark.
_FENCE = re.compile(r"[<\uff1c\ufe64\u2039\u3008\u27e8](?=\W{0,9}web[\W_]{0,9}page)", re.IGNORECASE)


def listed(found: SearchResults) -> str:
    """The results as a numbered list, for people: title, address, and the page's text or its snippet."""
    return _numbered(found, "")


def quoted(found: SearchResults) -> str:
    """The same for models, as the answer of a tool: each line of a page begins with a mark, so that none seems ours."""
    return _numbered(found, "> ")


def _numbered(found: SearchResults, mark: str) -> str:
    if not found.results:
        return f"Nothing was found for {found.query!r}."
    pages = []
    for number, result in enumerate(found.results, start=1):
        lines = [f"{mark}{line}".rstrip() for line in (result.text or result.snippet).splitlines()]
        pages.append("\n".join([f"[{number}] {result.title}", result.url, *lines]).rstrip())
    return "\n\n".join(pages)


def fenced(found: SearchResults) -> str:
    """The results for a prompt, each between marks that nothing in it can imitate."""
    return "\n".join(_page(number, result) for number, result in enumerate(found.results, start=1))


def _page(number: int, result: SearchResult) -> str:
    body = "\n".join(line for line in (result.title, result.url, result.text or result.snippet) if line)
    return f'<web_page number="{number}">\n{_FENCE.sub("&lt;", body)}\n</web_page>'
