"""The smaller promises of a LangChain chat model, each by its name."""

import asyncio
import json

import pytest
from g4f.errors import RateLimitError as G4FRateLimit
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import Reasoning, ToolCalls, Usage
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import UsageMetadataCallbackHandler, get_usage_metadata_callback
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.prompt_values import ChatPromptValue
from langchain_core.rate_limiters import BaseRateLimiter

from g4f_integrations import Endpoint, Resilience, Route
from g4f_integrations.errors import IntegrationError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply, chunk, completion

PNG = "iVBORw0KGgo="
QUICK = Resilience(backoff_initial=0, backoff_max=0)
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def provider(*script, **details):
    return ScriptedProvider(*script, default_model="m", **details)


# What goes in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        "hi",
        [HumanMessage("hi")],
        [("user", "hi")],
        [{"role": "user", "content": "hi"}],
        ChatPromptValue(messages=[HumanMessage("hi")]),
    ],
)
def test_every_form_of_input_is_understood(asked):
    Provider = provider("ok")

    ChatG4F(provider=Provider).invoke(asked)

    assert Provider.calls[0].messages == [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (
            {"type": "image", "source_type": "url", "url": "http://x/a.png"},
            {"type": "image_url", "image_url": {"url": "http://x/a.png"}},
        ),
        (
            {"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"type": "image", "base64": PNG, "mime_type": "image/png"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        ),
        (
            {"type": "audio", "source_type": "base64", "data": "UklG", "mime_type": "audio/wav"},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
        ),
        (
            {"type": "video", "base64": "AAAA", "mime_type": "video/mp4"},
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
        ),
        (
            {
                "type": "file",
                "source_type": "base64",
                "data": "JVBE",
                "mime_type": "application/pdf",
                "filename": "a.pdf",
            },
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, {"type": "file", "file": {"file_id": "file-1"}}),
        ({"type": "file", "source_type": "id", "id": "file-1"}, {"type": "file", "file": {"file_id": "file-1"}}),
        ({"type": "text-plain", "text": "notes", "mime_type": "text/plain"}, {"type": "text", "text": "notes"}),
        (
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "notes"}},
            {"type": "text", "text": "notes"},
        ),
    ],
)
def test_blocks_of_every_dialect_reach_the_route_after_langchain_has_had_its_way(loopback, block, part):
    loopback.replies(Reply.chat("ok"))

    ChatG4F(base_url=loopback.base_url, model="m").invoke([HumanMessage([block, {"type": "text", "text": "?"}])])

    assert loopback.requests[0].body["messages"][0]["content"] == [part, {"type": "text", "text": "?"}]


@pytest.mark.parametrize("output_version", ["v0", "v1"])
def test_a_strict_server_takes_an_answer_back_as_history(loopback, output_version):
    call = {"id": "a1B2c3D4e", "type": "function", "function": {"name": "add", "arguments": '{"who": "你好"}'}}
    model = ChatG4F(base_url=loopback.base_url, model="m", output_version=output_version).bind_tools([TOOL])
    loopback.replies(Reply.chat("let me see", reasoning="hm", tool_calls=[call]))
    first, *others = model.stream("hi")
    streamed, whole = first + others, model.invoke("hi")
    loopback.replies()  # from now on by the letter

    for answer in (streamed, whole):
        result = ToolMessage("3", tool_call_id=answer.tool_calls[0]["id"])
        assert model.invoke([SystemMessage("s"), HumanMessage("hi"), answer, result]).text == "3"

    assert [request.body["messages"][2]["tool_calls"] for request in loopback.requests[2:]] == [[call]] * 2


@pytest.mark.parametrize("arguments", [{"stop": ["ST"]}, {"stop_sequences": ["ST"]}])
def test_arguments_can_be_bound(arguments):
    assert ChatG4F(provider=provider("one STOP")).bind(**arguments).invoke("hi").text == "one "


# What comes out ---------------------------------------------------------------------------------------------------


