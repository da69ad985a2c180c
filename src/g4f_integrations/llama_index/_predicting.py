"""LlamaIndex's structured prediction, on top of chat endpoints that take a `response_format`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any, TypeVar, cast

from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictInProgressEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.prompts import BasePromptTemplate
from llama_index_instrumentation import get_dispatcher
from pydantic import BaseModel, ConfigDict

from g4f_integrations.llama_index._calling import ToolCaller
from g4f_integrations.llama_index._observed import span_with_veiled_llm_kwargs
from g4f_integrations.llama_index._structured import OWN_MODES, StructuredCall

M = TypeVar("M", bound=BaseModel)

_dispatcher = get_dispatcher(__name__)


class StructuredPredictor(ToolCaller):
    """An LLM whose answers can be instances of a pydantic class, whole or growing.

    An answer that the class refuses is told to the model, with the reason, and asked for again. With
    ``pydantic_program_mode`` FUNCTION the class is a tool instead, and with LLM its schema is a part of the question.
    """

    model_config = ConfigDict(defer_build=True)

    @span_with_veiled_llm_kwargs
    def structured_predict(
        self,
        output_cls: type[M],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> M:
        """The answer to `prompt` as an `output_cls`.

        Args:
            output_cls: A pydantic class.
            prompt: The question.
            llm_kwargs: Arguments for the model.
            **prompt_args: What is filled into the question.

        Raises:
            IntegrationError: Every route failed.
            ValueError: The model was asked several times, and no answer was an `output_cls`.
        """
        if self.pydantic_program_mode not in OWN_MODES:
            return cast("M", super().structured_predict(output_cls, cast("Any", prompt), llm_kwargs, **prompt_args))
        _dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        asked = StructuredCall(self, output_cls, prompt, llm_kwargs, prompt_args)
        found: Any = None
        while found is None:
            found = asked.read(self.chat(asked.messages, **asked.arguments).message)
        _dispatcher.event(LLMStructuredPredictEndEvent(output=found))
        return cast("M", found)

    @span_with_veiled_llm_kwargs
    async def astructured_predict(
        self,
        output_cls: type[M],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> M:
        """The answer to `prompt` as an `output_cls`; see `structured_predict`."""
        if self.pydantic_program_mode not in OWN_MODES:
            made = await super().astructured_predict(output_cls, cast("Any", prompt), llm_kwargs, **prompt_args)
            return cast("M", made)
        _dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        asked = StructuredCall(self, output_cls, prompt, llm_kwargs, prompt_args)
        found: Any = None
        while found is None:
            response = await self.achat(asked.messages, **asked.arguments)
            found = asked.read(response.message)
        _dispatcher.event(LLMStructuredPredictEndEvent(output=found))
        return cast("M", found)

    @span_with_veiled_llm_kwargs
    def stream_structured_predict(
        self,
        output_cls: type[M],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        """The growing answer to `prompt`; the last object is an `output_cls`. See `structured_predict`."""
        _dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        found: Any = None
        with closing(self._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)) as growing:
            for found in growing:
                _dispatcher.event(LLMStructuredPredictInProgressEvent(output=found))
                yield found
        _dispatcher.event(LLMStructuredPredictEndEvent(output=found))

    @span_with_veiled_llm_kwargs
    async def astream_structured_predict(
        self,
        output_cls: type[M],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        """The growing answer to `prompt`; see `stream_structured_predict`."""
        return self._observe(output_cls, prompt, llm_kwargs, prompt_args)

    async def _observe(
        self,
        output_cls: type[M],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None,
        prompt_args: dict[str, Any],
    ) -> AsyncGenerator[Any, None]:
        _dispatcher.event(
            LLMStructuredPredictStartEvent(output_cls=output_cls, template=prompt, template_args=prompt_args)
        )
        found: Any = None
        call = self._structured_astream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        async with aclosing(await call) as growing:  # LlamaIndex's own leaves it open when it is left early
            async for found in growing:
                _dispatcher.event(LLMStructuredPredictInProgressEvent(output=found))
                yield found
        _dispatcher.event(LLMStructuredPredictEndEvent(output=found))

    def _structured_stream_call(
        self,
        output_cls: type[M],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        """The growing answer; the last object is an `output_cls`."""
        if self.pydantic_program_mode not in OWN_MODES:
            yield from super()._structured_stream_call(output_cls, cast("Any", prompt), llm_kwargs, **prompt_args)
            return
        asked = StructuredCall(self, output_cls, prompt, llm_kwargs, prompt_args)
        found: Any = None
        while found is None:
            partials, message = asked.partials(), None
            with closing(self.stream_chat(asked.messages, **asked.arguments)) as chunks:
                for chunk in chunks:
                    message = chunk.message
                    if chunk.delta and (partial := partials.feed(message.content or "")) is not None:
                        yield partial
            found = asked.read(message)
        yield found

    async def _structured_astream_call(
        self,
        output_cls: type[M],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        """The growing answer; see `_structured_stream_call`."""
        if self.pydantic_program_mode not in OWN_MODES:
            return await super()._structured_astream_call(output_cls, cast("Any", prompt), llm_kwargs, **prompt_args)
        return self._grow(StructuredCall(self, output_cls, prompt, llm_kwargs, prompt_args))

    async def _grow(self, asked: StructuredCall) -> AsyncGenerator[Any, None]:
        found: Any = None
        while found is None:
            partials, message = asked.partials(), None
            async with aclosing(await self.astream_chat(asked.messages, **asked.arguments)) as chunks:
                async for chunk in chunks:
                    message = chunk.message
                    if chunk.delta and (partial := partials.feed(message.content or "")) is not None:
                        yield partial
            found = asked.read(message)
        yield found
