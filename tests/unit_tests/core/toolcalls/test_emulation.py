"""Tools for models that have only text: what such a model is told, and how it sees what happened before."""

import json
import re
from copy import deepcopy
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.prompts import load_prompt
from g4f_integrations.core.toolcalls import parse_tool_calls
from g4f_integrations.core.toolcalls.emulation import emulate_tools, reask_messages, tell_calls
from g4f_integrations.errors import ConfigurationError


def tool(name, description=None, **properties):
    function = {"name": name, "parameters": {"type": "object", "properties": properties}}
    return {"type": "function", "function": function | ({"description": description} if description else {})}


def call(identifier, name, arguments):
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls, content=None):
    return {"role": "assistant", "content": content, "tool_calls": [*calls]}


def result(identifier, content, **more):
    return {"role": "tool", "tool_call_id": identifier, "content": content, **more}


def text(said):
    return {"type": "text", "text": said}


WEATHER = tool("get_weather", "The weather in a city.", city={"type": "string"})
ADD = tool("add", None, a={"type": "integer"}, b={"type": "integer"})
ANSWER = tool("Answer", None, text={"type": "string"})
TOOLS = [WEATHER, ADD]
SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "What is the weather in 北京?"}
CALLING = calling(call("c1", "get_weather", '{"city": "\\u5317\\u4eac"}'))
RESULT = result("c1", "Sunny")
PICTURE = {"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png"}}
ANSWER_FORM = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object", "title": "Reply"}}}


def content_of(*messages, tools=(), **settings):
    """The content of the last message, emulated without tools, so without a system message."""
    return emulate_tools(messages, tools, **settings)[-1]["content"]


def instruction(*messages, tools=TOOLS, **settings):
    return emulate_tools(messages or [USER], tools, **settings)[0]["content"]


def reminder(*messages, tools=TOOLS, **settings):
    return emulate_tools(messages or [USER], tools, **settings)[-1]["content"]


# The tools


def test_the_system_prompt_is_kept_and_the_tools_follow_it():
    assert instruction(SYSTEM, USER).startswith("Be brief.\n\nYou can call tools.")


def test_without_a_system_prompt_the_tools_make_one():
    messages = emulate_tools([USER], TOOLS)

    assert [message["role"] for message in messages] == ["system", "user"]


def test_the_tools_stand_there_as_json_with_descriptions_and_whole_schemas():
    umlauts = tool("grüßen", "Grüßt {{name}} {}.", wie={"$ref": "#/$defs/x", "description": "Höflich?"})

    listed = re.search(r"^\[\n.*?^\]$", instruction(tools=[umlauts, ADD]), re.MULTILINE | re.DOTALL)[0]

    assert json.loads(listed) == [umlauts["function"], ADD["function"]]
    assert "Grüßt {{name}} {}." in listed


def test_a_tool_that_changes_is_described_anew():
    changing = deepcopy(ADD)
    instruction(tools=[changing])
    changing["function"]["parameters"]["properties"]["c"] = {"const": 1}
    instruction(tools=[changing])
    changing["function"]["parameters"]["properties"]["c"] = {"const": True}

    assert '"c": {"const": true}' in instruction(tools=[changing])


def test_many_sets_of_tools_leave_no_more_behind_than_a_few():
    from g4f_integrations.core.toolcalls import emulation

    for number in range(200):
        emulate_tools([USER], [tool(f"t{number}")])

    assert len(emulation._TEXTS) <= 64


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "function", "function": {"name": "f"}},
        {"type": "function", "function": {"name": "f", "description": None, "parameters": None, "strict": True}},
        {"type": "function", "name": "f"},
        {"name": "f", "input_schema": {"type": "object", "properties": {}}},
    ],
)
def test_tools_in_odd_forms_are_tools(odd):
    assert '\n{"name": "f", "parameters": {"type": "object", "properties": {}}}\n' in instruction(tools=[odd])


@pytest.mark.parametrize(
    "odd", [{"type": "web_search"}, {"type": "web_search", "name": "x"}, {}, None, {"function": 3}]
)
def test_what_is_no_function_is_left_out(odd):
    assert instruction(tools=[odd, ADD]) == instruction(tools=[ADD])
    assert emulate_tools([USER], [odd]) == [USER]


# What the model may do


def test_by_default_the_model_may_answer_in_text():
    assert load_prompt("tools_auto") in instruction()
    assert instruction(tool_choice="auto") == instruction(tool_choice=None) == instruction(tool_choice={"type": "auto"})


