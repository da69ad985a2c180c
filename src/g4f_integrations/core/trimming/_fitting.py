"""A conversation made to fit a route's whole budget: tokens, characters and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from g4f_integrations.core.tokens import Counter, OwnCounter, counter_for, counter_from
from g4f_integrations.core.trimming._budgets import Budget
from g4f_integrations.core.trimming._planning import TrimPlan, plan_trim
from g4f_integrations.core.trimming._report import Trimmed
from g4f_integrations.core.trimming._summaries import SummaryRequest
from g4f_integrations.core.trimming.settings import Message, Trimming

_NO_LIMIT = 1 << 60
_SHORT = 512  # messages that are worth looking at for a bound; of more, counting from the end is quicker
_LONGEST_TOKEN = 4  # UTF-8 bytes of a character: no vocabulary makes more than one token of a byte
_FRAME = 64  # tokens around a message's texts and ids at the most


def surely_fits(messages: Sequence[Message], budget: Budget, tools: Sequence[Mapping[str, Any]] | None = None) -> bool:
    """Whether a short conversation of texts fits, by a bound that needs no vocabulary; false says nothing.

    Args:
        messages: The conversation.
        budget: What it may take.
        tools: Tools that are sent along; with any, nothing is sure.
    """
    if budget.is_open:
        return True
    if tools or len(messages) > _SHORT or (budget.messages is not None and len(messages) > budget.messages):
        return False
    tokens = characters = 0
    for message in messages:
        content = message.get("content")
        if type(content) is not str or "tool_calls" in message or "function_call" in message:
            return False
        characters += len(content)
        tokens += _FRAME + (len(content) if content.isascii() else _LONGEST_TOKEN * len(content))
    # Some families count half as much again as the vocabulary that we have.
    fits = budget.tokens is None or 1.5 * tokens <= budget.tokens
    return fits and (budget.characters is None or characters + _FRAME * len(messages) <= budget.characters)


@dataclass(slots=True)
class FitPlan:
    """How a conversation will fit a budget; made by `plan_fit`."""

    _plan: TrimPlan
    _budget: Budget
    _settings: Trimming
    _counter: Counter
    _tools: Sequence[Mapping[str, Any]] | None

    @property
    def summary(self) -> SummaryRequest | None:
        """What to ask a summariser for, ``None`` when no new summary is needed."""
        return self._plan.summary

    def apply(self, summary: str | None = None) -> Trimmed:
        """The conversation that fits.

        Args:
            summary: The text that `summary` asks for; without it, what is left out is only left out.

        Raises:
            ContextLengthError: What has to stay has more characters than the route takes, and cannot be cut.
        """
        first = self._plan.apply(summary)
        budget, told = self._budget, first.report
        if told.changed and (budget.tokens is None or told.tokens_before <= budget.tokens):
            # Not for its tokens, then.
            limit, source = budget.messages, "learned (messages)"
            if limit is None:
                limit, source = self._settings.keep_last, "settings (messages)"
            if limit is not None:
                first = Trimmed(first.messages, replace(told, limit=limit, limit_source=source))
        most = budget.characters
        if most is None:
            return first
        alone = self._settings.model_copy(update={"max_tokens": None, "summarize": None, "score": None})
        second = plan_trim(first.messages, most, counter=len, tools=self._tools, settings=alone).apply()
        if not second.report.changed:
            return first
        after = self._counter.messages(second.messages) + self._counter.tools(self._tools)
        report = replace(
            first.report,
            messages_removed=first.report.messages_removed + second.report.messages_removed,
            messages_cut=first.report.messages_cut + second.report.messages_cut,
            tokens_after=after,
            limit=most,
            limit_source=f"{budget.characters_source} (characters)",
        )
        return Trimmed(second.messages, report)


def plan_fit(
    messages: Sequence[Message],
    budget: Budget,
    *,
    settings: Trimming,
    tools: Sequence[Mapping[str, Any]] | None = None,
    counter: OwnCounter | Counter | None = None,
    model: str = "auto",
    scores: Sequence[float] | None = None,
) -> FitPlan:
    """Plan how `messages` are made to fit a route's budget; nothing is changed, and no summariser is called.

    Args:
        messages: The conversation in OpenAI wire form.
        budget: What it may take.
        settings: What may be left out.
        tools: Tools in OpenAI's form, which are sent along.
        counter: The user's own way of counting.
        model: Model whose vocabulary counts, where no counter is given.
        scores: What each message is worth; needed only where ``settings.score`` is async.

    Raises:
        ContextLengthError: See `plan_trim`.
    """
    counts = counter_for(model) if counter is None else counter_from(counter, model)
    plan = plan_trim(
        messages,
        _NO_LIMIT if budget.tokens is None else budget.tokens,
        counter=counts,
        tools=tools,
        settings=settings,
        max_messages=budget.messages,
        limit_source=budget.source,
        scores=scores,
    )
    return FitPlan(plan, budget, settings, counts, tools)
