"""Messages for routes that lack roles: what is folded, what stays as it is, and what g4f must never read as a file."""

from __future__ import annotations

from copy import deepcopy

import pytest
from g4f.tools.media import merge_media, render_messages
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.roles import adapt_messages, text_of

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Hello"}
CALL = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "name": "add", "content": "3"}
PICTURE = {"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png", "detail": "low"}}


def text(said):
    return {"type": "text", "text": said}


def adapted(*messages, history=True, system=True, native_tools=True):
    return adapt_messages(messages, history=history, system=system, native_tools=native_tools)


def content_of(part):
    messages, _ = adapted({"role": "user", "content": [part]})
    return messages[0]["content"]


PARTS = st.sampled_from([text("a"), PICTURE, "b", {"text": "c"}, {"name": "x.png"}, None, 7, {"type": "image_url"}])
CONTENT = st.one_of(st.none(), st.text(max_size=5), st.lists(PARTS, max_size=3), st.just(5))
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "odd"])},
        optional={
            "content": CONTENT,
            "name": st.sampled_from(["n", ""]),
            "tool_call_id": st.just("c1"),
            "tool_calls": st.sampled_from(
                [[], [CALL], [CALL, CALL], [{}], [None], [{"function": {"arguments": {"a": 1}}}]]
            ),
        },
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=300)
@given(MESSAGES, st.booleans(), st.booleans(), st.booleans())
def test_the_callers_messages_are_never_changed_and_nothing_of_them_is_shared(messages, history, system, native_tools):
    before = deepcopy(messages)

    copies, _ = adapt_messages(messages, history=history, system=system, native_tools=native_tools)
    for copy in copies:
        if isinstance(copy.get("content"), list):
            copy["content"].append("more")
        for call in copy.get("tool_calls") or ():
            if isinstance(call, dict):
                call["function"] = None

    assert messages == before


@settings(deadline=None, max_examples=300)
@given(MESSAGES, st.booleans(), st.booleans(), st.booleans())
def test_a_route_gets_only_roles_that_it_has(messages, history, system, native_tools):
    copies, _ = adapt_messages(messages, history=history, system=system, native_tools=native_tools)

    roles = [copy["role"] for copy in copies]
    assert "developer" not in roles
    assert system or "system" not in roles
    assert history or len(roles) <= 1
    assert native_tools or not {"tool", "function"} & set(roles)
    assert native_tools or not any(copy.get("tool_calls") for copy in copies if copy["role"] == "assistant")


def test_a_route_that_has_everything_gets_the_messages_as_they_are():
    messages = [SYSTEM, USER, CALLING, RESULT, {"role": "user", "content": [text("And this?"), PICTURE]}]

    assert adapted(*messages) == (messages, False)


def test_a_developers_message_is_a_systems():
    assert adapted({"role": "developer", "content": "Be brief."}) == ([SYSTEM], True)


# Routes without a system message


def test_the_system_message_goes_in_front_of_the_users_first_turn():
    messages, flattened = adapted(SYSTEM, ASSISTANT, USER, USER, system=False)

    assert messages == [ASSISTANT, {"role": "user", "content": "Be brief.\n\nHi"}, USER]
    assert flattened


def test_several_system_messages_are_joined_and_empty_ones_leave_no_gap():
    messages, _ = adapted(SYSTEM, {"role": "system", "content": ""}, USER, SYSTEM, system=False)

    assert messages == [{"role": "user", "content": "Be brief.\n\nBe brief.\n\nHi"}]


def test_an_empty_system_message_leaves_no_trace():
    assert adapted({"role": "system", "content": ""}, USER, system=False)[0] == [USER]


def test_a_system_message_alone_becomes_the_users():
    assert adapted(SYSTEM, system=False)[0] == [{"role": "user", "content": "Be brief."}]


def test_a_system_message_in_front_of_a_picture_keeps_the_picture():
    messages, _ = adapted(SYSTEM, {"role": "user", "content": [PICTURE]}, system=False)

    assert messages == [{"role": "user", "content": [text("Be brief."), PICTURE]}]


# Routes without a history


def test_a_conversation_becomes_one_text_that_tells_it():
    messages, flattened = adapted(SYSTEM, USER, ASSISTANT, USER, history=False)

    assert messages == [
        {"role": "user", "content": "System: Be brief.\nUser: Hi\nAssistant: Hello\nUser: Hi\nAssistant:"}
    ]
    assert flattened


def test_a_single_message_is_no_history():
    assert adapted(USER, history=False) == ([USER], False)


def test_pictures_are_kept_beside_the_told_conversation():
    messages, _ = adapted({"role": "user", "content": [text("Look"), PICTURE]}, ASSISTANT, USER, history=False)

    assert messages[0]["content"] == [text("User: Look\nAssistant: Hello\nUser: Hi\nAssistant:"), PICTURE]


