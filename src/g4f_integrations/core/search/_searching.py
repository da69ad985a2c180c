"""One search: the engines, then the pages side by side."""

from __future__ import annotations

import asyncio
import codecs
import contextvars
import inspect
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

from g4f_integrations.core.credentials import redact_url, scrub
from g4f_integrations.core.downloads import Downloaded, DownloadFailed, DownloadLimits, download
from g4f_integrations.core.search._results import SearchResult, SearchResults, first_words, read_results, visible
from g4f_integrations.core.search._settings import WebSearch
from g4f_integrations.errors import ConfigurationError, ProviderTimeoutError, ProviderUnavailableError

logger = logging.getLogger("g4f_integrations.search")

_PAGE_BYTES = 2 * 1024 * 1024
_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.8"
_MARKUP = frozenset({"text/html", "application/xhtml+xml", ""})
_PLAIN = frozenset({"text/plain", "text/markdown"})
# No page is written in these, and Python decodes the first in quadratic time.
_NO_PAGES = frozenset({"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined"})
_EXTRA = "pip install 'g4f-integrations[search]'"


async def search(settings: WebSearch, query: str) -> SearchResults:
    """See `WebSearch.asearch`."""
    if settings.add_text and settings.max_words:
        await asyncio.to_thread(_extractor)  # so that what is not installed is said before anybody is asked
    results = read_results(await _ask_engines(settings, query), settings.max_results)
    if settings.add_text and settings.max_words:
        results = await _with_texts(results, settings)
    else:
        results = [replace(result, text="") for result in results]
    return SearchResults(query, tuple(results))


# Engines ---------------------------------------------------------------------------------------------------------


async def _ask_engines(settings: WebSearch, query: str) -> Any:
    failure: ConfigurationError | ProviderTimeoutError | ProviderUnavailableError
    try:
        async with asyncio.timeout(settings.timeout * 2):  # ddgs has a clock of its own, and asks engines twice
            if isinstance(settings.backend, str):
                return await asyncio.to_thread(_ask_ddgs, settings, query)
            if inspect.iscoroutinefunction(settings.backend) or inspect.iscoroutinefunction(
                getattr(settings.backend, "__call__", None)  # noqa: B004  an object whose call is awaited
            ):
                return await settings.backend(query, settings.max_results)
            # A function of the user's is never run on our loop: it may block, or call the model.
            run = contextvars.copy_context().run
            found = await asyncio.to_thread(run, settings.backend, query, settings.max_results)
            return await found if inspect.isawaitable(found) else found
    except ConfigurationError:
        raise
    except TimeoutError:
        message = f"web search: the engines did not answer within {settings.timeout * 2:g} s"
        failure = ProviderTimeoutError(message)
    except Exception as error:  # an engine's own kinds
        message = f"web search failed ({type(error).__name__}): {scrub(str(error), limit=300)}"
        failure = ProviderUnavailableError(message)
    raise failure


def _ask_ddgs(settings: WebSearch, query: str) -> list[Any]:
    try:
        ddgs = import_module("ddgs")
        exceptions = import_module("ddgs.exceptions")
    except ImportError as error:
        message = f"web search needs the extra `search`: {_EXTRA} ({error}). Or give backend= a function of your own"
        raise ConfigurationError(message) from error
    client = ddgs.DDGS(proxy=settings.proxy, timeout=max(round(settings.timeout), 1))
    try:
        found: list[Any] = client.text(
            query, region=settings.region, max_results=settings.max_results, backend=settings.backend
        )
    except exceptions.DDGSException as error:
        if "no results" in str(error).lower():
            return []
        if "timed out" in str(error).lower():
            raise TimeoutError from None
        raise
    return found


# Pages -----------------------------------------------------------------------------------------------------------


def _extractor() -> Any:
    try:
        return import_module("trafilatura")
    except ImportError as error:
        message = (
            f"the text of web pages needs the extra `search`: {_EXTRA} ({error}). Without it: add_text=False, "
            "for titles and snippets alone"
        )
        raise ConfigurationError(message) from error


async def _with_texts(results: Sequence[SearchResult], settings: WebSearch) -> list[SearchResult]:
    """The results with the text of their pages; a page that fails keeps its snippet."""
    texts = await asyncio.gather(*(_text_of(result, settings) for result in results))
    words = settings.max_words
    complete = []
    for place, (result, text) in enumerate(zip(results, texts, strict=True)):
        share = words // (len(results) - place)  # what short pages leave goes to those that follow
        cut = first_words(text, share)
        words -= min(len(cut.split()), share)
        complete.append(replace(result, text=cut))
    return complete


async def _text_of(result: SearchResult, settings: WebSearch) -> str:
    if result.text:  # the engine brought it along
        return result.text
    limits = DownloadLimits(max_bytes=_PAGE_BYTES, timeout=settings.timeout, allow_private=settings.allow_private)
    try:
        page = await download(result.url, limits, proxy=settings.proxy, accept=_ACCEPT)
        async with asyncio.timeout(settings.timeout):
            return visible(await asyncio.to_thread(_readable, page))
    except (DownloadFailed, TimeoutError) as error:
        logger.info("no text of %s: %s", redact_url(result.url), error or "reading it took too long")
    except Exception as error:  # parsers of other people's pages find new ways to fail
        logger.info("no text of %s: %s", redact_url(result.url), type(error).__name__)
    return ""


def _readable(page: Downloaded) -> str:
    """What a reader sees of a page, without menus and adverts; ``""`` if it is no text."""
    if page.content_type in _PLAIN:
        return page.data.decode(_known_charset(page.charset), "replace")
    if page.content_type not in _MARKUP:
        return ""
    extract = partial(_extractor().extract, include_comments=False, include_tables=True, deduplicate=False)
    # As bytes: a page tells its encoding in its own first lines, unless the server tells it.
    data = page.data if page.charset is None else page.data.decode(_known_charset(page.charset), "replace")
    found = extract(data)
    return found if isinstance(found, str) else ""


def _known_charset(name: str | None) -> str:
    """The encoding that a server names, if it is one of texts: Python knows others, and some take hours."""
    try:
        found = codecs.lookup(name or "utf-8").name
        b"x".decode(found, "replace")  # refuses what makes no text of bytes, like base64
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if found in _NO_PAGES else found
