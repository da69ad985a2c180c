"""`ChatG4F`: g4f's providers and any OpenAI-compatible endpoint as one LangChain chat model."""

from __future__ import annotations

import builtins
import inspect
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any, Self, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput, ModelProfile
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from g4f_integrations import __version__
from g4f_integrations.core.credentials import Secret, redact_url
from g4f_integrations.core.engine import answer
from g4f_integrations.core.events import Retrying
from g4f_integrations.core.loop import iterate_blocking
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint, Headers, ProxyMap, Route, freeze_headers, freeze_proxy
from g4f_integrations.core.tokens import count_message_tokens, count_tokens
from g4f_integrations.errors import ConfigurationError, IntegrationError
from g4f_integrations.langchain._calls import PARAMETERS, prepare_call, shown_arguments
from g4f_integrations.langchain._chunks import MODEL_PROVIDER, ChunkBuilder, ResultBuilder
from g4f_integrations.langchain._errors import as_model_error
from g4f_integrations.langchain._messages import to_wire
from g4f_integrations.langchain._settings import (
    ALIASES,
    API_KEY_VARIABLE,
    BASE_URL_VARIABLES,
    canonical_names,
    plain_headers,
    plain_provider,
    plain_proxy,
    plain_route,
    to_api_key,
    to_provider,
    to_routes,
    without_secrets,
)
from g4f_integrations.langchain._tools import ToolLike, to_openai_tools, to_response_format, to_tool_choice

_F = TypeVar("_F", bound=Callable[..., Any])

_DEFAULT_RESILIENCE = Resilience()


def _with_signature(function: _F) -> _F:
    """Keep the function's signature: core asks `inspect` for it on every call, and finding it out costs 11 µs."""
    function.__dict__["__signature__"] = inspect.signature(function)
    return function


