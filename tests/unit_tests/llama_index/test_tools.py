"""Tools on every route: natively where it has them, by prompt elsewhere."""

import json
from typing import Generic, TypeVar

import pytest
from g4f.providers.response import ToolCalls
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from g4f_integrations import Resilience
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply

T = TypeVar("T")
QUICK = Resilience(backoff_initial=0, backoff_max=0)


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def shout(text: str) -> str:
    """Say it loudly."""
    return text.upper()


ADD, SHOUT = FunctionTool.from_defaults(add), FunctionTool.from_defaults(shout)


class Box(BaseModel, Generic[T]):
    """Something in a box."""

    inside: T


def call(name, call_id="call_1", **arguments):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def in_words(*calls):
    """The same calls as a model without native tools writes them."""
    blocks = [{"name": one["function"]["name"], "arguments": json.loads(one["function"]["arguments"])} for one in calls]
    return f"```json\n{json.dumps(blocks)}\n```"


def native(*calls, text=""):
    return ScriptedProvider(*([text] if text else []), ToolCalls(list(calls)), native_tools=True)


def by_prompt(*calls, text=""):
    return ScriptedProvider(text, in_words(*calls))


ROUTES = pytest.mark.parametrize("route", [native, by_prompt])


def calls_of(response):
    return [
        (block.tool_name, block.tool_kwargs) for block in response.message.blocks if isinstance(block, ToolCallBlock)
    ]


async def all_ways(llm, *args, **kwargs):
    streamed = list(llm.stream_chat_with_tools(*args, **kwargs))
    astreamed = [chunk async for chunk in await llm.astream_chat_with_tools(*args, **kwargs)]
    wholes = [llm.chat_with_tools(*args, **kwargs), await llm.achat_with_tools(*args, **kwargs)]
    return [*wholes, streamed[-1], astreamed[-1]]


@ROUTES
async def test_a_call_stands_in_the_blocks_and_as_plain_data_in_the_additional_kwargs(route):
    llm = G4FLLM(provider=route(call("add", a=2, b=3), text="Let me see. "))

    for response in await all_ways(llm, [ADD], "2 + 3?"):
        [block] = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        assert (block.tool_name, block.tool_kwargs) == ("add", {"a": 2, "b": 3})
        [plain] = response.message.additional_kwargs["tool_calls"]
        assert plain == {**call("add", a=2, b=3), "id": block.tool_call_id}
        assert response.message.content.strip() == "Let me see."
        assert response.message.additional_kwargs.keys() == {"tool_calls"}
        assert ChatMessage.model_validate_json(response.message.model_dump_json()) == response.message


@ROUTES
async def test_the_metadata_say_how_the_tools_reached_the_route(route):
    for response in await all_ways(G4FLLM(provider=route(call("add", a=2, b=3))), [ADD], "2 + 3?"):
        told = response.additional_kwargs["g4f"]["tools"]
        assert told == ("native" if route is native else "prompt")


@ROUTES
def test_the_deltas_of_a_stream_with_a_call_add_up_and_the_call_comes_whole(route):
    chunks = list(G4FLLM(provider=route(call("add", a=2, b=3), text="Let me see. ")).stream_chat_with_tools([ADD], "?"))

    assert "".join(chunk.delta for chunk in chunks) == chunks[-1].message.content
    assert {str(calls_of(chunk)) for chunk in chunks} <= {"[]", str([("add", {"a": 2, "b": 3})])}


def test_schemas_and_wishes_reach_an_endpoint_as_openai_writes_them(loopback):
    loopback.replies(Reply.chat(tool_calls=[call("add", a=1, b=2)]))
    llm = G4FLLM(base_url=loopback.base_url, model="m")

    llm.chat_with_tools([ADD, SHOUT], "1 + 2?", allow_parallel_tool_calls=True, tool_required=True)

    body = loopback.requests[0].body
    assert [tool["function"]["name"] for tool in body["tools"]] == ["add", "shout"]
    assert body["tools"][0] == ADD.metadata.to_openai_tool()
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", True)


@pytest.mark.parametrize(
    ("wish", "wire"),
    [
        ({}, None),
        ({"tool_required": True}, "required"),
        ({"tool_choice": None, "tool_required": True}, "required"),
        ({"tool_choice": "auto"}, "auto"),
        ({"tool_choice": "none"}, "none"),
        ({"tool_choice": "required"}, "required"),
        ({"tool_choice": "any"}, "required"),
        ({"tool_choice": "add"}, {"type": "function", "function": {"name": "add"}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "add"}}},
            {"type": "function", "function": {"name": "add"}},
        ),
    ],
)
def test_every_way_to_choose_a_tool_is_understood(wish, wire):
    route = native(call("add", a=1, b=2), text="Hm.")

    G4FLLM(provider=route).chat_with_tools([ADD], "?", **wish)

    assert route.calls[0].get("tool_choice") == wire