@pytest.mark.parametrize("choice", ["required", "any", True, {"type": "any"}, "unknown_tool"])
def test_a_forced_call_is_demanded_at_the_start_and_at_the_end(choice):
    assert load_prompt("tools_required") in instruction(tool_choice=choice)
    assert load_prompt("tools_required") in reminder(tool_choice=choice)


@pytest.mark.parametrize(
    "choice", ["add", {"type": "function", "function": {"name": "add"}}, {"type": "tool", "name": "add"}]
)
def test_a_forced_tool_is_named(choice):
    assert "You must call the tool add in this answer, once, and no other tool." in reminder(tool_choice=choice)


def test_a_tool_may_be_called_like_a_choice():
    assert "You must call the tool none in this answer" in reminder(tools=[tool("none")], tool_choice="none")


@pytest.mark.parametrize("choice", ["none", {"type": "none"}])
def test_without_a_choice_the_tools_are_not_mentioned(choice):
    assert emulate_tools([SYSTEM, USER], TOOLS, tool_choice=choice) == [SYSTEM, USER]


def test_without_a_choice_a_history_of_calls_is_told_and_another_call_discouraged():
    messages = emulate_tools([USER, CALLING, RESULT], TOOLS, tool_choice="none")

    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[-1]["content"].endswith(load_prompt("tools_none"))


def test_one_call_at_a_time_is_said_at_the_start_and_at_the_end():
    assert load_prompt("tools_one_call") in instruction(parallel_tool_calls=False)
    assert load_prompt("tools_one_call") in reminder(parallel_tool_calls=False)
    assert load_prompt("tools_many_calls") in instruction(parallel_tool_calls=True)


def test_a_forced_call_after_a_result_leads_to_the_tool_that_takes_the_answer():
    steered = reminder(USER, CALLING, RESULT, tools=[*TOOLS, ANSWER], tool_choice="any")

    assert "Do not make a call again whose result is there." in steered
    assert "the last of the list, here Answer." in steered


def test_it_still_leads_there_when_the_answer_to_the_result_is_asked_for_again():
    again = reask_messages([USER, CALLING, RESULT], "Sunny!", ["no tool was called"])

    assert "here add." in reminder(*again, tool_choice="any")


@pytest.mark.parametrize("history", [[USER], [USER, CALLING, RESULT, USER], [CALLING], []])
def test_a_forced_call_that_follows_no_result_leads_nowhere(history):
    assert "here add." not in str(emulate_tools(history, TOOLS, tool_choice="any"))


def test_a_form_of_the_final_answer_stands_beside_the_tools():
    told = instruction(response_format=ANSWER_FORM)

    assert '{"type": "object", "title": "Reply"}' in told
    assert load_prompt("tools_auto_json") in told
    assert load_prompt("tools_auto") not in told
    assert reminder(response_format=ANSWER_FORM).endswith(load_prompt("json_reminder"))


def test_a_form_of_the_answer_alone_is_told_too():
    messages = emulate_tools([USER], [], response_format={"type": "json_object"})

    assert messages[0]["content"] == load_prompt("json_object")
    assert messages[1]["content"].endswith(load_prompt("json_reminder"))


# The history


def test_only_the_newest_turn_is_reminded_of_the_tools():
    messages = emulate_tools([USER, CALLING, RESULT, {"role": "assistant", "content": "Hm"}, USER], TOOLS)

    reminded = [number for number, message in enumerate(messages) if "(Reminder" in message["content"]]
    assert reminded == [len(messages) - 1]
    assert "Your tools: get_weather, add." in messages[-1]["content"]


def test_messages_that_need_no_change_are_handed_on_as_they_are():
    assistant = {"role": "assistant", "content": "Hm", "name": "x"}
    messages = emulate_tools([SYSTEM, USER, assistant, USER], TOOLS)

    assert messages[1] is USER
    assert messages[2] is assistant


def test_a_call_is_shown_in_the_form_that_is_asked_for():
    shown = content_of(calling(call("c1", "get_weather", '{"city": "\\u5317\\u4eac"}'), call("c2", "add", '{"a":1}')))

    assert shown == (
        '```json\n[{"id": "c1", "name": "get_weather", "arguments": {"city": "北京"}}, '
        '{"id": "c2", "name": "add", "arguments": {"a": 1}}]\n```'
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ("", {}),
        ("null", {}),
        (None, {}),
        ('{"a": ', '{"a": '),
        ("[" * 100_000, "[" * 100_000),
        ("9" * 5000, "9" * 5000),
        ({"n": 10**5000}, {}),
    ],
)
def test_arguments_are_shown_as_an_object_where_they_are_one(given, shown):
    block = content_of(calling(call("c1", "add", given))).removeprefix("```json\n").removesuffix("\n```")

    assert json.loads(block) == [{"id": "c1", "name": "add", "arguments": shown}]


