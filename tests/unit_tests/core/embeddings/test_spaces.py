"""Which vectors compare, and what keeps the others apart."""

import pytest

from g4f_integrations.core.embeddings import Space, check_stamp, cosine, stamp
from g4f_integrations.errors import ConfigurationError

SMALL = Space("endpoint", "text-embedding-3-small", 512)
LARGE = Space("endpoint", "text-embedding-3-large", 512)


def test_spaces_differ_by_backend_model_and_length():
    spaces = [SMALL, LARGE, Space("endpoint", "text-embedding-3-small"), Space("fastembed", "text-embedding-3-small")]

    assert len({space.id for space in spaces}) == 4


def test_a_stamped_folder_takes_its_own_space_and_no_other(tmp_path):
    stamp(tmp_path / "index", SMALL)

    check_stamp(tmp_path / "index", SMALL)
    with pytest.raises(ConfigurationError, match=r"text-embedding-3-small/512.*text-embedding-3-large/512"):
        check_stamp(tmp_path / "index", LARGE)


def test_a_stamp_is_not_written_over_by_another_space(tmp_path):
    stamp(tmp_path, SMALL)

    with pytest.raises(ConfigurationError):
        stamp(tmp_path, LARGE)
    check_stamp(tmp_path, SMALL)


def test_a_stamp_knows_how_long_its_vectors_are(tmp_path):
    native = Space("endpoint", "text-embedding-3-small")
    stamp(tmp_path, native, 1536)

    stamp(tmp_path, native)
    assert check_stamp(tmp_path, native) == 1536
    with pytest.raises(ConfigurationError, match=r"have 1536 numbers.* have 768 now"):
        check_stamp(tmp_path, native, 768)


def test_an_index_without_a_stamp_is_not_trusted(tmp_path):
    with pytest.raises(ConfigurationError, match="nothing in"):
        check_stamp(tmp_path, SMALL)


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", "3", "[" * 100_000, '{"space": 3}'])
def test_a_broken_stamp_is_an_error_and_not_a_pass(tmp_path, text):
    (tmp_path / "embedding_space.json").write_text(text)

    with pytest.raises(ConfigurationError):
        check_stamp(tmp_path, SMALL)


def test_nothing_half_written_stays_behind(tmp_path):
    stamp(tmp_path, SMALL)

    assert [file.name for file in tmp_path.iterdir()] == ["embedding_space.json"]


def test_vectors_of_two_lengths_have_nothing_in_common():
    assert cosine([1.0, 0.0], [1.0]) == 0
    assert cosine([0.0], [1.0]) == 0
    assert cosine([3.0, 4.0], [6.0, 8.0]) == pytest.approx(1)
