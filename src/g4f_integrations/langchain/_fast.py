"""Stream chunks made without pydantic's validation, and proved equal to validated ones before they are used.

Validating an `AIMessageChunk` and its `ChatGenerationChunk` costs about three times as much as everything else that
happens to a piece of text on its way from the socket to the user. Their fields are known here, so the two objects are
put together directly, each with containers of its own. Before the first one is handed out, such chunks are compared
with real ones in every respect that a user or LangChain could notice; if anything differs, because LangChain or
pydantic changed, all chunks are made by the constructors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel

from g4f_integrations.core.proving import anatomy, is_same, quick_or_real, share_nothing

ChunkMaker: TypeAlias = Callable[[str, str], ChatGenerationChunk]
"""Makes a chunk of a piece of text and a piece of reasoning, one of which is empty."""

_set = object.__setattr__  # pydantic's own __setattr__ validates


def validated_chunk(text: str, reasoning: str) -> ChatGenerationChunk:
    """A chunk made by the constructors."""
    if reasoning:
        message = AIMessageChunk(content=text, additional_kwargs={"reasoning_content": reasoning})
    else:
        message = AIMessageChunk(content=text)
    return ChatGenerationChunk(message=message)


@cache
def chunk_maker() -> ChunkMaker:
    """The quickest way to make chunks that is indistinguishable from the constructors', found out once."""
    return quick_or_real(_compile, _is_faithful, validated_chunk)


GenerationMaker: TypeAlias = Callable[[str, dict[str, Any], Any, dict[str, Any]], ChatGeneration]
"""Makes a whole answer of its text, response metadata, usage metadata and generation info."""

ResultMaker: TypeAlias = Callable[[ChatGeneration, dict[str, Any]], ChatResult]
"""Makes a result of its only generation and of what it says of the model; keeps both as they are."""


def validated_generation(
    text: str, metadata: dict[str, Any], usage: Any, generation_info: dict[str, Any]
) -> ChatGeneration:
    """A whole plain answer made by the constructors."""
    message = AIMessage(content=text, response_metadata=metadata, usage_metadata=usage)
    return ChatGeneration(message=message, generation_info=generation_info)


@cache
def generation_maker() -> GenerationMaker:
    """The quickest way to make whole plain answers that is indistinguishable from the constructors'."""
    return quick_or_real(_compile_generation, _is_faithful_generation, validated_generation)


def validated_result(generation: ChatGeneration, llm_output: dict[str, Any]) -> ChatResult:
    """The result of one generation, made by the constructor, which looks through the generation once more."""
    return ChatResult(generations=[generation], llm_output=llm_output)


@cache
def result_maker() -> ResultMaker:
    """The quickest way to make results of one generation that is indistinguishable from the constructor's."""
    return quick_or_real(_compile_result, _is_faithful_result, validated_result)


class _Blueprint:
    """The state of a fresh instance: its plain values, and which fields hold a list or a dict of their own."""

    def __init__(self, real: BaseModel) -> None:
        state = real.__dict__
        self.values = dict(state)
        self.lists = tuple(name for name, value in state.items() if isinstance(value, list))
        self.dicts = tuple(name for name, value in state.items() if isinstance(value, dict))
        self.fields_set = frozenset(real.model_fields_set)
        self.has_extra = real.model_extra is not None


def _compile() -> ChunkMaker:
    real = validated_chunk("a", "")
    message_plan, chunk_plan = _Blueprint(real.message), _Blueprint(real)
    message_values, chunk_values = message_plan.values, chunk_plan.values
    lists, dicts = message_plan.lists, message_plan.dicts
    message_fields, chunk_fields = message_plan.fields_set, chunk_plan.fields_set
    reasoning_fields = message_fields | {"additional_kwargs"}
    message_extra, chunk_extra = message_plan.has_extra, chunk_plan.has_extra
    new_message, new_chunk, new_text = AIMessageChunk.__new__, ChatGenerationChunk.__new__, str.__new__
    text_type = type(real.text)  # LangChain's own kind of string

    def make(text: str, reasoning: str) -> ChatGenerationChunk:
        state = message_values.copy()
        state["content"] = text
        for name in lists:
            state[name] = []
        for name in dicts:
            state[name] = {}
        message = new_message(AIMessageChunk)
        _set(message, "__dict__", state)
        if reasoning:
            state["additional_kwargs"]["reasoning_content"] = reasoning
            _set(message, "__pydantic_fields_set__", set(reasoning_fields))
        else:
            _set(message, "__pydantic_fields_set__", set(message_fields))
        _set(message, "__pydantic_extra__", {} if message_extra else None)
        _set(message, "__pydantic_private__", None)
        state = chunk_values.copy()
        state["text"] = new_text(text_type, text)
        state["message"] = message
        chunk = new_chunk(ChatGenerationChunk)
        _set(chunk, "__dict__", state)
        _set(chunk, "__pydantic_fields_set__", set(chunk_fields))
        _set(chunk, "__pydantic_extra__", {} if chunk_extra else None)
        _set(chunk, "__pydantic_private__", None)
        return chunk

    return make


