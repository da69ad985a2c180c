"""Real agents on every kind of route: LangChain's, LangGraph's, deepagents', and a loop of a few lines.

The models behind them are stand-ins that act by rules, so what is shown is the road that calls and results travel.
"""

import re
import sys
import warnings
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from g4f_integrations import Resilience, Route
from g4f_integrations.langchain import ChatG4F
from loopback import LoopbackServer
from strict_openai import message_fault, request_fault
from toy_model import Said
from toy_provider import strict_provider

QUICK = Resilience(backoff_initial=0, backoff_max=0)
WAYS = ["invoke", "ainvoke", "stream", "astream"]
PEOPLE = {"Lima": 11, "Oslo": 1}


@tool
def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"It is raining in {city}."


@tool
def population(city: str) -> int:
    """Tell how many million people live in a city."""
    return PEOPLE[city]


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def percentage(part: int, whole: int) -> str:
    """Tell how many percent of a whole a part is."""
    return f"{100 * part / whole:.1f} %"


class Report(BaseModel):
    """A report on the weather."""

    city: str
    rains: bool


def clerk(wish, reply):
    """A mind that asks for one thing after the other, each made of the results that it was told."""
    known = wish.all_results
    steps = [
        lambda: ("population", {"city": "Lima"}),
        lambda: ("population", {"city": "Oslo"}),
        lambda: ("add", {"a": int(known[0]), "b": int(known[1])}),
        lambda: ("percentage", {"part": int(known[1]), "whole": int(known[2])}),
    ]
    if len(known) == len(steps):
        return Said(texts=re.findall(r"\S+\s*", f"Together {known[2]} million; Oslo has {known[3]} of them."))
    name, arguments = steps[len(known)]()
    return Said(calls=[{"id": f"c{len(known)}", "name": name, "arguments": arguments}])


RIGHT = "Together 12 million; Oslo has 8.3 % of them."
QUESTION = "How many people live in Lima and Oslo together, and which part of them in Oslo?"


async def run(agent, way, question, config=None):
    """The agent's last state."""
    state = {"messages": [("user", question)]}
    if way == "invoke":
        return agent.invoke(state, config)
    if way == "ainvoke":
        return await agent.ainvoke(state, config)
    last = None
    if way == "stream":
        for mode, part in agent.stream(state, config, stream_mode=["messages", "values"]):
            last = part if mode == "values" else last
    else:
        async for mode, part in agent.astream(state, config, stream_mode=["messages", "values"]):
            last = part if mode == "values" else last
    return last


def langchain_agents():
    return pytest.importorskip("langchain.agents", reason="the `langchain` package is not installed")


@pytest.fixture(params=["over HTTP", "with tools", "in words"])
def route(request):
    """Settings of a model over one kind of route, and the requests that it gets."""
    if request.param == "over HTTP":
        with LoopbackServer() as server:
            yield (
                {"base_url": server.base_url},
                lambda: [(one.body, request_fault(one.body)) for one in server.requests],
            )
        return
    Provider, received = strict_provider(has_tools=request.param == "with tools")
    yield {"provider": Provider}, lambda: [(one, message_fault(one["messages"])) for one in received]


# LangChain's agent ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["gpt-4o", "stand-in"])  # LangChain takes the former for one that has formats
async def test_an_agent_calls_a_tool_and_reports_in_the_form_of_a_schema(route, name, way):
    settings, requests = route
    agent = langchain_agents().create_agent(ChatG4F(model=name, **settings), [get_weather], response_format=Report)

    state = await run(agent, way, "What is the weather in 'Lima'?")

    assert state["structured_response"] == Report(city="Lima", rains=True)
    assert "It is raining in Lima." in [message.content for message in state["messages"]]
    assert [fault for _, fault in requests()] == [None] * 2


@pytest.mark.parametrize("strategy", ["ToolStrategy", "ProviderStrategy"])
async def test_both_strategies_work_whatever_the_model_is_called(route, strategy):
    settings, _ = route
    from_agents = pytest.importorskip("langchain.agents.structured_output", reason="`langchain` is not installed")
    form = getattr(from_agents, strategy)(Report)
    agent = langchain_agents().create_agent(ChatG4F(model="m", **settings), [get_weather], response_format=form)

    state = await run(agent, "ainvoke", "What is the weather in 'Lima'?")

    assert state["structured_response"] == Report(city="Lima", rains=True)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("has_tools", [True, False], ids=["with tools", "in words"])
