"""What LangChain's callbacks hear of a call on its way: retries, and custom events.

Custom events belong to a run. That is the model's own where LangChain hands it to us; its streams it keeps for itself,
so there it is the run that encloses the call, a chain's or a node's. Where there is none, nothing is dispatched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.callbacks.manager import ahandle_event, handle_event
from langchain_core.runnables import ensure_config
from langchain_core.runnables.config import get_callback_manager_for_config

from g4f_integrations.core.events import AnswerInfo, Event, Retrying

RETRY, RESUME, TRIM, CLEAN = "g4f_retry", "g4f_resume", "g4f_trim", "g4f_clean"
_METHOD = ("on_custom_event", "ignore_custom_event")


def tell(event: Event, run_manager: CallbackManagerForLLMRun | None) -> None:
    """Tell the handlers of a run of `event`.

    Args:
        event: `Retrying` and `AnswerInfo` are worth telling of.
        run_manager: Of the model's own run, if LangChain has handed it to us.
    """
    if isinstance(event, Retrying) and run_manager is not None:
        run_manager.on_retry(event.state)
    for name, data in _custom(event):
        if run_manager is not None:
            handle_event(run_manager.handlers, *_METHOD, name, data, **_of_run(run_manager))
        elif _is_inside_a_run():
            dispatch_custom_event(name, data)


async def atell(event: Event, run_manager: AsyncCallbackManagerForLLMRun | None) -> None:
    """`tell` for a run whose handlers are awaited."""
    if isinstance(event, Retrying) and run_manager is not None:
        await run_manager.on_retry(event.state)
    for name, data in _custom(event):
        if run_manager is not None:
            await ahandle_event(run_manager.handlers, *_METHOD, name, data, **_of_run(run_manager))
        elif _is_inside_a_run():
            await adispatch_custom_event(name, data)


def _is_inside_a_run() -> bool:
    return get_callback_manager_for_config(ensure_config()).parent_run_id is not None


def _of_run(run_manager: Any) -> dict[str, Any]:
    return {"run_id": run_manager.run_id, "tags": run_manager.tags, "metadata": run_manager.metadata}


def _custom(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and data of the custom events that `event` is worth."""
    if isinstance(event, Retrying):
        data = {**event.attempt.to_dict(), "number": event.state.attempt_number, "wait": event.state.upcoming_sleep}
        yield (RESUME if event.resumes else RETRY), data
    elif isinstance(event, AnswerInfo):
        if event.trimmed:
            yield TRIM, dict(event.trimmed)
        if event.cleaned:
            yield CLEAN, {"cleaned": [dict(one) for one in event.cleaned]}
