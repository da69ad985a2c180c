"""One call's conversation, made to fit each route that it goes to, and what routes teach of their limits thereby."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from g4f_integrations.core.announced import announced, listen
from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.counting import NO_LIMIT, Counting
from g4f_integrations.core.events import Usage
from g4f_integrations.core.failures import Failure
from g4f_integrations.core.health import HealthStore
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.request import Message, Request
from g4f_integrations.core.tokens import Counter
from g4f_integrations.core.trimming import (
    SYSTEM,
    WINDOW_FULL,
    Budget,
    FitPlan,
    KnownLimits,
    RouteLimits,
    Shrinking,
    Size,
    SummaryRequest,
    Trimming,
    allowed_output,
    budget_of,
    characters_in,
    exceeds,
    is_async,
    known_limits,
    order_by_room,
    plan_fit,
    requested_output,
    size_of,
    surely_fits,
    to_score,
    window_was_full,
)
from g4f_integrations.core.trimming import Trimmed as FittedMessages

logger = call_logger("trimming")

Complete = Callable[[SummaryRequest], Awaitable[str | None]]
InItsTerms = Callable[[Sequence[Message]], Request]
"""A conversation, as a route is asked with it: tools and formats in words, where it takes none."""

_LONG_TEXT = 8_000  # characters for which it matters what an endpoint tells of its windows
_OUTPUT_NAMES = ("max_completion_tokens", "max_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A request that fits one route.

    Attributes:
        request: The request.
        trimmed: What was left out of the conversation, for the metadata; ``None`` if nothing was.
        lowered: The ``max_tokens`` that took the place of the call's own, by its name.
    """

    request: Request
    trimmed: dict[str, Any] | None
    lowered: dict[str, int]


