"""LlamaIndex's agents on top of `G4FLLM`: natively, by prompt, and through providers that fail."""

import base64
import json

import pytest
from g4f.providers.response import Reasoning, ToolCalls
from llama_index.core.agent.workflow import (
    AgentOutput,
    AgentStream,
    AgentWorkflow,
    CodeActAgent,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ToolCallBlock
from llama_index.core.memory import ChatMemoryBuffer
from pydantic import BaseModel

from g4f_integrations import Resilience
from g4f_integrations.errors import RateLimitError
from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply
from strict_openai import request_fault

# LlamaIndex's workflows look at every attribute of a model, the deprecated ones included.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

QUICK = Resilience(backoff_initial=0, backoff_max=0, breaker_failures=100)
BUSY = RuntimeError("503 Service unavailable")


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def look_up(word: str) -> str:
    """Look up a number by its name."""
    return {"dozen": "12", "score": "20"}.get(word, "unknown")


TOOLS = [add, multiply, look_up]


def native(name, **arguments):
    function = {"name": name, "arguments": json.dumps(arguments)}
    return [ToolCalls([{"id": f"call_{name}", "type": "function", "function": function}])]


def in_words(name, **arguments):
    return [f"I need a tool.\n```json\n{json.dumps({'name': name, 'arguments': arguments})}\n```"]


def llm_of(scripts, *, native_tools=False, **settings):
    provider = ScriptedProvider(per_call=scripts, native_tools=native_tools, default_model="m")
    return G4FLLM(provider=[provider], resilience=QUICK, **settings)


def five_turns(call):
    """Twice a dozen and three, and a score: four calls, then the answer."""
    return [
        call("look_up", word="dozen"),
        call("add", a=12, b=3),
        call("multiply", a=15, b=2),
        call("look_up", word="score"),
        ["It is ", "30, and a score is 20."],
    ]


def failing_every_third(scripts):
    """The same scripts with a failure in front of every second one: each third call of the provider fails."""
    pairs = zip(scripts[::2], [*scripts[1::2], None], strict=False)
    return [script for one, two in pairs for script in ([BUSY], one, two) if script is not None]


WAYS = pytest.mark.parametrize("call", [native, in_words], ids=["native", "by prompt"])


@WAYS
@pytest.mark.parametrize("streaming", [True, False])
async def test_an_agent_of_five_turns_comes_to_the_right_answer_through_a_provider_that_fails(call, streaming):
    scripts = failing_every_third(five_turns(call))
    llm = llm_of(scripts, native_tools=call is native)
    agent = FunctionAgent(tools=TOOLS, llm=llm, system_prompt="You calculate.", streaming=streaming)

    handler = agent.run("What is (a dozen + 3) × 2, and how much is a score?")
    events = [event async for event in handler.stream_events()]
    answer = await handler

    assert str(answer) == "It is 30, and a score is 20."
    results = [event.tool_output.content for event in events if isinstance(event, ToolCallResult)]
    assert results == ["12", "15", "30", "20"]
    assert len(llm.provider[0].calls) == len(scripts) == 8


@WAYS
async def test_the_words_of_an_agents_answer_are_streamed_as_they_come(call):
    llm = llm_of([call("add", a=2, b=3), [Reasoning("Easy."), "It ", "is ", "5."]], native_tools=call is native)

    handler = FunctionAgent(tools=[add], llm=llm).run("2 + 3?")
    chunks = [event async for event in handler.stream_events() if type(event) is AgentStream]
    answer = await handler

    assert str(answer) == "It is 5."
    told = [chunk for chunk in chunks if not chunk.tool_calls]
    assert "".join(chunk.delta for chunk in told).endswith("It is 5.")
    assert "Easy." in [chunk.thinking_delta for chunk in chunks]
    assert chunks[-1].raw["usage"]["total_tokens"] > 0


@WAYS
async def test_several_tools_are_called_at_once(call):
    first = native("add", a=1, b=1)[0].list + native("multiply", a=3, b=3)[0].list
    words = '[{"name": "add", "arguments": {"a": 1, "b": 1}}, {"name": "multiply", "arguments": {"a": 3, "b": 3}}]'
    script = [ToolCalls(first)] if call is native else [f"```json\n{words}\n```"]
    llm = llm_of([script, ["2 and 9"]], native_tools=call is native)

    handler = FunctionAgent(tools=TOOLS, llm=llm).run("1 + 1 and 3 × 3?")
    results = [event.tool_output.content async for event in handler.stream_events() if type(event) is ToolCallResult]

    assert (sorted(results), str(await handler)) == (["2", "9"], "2 and 9")


async def test_a_wrong_call_is_told_to_the_model_and_the_agent_goes_on():
    llm = llm_of([native("nope"), native("add", a=2, b=3), ["5"]], native_tools=True)

    assert str(await FunctionAgent(tools=[add], llm=llm).run("2 + 3?")) == "5"


async def test_arguments_that_cannot_be_put_right_run_nothing_and_the_model_is_told_what_was_wrong():
    wrong = native("add", a=2)
    llm = llm_of([wrong, wrong, native("add", a=2, b=3), ["5"]], native_tools=True)

    handler = FunctionAgent(tools=[add], llm=llm).run("2 + 3?")
    told = [event.tool_output.content async for event in handler.stream_events() if type(event) is ToolCallResult]

    assert ("b: is required but missing" in told[0], told[1:]) == (True, ["5"])
    assert str(await handler) == "5"


async def test_an_agent_on_routes_that_all_fail_says_so_instead_of_succeeding_with_nothing():
    llm = G4FLLM(provider=ScriptedProvider(RuntimeError("429 Too many requests")), max_retries=0)

    with pytest.raises(RateLimitError):
        await FunctionAgent(tools=[add], llm=llm).run("2 + 3?")


async def test_a_conversation_goes_on_on_a_route_of_another_kind_and_loses_nothing():
    by_prompt = ScriptedProvider(
        per_call=[in_words("multiply", a=5, b=2), ["It is 10."]], name="Words", default_model="w"
    )
    with_tools = ScriptedProvider(
        per_call=[native("add", a=2, b=3), ["It is 5."], ["First 5, then 10."]],
        name="Tools",
        native_tools=True,
        default_model="t",
    )
    memory = ChatMemoryBuffer.from_defaults(token_limit=10_000)
    answers = []
    for provider, question in ((with_tools, "2 + 3?"), (by_prompt, "Twice that?"), (with_tools, "What was said?")):
        agent = FunctionAgent(tools=TOOLS, llm=G4FLLM(provider=provider, resilience=QUICK))
        answers.append(str(await agent.run(question, memory=memory)))

    assert answers == ["It is 5.", "It is 10.", "First 5, then 10."]
    assert all(word in json.dumps(by_prompt.calls[0].messages) for word in ("2 + 3?", "It is 5.", "add"))
    last = with_tools.calls[-1].messages
    assert [message["role"] for message in last].count("tool") == 2
    assert "multiply" in json.dumps(last)


async def test_an_agents_memory_is_written_down_and_read_again():
    llm = llm_of([native("add", a=2, b=3), ["5"], ["Still 5."]], native_tools=True)
    agent, memory = FunctionAgent(tools=[add], llm=llm), ChatMemoryBuffer.from_defaults(token_limit=10_000)
    await agent.run("2 + 3?", memory=memory)

    written = [message.model_dump_json() for message in memory.get_all()]
    history = [ChatMessage.model_validate_json(text) for text in written]
    again = ChatMemoryBuffer.from_defaults(chat_history=history, token_limit=10_000)

    assert again.get_all() == memory.get_all()
    assert str(await agent.run("Sure?", memory=again)) == "Still 5."
    assert [message["role"] for message in llm.provider[0].calls[-1].messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


class Sum(BaseModel):
    """A sum."""

    total: int


async def test_an_agents_answer_can_be_an_object():
    llm = llm_of([native("add", a=2, b=3), ["It is 5."], ['{"total": 5}']], native_tools=True)

    answer = await FunctionAgent(tools=[add], llm=llm, output_cls=Sum).run("2 + 3?")

    assert answer.get_pydantic_model(Sum) == Sum(total=5)


async def test_a_workflow_hands_over_from_one_agent_to_another():
    clerk_scripts = [native("handoff", to_agent="Calculator", reason="numbers")]
    clerk = FunctionAgent(
        name="Clerk",
        description="Receives.",
        tools=[],
        llm=llm_of(clerk_scripts, native_tools=True),
        can_handoff_to=["Calculator"],
    )
    calculator = FunctionAgent(
        name="Calculator",
        description="Calculates.",
        tools=[add],
        llm=llm_of([in_words("add", a=2, b=3), ["It is 5."]]),
    )

    handler = AgentWorkflow(agents=[clerk, calculator], root_agent="Clerk").run("2 + 3?")
    speakers = [event.current_agent_name async for event in handler.stream_events() if type(event) is AgentOutput]

    assert str(await handler) == "It is 5."
    assert speakers == ["Clerk", "Calculator", "Calculator"]


async def test_a_workflow_of_plain_functions_takes_the_function_agent():
    workflow = AgentWorkflow.from_tools_or_functions([add], llm=llm_of([in_words("add", a=2, b=3), ["5"]]))

    assert isinstance(next(iter(workflow.agents.values())), FunctionAgent)
    assert str(await workflow.run("2 + 3?")) == "5"


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_react_agent_reads_its_own_words_literally(streaming):
    thoughts = [
        ["Thought: I need a tool.\n", 'Action: add\nAction Input: {"a": 2, "b": 3}\n'],
        ["Thought: I can answer without using any more tools.\n", "Answer: 5"],
    ]

    agent = ReActAgent(tools=[add], llm=llm_of([[BUSY], *thoughts]), streaming=streaming)

    assert str(await agent.run("2 + 3?")) == "5"


async def test_a_code_agent_runs_what_is_written():
    ran = []

    def execute(code: str) -> str:
        ran.append(code)
        return "5"

    scripts = [["Let me see. <execute>\nprint(", '{"a": add(2, 3)}', ")\n</execute>"], ["It is 5."]]
    agent = CodeActAgent(code_execute_fn=execute, llm=llm_of(scripts), tools=[add])

    assert str(await agent.run("2 + 3?")) == "It is 5."
    assert ran == ['print({"a": add(2, 3)})']


async def test_every_request_of_an_agent_is_one_that_a_strict_endpoint_takes(loopback):
    def draw(what: str) -> list:
        """Draw something."""
        return [TextBlock(text=f"A {what}."), ImageBlock(image=base64.b64decode("iVBORw0KGgo="))]

    def strictly(reply):
        def answer(request):
            fault = request_fault(request.body)
            return reply(request) if fault is None else Reply.json({"error": {"message": fault[0]}}, status=400)

        return answer

    calls = [call.list[0] for call in (*native("draw", what="fox"), *native("add", a=2, b=3))]
    loopback.replies(
        strictly(Reply.chat(tool_calls=calls, finish="tool_calls")), strictly(Reply.chat("Here ", "it is."))
    )
    agent = FunctionAgent(tools=[add, draw], llm=G4FLLM(base_url=loopback.base_url, model="m"), system_prompt="Draw.")

    assert str(await agent.run("Draw a fox and add 2 and 3.")) == "Here it is."
    last = loopback.requests[-1].body["messages"]
    assert [message["role"] for message in last] == ["system", "user", "assistant", "tool", "tool"]
    assert "iVBORw0KGgo=" in json.dumps(last[3])


async def test_a_history_of_another_integration_is_taken_over():
    llm = llm_of([["Twelve."]], native_tools=True)
    history = [
        ChatMessage("How much is a dozen?"),
        ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_name="look_up", tool_kwargs='{"word": "dozen"}')]),
        ChatMessage("12", role="tool", additional_kwargs={"name": "look_up"}),
    ]

    answer = await FunctionAgent(tools=TOOLS, llm=llm).run("So?", chat_history=history)

    assert str(answer) == "Twelve."
    calls = llm.provider[0].calls[0].messages[1]["tool_calls"]
    assert calls[0]["function"] == {"name": "look_up", "arguments": '{"word": "dozen"}'}