def test_a_tool_that_is_not_offered_cannot_be_chosen():
    with pytest.raises(ConfigurationError, match="'sub'"):
        G4FLLM(provider=native()).chat_with_tools([ADD], "?", tool_choice="sub")


def test_without_tools_nothing_is_said_of_any():
    route = native(text="Hello")

    G4FLLM(provider=route).chat_with_tools([], "Hi", tool_required=True)

    assert not {"tools", "tool_choice", "parallel_tool_calls"} & route.calls[0].keys()


def test_the_callers_history_is_not_changed_by_a_new_message():
    history = [ChatMessage("Hi"), ChatMessage("Hello", role="assistant")]
    route = native(call("add", a=1, b=2))

    G4FLLM(provider=route).chat_with_tools([ADD], user_msg="And?", chat_history=history)

    assert len(history) == 2
    assert [message["content"] for message in route.calls[0].messages] == ["Hi", "Hello", "And?"]


@ROUTES
async def test_one_call_at_the_most_unless_several_are_allowed(route):
    two = (call("add", "c1", a=1, b=2), call("add", "c2", a=1, b=2))

    for response in await all_ways(G4FLLM(provider=route(*two)), [ADD], "?"):
        assert len(calls_of(response)) == len(response.message.additional_kwargs["tool_calls"]) == 1
    for response in await all_ways(G4FLLM(provider=route(*two)), [ADD], "?", allow_parallel_tool_calls=True):
        ids = {selection.tool_id for selection in G4FLLM(provider="A").get_tool_calls_from_response(response)}
        assert len(ids) == 2, "two calls with the same arguments are two calls"


@ROUTES
def test_generic_classes_are_called_by_their_own_names(route):
    program = FunctionCallingProgram.from_defaults(
        Box[int], prompt_template_str="Put 3 in a box.", llm=G4FLLM(provider=route(call("Box_int_", inside=3)))
    )

    assert program() == Box[int](inside=3)


@ROUTES
def test_tools_that_are_given_to_chat_itself_are_called_by_their_own_names_too(route):
    tool = FunctionTool.from_defaults(lambda inside: inside, name="Box[int]", description="A box.", fn_schema=Box[int])

    response = G4FLLM(provider=route(call("Box_int_", inside=3))).chat(
        [ChatMessage("Put 3 in a box.")], tools=[tool], tool_choice="Box[int]"
    )

    assert calls_of(response) == [("Box[int]", {"inside": 3})]


@pytest.mark.parametrize("wish", [{}, {"tool_choice": {"type": "function", "function": {"name": "Box_int_"}}}])
async def test_bare_arguments_are_the_call_where_only_one_can_be_meant(wish):
    llm = G4FLLM(provider=ScriptedProvider('Here you are:\n```json\n{"inside": "3"}\n```'), resilience=QUICK)
    program = FunctionCallingProgram.from_defaults(Box[int], prompt_template_str="Put 3 in a box.", llm=llm, **wish)

    assert program() == await program.acall() == Box[int](inside=3)


@pytest.mark.parametrize("said", ['{"a": 1, "b": 2}', "No.", "[]", ""])
def test_json_is_no_call_where_none_is_required_and_words_never_are(said):
    llm = G4FLLM(provider=ScriptedProvider(said, "\n."), resilience=QUICK)

    with pytest.raises(ValueError, match="at least one tool call"):
        llm.predict_and_call([ADD], "?", tool_required=said == "No.")


def test_tools_whose_names_are_the_same_on_the_wire_are_told_apart():
    tools = [FunctionTool.from_defaults(add, name=name) for name in ("a.b", "a:b")]
    route = native(call("a_b_2", a=1, b=2))

    response = G4FLLM(provider=route).chat_with_tools(tools, "?", tool_choice="a:b")

    assert [tool["function"]["name"] for tool in route.calls[0].tools] == ["a_b", "a_b_2"]
    assert route.calls[0].tool_choice["function"]["name"] == "a_b_2"
    assert calls_of(response) == [("a:b", {"a": 1, "b": 2})]


def test_calls_are_read_only_where_tools_were_offered():
    said = in_words(call("add", a=1, b=2))

    response = G4FLLM(provider=ScriptedProvider(said)).chat([ChatMessage("Show me a call.")])

    assert response.message.content == said
    assert G4FLLM(provider="A").get_tool_calls_from_response(response, error_on_no_tool_call=False) == []


def test_the_arguments_are_put_right_before_they_are_returned():
    route = by_prompt(call("add", a="2", b=3))

    response = G4FLLM(provider=route).chat_with_tools([ADD], "?")

    assert calls_of(response) == [("add", {"a": 2, "b": 3})]


def test_a_call_that_cannot_be_put_right_is_asked_for_again():
    route = ScriptedProvider(
        per_call=[[in_words(call("add", a="two"))], [in_words(call("add", a=2, b=3))]], default_model="m"
    )

    response = G4FLLM(provider=route, resilience=QUICK).chat_with_tools([ADD], "?")

    assert calls_of(response) == [("add", {"a": 2, "b": 3})]
    assert len(route.calls) == 2


