"""Long conversations beside LangChain's and LangGraph's own memories: what a route cannot take is left out for it alone."""

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from g4f_integrations import Route, Trimming
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider

LONG = "Tell me of the lighthouse, please, and of its keeper. " * 8
THREAD = {"configurable": {"thread_id": "one"}}


def talkative(window, **settings):
    provider = ScriptedProvider("It flashes, and he sleeps. " * 4, supports_message_history=True)
    return ChatG4F(routes=[Route(provider, "m", context_window=window)], **settings), provider


def test_the_checkpointer_keeps_the_whole_conversation():
    model, provider = talkative(1_000)
    agent = create_agent(model, checkpointer=InMemorySaver())

    for number in range(20):
        state = agent.invoke({"messages": [HumanMessage(f"{number}: {LONG}")]}, THREAD)

    assert len(state["messages"]) == 40
    assert len(provider.calls[-1].messages) < 15
    trimmed = state["messages"][-1].response_metadata["g4f"]["trimmed"]
    assert trimmed["messages_removed"] == 39 - len(provider.calls[-1].messages)
    assert state["messages"][0].content.startswith("0: ")


def test_summarization_middleware_shortens_what_trimming_then_need_not_touch():
    model, provider = talkative(4_000)
    summarizer = ChatG4F(provider=ScriptedProvider("They spoke of a lighthouse."))
    middleware = SummarizationMiddleware(summarizer, trigger=("messages", 6), keep=("messages", 2))
    agent = create_agent(model, middleware=[middleware], checkpointer=InMemorySaver())

    for number in range(10):
        state = agent.invoke({"messages": [HumanMessage(f"{number}: {LONG}")]}, THREAD)

    assert len(state["messages"]) < 10
    assert "They spoke of a lighthouse." in str(provider.calls[-1].messages)
    assert state["messages"][-1].response_metadata["g4f"]["trimmed"] is None


def test_who_wants_to_shorten_by_themselves_gets_langchains_own_error():
    model, provider = talkative(1_000, trimming=Trimming(on_overflow="raise"))

    with pytest.raises(ContextOverflowError) as caught:
        model.invoke([HumanMessage(LONG)] * 20)

    assert (caught.value.limit, provider.calls) == (675, [])
    assert caught.value.requested > 675
