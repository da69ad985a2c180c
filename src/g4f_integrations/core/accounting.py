"""The last events of an answer: usage, finish reasons, and the account of how it came to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.events import AnswerInfo, Attempt, Batch, Finish, Usage
from g4f_integrations.core.tokens import estimate_message_tokens, estimate_tokens


def closing_events(
    run: AttemptRun,
    attempts: Sequence[Attempt],
    cleaned: Sequence[dict[str, Any]],
    side_calls: Sequence[dict[str, Any]],
    suggested: Sequence[dict[str, Any]] = (),
) -> Batch:
    """Usage, a finish reason for each choice, and the metadata.

    Args:
        run: The attempt that brought the answer.
        attempts: All attempts of the call, in order.
        cleaned: What was cleaned out of earlier answers in the conversation.
        side_calls: Calls made on behalf of this one.
        suggested: What the route repeats and no rule of cleaning knows.
    """
    candidate, made, notes = run.candidate, run.answer, run.notes
    info, usage = made.info, made.usage
    events: Batch = [_estimate(run) if usage is None else usage]
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
            cleaned=[*cleaned, *(removed.to_dict() for removed in made.removed), *suggested],
            dropped=sorted(set(notes.dropped)) if notes.dropped else [],
            flattened=notes.flattened,
            sources=made.sources,
            usage_estimated=usage is None,
            side_calls=[*side_calls],
            suspect=made.suspect,
            response_id=info.id,
            headers=info.headers,
            extra=info.extra,
        )
    )
    return events


def _estimate(run: AttemptRun) -> Usage:
    # By rule, not by a vocabulary: loading one takes half a second, and the figure is marked as an estimate anyhow.
    given = made = 0
    for message in run.messages:
        given += estimate_message_tokens(message)
    for text in run.answer.texts:
        made += estimate_tokens(text)
    for call in run.answer.calls:
        made += estimate_tokens(f"{call.name}{call.arguments}")
    return Usage(given, made, given + made)
