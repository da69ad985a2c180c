"""Adverts and artefacts: out of answers, and not a byte more.

Rules are data (``rules/*.toml``) in a small language of frames, compiled to one automaton that is walked once. Answers
that are wholly a notice are `core.failures`' business, which this room asks. No clock, no socket, no framework.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from g4f_integrations._lazy import lazy_names
from g4f_integrations.core.cleaning._ai_settings import AICleaning, Complete
from g4f_integrations.core.cleaning._results import Cleaned, Removed
from g4f_integrations.core.cleaning._rules import CATEGORIES, Category, Example, Rule
from g4f_integrations.core.cleaning._stream import CleaningStream, is_advert_event
from g4f_integrations.core.cleaning.settings import Cleaning

if TYPE_CHECKING:
    from g4f_integrations.core.cleaning._ai_stream import AICleaningStream
    from g4f_integrations.core.cleaning._explain import Explained, Explanation, Refused
    from g4f_integrations.core.cleaning._memory import RepeatedParagraphs, Suggestion

_HOMES = {
    "AICleaningStream": "_ai_stream",
    "Explained": "_explain",
    "Explanation": "_explain",
    "Refused": "_explain",
    "RepeatedParagraphs": "_memory",
    "Suggestion": "_memory",
}  # what few ask for is loaded when it is asked for

__all__ = [
    "CATEGORIES",
    "AICleaning",
    "AICleaningStream",
    "Category",
    "Cleaned",
    "Cleaning",
    "CleaningStream",
    "Complete",
    "Example",
    "Explained",
    "Explanation",
    "Refused",
    "Removed",
    "RepeatedParagraphs",
    "Rule",
    "Suggestion",
    "is_advert_event",
]


__getattr__, __dir__ = lazy_names(__name__, _HOMES)
