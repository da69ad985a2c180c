"""The eight endpoints of `G4FLLM`: what goes in, what comes out, whole and piece by piece."""

import asyncio
import inspect
import json

import pytest
from g4f.providers.response import ImageResponse, Reasoning, Usage
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock
from llama_index.core.prompts import PromptTemplate

from g4f_integrations import Resilience, Route
from g4f_integrations.errors import ConfigurationError, RateLimitError, RoutesExhaustedError, StreamInterruptedError
from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.testing import ScriptedProvider, cut
from loopback import Reply
from toy_completions import completions

HI = [ChatMessage("Hi")]
QUICK = Resilience(backoff_initial=0, backoff_max=0)


def llm_of(*script, **settings):
    return G4FLLM(provider=ScriptedProvider(*script, default_model="m-1", name="Some"), **settings)


async def told(stream):
    return [chunk async for chunk in await stream]


async def all_ways(llm, **arguments):
    """Every endpoint's last word, and the chunks of the streamed ones."""
    wholes = [
        await asyncio.to_thread(llm.chat, HI, **arguments),
        await llm.achat(HI, **arguments),
        await asyncio.to_thread(llm.complete, "Hi", **arguments),
        await llm.acomplete("Hi", **arguments),
    ]
    streams = [
        await asyncio.to_thread(lambda: list(llm.stream_chat(HI, **arguments))),
        await told(llm.astream_chat(HI, **arguments)),
        await asyncio.to_thread(lambda: list(llm.stream_complete("Hi", **arguments))),
        await told(llm.astream_complete("Hi", **arguments)),
    ]
    return wholes, streams


def text_of(response):
    return response.text if hasattr(response, "text") else response.message.content


async def test_all_eight_give_the_same_answer():
    wholes, streams = await all_ways(llm_of("Hel", "lo", " world"))

    assert {text_of(whole) for whole in wholes} == {"Hello world"}
    assert {text_of(chunks[-1]) for chunks in streams} == {"Hello world"}
    for chunks in streams:
        assert "".join(chunk.delta for chunk in chunks) == "Hello world"
        assert [text_of(chunk) for chunk in chunks] == ["Hel", "Hello", "Hello world", "Hello world"]


async def test_all_eight_tell_the_same_facts():
    usage = Usage(prompt_tokens=7, completion_tokens=2, total_tokens=9)

    wholes, streams = await all_ways(llm_of("Hello", usage))

    for response in [*wholes, *(chunks[-1] for chunks in streams)]:
        assert response.raw["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        assert (response.raw["model"], response.raw["provider"], response.raw["finish_reason"]) == (
            "m-1",
            "Some",
            "stop",
        )
        assert response.additional_kwargs["prompt_tokens"] == 7
        assert response.additional_kwargs["g4f"]["attempts"][0]["outcome"] == "ok"
        assert json.dumps(response.raw)


async def test_a_message_is_an_assistants_with_one_text_and_nothing_that_prompts_would_print():
    wholes, streams = await all_ways(llm_of("Hel", "lo"))

    for response in [*wholes[:2], *streams[0], *streams[1]]:
        assert response.message.role == "assistant"
        assert [type(block) for block in response.message.blocks] == [TextBlock]
        assert response.message.additional_kwargs == {}


def test_streams_are_what_llamaindex_takes_for_streams():
    llm = llm_of("Hello")

    assert inspect.isgenerator(llm.stream_chat(HI))
    assert inspect.isgenerator(llm.stream_complete("Hi"))
    assert inspect.iscoroutinefunction(G4FLLM.astream_chat)
    assert inspect.iscoroutinefunction(G4FLLM.acomplete)


async def test_async_streams_are_awaited_for_an_async_generator():
    stream = await llm_of("Hello").astream_complete("Hi")

    assert inspect.isasyncgen(stream)
    assert [chunk.delta async for chunk in stream] == ["Hello", ""]


def test_a_prompt_can_be_named_and_is_one_message_of_the_users():
    llm = llm_of("Hello")

    llm.complete(prompt="Hi", temperature=0.5)

    assert llm.provider.calls[0].messages == [{"role": "user", "content": "Hi"}]
    assert llm.provider.calls[0].temperature == 0.5


def test_a_prompt_is_made_ready_unless_it_is():
    llm = llm_of("Hello", completion_to_prompt=lambda text: f"<{text}>")

    llm.complete("a")
    llm.complete("b", formatted=True)

    assert [call.messages[0]["content"] for call in llm.provider.calls] == ["<a>", "b"]


