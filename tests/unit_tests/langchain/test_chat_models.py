"""`ChatG4F` as LangChain's users meet it."""

import asyncio
import gc

import pytest
from g4f.errors import RateLimitError as G4FRateLimit
from g4f.providers.response import FinishReason, Reasoning, ToolCalls, Usage
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler, UsageMetadataCallbackHandler
from langchain_core.exceptions import ContextOverflowError, ModelError, ModelRateLimitError
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, trim_messages
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool

from g4f_integrations import Resilience, Route
from g4f_integrations.errors import ConfigurationError, ContextLengthError, RateLimitError, StreamInterruptedError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider, cut, stall

WAYS = ["invoke", "ainvoke", "stream", "astream"]
QUICK = Resilience(backoff_initial=0, backoff_max=0)


async def ask(model, way, prompt="hi", /, **arguments):
    """The whole answer, got in one of the four ways."""
    if way == "invoke":
        return model.invoke(prompt, **arguments)
    if way == "ainvoke":
        return await model.ainvoke(prompt, **arguments)
    if way == "stream":
        chunks = list(model.stream(prompt, **arguments))
    else:
        chunks = [chunk async for chunk in model.astream(prompt, **arguments)]
    whole = chunks[0]
    return whole + chunks[1:]


def chat(*script, resilience=QUICK, **settings):
    return ChatG4F(provider=ScriptedProvider(*script, default_model="m"), resilience=resilience, **settings)


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.parametrize("way", WAYS)
async def test_the_answer_is_the_same_in_every_way(way):
    answer = await ask(chat("Hello", " world"), way)

    assert answer.text == "Hello world"
    assert answer.response_metadata["model_provider"] == "g4f"
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.id


@pytest.mark.parametrize("way", WAYS)
async def test_the_journey_through_a_failing_provider_is_told(way):
    bad = ScriptedProvider(G4FRateLimit("slow down"), name="BadOne", default_model="m")
    good = ScriptedProvider("fine", name="GoodOne", default_model="m")

    answer = await ask(ChatG4F(provider=[bad, good], resilience=QUICK), way)

    told = answer.response_metadata["g4f"]
    assert answer.text == "fine"
    assert told["provider"] == "GoodOne"
    assert [(one["provider"], one["outcome"]) for one in told["attempts"]] == [
        ("BadOne", "rate_limit"),
        ("GoodOne", "ok"),
    ]


async def test_blocking_and_streamed_metadata_have_the_same_keys():
    model = chat(Reasoning("hm"), "Hello", Usage(prompt_tokens=3, completion_tokens=2), FinishReason("stop"))

    answers = [await ask(model, way) for way in WAYS]

    assert len({frozenset(answer.response_metadata) for answer in answers}) == 1
    assert len({frozenset(answer.response_metadata["g4f"]) for answer in answers}) == 1
    assert all(answer.additional_kwargs == {"reasoning_content": "hm"} for answer in answers)


@pytest.mark.parametrize("way", WAYS)
async def test_usage_is_always_there_in_whole_numbers(way):
    answer = await ask(chat("Hello"), way)

    assert all(isinstance(answer.usage_metadata[name], int) for name in ("input_tokens", "output_tokens"))
    assert answer.response_metadata["g4f"]["usage_estimated"] is True


def test_a_providers_own_usage_reaches_the_usage_callback():
    handler = UsageMetadataCallbackHandler()

    chat("Hello", Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)).invoke("hi", {"callbacks": [handler]})

    [usage] = handler.usage_metadata.values()
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (3, 2, 5)


def test_only_the_last_chunk_is_the_last_and_carries_metadata():
    *pieces, last = chat("Hello", " world").stream("hi")

    assert [chunk.text for chunk in pieces] == ["Hello", " world"]
    assert not any(chunk.response_metadata or chunk.usage_metadata or chunk.chunk_position for chunk in pieces)
    assert (last.chunk_position, last.text) == ("last", "")


