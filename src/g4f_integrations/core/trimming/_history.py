"""`trim` and `atrim`: a conversation in, one that fits out."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.tokens import Counter, OwnCounter
from g4f_integrations.core.trimming._planning import TrimPlan, plan_trim, to_score
from g4f_integrations.core.trimming._report import Trimmed
from g4f_integrations.core.trimming._summaries import SummaryRequest
from g4f_integrations.core.trimming.settings import Trimming, is_async
from g4f_integrations.errors import ConfigurationError

logger = call_logger("trimming")

_DEFAULTS = Trimming()
Complete = Callable[[SummaryRequest], Awaitable[str | None]]
"""Makes a summary; the engine gives one that asks the model."""


def trim(
    messages: list[dict[str, Any]],
    max_tokens: int,
    *,
    counter: OwnCounter | Counter | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    settings: Trimming = _DEFAULTS,
    model: str = "auto",
    max_messages: int | None = None,
    limit_source: str = "given",
) -> Trimmed:
    """Make a conversation fit into `max_tokens`, by leaving out what the user will miss least.

    System and developer messages, the user's newest message and the newest block (a tool call with its results) stay;
    before them stays as much of the newest as fits. What has to stay and is too long is cut in its middle. Nothing that
    was given is changed.

    Args:
        messages: The conversation in OpenAI wire form.
        max_tokens: What messages and tool schemas may count together.
        counter: The user's own way of counting: a function of a text, or of a message. With `len` the limit is one of
            characters.
        tools: Tools in OpenAI's form, which are sent along and count as well.
        settings: What may be left out.
        model: Model whose vocabulary counts, where no counter is given.
        max_messages: Messages at the most, where a route limits their number.
        limit_source: Who says so, for the report.

    Returns:
        The same list if it fits; else a new one, and a report of what was done.

    Raises:
        ContextLengthError: What has to stay does not fit, and cannot be cut; the message says which message it is. Or
            it is too long and ``settings.on_overflow`` is ``"raise"``.
        ConfigurationError: The settings name something that has to be awaited; `atrim` does that.

    Example:
        >>> talk = [{"role": "user", "content": f"Question {i}: why?"} for i in range(100)]
        >>> trimmed = trim(talk, 100)
        >>> len(trimmed.messages), trimmed.messages[-1]["content"], trimmed.report.messages_removed
        (10, 'Question 99: why?', 90)
    """
    if settings.score is not None and is_async(settings.score):
        problem = "Trimming.score is async: await atrim() instead of trim()"
        raise ConfigurationError(problem)
    plan = plan_trim(
        messages,
        max_tokens,
        counter=counter,
        tools=tools,
        settings=settings,
        model=model,
        max_messages=max_messages,
        limit_source=limit_source,
    )
    return plan.apply(_summary_now(plan, settings))


async def atrim(
    messages: list[dict[str, Any]],
    max_tokens: int,
    *,
    counter: OwnCounter | Counter | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    settings: Trimming = _DEFAULTS,
    model: str = "auto",
    max_messages: int | None = None,
    limit_source: str = "given",
    complete: Complete | None = None,
) -> Trimmed:
    """The same, with async scorers and summarisers. Sync ones are called as they are, in this thread.

    Args:
        messages: See `trim`.
        max_tokens: See `trim`.
        counter: See `trim`.
        tools: See `trim`.
        settings: See `trim`.
        model: See `trim`.
        max_messages: See `trim`.
        limit_source: See `trim`.
        complete: Makes the summary where ``settings.summarize`` is true.

    Returns:
        See `trim`.

    Raises:
        ContextLengthError: See `trim`.
    """
    scores = None
    if settings.score is not None:
        scores = []
        for message in messages:
            told: Any = settings.score(message)
            scores.append(to_score(await told if isinstance(told, Awaitable) else told))
    plan = plan_trim(
        messages,
        max_tokens,
        counter=counter,
        tools=tools,
        settings=settings,
        model=model,
        max_messages=max_messages,
        limit_source=limit_source,
        scores=scores,
    )
    return plan.apply(None if plan.summary is None else await _summary(plan.summary, settings, complete))


async def _summary(request: SummaryRequest, settings: Trimming, complete: Complete | None) -> str | None:
    how = settings.summarize
    try:
        if callable(how):
            answer = how(request.conversation())
            return await answer if isinstance(answer, Awaitable) else answer
        return None if complete is None else await complete(request)
    except Exception as error:
        # A summary is a courtesy: without it the conversation still fits.
        logger.warning("no summary could be made: %s: %s", type(error).__name__, error)
        return None


def _summary_now(plan: TrimPlan, settings: Trimming) -> str | None:
    how = settings.summarize
    if plan.summary is None or not callable(how):
        return None
    if is_async(how):
        problem = "Trimming.summarize is async: await atrim() instead of trim()"
        raise ConfigurationError(problem)
    try:
        answer = how(plan.summary.conversation())
    except Exception as error:
        logger.warning("no summary could be made: %s: %s", type(error).__name__, error)
        return None
    if isinstance(answer, str):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    problem = "Trimming.summarize returned no text: await atrim() instead of trim() if it is async"
    raise ConfigurationError(problem)
