"""`G4FLLM`: g4f's providers and any OpenAI-compatible endpoint as one LlamaIndex LLM."""

from __future__ import annotations

import builtins
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, ClassVar, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from pydantic import ConfigDict, Field, SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from g4f_integrations.core.credentials import redact_url
from g4f_integrations.core.loop import iterate_blocking, run_blocking
from g4f_integrations.core.routes import Endpoint, Route, parse_route
from g4f_integrations.core.settings import ModelFields
from g4f_integrations.core.settings.calls import Call, load_engine, make_face, prepare_call
from g4f_integrations.core.settings.plain import plain_provider
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index._answers import Builder, ChatBuilder, CompletionBuilder
from g4f_integrations.llama_index._messages import to_wire
from g4f_integrations.llama_index._observed import observed_chat, observed_completion, unveil
from g4f_integrations.llama_index._predicting import StructuredPredictor
from g4f_integrations.llama_index._structured import to_response_format
from g4f_integrations.llama_index._tools import to_openai_tools, with_wire_names
from g4f_integrations.llama_index._windows import smallest_window
from g4f_integrations.llama_index.events import Reporter, has_listeners

R = TypeVar("R")

_SYSTEM = MessageRole.SYSTEM.value  # a slow look-up for every call

_FACE = make_face(
    to_openai_tools,
    to_response_format,
    own=("tool_names", "use_completions"),
    ignored=("formatted", "verbose", "tool_required"),
)