def test_an_agents_tools_and_their_results_are_told_to_a_route_that_has_only_text():
    route = ScriptedProvider("5")
    history = [
        ChatMessage("2 + 3?"),
        ChatMessage(role="assistant", blocks=[ToolCallBlock(tool_call_id="c1", tool_name="add", tool_kwargs={"a": 2})]),
        ChatMessage("five, it says", role="tool", additional_kwargs={"tool_call_id": "c1"}),
    ]

    G4FLLM(provider=route).chat_with_tools([ADD], chat_history=history)

    told = json.dumps(route.calls[0].messages)
    assert "five, it says" in told
    assert {message["role"] for message in route.calls[0].messages} <= {"system", "user", "assistant"}


# Reading calls ----------------------------------------------------------------------------------------------------


def selections(**message):
    response = ChatResponse(message=ChatMessage(role="assistant", **message))
    return G4FLLM(provider="A").get_tool_calls_from_response(response, error_on_no_tool_call=False, more=1)


@pytest.mark.parametrize(
    ("held", "arguments"),
    [
        ({"a": 1}, {"a": 1}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": 1, "b": "un', {"a": 1, "b": None}),
        ("", {}),
        ("[1, 2]", {}),
        ("nonsense", {}),
    ],
)
def test_calls_of_other_integrations_are_read_whole_or_growing(held, arguments):
    block = ToolCallBlock(tool_call_id=None, tool_name="t", tool_kwargs=held)

    assert selections(blocks=[block]) == [ToolSelection(tool_id="", tool_name="t", tool_kwargs=arguments)]


def test_calls_are_read_from_the_additional_kwargs_where_there_are_no_blocks():
    found = selections(content="", additional_kwargs={"tool_calls": [call("add", a=1)]})

    assert found == [ToolSelection(tool_id="call_1", tool_name="add", tool_kwargs={"a": 1})]


def test_no_call_is_an_error_unless_that_is_allowed():
    response = ChatResponse(message=ChatMessage("Hello", role="assistant"))

    with pytest.raises(ValueError, match="Expected at least one tool call, but got 0"):
        G4FLLM(provider="A").get_tool_calls_from_response(response)


# Calling ----------------------------------------------------------------------------------------------------------


@ROUTES
async def test_tools_are_called_and_their_outputs_returned(route):
    llm = G4FLLM(provider=route(call("add", a=2, b=3)))

    assert llm.predict_and_call([ADD], "2 + 3?").response == "5"
    assert (await llm.apredict_and_call([ADD], "2 + 3?")).response == "5"


@ROUTES
async def test_several_calls_are_run_where_that_is_allowed(route):
    llm = G4FLLM(provider=route(call("add", "c1", a=2, b=3), call("shout", "c2", text="hi")))
    arguments = {"user_msg": "?", "allow_parallel_tool_calls": True}

    assert llm.predict_and_call([ADD, SHOUT], **arguments).response == "5\n\nHI"
    assert [one.content for one in (await llm.apredict_and_call([ADD, SHOUT], **arguments)).sources] == ["5", "HI"]


async def test_a_tool_that_does_not_exist_is_an_output_that_says_so():
    llm = G4FLLM(provider=native(call("nope", a=1)), resilience=QUICK)

    for answer in (llm.predict_and_call([ADD], "?"), await llm.apredict_and_call([ADD], "?")):
        assert answer.sources[0].is_error
        assert "'nope'" in answer.response
        assert "'add'" in answer.response
    with pytest.raises(ValueError, match="nope"):
        llm.predict_and_call([ADD], "?", error_on_tool_error=True)


def test_a_call_that_cannot_be_made_runs_nothing_and_says_why():
    ran = []

    def wipe(path: str = ".") -> str:
        """Wipe a folder."""
        ran.append(path)
        return "wiped"

    broken = {"id": "c1", "type": "function", "function": {"name": "wipe", "arguments": '{"path": "/tm'}}
    llm = G4FLLM(provider=native(broken), resilience=QUICK)

    answer = llm.predict_and_call([FunctionTool.from_defaults(wipe)], "?")

    assert ran == []
    assert answer.sources[0].is_error
    assert "no JSON" in answer.response


def test_an_answer_in_words_is_returned_where_no_call_is_needed():
    llm = G4FLLM(provider=native(text="Hello"))

    answer = llm.predict_and_call([ADD], "Hi", error_on_no_tool_call=False)

    assert (answer.response, answer.sources) == ("Hello", [])


@ROUTES
async def test_programs_keep_the_system_prompt_in_both_forms(route):
    provider = route(call("Box_int_", inside=3))
    llm = G4FLLM(provider=provider, system_prompt="Boxes are blue.")
    program = FunctionCallingProgram.from_defaults(Box[int], prompt=PromptTemplate("Put 3 in a box."), llm=llm)

    assert program() == await program.acall() == Box[int](inside=3)

    for request in provider.calls:
        assert json.dumps(request.messages).count("Boxes are blue.") == 1
