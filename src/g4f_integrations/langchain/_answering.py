"""How `ChatG4F` answers: a call made ready, the engine's events, and LangChain's results and chunks of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import aclosing, closing
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult, GenerationChunk

from g4f_integrations.core.events import AnswerInfo, Batch, Event, Retrying
from g4f_integrations.core.loop import iterate_blocking, run_blocking
from g4f_integrations.core.settings.calls import Call, load_engine
from g4f_integrations.errors import IntegrationError
from g4f_integrations.langchain._calls import prepare_call
from g4f_integrations.langchain._chunks import ChunkBuilder, build_result
from g4f_integrations.langchain._errors import as_model_error
from g4f_integrations.langchain._events import atell, tell

if TYPE_CHECKING:
    from g4f_integrations.langchain.chat_models import ChatG4F
    from g4f_integrations.langchain.llms import G4F

C = TypeVar("C", ChatGenerationChunk, GenerationChunk)


def generate(
    model: ChatG4F | G4F,
    messages: list[BaseMessage],
    stop: list[str] | None,
    run_manager: CallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> ChatResult:
    """The answer of `model`, whole, for a caller that waits in its thread."""
    try:
        call = prepare_call(model, messages, stop, arguments, stream=False)
        if run_manager is None or not run_manager.handlers:
            # One hop between the threads instead of several.
            complete = call.complete if "n" not in call.request.params else partial(_complete_several, call)
            return build_result(run_blocking(complete), call.dropped)
        events: list[Event] = []
        with closing(iterate_blocking(call.batches)) as batches:
            for batch in batches:
                events += batch
                if type(batch[0]) is Retrying:
                    for event in batch:
                        if type(event) is Retrying:
                            tell(event, run_manager)
        if "n" in call.request.params:
            whole = events
            events = run_blocking(lambda: _complete_choices(call, whole))
        tell(events[-1], run_manager)
    except IntegrationError as error:
        raise as_model_error(error) from error.__cause__
    return build_result(events, call.dropped)


async def agenerate(
    model: ChatG4F | G4F,
    messages: list[BaseMessage],
    stop: list[str] | None,
    run_manager: AsyncCallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> ChatResult:
    """The answer of `model`, whole, in the caller's event loop."""
    try:
        call = prepare_call(model, messages, stop, arguments, stream=False)
        if run_manager is None or not run_manager.handlers:
            several = "n" in call.request.params
            return build_result(await (_complete_several(call) if several else call.complete()), call.dropped)

        async def on_retry(event: Retrying) -> None:
            await atell(event, run_manager)

        answer = await _complete_several(call, on_retry)
        await atell(answer[-1], run_manager)
        return build_result(answer, call.dropped)
    except IntegrationError as error:
        raise as_model_error(error) from error.__cause__


async def _complete_several(call: Call, on_retry: Callable[[Retrying], Awaitable[None]] | None = None) -> Batch:
    """All events of a blocking answer, with as many choices as were asked for."""
    events = await call.complete(on_retry)
    return events if "n" not in call.request.params else await _complete_choices(call, events)


def _complete_choices(call: Call, events: Batch) -> Coroutine[Any, Any, Batch]:
    from g4f_integrations.core.settings.several import complete_choices  # few calls want several answers

    return complete_choices(call, events)


Prepared: TypeAlias = Callable[[], tuple[Call, Callable[[Event], C | None]]]
"""Makes a call ready, and what turns its events into chunks; called with the first look at the stream."""


def stream(
    model: ChatG4F,
    messages: list[BaseMessage],
    stop: list[str] | None,
    run_manager: CallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> Iterator[ChatGenerationChunk]:
    """The answer of `model`, piece by piece, converted in the consumer's thread."""
    return stream_chunks(lambda: _prepared(model, messages, stop, arguments), run_manager)


def astream(
    model: ChatG4F,
    messages: list[BaseMessage],
    stop: list[str] | None,
    run_manager: AsyncCallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> AsyncIterator[ChatGenerationChunk]:
    """The answer of `model`, piece by piece, in the caller's event loop."""
    return astream_chunks(lambda: _prepared(model, messages, stop, arguments), run_manager)


def stream_chunks(prepare: Prepared[C], run_manager: CallbackManagerForLLMRun | None) -> Iterator[C]:
    """The chunks of a call, converted in the consumer's thread.

    Args:
        prepare: Makes the call ready.
        run_manager: Is told of every chunk, and of every further attempt.
    """
    try:
        call, feed = prepare()
        with closing(iterate_blocking(call.batches)) as batches:
            for batch in batches:
                for event in batch:
                    chunk = feed(event)
                    if chunk is not None:
                        if run_manager is not None:
                            run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
                    elif type(event) is Retrying:
                        tell(event, run_manager)
                if type(batch[-1]) is AnswerInfo:
                    tell(batch[-1], run_manager)
    except IntegrationError as error:
        raise as_model_error(error) from error.__cause__


async def astream_chunks(prepare: Prepared[C], run_manager: AsyncCallbackManagerForLLMRun | None) -> AsyncIterator[C]:
    """The chunks of a call, in the caller's event loop; see `stream_chunks`."""
    try:
        call, feed = prepare()
        await load_engine()
        async with aclosing(call.batches()) as batches:
            async for batch in batches:
                for event in batch:
                    chunk = feed(event)
                    if chunk is not None:
                        if run_manager is not None:
                            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
                    elif type(event) is Retrying:
                        await atell(event, run_manager)
                if type(batch[-1]) is AnswerInfo:
                    await atell(batch[-1], run_manager)
    except IntegrationError as error:
        raise as_model_error(error) from error.__cause__


def _prepared(
    model: ChatG4F, messages: list[BaseMessage], stop: list[str] | None, arguments: dict[str, Any]
) -> tuple[Call, Callable[[Event], ChatGenerationChunk | None]]:
    call = prepare_call(model, messages, stop, arguments, stream=True)
    usage = call.own.get("stream_usage", model.stream_usage)
    if not usage and "stream_options" not in call.request.params:  # a server that fails at it is spared, too
        params = {**call.request.params, "stream_options": None}
        call = call._replace(request=call.request.replacing(params=params))
    return call, ChunkBuilder(usage=usage, output_version=model.output_version, dropped=call.dropped).feed