def _compile_generation() -> GenerationMaker:
    real = validated_generation("a", {"m": 1}, _USAGE, {"f": "stop"})
    message_plan, plan = _Blueprint(real.message), _Blueprint(real)
    fresh = [name for name in message_plan.lists if name not in _GIVEN]
    fresh_dicts = [name for name in message_plan.dicts if name not in _GIVEN]
    new_message, new_generation = AIMessage.__new__, ChatGeneration.__new__
    text_type = type(real.text)  # LangChain's own kind of string

    def make(text: str, metadata: dict[str, Any], usage: Any, generation_info: dict[str, Any]) -> ChatGeneration:
        state = message_plan.values.copy()
        for name in fresh:
            state[name] = []
        for name in fresh_dicts:
            state[name] = {}
        state["content"] = text
        state["response_metadata"] = metadata
        state["usage_metadata"] = usage
        message = new_message(AIMessage)
        _set(message, "__dict__", state)
        _set(message, "__pydantic_fields_set__", set(message_plan.fields_set))
        _set(message, "__pydantic_extra__", {} if message_plan.has_extra else None)
        _set(message, "__pydantic_private__", None)
        state = plan.values.copy()
        state["text"] = str.__new__(text_type, text)
        state["message"] = message
        state["generation_info"] = generation_info
        generation = new_generation(ChatGeneration)
        _set(generation, "__dict__", state)
        _set(generation, "__pydantic_fields_set__", set(plan.fields_set))
        _set(generation, "__pydantic_extra__", {} if plan.has_extra else None)
        _set(generation, "__pydantic_private__", None)
        return generation

    return make


_GIVEN = frozenset({"response_metadata", "usage_metadata", "generation_info"})
_USAGE = {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}


def _compile_result() -> ResultMaker:
    plan = _Blueprint(validated_result(validated_generation("a", {}, None, {}), {"model_name": "m"}))
    new_result = ChatResult.__new__

    def make(generation: ChatGeneration, llm_output: dict[str, Any]) -> ChatResult:
        state = plan.values.copy()
        state["generations"] = [generation]
        state["llm_output"] = llm_output
        result = new_result(ChatResult)
        _set(result, "__dict__", state)
        _set(result, "__pydantic_fields_set__", set(plan.fields_set))
        _set(result, "__pydantic_extra__", {} if plan.has_extra else None)
        _set(result, "__pydantic_private__", None)
        return result

    return make


def _is_faithful_result(fast: ResultMaker) -> bool:
    generation = validated_generation("text", {"m": 1}, dict(_USAGE), {"f": "stop"})
    made, real = fast(generation, {"model_name": "m"}), validated_result(generation, {"model_name": "m"})
    apart = made.generations is not fast(generation, {}).generations
    return apart and is_same(made, real, lambda result: result.generations[0] is generation)


def _is_faithful_generation(fast: GenerationMaker) -> bool:
    def cases() -> list[tuple[Any, ...]]:  # anew for each maker, which keeps what it is given
        return [("text", {"m": {"n": [1]}}, dict(_USAGE), {"f": "stop"}), ("", {}, None, {"f": "length"})]

    pairs = [(fast(*one), validated_generation(*two)) for one, two in zip(cases(), cases(), strict=True)]
    first, second = fast("a", {}, None, {}), fast("a", {}, None, {})
    return share_nothing(first.message, second.message) and all(
        is_same(made, real, *_VIEWS, lambda made: made.message.text) for made, real in pairs
    )


def _is_faithful(fast: ChunkMaker) -> bool:
    cases = [("text", ""), ("", "thought"), ("", "")]
    return _shares_nothing(fast) and all(
        is_same(
            fast(*case),
            validated_chunk(*case),
            *_VIEWS,
            lambda chunk: chunk + validated_chunk("more", "and more"),
            lambda chunk: validated_chunk("before", "") + chunk,
        )
        for case in cases
    )


_VIEWS: tuple[Callable[[Any], Any], ...] = (
    lambda made: anatomy(made.message),
    dumpd,
    lambda made: made.message.content_blocks,
)


def _shares_nothing(fast: ChunkMaker) -> bool:
    first, second = fast("a", ""), fast("a", "")
    first.message.id = "changed"
    first.message.response_metadata["changed"] = True
    first.message.additional_kwargs["changed"] = True
    return second == validated_chunk("a", "") and share_nothing(first.message, second.message)
