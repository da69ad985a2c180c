"""The last events of an answer: usage, finish reasons, and the account of how it came to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.call_state import Partial
from g4f_integrations.core.events import AnswerInfo, Attempt, Batch, Finish, Usage
from g4f_integrations.core.tokens import estimate_conversation_tokens, estimate_tokens


def closing_events(
    run: AttemptRun,
    attempts: Sequence[Attempt],
    cleaned: Sequence[dict[str, Any]],
    side_calls: Sequence[dict[str, Any]],
    suggested: Sequence[dict[str, Any]] = (),
    *,
    partial: Partial | None = None,
) -> Batch:
    """Usage, a finish reason for each choice, and the metadata.

    Args:
        run: The attempt that brought the answer.
        attempts: All attempts of the call, in order.
        cleaned: What was cleaned out of earlier answers in the conversation.
        side_calls: Calls made on behalf of this one.
        suggested: What the route repeats and no rule of cleaning knows.
        partial: What earlier attempts have brought of the answer, if it was carried on.
    """
    candidate, made, notes = run.candidate, run.answer, run.notes
    info, usage, is_estimated = made.info, made.usage or _estimate(run), made.usage is None
    removed, sources = made.removed, made.sources
    if partial is not None:
        usage, is_estimated = added_usage(partial.usage, usage), is_estimated or partial.is_estimated
        removed, sources = [*partial.removed, *removed], [*partial.sources, *sources]
    events: Batch = [usage]
    for choice in made.choices:
        events.append(Finish(made.finish_reason(choice), choice))
    events.append(
        AnswerInfo(
            provider=info.provider or candidate.name,
            model=info.model or candidate.model,
            attempts=tuple(attempts),
            tools=notes.tools,
            structured=notes.structured,
            trimmed=notes.trimmed,
            cleaned=[*cleaned, *([one.to_dict() for one in removed] if removed else ()), *suggested],
            dropped=sorted(set(notes.dropped)) if notes.dropped else [],
            lowered=notes.lowered,
            flattened=notes.flattened,
            sources=sources,
            resumed=0 if partial is None else partial.resumed,
            usage_estimated=is_estimated,
            side_calls=[*side_calls],
            suspect=made.suspect,
            response_id=info.id,
            headers=info.headers,
            extra=info.extra,
        )
    )
    return events


def usage_of(run: AttemptRun) -> Usage:
    """What an attempt has cost: as the route told it, else by estimate."""
    return _estimate(run) if run.answer.usage is None else run.answer.usage


def added_usage(one: Usage, other: Usage) -> Usage:
    """What two attempts have cost together."""
    details = {name: one.details.get(name, 0) + count for name, count in other.details.items()}
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.total_tokens + other.total_tokens,
        {**one.details, **details},
    )


def _estimate(run: AttemptRun) -> Usage:
    # By rule, not by a vocabulary: loading one takes half a second, and the figure is marked as an estimate anyhow.
    given = estimate_conversation_tokens(run.messages)
    made = 0
    for text in run.answer.texts:
        made += estimate_tokens(text)
    for call in run.answer.calls:
        made += estimate_tokens(f"{call.name}{call.arguments}")
    return Usage(given, made, given + made)
