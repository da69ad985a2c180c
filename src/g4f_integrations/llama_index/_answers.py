"""The engine's events → LlamaIndex's responses, whole or growing.

What LlamaIndex asks of them, and where it breaks otherwise:

- A chunk holds the whole message so far and, as `delta`, what is new. The last chunk's message *is* the answer.
- Text is in one block: `ChatMessage.content` puts a line break between two.
- Calls stand in the blocks and, as plain dicts, in the message's `additional_kwargs`: half of LlamaIndex reads one
  place, half the other. Nothing else stands there, for it is printed into prompts.
- `raw` is a dict with the usage, on the last chunk, or tokens are counted wrongly.
- A stream without any chunk makes an agent succeed with nothing, so an empty answer is a chunk, too.
"""

from __future__ import annotations

import json
from typing import Any, Protocol, TypeVar

from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    ContentBlock,
    ImageBlock,
    LogProb,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

from g4f_integrations.core.events import (
    AnswerInfo,
    Batch,
    Event,
    Finish,
    InvalidToolCall,
    Logprobs,
    Media,
    ReasoningDelta,
    Sources,
    TextDelta,
    ToolCall,
    Usage,
)
from g4f_integrations.core.settings.calls import Call
from g4f_integrations.llama_index._fast import response_maker

R_co = TypeVar("R_co", covariant=True)


class Builder(Protocol[R_co]):
    """What makes responses of events: one for each chunk, and one for the whole."""

    info: AnswerInfo | None

    def feed(self, event: Event) -> R_co | None:
        """Take one event; the chunk that it makes, if it makes one."""

    def take(self, event: Event) -> None:
        """Take one event of an answer that is wanted whole."""

    def whole(self) -> R_co:
        """The answer so far as one response."""

    def whole_of(self, events: Batch) -> R_co:
        """The answer that `events` make, and nothing before them."""


class _Answer:
    """One answer as far as it has come: everything that both kinds of responses are made of."""

    def __init__(self, call: Call) -> None:
        self.info: AnswerInfo | None = None
        self.text = ""
        self._more: dict[int, str] = {}  # texts of further choices
        self._thoughts: list[str] = []
        self._thinking: ThinkingBlock | None = None
        self._media: list[ContentBlock] = []
        self._calls: list[ToolCallBlock] = []
        self._invalid: list[dict[str, Any]] = []
        self._names: dict[str, str] = call.own.get("tool_names") or {}
        self._single = call.request.parallel_tool_calls is False
        self._dropped = call.dropped
        self._usage: Usage | None = None
        self._reason = "stop"
        self._logprobs: list[list[LogProb]] = []
        self._sources: list[dict[str, Any]] = []

    def take(self, event: Event) -> None:
        """Keep what `event` brings."""
        if type(event) is TextDelta:
            self._add_text(event.text, event.choice)
        elif type(event) is ReasoningDelta:
            self._add_thought(event)
        else:
            self._take_other(event)

    def _take_plain(self, events: Batch) -> None:
        """`take` for all events of an answer, which are mostly one text and what is told of it."""
        for event in events:
            if type(event) is TextDelta and event.choice == 0:
                self.text += event.text
            elif type(event) is Usage:
                self._usage = event
            elif type(event) is Finish and event.choice == 0:
                self._reason = event.reason
            elif type(event) is AnswerInfo:
                self.info = event
            else:
                self.take(event)

    def _take_other(self, event: Event) -> str:
        """Keep what is no text; what a reader of text sees of it."""
        if isinstance(event, AnswerInfo):
            self.info = event
        elif isinstance(event, Usage):
            self._usage = event
        elif isinstance(event, Finish):
            self._reason = event.reason if event.choice == 0 else self._reason
        elif isinstance(event, ToolCall | InvalidToolCall):
            self._add_call(event)
        elif isinstance(event, Media):
            return self._add_media(event)
        elif isinstance(event, Logprobs) and event.choice == 0:
            self._logprobs += [_convert_logprob(token) for token in event.content]
        elif isinstance(event, Sources):
            self._sources += event.items
        return ""

    def _add_text(self, text: str, choice: int) -> None:
        if choice == 0:
            self.text += text
        else:
            self._more[choice] = self._more.get(choice, "") + text

    def _add_thought(self, event: ReasoningDelta) -> None:
        if event.choice == 0:
            self._thoughts.append(event.text)
            self._thinking = None

    def _add_call(self, event: ToolCall | InvalidToolCall) -> None:
        if event.choice != 0 or (self._single and self._calls):
            return
        name = self._names.get(event.name, event.name)
        if isinstance(event, InvalidToolCall):
            told = {"id": event.id, "name": name, "arguments": event.arguments, "error": event.error}
            self._invalid.append(told)
        self._calls.append(ToolCallBlock(tool_call_id=event.id, tool_name=name, tool_kwargs=event.arguments))

    def _add_media(self, event: Media) -> str:
        if event.choice != 0:
            return ""
        self._media += [_media_block(event.kind, item) for item in event.items]
        inline = any(item.startswith("data:") for item in event.items)
        text = "" if inline else event.text  # bytes in the text would be read, counted and paid for as such
        self.text += text
        return text

    # --- What comes out -----------------------------------------------------------------------------------------------

    def message(self) -> ChatMessage:
        """The answer so far as an assistant's message."""
        blocks: list[ContentBlock] = []
        if self._thoughts:
            if self._thinking is None:
                self._thoughts = ["".join(self._thoughts)]
                self._thinking = ThinkingBlock(content=self._thoughts[0])
            blocks.append(self._thinking)
        blocks.append(TextBlock(text=self.text))
        if not (self._media or self._calls):
            return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)
        blocks += self._media
        blocks += self._calls
        extra = {"tool_calls": [_plain_call(call) for call in self._calls]} if self._calls else {}
        return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=extra)

    def raw(self) -> dict[str, Any]:
        """The facts of the answer in OpenAI's words."""
        info = self.info
        raw: dict[str, Any] = {"finish_reason": self._reason, "usage": self._usage_dict()}
        if info is not None:
            raw = {**info.extra, "model": info.model or info.provider, "provider": info.provider, **raw}
            if info.response_id:
                raw["id"] = info.response_id
        if self._more:
            texts = {0: self.text, **self._more}
            raw["choices"] = [{"index": index, "text": texts[index]} for index in sorted(texts)]
        return raw

    def details(self) -> dict[str, Any]:
        """What stands beside the message: where the answer comes from, its tokens, calls that cannot be made."""
        details: dict[str, Any] = {}
        if self.info is not None:
            told = details["g4f"] = self.info.to_dict()
            if self._sources and not told["sources"]:
                told["sources"] = self._sources
            if self._dropped:
                told["dropped"] = [*told["dropped"], *self._dropped]
        if self._invalid:
            details["invalid_tool_calls"] = self._invalid
        usage = self._usage
        if usage is not None:
            details["prompt_tokens"] = usage.input_tokens
            details["completion_tokens"] = usage.output_tokens
            details["total_tokens"] = usage.total_tokens
        return details

    def _usage_dict(self) -> dict[str, Any]:
        usage = self._usage or Usage()
        return {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
            **({"details": dict(usage.details)} if usage.details else {}),
        }


