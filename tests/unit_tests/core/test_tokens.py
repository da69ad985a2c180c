"""The estimate of tokens: cautious, additive, and never thrown off by what a message holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.tokens import TOKEN, count_message_tokens, count_tokens, weight_of

fuzz = settings(deadline=None)
TEXT = st.text(max_size=60)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("Hello, world!", 4),
        ("漢字", 2),
        ("𠀀" * 10, 10),
        ("Привет, мир!", 5),
        ("a" * 3_600, 1_000),
    ],
)
def test_a_text_has_about_as_many_tokens(text, tokens):
    assert count_tokens(text) == tokens


@fuzz
@given(TEXT, TEXT)
def test_the_weights_of_pieces_add_up(first, second):
    assert weight_of(first) + weight_of(second) == weight_of(first + second)


@fuzz
@given(TEXT)
def test_a_count_is_its_rounded_weight_and_no_text_but_the_empty_one_is_free(text):
    tokens = count_tokens(text)

    assert (tokens == 0) == (not text)
    assert abs(tokens - weight_of(text) / TOKEN) < 1


def test_every_member_that_is_sent_counts():
    plain = count_message_tokens({"role": "user", "content": "Hello"})
    named = count_message_tokens({"role": "user", "content": "Hello", "name": "somebody"})
    calling = count_message_tokens(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}],
        }
    )

    assert plain < named
    assert plain < calling


def test_a_picture_costs_more_than_the_words_beside_it_and_not_by_its_bytes():
    def asked(url):
        parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
        return count_message_tokens({"role": "user", "content": parts})

    assert asked("http://127.0.0.1/a.png") == asked("data:image/png;base64," + "A" * 100_000) > 700


@pytest.mark.parametrize(
    "content", [None, "", [], [None], [1], ["text"], [{}], [{"type": "text"}], 5, {"type": "text"}]
)
def test_odd_content_is_counted_without_complaint(content):
    assert count_message_tokens({"role": "user", "content": content}) >= 4