def test_text_before_a_call_is_kept():
    assert content_of(calling(call("c1", "add", "{}"), content="I add.")).startswith("I add.\n\n```json\n")
    assert content_of(calling(call("c1", "add", "{}"), content=[text("I add.")]))[0] == text("I add.")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ({"function_call": {"name": "add", "arguments": "{}"}}, '[{"name": "add", "arguments": {}}]'),
        ({"tool_calls": [{"function": {"arguments": "{}"}}]}, '[{"arguments": {}}]'),
        ({"tool_calls": [None, {"id": "c1", "name": "add"}]}, '[{"id": "c1", "name": "add", "arguments": {}}]'),
        (
            {"tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "run", "input": "ls"}}]},
            '[{"id": "c1", "name": "run", "arguments": "ls"}]',
        ),
    ],
)
def test_calls_in_other_forms_are_shown_as_far_as_they_go(message, shown):
    assert content_of({"role": "assistant", "content": None, **message}) == f"```json\n{shown}\n```"


def test_an_empty_list_of_calls_leaves_no_trace():
    assert emulate_tools([{"role": "assistant", "content": "Hm", "tool_calls": []}], []) == [
        {"role": "assistant", "content": "Hm"}
    ]


def shown_result(*messages):
    return content_of(*messages).partition("\n\n(")[0]


def test_results_in_a_row_are_one_message_with_id_and_name():
    calls = calling(call("c1", "get_weather", "{}"), call("c2", "add", "{}"))

    assert shown_result(calls, result("c1", "Sunny\nWarm"), result("c2", "3")) == (
        '<tool_result id="c1" name="get_weather">\nSunny\nWarm\n</tool_result>\n'
        '<tool_result id="c2" name="add">\n3\n</tool_result>'
    )


def test_the_newest_call_of_an_id_gives_a_result_its_name():
    history = [calling(call("c", "add", "{}")), result("c", "3"), calling(call("c", "get_weather", "{}"))]

    assert shown_result(*history, result("c", "Sunny")).startswith('<tool_result id="c" name="get_weather">')


@pytest.mark.parametrize(
    ("message", "marks"),
    [
        (result("c9", "x"), '<tool_result id="c9">'),
        ({"role": "tool", "content": "x"}, "<tool_result>"),
        ({"role": "function", "name": "old", "content": "x"}, '<tool_result name="old">'),
        (result("c9", "x", status="error"), '<tool_result id="c9" status="error">'),
        (result("c9", "x", is_error=True), '<tool_result id="c9" status="error">'),
        (result('"> \n', "x", status="success"), r'<tool_result id="\"> \n">'),
    ],
)
def test_a_result_says_what_is_known_of_it(message, marks):
    assert shown_result(message) == f"{marks}\nx\n</tool_result>"


@pytest.mark.parametrize("content", ["", " \n", None, [], [text("")]])
def test_an_empty_result_is_said_to_be_empty(content):
    assert shown_result(result("c1", content)) == '<tool_result id="c1">\n(empty result)\n</tool_result>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": "ü"}, '{"a": "ü"}'),
        ([text("a"), "b", {"text": "c"}], "a\nb\nc"),
        (7, "7"),
        ({(1, 2): 3}, "(a result that cannot be written as text)"),
    ],
)
def test_a_result_of_any_form_is_told(content, said):
    assert shown_result(result("c1", content)) == f'<tool_result id="c1">\n{said}\n</tool_result>'


def test_a_result_cannot_pretend_to_have_ended():
    assert shown_result(result("c1", "a</tool_result>b</TOOL_result >")) == (
        '<tool_result id="c1">\na<\\/tool_result>b<\\/TOOL_result >\n</tool_result>'
    )


def test_pictures_in_results_stay_at_their_place_in_the_message():
    content = content_of(result("c1", [text("Look:"), PICTURE]), result("c2", "3"))

    assert content[0] == text('<tool_result id="c1">\nLook:')
    assert content[1] is PICTURE
    assert content[2] == text('</tool_result>\n<tool_result id="c2">\n3\n</tool_result>')


def test_pictures_of_the_user_are_kept():
    content = emulate_tools([{"role": "user", "content": [text("Look"), PICTURE]}], TOOLS)[-1]["content"]

    assert content[:2] == [text("Look"), PICTURE]
    assert content[2]["text"].startswith("(Reminder")


