"""Answers as instances of pydantic classes, on every route."""

import asyncio
import json
from typing import Generic, Literal, TypeVar

import pytest
from g4f.providers.response import ToolCalls
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms import ChatMessage as Message
from llama_index.core.program import LLMTextCompletionProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, RootModel, field_validator

from g4f_integrations import Resilience
from g4f_integrations.errors import RateLimitError
from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.llama_index._structured import Partials
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply, Stall, chunk

T = TypeVar("T")
QUICK = Resilience(backoff_initial=0, backoff_max=0)
ASK = PromptTemplate("Name a {kind}.")


class Animal(BaseModel):
    """An animal."""

    name: str
    legs: int

    @field_validator("legs")
    @classmethod
    def _even(cls, value):
        if value % 2:
            message = "legs come in pairs"
            raise ValueError(message)
        return value


class Box(BaseModel, Generic[T]):
    inside: T


class Answer(RootModel[Literal["yes", "no"]]):
    """Yes or no."""


class Animals(RootModel[list[Animal]]):
    """Several animals."""


class Keeper(BaseModel):
    age: int


class Robot(BaseModel):
    volts: int


class Zoo(BaseModel):
    """A zoo."""

    name: str
    animals: list[Animal]
    closed: Literal["yes", "no"] | None = None
    keeper: Keeper | Robot


class Node(BaseModel):
    value: int
    children: list["Node"] = []


FOX = {"name": "fox", "legs": 4}
GOOD = json.dumps(FOX)
THREE_LEGS = json.dumps({**FOX, "legs": 3})
SLOPPY = [
    GOOD,
    f"```json\n{GOOD}\n```",
    f"Here you are:\n{GOOD}\nAnything else?",
    "{'name': 'fox', 'legs': 4,}",
    '{"name": "fox", "legs": "4"}',
    '{"name": "fox", "legs": 4',
]


def llm_of(*scripts, **settings):
    return G4FLLM(provider=ScriptedProvider(per_call=[[script] for script in scripts]), resilience=QUICK, **settings)


async def all_ways(make, cls=Animal, **arguments):
    """The last word of each of the four forms, each of a model of its own."""
    streamed = list(make().stream_structured_predict(cls, ASK, kind="beast", **arguments))
    astream = await make().astream_structured_predict(cls, ASK, kind="beast", **arguments)
    return [
        make().structured_predict(cls, ASK, kind="beast", **arguments),
        await make().astructured_predict(cls, ASK, kind="beast", **arguments),
        streamed[-1],
        [one async for one in astream][-1],
    ]


@pytest.mark.parametrize("said", SLOPPY)
async def test_an_answer_is_an_instance_however_sloppily_it_is_written(said):
    assert await all_ways(lambda: llm_of(said)) == [Animal(**FOX)] * 4


async def test_an_answer_that_the_class_refuses_is_asked_for_again_with_the_reason():
    made = []

    def make():
        made.append(llm_of(THREE_LEGS, GOOD))
        return made[-1]

    assert await all_ways(make) == [Animal(**FOX)] * 4

    for llm in made:
        first, second = llm.provider.calls
        assert "legs come in pairs" not in json.dumps(first.messages)
        assert "legs come in pairs" in second.messages[-1]["content"]
        assert second.messages[-2] == {"role": "assistant", "content": THREE_LEGS}


async def test_a_model_that_never_gets_it_right_is_not_asked_for_ever():
    llm = llm_of(THREE_LEGS)

    with pytest.raises(ValueError, match=r"No valid Animal after 3 answers(?s:.*)legs come in pairs"):
        await llm.astructured_predict(Animal, ASK, kind="beast")
    assert len(llm.provider.calls) == 3


async def test_the_system_prompt_is_kept_in_every_form():
    made = []

    def make():
        made.append(llm_of(GOOD, system_prompt="Animals only."))
        return made[-1]

    await all_ways(make)

    assert ["Animals only." in json.dumps(llm.provider.calls[0].messages) for llm in made] == [True] * 4


