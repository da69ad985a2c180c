"""`with_structured_output`: objects of a schema, whatever the route can do; an error where there is none."""

import pickle
from dataclasses import dataclass
from typing import TypedDict

import pytest
from g4f.providers.response import FinishReason, ToolCalls
from langchain_core import exceptions as langchain_errors
from langchain_core.exceptions import ModelError, OutputParserException
from langchain_core.prompts import ChatPromptTemplate
from pydantic import BaseModel, field_validator
from pydantic.v1 import BaseModel as BaseModelV1

from g4f_integrations import Resilience
from g4f_integrations.errors import ConfigurationError, ContentFilterError, IntegrationError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply

QUICK = Resilience(backoff_initial=0, backoff_max=0)


class Joke(BaseModel):
    """A joke."""

    setup: str
    laughs: int

    @field_validator("setup")
    @classmethod
    def _is_short(cls, setup: str) -> str:
        if len(setup) > 20:
            raise ValueError("is too long")
        return setup


class OldJoke(BaseModelV1):
    """A joke."""

    setup: str
    laughs: int


class JokeDict(TypedDict):
    """A joke."""

    setup: str
    laughs: int


@dataclass
class JokeRecord:
    """A joke."""

    setup: str
    laughs: int


class Tree(BaseModel):
    """A tree."""

    name: str
    children: list["Tree"] = []


JSON_SCHEMA = {
    "title": "Joke",
    "description": "A joke.",
    "type": "object",
    "properties": {"setup": {"type": "string"}, "laughs": {"type": "integer"}},
    "required": ["setup", "laughs"],
}
FUNCTION = {"name": "Joke", "description": "A joke.", "parameters": JSON_SCHEMA}
PLAIN = {"setup": "Why?", "laughs": 3}
GOOD = '{"setup": "Why?", "laughs": 3}'
TOO_LONG = '{"setup": "Why, oh why, oh why, oh why?", "laughs": 3}'
FORMS = [
    (Joke, Joke(**PLAIN)),
    (OldJoke, OldJoke(**PLAIN)),
    (JokeDict, PLAIN),
    (JokeRecord, JokeRecord(**PLAIN)),
    (JSON_SCHEMA, PLAIN),
    ({key: value for key, value in JSON_SCHEMA.items() if key != "title"}, PLAIN),
    (FUNCTION, PLAIN),
    ({"type": "function", "function": FUNCTION}, PLAIN),
]


def called(name, arguments):
    return f'```json\n[{{"id": "a", "name": "{name}", "arguments": {arguments}}}]\n```'


def saying(*answers, **settings):
    """A model without tools or formats of its own, that gives these answers in turn; and its provider."""
    Provider = ScriptedProvider(per_call=[[answer] for answer in answers], default_model="m")
    return ChatG4F(provider=Provider, resilience=QUICK, **settings), Provider


async def ask(way, runnable, question="Tell me a joke."):
    if way == "invoke":
        return runnable.invoke(question)
    if way == "ainvoke":
        return await runnable.ainvoke(question)
    if way == "stream":
        return list(runnable.stream(question))[-1]
    return [value async for value in runnable.astream(question)][-1]


WAYS = ["invoke", "ainvoke", "stream", "astream"]


# What comes out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
@pytest.mark.parametrize(("schema", "wanted"), FORMS)
async def test_every_form_of_schema_gives_its_object(schema, wanted, method):
    model, _ = saying(f"Sure!\n```json\n{GOOD}\n```")

    assert await ask("invoke", model.with_structured_output(schema, method=method)) == wanted


@pytest.mark.parametrize(("schema", "wanted"), FORMS)
def test_every_form_of_schema_can_be_a_tools_arguments(schema, wanted):
    name = wanted.__class__.__name__ if not isinstance(wanted, dict) else "Joke"
    name = {JokeDict: "JokeDict"}.get(schema, name) if isinstance(schema, type) else schema.get("title", name)
    name = "answer" if isinstance(schema, dict) and "properties" in schema and "title" not in schema else name
    model, Provider = saying(called(name, GOOD))

    assert model.with_structured_output(schema, method="function_calling").invoke("hi") == wanted
    assert f"You must call the tool {name} in this answer" in Provider.calls[0].messages[-1]["content"]


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_of_asking_gives_the_same(way):
    model, _ = saying(GOOD)

    assert await ask(way, model.with_structured_output(Joke)) == Joke(**PLAIN)


def test_the_object_is_shown_while_it_grows():
    model, _ = saying()
    Provider = ScriptedProvider(*(f"{piece} " for piece in GOOD.split(" ")), default_model="m")

    seen = list(model.with_structured_output(JokeDict).stream("hi", provider=Provider))

    assert seen == [{"setup": "Why?"}, {"setup": "Why?", "laughs": 3}]


def test_a_growing_instance_is_shown_once_it_is_one():
    Provider = ScriptedProvider(*GOOD, default_model="m")

    seen = list(ChatG4F(provider=Provider).with_structured_output(Joke).stream("hi"))

    assert seen == [Joke(**PLAIN)]


