"""The engine's events → LangChain's stream chunks, or one `ChatResult`.

What LangChain asks of a stream, and where it breaks otherwise:

- Strings in `response_metadata` are *added* when chunks are merged, and usage is summed: both stand on the last chunk
  and nowhere else.
- A chunk holds text or tool calls, never both: with ``output_version="v1"`` a mixed one loses its call.
- A tool call comes whole. Pieces would be completed by a tolerant parser, which takes half a call for a valid one.
- Blocks of a content list are merged by their ``index``, so each of ours has one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata
from langchain_core.messages.tool import invalid_tool_call, tool_call, tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.utils.json import parse_partial_json

from g4f_integrations.core.events import (
    AnswerInfo,
    Event,
    Finish,
    InvalidToolCall,
    Logprobs,
    Media,
    ReasoningDelta,
    Retrying,
    Sources,
    TextDelta,
    ToolCall,
    Usage,
)
from g4f_integrations.langchain._fast import chunk_maker, generation_maker, result_maker
from g4f_integrations.langchain._names import MODEL_PROVIDER

_V1_FIRST_TOOL_INDEX = 1_000  # beyond what core counts up for text and reasoning blocks under output_version="v1"
# The names of `core.wire.read_usage` → LangChain's.
_INPUT_DETAILS = {
    "cached_tokens": "cache_read",
    "cache_creation_tokens": "cache_creation",
    "cache_write_tokens": "cache_creation",
    "input_audio_tokens": "audio",
    "input_image_tokens": "image",
}
_OUTPUT_DETAILS = {
    "reasoning_tokens": "reasoning",
    "output_audio_tokens": "audio",
    "output_image_tokens": "image",
}
_BLOCK_DEFAULTS = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4"}


class _Closing:
    """What the last events of an answer tell, gathered until it is complete."""

    def __init__(self, dropped: Iterable[str] = ()) -> None:
        self.info: AnswerInfo | None = None
        self._usage: Usage | None = None
        self._reasons: dict[int, str] = {}
        self._logprobs: dict[int, list[dict[str, Any]]] = {}
        self._sources: list[dict[str, Any]] = []
        self._dropped = tuple(dropped)

    def take(self, event: Event) -> None:
        """Keep what `event` tells about the answer as a whole; other events are passed over."""
        if isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Finish):
            self._reasons[event.choice] = event.reason
        elif isinstance(event, AnswerInfo):
            self.info = event
        elif isinstance(event, Logprobs):
            self._logprobs.setdefault(event.choice, []).extend(event.content)
        elif isinstance(event, Sources):
            self._sources.extend(event.items)

    def usage_metadata(self) -> UsageMetadata | None:
        """The usage in LangChain's words, always in whole numbers."""
        return None if self._usage is None else _convert_usage(self._usage)

    def generation_info(self, choice: int) -> dict[str, Any]:
        """What older callbacks read beside the message."""
        info: dict[str, Any] = {"finish_reason": self._reasons.get(choice, "stop")}
        if choice in self._logprobs:
            info["logprobs"] = {"content": self._logprobs[choice]}
        return info

    def response_metadata(self, choice: int) -> dict[str, Any]:
        """The truth about one choice of the answer, in objects of its own."""
        metadata: dict[str, Any] = {"model_provider": MODEL_PROVIDER, **self.generation_info(choice)}
        info = self.info
        if info is None:
            return metadata
        told = info.to_dict()
        if self._sources and not told["sources"]:
            told["sources"] = self._sources
        if self._dropped:
            told["dropped"] = [*told["dropped"], *self._dropped]
        if info.response_id:
            metadata["id"] = info.response_id
        return {**info.extra, "model_name": info.model or info.provider, **metadata, "g4f": told}