def test_several_answers_are_several_generations_and_count_their_tokens_once(loopback):
    choices = [{"index": i, "message": {"content": text}, "finish_reason": "stop"} for i, text in enumerate("ab")]
    loopback.replies(Reply.json({**completion(), "choices": choices}))
    model, counter = ChatG4F(base_url=loopback.base_url, model="m", n=2), UsageMetadataCallbackHandler()

    result = model.generate([[HumanMessage("hi")], [HumanMessage("yo")]], callbacks=[counter])

    assert [[one.text for one in generations] for generations in result.generations] == [["a", "b"]] * 2
    assert [request.body["n"] for request in loopback.requests] == [2, 2]
    assert counter.usage_metadata["m"]["total_tokens"] == 10
    assert result.llm_output == {"model_name": "m"}


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "traced"])
async def test_several_answers_of_a_provider_are_calls_of_their_own(way):
    Provider = provider(
        per_call=[[text, Usage(prompt_tokens=2, completion_tokens=1, total_tokens=3)] for text in "abc"], name="Triple"
    )
    model, asked = ChatG4F(provider=Provider, n=3), [[HumanMessage("hi")]]

    if way == "ainvoke":
        result = await model.agenerate(asked)
    else:
        result = model.generate(asked, callbacks=[UsageMetadataCallbackHandler()] if way == "traced" else None)

    first, *others = (one.message for one in result.generations[0])
    told = first.response_metadata["g4f"]
    assert sorted([first.text, *(other.text for other in others)]) == ["a", "b", "c"]
    assert first.usage_metadata["total_tokens"] == 9
    assert [other.usage_metadata for other in others] == [None, None]
    assert told["dropped"] == []
    assert [(side["purpose"], side["provider"], side["outcome"]) for side in told["side_calls"]] == [
        ("n", "Triple", "ok")
    ] * 2


def test_of_several_answers_one_that_fails_is_left_out_and_told():
    Provider = provider(per_call=[["a"], [RuntimeError("Error 401: Incorrect API key provided.")], ["c"]])

    result = ChatG4F(provider=Provider, max_retries=0).generate([[HumanMessage("hi")]], n=3)

    told = result.generations[0][0].message.response_metadata["g4f"]
    assert sorted(one.text for one in result.generations[0]) == ["a", "c"]
    assert sorted(side["outcome"] for side in told["side_calls"]) == ["auth", "ok"]
    assert told["dropped"] == ["n"]


def test_an_endpoint_that_passes_over_how_many_answers_are_wanted_is_asked_for_the_rest(loopback):
    loopback.replies(Reply.json(completion("a")))

    result = ChatG4F(base_url=loopback.base_url, model="m").generate([[HumanMessage("hi")]], n=2)

    assert [one.text for one in result.generations[0]] == ["a", "a"]
    assert [request.body.get("n") for request in loopback.requests] == [2, None]


def test_a_stream_whose_usage_nobody_wants_does_not_ask_for_it(loopback):
    model = ChatG4F(base_url=loopback.base_url, model="m")

    list(model.stream("hi", stream_usage=False))
    list(model.stream("hi", stream_usage=False, stream_options={"include_usage": True}))

    assert [request.body.get("stream_options") for request in loopback.requests] == [None, {"include_usage": True}]
    assert "stream_options" not in loopback.requests[0].body


def test_a_provider_hears_nothing_of_the_usage_that_nobody_wants():
    Provider = provider("ok")

    *_, last = ChatG4F(provider=Provider, stream_usage=False).stream("hi")

    assert "stream_options" not in Provider.calls[0]
    assert last.response_metadata["g4f"]["dropped"] == []


def test_a_stream_asks_for_one_answer_and_says_so(loopback):
    *_, last = ChatG4F(base_url=loopback.base_url, model="m", n=2).stream("hi")

    assert "n" not in loopback.requests[0].body
    assert last.response_metadata["g4f"]["dropped"] == ["n"]


