"""What models are told, in files: how they are found, what a replacement must have, and where they end up."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.prompts import PROMPTS, add_reminder, add_to_system, fill, load_prompt, readable_json
from g4f_integrations.core.prompts.answers import describe_answer, schema_of
from g4f_integrations.errors import ConfigurationError

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
PICTURE = {"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png"}}


def in_schema_form(schema, **more):
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, **more}}


# Files


@pytest.mark.parametrize("name", PROMPTS)
def test_each_prompt_comes_with_the_package_and_has_just_its_placeholders(name):
    assert {*re.findall(r"\{\{(\w+)\}\}", load_prompt(name))} == {*PROMPTS[name]}


def test_every_prompt_is_explained_where_they_are_kept():
    import g4f_integrations.core.prompts as room

    assert [name for name in PROMPTS if f"`{name}`" not in room.__doc__] == []


def test_a_file_in_the_users_folder_takes_the_place_of_ours(tmp_path):
    (tmp_path / "tools_none.txt").write_bytes(b"\xef\xbb\xbfNo tools,\r\nplease.\r\n\r\n")

    assert load_prompt("tools_none", str(tmp_path)) == "No tools,\nplease."
    assert load_prompt("tools_auto", str(tmp_path)) == load_prompt("tools_auto")


def test_a_prompt_is_read_once(tmp_path):
    file = tmp_path / "tools_none.txt"
    file.write_text("First.")
    load_prompt("tools_none", str(tmp_path))
    file.unlink()

    assert load_prompt("tools_none", str(tmp_path)) == "First."


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("tools", b"Tools: {{tools}}", r"tools\.txt lacks \{\{rule\}\} and \{\{several\}\}"),
        ("reask", b"{{ problems }}", r"reask\.txt lacks \{\{problems\}\}"),
        ("tools_none", b" \n", r"tools_none\.txt is empty"),
        ("tools_none", b"\xff", r"tools_none\.txt cannot be read"),
    ],
)
def test_a_file_that_cannot_serve_is_named_with_what_it_lacks(tmp_path, name, content, problem):
    (tmp_path / f"{name}.txt").write_bytes(content)

    with pytest.raises(ConfigurationError, match=problem):
        load_prompt(name, str(tmp_path))


def test_a_file_that_is_a_folder_cannot_be_read(tmp_path):
    (tmp_path / "tools_none.txt").mkdir()

    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_prompt("tools_none", str(tmp_path))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="absent"):
        load_prompt("tools", str(tmp_path / "absent"))


def test_a_folder_whose_name_no_system_takes_is_a_mistake_in_the_settings():
    with pytest.raises(ConfigurationError):
        load_prompt("tools", "a" * 5000)


@pytest.mark.parametrize("name", ["nope", "../prompts/tools", ""])
def test_only_known_prompts_are_read(name):
    with pytest.raises(ConfigurationError, match="no prompt"):
        load_prompt(name)


# Placeholders


@given(st.text())
def test_what_is_filled_in_stays_as_it_is(value):
    assert fill("<{{a}}|{{b}}>", a=value, b="{{a}}") == f"<{value}|{{{{a}}}}>"


def test_braces_that_are_no_placeholder_of_ours_are_text():
    assert fill('{"a": {}} {{}} {{ a }} {{other}} {{a}}', a="x") == '{"a": {}} {{}} {{ a }} {{other}} x'


# Places in a conversation


def test_an_instruction_goes_to_the_end_of_the_first_system_message():
    first, second = {"role": "developer", "content": "A."}, {"role": "system", "content": "B."}
    messages = [{"role": "user", "content": "Hi"}, first, second]

    add_to_system(messages, "C.")

    assert messages[1:] == [{"role": "developer", "content": "A.\n\nC."}, second]
    assert first["content"] == "A."


def test_an_instruction_becomes_the_system_message_where_there_is_none():
    messages = [{"role": "user", "content": "Hi"}]

    add_to_system(messages, "C.")

    assert messages == [{"role": "system", "content": "C."}, {"role": "user", "content": "Hi"}]


def test_a_reminder_goes_to_the_end_of_the_newest_user_message():
    old, new = {"role": "user", "content": "Hi"}, {"role": "user", "content": [PICTURE]}
    messages = [old, new, {"role": "assistant", "content": "Hm"}]

    add_reminder(messages, "C.")

    assert messages[:2] == [old, {"role": "user", "content": [PICTURE, {"type": "text", "text": "C."}]}]
    assert new["content"] == [PICTURE]


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_message_is_made_of_the_reminder_alone(content):
    messages = [{"role": "user", "content": content}]

    add_reminder(messages, "C.")

    assert messages == [{"role": "user", "content": "C."}]


def test_without_a_user_the_system_is_reminded():
    messages = [{"role": "system", "content": "A."}]

    add_reminder(messages, "C.")

    assert messages == [{"role": "system", "content": "A.\n\nC."}]


# JSON that is shown


def test_json_is_shown_in_plain_characters_and_can_always_be_encoded():
    assert readable_json({"a": "北京", "b": [1, None]}) == '{"a": "北京", "b": [1, null]}'
    assert readable_json({"a": "\ud83d北"}) == r'{"a": "\ud83d\u5317"}'


# Answers in JSON


@pytest.mark.parametrize(
    ("response_format", "schema"),
    [
        (None, None),
        ({}, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        (in_schema_form(SCHEMA, strict=True), SCHEMA),
        ({"type": "json_schema", "json_schema": SCHEMA}, SCHEMA),
        ({"type": "json_schema", "schema": SCHEMA}, SCHEMA),
        ({"type": "json_object", "schema": SCHEMA}, SCHEMA),
        ({"type": "json_schema", "json_schema": {"name": "any"}}, {}),
        ({"type": "json_schema"}, {}),
    ],
)
def test_the_schema_of_an_answer(response_format, schema):
    assert schema_of(response_format) == schema


def test_the_schema_is_shown_whole_with_its_description():
    instruction, _ = describe_answer(in_schema_form(SCHEMA, description="A joke", strict=True))

    assert '\n{"description": "A joke", "type": "object", "properties": {"a": {"type": "string"}}}\n' in instruction


def test_any_object_is_asked_for_without_a_schema():
    instruction, reminder = describe_answer({"type": "json_object"})

    assert instruction == load_prompt("json_object")
    assert reminder == load_prompt("json_reminder")
