"""What LangChain's event streams, tracers and graphs hear of a call."""

import asyncio
import contextvars
import threading

import pytest
from g4f.errors import RateLimitError as G4FRateLimit
from g4f.providers.response import ImageResponse, Reasoning, ToolCalls, Usage
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langchain_core.tracers._streaming import _StreamingCallbackHandler, _V2StreamingCallbackHandler
from langchain_core.tracers.base import BaseTracer
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream

from g4f_integrations import Resilience
from g4f_integrations.errors import StreamInterruptedError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider, cut

QUICK = Resilience(backoff_initial=0, backoff_max=0)
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
TOOLS = [TOOL, {"type": "function", "function": {"name": "now"}}]


def call(name="add", arguments='{"a": 1}', identifier="a1B2c3D4e"):
    return ToolCalls([{"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}])


def chat(*script, **settings):
    provider = ScriptedProvider(*script, native_tools=True, default_model="m")
    return ChatG4F(provider=provider, resilience=QUICK, **settings)


def flaky():
    return ChatG4F(
        provider=ScriptedProvider(per_call=[[G4FRateLimit("slow down")], ["fine"]], default_model="m"),
        resilience=QUICK,
    )


SCRIPTS = {
    "text": (["Hello", " world"], ["text"]),
    "reasoning": ([Reasoning("hm, "), Reasoning("yes"), "42"], ["reasoning", "text"]),
    "one tool call": ([call()], ["tool_call"]),
    "text and calls": (
        ["let me see ", "how", call(), call("now", "{}", "q9W8e7R6t")],
        ["text", "tool_call", "tool_call"],
    ),
    "a broken call": (["let me see", call(arguments='{"a": ')], ["text", "invalid_tool_call"]),
    "pictures": (["Here you are:", ImageResponse(["http://x/1", "http://x/2"], "a")], ["text", "image", "image"]),
    "everything": (
        [Reasoning("hm"), "a", ImageResponse("http://x/1", "a"), call()],
        [*["reasoning", "text"], *["image", "tool_call"]],
    ),
}


pytestmark = pytest.mark.filterwarnings("ignore:.*is in beta")


# The protocol of content blocks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("output_version", [None, "v0", "v1"])
@pytest.mark.parametrize(("script", "blocks"), SCRIPTS.values(), ids=SCRIPTS)
async def test_every_answer_is_a_valid_stream_of_content_blocks(script, blocks, output_version):
    model = chat(*script, output_version=output_version)

    blocking = model.stream_events("hi", version="v3", tools=TOOLS)
    events = list(blocking)
    running = await model.astream_events("hi", version="v3", tools=TOOLS)
    async_events = [event async for event in running]

    for told, output in ((events, blocking.output), (async_events, await running.output)):
        assert_valid_event_stream(told)
        assert told[-1]["event"] == "message-finish"
        assert [block["type"] for block in output.content] == blocks
        assert output.response_metadata["output_version"] == "v1"


@pytest.mark.parametrize("output_version", [None, "v1"])
@pytest.mark.parametrize(("script", "blocks"), SCRIPTS.values(), ids=SCRIPTS)
def test_streamed_and_blocking_answers_hold_the_same_blocks(script, blocks, output_version):
    model = chat(*script, output_version=output_version)
    first, *others = model.stream("hi", tools=TOOLS)

    for answer in (model.invoke("hi", tools=TOOLS), first + others):
        # Calls with broken arguments have a field of their own; as blocks, LangChain shows them now so, now so.
        broken = {"invalid_tool_call", "tool_call_chunk"}
        told = [block["type"] for block in answer.content_blocks if block["type"] not in broken]
        assert told + ["invalid_tool_call"] * len(answer.invalid_tool_calls) == blocks


def test_a_content_block_stream_ends_with_usage_and_the_journey():
    *_, finish = chat("Hello", Usage(prompt_tokens=7, completion_tokens=5)).stream_events("hi", version="v3")

    assert finish["usage"] == {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
    assert (finish["metadata"]["model_name"], finish["metadata"]["finish_reason"]) == ("m", "stop")
    assert [attempt["outcome"] for attempt in finish["metadata"]["g4f"]["attempts"]] == ["ok"]


def test_a_content_block_stream_that_breaks_off_raises_what_every_stream_raises():
    model = chat("Once upon a time ", "there was", cut())
    heard = []

    with pytest.raises(StreamInterruptedError) as caught:
        heard.extend(model.stream_events("hi", version="v3"))

    assert caught.value.partial_text == "Once upon a time there was"
    assert "message-finish" not in [event["event"] for event in heard]


def test_the_parts_of_a_content_block_stream_can_be_had_apart():
    stream = chat(Reasoning("hm"), "Hello", " world", call()).stream_events("hi", version="v3", tools=[TOOL])

    assert (str(stream.reasoning), str(stream.text)) == ("hm", "Hello world")
    assert [(one["name"], one["args"]) for one in stream.output.tool_calls] == [("add", {"a": 1})]


# The older protocol -----------------------------------------------------------------------------------------------


async def events_of(runnable, question="hi", **config):
    return [event async for event in runnable.astream_events(question, version="v2", **config)]


async def test_a_call_is_told_from_start_to_end():
    events = await events_of(chat("Hello", " world"))

    assert [event["event"].rpartition("_")[2] for event in events] == ["start", *["stream"] * 3, "end"]
    assert events[-1]["data"]["output"].text == "Hello world"
    assert len({event["run_id"] for event in events}) == 1


async def test_a_chain_tells_the_models_tokens_under_its_own_run():
    chain = ChatPromptTemplate.from_messages([("human", "{question}")]) | chat("Hello", " world") | StrOutputParser()

    events = await events_of(chain, {"question": "?"})

    tokens = [event for event in events if event["event"] == "on_chat_model_stream"]
    assert [event["data"]["chunk"].text for event in tokens] == ["Hello", " world", ""]
    assert {tuple(event["parent_ids"]) for event in tokens} == {(events[0]["run_id"],)}


async def test_a_failed_call_ends_with_an_error_for_the_tracer():
    errors = []

    class Listening(AsyncCallbackHandler):
        async def on_llm_error(self, error, **_):
            errors.append(type(error).__mro__)

    with pytest.raises(StreamInterruptedError):
        await events_of(chat("Once upon a time there was", cut()), config={"callbacks": [Listening()]})

    [ancestors] = errors
    assert StreamInterruptedError in ancestors


# Calls from within graphs -----------------------------------------------------------------------------------------


def asking(model, style):
    """A node as graphs have them: its config comes by context, not by argument."""
    if style == "invoke":
        return RunnableLambda(lambda question: model.invoke(question).text)

    async def ask(question):
        return (await model.ainvoke(question)).text

    return RunnableLambda(ask)


@pytest.mark.parametrize("style", ["invoke", "ainvoke"])
async def test_a_call_inside_a_node_streams_to_whoever_streams_the_graph(style):
    graph = asking(chat("Hello", " world"), style) | RunnableLambda(str.upper)

    events = await events_of(graph)

    tokens = [event["data"]["chunk"].text for event in events if event["event"] == "on_chat_model_stream"]
    assert tokens == ["Hello", " world", ""]
    assert events[-1]["data"]["output"] == "HELLO WORLD"


@pytest.mark.parametrize("style", ["invoke", "ainvoke"])
async def test_nested_calls_hang_below_the_node_that_made_them(style):
    runs = []

    class Tracer(BaseTracer):
        def _persist_run(self, run):
            runs.append(run)

    await asking(chat("ok"), style).ainvoke("hi", {"callbacks": [Tracer()], "tags": ["t"], "metadata": {"thread": 7}})

    [node] = runs
    [model_run] = node.child_runs
    assert (model_run.run_type, model_run.parent_run_id) == ("llm", node.id)
    assert model_run.extra["metadata"]["thread"] == 7
    assert "t" in model_run.tags


class TokenListener(BaseCallbackHandler, _StreamingCallbackHandler):
    """Such as a graph attaches to stream messages."""

    def __init__(self):
        self.heard = []

    def on_llm_new_token(self, token, *, chunk=None, **_):
        self.heard.append(chunk.message.text)

    def tap_output_aiter(self, run_id, output):
        return output

    def tap_output_iter(self, run_id, output):
        return output


class BlockListener(BaseCallbackHandler, _V2StreamingCallbackHandler):
    """Such as a graph attaches to stream content blocks."""

    def __init__(self):
        self.heard = []

    def on_stream_event(self, event, **_):
        self.heard.append(event)


@pytest.mark.parametrize("style", ["invoke", "ainvoke"])
async def test_a_token_listener_makes_a_blocking_call_stream(style):
    listener = TokenListener()

    answer = await asking(chat("Hello", " world"), style).ainvoke("hi", {"callbacks": [listener]})

    assert (answer, listener.heard) == ("Hello world", ["Hello", " world", ""])


@pytest.mark.parametrize("style", ["invoke", "ainvoke"])
async def test_a_block_listener_makes_a_blocking_call_tell_its_blocks(style):
    listener = BlockListener()

    answer = await asking(chat(Reasoning("hm"), "Hello", " world"), style).ainvoke("hi", {"callbacks": [listener]})

    assert answer == "Hello world"
    assert_valid_event_stream(listener.heard)
    assert [event["event"] for event in listener.heard].count("content-block-finish") == 2


async def test_a_listener_changes_nothing_about_the_answer():
    model = chat(Reasoning("hm"), "let me see", call(), Usage(prompt_tokens=7, completion_tokens=5))

    plain = await model.ainvoke("hi", tools=[TOOL])
    heard = await model.ainvoke("hi", {"callbacks": [TokenListener()]}, tools=[TOOL])

    assert (heard.content, heard.tool_calls, heard.usage_metadata) == (
        plain.content,
        plain.tool_calls,
        plain.usage_metadata,
    )
    assert heard.response_metadata.keys() == plain.response_metadata.keys()


def test_streaming_that_is_disabled_stays_so_under_a_listener():
    listener = TokenListener()

    chat("Hello", " world", disable_streaming=True).invoke("hi", {"callbacks": [listener]})

    assert listener.heard == []


@pytest.mark.parametrize(("arguments", "pieces"), [({}, 3), ({"tools": [TOOL]}, 1)])
def test_streaming_can_be_disabled_where_tools_are_offered(arguments, pieces):
    model = chat("Hello", " world", disable_streaming="tool_calling")

    assert len(list(model.stream("hi", **arguments))) == pieces


async def test_many_nodes_at_a_time_keep_their_runs_apart():
    model = ChatG4F(provider=ScriptedProvider("ok", default_model="m"))
    graph = RunnableLambda(lambda question: model.invoke(question).text)

    async def tagged(number):
        events = await events_of(graph, f"question {number}", config={"metadata": {"number": number}})
        return {event["metadata"]["number"] for event in events if event["event"] == "on_chat_model_stream"}

    assert await asyncio.gather(*map(tagged, range(8))) == [{number} for number in range(8)]


# Callbacks --------------------------------------------------------------------------------------------------------


def test_callbacks_of_a_blocking_call_run_in_the_callers_thread_and_context():
    place = contextvars.ContextVar("place", default="nowhere")
    heard = []

    class Where(BaseCallbackHandler):
        def on_llm_new_token(self, token, **_):
            heard.append((place.get(), threading.get_ident()))

        def on_retry(self, retry_state, **_):
            heard.append((place.get(), threading.get_ident()))

    place.set("here")
    list(flaky().stream_events("hi", {"callbacks": [Where()]}, version="v3"))

    assert len(heard) == 3
    assert set(heard) == {("here", threading.get_ident())}


async def test_an_agents_turn_goes_back_as_history_in_either_form():
    provider = ScriptedProvider(
        per_call=[[Reasoning("hm"), "let me see", call()], ["3"]] * 2, native_tools=True, default_model="m"
    )

    for output_version in ("v0", "v1"):
        model = ChatG4F(provider=provider, output_version=output_version).bind_tools([TOOL])
        turn = [HumanMessage("1 + 2?"), await model.ainvoke("1 + 2?")]
        answer = await model.ainvoke([*turn, ToolMessage("3", tool_call_id=turn[1].tool_calls[0]["id"])])
        assert (type(answer), answer.text) == (AIMessage, "3")

    first, second = provider.calls[1].messages, provider.calls[3].messages
    assert [message["role"] for message in first] == ["user", "assistant", "tool"]
    assert first[1]["tool_calls"] == second[1]["tool_calls"]
    assert first[1]["content"] == "let me see"
    assert second[1]["content"] == [{"type": "text", "text": "let me see"}]