class ChatBuilder(_Answer):
    """Makes `ChatResponse`s of one answer's events."""

    def feed(self, event: Event) -> ChatResponse | None:
        """The chunk that `event` makes, if it makes one; `AnswerInfo` makes the last."""
        if type(event) is TextDelta:
            self._add_text(event.text, event.choice)
            if event.choice != 0:
                return None
            return ChatResponse(message=self.message(), delta=event.text)
        if isinstance(event, ReasoningDelta):
            self._add_thought(event)
            return ChatResponse(message=self.message(), delta="", additional_kwargs={"thinking_delta": event.text})
        known = len(self._calls) + len(self._media)
        delta = self._take_other(event)
        if isinstance(event, AnswerInfo):
            whole = self.whole()
            whole.delta = ""
            return whole
        if delta or len(self._calls) + len(self._media) > known:
            return ChatResponse(message=self.message(), delta=delta)
        return None

    def whole(self) -> ChatResponse:
        """The answer as one response."""
        if not (self._thoughts or self._media or self._calls or self._logprobs):
            return response_maker()(self.text, self.raw(), self.details())
        return ChatResponse(
            message=self.message(), raw=self.raw(), logprobs=self._logprobs or None, additional_kwargs=self.details()
        )

    def whole_of(self, events: Batch) -> ChatResponse:
        """The answer that `events` make as one response."""
        self._take_plain(events)
        return self.whole()


class CompletionBuilder(_Answer):
    """Makes `CompletionResponse`s of one answer's events; reasoning stays out of the text."""

    def feed(self, event: Event) -> CompletionResponse | None:
        """The chunk that `event` makes, if it makes one; `AnswerInfo` makes the last."""
        if type(event) is TextDelta:
            self._add_text(event.text, event.choice)
            return CompletionResponse(text=self.text, delta=event.text) if event.choice == 0 else None
        if isinstance(event, ReasoningDelta):
            self._add_thought(event)
            return None
        delta = self._take_other(event)
        if isinstance(event, AnswerInfo):
            whole = self.whole()
            whole.delta = ""
            return whole
        return CompletionResponse(text=self.text, delta=delta) if delta else None

    def whole(self) -> CompletionResponse:
        """The answer as one response."""
        return CompletionResponse(
            text=self.text, raw=self.raw(), logprobs=self._logprobs or None, additional_kwargs=self.details()
        )

    def whole_of(self, events: Batch) -> CompletionResponse:
        """The answer that `events` make as one response."""
        self._take_plain(events)
        return self.whole()


def _plain_call(call: ToolCallBlock) -> dict[str, Any]:
    """A call in OpenAI's form; a dict, as memories and contexts write it down."""
    held = call.tool_kwargs
    arguments = held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)
    return {"id": call.tool_call_id, "type": "function", "function": {"name": call.tool_name, "arguments": arguments}}


def _convert_logprob(token: dict[str, Any]) -> list[LogProb]:
    candidates = token.get("top_logprobs") or [token]
    return [
        LogProb(token=one.get("token", ""), logprob=one.get("logprob", 0.0), bytes=one.get("bytes") or [])
        for one in candidates
    ]


def _media_block(kind: str, item: str) -> ContentBlock:
    """A picture, sound or film of an answer."""
    head, _, data = item.partition(",")
    inline = head.startswith("data:") and head.endswith(";base64")
    mime = head[5:].partition(";")[0] if inline else None
    payload = data.encode() if inline else None
    url = None if inline else item
    if kind == "audio":
        return AudioBlock(audio=payload, url=url, format=mime.partition("/")[2] if mime else None)
    if kind == "video":
        return VideoBlock(video=payload, url=url, video_mimetype=mime)
    return ImageBlock(image=payload, url=url, image_mimetype=mime)
