"""Cells of LlamaIndex: `G4FLLM` beside `OpenAILike` over the same endpoint, and beside `MockLLM`, which asks nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from clients import KEY, PROMPT
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms import CustomLLM, MockLLM
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.llms.openai_like import OpenAILike
from measuring import AsyncSubject, Report, at_least, at_most, interleave, interleave_blocking, medians
from server import ANSWER, words
from setting import Server

from g4f_integrations.llama_index import G4FLLM

_OURS, _LIKE, _MOCK, _FLOOR = "G4FLLM over an endpoint", "OpenAILike", "MockLLM", "LLM that does nothing"
_READ_USAGE = {"stream_options": {"include_usage": True}}  # as `G4FLLM` does
_QUESTION = [ChatMessage(PROMPT)]
_HISTORY = [
    ChatMessage(f"{number}. {PROMPT}", role=MessageRole.ASSISTANT if number % 2 else MessageRole.USER)
    for number in range(100)
]


def _ours(url: str) -> G4FLLM:
    return G4FLLM(model="bench", base_url=url, api_key=KEY)


def _like(url: str) -> OpenAILike:
    """As its page shows it."""
    return OpenAILike(model="bench", api_base=url, api_key=KEY, is_chat_model=True, is_function_calling_model=True)


class Idle(CustomLLM):
    """LlamaIndex's own cost: an LLM that answers without doing anything."""

    count: int = 1

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(is_chat_model=True)

    @llm_chat_callback()
    async def achat(self, messages: Any, **_: Any) -> ChatResponse:  # noqa: ARG002  the framework's signature
        return ChatResponse(message=ChatMessage(ANSWER, role=MessageRole.ASSISTANT))

    @llm_chat_callback()
    async def astream_chat(self, messages: Any, **_: Any) -> ChatResponseAsyncGen:  # noqa: ARG002  see above
        async def give() -> ChatResponseAsyncGen:
            text = ""
            for word in words(self.count):
                text += word
                yield ChatResponse(message=ChatMessage(text, role=MessageRole.ASSISTANT), delta=word)

        return give()

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponse:
        raise NotImplementedError

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **_: Any) -> CompletionResponseAsyncGen:
        raise NotImplementedError


def _calling(llm: Any, **arguments: Any) -> AsyncSubject:
    async def call() -> None:
        assert (await llm.achat(_QUESTION, **arguments)).message.content

    return call


async def llama_index_call(server: Server, report: Report, rounds: int) -> None:
    """One call after the other, async and blocking, and 200 at once."""
    url = server.url("call")
    ours, like = _ours(url), _like(url)
    subjects = {_OURS: ours, _LIKE: like, _MOCK: MockLLM(), _FLOOR: Idle()}
    took = medians(await interleave({name: _calling(llm) for name, llm in subjects.items()}, rounds))
    report.figures("LlamaIndex, one achat", "µs", {name: value * 1e6 for name, value in took.items()})
    report.judge("LlamaIndex: achat / OpenAILike", took[_OURS] / took[_LIKE], at_most(0.3))
    report.judge("LlamaIndex: achat / MockLLM", took[_OURS] / took[_MOCK])

    blocking = {name: lambda llm=llm: llm.chat(_QUESTION) for name, llm in ((_OURS, ours), (_LIKE, like))}
    # In a thread, as these block: LlamaIndex's users have no loop there.
    took = medians(await asyncio.to_thread(interleave_blocking, blocking, rounds))
    report.figures("LlamaIndex, one chat", "µs", {name: value * 1e6 for name, value in took.items()})
    report.judge("LlamaIndex: chat / OpenAILike", took[_OURS] / took[_LIKE], at_most(0.4))

    def at_once(llm: Any) -> AsyncSubject:
        async def call() -> None:
            await asyncio.gather(*(llm.achat(_QUESTION) for _ in range(200)))

        return call

    took = medians(await interleave({_OURS: at_once(ours), _LIKE: at_once(like)}, max(3, rounds // 20), collect=True))
    rates = {name: 200 / value for name, value in took.items()}
    report.figures("LlamaIndex, 200 achat at once", "calls/s", rates)
    report.judge("LlamaIndex: 200 at once / OpenAILike", rates[_OURS] / rates[_LIKE], at_least(4))


async def llama_index_stream(server: Server, report: Report, rounds: int) -> None:
    """Streamed chunks, after one message and after a hundred: LlamaIndex's event holds the history, every time."""
    for count, messages, name in ((200, _QUESTION, "200 chunks"), (200, _HISTORY, "200 chunks, 100 messages")):
        url = server.url(f"s{count}")
        streams = {
            _OURS: _reading(_ours(url), messages, count),
            _LIKE: _reading(_like(url), messages, count, **_READ_USAGE),
            _FLOOR: _reading(Idle(count=count), messages, count),
        }
        took = medians(await interleave(streams, max(3, rounds // 4)))
        rates = {subject: count / value for subject, value in took.items()}
        report.figures(f"LlamaIndex, astream_chat, {name}", "chunks/s", rates)
        report.judge(f"LlamaIndex: {name} / OpenAILike", rates[_OURS] / rates[_LIKE], at_least(4))
        report.judge(f"LlamaIndex: {name} / LLM that does nothing", rates[_OURS] / rates[_FLOOR])


def _reading(llm: Any, messages: list[ChatMessage], expected: int, **arguments: Any) -> AsyncSubject:
    async def read() -> None:
        count = 0
        stream: AsyncIterator[ChatResponse] = await llm.astream_chat(messages, **arguments)
        async for _ in stream:
            count += 1
        assert count >= expected, (llm, count)

    return read
