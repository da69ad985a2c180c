"""The models that are compared, each set up as its own documentation shows it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import aiohttp
from g4f.providers.base_provider import AsyncGeneratorProvider
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from server import words

from g4f_integrations import Route
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.langchain import ChatG4F

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

PROMPT = "Tell me about the fox, in one sentence."
WIRE: list[dict[str, Any]] = [{"role": "user", "content": PROMPT}]
KEY = "sk-benchmark"


def chat_g4f(url: str, **settings: Any) -> ChatG4F:
    """`ChatG4F` over an endpoint."""
    return ChatG4F(model="bench", base_url=url, api_key=KEY, **settings)


def chat_openai(url: str) -> ChatOpenAI:
    """`ChatOpenAI`, reading the usage of streams as `ChatG4F` does."""
    from langchain_openai import ChatOpenAI  # the tests of the chaos run do without it

    return ChatOpenAI(model="bench", base_url=url, api_key=KEY, stream_usage=True)  # type: ignore[arg-type]


def provider_of(count: int) -> type[AsyncGeneratorProvider]:
    """A g4f provider in this process that gives `count` words without waiting for anything."""
    pieces = words(count)

    async def give(**_: Any) -> AsyncGenerator[str, None]:
        for piece in pieces:
            yield piece

    return provider_from(give, f"Words{count}")


def provider_from(give: Callable[..., AsyncIterator[str]], name: str) -> type[AsyncGeneratorProvider]:
    """A g4f provider whose answers are what `give` gives."""

    def create_async_generator(_cls: type, **arguments: Any) -> AsyncIterator[str]:
        return give(**arguments)

    namespace = {
        "working": True,
        "needs_auth": False,
        "url": "http://127.0.0.1",
        "supports_stream": True,
        "supports_message_history": True,
        "supports_system_message": True,
        "create_async_generator": classmethod(create_async_generator),
    }
    return type(name, (AsyncGeneratorProvider,), namespace)


def chat_g4f_in_process(provider: type, *, inline: bool) -> ChatG4F:
    """`ChatG4F` over a provider, in the caller's own loop or on the provider thread."""
    return ChatG4F(routes=[Route(provider, "bench", inline=inline)])


class BareModel(BaseChatModel):
    """The least that a LangChain model over aiohttp can be: no retries, no clocks, no usage, no care."""

    url: str

    @property
    def _llm_type(self) -> str:
        return "bare"

    def _post(self, messages: list[BaseMessage], *, stream: bool) -> Any:
        sent = [{"role": "user", "content": message.content} for message in messages]
        return _post(self.url, sent, stream=stream)

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        return run_blocking(lambda: self._agenerate(messages))  # the way of `ChatG4F`, which is measured beside it

    async def _agenerate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        async with self._post(messages, stream=False) as response:
            answer = await response.json()
        message = AIMessage(content=answer["choices"][0]["message"]["content"])
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        async with self._post(messages, stream=True) as response:
            async for content in _contents(response):
                yield ChatGenerationChunk(message=AIMessageChunk(content=content))


class NoModel(BareModel):
    """LangChain's own cost: a model that answers without doing anything."""

    async def _agenerate(self, *_: Any, **__: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="The fox."))])


async def _contents(response: aiohttp.ClientResponse) -> AsyncIterator[str]:
    async for line in response.content:
        if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                yield choices[0]["delta"]["content"]


async def raw_call(url: str) -> str:
    """aiohttp as one writes it by hand: the text of a blocking answer."""
    async with _post(url, WIRE, stream=False) as response:
        content: str = (await response.json())["choices"][0]["message"]["content"]
        return content


async def raw_stream(url: str) -> AsyncIterator[str]:
    """The words of a streamed answer."""
    async with _post(url, WIRE, stream=True) as response:
        async for content in _contents(response):
            yield content


_sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}


def _post(url: str, messages: list[dict[str, Any]], *, stream: bool) -> Any:
    loop = asyncio.get_running_loop()
    session = _sessions.get(loop)
    if session is None:
        session = _sessions[loop] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    body = {"model": "bench", "messages": messages, "stream": stream}
    return session.post(f"{url}/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"})


async def asked(url: str) -> Any:
    """What the server says to a plain question."""
    async with _post(url, WIRE, stream=False) as response:
        return await response.json()


async def close_session() -> None:
    """Close the session that the hand-written clients share on the running loop."""
    session = _sessions.pop(asyncio.get_running_loop(), None)
    if session is not None:
        await session.close()
