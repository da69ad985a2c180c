"""A quick way is used only where it has been shown to be the real one."""

import pytest
from pydantic import BaseModel

from g4f_integrations.core.proving import is_same, quick_or_real, share_nothing


class Note(BaseModel):
    text: str = ""
    marks: list[str] = []


def real(text):
    return Note(text=text)


def quick(text):
    made = Note.__new__(Note)
    object.__setattr__(made, "__dict__", {"text": text, "marks": []})
    object.__setattr__(made, "__pydantic_fields_set__", {"text"})
    object.__setattr__(made, "__pydantic_extra__", None)
    object.__setattr__(made, "__pydantic_private__", None)
    return made


def is_faithful(way):
    return is_same(way("a"), real("a"))


def test_a_quick_way_that_makes_the_same_is_used():
    assert quick_or_real(lambda: quick, is_faithful, real) is quick


@pytest.mark.parametrize(
    "other",
    [lambda text: Note(text=text, marks=[]), lambda text: Note(text=text.upper()), lambda text: Note(marks=[])],
)
def test_one_that_makes_another_thing_is_not(other):
    assert quick_or_real(lambda: other, is_faithful, real) is real


@pytest.mark.parametrize("broken", [lambda: 1 / 0, lambda: lambda text: text.nothing])
def test_one_that_fails_is_not(broken):
    assert quick_or_real(broken, is_faithful, real) is real


def test_what_two_share_is_found():
    one, other = real("a"), real("a")

    assert share_nothing(one, other)
    other.marks = one.marks
    assert not share_nothing(one, other)
