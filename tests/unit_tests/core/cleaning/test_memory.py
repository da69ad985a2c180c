"""Repeated paragraphs that no rule knows are suggested once, as hashes."""

from __future__ import annotations

from g4f_integrations.core.cleaning import RepeatedParagraphs

ADVERT = "\n\nGet more at https://freegate.example"


def told(answers, provider="FreeGate", prompts=None):
    memory = RepeatedParagraphs()
    return [
        [item.edge for item in memory.note(answer, provider, prompts or f"Question {number}?")]
        for number, answer in enumerate(answers)
    ]


def test_a_paragraph_with_a_link_that_returns_after_three_questions_is_told_once():
    assert told([f"Answer {number}.{ADVERT}" for number in range(5)]) == [[], [], ["tail"], [], []]
    assert told([f"{ADVERT}\n\nAnswer {number}." for number in range(4)]) == [[], [], ["head"], []]


def test_the_same_question_asked_again_says_nothing():
    assert told([f"Answer.{ADVERT}"] * 5, prompts="Why?") == [[]] * 5


def test_paragraphs_without_a_link_and_changing_ones_are_nobodys_adverts():
    assert told([f"Answer {number}.\n\nI hope this helps!" for number in range(5)]) == [[]] * 5
    assert told([f"Answer.{ADVERT}/{number}" for number in range(5)]) == [[]] * 5


def test_no_text_is_kept_and_little_else():
    memory = RepeatedParagraphs()
    for number in range(5000):
        memory.note(f"Answer.{ADVERT}/{number}", "FreeGate", "Why?")

    assert len(memory._questions) <= 4096
    assert "freegate" not in repr(memory._questions)
