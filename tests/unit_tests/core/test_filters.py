"""The filters between a route's text and the user: however the text is cut into pieces, the outcome is the same."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from g4f_integrations.core.call_state import CallState
from g4f_integrations.core.filters import OutputLimit, ReasoningTags, StopSequences, longest_suffix_prefix
from g4f_integrations.core.lane import Lane
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.tokens import TOKEN, weight_of

fuzz = settings(deadline=None, max_examples=300)


def pieces(text, cuts):
    """`text` cut at every place of `cuts` that lies in it."""
    places = [0, *sorted({cut for cut in cuts if 0 < cut < len(text)}), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(places)]


def reasoning_split(chunks):
    tags = ReasoningTags()
    parts = [*map(tags.feed, chunks), tags.close()]
    return "".join(text for text, _ in parts), "".join(reasoning for _, reasoning in parts)


def stopped_text(chunks, stops):
    filtered = StopSequences(stops)
    text = "".join([*map(filtered.feed, chunks), filtered.close()])
    return text, filtered.hit


def limited_text(chunks, max_tokens):
    limit = OutputLimit(max_tokens)
    return "".join(map(limit.feed, chunks)), limit.hit


# Reasoning tags

TAGGED = st.lists(
    st.sampled_from(
        [
            "<think>",
            "</think>",
            "<thinking>",
            "</thinking>",
            "<Think>",
            "</Think>",
            "<thought>",
            "<th",
            *"</> aßİ\n\u212a",
        ]
    ),
    max_size=12,
).map("".join)
CUTS = st.lists(st.integers(0, 120), max_size=20)


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("<think>because</think>The answer", "The answer", "because"),
        ("\n <think>because</think>\n\nThe answer", "The answer", "because"),
        ("<think>one</think><think>two</think>three", "three", "onetwo"),
        ("<THINK>loud</THINK>quiet", "quiet", "loud"),
        ("<thinking>a</think>b</thinking>c", "c", "a</think>b"),
        ("<think>never closed", "", "never closed"),
        ("<think>cut in its closer</thi", "", "cut in its closer</thi"),
        ("<think></think>", "", ""),
        ("Use <think>tags</think> so.", "Use <think>tags</think> so.", ""),
        ("<b>bold</b>", "<b>bold</b>", ""),
        ("<thinkers>", "<thinkers>", ""),
        ("  indented", "  indented", ""),
        ("  <thin", "  <thin", ""),
        ("", "", ""),
    ],
)
def test_reasoning_in_tags_at_the_head_is_told_apart_from_the_answer(text, answer, reasoning):
    assert reasoning_split([text]) == (answer, reasoning)


@fuzz
@given(TAGGED, CUTS)
@example("<think>a</think> \n <think>b</think> \n c", range(50))
@example(" " * 600 + "<think>a</think>b", range(700))
@example(" " * 505 + "<think>a</think>b", range(700))
@example("<think>a</think>" + " " * 600 + "b", range(700))
def test_reasoning_is_split_off_the_same_way_however_it_is_cut(text, cuts):
    assert reasoning_split(pieces(text, cuts)) == reasoning_split([text])


@fuzz
@given(st.text(max_size=40).filter(lambda text: "<" not in text), CUTS)
def test_text_without_tags_stays_as_it_is(text, cuts):
    assert reasoning_split(pieces(text, cuts)) == (text, "")


def test_ordinary_text_passes_from_its_first_piece_on():
    tags = ReasoningTags()

    assert tags.feed("Hello") == ("Hello", "")
    assert tags.passing


def test_reasoning_is_handed_on_while_its_block_is_open():
    tags = ReasoningTags()

    assert [tags.feed(piece) for piece in ("<think>", "one ", "two</", "think>")] == [
        ("", ""),
        ("", "one "),
        ("", "two"),
        ("", ""),
    ]


def test_a_very_long_white_head_is_not_held_for_ever():
    tags = ReasoningTags()

    fed = [tags.feed(" ")[0] for _ in range(600)]

    assert "".join(fed) == " " * 600


class CountedText(str):
    """Text that counts the characters which its slices copy."""

    __slots__ = ()
    copied = 0

    def __add__(self, other):
        return CountedText(super().__add__(other))

    def __radd__(self, other):
        return CountedText(other + str(self))

    def __getitem__(self, place):
        found = super().__getitem__(place)
        CountedText.copied += len(found)
        return CountedText(found)

    def lstrip(self, *args):
        found = super().lstrip(*args)
        CountedText.copied += len(found)
        return CountedText(found)


def test_many_blocks_in_one_piece_are_linear_work():
    CountedText.copied = 0
    text = CountedText("<think></think>" * 5_000)

    assert reasoning_split([text]) == ("", "")
    assert CountedText.copied < 10 * len(text)


# Stop sequences

LETTERS = st.text("abc", max_size=30)
STOPS = st.lists(st.text("abc", min_size=1, max_size=5), min_size=1, max_size=4)


@fuzz
@given(LETTERS, STOPS, CUTS)
@example("abcd", ["bc", "abcd"], range(9))
@example("abce", ["bc", "abcd"], range(9))
@example("abc", ["bc", "abcd"], range(9))
def test_a_stream_ends_where_the_whole_text_would(text, stops, cuts):
    first = min((found for stop in stops if (found := text.find(stop)) >= 0), default=None)

    assert stopped_text(pieces(text, cuts), stops) == (text[:first], first is not None)


def test_text_that_cannot_become_a_stop_is_not_held():
    stops = StopSequences(["STOP"])

    assert [stops.feed(piece) for piece in ("ab S", "T", "E ", "OP")] == ["ab ", "", "STE ", "OP"]


def test_nothing_comes_after_a_stop():
    stops = StopSequences(["END"])

    assert [stops.feed("a E"), stops.feed("ND b"), stops.feed("c"), stops.close()] == ["a ", "", "", ""]


def test_empty_stop_sequences_are_none():
    assert stopped_text(["abc"], ["", "x"]) == ("abc", False)


def test_a_stream_of_beginnings_of_a_stop_holds_no_more_than_one():
    stops = StopSequences(["a" * 50 + "b"])

    handed_over = "".join(stops.feed("a") for _ in range(5_000))

    assert len(handed_over) == 4_950


def test_the_longest_beginning_at_the_end_is_found():
    assert longest_suffix_prefix("so <thi", "<think>") == 4
    assert longest_suffix_prefix("<think>", "<think>") == 0
    assert longest_suffix_prefix("aab", "abab") == 2


# Output limits

MIXED = st.text(st.sampled_from("aé 漢字한ж🙂𠀀\n"), max_size=60)


@fuzz
@given(MIXED, st.integers(0, 30), CUTS)
@example("漢字" * 10, 5, range(40))
@example("hello" * 20, 100, range(0, 100, 5))
def test_a_limit_cuts_at_the_same_place_however_the_text_is_cut(text, max_tokens, cuts):
    assert limited_text(pieces(text, cuts), max_tokens) == limited_text([text], max_tokens)


@fuzz
@given(MIXED, st.integers(1, 30))
def test_a_limited_text_is_a_beginning_within_the_limit(text, max_tokens):
    kept, hit = limited_text([text], max_tokens)

    assert text.startswith(kept)
    assert hit == (kept != text)
    assert weight_of(kept) <= max_tokens * TOKEN


def test_nothing_comes_after_the_limit():
    limit = OutputLimit(1)

    assert [limit.feed("word"), limit.feed("a"), limit.hit] == ["wor", "", True]


# All of them together


def lane(*, stop=(), limit=None):
    call = CallState(Request([{"role": "user", "content": "Say something."}]), Resilience(), None)
    return Lane("Some", call, stops=stop, output_limit=limit)


def through(the_lane, chunks):
    fed = [*map(the_lane.feed, chunks), the_lane.close()[:2]]
    return "".join(text for text, _ in fed), "".join(reasoning for _, reasoning in fed)


@fuzz
@given(CUTS)
def test_tags_stops_and_limit_work_together_however_the_text_is_cut(cuts):
    text = "<think>STOP is no stop in here</think>\nThe answer is forty-two. STOP That was it."

    assert through(lane(stop=("STOP",), limit=100), pieces(text, cuts)) == (
        "The answer is forty-two. ",
        "STOP is no stop in here",
    )
    assert through(lane(stop=("STOP",), limit=2), pieces(text, cuts)) == ("The ans", "STOP is no stop in here")


@pytest.mark.parametrize(("settings_of_lane", "stopped"), [({"stop": ("B",)}, True), ({"limit": 1}, True), ({}, False)])
def test_a_lane_tells_that_its_text_has_ended(settings_of_lane, stopped):
    fed = lane(**settings_of_lane)

    fed.feed("AAAAAAAA B CCCC")

    assert fed.stopped is stopped


def test_plain_text_soon_passes_a_lane_untouched():
    plain = lane()

    plain.feed("The answer to your question about the weather in Paris is that the sun is shining.")

    assert plain.passing


@pytest.mark.parametrize("settings_of_lane", [{"stop": ("X",)}, {"limit": 1_000}])
def test_a_lane_with_a_stop_or_a_limit_never_passes(settings_of_lane):
    watched = lane(**settings_of_lane)

    watched.feed("The answer to your question about the weather in Paris is that the sun is shining.")

    assert not watched.passing


def test_a_notice_in_the_place_of_an_answer_is_found_behind_the_reasoning():
    fed = lane()

    handed_over = [fed.feed("<think>hm</think>"), fed.feed("Rate limit exceeded, please try again later.")]
    text, _, verdict = fed.close()

    assert handed_over == [("", "hm"), ("", "")]
    assert text == "Rate limit exceeded, please try again later."
    assert verdict is not None