class Fitting:
    """Makes the conversation of one call fit.

    Args:
        request: The call's request, with its settings for trimming.
        settings: These.
        store: Keeps what routes have taught.
        complete: Asks a model for a summary.
    """

    def __init__(self, request: Request, settings: Trimming, store: HealthStore, complete: Complete) -> None:
        self._request = request
        self._settings = settings
        self._store = store
        self._complete = complete
        # By route, with what it had taught by then, and with the budget that it is true of.
        self._budgets: dict[RouteKey, tuple[RouteLimits | None, Budget]] = {}
        self._known: dict[RouteKey, KnownLimits] = {}
        self._care: dict[RouteKey, tuple[Budget, bool]] = {}
        self._shrinking: dict[RouteKey, Shrinking] = {}
        # What fits a budget fits every route that has the same.
        self._fits: dict[tuple[Budget, Counter, bool], FittedMessages] = {}
        self._counting = Counting(request, settings)
        self._asked_output = requested_output(request.params) if request.params else None
        self._has_old_turns = settings.strategy == "last" and _turns(request.messages) > (settings.keep_last or 0)

    def learned(self, candidate: Candidate) -> RouteLimits | None:
        """What the route has taught so far."""
        limits: RouteLimits | None = self._store.view(candidate.key).limits
        return limits

    def budget(self, candidate: Candidate) -> Budget:
        """What the request may take on a route, by all that is known of it."""
        learned = self.learned(candidate)
        known = self._budgets.get(candidate.key)
        if known is not None and known[0] is learned:
            return known[1]
        budget = self._budget(candidate, learned)
        self._budgets[candidate.key] = learned, budget
        return budget

    def _budget(self, candidate: Candidate, learned: RouteLimits | None) -> Budget:
        route, settings, request = candidate.route, self._settings, self._request
        told = KnownLimits(route.context_window or request.context_window, route.max_output_tokens, source="route")
        known = told.over(announced(candidate)).over(known_limits(candidate.name, candidate.model))
        self._known[candidate.key] = known
        return budget_of(known, learned, settings, request.params)

    def needs_care(self, candidate: Candidate) -> bool:
        """Whether the conversation, or the answer that is asked for, might not fit a route as it is."""
        budget = self.budget(candidate)
        known = self._care.get(candidate.key)
        if known is None or known[0] is not budget:
            fits = budget.is_open or (
                self._request.counter is None and surely_fits(self._request.messages, budget, self._request.tools)
            )
            care = not fits or self._has_old_turns or self._asks_for_much(candidate)
            known = self._care[candidate.key] = budget, care
        return known[1]

    def _asks_for_much(self, candidate: Candidate) -> bool:
        """Whether the call's own ``max_tokens`` may be more than the route can write, or than the window has left."""
        asked, known = self._asked_output, self._known[candidate.key]
        if asked is None or self._settings.strategy == "none":
            return False
        # The budget leaves half of the window to the answer at the most.
        return (known.max_output is not None and asked > known.max_output) or (
            known.window is not None and 2 * asked > known.window
        )

    async def ordered(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """The candidates with those first that have room for the whole conversation, then the largest windows."""
        if exceeds(self._request.messages, _LONG_TEXT):
            await listen(candidate for candidate in candidates if self._is_untold(candidate))
        if len(candidates) < 2 or not any(map(self.needs_care, candidates)):
            return candidates
        # More than the largest of them takes need not be counted: it tells them apart as the whole would.
        budgets = map(self.budget, candidates)
        most = max(limit for budget in budgets for limit in (budget.tokens, budget.characters, 0) if limit is not None)
        needed, messages = await self._counting.tokens_up_to(candidates[0], most), self._request.messages

        def room(candidate: Candidate) -> int | None:
            budget = self.budget(candidate)
            if budget.messages is not None and len(messages) > budget.messages:
                return 0
            if budget.characters is not None and exceeds(messages, budget.characters):
                return min(budget.tokens or budget.characters, needed - 1)
            return budget.tokens

        return order_by_room(candidates, room, needed)

    def _is_untold(self, candidate: Candidate) -> bool:
        return candidate.provider is None and not (candidate.route.context_window or self._request.context_window)

    async def fitted(self, candidate: Candidate, in_its_terms: InItsTerms | None = None) -> Fitted | None:
        """The request for a route, and what was done to it; ``None`` if it goes as it is.

        Args:
            candidate: The route.
            in_its_terms: What the conversation becomes there, if more than itself and the schemas of its tools.

        Raises:
            ContextLengthError: It cannot be made to fit, or must not.
        """
        if not self.needs_care(candidate):
            return None
        trimmed = await self._trimmed(candidate, in_its_terms)
        request = self._request if trimmed is None else self._request.replacing(messages=trimmed.messages)
        lowered: dict[str, int] = {}
        if self._asks_for_much(candidate):
            lowered = await self._lowered(candidate, request.messages)
            request = request.replacing(params={**request.params, **lowered})
        if trimmed is None and not lowered:
            return None
        return Fitted(request, None if trimmed is None else trimmed.report.to_dict(), lowered)

    async def _lowered(self, candidate: Candidate, messages: Sequence[Message]) -> dict[str, int]:
        """The ``max_tokens`` to send, by its name, if the call's own would be refused."""
        size = await self._counting.size(candidate, messages)
        params = self._request.params
        allowed = allowed_output(self._known[candidate.key], self.learned(candidate), params, size.tokens)
        return {} if allowed is None else {name: allowed for name in _OUTPUT_NAMES if name in params}

    async def _trimmed(self, candidate: Candidate, in_its_terms: InItsTerms | None) -> FittedMessages | None:
        budget = self.budget(candidate)
        if in_its_terms is None:
            return await self._planned(candidate, budget, self._request.tools)
        asking: Sequence[Message] = [{"role": "user", "content": ""}]
        size: Size = await self._counting.off_loop(self._measure_told, candidate, in_its_terms, asking)
        left = budget.less(size.tokens)
        trimmed = await self._planned(candidate, left, ())
        if budget.tokens is None or budget.is_open:
            return trimmed
        # Calls and results take more in words than they do as messages.
        messages = self._request.messages if trimmed is None else trimmed.messages
        size = await self._counting.off_loop(self._measure_told, candidate, in_its_terms, messages)
        if size.tokens <= budget.tokens:
            return trimmed
        return await self._planned(candidate, left.less(size.tokens - budget.tokens), ())

    async def _planned(
        self, candidate: Candidate, budget: Budget, tools: Sequence[Mapping[str, Any]]
    ) -> FittedMessages | None:
        counter = self._counting.counter(candidate)
        key = budget, counter, bool(tools)
        trimmed = self._fits.get(key)
        if trimmed is None:
            scores = await self._scores()
            messages, most = list(self._request.messages), NO_LIMIT if budget.tokens is None else budget.tokens
            plan, trimmed = await self._counting.counted(
                counter, messages, most, self._plan, messages, budget, counter, tools, scores
            )
            if trimmed is None:
                summary = None if plan.summary is None else await self._summary(plan.summary)
                trimmed = await self._counting.off_loop(plan.apply, summary)
            self._fits[key] = trimmed
        if not trimmed.report.changed:
            return None
        logger.info("%s: %s", candidate.label, trimmed.report)
        return trimmed

    def _plan(
        self,
        messages: list[Message],
        budget: Budget,
        counter: Counter,
        tools: Sequence[Mapping[str, Any]],
        scores: Sequence[float] | None,
    ) -> tuple[FitPlan, FittedMessages | None]:
        """How the messages are made to fit, and what comes of it where no summary has to be made first."""
        plan = plan_fit(messages, budget, settings=self._settings, tools=tools, counter=counter, scores=scores)
        return plan, plan.apply() if plan.summary is None else None

    async def _scores(self) -> Sequence[float] | None:
        """What each message is worth, where telling it has to be awaited."""
        score = self._settings.score
        if score is None or not is_async(score):
            return None
        told: list[Any] = [await score(message) for message in self._request.messages]  # type: ignore[misc]  # it is async
        return list(map(to_score, told))

    async def _summary(self, wanted: SummaryRequest) -> str | None:
        how = self._settings.summarize
        try:
            if not callable(how):
                return await self._complete(wanted)
            told: Any = await self._counting.off_loop(how, wanted.conversation())
            if inspect.isawaitable(told):  # also of an object, or of a function that calls an async one
                told = await told
        except Exception as error:
            # A summary is a courtesy: without it the conversation still fits.
            logger.warning("no summary could be made: %s: %s", type(error).__name__, error)
            return None
        return told if isinstance(told, str) else None

    def _measure_told(self, candidate: Candidate, in_its_terms: InItsTerms, messages: Sequence[Message]) -> Size:
        told = in_its_terms(messages)
        return size_of(told.messages, told.tools, self._counting.counter(candidate))

    # What routes teach -------------------------------------------------------------------------------------------

    async def refused(self, candidate: Candidate, failure: Failure, messages: Sequence[Message]) -> bool:
        """Learn from a failed attempt; whether the same route should be asked again, with what fits it better.

        Args:
            candidate: The route.
            failure: How it failed.
            messages: What was sent.
        """
        if not self._settings.learn_limits or self._settings.strategy == "none":
            return False
        sent = await self._counting.size(candidate, messages)
        shrinking = self._shrinking.setdefault(candidate.key, Shrinking())
        known = self.learned(candidate)
        reserved = requested_output(self._request.params) or 0
        learned, again = shrinking.refused(failure, sent, known, reserved)
        if learned != (known or RouteLimits()):
            self._store.learn(candidate.key, learned)
        return again

    def answered(self, candidate: Candidate, messages: Sequence[Message], reason: str, usage: Usage | None) -> None:
        """Learn from an answer of a route of which something was learned, or whose window may have been full.

        Args:
            candidate: The route.
            messages: What was sent.
            reason: The finish reason.
            usage: As the route told it, if it did.
        """
        if not self._settings.learn_limits or self._settings.strategy == "none":
            return
        known = self.learned(candidate)
        is_full = reason in WINDOW_FULL and usage is not None
        if self.budget(candidate).is_open and not is_full:
            limits = known or RouteLimits()
            new = limits.after_long_answer(characters_in(messages))
            if new is not limits:
                self._store.learn(candidate.key, new)
            return
        if known is not None and known.refused is not None:
            new = known.after_answer(size_of(messages, self._request.tools, self._counting.counter(candidate)).tokens)
            if new is not known:
                self._store.learn(candidate.key, new)
                known = new
        if usage is None or reason == "stop":
            return
        told = self._known[candidate.key].window
        window = min((size for size in (told, known and known.window) if size), default=None)
        if window_was_full(
            reason,
            total_tokens=usage.total_tokens,
            output_tokens=usage.output_tokens,
            asked=requested_output(self._request.params),
            window=window,
        ):
            logger.info("%s filled its window, %d tokens: its answer is cut", candidate.label, usage.total_tokens)
            if usage.total_tokens > 0:
                self._store.learn(candidate.key, (known or RouteLimits()).after_full(usage.total_tokens))


def _turns(messages: Sequence[Message]) -> int:
    return sum(message.get("role") not in SYSTEM for message in messages)