class G4FLLM(ModelFields, StructuredPredictor):
    """LLM over g4f providers and OpenAI-compatible endpoints, with one engine for everything that goes wrong.

    Setup:
        ``pip install g4f-integrations``. Most providers need no key; an endpoint's may come from ``G4F_API_KEY``.

    Example:
        >>> from g4f_integrations.testing import ScriptedProvider
        >>> llm = G4FLLM(provider=ScriptedProvider("Hello", " world"))
        >>> print(llm.complete("Hi"))
        Hello world
        >>> [chunk.delta for chunk in llm.stream_chat([ChatMessage("Hi")])]
        ['Hello', ' world', '']

    It takes the place of any LLM of LlamaIndex: `Settings.llm`, agents, chat engines, query engines, programs. Tools
    and structured output work on every route, natively where it has them and by prompt elsewhere.

    Every answer says in ``additional_kwargs["g4f"]`` who gave it, after which attempts, and what was changed on the
    way; ``raw["usage"]`` holds its tokens. Errors are those of `g4f_integrations.errors`. Arguments of a single call
    (``chat(…, temperature=0)``) win over the fields; those that are no fields go to the route.
    """

    model_config = ConfigDict(defer_build=False)

    use_completions: bool = Field(
        default=False, description="Whether `complete` and its kin ask an endpoint's /completions, where it has them."
    )

    FURTHER_ALIASES: ClassVar[Mapping[str, str]] = {"additional_kwargs": "model_kwargs", "headers": "default_headers"}

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex writes this class down."""
        return "G4FLLM"

    @property
    def additional_kwargs(self) -> builtins.dict[str, Any]:
        """Further parameters of the route, under the name that LlamaIndex's other classes have for them."""
        return self.model_kwargs

    # --- What others may see ------------------------------------------------------------------------------------------

    @property
    def metadata(self) -> LLMMetadata:
        """What LlamaIndex goes by when it fills prompts and chooses programs; it stays the same whoever answers.

        The window is the smallest that is known of those who may answer, else 8,192. Chat and function calling are
        there on every route, if need be by prompt.
        """
        return LLMMetadata(**self._described())

    def _described(self) -> builtins.dict[str, Any]:
        return {
            "context_window": smallest_window(self),
            "num_output": -1,
            "is_chat_model": True,
            "is_function_calling_model": True,
            "model_name": self.model,
            "system_role": MessageRole.SYSTEM,
        }

    def tokenizer(self, text: str) -> list[int]:
        """A number for each token of `text`, as this model counts it: ``Settings.tokenizer = llm.tokenizer``.

        They are those of the model's vocabulary, where it is on this machine and the model's own; else they only count.
        """
        from g4f_integrations.core.tokens import token_ids  # loaded when somebody counts

        return token_ids(text, self.model)

    def to_payload(self) -> builtins.dict[str, Any]:
        """This model for traces, without credentials."""
        return {
            "class_name": self.class_name(),
            **self._described(),
            "system_role": _SYSTEM,
            "model": self.model,  # tracers look for either name
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "tool_calling": self.tool_calling,
            "pool": self._pool(),
        }

    def _pool(self) -> list[str]:
        """Names of those who may answer, in order."""
        if self.routes:
            return [_label(route) for route in self.routes]
        named = plain_provider(self.provider) or (redact_url(self.base_url) if self.base_url else [])
        return [*(named if isinstance(named, list) else [named]), *self.fallback_models]

    @model_serializer(mode="wrap")
    def custom_model_dump(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> builtins.dict[str, Any]:
        """All settings as plain data, without credentials; `from_dict` takes them back."""
        del info
        plain: builtins.dict[str, Any] = handler(self)
        plain.update(self.plain_settings())
        plain["class_name"] = self.class_name()
        return plain

    def __getstate__(self) -> builtins.dict[Any, Any]:
        # Of a copy: LlamaIndex deletes from the model itself what cannot be pickled.
        return super(G4FLLM, self.model_copy()).__getstate__()

    # --- Answers ------------------------------------------------------------------------------------------------------

    @observed_chat
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation.

        Raises:
            IntegrationError: Every route failed, or the settings are wrong.
        """
        return self._answer(to_wire(messages), kwargs, ChatBuilder)

    @observed_chat
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer a conversation piece by piece: each chunk has the whole message so far, and what is new as `delta`."""
        return self._stream(to_wire(messages), kwargs, ChatBuilder)

    @observed_chat
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation; see `chat`."""
        return await self._aanswer(to_wire(messages), kwargs, ChatBuilder)

    @observed_chat
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """Answer a conversation piece by piece; see `stream_chat`. Closing the stream closes the upstream."""
        return self._astream(to_wire(messages), kwargs, ChatBuilder)

    @observed_completion
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a text; as clean as `chat`, which it is with one message of the user's.

        With `use_completions`, of the model or of the call, the text is carried on instead: by an endpoint's
        ``/v1/completions``, with `suffix`, `echo` and `best_of`; routes without completions are asked in a chat.
        """
        return self._answer(self._asked(prompt, formatted), self._completing(kwargs), CompletionBuilder)

    @observed_completion
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """Answer a text piece by piece."""
        return self._stream(self._asked(prompt, formatted), self._completing(kwargs), CompletionBuilder)

    @observed_completion
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a text; see `complete`."""
        return await self._aanswer(self._asked(prompt, formatted), self._completing(kwargs), CompletionBuilder)

    @observed_completion
    async def astream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseAsyncGen:
        """Answer a text piece by piece; see `stream_complete`."""
        return self._astream(self._asked(prompt, formatted), self._completing(kwargs), CompletionBuilder)

    def _asked(self, prompt: str, formatted: bool) -> list[builtins.dict[str, Any]]:
        if not formatted and self.completion_to_prompt is not None:
            prompt = self.completion_to_prompt(prompt)
        if not isinstance(prompt, str):
            message = f"the prompt must be a text, not {type(prompt).__name__}"
            raise ConfigurationError(message)
        return [{"role": "user", "content": prompt}]

    def _prepare(self, messages: list[builtins.dict[str, Any]], kwargs: builtins.dict[str, Any], stream: bool) -> Call:
        if kwargs:
            kwargs = unveil(kwargs)
            if kwargs.get("tools") and "tool_names" not in kwargs:
                kwargs = with_wire_names(kwargs)
        call = prepare_call(self, messages, None, kwargs, stream, face=_FACE)
        if call.own.get("use_completions"):
            return call._replace(request=call.request.replacing(completion=True))
        return call

    def _completing(self, kwargs: builtins.dict[str, Any]) -> builtins.dict[str, Any]:
        return {"use_completions": True, **kwargs} if self.use_completions else kwargs

    def _answer(
        self,
        messages: list[builtins.dict[str, Any]],
        kwargs: builtins.dict[str, Any],
        make: Callable[[Call], Builder[R]],
    ) -> R:
        call = self._prepare(messages, kwargs, stream=False)
        builder = make(call)
        if not has_listeners():
            return builder.whole_of(run_blocking(call.complete))  # one hop between the threads instead of several
        reporter = Reporter()
        # Handlers are told here, on their own thread, as it happens.
        with reporter, closing(iterate_blocking(call.batches)) as batches:
            for batch in batches:
                for event in batch:
                    reporter.hear(event)
                    builder.take(event)
        return builder.whole()

    async def _aanswer(
        self,
        messages: list[builtins.dict[str, Any]],
        kwargs: builtins.dict[str, Any],
        make: Callable[[Call], Builder[R]],
    ) -> R:
        call = self._prepare(messages, kwargs, stream=False)
        builder = make(call)
        if not has_listeners():
            return builder.whole_of(await call.complete())
        reporter = Reporter()
        with reporter:
            events = await call.complete(reporter.ahear)
            reporter.hear(events[-1])
        return builder.whole_of(events)

    def _stream(
        self,
        messages: list[builtins.dict[str, Any]],
        kwargs: builtins.dict[str, Any],
        make: Callable[[Call], Builder[R]],
    ) -> Generator[R, None, None]:
        call = self._prepare(messages, kwargs, stream=True)
        return _read(call, make(call), Reporter())

    def _astream(
        self,
        messages: list[builtins.dict[str, Any]],
        kwargs: builtins.dict[str, Any],
        make: Callable[[Call], Builder[R]],
    ) -> AsyncGenerator[R, None]:
        call = self._prepare(messages, kwargs, stream=True)
        return _aread(call, make(call), Reporter())


def _read(call: Call, builder: Builder[R], reporter: Reporter) -> Generator[R, None, None]:
    feed = builder.feed
    with reporter, closing(iterate_blocking(call.batches)) as batches:
        for batch in batches:
            for event in batch:
                if reporter.listening:
                    reporter.hear(event)
                chunk = feed(event)
                if chunk is not None:
                    yield chunk


async def _aread(call: Call, builder: Builder[R], reporter: Reporter) -> AsyncGenerator[R, None]:
    feed = builder.feed
    await load_engine()
    with reporter:
        async with aclosing(call.batches()) as batches:
            async for batch in batches:
                for event in batch:
                    if reporter.listening:
                        reporter.hear(event)
                    chunk = feed(event)
                    if chunk is not None:
                        yield chunk


def _label(route: Route | Endpoint | str) -> str:
    """A route's name for traces, without credentials."""
    return (parse_route(route) if isinstance(route, str) else route).label