class ChatG4F(BaseChatModel):
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
    Arguments of a single call (``invoke(…, temperature=0)``, ``bind``) win over the fields; those that are no fields
    go to the route.
    """

    model: str = Field(default="auto", description="Model id; 'auto' takes what is known to work.")
    provider: Any = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Who serves: a name, several names, a g4f provider class, a g4f list provider, or a list of these.",
    )
    routes: list[Route | Endpoint | str] = Field(
        default_factory=list,
        exclude=True,
        repr=False,
        description="Exactly these routes in this order: `Route`, `Endpoint`, 'Provider:model' or a URL.",
    )
    fallback_models: list[str] = Field(
        default_factory=list, description="Models to try when `model` has no working candidate left."
    )
    base_url: str | None = Field(
        default=None,
        exclude=True,
        repr=False,
        description="An OpenAI-compatible endpoint. From G4F_BASE_URL or API_BASE_URL if nothing else is named.",
    )
    default_headers: Headers = Field(
        default=(), exclude=True, repr=False, description="Further HTTP headers for `base_url`."
    )
    proxy: ProxyMap | None = Field(
        default=None, exclude=True, repr=False, description="Proxy URL, or URLs by scheme (http, https, all)."
    )
    api_key: Secret | dict[str, Secret] | None = Field(
        default=None,
        exclude=True,
        description="Key for `base_url` or the one provider named, or keys by provider. G4F_API_KEY is for `base_url`.",
    )
    temperature: float | None = Field(default=None, description="Randomness of the answer.")
    top_p: float | None = Field(default=None, description="Share of probability that tokens are drawn from.")
    max_tokens: int | None = Field(default=None, description="Tokens of the answer at the most.")
    stop: list[str] | None = Field(default=None, description="Texts that end the answer and are not part of it.")
    n: int | None = Field(default=None, ge=1, description="Answers to ask for, in blocking calls.")
    seed: int | None = Field(default=None, description="For answers that can be had again, where a route can do it.")
    presence_penalty: float | None = Field(default=None, description="Penalty on tokens that occurred at all.")
    frequency_penalty: float | None = Field(default=None, description="Penalty on tokens by how often they occurred.")
    reasoning_effort: str | None = Field(default=None, description="How long to think, in the route's own words.")
    web_search: Any = Field(default=None, description="Whether g4f adds search results to the prompt.")
    logprobs: bool | None = Field(default=None, description="Whether token probabilities are wanted.")
    top_logprobs: int | None = Field(default=None, description="How many alternatives per token.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds for one attempt; see `Resilience`.")
    max_retries: int | None = Field(default=None, ge=0, description="Further attempts after the first one.")
    resilience: Resilience = Field(
        default_factory=lambda: _DEFAULT_RESILIENCE,
        exclude=True,
        repr=False,
        description="Every knob of the engine; its explicit fields win over `timeout` and `max_retries`.",
    )
    streaming: bool = Field(default=False, description="Stream even in `invoke`, for the sake of callbacks.")
    stream_usage: bool = Field(default=True, description="Whether a stream's last chunk carries the usage.")
    model_kwargs: dict[str, Any] = Field(
        default_factory=dict, exclude=True, repr=False, description="Further parameters that the route takes."
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict, exclude=True, repr=False, description="Further members of an endpoint's request body."
    )
    context_window: int | None = Field(
        default=None, ge=1, description="Tokens that the model reads and writes at once."
    )

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=())

    def __init__(self, **kwargs: Any) -> None:
        """See the fields.

        Raises:
            ConfigurationError: An argument is unknown, or two contradict each other.
            pydantic.ValidationError: A value is of the wrong type or out of its range.
        """
        try:
            super().__init__(**kwargs)
        except ValidationError as error:
            # pydantic wraps every ValueError; ours says already what is wrong and what to do.
            causes = (detail.get("ctx", {}).get("error") for detail in error.errors())
            ours = next((cause for cause in causes if isinstance(cause, ConfigurationError)), None)
            if ours is None:
                raise
            raise ours from None

    # --- Settings -------------------------------------------------------------------------------------------------

    @model_validator(mode="before")
    @classmethod
    def _name_arguments(cls, values: Any) -> Any:
        return canonical_names(values, cls.model_fields, cls.__name__) if isinstance(values, Mapping) else values

    @field_validator("api_key", mode="plain")
    @classmethod
    def _freeze_api_key(cls, value: Any) -> Secret | builtins.dict[str, Secret] | None:
        return to_api_key(value)

    @field_validator("provider", mode="plain")
    @classmethod
    def _check_provider(cls, value: Any) -> Any:
        return to_provider(value)

    @field_validator("routes", mode="plain")
    @classmethod
    def _check_routes(cls, value: Any) -> list[Route | Endpoint | str]:
        return to_routes(value)

    @field_validator("base_url", mode="plain")
    @classmethod
    def _check_base_url(cls, value: Any) -> str | None:
        return Endpoint(value).base_url if value else None

    @field_validator("default_headers", mode="plain")
    @classmethod
    def _freeze_headers(cls, value: Any) -> Headers:
        return freeze_headers(value)

    @field_validator("proxy", mode="plain")
    @classmethod
    def _freeze_proxy(cls, value: Any) -> ProxyMap | None:
        frozen: ProxyMap | None = freeze_proxy(value or None)
        return frozen

    @field_validator("resilience", mode="before")
    @classmethod
    def _default_resilience(cls, value: Any) -> Any:
        return _DEFAULT_RESILIENCE if value is None else value

    @field_validator("model", mode="before")
    @classmethod
    def _default_model(cls, value: Any) -> Any:
        return value or "auto"

    @field_validator("stop", mode="before")
    @classmethod
    def _list_stop(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("model_kwargs", "extra_body", "fallback_models", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any, info: Any) -> Any:
        return ([] if info.field_name == "fallback_models" else {}) if value is None else value

    @field_validator("model_kwargs")
    @classmethod
    def _refuse_fields(cls, value: builtins.dict[str, Any]) -> builtins.dict[str, Any]:
        taken = sorted(name for name in value if ALIASES.get(name, name) in cls.model_fields)
        if taken:
            message = (
                f"model_kwargs: {', '.join(map(repr, taken))} is an argument of {cls.__name__} itself; give it there"
            )
            raise ConfigurationError(message)
        return value

    @model_validator(mode="after")
    def _complete_g4f_settings(self) -> Self:
        if self.routes and (self.provider is not None or self.base_url is not None):
            message = "routes names every route itself; give neither provider nor base_url beside it"
            raise ConfigurationError(message)
        # Written past pydantic, so that `model_fields_set` tells what the user gave from what the environment did.
        if self.base_url is None and self.provider is None and not self.routes:
            found = next(filter(None, (os.environ.get(name, "").strip() for name in BASE_URL_VARIABLES)), None)
            if found is not None:
                self.__dict__["base_url"] = Endpoint(found).base_url
        if self.base_url is not None and self.api_key is None:
            self.__dict__["api_key"] = Secret.from_env(API_KEY_VARIABLE)
        return self

    @model_validator(mode="after")
    def _set_g4f_version(self) -> Self:
        self._add_version("g4f-integrations", __version__)
        return self

    def _resolve_model_profile(self) -> ModelProfile | None:
        return None if self.context_window is None else ModelProfile(max_input_tokens=self.context_window)

    @property
    def model_name(self) -> str:
        """The model id, under the name that older code asks for."""
        return self.model

    # --- What others may see --------------------------------------------------------------------------------------

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether LangChain can write this class down; it can, without keys."""
        return True

    @property
    def lc_secrets(self) -> builtins.dict[str, str]:
        """The arguments that `langchain_core.load.load` asks its `secrets_map` for."""
        return {"api_key": API_KEY_VARIABLE}

    @property
    def lc_attributes(self) -> builtins.dict[str, Any]:
        """The settings that are no plain data, as plain data without credentials; the constructor takes them back."""
        explicit = {name: getattr(self.resilience, name) for name in self.resilience.model_fields_set - {"store"}}
        attributes = {
            "provider": plain_provider(self.provider),
            "routes": [plain_route(route) for route in self.routes],
            "base_url": redact_url(self.base_url) if self.base_url else None,
            "default_headers": plain_headers(self.default_headers),
            "proxy": plain_proxy(self.proxy),
            "resilience": explicit,
            "model_kwargs": without_secrets(self.model_kwargs),
            "extra_body": without_secrets(self.extra_body),
        }
        return {name: value for name, value in attributes.items() if value}

    def __repr_args__(self) -> Any:
        return [*super().__repr_args__(), *self.lc_attributes.items()]

    @property
    def _llm_type(self) -> str:
        return "g4f-chat"

    @property
    def _identifying_params(self) -> builtins.dict[str, Any]:
        given = ("model", *PARAMETERS, "stop", "fallback_models", "context_window")
        values = {name: value for name in given if (value := getattr(self, name)) is not None and value != []}
        return values | self.lc_attributes

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> builtins.dict[str, Any]:
        # Without super(): it enters a context that silences a deprecation, on every call.
        return {**self._identifying_params, "_type": self._llm_type, "stop": stop, **shown_arguments(kwargs)}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        model = kwargs.get("model")
        params = LangSmithParams(
            ls_provider=MODEL_PROVIDER,
            ls_model_name=model if isinstance(model, str) else self.model,
            ls_model_type="chat",
        )
        temperature = kwargs.get("temperature", self.temperature)
        if isinstance(temperature, int | float):
            params["ls_temperature"] = temperature
        max_tokens = kwargs.get("max_tokens", self.max_tokens)
        if isinstance(max_tokens, int):
            params["ls_max_tokens"] = max_tokens
        stops = stop or self.stop
        if stops:
            params["ls_stop"] = [stops] if isinstance(stops, str) else list(stops)
        return params

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        return super()._get_llm_string(stop, **shown_arguments(kwargs))  # caches write it down

    def _combine_llm_outputs(self, llm_outputs: list[builtins.dict[str, Any] | None]) -> builtins.dict[str, Any]:
        names = {output["model_name"]: None for output in llm_outputs if output and "model_name" in output}
        return {"model_name": ", ".join(names)} if names else {}

    # --- Answers --------------------------------------------------------------------------------------------------

    @_with_signature
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        builder = ResultBuilder()
        try:
            call = prepare_call(self, messages, stop, kwargs, stream=False)
            with closing(iterate_blocking(lambda: answer(call.choice, call.request, call.policy))) as batches:
                for batch in batches:
                    for event in batch:
                        builder.feed(event)
                        if run_manager is not None and type(event) is Retrying:
                            run_manager.on_retry(event.state)
        except IntegrationError as error:
            raise as_model_error(error) from error.__cause__
        return builder.result()

    @_with_signature
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        builder = ResultBuilder()
        try:
            call = prepare_call(self, messages, stop, kwargs, stream=False)
            async with aclosing(answer(call.choice, call.request, call.policy)) as batches:
                async for batch in batches:
                    for event in batch:
                        builder.feed(event)
                        if run_manager is not None and type(event) is Retrying:
                            await run_manager.on_retry(event.state)
        except IntegrationError as error:
            raise as_model_error(error) from error.__cause__
        return builder.result()

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        try:
            call = prepare_call(self, messages, stop, kwargs, stream=True)
            feed = ChunkBuilder(usage=call.stream_usage, output_version=self.output_version, dropped=call.dropped).feed
            with closing(iterate_blocking(lambda: answer(call.choice, call.request, call.policy))) as batches:
                for batch in batches:
                    for event in batch:
                        chunk = feed(event)
                        if chunk is not None:
                            if run_manager is not None:
                                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                            yield chunk
                        elif run_manager is not None and type(event) is Retrying:
                            run_manager.on_retry(event.state)
        except IntegrationError as error:
            raise as_model_error(error) from error.__cause__

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        try:
            call = prepare_call(self, messages, stop, kwargs, stream=True)
            feed = ChunkBuilder(usage=call.stream_usage, output_version=self.output_version, dropped=call.dropped).feed
            async with aclosing(answer(call.choice, call.request, call.policy)) as batches:
                async for batch in batches:
                    for event in batch:
                        chunk = feed(event)
                        if chunk is not None:
                            if run_manager is not None:
                                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                            yield chunk
                        elif run_manager is not None and type(event) is Retrying:
                            await run_manager.on_retry(event.state)
        except IntegrationError as error:
            raise as_model_error(error) from error.__cause__

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

    def get_token_ids(self, text: str) -> list[int]:
        """A number for each token of `text`.

        Nobody knows which vocabulary a route uses, so unless `custom_get_token_ids` is given these are the first
        natural numbers, as many as the text is estimated to have tokens.
        """
        if self.custom_get_token_ids is not None:
            return self.custom_get_token_ids(text)
        return list(range(count_tokens(text, self.model)))

    def get_num_tokens(self, text: str) -> int:
        """Estimated tokens of `text`, rather too many than too few."""
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return count_tokens(text, self.model)

    def get_num_tokens_from_messages(self, messages: list[BaseMessage], tools: Sequence[Any] | None = None) -> int:
        """Estimated tokens of a conversation, with the schemas of `tools` if they are given."""
        if self.custom_get_token_ids is not None:
            return super().get_num_tokens_from_messages(messages)
        total = sum(count_message_tokens(message, self.model) for message in to_wire(messages))
        if tools:
            total += count_tokens(json.dumps(to_openai_tools(tools), ensure_ascii=False), self.model)
        return total
