"""Long conversations beside LlamaIndex's own memory: it keeps what a route cannot take."""

import pytest
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import Memory

from g4f_integrations import Route
from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.testing import ScriptedProvider

LONG = "Tell me of the lighthouse, please, and of its keeper. " * 8


@pytest.fixture
async def memory():
    """A memory whose database is closed with the test: it has a thread that outlives its loop otherwise."""
    memory = Memory.from_defaults(session_id="one", token_limit=100_000)
    yield memory
    await memory.sql_store._async_engine.dispose()


async def test_memory_keeps_what_is_left_out_for_the_route(memory):
    provider = ScriptedProvider("It flashes, and he sleeps. " * 4, supports_message_history=True)
    llm = G4FLLM(routes=[Route(provider, "m", context_window=1_000)])
    memory.tokenizer_fn = llm.tokenizer
    engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory)

    for number in range(15):
        answer = await engine.achat(f"{number}: {LONG}")

    assert len(await memory.aget_all()) == 30
    assert len(provider.calls[-1].messages) < 15
    assert str(answer).startswith("It flashes")
