"""`ChatG4F`: g4f's providers and any OpenAI-compatible endpoint as one LangChain chat model."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, ClassVar, Literal, Self, TypeVar, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, model_validator

from g4f_integrations import __version__
from g4f_integrations.core.settings import (
    ALIASES,
    PARAMETERS,
    ModelFields,
    shown_arguments,
    to_tool_choice,
)
from g4f_integrations.core.signatures import Inspected
from g4f_integrations.langchain._errors import RetryFilter, only_retryable
from g4f_integrations.langchain._names import LLM_TYPE, MODEL_PROVIDER
from g4f_integrations.langchain._tokens import count_conversation, count_text, text_ids
from g4f_integrations.langchain._tools import ToolLike, to_openai_tools, to_response_format

_F = TypeVar("_F", bound=Callable[..., Any])


def _with_signature(function: _F) -> _F:
    """Keep the method's signature: core asks `inspect` for it on every call, and finding it out costs 11 µs."""
    return cast("_F", Inspected(function))


_IDENTIFYING = ("model", *PARAMETERS, "stop", "fallback_models", "context_window", "tool_calling", "prompts")


class ChatG4F(ModelFields, BaseChatModel):
    """Chat model over g4f providers and OpenAI-compatible endpoints, with one engine for everything that goes wrong.

    Setup:
        ``pip install g4f-integrations``. Most providers need no key; an endpoint's may come from ``G4F_API_KEY``.

    Example:
        >>> from g4f_integrations.testing import ScriptedProvider
        >>> llm = ChatG4F(provider=ScriptedProvider("Hello", " world"))
        >>> llm.invoke("Hi").text
        'Hello world'
        >>> [chunk.text for chunk in llm.stream("Hi")]
        ['Hello', ' world', '']

    Every answer says in ``response_metadata["g4f"]`` who gave it, after which attempts, and what was changed on the
    way. Errors are those of `g4f_integrations.errors` and, at the same time, of LangChain's `ModelError` family.

    A stream holds one choice: `n` is sent with blocking calls only, and named in the metadata of a stream as dropped.
    Routes that give one answer at a time are asked for the others by calls of their own (``side_calls``).
    Arguments of a single call (``invoke(…, temperature=0)``, ``bind``) win over the fields; those that are no fields
    go to the route.
    """

    model_config = ConfigDict(defer_build=False, ignored_types=(Inspected,))

    # Not False by default: LangChain takes that for a wish, once `configurable_fields` has made the model anew.
    streaming: bool | None = Field(
        default=None, description="Stream even in `invoke`, for the sake of callbacks; False never streams."
    )
    stream_usage: bool = Field(default=True, description="Whether a stream's last chunk carries the usage.")

    ROUTE_NAMES: ClassVar[frozenset[str]] = frozenset({"metadata"})

    @model_validator(mode="after")
    def _complete_langchain_settings(self) -> Self:
        self._add_version("g4f-integrations", __version__)
        self._complete_profile()
        return self

    def _complete_profile(self) -> None:
        """Say what holds for every route, and the window as far as the user told one.

        There is no ``"structured_output"``: agents take it for a leave to send the form beside the tools in every
        turn, and servers that hold a model to a form by grammar then never let it call one.
        """
        # Not in `_resolve_model_profile`, whose answer core looks through for unknown keys: 40 µs for each model. And
        # past pydantic, whose assignment would take a field that was given for one that was changed.
        profile = {"tool_calling": True, "tool_choice": True} if self.profile is None else self.profile
        if "max_input_tokens" not in profile and (window := self._told_window()) is not None:
            profile = {**profile, "max_input_tokens": window}
        self.__dict__["profile"] = profile

    def _told_window(self) -> int | None:
        """The window that the user told: of the model, or of the route that is asked first."""
        if self.context_window is not None or not self.routes:
            return self.context_window
        return getattr(self.routes[0], "context_window", None)

    # --- What others may see --------------------------------------------------------------------------------------

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether LangChain can write this class down; it can, without keys."""
        return True

    @property
    def lc_secrets(self) -> builtins.dict[str, str]:
        """The arguments that `langchain_core.load.load` asks its `secrets_map` for.

        An endpoint's key is asked for as ``G4F_API_KEY``, a provider's as g4f does (``GROQ_API_KEY``), so that none
        reaches a place that it was not given for. Keys by provider are left out.
        """
        variable = self.key_variable()
        return {} if variable is None else {"api_key": variable}

    @property
    def lc_attributes(self) -> builtins.dict[str, Any]:
        """The settings that are no plain data, as plain data without credentials; the constructor takes them back."""
        return self.plain_settings()

    @property
    def _llm_type(self) -> str:
        return LLM_TYPE

    @property
    def _identifying_params(self) -> builtins.dict[str, Any]:
        settings = self.__dict__
        values = self.plain_settings()
        for name in _IDENTIFYING:  # no comprehension: this runs on every call, and each function on the way counts
            value = settings[name]
            if value is not None and value != []:
                values[name] = value
        return values

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> builtins.dict[str, Any]:
        # Without super(): it enters a context that silences a deprecation, on every call.
        params = self._identifying_params
        params["_type"] = LLM_TYPE
        params["stop"] = stop
        if kwargs:
            params.update(shown_arguments(kwargs))
        return params

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        given = {ALIASES.get(name, name): value for name, value in kwargs.items()} if kwargs else kwargs
        model = given.get("model")
        params = LangSmithParams(
            ls_provider=MODEL_PROVIDER,
            ls_model_name=model if isinstance(model, str) else self.model,
            ls_model_type="chat",
        )
        temperature = given.get("temperature", self.temperature)
        if isinstance(temperature, int | float):
            params["ls_temperature"] = temperature
        max_tokens = given.get("max_tokens", self.max_tokens)
        if isinstance(max_tokens, int):
            params["ls_max_tokens"] = max_tokens
        stops = stop or self.stop
        if stops:
            params["ls_stop"] = [*stops] if isinstance(stops, list | tuple) else [stops]
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        return super()._get_llm_string(stop, **shown_arguments(kwargs))  # caches write it down

    def _combine_llm_outputs(self, llm_outputs: list[builtins.dict[str, Any] | None]) -> builtins.dict[str, Any]:
        if len(llm_outputs) == 1:
            return dict(llm_outputs[0] or ())
        names = {output["model_name"]: None for output in llm_outputs if output and "model_name" in output}
        return {"model_name": ", ".join(names)} if names else {}

    def _should_stream(self, *, async_api: bool, run_manager: Any = None, **kwargs: Any) -> bool:
        # Asked on every call, and of no doubt in the usual one: nobody listens, and nothing is set.
        if not kwargs and self.streaming is None and (run_manager is None or not run_manager.handlers):
            return False
        return super()._should_stream(async_api=async_api, run_manager=run_manager, **kwargs)

    # --- Answers --------------------------------------------------------------------------------------------------

    # What answers is loaded with the first call; most programs that import this class never come so far.

    @_with_signature
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        from g4f_integrations.langchain._answering import generate

        return generate(self, messages, stop, run_manager, kwargs)

    @_with_signature
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        from g4f_integrations.langchain._answering import agenerate

        return await agenerate(self, messages, stop, run_manager, kwargs)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        from g4f_integrations.langchain._answering import stream

        return stream(self, messages, stop, run_manager, kwargs)

    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        from g4f_integrations.langchain._answering import astream

        return astream(self, messages, stop, run_manager, kwargs)

    def with_retry(
        self, *, retry_if_exception_type: RetryFilter = (Exception,), **settings: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model, called again when it fails in a way that another call can help.

        A failed call has made all its attempts already (`Resilience.max_attempts`), and its error says so by
        ``is_retryable``: such errors are not retried, so that attempts are never multiplied. To try harder, raise
        ``max_retries`` of the model. A chain that holds the model has LangChain's own `with_retry`, which asks nobody:
        retry the model in it instead.

        Args:
            retry_if_exception_type: Types of errors to retry on, or a function that decides alone (langchain-core
                1.6.13 and newer).
            **settings: Of LangChain's `with_retry`: ``stop_after_attempt``, ``wait_exponential_jitter`` and
                ``exponential_jitter_params``.
        """
        return super().with_retry(retry_if_exception_type=only_retryable(retry_if_exception_type), **settings)

    # --- Tools and tokens -----------------------------------------------------------------------------------------

    def bind_tools(
        self,
        tools: Sequence[ToolLike],
        *,
        tool_choice: Any = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        response_format: Any = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model with tools that it may call.

        Args:
            tools: Functions, pydantic classes, TypedDicts, LangChain tools, or dicts in OpenAI's, Anthropic's or JSON
                schema form.
            tool_choice: ``"auto"``, ``"none"``, ``"any"`` or ``"required"``, a tool's name, ``True`` (some tool),
                ``False`` or ``None`` (the route's default), or a dict in OpenAI's form.
            strict: Ask the route to follow the schemas to the letter.
            parallel_tool_calls: Whether several calls in one answer are welcome.
            response_format: Form of an answer that calls no tool: a dict in OpenAI's form, or a schema.
            **kwargs: Further arguments to bind.

        Returns:
            A runnable that behaves like this model.

        Raises:
            ConfigurationError: `tool_choice` names a tool that is not bound. It is a `ValueError`.
        """
        converted = to_openai_tools(tools, strict=strict)
        bound: builtins.dict[str, Any] = {
            "tool_choice": to_tool_choice(tool_choice, converted),
            "parallel_tool_calls": parallel_tool_calls,
            "response_format": None if response_format is None else to_response_format(response_format, strict=strict),
        }
        given = {name: value for name, value in bound.items() if value is not None}
        return super().bind(tools=converted, **given, **kwargs)

    def with_structured_output(
        self,
        schema: Any = None,
        *,
        method: Literal["function_calling", "json_schema", "json_mode"] = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        tools: Sequence[ToolLike] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """This model, asked for objects of `schema`; never for nothing: what is no such object is an error.

        An answer of the wrong form is asked for again with the reason, then of the next route, within the attempts
        that a call may make. So is one that a class's own validators refuse.

        Args:
            schema: A pydantic class of either version or a dataclass, which makes instances; a TypedDict, a JSON
                schema or a tool in OpenAI's form, which make dicts.
            method: How the form is asked for: ``"json_schema"`` as the answer's form, ``"function_calling"`` as the
                arguments of a tool, ``"json_mode"`` as any JSON object, with the schema left to your own prompt (and
                optional). Each works on every route: in words where the route has nothing of its own for it.
            include_raw: Give a dict of ``raw`` (the message), ``parsed`` and ``parsing_error``, which is then not
                raised.
            strict: Ask the route to follow the schema to the letter.
            tools: Tools that the model may call instead of answering; needs `include_raw`, and their calls are in
                the raw message.
            **kwargs: Further arguments to bind.

        Returns:
            A runnable that gives an instance or a dict; streamed, the object while it grows.

        Raises:
            ConfigurationError: The arguments contradict each other. The runnable raises `OutputParserException` when
                no route gave such an object, with the `attempts` made, and `ModelRefusalError` when a model refused.
        """
        from g4f_integrations.langchain._structured import ask_for_structure  # most models need it not

        return ask_for_structure(self, schema, method, include_raw=include_raw, strict=strict, tools=tools, **kwargs)

    def get_token_ids(self, text: str) -> list[int]:
        """A number for each token of `text`.

        They are those of the model's vocabulary, where it is on this machine and the model's own; else they only
        count, by another vocabulary or an estimate. With `custom_get_token_ids` they are what it gives, and
        conversations are made to fit by them, too.
        """
        if self.custom_get_token_ids is not None:
            return self.custom_get_token_ids(text)
        return text_ids(text, self.model)

    def get_num_tokens(self, text: str) -> int:
        """Estimated tokens of `text`, rather too many than too few."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return count_text(text, self.model)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Estimated tokens of a conversation, with the schemas of `tools` if they are given."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages)
        return count_conversation(messages, tools or (), self.model)