def test_token_probabilities_are_in_the_metadata_of_both_ways(loopback):
    tokens = [{"token": token, "logprob": -0.1, "bytes": None, "top_logprobs": []} for token in "ab"]
    whole = completion("ab")
    whole["choices"][0]["logprobs"] = {"content": tokens}
    pieces = [chunk(token["token"]) for token in tokens]
    for piece, token in zip(pieces, tokens, strict=True):
        piece["choices"][0]["logprobs"] = {"content": [token]}
    loopback.replies(Reply.json(whole), Reply.sse(*pieces, chunk({}, "stop")))
    model = ChatG4F(base_url=loopback.base_url, model="m", logprobs=True, top_logprobs=2)

    answer, (*_, last) = model.invoke("hi"), model.stream("hi")

    assert answer.response_metadata["logprobs"] == last.response_metadata["logprobs"] == {"content": tokens}
    assert [(request.body["logprobs"], request.body["top_logprobs"]) for request in loopback.requests] == [
        (True, 2)
    ] * 2


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_usage_is_booked_on_the_model_that_really_answered(way):
    failing = provider(G4FRateLimit("slow down"))
    good = ScriptedProvider("ok", Usage(prompt_tokens=7, completion_tokens=5), default_model="other")
    model = ChatG4F(provider=[failing, good], resilience=QUICK)

    with get_usage_metadata_callback() as counter:
        _ = list(model.stream("hi")) if way == "stream" else model.invoke("hi")

    assert counter.usage_metadata == {"other": {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}}


def test_the_usage_can_be_left_out_of_streams():
    *_, last = ChatG4F(provider=provider("ok"), stream_usage=False).stream("hi")

    assert last.usage_metadata is None


def test_two_answers_share_no_metadata():
    model = ChatG4F(provider=provider("ok"))
    first, second = model.invoke("hi"), model.invoke("hi")

    first.response_metadata["g4f"]["attempts"].clear()
    first.usage_metadata["input_tokens"] = 99

    assert len(second.response_metadata["g4f"]["attempts"]) == 1
    assert second.usage_metadata["input_tokens"] != 99


def test_an_answer_can_be_written_as_json_and_read_again():
    script = [Reasoning("hm"), "ok", ToolCalls([{"id": "c1", "function": {"name": "add", "arguments": "{}"}}])]
    answer = ChatG4F(provider=provider(*script, native_tools=True)).invoke("hi", tools=[TOOL])

    assert AIMessage.model_validate(json.loads(answer.model_dump_json())) == answer


# Caches and limiters ----------------------------------------------------------------------------------------------


class Counting(BaseRateLimiter):
    def __init__(self):
        self.count = 0

    def acquire(self, *, blocking=True):
        self.count += 1
        return True

    async def aacquire(self, *, blocking=True):
        return self.acquire()


async def test_a_cached_answer_asks_neither_route_nor_limiter():
    Provider, limiter = provider("ok"), Counting()
    model = ChatG4F(provider=Provider, cache=InMemoryCache(), rate_limiter=limiter)

    answers = [model.invoke("hi").text, model.invoke("hi").text, (await model.ainvoke("hi")).text]

    assert answers == ["ok"] * 3
    assert (len(Provider.calls), limiter.count) == (1, 1)


def test_streams_are_neither_written_to_nor_read_from_a_cache():
    Provider = provider("ok")
    model = ChatG4F(provider=Provider, cache=InMemoryCache())

    for _ in range(2):
        assert "".join(chunk.text for chunk in model.stream("hi")) == "ok"
    model.invoke("hi")
    assert "".join(chunk.text for chunk in model.stream("hi")) == "ok"

    assert len(Provider.calls) == 4


def test_what_changes_the_answer_changes_the_place_in_the_cache():
    cache, first, second = InMemoryCache(), provider("first", name="CachedA"), provider("second", name="CachedB")
    model = ChatG4F(provider=first, cache=cache)

    model.invoke("hi")
    model.invoke("hi", temperature=0.5)
    model.invoke("hi", stop=["x"])
    ChatG4F(provider=first, cache=cache, seed=1).invoke("hi")
    ChatG4F(provider=first, cache=cache, model_kwargs={"top_k": 1}).invoke("hi")

    assert len(first.calls) == 5
    assert ChatG4F(provider=second, cache=cache).invoke("hi").text == "second"


def test_a_failure_is_not_cached():
    Provider = provider(per_call=[[RuntimeError("boom")], ["ok"]])
    model = ChatG4F(provider=Provider, cache=InMemoryCache(), max_retries=0)

    with pytest.raises(IntegrationError):
        model.invoke("hi")

    assert model.invoke("hi").text == "ok"


