"""Making a conversation fit a route's window, so that no route refuses it for its length.

`trim` is the whole of it for one limit. `plan_trim` is its pure part, for callers that make the summary themselves.
No clock, no socket; the only state is a bounded cache of counts and summaries.
"""

from __future__ import annotations

from g4f_integrations.core.trimming._history import Complete, atrim, trim
from g4f_integrations.core.trimming._planning import TrimPlan, plan_trim
from g4f_integrations.core.trimming._report import Report, Trimmed
from g4f_integrations.core.trimming._summaries import SUMMARIES, SummaryRequest
from g4f_integrations.core.trimming.settings import Trimming

__all__ = [
    "SUMMARIES",
    "Complete",
    "Report",
    "SummaryRequest",
    "TrimPlan",
    "Trimmed",
    "Trimming",
    "atrim",
    "plan_trim",
    "trim",
]
