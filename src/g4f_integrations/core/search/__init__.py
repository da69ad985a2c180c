"""Web search: what is found, the text of the pages, and how a model is shown it.

Pages are written by strangers. They are fetched with care (`core.downloads`: no private addresses, so much and so long
and no more), cut to so many words, and fenced off from everything that a model is told to do.
"""

from g4f_integrations.core.search._memory import Remembered, key_of, memory
from g4f_integrations.core.search._results import SearchResult, SearchResults
from g4f_integrations.core.search._settings import SearchBackend, WebSearch, plain_web_search, to_web_search
from g4f_integrations.core.search._showing import fenced, listed, quoted
from g4f_integrations.core.search._together import once

__all__ = [
    "Remembered",
    "SearchBackend",
    "SearchResult",
    "SearchResults",
    "WebSearch",
    "fenced",
    "key_of",
    "listed",
    "memory",
    "once",
    "plain_web_search",
    "quoted",
    "to_web_search",
]