# Batches ----------------------------------------------------------------------------------------------------------


def counting_provider():
    class Crowd(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True
        present = peak = 0

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            cls.present += 1
            cls.peak = max(cls.peak, cls.present)
            await asyncio.sleep(0.01)
            cls.present -= 1
            yield messages[-1]["content"]

    return Crowd


@pytest.mark.parametrize("limit", [1, 3])
async def test_batches_ask_so_many_at_a_time_as_they_may(limit):
    for blocking in (True, False):
        Crowd = counting_provider()
        model, questions = ChatG4F(routes=[Route(Crowd, "m", inline=True)]), [str(n) for n in range(9)]
        config = {"max_concurrency": limit}

        answers = model.batch(questions, config) if blocking else await model.abatch(questions, config)

        assert [answer.text for answer in answers] == questions
        assert Crowd.peak == limit


async def test_a_batch_may_keep_its_failures_among_the_answers():
    Provider = provider(per_call=[["ok"], [RuntimeError("boom")], ["ok"]])
    model = ChatG4F(provider=Provider, max_retries=0)

    answers = model.batch(["a", "b", "c"], {"max_concurrency": 1}, return_exceptions=True)

    assert [isinstance(answer, IntegrationError) for answer in answers] == [False, True, False]


async def test_batches_can_be_had_as_they_come():
    model = ChatG4F(provider=provider("ok"))

    found = [number async for number, answer in model.abatch_as_completed(["a", "b"]) if answer.text == "ok"]

    assert sorted(found) == [0, 1]


# What a model says of itself --------------------------------------------------------------------------------------


def test_traces_and_answers_name_the_same_provider():
    model = ChatG4F(provider=provider("ok"))

    assert model._get_ls_params()["ls_provider"] == model.invoke("hi").response_metadata["model_provider"] == "g4f"


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        ({}, {"ls_model_name": "a", "ls_temperature": 0.5, "ls_max_tokens": 9, "ls_stop": ["x"]}),
        ({"model": "b"}, {"ls_model_name": "b", "ls_temperature": 0.5, "ls_max_tokens": 9, "ls_stop": ["x"]}),
        ({"model_name": "b"}, {"ls_model_name": "b", "ls_temperature": 0.5, "ls_max_tokens": 9, "ls_stop": ["x"]}),
        (
            {"temperature": 0, "max_completion_tokens": 1, "stop": ["y"]},
            {"ls_model_name": "a", "ls_temperature": 0, "ls_max_tokens": 1, "ls_stop": ["y"]},
        ),
        ({"temperature": None}, {"ls_model_name": "a", "ls_max_tokens": 9, "ls_stop": ["x"]}),
    ],
)
def test_traces_tell_what_the_call_asks_for(arguments, params):
    model = ChatG4F(model="a", temperature=0.5, max_tokens=9, stop=["x"])

    assert model._get_ls_params(**arguments) == {"ls_provider": "g4f", "ls_model_type": "chat", **params}


@pytest.mark.parametrize(
    ("settings", "profile"),
    [
        ({}, {"tool_calling": True, "tool_choice": True}),
        ({"context_window": 8_000}, {"tool_calling": True, "tool_choice": True, "max_input_tokens": 8_000}),
        (
            {"routes": [Endpoint("http://127.0.0.1:9/v1", "m", context_window=4_096), "Groq:m"]},
            {"tool_calling": True, "tool_choice": True, "max_input_tokens": 4_096},
        ),
        (
            {"routes": [Endpoint("http://127.0.0.1:9/v1", "m", context_window=4_096)], "context_window": 2_000},
            {"tool_calling": True, "tool_choice": True, "max_input_tokens": 2_000},
        ),
        ({"profile": {}}, {}),
        ({"context_window": 8_000, "profile": {"max_input_tokens": 4_000}}, {"max_input_tokens": 4_000}),
    ],
)
def test_the_profile_tells_what_is_known_and_what_the_user_says(settings, profile):
    assert ChatG4F(**settings).profile == profile


def test_the_type_is_one_that_middleware_can_tell_from_others():
    assert ChatG4F()._llm_type == "g4f-chat"
