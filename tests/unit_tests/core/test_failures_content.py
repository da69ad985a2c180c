"""`classify_content` and `NoticeGate`: answers that are really errors, and the many that only look like it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.automaton import FrameError
from g4f_integrations.core.failures import NoticeGate, classify_content
from g4f_integrations.core.failures._frames import Frames
from g4f_integrations.core.failures._notices import notice_table

ROWS = [json.loads(line) for line in (Path(__file__).parent / "data/answers.jsonl").read_text("utf-8").splitlines()]
IDS = [f"{row['kind'] or 'answer'}-{number}" for number, row in enumerate(ROWS)]
ANSWERS = [row for row in ROWS if row["kind"] is None]


def stream(pieces, provider=None, prompt=None, *, unseen=True):
    """What a gate lets out of the pieces, how much it holds after each, what it still has at the end, its verdict."""
    gate = NoticeGate(provider, prompt, unseen=unseen)
    out, arrived, held = "", 0, []
    for piece in pieces:
        arrived += len(piece)
        out += gate.feed(piece)
        held.append(arrived - len(out))
    rest, failure = gate.close()
    return out, held, rest, failure


def cut(text, size):
    return [text[place : place + size] for place in range(0, len(text), size)]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_notices_error_objects_and_error_pages_are_failures_and_answers_are_not(row):
    failure = classify_content(row["text"], provider=row["provider"], prompt=row["prompt"])

    assert (failure.kind if failure else None) == row["kind"]


@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_the_gate_says_the_same_of_a_stream_and_loses_no_character(row, size):
    out, _, rest, failure = stream(cut(row["text"], size), row["provider"], row["prompt"])

    assert failure == classify_content(row["text"], provider=row["provider"], prompt=row["prompt"])
    assert out + rest == row["text"]
    assert failure is None or not out


@settings(max_examples=200)
@given(st.sampled_from(ROWS), st.data())
def test_the_verdict_does_not_depend_on_the_cuts(row, data):
    text = (
        data.draw(st.sampled_from(["", " ", "\n\ufeff"]))
        + row["text"]
        + data.draw(st.sampled_from(["", "\n", " tail"]))
    )
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    out, _, rest, failure = stream(pieces, row["provider"], row["prompt"])

    assert out + rest == text
    assert failure == classify_content(text, provider=row["provider"], prompt=row["prompt"])


@given(st.text(max_size=200) | st.text("{}[]\"' :,errodtail<>!html\n", max_size=200), st.integers(1, 9))
def test_no_text_makes_it_raise_or_lose_a_character(text, size):
    out, _, rest, failure = stream(cut(text, size))

    assert out + rest == text
    assert failure == classify_content(text)


@pytest.mark.parametrize(
    "word",
    [
        "Hel",
        "Hello",
        "Here",
        "Sure",
        "Yes",
        "And",
        "Great",
        "However",
        "What",
        "Ja",
        "Oui",
        "Hola",
        "Привет",
        "はい",
        "1. ",
        "[Bir",
        "【公告】",
    ],
)
def test_an_ordinary_first_word_is_let_through_at_once(word):
    gate = NoticeGate(None, None)

    assert gate.feed(word) == word
    assert gate.open


def test_text_is_held_only_while_it_can_become_a_notice():
    gate = NoticeGate(None, None, unseen=False)

    assert [gate.feed(piece) for piece in ("Rate", " limit", " exceeded", " by", " far")] == [
        "",
        "",
        "",
        "Rate limit exceeded by",
        " far",
    ]
    assert gate.close() == ("", None)


def test_a_long_text_behind_a_notices_words_is_let_go_after_400_characters():
    text = "The server is busy. Please try again later. " * 30

    _, held, _, failure = stream(cut(text, 1))

    assert failure is None
    assert max(held) <= 400


def test_a_page_is_held_for_2000_characters_at_most():
    page = "<!DOCTYPE html><html><head><title>Bread</title></head><body>" + "<p>Fresh every morning.</p>" * 200

    _, held, _, failure = stream(cut(page, 1))

    assert failure is None
    assert max(held) <= 2000


def test_answers_that_begin_like_notices_are_held_for_few_characters_on_average():
    plain = [row["text"] for row in ANSWERS if row["prompt"] is None and row["text"][:1] not in "<{["]

    tail = " And that is why it matters." * 20
    known = [count for text in plain for count in stream(cut(text + tail, 4), unseen=False)[1]]
    held = [count for text in plain for count in stream(cut(text + tail, 4))[1]]

    assert sum(known) / len(known) <= 2
    assert sum(held) / len(held) <= 3


def test_a_large_challenge_page_is_a_failure_however_long_it_is():
    page = (
        "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>" + "<i></i>" * 9000 + "</body></html>"
    )

    out, _, rest, failure = stream(cut(page, 777))

    assert (out, rest, failure.kind) == ("", page, "blocked")


def test_blanks_behind_a_notice_do_not_hide_it():
    assert stream(cut("Ratelimit Exceeded!" + "\n" * 3000, 7))[3].kind == "rate_limit"


def test_the_wait_in_a_notice_is_told():
    assert classify_content("Rate limited. Please try again in 1m30s.").retry_after == 90


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('{"error": {"message": "Rate limit exceeded", "retry_after": 7}}', 7),
        ('{"detail": {"message": "Too many requests. Try again later.", "resets_in": 90}}', 90),
        ("Nachrichtenlimit erreicht. Du kannst in 45 Sekunden weiterschreiben.", 45),
        ("Слишком много запросов. Подождите минуту.", 60),
    ],
)
def test_the_wait_is_read_from_the_fields_of_an_error_object_and_in_other_languages(text, seconds):
    assert classify_content(text).retry_after == seconds


def test_a_notice_shows_no_credentials():
    failure = classify_content("Invalid API key provided: sk-abcdefgh12345678")

    assert (failure.kind, failure.scope) == ("auth", "key")
    assert "sk-abcdefgh" not in failure.message


@pytest.mark.parametrize(
    "prompt",
    [
        "Reply with exactly: The server is busy. Please try again later.",
        "What message should our API show when the server is overloaded?",
        "How do I say 'El servidor está ocupado, inténtalo más tarde' in English? translate it",
        "Схема: сервер занят. Переведи на английский",
    ],
)
def test_what_the_user_asked_for_is_an_answer(prompt):
    assert classify_content("The server is busy. Please try again later.", prompt=prompt) is None


@pytest.mark.parametrize("prompt", ["", "Hello", "Make me a plan for the weekend", "Why do servers need cooling?"])
def test_a_notice_that_nobody_asked_for_is_a_failure_whatever_the_prompt_is_about(prompt):
    assert classify_content("The server is busy. Please try again later.", prompt=prompt).kind == "overloaded"


@pytest.mark.parametrize(
    "piece", [" ", "sorry, ", "<html>", '{"error":', "{", "[", "\u8bf7", "rate limit exceeded. please "]
)
def test_hostile_streams_are_decided_in_one_pass(piece):
    text = piece * (65_536 // len(piece))

    out, _, rest, failure = stream(cut(text, 1))

    assert out + rest == text
    assert failure == classify_content(text)


def test_the_automaton_of_the_notices_stays_small_under_hostile_texts():
    for number in range(300):
        classify_content(f"the model x{number} is {number} not {number:b} found or {number:o} is ".ljust(390, "z"))

    assert len(notice_table(None).frames._sets) < 20_000


@pytest.mark.parametrize("frame", ["a (b", "a {b", "{nobody}", "a) b"])
def test_a_frame_that_breaks_the_grammar_is_refused_when_it_is_loaded(frame):
    with pytest.raises(FrameError):
        Frames([([frame], 400)], {}, {})


def test_a_frame_fits_the_whole_text_or_nothing():
    frames = Frames([(["(oh |)no(, {n} {w}|)"], 400)], {}, {})

    def fits(text):
        states = frames.start
        for char in text:
            states = frames.step(states, char)
        return states.accepted is not None

    assert [
        fits(text) for text in ("No", " oh NO!", "no, 5 cats.", "no,  5\ncats", "no way", "oh", "no, five cats")
    ] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "shown", ["502 Bad Gateway", "Service Unavailable", "error", "Error 503", "Too Many Requests", "403 Forbidden"]
)
def test_a_page_that_shows_an_error_and_nothing_else_is_one(shown):
    for page in (f"<html><body>{shown}</body></html>", f"<!DOCTYPE html><html><body><p>{shown}</p></body></html>"):
        assert classify_content(page) is not None


@pytest.mark.parametrize("shown", ["Hello, world!", "Error handling in Python", "502 ways to cook rice", "My cats"])
def test_a_page_that_shows_a_few_other_words_is_an_answer(shown):
    assert classify_content(f"<html><body>{shown}</body></html>") is None
