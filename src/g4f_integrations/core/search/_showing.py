"""Search results as a reader and as a model sees them. Pure."""

from __future__ import annotations

import re

from g4f_integrations.core.search._results import SearchResult, SearchResults

# A page that closes the fence could speak as the user does.
_FENCE = re.compile(r"<(?=\s*/?\s*web_page)", re.IGNORECASE)


def listed(found: SearchResults) -> str:
    """The results as a numbered list, for tools' answers: title, address, and the page's text or its snippet."""
    if not found.results:
        return f"Nothing was found for {found.query!r}."
    return "\n\n".join(
        f"[{number}] {result.title}\n{result.url}\n{result.text or result.snippet}".rstrip()
        for number, result in enumerate(found.results, start=1)
    )


def fenced(found: SearchResults) -> str:
    """The results for a prompt, each between marks that nothing in it can imitate."""
    return "\n".join(_page(number, result) for number, result in enumerate(found.results, start=1))


def _page(number: int, result: SearchResult) -> str:
    body = "\n".join(line for line in (result.title, result.url, result.text or result.snippet) if line)
    return f'<web_page number="{number}">\n{_FENCE.sub("&lt;", body)}\n</web_page>'