def test_an_endpoint_is_asked_by_its_own_parameter(loopback):
    loopback.replies(Reply.chat(GOOD))

    G4FLLM(base_url=loopback.base_url, model="m").structured_predict(
        Animal, ASK, kind="beast", llm_kwargs={"temperature": 0.5, "tool_choice": "auto"}
    )

    body = loopback.requests[0].body
    assert body["response_format"]["json_schema"] == {"name": "Animal", "schema": Animal.model_json_schema()}
    assert (body["temperature"], "tools" in body) == (0.5, False)
    assert body["messages"] == [{"role": "user", "content": "Name a beast."}]


@pytest.mark.parametrize("form", [Animal, Animal.model_json_schema(), {"type": "json_object"}])
def test_a_chat_can_be_asked_for_json_in_every_form(form):
    response = llm_of(SLOPPY[2]).chat([Message("?")], response_format=form)

    assert json.loads(response.message.content) == FOX


def test_generic_classes_have_a_name_that_endpoints_take(loopback):
    loopback.replies(Reply.chat('{"inside": 3}'))

    made = G4FLLM(base_url=loopback.base_url, model="m").structured_predict(Box[int], ASK, kind="box")

    assert made == Box[int](inside=3)
    assert loopback.requests[0].body["response_format"]["json_schema"]["name"] == "Box_int_"


async def test_a_stream_shows_the_object_while_it_grows():
    provider = ScriptedProvider('{"name": "red ', 'fox", ', '"legs": 4', "}")

    stream = await G4FLLM(provider=provider).astream_structured_predict(Animal, ASK, kind="beast")
    *partials, last = [one async for one in stream]

    assert last == Animal(name="red fox", legs=4)
    assert partials[0].name.startswith("red")
    assert not isinstance(partials[0], Animal)


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION])
async def test_leaving_a_growing_object_early_closes_the_connection(mode, loopback):
    begun = chunk('{"name": "fox", ')
    if mode is PydanticProgramMode.FUNCTION:
        function = {"name": "Animal", "arguments": '{"name": "fox", '}
        begun = chunk({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]})
    loopback.replies(Reply.sse(begun, Stall(), done=False))
    llm = G4FLLM(base_url=loopback.base_url, model="m", pydantic_program_mode=mode)
    growing = await llm.astream_structured_predict(Animal, ASK, kind="beast")
    reading = asyncio.create_task(anext(growing))
    assert await asyncio.to_thread(loopback.wait_for_requests)

    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await growing.aclose()

    assert await asyncio.to_thread(loopback.requests[0].client_left)


def test_what_is_observed_of_a_growing_object(heard, spans):
    shown = list(llm_of(GOOD).stream_structured_predict(Animal, ASK, kind="beast"))

    names = [type(event).__name__ for event in heard if "Structured" in type(event).__name__]
    growth = ["LLMStructuredPredictInProgressEvent"] * len(shown)
    assert names == ["LLMStructuredPredictStartEvent", *growth, "LLMStructuredPredictEndEvent"]
    assert [name.partition("-")[0] for name, *_ in spans] == ["G4FLLM.stream_structured_predict", "G4FLLM.stream_chat"]


def test_an_object_is_shown_again_only_when_it_says_more():
    partials = Partials(Animal)
    text = '{"name": "fox",    "legs": 4}'

    shown = [partials.feed(text[:end]) for end in range(1, len(text) + 1)]

    assert [one.name for one in shown if one is not None and one.name] == ["f", "fo", "fox", "fox"]
    assert shown[-2] == Animal(**FOX)


def test_a_long_object_is_not_read_anew_with_every_character():
    partials = Partials(Box[list[int]])
    text = json.dumps({"inside": list(range(3000))})

    shown = [one for end in range(1, len(text) + 1) if (one := partials.feed(text[:end])) is not None]

    assert 10 < len(shown) < 1000


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.LLM])
async def test_both_of_our_own_modes_read_sloppy_answers(mode):
    assert await all_ways(lambda: llm_of(SLOPPY[1], pydantic_program_mode=mode)) == [Animal(**FOX)] * 4


async def test_in_text_mode_the_schema_is_a_part_of_the_question(loopback):
    loopback.replies(Reply.chat(SLOPPY[2]))
    llm = G4FLLM(base_url=loopback.base_url, model="m", pydantic_program_mode=PydanticProgramMode.LLM)

    assert await llm.astructured_predict(Animal, ASK, kind="beast") == Animal(**FOX)

    body = loopback.requests[0].body
    assert "response_format" not in body
    assert "An animal." in body["messages"][0]["content"]