def test_arguments_of_a_call_reach_the_route_and_win():
    llm = llm_of("Hello", temperature=0.1, seed=1, additional_kwargs={"top_k": 3})

    llm.chat(HI, temperature=0.9, seed=None, aspect_ratio="16:9")

    call = llm.provider.calls[0]
    assert (call.temperature, call.top_k, call.aspect_ratio) == (0.9, 3, "16:9")
    assert "seed" not in call


def test_a_call_can_go_elsewhere():
    other = ScriptedProvider("Elsewhere", name="Other")

    assert text_of(llm_of("Here").chat(HI, provider=other, max_retries=0)) == "Elsewhere"
    assert text_of(llm_of("Here").chat(HI, routes=[Route(other, "m")])) == "Elsewhere"


async def test_reasoning_is_a_block_before_the_text_and_told_as_it_comes():
    llm = llm_of(Reasoning("They want"), Reasoning(" a greeting."), "Hello")
    expected = [ThinkingBlock(content="They want a greeting."), TextBlock(text="Hello")]

    wholes, streams = await all_ways(llm)

    for response in (*wholes[:2], streams[0][-1], streams[1][-1]):
        assert response.message.blocks == expected
        assert response.message.content == "Hello"
    assert [chunk.additional_kwargs.get("thinking_delta") for chunk in streams[1]][:2] == ["They want", " a greeting."]
    assert text_of(wholes[2]) == text_of(streams[2][-1]) == "Hello"


async def test_think_tags_are_as_good():
    wholes, _ = await all_ways(llm_of("<think>Hm.</think>Hello"))

    assert wholes[0].message.blocks == [ThinkingBlock(content="Hm."), TextBlock(text="Hello")]
    assert text_of(wholes[2]) == "Hello"


@pytest.mark.parametrize("script", [[Reasoning("It is "), Reasoning("42.")], ["<think>It is 42."]])
async def test_a_model_that_answers_in_its_reasoning_alone_is_understood(script):
    wholes, streams = await all_ways(llm_of(*script, resilience=QUICK))

    assert {text_of(response) for response in [*wholes, *(chunks[-1] for chunks in streams)]} == {"It is 42."}
    for chunks in streams:
        assert "".join(chunk.delta for chunk in chunks) == "It is 42."
        assert chunks[-1].additional_kwargs["g4f"]["suspect"] == "empty"


def test_a_made_picture_is_a_block_and_its_reference_a_text():
    response = llm_of("Here: ", ImageResponse(["https://example.org/a.png"], "fox")).chat(HI)

    assert [type(block) for block in response.message.blocks] == [TextBlock, ImageBlock]
    assert str(response.message.blocks[1].url) == "https://example.org/a.png"
    assert response.message.content.startswith("Here: ")
    assert "https://example.org/a.png" in response.message.content


async def test_the_deltas_of_a_made_picture_add_up_too():
    llm = llm_of("Here: ", ImageResponse(["https://example.org/a.png"], "fox"), " Nice?")

    chunks = await told(llm.astream_chat(HI))

    assert "".join(chunk.delta for chunk in chunks) == chunks[-1].message.content


def test_what_is_stopped_by_ourselves_is_no_empty_stream():
    chunks = list(llm_of("STOP here").stream_chat(HI, stop=["STOP"]))

    assert [text_of(chunk) for chunk in chunks] == [""]
    assert chunks[-1].raw["usage"]


def test_an_empty_answer_is_noticed_and_the_next_route_asked():
    llm = G4FLLM(provider=[ScriptedProvider(""), ScriptedProvider("Hello")])

    response = llm.chat(HI)

    assert response.message.content == "Hello"
    assert [attempt["outcome"] for attempt in response.additional_kwargs["g4f"]["attempts"]] == ["empty", "ok"]


async def test_a_stream_that_dies_before_its_first_word_is_begun_anew():
    llm = G4FLLM(provider=ScriptedProvider(per_call=[[cut()], ["Hel", "lo"]]), resilience=QUICK)

    chunks = await told(llm.astream_chat(HI))

    assert [chunk.delta for chunk in chunks] == ["Hel", "lo", ""]


