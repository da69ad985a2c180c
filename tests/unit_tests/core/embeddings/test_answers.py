"""The JSON of an endpoint → vectors, or the reason why they are none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.embeddings._answers import read_vectors
from g4f_integrations.core.failures import AttemptFailed
from toy_embeddings import answer, vector_of


@pytest.mark.parametrize("as_base64", [True, False])
def test_vectors_come_as_numbers_and_as_base64(as_base64):
    assert read_vectors(answer(["lamp", "sea"], as_base64=as_base64), 2) == [vector_of("lamp"), vector_of("sea")]


def test_vectors_are_put_in_the_order_of_the_texts():
    payload = answer(["lamp", "sea"])
    payload["data"].reverse()

    assert read_vectors(payload, 2) == [vector_of("lamp"), vector_of("sea")]


def test_indexes_that_say_no_order_are_not_heeded():
    payload = answer(["lamp", "sea"])
    for row in payload["data"]:
        row["index"] = 0

    assert read_vectors(payload, 2) == [vector_of("lamp"), vector_of("sea")]


@pytest.mark.parametrize("payload", [{"embeddings": [[1, 2]]}, [[1, 2]]])
def test_other_servers_forms_are_understood(payload):
    assert read_vectors(payload, 1) == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"data": [{"embedding": [1.0]}]}, "1 vectors for 2 texts"),
        ({"data": []}, "0 vectors for 2 texts"),
        ({"message": "soon"}, "no list of vectors"),
        ("soon", "no list of vectors"),
        ([[1.0], [1.0, 2.0]], "several lengths"),
        ([[1.0], [0.0]], "all zeros"),
        ([[1.0], []], "empty"),
        ([[1.0], [float("nan")]], "no finite number"),
        ([[1.0], [10**400]], "no finite number"),
        ([[1.0], ["x"]], "no list of numbers"),
        ([[1.0], [True]], "no list of numbers"),
        ([[1.0], "!!"], "no base64"),
        ([[1.0], "AAA="], "no base64"),
        ([{"embedding": [1.0]}, "x"], "no list of numbers"),
    ],
)
def test_what_is_no_set_of_vectors_is_a_failure_that_says_why(payload, said):
    with pytest.raises(AttemptFailed, match=said):
        read_vectors(payload, 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "embedding", "embeddings", "index"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=30)
@given(JSON, st.integers(1, 3))
def test_whatever_an_endpoint_answers_it_is_vectors_or_a_failure(payload, count):
    try:
        vectors = read_vectors(payload, count)
    except AttemptFailed:
        return
    assert len(vectors) == count
    assert len({len(vector) for vector in vectors}) == 1
