"""What is sent of texts, and what is made of the vectors of a text's pieces."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.embeddings._batches import Item, cut_items, join_pieces, make_batches, split_text


def items(*sizes):
    return [Item(f"text {place}", size, place) for place, size in enumerate(sizes)]


def test_a_batch_holds_so_many_texts_at_the_most():
    batches = make_batches(items(1, 1, 1, 1, 1), 2, None)

    assert [len(batch) for batch in batches] == [2, 2, 1]


def test_a_batch_holds_so_many_tokens_at_the_most_and_a_larger_text_goes_alone():
    batches = make_batches(items(3, 3, 9, 3, 3), 10, 6)

    assert [[item.tokens for item in batch] for batch in batches] == [[3, 3], [9], [3, 3]]


def test_no_texts_make_no_batches():
    assert make_batches([], 10, 10) == []


@given(st.lists(st.integers(0, 50)), st.integers(1, 9), st.integers(1, 60))
def test_batches_keep_every_text_in_order(sizes, most, most_tokens):
    batches = make_batches(items(*sizes), most, most_tokens)

    assert [item for batch in batches for item in batch] == items(*sizes)


def test_an_empty_text_is_sent_as_something():
    (blank,) = cut_items([" \n"], len, None)

    assert blank.text.strip()


@given(st.text(min_size=1, max_size=400), st.integers(1, 50))
def test_the_pieces_of_a_text_hold_all_of_it_but_blanks(text, limit):
    pieces = split_text(text, len(text), limit)

    assert "".join("".join(pieces).split()) in {"".join(text.split()), "."}
    assert all(len(piece) <= max(limit, math.ceil(len(text) / 2)) for piece in pieces)


def test_a_text_is_cut_between_words():
    assert split_text("one two three four", 18, 9) == ["one two", " three", " four"]


def test_the_vector_of_pieces_is_their_mean_by_size():
    joined = join_pieces([[1.0, 0.0], [0.0, 1.0]], [3, 1])

    assert joined == pytest.approx([3 / math.sqrt(10), 1 / math.sqrt(10)])


def test_pieces_that_point_opposite_ways_still_have_a_vector():
    assert join_pieces([[1.0, 0.0], [-1.0, 0.0]], [1, 1]) == [1.0, 0.0]
