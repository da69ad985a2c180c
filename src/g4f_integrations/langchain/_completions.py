"""How `G4F` answers: prompts instead of conversations, several of them in one request where a route can do that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatResult, Generation, GenerationChunk, LLMResult

from g4f_integrations.core.events import Event
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.core.settings.calls import Call
from g4f_integrations.errors import ConfigurationError, IntegrationError, InvalidRequestError, ModelNotFoundError
from g4f_integrations.langchain._answering import agenerate, astream_chunks, generate, stream_chunks
from g4f_integrations.langchain._calls import prepare_call
from g4f_integrations.langchain._chunks import ChunkBuilder, build_result
from g4f_integrations.langchain._errors import as_model_error

if TYPE_CHECKING:
    from g4f_integrations.langchain.llms import G4F

_AT_A_TIME = 8  # calls, where each prompt is one


def complete(
    model: G4F,
    prompts: list[str],
    stop: list[str] | None,
    run_manager: CallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> LLMResult:
    """The texts that follow upon `prompts`, for a caller that waits in its thread."""
    if len(prompts) == 1:
        result = generate(model, [HumanMessage(prompts[0])], stop, run_manager, arguments)
        return _to_llm_result([result])
    return run_blocking(lambda: acomplete(model, prompts, stop, None, arguments))


async def acomplete(
    model: G4F,
    prompts: list[str],
    stop: list[str] | None,
    run_manager: AsyncCallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> LLMResult:
    """The texts that follow upon `prompts`, in the caller's event loop."""
    room = asyncio.Semaphore(_AT_A_TIME)

    async def ask(group: Sequence[str]) -> list[ChatResult]:
        async with room:
            if len(group) > 1:
                together = await _ask_together(model, group, stop, arguments)
                if together is not None:
                    return together
            return [await agenerate(model, [HumanMessage(one)], stop, run_manager, arguments) for one in group]

    tasks = [asyncio.create_task(ask(group)) for group in _groups(model, prompts, arguments)]
    try:
        results = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return _to_llm_result([result for group in results for result in group])


def _groups(model: G4F, prompts: list[str], arguments: dict[str, Any]) -> list[list[str]]:
    """What goes in one request: several prompts where all routes are endpoints, else each by itself."""
    try:
        choice = prepare_call(model, [], None, dict(arguments), stream=False).choice
    except IntegrationError as error:
        raise as_model_error(error) from error.__cause__
    endpoints = choice.base_url is not None or (
        bool(choice.routes) and all(isinstance(route, Endpoint) or "://" in str(route) for route in choice.routes)
    )
    size = model.batch_size if endpoints else 1
    return [prompts[start : start + size] for start in range(0, len(prompts), size)]


async def _ask_together(
    model: G4F, prompts: Sequence[str], stop: list[str] | None, arguments: dict[str, Any]
) -> list[ChatResult] | None:
    """The answers to several prompts of one request; ``None`` if no route takes them together."""
    try:
        call = prepare_call(model, [HumanMessage(prompt) for prompt in prompts], stop, arguments, stream=False)
        # Prompts are no history: nothing of them may be left out for the sake of the others.
        call = call._replace(request=call.request.replacing(trimming=None))
        result = build_result(await call.complete(), call.dropped)
    except (ConfigurationError, InvalidRequestError, ModelNotFoundError):
        return None  # asked for one by one it is an answer, or says better what is wrong
    except IntegrationError as error:
        raise as_model_error(error) from error.__cause__
    count, left = divmod(len(result.generations), len(prompts))
    if left or not count:
        return None
    return [
        ChatResult(generations=result.generations[place * count : (place + 1) * count]) for place in range(len(prompts))
    ]


def stream(
    model: G4F,
    prompt: str,
    stop: list[str] | None,
    run_manager: CallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> Iterator[GenerationChunk]:
    """The text that follows upon `prompt`, piece by piece, converted in the consumer's thread."""
    return stream_chunks(lambda: _prepared(model, prompt, stop, arguments), run_manager)


def astream(
    model: G4F,
    prompt: str,
    stop: list[str] | None,
    run_manager: AsyncCallbackManagerForLLMRun | None,
    arguments: dict[str, Any],
) -> AsyncIterator[GenerationChunk]:
    """The text that follows upon `prompt`, piece by piece, in the caller's event loop."""
    return astream_chunks(lambda: _prepared(model, prompt, stop, arguments), run_manager)


def _prepared(
    model: G4F, prompt: str, stop: list[str] | None, arguments: dict[str, Any]
) -> tuple[Call, Callable[[Event], GenerationChunk | None]]:
    call = prepare_call(model, [HumanMessage(prompt)], stop, arguments, stream=True)
    chunks = ChunkBuilder(dropped=call.dropped)

    def feed(event: Event) -> GenerationChunk | None:
        made = chunks.feed(event)
        if made is None:
            return None
        told = made.message.response_metadata
        # Reasoning and media make chunks of a chat that hold no text.
        return GenerationChunk(text=made.text, generation_info=told or None) if made.text or told else None

    return call, feed


def _to_llm_result(results: Sequence[ChatResult]) -> LLMResult:
    """The generations of each prompt, with what is told of them, and the tokens of all."""
    generations: list[list[Generation]] = []
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    model_name = None
    for result in results:
        own: list[Generation] = []
        for generation in result.generations:
            message = generation.message
            own.append(Generation(text=generation.text, generation_info=message.response_metadata))
            model_name = model_name or message.response_metadata.get("model_name")
            if isinstance(message, AIMessage) and message.usage_metadata is not None:
                usage["prompt_tokens"] += message.usage_metadata["input_tokens"]
                usage["completion_tokens"] += message.usage_metadata["output_tokens"]
                usage["total_tokens"] += message.usage_metadata["total_tokens"]
        generations.append(own)
    return LLMResult(generations=[*generations], llm_output={"token_usage": usage, "model_name": model_name})