class ChunkBuilder:
    """Turns the events of one streamed answer into chunks, one at a time.

    Only the first choice of an answer is streamed: LangChain's stream has no place for a second one.

    Args:
        usage: Whether the last chunk carries the usage.
        output_version: The model's own setting of that name.
        dropped: Parameters left out for the sake of streaming, to be named in the metadata.
    """

    def __init__(self, *, usage: bool = True, output_version: str | None = None, dropped: Iterable[str] = ()) -> None:
        self._make = chunk_maker()
        self._closing = _Closing(dropped)
        self._usage = usage
        self._tool_index = _V1_FIRST_TOOL_INDEX if output_version == "v1" else 0
        self._media_index = 0

    def feed(self, event: Event) -> ChatGenerationChunk | None:
        """The chunk that `event` makes, if it makes one; `AnswerInfo` makes the last."""
        if type(event) is TextDelta:
            return self._make(event.text, "") if event.choice == 0 else None
        if type(event) is ReasoningDelta:
            return self._make("", event.text) if event.choice == 0 else None
        if isinstance(event, ToolCall | InvalidToolCall | Media):
            return self._special(event) if event.choice == 0 else None
        self._closing.take(event)
        return self._last() if isinstance(event, AnswerInfo) else None

    def _special(self, event: ToolCall | InvalidToolCall | Media) -> ChatGenerationChunk | None:
        if isinstance(event, Media):
            content = self._media(event)
            return ChatGenerationChunk(message=AIMessageChunk(content=content)) if content else None
        if isinstance(event, ToolCall):
            arguments = json.dumps(event.arguments, ensure_ascii=False)
        else:
            arguments = _unparseable(event.arguments)
        piece = tool_call_chunk(name=event.name, args=arguments, id=event.id, index=self._tool_index)
        self._tool_index += 1
        return ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[piece]))

    def _media(self, event: Media) -> list[str | dict[Any, Any]] | str:
        blocks: list[str | dict[Any, Any]] = []
        for block in _media_blocks(event):
            # The prefix is what makes LangChain merge by the index, and so keep two pictures apart.
            blocks.append({**block, "index": f"lc_media_{self._media_index}"})
            self._media_index += 1
        return blocks or event.text

    def _last(self) -> ChatGenerationChunk:
        message = AIMessageChunk(
            content="",
            usage_metadata=self._closing.usage_metadata() if self._usage else None,
            response_metadata=self._closing.response_metadata(0),
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message, generation_info=self._closing.generation_info(0))


def build_result(events: Iterable[Event], dropped: tuple[str, ...] = ()) -> ChatResult:
    """The events of one blocking answer as a `ChatResult` with a generation per choice.

    Args:
        events: All of them.
        dropped: Arguments that reached no route, to be named in the metadata.
    """
    result = None if dropped else _plain_result(events)
    if result is not None:
        return result
    builder = ResultBuilder(dropped)
    for event in events:
        builder.feed(event)
    return builder.result()


def _plain_result(events: Iterable[Event]) -> ChatResult | None:
    """The same for one choice of nothing but text, in one go: after a wait for the network every function costs."""
    parts: list[str] = []
    usage: UsageMetadata | None = None
    reason = "stop"
    info: AnswerInfo | None = None
    for event in events:
        if type(event) is TextDelta and event.choice == 0:
            parts.append(event.text)
        elif type(event) is Usage:
            usage = _convert_usage(event)
        elif type(event) is Finish and event.choice == 0:
            reason = event.reason
        elif type(event) is AnswerInfo:
            info = event
        elif type(event) is not Retrying:
            return None
    if info is None:
        return None
    name = info.model or info.provider
    metadata = {**info.extra, "model_name": name, "model_provider": MODEL_PROVIDER, "finish_reason": reason}
    if info.response_id:
        metadata["id"] = info.response_id
    metadata["g4f"] = info.to_dict()
    generation = generation_maker()("".join(parts), metadata, usage, {"finish_reason": reason})
    return result_maker()(generation, {"model_name": name})


class _Choice:
    """One choice of a blocking answer, piece by piece."""

    def __init__(self) -> None:
        self.content: list[str | dict[str, Any]] = []
        self.reasoning: list[str] = []
        self.calls: list[Any] = []
        self.invalid: list[Any] = []

    def message_content(self) -> str | list[str | dict[Any, Any]]:
        texts = [piece for piece in self.content if isinstance(piece, str)]
        if len(texts) == len(self.content):
            return "".join(texts)
        blocks: list[str | dict[Any, Any]] = []
        text = ""
        for piece in self.content:
            if isinstance(piece, str):
                text += piece
                continue
            if text:
                blocks.append({"type": "text", "text": text})
                text = ""
            blocks.append(piece)
        return [*blocks, {"type": "text", "text": text}] if text else blocks