def test_json_mode_needs_no_schema():
    model, Provider = saying('{"anything": ["goes"]}')

    assert model.with_structured_output(method="json_mode").invoke("hi") == {"anything": ["goes"]}
    assert "one JSON object" in Provider.calls[0].messages[0]["content"]


def test_a_recursive_class_is_told_whole():
    model, Provider = saying('{"name": "a", "children": [{}]}', '{"name": "a", "children": [{"name": "b"}]}')

    assert model.with_structured_output(Tree).invoke("hi") == Tree(name="a", children=[Tree(name="b")])
    assert "name: is required" in Provider.calls[1].messages[-1]["content"]


def test_a_prompt_can_stand_before_it():
    model, Provider = saying(GOOD)
    chain = ChatPromptTemplate.from_messages([("user", "A joke about {topic}.")]) | model.with_structured_output(Joke)

    assert chain.invoke({"topic": "cats"}) == Joke(**PLAIN)
    assert Provider.calls[0].messages[-1]["content"].startswith("A joke about cats.")


def test_a_model_that_calls_the_schema_though_it_was_not_offered_as_a_tool_is_understood():
    call = {"id": "c1", "type": "function", "function": {"name": "Joke", "arguments": GOOD}}
    Provider = ScriptedProvider(ToolCalls([call]), native_tools=True, default_model="m")

    assert ChatG4F(provider=Provider, resilience=QUICK).with_structured_output(Joke).invoke("hi") == Joke(**PLAIN)


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("schema", [Joke, JSON_SCHEMA, JokeDict])
def test_a_strict_schema_is_one_that_strict_servers_take(loopback, schema, method):
    model = ChatG4F(base_url=loopback.base_url, model="m")

    found = model.with_structured_output(schema, method=method, strict=True).invoke("A joke of 3 laughs, 'Why?'")

    assert dict(found) == PLAIN
    assert [request.path for request in loopback.requests] == ["/v1/chat/completions"]


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_a_stream_of_a_model_that_does_not_stream_gives_the_object_at_once(way, method):
    model, _ = saying(called("Joke", GOOD) if method == "function_calling" else GOOD, disable_streaming=True)

    assert await ask(way, model.with_structured_output(Joke, method=method)) == Joke(**PLAIN)


def test_it_is_wrapped_and_copied_like_any_runnable():
    model, _ = saying(GOOD)
    bad, _ = saying("No.")
    structured = model.with_structured_output(JSON_SCHEMA)

    assert structured.batch(["hi", "ho"]) == [PLAIN] * 2
    assert bad.with_structured_output(JSON_SCHEMA).with_fallbacks([structured]).invoke("hi") == PLAIN
    assert bad.with_fallbacks([model]).with_structured_output(JSON_SCHEMA).invoke("hi") == PLAIN
    assert pickle.loads(pickle.dumps(structured)).invoke("hi") == PLAIN


async def test_its_run_is_traced_with_the_models_run_below_it():
    model, _ = saying(GOOD)

    events = [event async for event in model.with_structured_output(Joke).astream_events("hi", version="v2")]

    names = [(event["event"], event["name"]) for event in events if event["event"].endswith(("start", "end"))]
    assert names == [
        ("on_chain_start", "ChatG4F-Joke"),
        ("on_chat_model_start", "ChatG4F"),
        ("on_chat_model_end", "ChatG4F"),
        ("on_chain_end", "ChatG4F-Joke"),
    ]
    assert len(events[2]["parent_ids"]) == 1


