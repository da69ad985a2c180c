"""Cutting the middle out of one text: visibly, with characters and fences whole."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.tokens import count_tokens
from g4f_integrations.core.trimming._cutting import cut_text, level_of

fuzz = settings(deadline=None, max_examples=200)
MARK = re.compile(r"\[… ([\d,]+) characters left out …\]")
FENCED = "Look:\n\n```python\n" + "print('a line of code')\n" * 60 + "```\n\nThat was it.\n" + "And more words. " * 40
PIECES = st.sampled_from(
    ["word ", "\n", "```\n", "\n```py\n", "~~~\n", "    ", "漢字", "👩‍👩‍👧", "e\u0301", "\ud83d\ude00", "x" * 40]
)


def fences(text):
    return re.findall(r"^ {0,3}(?:```|~~~)", text, flags=re.MULTILINE)


@fuzz
@given(st.lists(PIECES, max_size=120).map("".join), st.integers(0, 200))
def test_a_cut_text_is_within_its_limit_and_says_so(text, limit):
    cut = cut_text(text, limit, count_tokens)

    if cut is None:
        assert count_tokens(f"[… {len(text):,} characters left out …]") > limit
    elif cut != text:
        assert count_tokens(cut) <= limit
        assert MARK.search(cut)
    else:
        assert count_tokens(text) <= limit


@fuzz
@given(
    st.lists(st.sampled_from(["word ", "\n", "漢字", "e\u0301", "x" * 40]), min_size=20, max_size=150).map("".join),
    st.integers(60, 300),
)
def test_head_and_tail_are_the_texts_own(text, limit):
    cut = cut_text(text, limit, len)

    if cut is not None and cut != text:
        head, tail = MARK.split(cut)[0], MARK.split(cut)[-1]
        assert text.startswith(head.rstrip())
        assert text.endswith(tail.lstrip("\n"))


@pytest.mark.parametrize("limit", range(40, 400, 23))
def test_a_fence_that_is_cut_open_is_closed_and_opened_again(limit):
    cut = cut_text(FENCED, limit, count_tokens)

    head, _, tail = MARK.split(cut)
    assert len(fences(head)) % 2 == 0
    assert len(fences(tail)) % 2 == 0
    assert "`" not in re.sub(r"^```(?:python)?$", "", cut, flags=re.MULTILINE)


def test_the_language_of_a_fence_is_repeated():
    cut = cut_text(FENCED, 400, count_tokens)

    assert cut.count("```python\n") == 2


@pytest.mark.parametrize("character", ["👩‍👩‍👧‍👦", "e\u0301", "👍🏽", "❤️", "\ud83d\ude00"])
def test_characters_of_several_code_points_stay_whole(character):
    for limit in range(60, 100):
        cut = cut_text(character * 100, limit, len)
        head, _, tail = MARK.split(cut)
        assert head.rstrip("\n").replace(character, "") == ""
        assert tail.lstrip("\n").replace(character, "") == ""


def test_the_cut_falls_between_lines_where_one_is_near():
    text = "".join(f"line number {at}\n" for at in range(200))

    head, _, tail = MARK.split(cut_text(text, 1_000, len))

    assert re.fullmatch(r"(line number \d+\n)+", head)
    assert re.fullmatch(r"\n(line number \d+\n)+", tail)


def test_the_mark_tells_how_much_is_missing():
    text = "word " * 1_000

    cut = cut_text(text, 500, len)

    missing = int(MARK.search(cut)[1].replace(",", ""))
    assert missing == pytest.approx(len(text) - len(cut), abs=80)


def test_most_of_the_room_is_used():
    for limit in (100, 1_000, 3_000):
        assert count_tokens(cut_text("some words of it " * 2_000, limit, count_tokens)) > 0.85 * limit


def test_a_text_whose_parts_count_differently_uses_its_room_as_well():
    text = "plain words of prose " * 500 + "\U0001f600\U0001f3fd" * 2_000 + "more plain words " * 500

    assert count_tokens(cut_text(text, 1_000, count_tokens)) > 600


@pytest.mark.parametrize("piece", ["```\n", "`", "\ud800", "\u0301", "\n", "a", "\u200d", "~~~~"])
def test_hostile_texts_are_cut_in_linear_time(piece):
    text = piece * (300_000 // len(piece))

    assert len(cut_text(text, 5_000, len)) <= 5_000


@pytest.mark.parametrize(("sizes", "total"), [([10, 50, 90], 90), ([5, 5, 5], 9), ([100], 0), ([], 5), ([3, 4], 100)])
def test_a_level_is_the_highest_that_keeps_the_total(sizes, total):
    level = level_of(sizes, total)

    assert sum(min(size, level) for size in sizes) <= total or not sizes
    assert sum(min(size, level + 1) for size in sizes) > total or level >= max(sizes, default=0)