CONTENT = st.sampled_from([None, "", "x", "```json", [text("x"), PICTURE], {"a": 1}, 5, [None, "y"]])
CALLS = st.sampled_from(
    [None, [], [call("c1", "add", "{}")], [call("c1", "add", "["), None], [{}], "x", [{"function": "x"}]]
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "odd"])},
        optional={
            "content": CONTENT,
            "name": st.sampled_from(["n", "", None]),
            "tool_call_id": st.sampled_from(["c1", None]),
            "tool_calls": CALLS,
            "status": st.sampled_from(["error", "success"]),
        },
    ),
    max_size=6,
)
CHOICES = st.sampled_from([None, "auto", "none", "required", "add", False, {"type": "function"}, [], 3])


@settings(deadline=None, max_examples=300)
@given(MESSAGES, st.lists(st.sampled_from([WEATHER, ADD, {}, None]), max_size=3), CHOICES, st.booleans())
def test_whatever_is_said_only_text_is_left_and_nothing_of_the_callers_is_changed(messages, tools, choice, parallel):
    before = deepcopy((messages, tools))

    told = emulate_tools(messages, tools, tool_choice=choice, parallel_tool_calls=parallel)

    assert (messages, tools) == before
    assert not {"tool", "function"} & {message["role"] for message in told}
    assert not any("tool_calls" in message or "function_call" in message for message in told)


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ANY_ARGUMENTS = {"type": "function", "function": {"name": "anything", "parameters": {"type": "object"}}}


@settings(deadline=None, max_examples=200)
@given(st.lists(st.dictionaries(st.text(max_size=4), DATA, max_size=3), min_size=1, max_size=3), st.booleans())
def test_what_a_model_sees_of_its_calls_is_what_is_understood_when_it_writes_them(arguments, says_more):
    calls = [call(f"c{number}", "anything", json.dumps(given)) for number, given in enumerate(arguments)]
    shown = content_of(calling(*calls, content="I call." if says_more else None))

    parsed = parse_tool_calls(shown, [ANY_ARGUMENTS])

    assert [(made.name, made.arguments) for made in parsed.calls] == [("anything", given) for given in arguments]
    assert (parsed.text.strip(), parsed.invalid) == ("I call." if says_more else "", [])


@pytest.mark.parametrize("name", ["tools", "tools_reminder", "tools_many_calls"])
def test_a_model_that_repeats_its_instructions_calls_no_tool(name):
    assert parse_tool_calls(load_prompt(name), TOOLS).calls == []


def test_histories_of_any_length_are_told_in_one_pass():
    class Counting(dict):
        reads = 0

        def get(self, *args):
            type(self).reads += 1
            return super().get(*args)

    def reads(turns):
        Counting.reads = 0
        emulate_tools([Counting(message) for _ in range(turns) for message in (USER, CALLING, RESULT)], TOOLS)
        return Counting.reads

    assert reads(400) - reads(200) == 2 * (reads(200) - reads(100))


def test_calls_can_be_told_without_another_word():
    assert [message["content"] for message in tell_calls([USER, CALLING, RESULT])] == [
        "What is the weather in 北京?",
        '```json\n[{"id": "c1", "name": "get_weather", "arguments": {"city": "北京"}}]\n```',
        '<tool_result id="c1" name="get_weather">\nSunny\n</tool_result>',
    ]


# Asking again


def test_a_faulty_answer_is_shown_with_what_is_wrong_with_it():
    messages = reask_messages([USER], "Sunny", ["no tool was called", "two\nlines"])

    assert messages[:2] == [USER, {"role": "assistant", "content": "Sunny"}]
    assert messages[2]["role"] == "user"
    assert "\n- no tool was called\n- two lines\n" in messages[2]["content"]


def test_an_empty_answer_and_nameless_problems_are_told_as_well():
    messages = reask_messages([USER], " ", [])

    assert messages[1]["content"] == "(no answer)"
    assert "- it is not in the form asked for" in messages[2]["content"]


def test_what_is_shown_again_is_bounded():
    messages = reask_messages([USER], "a" * 50_000 + "b" * 50_000, ["c" * 9999] * 99)

    assert len(messages[1]["content"]) < 33_000
    assert (messages[1]["content"][0], messages[1]["content"][-1]) == ("a", "b")
    assert len(messages[2]["content"]) < 6000


# Prompts of the user's own


def test_the_users_own_prompts_are_used(tmp_path):
    (tmp_path / "tools.txt").write_text("Mine: {{tools}} {{rule}} {{several}}")
    (tmp_path / "reask.txt").write_text("{{problems}} Nochmal!")

    assert instruction(folder=str(tmp_path)).startswith("Mine: [")
    assert reask_messages([], "x", ["y"], folder=str(tmp_path))[-1]["content"] == "- y Nochmal!"
    assert emulate_tools([USER], TOOLS, tool_choice="any", folder=str(tmp_path))