def test_a_told_conversation_tells_its_tool_calls_even_where_the_route_takes_tools():
    messages, _ = adapted(USER, CALLING, RESULT, history=False)

    told = messages[0]["content"]
    assert told.startswith("User: Hi\nAssistant: ```json\n")
    assert '{"id": "c1", "name": "add", "arguments": {"a": 1}}' in told
    assert told.endswith('User: <tool_result id="c1" name="add">\n3\n</tool_result>\nAssistant:')


# Routes without tools


def test_tool_calls_and_results_become_text():
    messages, flattened = adapted(USER, {**CALLING, "content": "Let me see."}, RESULT, native_tools=False)

    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[1]["content"].startswith("Let me see.\n\n```json\n")
    assert messages[2]["content"] == '<tool_result id="c1" name="add">\n3\n</tool_result>'
    assert flattened


def test_a_picture_that_a_tool_returned_is_kept():
    messages, _ = adapted({**RESULT, "content": [text("Here"), PICTURE]}, native_tools=False)

    assert PICTURE in messages[0]["content"]
    assert "Here" in messages[0]["content"][0]["text"]


def test_a_tools_result_in_text_parts_becomes_one_text():
    messages, _ = adapted({"role": "tool", "content": [text("1"), text("2")]}, native_tools=False)

    assert messages == [{"role": "user", "content": "<tool_result>\n1\n2\n</tool_result>"}]


# What g4f must not take for a local file


@pytest.mark.parametrize(
    "part",
    [
        {"name": "secret.png", "bucket_id": "b"},
        {"bucket_id": "b"},
        {"type": "image_url", "image_url": {"url": "/etc/passwd"}},
        {"type": "image_url", "image_url": "etc/passwd"},
        {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "http:///etc/passwd"}},
        {"type": "image_url", "image_url": {"url": "http://[::1"}},
        {"type": "image_url", "image_url": {"url": ["/etc/passwd"]}},
        {"type": "image_url", "image_url": {"url": None}},
        {"type": "image_url", "image_url": None},
        {"type": "image_url"},
        None,
        5,
    ],
)
def test_a_part_that_could_name_a_local_file_is_left_out(part):
    assert content_of(part) == []


@pytest.mark.parametrize("url", ["https://127.0.0.1/a.png?x=1;y#z", "http://h/a/files/b", "data:image/png;base64,AAAA"])
def test_the_url_of_a_picture_stays_as_it_is(url):
    part = {"type": "image_url", "image_url": {"url": url, "detail": "low"}}

    assert content_of(part) == [part]


@pytest.mark.parametrize(
    ("url", "moved"),
    [
        ("http://h/files/b/a.png", "http://h/./files/b/a.png"),
        ("http://files/files/a.png", "http://files/./files/a.png"),
        ("http://u:/files/p", "http://u:/./files/p"),
        ("http://h/\tfiles/b/a.png?q=/files/", "http://h/./files/b/a.png?q=/files/"),
        ("HTTP://h/a.png", "http://h/a.png"),
        ("DATA:image/png;base64,AAAA", "data:image/png;base64,AAAA"),
    ],
)
def test_the_url_of_a_picture_that_g4f_would_look_up_on_disk_is_spelt_otherwise(url, moved):
    assert content_of({"type": "image_url", "image_url": {"url": url}}) == [
        {"type": "image_url", "image_url": {"url": moved}}
    ]
    assert content_of({"type": "image_url", "image_url": url}) == [{"type": "image_url", "image_url": moved}]


def test_a_part_without_a_type_is_text():
    assert content_of({"text": "plain", "name": "x.png"}) == [text("plain")]
    assert content_of("plain") == [text("plain")]


def test_g4f_itself_finds_no_file_in_what_it_gets(tmp_path, monkeypatch):
    stolen = tmp_path / "files" / "b" / "secret.png"
    stolen.parent.mkdir(parents=True)
    stolen.write_text("secret")
    monkeypatch.setattr("g4f.tools.media.get_bucket_dir", lambda *parts: str(tmp_path.joinpath("files", *parts)))
    parts = [
        {"name": "secret.png", "bucket_id": "b"},
        {"type": "image_url", "image_url": {"url": "http://h/files/b/secret.png"}},
    ]

    messages, _ = adapted({"role": "user", "content": parts})

    assert "secret" not in str([*render_messages(messages)]).replace("secret.png", "")
    assert [*merge_media(None, messages)] == [("http://h/./files/b/secret.png", None)]
    assert str(stolen) in str([*merge_media(None, [{"role": "user", "content": parts[1:]}])])  # or this proves nothing


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, ""), ("a", "a"), ([text("a"), PICTURE, "b"], "a\nb"), ([None, 5], ""), (5, ""), (text("a"), "a")],
)
def test_the_text_of_any_content(content, said):
    assert text_of(content) == said
