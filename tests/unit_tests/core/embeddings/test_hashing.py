"""Vectors without a model."""

import math
import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.embeddings import cosine
from g4f_integrations.core.embeddings._hashing import DIMENSION, embed


def test_the_vectors_are_the_same_on_every_machine():
    vector = embed("The keeper lights the lamp. " * 40 + "灯台 1884 Wärter")

    # Worked out once; another result means that every stored vector of this recipe is worthless.
    assert sha256(struct.pack("<1024d", *vector)).hexdigest() == (
        "c7982cd28f928e3bf33bad37c852bbee7ee6a9f7401a51ac1418a50bd9897bb9"
    )


@given(st.text(), st.integers(8, 300))
def test_every_text_has_a_vector_of_length_one(text, dimension):
    vector = embed(text, dimension)

    assert len(vector) == dimension
    assert math.hypot(*vector) == pytest.approx(1)


def test_an_empty_text_is_like_an_empty_text_and_like_no_other():
    assert embed("") == embed("  …! ")
    assert abs(cosine(embed(""), embed("a lamp"))) < 0.1


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("When do the ferries leave?", "Ferries to the island leave at nine and at four."),
        ("Who looks after the lamp?", "The keeper trims the lamps every evening."),
        ("Wann wurde der Leuchtturm erbaut?", "Der Leuchtturm wurde 1884 gebaut."),
        ("灯台はいつ建てられたか", "灯台は1884年に建てられました。"),
        ("dynamically typed language", "Python is a language with dynamic types."),
    ],
)
def test_the_passage_with_the_words_of_the_question_comes_first(question, wanted):
    passages = [
        "Ferries to the island leave at nine and at four.",
        "The keeper trims the lamps every evening.",
        "Der Leuchtturm wurde 1884 gebaut.",
        "灯台は1884年に建てられました。",
        "Python is a language with dynamic types.",
        "The recipe needs flour, eggs and milk.",
    ]
    asked = embed(question)

    assert max(passages, key=lambda passage: cosine(asked, embed(passage))) == wanted


def test_a_text_of_megabytes_is_one_more_text():
    assert len(embed("x" * 1_000_000 + " lamp" * 20_000)) == DIMENSION


def test_halves_of_characters_are_no_error():
    assert len(embed("a\ud83d", 8)) == 8