@pytest.mark.parametrize("inline", [True, False], ids=["in the caller's loop", "on the provider thread"])
async def test_an_agent_of_five_turns_finishes_on_a_provider_that_fails_every_third_call(way, has_tools, inline):
    Provider, received = strict_provider(has_tools=has_tools, mind=clerk, fails_every=3)
    model = ChatG4F(routes=[Route(Provider, "m", inline=inline)], resilience=QUICK)
    agent = langchain_agents().create_agent(model, [population, add, percentage])

    state = await run(agent, way, QUESTION)

    answers = [message for message in state["messages"] if isinstance(message, AIMessage)]
    assert answers[-1].text == RIGHT
    assert len(answers) == 5
    assert len(received) == 7  # two of them failed
    assert {answer.response_metadata["g4f"]["tools"] for answer in answers} == {"native" if has_tools else "prompt"}
    ids = [call["id"] for answer in answers for call in answer.tool_calls]
    assert len({*ids}) == 4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["gpt-4o", "stand-in"])
async def test_a_server_that_refuses_tools_and_formats_is_asked_in_words_from_then_on(name, way):
    with LoopbackServer(refuses={"tools", "tool_choice", "response_format"}) as server:
        model = ChatG4F(model=name, base_url=server.base_url)
        agent = langchain_agents().create_agent(model, [get_weather], response_format=Report)

        state = await run(agent, way, "What is the weather in 'Lima'?")

        assert state["structured_response"] == Report(city="Lima", rains=True)
        refused = [request_fault(one.body, server.refuses) is not None for one in server.requests]
        assert refused in ([True, False, False], [True, True, False, False])  # one refusal for each thing it lacks


async def test_an_agents_tokens_are_streamed_where_it_has_tools_in_words_only():
    Provider, _ = strict_provider(has_tools=False, mind=clerk)
    agent = langchain_agents().create_agent(ChatG4F(provider=Provider), [population, add, percentage])

    stream = agent.stream({"messages": [("user", QUESTION)]}, stream_mode="messages")
    pieces = [chunk.text for chunk, _ in stream if isinstance(chunk, AIMessage) and chunk.text]

    assert "".join(pieces) == RIGHT
    assert len(pieces) > 5


def test_an_agent_is_told_of_a_tool_that_failed(route):
    settings, requests = route

    @tool
    def weather_of(city: str) -> str:
        """Tell the weather in a city."""
        raise ValueError(f"nobody knows {city}")

    middleware = pytest.importorskip("langchain.agents.middleware", reason="`langchain` is not installed")

    @middleware.wrap_tool_call
    def errors_told(request, handler):
        try:
            return handler(request)
        except ValueError as error:
            return ToolMessage(f"Error: {error}", tool_call_id=request.tool_call["id"], status="error")

    agent = langchain_agents().create_agent(ChatG4F(**settings, model="m"), [weather_of], middleware=[errors_told])

    state = agent.invoke({"messages": [("user", "What is the weather in 'Lima'?")]})

    assert state["messages"][-1].text
    last, fault = requests()[-1]
    assert fault is None
    assert "Error: nobody knows Lima" in str(last["messages"])


# LangGraph's ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_langgraphs_agent_remembers_a_conversation(route, way):
    prebuilt = pytest.importorskip("langgraph.prebuilt", reason="`langgraph` is not installed")
    memory = pytest.importorskip("langgraph.checkpoint.memory", reason="`langgraph` is not installed")
    settings, requests = route
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has a successor in `langchain`, and many users
        agent = prebuilt.create_react_agent(
            ChatG4F(**settings, model="m"), [get_weather], checkpointer=memory.InMemorySaver()
        )
    config = {"configurable": {"thread_id": "1"}}

    await run(agent, way, "My name is Ada.", config)
    await run(agent, way, "What is the weather in 'Lima'?", config)
    state = await run(agent, way, "Thank you.", config)

    assert [message.type for message in state["messages"]] == [
        *("human", "ai"), *("human", "ai", "tool", "ai"), *("human", "ai"),
    ]  # fmt: skip
    assert [fault for _, fault in requests()] == [None] * 4
    told = str(requests()[-1][0]["messages"])
    assert [word in told for word in ("My name is Ada.", "It is raining in Lima.", "Thank you.")] == [True] * 3