# Answers that are none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bad", ["I would rather not.", '["Why?", 3]'])
async def test_an_answer_of_the_wrong_form_is_asked_for_again(way, bad):
    model, Provider = saying(bad, GOOD)

    assert await ask(way, model.with_structured_output(Joke)) == Joke(**PLAIN)
    assert "could not be used" in Provider.calls[1].messages[-1]["content"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
async def test_what_a_classs_own_validators_refuse_is_told_and_asked_for_again(way, method):
    answers = (TOO_LONG, GOOD)
    model, Provider = saying(*(called("Joke", one) if method == "function_calling" else one for one in answers))

    assert await ask(way, model.with_structured_output(Joke, method=method)) == Joke(**PLAIN)
    assert "setup: Value error, is too long" in str(Provider.calls[1].messages)


def test_another_question_keeps_to_the_attempts_that_a_call_may_make():
    model, Provider = saying(TOO_LONG, max_retries=1)

    with pytest.raises(OutputParserException):
        model.with_structured_output(Joke).invoke("hi")

    assert len(Provider.calls) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
async def test_no_object_is_an_error_that_tells_the_way(way, method):
    model, _ = saying("I would rather not.")

    with pytest.raises(OutputParserException) as caught:
        await ask(way, model.with_structured_output(Joke, method=method))

    error = caught.value
    assert isinstance(error, IntegrationError)
    assert isinstance(error, ModelError)
    assert not error.is_retryable
    assert [attempt.outcome for attempt in error.attempts] == ["invalid"] * (len(error.attempts) - 1) + ["ok"] or (
        {attempt.outcome for attempt in error.attempts} == {"invalid"}
    )
    assert len(error.attempts) >= 2
    assert error.llm_output == "I would rather not."
    assert "Joke" in str(error)


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_an_object_that_goes_wrong_after_it_was_shown_is_an_error_at_the_end(way):
    Provider = ScriptedProvider('{"setup": "Why?", ', '"laughs": ["many"]', "}", default_model="m")
    model = ChatG4F(provider=Provider, resilience=QUICK)

    with pytest.raises(OutputParserException, match="laughs"):
        await ask(way, model.with_structured_output(JokeDict))


def test_the_error_travels():
    model, _ = saying("I would rather not.")
    with pytest.raises(OutputParserException) as caught:
        model.with_structured_output(Joke).invoke("hi")

    again = pickle.loads(pickle.dumps(caught.value))

    assert (str(again), again.attempts) == (str(caught.value), caught.value.attempts)


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_the_raw_answer_can_be_had_beside_the_object(way):
    model, _ = saying(GOOD)

    found = await ask(way, model.with_structured_output(Joke, include_raw=True))

    assert (found["raw"].text, found["parsed"], found["parsing_error"]) == (GOOD, Joke(**PLAIN), None)
    assert found["raw"].response_metadata["g4f"]["structured"] == "prompt"


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_with_the_raw_answer_an_error_is_given_and_not_raised(way):
    model, _ = saying("No.")

    found = await ask(way, model.with_structured_output(Joke, include_raw=True))

    assert (found["raw"].text, found["parsed"]) == ("No.", None)
    assert isinstance(found["parsing_error"], OutputParserException)


@pytest.mark.parametrize("answer", [GOOD, "No."])
def test_the_pieces_of_a_stream_with_the_raw_answer_add_up_to_the_whole(answer):
    model, _ = saying(answer)
    runnable = model.with_structured_output(Joke, include_raw=True)

    first, *others = runnable.stream("hi")
    for other in others:
        first += other

    whole = runnable.invoke("hi")
    assert (first["raw"].text, first["parsed"]) == (whole["raw"].text, whole["parsed"])
    assert type(first["parsing_error"]) is type(whole["parsing_error"])


@pytest.mark.parametrize("script", [("I cannot help with that.", FinishReason("content_filter"))])
def test_a_refusal_is_an_error_of_its_own(script):
    Provider = ScriptedProvider(*script, default_model="m")
    refusal = getattr(langchain_errors, "ModelRefusalError", langchain_errors.ModelInvalidRequestError)

    with pytest.raises(ContentFilterError) as caught:
        ChatG4F(provider=Provider, resilience=QUICK).with_structured_output(Joke).invoke("hi")

    assert isinstance(caught.value, refusal)


@pytest.mark.parametrize("way", WAYS)
async def test_a_refusal_in_openais_own_form_is_not_asked_for_again(loopback, way):
    loopback.replies(Reply.chat(refusal="I'm sorry, I cannot assist with that."))
    runnable = ChatG4F(base_url=loopback.base_url, model="m", resilience=QUICK).with_structured_output(Joke)

    with pytest.raises(ContentFilterError, match="I'm sorry, I cannot assist with that"):
        await ask(way, runnable)

    assert len(loopback.requests) == 1


def test_a_server_that_ignores_the_format_is_asked_in_words(loopback):
    loopback.replies(Reply.chat("A joke? Why not!"), Reply.chat(GOOD))
    runnable = ChatG4F(base_url=loopback.base_url, model="m", resilience=QUICK).with_structured_output(Joke)

    assert runnable.invoke("hi") == Joke(**PLAIN)
    assert "response_format" in loopback.requests[0].body
    assert "response_format" not in loopback.requests[1].body
    assert "valid against this JSON schema" in loopback.requests[1].body["messages"][0]["content"]


# Tools beside it --------------------------------------------------------------------------------------------------


def look_up(topic: str) -> str:
    """Look something up."""
    return topic


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_the_model_may_call_a_tool_first(method):
    last = called("Joke", GOOD) if method == "function_calling" else GOOD
    model, _ = saying(called("look_up", '{"topic": "cats"}'), last)
    runnable = model.with_structured_output(Joke, method=method, tools=[look_up], include_raw=True)

    first, second = runnable.invoke("hi"), runnable.invoke("hi")

    assert ([call["name"] for call in first["raw"].tool_calls], first["parsed"]) == (["look_up"], None)
    assert first["parsing_error"] is None
    assert second["parsed"] == Joke(**PLAIN)


@pytest.mark.parametrize(
    "arguments", [{"schema": None}, {"schema": Joke, "method": "magic"}, {"schema": Joke, "tools": [look_up]}]
)
def test_what_makes_no_sense_is_said_at_once(arguments):
    with pytest.raises(ConfigurationError):
        ChatG4F().with_structured_output(**arguments)
