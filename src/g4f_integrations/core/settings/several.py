"""Several answers to one question (``n > 1``), whatever the routes give at a time.

g4f's providers give one answer to a request, and so do endpoints that refuse `n` or pass it over. What is missing is
asked for by further calls, each with attempts and clocks of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from g4f_integrations.core.events import (
    AnswerInfo,
    Batch,
    Finish,
    InvalidToolCall,
    Logprobs,
    Media,
    ReasoningDelta,
    Sources,
    TextDelta,
    ToolCall,
    Usage,
)
from g4f_integrations.core.settings.calls import Call
from g4f_integrations.errors import IntegrationError

_MOST = 128  # answers to one question, as in OpenAI's API
_AT_A_TIME = 4  # calls; more at once, and a free provider refuses them all


async def complete_choices(call: Call, events: Batch) -> Batch:
    """The answers that `call` asks for, as many of them as can be had.

    Args:
        call: What was asked, and is asked again without its `n`.
        events: All events of the engine's own answer to it. It comes first, and its metadata are those of the whole:
            further calls are told among its ``side_calls``, and one that fails leaves its answer out.

    Returns:
        All events, with the tokens of all answers; `events` themselves where nothing is missing.
    """
    wanted = call.request.params.get("n", 1)
    info = events[-1]
    missing = min(wanted, _MOST) - len(_choices(events)) if isinstance(wanted, int) else 0
    if missing <= 0 or not isinstance(info, AnswerInfo):
        return events
    params = {name: value for name, value in call.request.params.items() if name != "n"}
    single = call._replace(request=call.request.replacing(params=params))
    room = asyncio.Semaphore(_AT_A_TIME)

    async def ask() -> Batch | IntegrationError:
        async with room:
            try:
                return await single.complete()
            except IntegrationError as error:
                return error

    tasks = [asyncio.create_task(ask()) for _ in range(missing)]
    try:
        further = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return _joined(events, info, further)


def _choices(events: Batch) -> set[int]:
    return {0, *(getattr(event, "choice", 0) for event in events)}


def _joined(events: Batch, info: AnswerInfo, further: Sequence[Batch | IntegrationError]) -> Batch:
    joined = [event for event in events[:-1] if not isinstance(event, Usage)]
    usages = [event for event in events if isinstance(event, Usage)]
    told = [*info.side_calls]
    place = max(_choices(events))
    for answer in further:
        told.append(_entry(answer))
        if isinstance(answer, IntegrationError):
            continue
        place += 1
        for event in answer:
            if isinstance(event, Usage):
                usages.append(event)
            elif isinstance(event, AnswerInfo):
                told += event.side_calls
                info.usage_estimated = info.usage_estimated or event.usage_estimated
            elif isinstance(event, TextDelta | ReasoningDelta | ToolCall | InvalidToolCall | Media | Logprobs | Finish):
                joined.append(replace(event, choice=place))
            elif isinstance(event, Sources):
                joined.append(event)
    info.side_calls = told
    if not any(isinstance(answer, IntegrationError) for answer in further):
        info.dropped = [name for name in info.dropped if name != "n"]
    return [*joined, *_summed(usages), info]


def _entry(answer: Batch | IntegrationError) -> dict[str, Any]:
    """What the metadata tell of one further call; see `core.side_calls`."""
    if isinstance(answer, IntegrationError):
        attempts, outcome, provider, model = answer.attempts, answer.kind, None, None
    else:
        (info,) = (event for event in answer if isinstance(event, AnswerInfo))
        attempts, outcome, provider, model = info.attempts, "ok", info.provider, info.model
    return {"purpose": "n", "provider": provider, "model": model, "attempts": len(attempts), "outcome": outcome}


def _summed(usages: Sequence[Usage]) -> list[Usage]:
    if not usages:
        return []
    details: dict[str, int] = {}
    for usage in usages:
        for name, count in usage.details.items():
            details[name] = details.get(name, 0) + count
    return [
        Usage(
            sum(usage.input_tokens for usage in usages),
            sum(usage.output_tokens for usage in usages),
            sum(usage.total_tokens for usage in usages),
            details,
        )
    ]