def test_langgraphs_agent_reports_in_the_form_of_a_schema(route):
    prebuilt = pytest.importorskip("langgraph.prebuilt", reason="`langgraph` is not installed")
    settings, requests = route
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agent = prebuilt.create_react_agent(ChatG4F(**settings, model="m"), [get_weather], response_format=Report)

    state = agent.invoke({"messages": [("user", "What is the weather in 'Lima'?")]})

    assert state["structured_response"] == Report(city="Lima", rains=True)
    assert [fault for _, fault in requests()] == [None] * 3


# Deep agents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["invoke", "astream"])
async def test_a_deep_agent_works(route, way):
    deepagents = pytest.importorskip("deepagents", reason="the `deepagents` package is not installed")
    settings, requests = route
    agent = deepagents.create_deep_agent(model=ChatG4F(**settings, model="m"), tools=[get_weather])

    state = await run(agent, way, "What is the weather in 'Lima'?")

    assert "It is raining in Lima." in [message.content for message in state["messages"]]
    assert [fault for _, fault in requests()] == [None] * 2


# Tools of others --------------------------------------------------------------------------------------------------


async def test_an_agent_calls_the_tools_of_an_mcp_server(route):
    adapters = pytest.importorskip("langchain_mcp_adapters.client", reason="`langchain-mcp-adapters` is not installed")
    settings, requests = route
    server = {"command": sys.executable, "args": [str(Path(__file__).with_name("mcp_server.py"))], "transport": "stdio"}
    tools = await adapters.MultiServerMCPClient({"lighthouses": server}).get_tools()
    agent = langchain_agents().create_agent(ChatG4F(**settings, model="m"), tools)

    state = await run(agent, "ainvoke", "In which rhythm does 'Fastnet' show its flashes?")

    results = [str(message.content) for message in state["messages"] if isinstance(message, ToolMessage)]
    assert len(results) == 1
    assert "Fastnet flashes twice every 15 seconds" in results[0]
    assert [fault for _, fault in requests()] == [None] * 2


# No framework -----------------------------------------------------------------------------------------------------


async def answer_in_a_loop(ask, question):
    """What every agent does: ask, run what is called, tell the results, until nothing is called."""
    tools = {one.name: one for one in (population, add, percentage)}
    messages = [HumanMessage(question)]
    for turn in range(10):
        answer = await ask(turn, messages)
        messages.append(answer)
        if not answer.tool_calls:
            return messages
        messages += [tools[call["name"]].invoke(call) for call in answer.tool_calls]
    raise AssertionError(messages)


@pytest.mark.parametrize("way", WAYS)
async def test_a_switch_between_native_and_emulated_routes_and_back_loses_nothing(way):
    Native, with_tools = strict_provider(has_tools=True, mind=clerk)
    Text, in_words = strict_provider(has_tools=False, mind=clerk)
    bound = ChatG4F(provider=Native).bind_tools([population, add, percentage])

    async def ask(turn, messages):
        settings = {"provider": [Native, Text][turn % 2]}
        if way == "invoke":
            return bound.invoke(messages, **settings)
        if way == "ainvoke":
            return await bound.ainvoke(messages, **settings)
        if way == "stream":
            first, *others = bound.stream(messages, **settings)
        else:
            first, *others = [chunk async for chunk in bound.astream(messages, **settings)]
        return first + others

    messages = await answer_in_a_loop(ask, QUESTION)

    answers = [message for message in messages if isinstance(message, AIMessage)]
    assert answers[-1].text == RIGHT
    assert [answer.response_metadata["g4f"]["tools"] for answer in answers] == [
        *("native", "prompt", "native", "prompt", "native"),
    ]
    assert [len(one["messages"]) for one in with_tools] == [1, 5, 9]
    ids = [call["id"] for answer in answers for call in answer.tool_calls]
    told = in_words[-1]["messages"][-1]["content"] + str(in_words[-1]["messages"])
    assert all(identifier in told for identifier in ids[:3])
    assert len({*ids}) == 4


def test_an_agents_rotation_goes_from_a_native_route_to_words_in_the_middle_of_a_conversation():
    Native, _ = strict_provider(has_tools=True, mind=clerk, fails_every=2)
    Text, in_words = strict_provider(has_tools=False, mind=clerk)
    model = ChatG4F(provider=[Native, Text], resilience=Resilience(backoff_max=0, breaker_failures=100))
    agent = langchain_agents().create_agent(model, [population, add, percentage])

    state = agent.invoke({"messages": [("user", QUESTION)]})

    answers = [message for message in state["messages"] if isinstance(message, AIMessage)]
    assert answers[-1].text == RIGHT
    assert {answer.response_metadata["g4f"]["tools"] for answer in answers} == {"native", "prompt"}
    assert in_words