def test_messages_reach_the_provider_as_they_were_said():
    Provider = ScriptedProvider("ok", default_model="m")

    ChatG4F(provider=Provider).invoke(
        [SystemMessage("be kind"), HumanMessage("hi"), AIMessage("yo"), HumanMessage("?")]
    )

    assert Provider.calls[0].messages == [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yo"},
        {"role": "user", "content": "?"},
    ]


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_can_ask_another_model_and_the_metadata_say_so(way):
    answer = await ask(chat("ok", model="first"), way, model="second")

    assert answer.response_metadata["model_name"] == "second"


@pytest.mark.parametrize("way", WAYS)
async def test_a_call_can_name_another_provider(way):
    other = ScriptedProvider("other", default_model="m")

    answer = await ask(chat("own"), way, provider=other)

    assert answer.text == "other"


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_call_can_leave_the_usage_out_of_the_stream(way):
    assert (await ask(chat("ok"), way, stream_usage=False)).usage_metadata is None


@pytest.mark.parametrize("way", WAYS)
async def test_stop_holds_even_where_the_provider_ignores_it(way):
    answer = await ask(chat("one ST", "OP two"), way, stop=["STOP"])

    assert answer.text == "one "


async def test_batches_answer_each_prompt():
    model = chat("ok")

    assert [answer.text for answer in model.batch(["a", "b"])] == ["ok", "ok"]
    assert [answer.text for answer in await model.abatch(["a", "b"])] == ["ok", "ok"]


@pytest.mark.parametrize("way", WAYS)
async def test_errors_are_ours_and_langchains(way):
    model = chat(G4FRateLimit("slow down"), max_retries=0, resilience=Resilience())

    with pytest.raises(RateLimitError) as caught:
        await ask(model, way)

    assert isinstance(caught.value, ModelRateLimitError)
    assert [attempt.outcome for attempt in caught.value.attempts] == ["rate_limit"]


async def test_a_request_that_is_too_long_is_what_the_summarising_middleware_waits_for():
    model = chat(RuntimeError("This model's maximum context length is 10 tokens, you requested 20 tokens"))

    with pytest.raises(ContextOverflowError) as caught:
        await model.ainvoke("hi")

    assert isinstance(caught.value, ContextLengthError)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_cut_stream_raises_with_what_had_come(way):
    model = chat("Once upon", " a time", cut(), resilience=Resilience(on_stream_failure="raise"))

    with pytest.raises(StreamInterruptedError) as caught:
        await ask(model, way)

    assert isinstance(caught.value, ModelError)
    assert caught.value.partial_text == "Once upon a time"


@pytest.mark.parametrize("way", WAYS)
async def test_a_message_that_cannot_be_sent_is_an_error_that_no_middleware_retries(way):
    with pytest.raises(ConfigurationError) as caught:
        await ask(chat("ok"), way, [AIMessage("", tool_calls=[{"name": "f", "args": {"x": {1}}, "id": "c1"}])])

    assert isinstance(caught.value, ModelError)
    assert caught.value.is_retryable is False


@pytest.mark.parametrize("way", WAYS)
async def test_tool_calls_come_whole(way):
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1, "b": 2}'}}
    Provider = ScriptedProvider(ToolCalls([call]), native_tools=True, default_model="m")
    model = ChatG4F(provider=Provider).bind_tools([add], tool_choice="any")

    answer = await ask(model, way)

    assert [(one["name"], one["args"]) for one in answer.tool_calls] == [("add", {"a": 1, "b": 2})]
    assert answer.tool_calls[0]["id"]
    assert [block["type"] for block in answer.content_blocks] == ["tool_call"]
    assert Provider.calls[0]["tool_choice"] == "required"


class Notes(BaseCallbackHandler):
    def __init__(self):
        self.tokens, self.ended = [], 0

    def on_llm_new_token(self, token, **_):
        self.tokens.append(token)

    def on_llm_end(self, response, **_):
        self.ended += 1


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_every_token_is_told_once(way):
    notes = Notes()

    await ask(chat("Hello", " world"), way, config={"callbacks": [notes]})

    assert (notes.tokens, notes.ended) == (["Hello", " world", ""], 1)


def test_a_model_set_to_streaming_tells_tokens_in_invoke_too():
    notes = Notes()

    answer = chat("Hello", " world", streaming=True).invoke("hi", {"callbacks": [notes]})

    assert answer.text == "Hello world"
    assert notes.tokens == ["Hello", " world", ""]


