"""What a search is asked with."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from g4f_integrations.core.credentials import leave_credentials
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from g4f_integrations.core.search._results import SearchResults

SearchBackend: TypeAlias = str | Callable[[str, int], Any | Awaitable[Any]]
"""Names of ddgs's engines (``"auto"``, ``"brave"``, ``"wikipedia, mojeek"``), or a function of the query and the number
of results wanted, which gives dicts with ``title``, ``url`` and ``snippet``, and ``text`` where it has the page."""

_MOST_RESULTS = 50
_LONGEST_QUERY = 400


@dataclass(frozen=True, slots=True)
class WebSearch:
    """One way to search, ready for use; with the parameters of g4f's own search tool.

    Example:
        >>> found = WebSearch(backend=lambda query, most: [{"title": "A", "url": "https://a.example", "text": "b"}])
        >>> [result.title for result in found.search("lamps")]
        ['A']

    Attributes:
        query: What to search for; ``None`` takes the user's newest words, in a chat.
        max_results: Pages at the most.
        max_words: Words of all pages together.
        backend: Who searches; see `SearchBackend`.
        add_text: Whether the pages' text is fetched, and not the snippets alone.
        timeout: Seconds for the engines, and again for the pages.
        region: Country and language for ddgs's engines.
        proxy: Proxy URL for engines and pages.
        allow_private: Whether pages in private networks may be fetched.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    query: str | None = None
    max_results: int = 5
    max_words: int = 2_500
    backend: SearchBackend = "auto"
    add_text: bool = True
    timeout: float = 5.0
    region: str = "us-en"
    proxy: str | None = None
    allow_private: bool = False

    def __post_init__(self) -> None:
        problem = None
        if self.query is not None and not (isinstance(self.query, str) and self.query.strip()):
            problem = "query must be a text"
        elif not _is_count(self.max_results) or not 1 <= self.max_results <= _MOST_RESULTS:
            problem = f"max_results must be a number from 1 to {_MOST_RESULTS}"
        elif not _is_count(self.max_words) or self.max_words < 0:
            problem = "max_words must be a number, 0 for no text at all"
        elif not isinstance(self.timeout, int | float) or not 0 < self.timeout <= 600:
            problem = "timeout must be a positive number of seconds, 600 at the most"
        elif not (callable(self.backend) or (isinstance(self.backend, str) and self.backend.strip())):
            problem = "backend must be names of ddgs's engines, or a function of query and number of results"
        if problem is not None:
            message = f"web search: {problem}"
            raise ConfigurationError(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # What a pickle writes down; copies do not come here.
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["proxy"] = None if self.proxy is None else leave_credentials(self.proxy)
        return WebSearch, tuple(plain.values())

    def __copy__(self) -> WebSearch:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> WebSearch:
        return self  # it holds nothing that can be changed

    def __repr__(self) -> str:
        shown = plain_web_search(self)
        return f"WebSearch({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def asking(self, **changes: Any) -> WebSearch:
        """The same with some values changed; those that are ``None`` are left as they are.

        Raises:
            ConfigurationError: A value is out of its range, or a name is unknown.
        """
        return replace(self, **_known({name: value for name, value in changes.items() if value is not None}))

    async def asearch(self, query: str | None = None) -> SearchResults:
        """Search, and fetch the pages.

        Args:
            query: What to search for, if not the one that is set.

        Raises:
            ConfigurationError: There is nothing to search for, or the extra ``search`` is not installed.
            ProviderUnavailableError: The engines failed.
            ProviderTimeoutError: They did not answer in time.
        """
        wanted = query if query is not None else self.query
        if not isinstance(wanted, str) or not wanted.strip():
            message = "web search: there is nothing to search for"
            raise ConfigurationError(message)
        # Off the loop: it brings an HTTP client along.
        searching = await asyncio.to_thread(import_module, "g4f_integrations.core.search._searching")
        found: SearchResults = await searching.search(self, short_query(wanted))
        return found

    def search(self, query: str | None = None) -> SearchResults:
        """Like `asearch`; works inside a running event loop, too, which it blocks."""
        return run_blocking(lambda: self.asearch(query))


def short_query(text: str) -> str:
    """A text as one line that engines take: its first line with anything in it, cut between words."""
    words = " ".join(text.split())
    if len(words) <= _LONGEST_QUERY:
        return words
    line = next(" ".join(line.split()) for line in text.splitlines() if line.strip())
    return line if len(line) <= _LONGEST_QUERY else line[:_LONGEST_QUERY].rpartition(" ")[0] or line[:_LONGEST_QUERY]


def to_web_search(value: Any) -> bool | str | WebSearch | None:
    """What a model's `web_search` may be: yes or no, a query, a `WebSearch`, or a dict of its fields.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is None or isinstance(value, bool | WebSearch):
        return value
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Mapping):
        return WebSearch(**_known(value))
    message = f"web_search must be True, a query, a WebSearch or a dict of its fields, not {type(value).__name__}"
    raise ConfigurationError(message)


def plain_web_search(value: Any) -> Any:
    """`value` as plain data that `to_web_search` takes back; functions and proxies are left out."""
    if not isinstance(value, WebSearch):
        return value
    plain = {}
    for field in fields(value):
        setting = getattr(value, field.name)
        if setting != field.default and not callable(setting) and field.name != "proxy":
            plain[field.name] = setting
    return plain


def _known(given: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in given if name not in inspect.signature(WebSearch).parameters]
    if unknown:
        message = f"web search has no setting {unknown[0]!r}; it has {', '.join(WebSearch.__slots__)}"
        raise ConfigurationError(message)
    return dict(given)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
