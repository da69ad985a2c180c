"""`G4F`: g4f's providers and any OpenAI-compatible endpoint as LangChain's model of texts in, texts out."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models.base import LangSmithParams
from langchain_core.language_models.llms import BaseLLM
from langchain_core.outputs import GenerationChunk, LLMResult
from pydantic import ConfigDict, Field, model_validator

from g4f_integrations import __version__
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.routes import freeze_headers
from g4f_integrations.core.settings import ALIASES, PARAMETERS, ModelFields
from g4f_integrations.langchain import _completions
from g4f_integrations.langchain._names import MODEL_PROVIDER

_LLM_TYPE = "g4f"
_COMPLETION_FIELDS = ("suffix", "best_of", "echo")
_IDENTIFYING = ("model", *PARAMETERS, *_COMPLETION_FIELDS, "stop", "fallback_models", "context_window", "prompts")


class G4F(ModelFields, BaseLLM):
    """Text completion over g4f providers and OpenAI-compatible endpoints, with the engine of `ChatG4F` beneath it.

    Setup:
        ``pip install g4f-integrations``. Most providers need no key; an endpoint's may come from ``G4F_API_KEY``.

    Example:
        >>> from g4f_integrations.testing import ScriptedProvider
        >>> llm = G4F(provider=ScriptedProvider("Hello", " world"))
        >>> llm.invoke("Hi")
        'Hello world'
        >>> list(llm.stream("Hi"))
        ['Hello', ' world', '']

    An endpoint is asked by ``/v1/completions``, several prompts in one request, and in a chat once it has turned out to
    have no completions for the model. A g4f provider is always asked in a chat: the prompt is what the user says.
    What chats have not (`suffix`, `best_of`, `echo`) is then left out and named in the metadata as dropped.

    Who answered, after which attempts, stands in ``generation_info["g4f"]``, and the tokens in ``llm_output``.
    """

    model_config = ConfigDict(defer_build=False)

    suffix: str | None = Field(default=None, description="What comes after the text that is asked for.")
    best_of: int | None = Field(default=None, ge=1, description="Texts that the route makes and gives the best of.")
    echo: bool | None = Field(default=None, description="Whether the prompt comes back before the text.")
    batch_size: int = Field(default=20, ge=1, description="Prompts of one request, where all routes are endpoints.")

    COMPLETES: ClassVar[bool] = True
    ROUTE_NAMES: ClassVar[frozenset[str]] = frozenset({"metadata"})

    @model_validator(mode="after")
    def _complete_llm_settings(self) -> Self:
        self._add_version("g4f-integrations", __version__)
        return self

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
        return _LLM_TYPE

    @property
    def _identifying_params(self) -> builtins.dict[str, Any]:
        given = {name: value for name in _IDENTIFYING if (value := getattr(self, name)) is not None and value != []}
        return {**self.plain_settings(), **given}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        named = {ALIASES.get(name, name): value for name, value in kwargs.items()}
        params = super()._get_ls_params(stop=stop or self.stop, **named)
        params["ls_provider"] = MODEL_PROVIDER
        return params

    # --- Answers --------------------------------------------------------------------------------------------------

    def _generate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        return _completions.complete(self, prompts, stop, run_manager, self._with_own(kwargs))

    async def _agenerate(
        self,
        prompts: list[str],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> LLMResult:
        return await _completions.acomplete(self, prompts, stop, run_manager, self._with_own(kwargs))

    def _stream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[GenerationChunk]:
        return _completions.stream(self, prompt, stop, run_manager, self._with_own(kwargs))

    def _astream(
        self,
        prompt: str,
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[GenerationChunk]:
        return _completions.astream(self, prompt, stop, run_manager, self._with_own(kwargs))

    def _with_own(self, arguments: builtins.dict[str, Any]) -> builtins.dict[str, Any]:
        """A call's arguments with the fields that only completions have."""
        own = {name: value for name in _COMPLETION_FIELDS if (value := getattr(self, name)) is not None}
        return {**own, **arguments}

    # LangChain hands a call's arguments to callbacks as they are; a key among them has to be one that hides itself.

    def generate(self, prompts: list[str], *args: Any, **kwargs: Any) -> LLMResult:
        """The texts that follow upon `prompts`; see LangChain's own."""
        return super().generate(prompts, *args, **_veiled(kwargs))

    async def agenerate(self, prompts: list[str], *args: Any, **kwargs: Any) -> LLMResult:
        """The texts that follow upon `prompts`; see LangChain's own."""
        return await super().agenerate(prompts, *args, **_veiled(kwargs))

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        """The text that follows upon a prompt, piece by piece; see LangChain's own."""
        return super().stream(*args, **_veiled(kwargs))

    def astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[str]:
        """The text that follows upon a prompt, piece by piece; see LangChain's own."""
        return super().astream(*args, **_veiled(kwargs))


def _veiled(arguments: dict[str, Any]) -> dict[str, Any]:
    """A call's arguments with keys that do not show themselves."""
    veiled = dict(arguments)
    for name, value in arguments.items():
        field = ALIASES.get(name, name)
        if field == "api_key" and isinstance(value, str):
            veiled[name] = Secret(value)
        elif field in {"default_headers", "headers", "extra_headers"} and isinstance(value, dict):
            veiled[name] = dict(freeze_headers(value))
    return veiled