def test_streaming_can_be_disabled():
    [only] = chat("a", "b", disable_streaming=True).stream("hi")

    assert only.text == "ab"


def test_a_callback_may_call_the_model():
    model, heard = chat("ok"), []

    class Curious(BaseCallbackHandler):
        raise_error = True

        def on_llm_new_token(self, token, **_):
            heard.append(model.invoke("again").text)

    list(model.stream("hi", {"callbacks": [Curious()]}))

    assert heard == ["ok", "ok"]


async def test_a_blocking_call_works_inside_a_running_loop():
    assert chat("ok").invoke("hi").text == "ok"


@pytest.mark.parametrize("way", WAYS)
async def test_standard_blocks_can_be_had_as_the_content(way):
    model = chat(Reasoning("hm"), "a", "b", output_version="v1")

    answer = await ask(model, way)

    assert [block["type"] for block in answer.content] == ["reasoning", "text"]
    assert model.invoke([HumanMessage("hi"), answer, HumanMessage("?")]).text == "ab"


def test_a_chain_streams_through():
    chain = ChatPromptTemplate.from_messages([("human", "{question}")]) | chat("a", "b") | StrOutputParser()

    assert "".join(chain.stream({"question": "?"})) == "ab"


def test_a_cached_answer_asks_nobody():
    Provider = ScriptedProvider("ok", default_model="m")
    model = ChatG4F(provider=Provider, cache=InMemoryCache())

    assert [model.invoke("hi").text, model.invoke("hi").text] == ["ok", "ok"]
    assert len(Provider.calls) == 1


async def test_leaving_a_stream_early_closes_the_upstream():
    Provider = ScriptedProvider("Once upon a time there was", stall(30), "b", default_model="m")
    before = len(asyncio.all_tasks())
    stream = ChatG4F(provider=Provider).astream("hi")

    assert (await anext(stream)).text
    await stream.aclose()
    for _ in range(10):  # LangChain drops its inner generator, which asyncio closes in the next turns
        await asyncio.sleep(0)

    assert len(asyncio.all_tasks()) == before


def test_leaving_a_blocking_stream_early_leaves_no_generator_behind():
    stream = chat("Once upon a time there was", stall(30), "b").stream("hi")

    assert next(stream).text
    stream.close()
    gc.collect()


def test_tokens_are_counted_without_network_or_vocabulary():
    model = chat("ok")
    messages = [HumanMessage("one two three " * 50), AIMessage("four"), HumanMessage("five")]

    assert 0 < model.get_num_tokens("hello") == len(model.get_token_ids("hello"))
    assert (
        model.get_num_tokens_from_messages(messages, tools=[add]) > model.get_num_tokens_from_messages(messages) > 100
    )
    assert len(trim_messages(messages, max_tokens=40, token_counter=model)) == 2


def test_a_users_own_token_counter_counts():
    model = chat("ok", custom_get_token_ids=lambda text: [ord(character) for character in text])

    assert model.get_token_ids("ab") == [97, 98]
    assert model.get_num_tokens("ab") == 2


def test_conversations_are_made_to_fit_by_the_users_own_count():
    provider = ScriptedProvider("ok", supports_message_history=True)
    counted = []

    def by_words(text):
        counted.append(text)
        return text.split()

    model = ChatG4F(routes=[Route(provider, "m", context_window=200)], custom_get_token_ids=by_words)
    answer = model.invoke([("human", f"{number}: " + "word " * 20) for number in range(30)])

    assert len(provider.calls[0].messages) == answer.response_metadata["g4f"]["trimmed"]["limit"] // 25
    assert counted


def test_traces_name_the_model_that_was_asked():
    params = chat("ok", model="m", temperature=0.5, max_tokens=9)._get_ls_params(stop=["x"], model="other")

    assert params == {
        "ls_provider": "g4f",
        "ls_model_name": "other",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_max_tokens": 9,
        "ls_stop": ["x"],
    }


def test_the_streamed_chunks_are_langchains_own():
    assert {type(chunk) for chunk in chat("a").stream("hi")} == {AIMessageChunk}
