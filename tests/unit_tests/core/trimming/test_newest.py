"""The quick choice of an ordinary conversation: the one that a look at every block gives, without that look."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from g4f_integrations.core.tokens import count_message_tokens, counter_for
from g4f_integrations.core.trimming import Trimming, trim
from g4f_integrations.core.trimming._choosing import Chooser, Limits
from g4f_integrations.core.trimming._conversation import History
from g4f_integrations.core.trimming._newest import choose_newest
from unit_tests.core.trimming.histories import HISTORIES, assistant, calls, result, system, user

fuzz = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])

TURN = [user("Look " * 9), calls("a", "b"), result("b", "at " * 9), result("a"), assistant("I see " * 9)]


def quick(history, budget, *, may_cut=True):
    """The quick choice of a conversation that exceeds the budget, and the conversation."""
    known = History(history, counter_for())
    return (None if known.tail_within(budget) else choose_newest(known, budget, may_cut=may_cut)), known


@fuzz
@given(HISTORIES, st.integers(20, 400), st.booleans())
def test_it_is_the_choice_that_every_block_was_looked_at_for(history, budget, may_cut):
    choice, known = quick(history, budget, may_cut=may_cut)

    if choice is not None:
        assert choice == Chooser(known, Limits(budget), may_cut=may_cut).choose()
        assert choice.tokens == sum(count_message_tokens(history[at]) for at in choice.kept) <= budget


@pytest.mark.parametrize("budget", range(50, 400, 10))
def test_an_ordinary_conversation_needs_no_closer_look(budget):
    history = [system(), *TURN * 20, user("And?")]

    choice, known = quick(history, budget)

    assert choice == Chooser(known, Limits(budget)).choose()


@pytest.mark.parametrize(
    "history",
    [
        [*TURN * 9, system("Mind it."), *TURN * 9],
        [*TURN * 9, user("Go."), *[calls("a"), result("a", "word " * 9)] * 20],
        [*TURN * 9, user("Go."), calls("a"), user("hurry"), result("a"), assistant("I see.")],
        [*TURN * 9, user("word " * 900), assistant("I see."), *TURN],
        [assistant("I see.")] * 90,
    ],
    ids=["instructions in its midst", "a long last turn", "results apart", "a very long message", "no user"],
)
def test_what_is_out_of_the_ordinary_is_looked_at_closely(history):
    choice, _ = quick(history, 200)

    assert choice is None


def test_a_message_that_has_changed_since_the_last_call_is_looked_at_anew():
    history = [dict(message) for message in TURN * 20]
    before = trim(history, 200).messages
    history[0]["role"] = "system"
    history[-1]["content"] = "word " * 120

    after = trim(history, 200).messages

    assert history[0] in after
    assert sum(map(count_message_tokens, after)) <= 200
    assert len(after) < len(before)


def test_a_tuple_is_trimmed_as_a_list_is():
    history = [system(), *TURN * 200]

    assert trim(tuple(history), 200) == trim(history, 200, settings=Trimming())


def test_ten_thousand_results_of_one_message_go_or_stay_together():
    names = [f"call_{at}" for at in range(10_000)]
    turn = [user("Go."), calls(*names), *map(result, names), assistant("I see.")]
    history = [*turn, *turn, user("And?")]
    room = sum(map(count_message_tokens, history[len(turn) :]))

    assert trim(history, room).messages == history[len(turn) :]
    assert trim(history, 500).messages[-1:] == [user("And?")]
    assert len(trim(history, 500).messages) < 5
