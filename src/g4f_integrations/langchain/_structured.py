"""`with_structured_output`: the model, asked for objects of a schema.

The engine sees to it that an answer meets the JSON schema, on every route. What only a class knows (its validators) is
seen to here: what it refuses is told to the model, and asked for again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import patch_config
from langchain_core.runnables.utils import AddableDict

from g4f_integrations.core.prompts import fill, load_prompt
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.langchain._reading import (
    AnswerReader,
    Method,
    Previews,
    UnreadableAnswer,
    attempts_of,
    error_of,
    is_engines_verdict,
)
from g4f_integrations.langchain._tools import Described, ToolLike, describe_schema

if TYPE_CHECKING:
    from g4f_integrations.langchain.chat_models import ChatG4F

REASKS = 2
"""How often a model is asked again for an answer that its class refuses, within the attempts that one call may make."""


class _Verdict(NamedTuple):
    """What became of one answer: an object, an error, or neither where the model is to be asked again."""

    value: Any = None
    error: Exception | None = None
    again: bool = False


class _Asking:
    """One question, and what has been tried for it so far."""

    def __init__(self, runnable: StructuredOutput, given: LanguageModelInput, reasks: int = REASKS) -> None:
        self._reader = runnable.reader
        self._model = runnable.model
        self._given = given
        self._left = reasks
        self._attempts: list[dict[str, Any]] = []
        self.input: LanguageModelInput = given
        self.arguments: dict[str, Any] = {}

    def judge(self, message: AIMessage) -> _Verdict:
        """Read the answer; where it is to be asked for again, `input` and `arguments` are ready for that."""
        self._attempts += attempts_of(message)
        try:
            return _Verdict(self._reader.read(message))
        except UnreadableAnswer as found:
            if self._may_ask_again(message):
                self._ask_again(message, found)
                return _Verdict(again=True)
            return _Verdict(error=error_of(message, found, self._reader.name, self._attempts))
        except Exception as error:
            return _Verdict(error=error)

    def _may_ask_again(self, message: AIMessage) -> bool:
        if self._left == 0 or is_engines_verdict(message):
            return False
        self._left -= 1
        policy = self._model.resilience.with_shorthands(self._model.timeout, self._model.max_retries)
        remaining = policy.max_attempts - len(self._attempts)
        self.arguments = {"max_retries": remaining - 1}
        return remaining > 0

    def _ask_again(self, message: AIMessage, found: UnreadableAnswer) -> None:
        problems = "\n".join(f"- {problem}" for problem in found.problems)
        request = fill(load_prompt("reask", self._model.prompts), problems=problems)
        said: list[BaseMessage]
        if message.tool_calls:
            results = [ToolMessage(request, tool_call_id=call["id"], status="error") for call in message.tool_calls]
            said = [AIMessage(content="", tool_calls=message.tool_calls), *results]
        else:
            said = [AIMessage(found.answer or "(nothing)"), HumanMessage(request)]
        before = self._model._convert_input(self.input).to_messages()  # noqa: SLF001  LangChain's own
        self.input = [*before, *said]


class StructuredOutput(Runnable[LanguageModelInput, Any]):
    """A model whose answers are objects of a schema.

    Args:
        model: The model, for its settings.
        bound: The model with everything bound that asks for the form.
        reader: Makes objects of answers.
        include_raw: Give ``{"raw", "parsed", "parsing_error"}`` instead of the object alone.
    """

    def __init__(
        self,
        model: ChatG4F,
        bound: Runnable[LanguageModelInput, AIMessage],
        reader: AnswerReader,
        *,
        include_raw: bool = False,
    ) -> None:
        self.model = model
        self.bound = bound
        self.reader = reader
        self.include_raw = include_raw
        self.name = f"{type(model).__name__}-{reader.name}"

    def __repr__(self) -> str:
        return (
            f"<{self.reader.name} from {type(self.model).__name__}(model={self.model.model!r}) by {self.reader.method}>"
        )

    @property
    def InputType(self) -> Any:  # noqa: N802  LangChain's name
        """What a chat model takes."""
        return self.model.InputType

    @property
    def OutputType(self) -> Any:  # noqa: N802  LangChain's name
        """The class that was asked for, or a dict."""
        return self.reader.schema if isinstance(self.reader.schema, type) and not self.include_raw else dict[str, Any]

    def invoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The answer to `input` as an object of the schema.

        Raises:
            OutputParserException: The model was asked, again where it helped, and gave none; its `attempts` tell how.
                With `include_raw` it is the ``parsing_error``.
            IntegrationError: Every route failed.
        """
        return self._call_with_config(self._ask, input, config, **kwargs)

    async def ainvoke(self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The answer to `input` as an object of the schema; see `invoke`."""
        return await self._acall_with_config(self._aask, input, config, **kwargs)

    def stream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """The object while it grows; the last one is the whole. Raises like `invoke`, at the end."""
        yield from self._transform_stream_with_config(iter([input]), self._grow, config, **kwargs)

    async def astream(
        self,
        input: LanguageModelInput,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        """The object while it grows; see `stream`."""
        given = _alone(input)
        async with _closing(self._atransform_stream_with_config(given, self._agrow, config, **kwargs)) as grown:
            async for value in grown:
                yield value

    # --- One question -------------------------------------------------------------------------------------------------

    def _ask(
        self,
        given: LanguageModelInput,
        run_manager: CallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> Any:
        asking = _Asking(self, given)
        while True:
            message = self.bound.invoke(asking.input, _child(config, run_manager), **kwargs, **asking.arguments)
            verdict = asking.judge(message)
            if not verdict.again:
                return self._given(message, verdict)

    async def _aask(
        self,
        given: LanguageModelInput,
        run_manager: AsyncCallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> Any:
        asking = _Asking(self, given)
        while True:
            message = await self.bound.ainvoke(asking.input, _child(config, run_manager), **kwargs, **asking.arguments)
            verdict = asking.judge(message)
            if not verdict.again:
                return self._given(message, verdict)

    def _given(self, message: AIMessage, verdict: _Verdict) -> Any:
        if self.include_raw:
            return {"raw": message, "parsed": verdict.value, "parsing_error": verdict.error}
        if verdict.error is not None:
            raise verdict.error
        return verdict.value

    # --- The same, streamed -------------------------------------------------------------------------------------------

    def _grow(
        self,
        given: Iterator[LanguageModelInput],
        run_manager: CallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> Iterator[Any]:
        asking = self._asking_streamed(next(given))
        while True:
            previews = self.reader.previews()
            child = _child(config, run_manager)
            for chunk in self.bound.stream(asking.input, child, **kwargs, **asking.arguments):
                yield from self._shown(previews, chunk)
            verdict = asking.judge(previews.whole())
            if not verdict.again:
                yield from self._last(previews, verdict)
                return

    async def _agrow(
        self,
        given: AsyncIterator[LanguageModelInput],
        run_manager: AsyncCallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> AsyncIterator[Any]:
        asking = self._asking_streamed(await anext(given))
        while True:
            previews = self.reader.previews()
            child = _child(config, run_manager)
            async with _closing(self.bound.astream(asking.input, child, **kwargs, **asking.arguments)) as chunks:
                async for chunk in chunks:
                    for value in self._shown(previews, chunk):
                        yield value
            verdict = asking.judge(previews.whole())
            if not verdict.again:
                for value in self._last(previews, verdict):
                    yield value
                return

    def _asking_streamed(self, given: LanguageModelInput) -> _Asking:
        # With the raw answer shown, a second one would be added to it.
        return _Asking(self, given, reasks=0 if self.include_raw else REASKS)

    def _shown(self, previews: Previews, chunk: AIMessage) -> Iterator[Any]:
        """What a chunk gives to see."""
        value = previews.feed(chunk)
        if self.include_raw:
            yield AddableDict(raw=chunk)  # no previews: LangChain would add them up
        elif value is not None:
            yield value

    def _last(self, previews: Previews, verdict: _Verdict) -> Iterator[Any]:
        if self.include_raw:
            yield AddableDict(parsed=verdict.value)
            yield AddableDict(parsing_error=verdict.error)
        elif verdict.error is not None:
            raise verdict.error
        elif previews.is_news(verdict.value):
            yield verdict.value


def ask_for_structure(
    model: ChatG4F,
    schema: Any,
    method: Method,
    *,
    include_raw: bool = False,
    strict: bool | None = None,
    tools: Sequence[ToolLike] | None = None,
    **arguments: Any,
) -> StructuredOutput:
    """`model`, asked for objects of `schema`; see `ChatG4F.with_structured_output`.

    Raises:
        ConfigurationError: The method is unknown or needs something that was not given.
    """
    if method not in _METHODS:
        message = f"method must be one of {', '.join(map(repr, _METHODS))}, not {method!r}"
        raise ConfigurationError(message)
    if schema is None and method != "json_mode":
        message = f"method={method!r} needs a schema; only 'json_mode' does without"
        raise ConfigurationError(message)
    if tools and not include_raw:
        message = "tools beside a schema need include_raw=True: an answer that calls one has no parsed object"
        raise ConfigurationError(message)
    described = None if schema is None else describe_schema(schema, strict=strict)
    bound = _bound(model, described, method, strict, tools or ())
    told = {} if described is None else {"title": described.name, **described.schema}
    if described is not None and described.description:
        told.setdefault("description", described.description)
    note = {"kwargs": {"method": method, "strict": strict}, "schema": told if isinstance(schema, Mapping) else schema}
    reader = AnswerReader(schema, described, method, has_tools=bool(tools))
    asked = bound.bind(ls_structured_output_format=note, **arguments)
    return StructuredOutput(model, asked, reader, include_raw=include_raw)


_METHODS = get_args(Method)


def _bound(
    model: ChatG4F, described: Described | None, method: Method, strict: bool | None, tools: Sequence[ToolLike]
) -> Runnable[LanguageModelInput, AIMessage]:
    if described is not None and method == "function_calling":
        choice = "any" if tools else described.name
        return model.bind_tools([*tools, described.as_tool(strict=strict)], tool_choice=choice, strict=strict)
    if described is None or method == "json_mode":
        form: dict[str, Any] = {"type": "json_object"}
    else:
        form = described.as_response_format(strict=strict)
    if tools:
        return model.bind_tools(tools, strict=strict, response_format=form)
    return model.bind(response_format=form)


def _child(config: RunnableConfig, run_manager: Any) -> RunnableConfig:
    return patch_config(config, callbacks=run_manager.get_child())


async def _alone(value: LanguageModelInput) -> AsyncIterator[LanguageModelInput]:
    yield value


def _closing(values: AsyncIterator[Any]) -> aclosing[AsyncGenerator[Any, None]]:
    """Close them at the end: what LangChain types as iterators are generators, which hold a connection."""
    return aclosing(cast("AsyncGenerator[Any, None]", values))
