"""Matches that begin in a whole text and soon break off are not followed; those that may be mended are."""

from __future__ import annotations

import pytest

from g4f_integrations.core.cleaning import Cleaning

RULES = Cleaning()
RULESET = RULES.ruleset(None)


def has_future(text: str) -> bool:
    return RULESET.outlook.has_future(text, 0, RULESET.starts["glued", "free"])


@pytest.mark.parametrize(
    "text",
    [
        "<|im_ and so on",
        "<|im_ \n [x](https://pollinations.ai) and so on",
        "<|im_end|> and so on",  # which is one at the end only
        "[cite: 1 \n---\n<|im_ [x] and so on",
        "[cite: one] and so on",
    ],
)
def test_what_soon_breaks_off_has_no_future(text):
    assert not has_future(text)


@pytest.mark.parametrize(
    "text",
    [
        "[cite: 1] and so on",
        "[cite: ",  # the end is nearer once what stands there is cut out
        "[cite: 1 \n ",
        "[ci\0te: 1] and so on",
        "[ci[cite: 2]te: 1] and so on",
        "[ci[ci\0te: 2]te: 1] and so on",
        "<|im_" * 9 + " and so on" * 9,  # deeper than is looked
    ],
)
def test_what_may_be_complete_once_something_is_cut_out_has_one(text):
    assert has_future(text)


@pytest.mark.parametrize("inner", ["\0", "[cite: 1]", "[ci\0te: 1]", "[c[cite: 1]ite: 1]"])
@pytest.mark.parametrize(("before", "behind"), [("[", "cite: 2]"), ("[cite", ": 2]"), ("[cite: 2", "]")])
def test_a_match_mended_by_a_cut_is_found_in_a_whole_text_as_in_a_stream(before, inner, behind):
    text = f"Words{before}{inner}{behind} and so on."
    stream = RULES.stream()
    streamed = "".join([stream.feed(char) for char in text]) + stream.flush()
    assert RULES.clean(text).text == streamed == "Words and so on."
