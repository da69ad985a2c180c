"""Event loops, threads, streams that are left early, and calls that are cancelled."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from g4f.providers.base_provider import AsyncGeneratorProvider
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.chat_engine.types import StreamingAgentChatResponse
from llama_index.core.memory import ChatMemoryBuffer

from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply, Stall, chunk

HI = [ChatMessage("Hi")]


@pytest.fixture
def endless(loopback):
    """A model whose endpoint gives two words, and then nothing for ever."""
    loopback.replies(Reply.sse(chunk("one "), chunk("two "), Stall(), done=False))
    return G4FLLM(base_url=loopback.base_url, model="m")


async def test_many_calls_run_side_by_side():
    barrier = asyncio.Barrier(20)

    class Together(AsyncGeneratorProvider):
        working, runs_inline, default_model = True, True, "m"

        @classmethod
        async def create_async_generator(cls, model, messages, **kwargs):
            async with asyncio.timeout(5):
                await barrier.wait()  # nobody is answered before everybody has asked
            yield "Hello"

    llm = G4FLLM(provider=Together)

    answers = await asyncio.gather(*(llm.achat(HI) for _ in range(20)))

    assert {answer.message.content for answer in answers} == {"Hello"}


def test_a_model_serves_one_event_loop_after_the_other(loopback):
    llm = G4FLLM(base_url=loopback.base_url, model="m")

    assert [str(asyncio.run(llm.acomplete("Hi"))) for _ in range(2)] == ["Hi", "Hi"]


def test_a_model_serves_many_threads_at_once(loopback):
    llm = G4FLLM(base_url=loopback.base_url, model="m")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: str(llm.complete(f"Number {number}")), range(16)))

    assert answers == [f"Number {number}" for number in range(16)]


async def test_blocking_calls_work_inside_a_running_loop():
    assert str(G4FLLM(provider=ScriptedProvider("Hello")).complete("Hi")) == "Hello"


def test_a_stream_can_be_read_by_another_thread():
    stream = G4FLLM(provider=ScriptedProvider("Hel", "lo")).stream_chat(HI)
    memory = ChatMemoryBuffer.from_defaults(token_limit=1_000)
    response = StreamingAgentChatResponse(chat_stream=stream)

    writer = threading.Thread(target=response.write_response_to_history, args=(memory,))
    writer.start()
    words = list(response.response_gen)
    writer.join(5)

    assert "".join(words) == "Hello"
    assert memory.get_all()[-1].content == "Hello"


async def test_closing_a_stream_closes_the_connection_before_it_returns(endless, loopback):
    for endpoint, asked in (("astream_chat", HI), ("astream_complete", "Hi")):
        stream = await getattr(endless, endpoint)(asked)
        assert (await anext(stream)).delta.startswith("one ")

        await stream.aclose()

        assert await asyncio.to_thread(loopback.requests[-1].client_left)


def test_closing_a_blocking_stream_closes_the_connection(endless, loopback):
    stream = endless.stream_chat(HI)
    next(stream)

    stream.close()

    assert loopback.requests[0].client_left()


async def test_leaving_a_stream_early_closes_the_connection(endless, loopback):
    async for _ in await endless.astream_chat(HI):
        break

    assert await asyncio.to_thread(loopback.requests[0].client_left)


def test_leaving_a_blocking_stream_early_closes_the_connection(endless, loopback):
    for _ in endless.stream_complete("Hi"):
        break

    assert loopback.requests[0].client_left()


async def test_cancelling_a_reader_closes_the_connection_and_leaves_no_task(endless, loopback):
    async def read():
        async for _ in await endless.astream_chat(HI):
            pass

    before = len(asyncio.all_tasks())
    task = asyncio.create_task(read())
    assert await asyncio.to_thread(loopback.wait_for_requests)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(loopback.requests[0].client_left)
    assert len(asyncio.all_tasks()) == before


async def test_cancelling_a_call_closes_the_connection(loopback):
    loopback.replies(Reply.raw(Stall()))
    task = asyncio.create_task(G4FLLM(base_url=loopback.base_url, model="m").achat(HI))
    assert await asyncio.to_thread(loopback.wait_for_requests)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(loopback.requests[0].client_left)