async def test_in_function_mode_the_class_is_a_tool():
    call = {"id": "c1", "type": "function", "function": {"name": "Animal", "arguments": GOOD}}

    def make():
        provider = ScriptedProvider(ToolCalls([call]), native_tools=True)
        return G4FLLM(provider=provider, pydantic_program_mode=PydanticProgramMode.FUNCTION)

    assert await all_ways(make) == [Animal(**FOX)] * 4


@pytest.mark.parametrize("route", ["native", "prompt"])
async def test_in_function_mode_a_call_that_the_class_refuses_is_asked_for_again_with_the_reason(route):
    def said(arguments):
        call = {"id": "c1", "type": "function", "function": {"name": "Animal", "arguments": arguments}}
        in_words = json.dumps([{"name": "Animal", "arguments": json.loads(arguments)}])
        return [ToolCalls([call])] if route == "native" else [f"```json\n{in_words}\n```"]

    providers = []

    def make():
        scripts = [said(THREE_LEGS), said(GOOD)]
        providers.append(ScriptedProvider(per_call=scripts, native_tools=route == "native"))
        return G4FLLM(provider=providers[-1], resilience=QUICK, pydantic_program_mode=PydanticProgramMode.FUNCTION)

    assert await all_ways(make) == [Animal(**FOX)] * 4
    for provider in providers:
        assert len(provider.calls) == 2
        assert "legs come in pairs" in json.dumps(provider.calls[1].messages)


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.LLM, PydanticProgramMode.FUNCTION])
@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (Zoo, '{"name": "Z", "animals": [{"name": "fox", "legs": 4}], "closed": "yes", "keeper": {"age": 3}}'),
        (Node, '{"value": 1, "children": [{"value": 2, "children": []}]}'),
        (Animals, '[{"name": "fox", "legs": 4}, {"name": "owl", "legs": 2}]'),
        (Answer, '"yes"'),
    ],
    ids=["nested", "recursive", "list", "enum"],
)
async def test_classes_of_every_shape_are_filled_in_every_mode_from_a_model_that_knows_no_tools(mode, cls, said):
    """In function mode, too, where such a model gives the arguments without the call."""
    for found in await all_ways(lambda: llm_of(f"Sure:\n```json\n{said}\n```", pydantic_program_mode=mode), cls):
        assert found == cls.model_validate_json(said)


@pytest.mark.filterwarnings("ignore:The `json` method is deprecated")  # LlamaIndex's own
async def test_a_structured_llm_answers_in_json_with_the_object_beside_it():
    llm = llm_of(SLOPPY[2]).as_structured_llm(Animal)

    for response in (llm.chat([Message("?")]), await llm.achat([Message("?")])):
        assert json.loads(response.message.content) == FOX
        assert response.raw == Animal(**FOX)
    assert [chunk.raw for chunk in llm.stream_chat([Message("?")])][-1] == Animal(**FOX)


def test_text_programs_work_on_top():
    program = LLMTextCompletionProgram.from_defaults(
        output_cls=Animal, prompt_template_str="Name a beast.", llm=llm_of(SLOPPY[1])
    )

    assert program() == Animal(**FOX)


def test_failures_of_the_routes_are_told_as_such():
    with pytest.raises(RateLimitError):
        G4FLLM(provider=ScriptedProvider(RuntimeError("429 Too many requests")), max_retries=0).structured_predict(
            Animal, ASK, kind="beast"
        )


def test_the_prompts_messages_stay_as_they_are():
    from llama_index.core.prompts import ChatPromptTemplate

    messages = [ChatMessage("Name a beast.")]
    prompt = ChatPromptTemplate(message_templates=messages)

    llm_of(THREE_LEGS, GOOD).structured_predict(Animal, prompt)

    assert len(messages) == len(prompt.message_templates) == 1


def test_what_a_model_is_told_of_its_mistake_can_be_replaced(tmp_path):
    (tmp_path / "reask.txt").write_text("Wrong! {{problems}}")
    llm = llm_of(THREE_LEGS, GOOD, prompts=str(tmp_path))

    llm.structured_predict(Animal, ASK, kind="beast")

    assert llm.provider.calls[1].messages[-1]["content"].startswith("Wrong!")
