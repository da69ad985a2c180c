"""Making a conversation fit a route's window, so that no route refuses it for its length.

`trim` is the whole of it for one limit. `plan_trim` is its pure part, for callers that make the summary themselves.
No clock, no socket; the only state is a bounded cache of counts and summaries.
"""

from __future__ import annotations

from g4f_integrations.core.trimming._blocks import SYSTEM
from g4f_integrations.core.trimming._budgets import (
    Budget,
    KnownLimits,
    allowed_output,
    budget_for,
    budget_of,
    larger_first,
    order_by_room,
    requested_output,
)
from g4f_integrations.core.trimming._fitting import FitPlan, plan_fit, surely_fits
from g4f_integrations.core.trimming._history import Complete, atrim, trim
from g4f_integrations.core.trimming._learning import (
    WINDOW_FULL,
    RouteLimits,
    Shrinking,
    Size,
    characters_in,
    exceeds,
    size_of,
    window_was_full,
)
from g4f_integrations.core.trimming._planning import TrimPlan, plan_trim, to_score
from g4f_integrations.core.trimming._refusals import Overflow, read_overflow
from g4f_integrations.core.trimming._report import Report, Trimmed
from g4f_integrations.core.trimming._summaries import SUMMARIES, SummaryRequest
from g4f_integrations.core.trimming._windows import known_limits, limits_by_model, limits_in_list
from g4f_integrations.core.trimming.settings import Trimming, is_async

__all__ = [
    "SUMMARIES",
    "SYSTEM",
    "WINDOW_FULL",
    "Budget",
    "Complete",
    "FitPlan",
    "KnownLimits",
    "Overflow",
    "Report",
    "RouteLimits",
    "Shrinking",
    "Size",
    "SummaryRequest",
    "TrimPlan",
    "Trimmed",
    "Trimming",
    "allowed_output",
    "atrim",
    "budget_for",
    "budget_of",
    "characters_in",
    "exceeds",
    "is_async",
    "known_limits",
    "larger_first",
    "limits_by_model",
    "limits_in_list",
    "order_by_room",
    "plan_fit",
    "plan_trim",
    "read_overflow",
    "requested_output",
    "size_of",
    "surely_fits",
    "to_score",
    "trim",
    "window_was_full",
]