class ResultBuilder:
    """Folds the events of one blocking answer into a `ChatResult` with a generation per choice."""

    def __init__(self, dropped: Iterable[str] = ()) -> None:
        self._closing = _Closing(dropped)
        self._choices: dict[int, _Choice] = {0: _Choice()}

    def feed(self, event: Event) -> None:
        """Take one event."""
        if type(event) is TextDelta:
            self._choice(event.choice).content.append(event.text)
        elif type(event) is ReasoningDelta:
            self._choice(event.choice).reasoning.append(event.text)
        elif isinstance(event, Media):
            content = self._choice(event.choice).content
            content.extend(_media_blocks(event))
            if not event.items:
                content.append(event.text)
        elif isinstance(event, ToolCall):
            call = tool_call(name=event.name, args=event.arguments, id=event.id)
            self._choice(event.choice).calls.append(call)
        elif isinstance(event, InvalidToolCall):
            invalid = invalid_tool_call(name=event.name, args=event.arguments, id=event.id, error=event.error)
            self._choice(event.choice).invalid.append(invalid)
        else:
            self._closing.take(event)

    def result(self) -> ChatResult:
        """The whole answer; the usage stands on the first generation only, so that nobody counts it twice."""
        generations = [self._generation(index) for index in sorted(self._choices)]
        info = self._closing.info
        return ChatResult(
            generations=generations, llm_output={"model_name": info.model or info.provider} if info else None
        )

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
        return choice

    def _generation(self, index: int) -> ChatGeneration:
        choice = self._choices[index]
        content = choice.message_content()
        if type(content) is str and not (choice.reasoning or choice.calls or choice.invalid):
            return generation_maker()(
                content,
                self._closing.response_metadata(index),
                self._closing.usage_metadata() if index == 0 else None,
                self._closing.generation_info(index),
            )
        message = AIMessage(
            content=content,
            additional_kwargs={"reasoning_content": "".join(choice.reasoning)} if choice.reasoning else {},
            tool_calls=choice.calls,
            invalid_tool_calls=choice.invalid,
            usage_metadata=self._closing.usage_metadata() if index == 0 else None,
            response_metadata=self._closing.response_metadata(index),
        )
        return ChatGeneration(message=message, generation_info=self._closing.generation_info(index))


def _convert_usage(usage: Usage) -> UsageMetadata:
    converted = UsageMetadata(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, total_tokens=usage.total_tokens
    )
    if usage.details:
        inputs = {_INPUT_DETAILS[name]: count for name, count in usage.details.items() if name in _INPUT_DETAILS}
        outputs = {_OUTPUT_DETAILS[name]: count for name, count in usage.details.items() if name in _OUTPUT_DETAILS}
        if inputs:
            converted["input_token_details"] = cast("InputTokenDetails", inputs)  # only names that it has
        if outputs:
            converted["output_token_details"] = cast("OutputTokenDetails", outputs)
    return converted


def _media_blocks(media: Media) -> list[dict[str, Any]]:
    """Pictures, sound or films as LangChain's standard blocks; the first recording has its transcript beside it."""
    blocks = [_media_block(media.kind, item) for item in media.items]
    if media.kind == "audio" and blocks and media.text:
        blocks[0]["extras"] = {"transcript": media.text}
    return blocks


def _media_block(kind: str, item: str) -> dict[str, Any]:
    if not item.startswith("data:"):
        return {"type": kind, "url": item}
    head, _, data = item[5:].partition(",")
    mime_type, *flags = head.split(";")
    if "base64" not in flags:
        return {"type": kind, "url": item}
    return {"type": kind, "base64": data, "mime_type": mime_type or _BLOCK_DEFAULTS[kind]}


def _unparseable(arguments: str) -> str:
    """`arguments` that no parser takes for an object.

    LangChain reads a streamed call's arguments with a parser that completes what is cut off and drops what is too
    much, so half a call would be run as if it were whole.
    """
    try:
        taken_as = parse_partial_json(arguments) if arguments else {}
    except ValueError:
        return arguments
    return f"invalid arguments: {arguments}" if isinstance(taken_as, dict) else arguments
