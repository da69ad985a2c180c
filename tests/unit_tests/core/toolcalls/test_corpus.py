"""What is read in the answers of the corpus, whole and in pieces."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core.toolcalls import CallSplitter, parse_tool_calls
from unit_tests.core.toolcalls.corpus import json_forms, refusals, tag_forms, token_forms, word_forms
from unit_tests.core.toolcalls.corpus.cases import TOOLS

DIALECTS = [dialect for part in (json_forms, tag_forms, token_forms, word_forms, refusals) for dialect in part.ALL]
CASES = [case for dialect in DIALECTS for case in dialect.cases]


def identifier(case):
    return f"{case.dialect}: {case.answer[:40]}"


def seen(text, parsed):
    calls = [(call.name, call.arguments) for call in parsed.calls]
    return text, calls, [call.name or "?" for call in parsed.invalid]


def whole(answer, tools):
    parsed = parse_tool_calls(answer, tools)
    return seen(parsed.text, parsed)


def in_pieces(pieces, tools):
    splitter = CallSplitter(tools)
    said = "".join([splitter.feed(piece) for piece in pieces])
    parsed = splitter.close()
    return seen(said + parsed.text, parsed)


@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_an_answer_is_read_as_it_was_meant(case):
    assert whole(case.answer, TOOLS[case.tools]) == (case.text, list(case.calls), list(case.invalid))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
def test_the_size_of_the_pieces_changes_nothing(size):
    for case in CASES:
        pieces = [case.answer[at : at + size] for at in range(0, len(case.answer), size)]

        assert in_pieces(pieces, TOOLS[case.tools]) == whole(case.answer, TOOLS[case.tools]), case


def cut(text, places):
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(CASES), min_size=1, max_size=3),
    st.sampled_from(["\n", "\n\n", "", " and "]),
    st.lists(st.integers(0), max_size=8),
)
def test_answers_one_after_the_other_are_read_alike_in_any_pieces(cases, glue, places):
    answer = glue.join(case.answer for case in cases)

    assert in_pieces(cut(answer, places), TOOLS["house"]) == whole(answer, TOOLS["house"])


SPOILERS = ["<", "]", "{", '"', "\\", "\n", "<tool_call>", "```", "Action: ", " ", "é", "｜", ":"]


@settings(deadline=None, max_examples=1000)
@given(
    st.sampled_from(CASES),
    st.sampled_from(CASES),
    st.lists(st.tuples(st.integers(0), st.sampled_from(SPOILERS)), max_size=3),
    st.integers(1, 6),
    st.sampled_from(sorted(TOOLS)),
)
def test_spoilt_answers_are_read_alike_in_any_pieces(first, second, spoilers, size, tools):
    answer = f"{first.answer}\n{second.answer}"
    for place, spoiler in spoilers:
        at = place % len(answer)
        answer = answer[:at] + spoiler + answer[at + place % 3 :]
    pieces = [answer[at : at + size] for at in range(0, len(answer), size)]

    assert in_pieces(pieces, TOOLS[tools]) == whole(answer, TOOLS[tools])


def test_the_corpus_is_as_large_as_it_claims():
    assert len(CASES) >= 300
    assert len({case.dialect for case in CASES}) >= 20
    assert not [identifier(case) for case, count in Counter(CASES_BY_ANSWER).items() if count > 1]


CASES_BY_ANSWER = [(case.answer, case.tools) for case in CASES]
