"""Regular expressions that are compiled when they are first used, for modules that every import of a model loads."""

from __future__ import annotations

import re
from functools import cache


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """`pattern`, compiled once; unlike in `re`'s own cache, others do not push it out.

    Example:
        >>> compiled("(?i)a+").sub("-", "baAb")
        'b-b'
    """
    return re.compile(pattern)