def test_a_stream_that_dies_later_says_what_it_had():
    stream = llm_of("Hello", cut()).stream_chat(HI, resilience=Resilience(on_stream_failure="raise"))

    assert next(stream).delta == "Hello"
    with pytest.raises(StreamInterruptedError) as raised:
        next(stream)
    assert raised.value.partial_text == "Hello"


def test_errors_are_this_packages_own():
    with pytest.raises(RateLimitError, match="429"):
        llm_of(RuntimeError("429 Too many requests"), max_retries=0).chat(HI)
    with pytest.raises(RoutesExhaustedError):
        G4FLLM(
            provider=[ScriptedProvider(RuntimeError("429 Too many requests")), ScriptedProvider("")],
            resilience=QUICK,
            max_retries=1,
        ).complete("Hi")


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda llm: llm.complete(None), "the prompt must be a text"),
        (lambda llm: llm.chat(HI, tools=3), "a list of tools"),
        (lambda llm: llm.chat(HI, tools=["add"]), "LlamaIndex's tools"),
        (lambda llm: llm.chat(HI, response_format=int), "a pydantic class or a dict"),
        (lambda llm: llm.chat([{"role": "user", "content": "Hi"}]), "messages\\[0\\]"),
    ],
)
def test_what_cannot_be_sent_is_named(ask, told):
    llm = llm_of("Hello")

    with pytest.raises(ConfigurationError, match=told):
        ask(llm)

    assert llm.provider.calls == []


def test_wrong_settings_are_told_before_the_stream_is_read():
    with pytest.raises(ConfigurationError, match="stop"):
        llm_of("Hello").stream_chat(HI, stop=[5])


def test_several_answers_are_all_told(loopback):
    choices = [
        {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for index, text in enumerate(["one", "two"])
    ]
    loopback.replies(Reply.json({"id": "1", "object": "chat.completion", "model": "m", "choices": choices}))

    response = G4FLLM(base_url=loopback.base_url, model="m", n=2).chat(HI)

    assert response.message.content == "one"
    assert response.raw["choices"] == [{"index": 0, "text": "one"}, {"index": 1, "text": "two"}]


def test_probabilities_are_told(loopback):
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi"},
        "finish_reason": "stop",
        "logprobs": {"content": [token]},
    }
    loopback.replies(Reply.json({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice]}))

    response = G4FLLM(base_url=loopback.base_url, model="m", logprobs=True).chat(HI)

    assert [(one.token, one.logprob) for one in response.logprobs[0]] == [("Hi", -0.5)]


def test_an_endpoint_is_asked_as_openai_writes_it(loopback):
    llm = G4FLLM(api_base=loopback.base_url, model="m", api_key="sk-1234", max_tokens=5, system_prompt="Be kind.")

    assert llm.predict(PromptTemplate("Say {word}"), word="hello") == "Say hello"

    body = loopback.requests[0].body
    assert body["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Say hello"},
    ]
    assert (body["max_tokens"], body["stream"]) == (5, False)
    assert loopback.requests[0].headers["authorization"] == "Bearer sk-1234"


def test_the_callers_history_is_never_changed():
    llm = llm_of("Hello")
    history = [ChatMessage("Hi"), ChatMessage("Hello", role="assistant")]
    before = [message.model_copy(deep=True) for message in history]

    llm.chat(history)
    list(llm.stream_chat(history))

    assert history == before


# Completions, where they are asked for


def test_a_completion_is_a_chat_unless_completions_are_asked_for(loopback):
    loopback.replies(completions())
    llm = G4FLLM(base_url=loopback.base_url, model="m")

    assert llm.complete("The lamp").text == "chat: The lamp"
    assert llm.complete("The lamp", use_completions=True, suffix=".").text == " and so on 0."


async def test_a_model_that_completes_streams_completions_and_still_chats(loopback):
    loopback.replies(completions())
    llm = G4FLLM(base_url=loopback.base_url, model="m", use_completions=True)

    assert [chunk.delta for chunk in llm.stream_complete("The lamp")] == [" and", " so", " on", ""]
    assert [chunk.text async for chunk in await llm.astream_complete("The lamp")][-1] == " and so on"
    assert (await llm.acomplete("The lamp")).text == " and so on 0"
    assert llm.chat([ChatMessage("The lamp")]).message.content == "chat: The lamp"


def test_where_there_are_no_completions_the_prompt_is_chatted_about(loopback):
    loopback.replies(completions(chat_only=True))

    assert G4FLLM(base_url=loopback.base_url, model="m", use_completions=True).complete("a").text == "chat: a"