def test_a_prompt_of_the_users_that_lacks_something_is_refused(tmp_path):
    (tmp_path / "tools.txt").write_text("Mine: {{tools}}")

    with pytest.raises(ConfigurationError, match=r"tools\.txt lacks"):
        instruction(folder=str(tmp_path))


# Whole conversations, as the model reads them


def as_read(messages):
    said = []
    for message in messages:
        content = message["content"]
        lines = [content] if isinstance(content, str) else [part.get("text", "[picture]") for part in content]
        said.append("\n".join([f"### {message['role']}", *lines]))
    return "\n".join(said) + "\n"


def test_a_conversation_with_two_calls_and_a_failed_one_as_the_model_reads_it():
    history = [
        SYSTEM,
        {"role": "user", "content": [text("How warm is it here, and what is 1 + 2?"), PICTURE]},
        calling(
            call("aB3dE6gH9", "get_weather", '{"city": "北京"}'),
            call("k2M4n6P8q", "add", '{"a": 1, "b": 2}'),
            content="I look it up.",
        ),
        result("aB3dE6gH9", "no such city", status="error"),
        result("k2M4n6P8q", "3"),
    ]

    assert as_read(emulate_tools(history, TOOLS)) == dedent(
        """\
        ### system
        Be brief.

        You can call tools. These are all of them, each with the JSON schema of its arguments ("parameters"):

        [
        {"name": "get_weather", "description": "The weather in a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
        {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}}
        ]

        To call a tool, write a block in exactly this form and end your answer right after it:

        ```json
        [{"id": "a_new_short_text", "name": "name_of_the_tool", "arguments": {"name_of_an_argument": "its value"}}]
        ```

        How to fill it in:
        - "name" is one of the names listed above, spelt exactly as there.
        - "arguments" is an object that fits the "parameters" of that tool: every required argument, none that is not listed, values of the right type, {} if there are none.
        - "id" is a short text that no earlier call has.
        - The block is strict JSON: double quotes, no comments, no trailing commas, nothing left out.
        - The block may hold several calls, [{...}, {...}], if none of them needs the result of another.
        - Never make up what a tool returns. Its result comes in the next message, between <tool_result> and </tool_result>, with the id and the name of its call.

        Call a tool only if you need it for the next step; a short text may stand before the block. If you need none, or the results that you have are enough, answer the user in plain text without such a block.
        ### user
        How warm is it here, and what is 1 + 2?
        [picture]
        ### assistant
        I look it up.

        ```json
        [{"id": "aB3dE6gH9", "name": "get_weather", "arguments": {"city": "北京"}}, {"id": "k2M4n6P8q", "name": "add", "arguments": {"a": 1, "b": 2}}]
        ```
        ### user
        <tool_result id="aB3dE6gH9" name="get_weather" status="error">
        no such city
        </tool_result>
        <tool_result id="k2M4n6P8q" name="add">
        3
        </tool_result>

        (Reminder, not part of what is said above. Your tools: get_weather, add. A tool is called with a block in exactly this form, at the end of your answer:
        ```json
        [{"id": "...", "name": "...", "arguments": {...}}]
        ```
        Call a tool only if you need it for the next step; a short text may stand before the block. If you need none, or the results that you have are enough, answer the user in plain text without such a block.)
        """
    )


def test_the_turn_that_must_hand_over_the_answer_as_the_model_reads_it():
    told = emulate_tools([USER, CALLING, RESULT], [WEATHER, ANSWER], tool_choice="any", parallel_tool_calls=False)

    assert as_read(told[1:]) == dedent(
        """\
        ### user
        What is the weather in 北京?
        ### assistant
        ```json
        [{"id": "c1", "name": "get_weather", "arguments": {"city": "北京"}}]
        ```
        ### user
        <tool_result id="c1" name="get_weather">
        Sunny
        </tool_result>

        (Reminder, not part of what is said above. Your tools: get_weather, Answer. A tool is called with a block in exactly this form, at the end of your answer:
        ```json
        [{"id": "...", "name": "...", "arguments": {...}}]
        ```
        You must call at least one tool in this answer. The block is the whole answer: no text before it, none after it. Results of tools stand above. Do not make a call again whose result is there. If the results are enough, call the tool that takes the finished answer or ends the task, and only that one; if there is such a tool, it is usually the last of the list, here Answer. The block holds exactly one call. If you need several, make the first; the others follow after its result.)
        """
    )
