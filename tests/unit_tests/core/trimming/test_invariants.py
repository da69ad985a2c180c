"""What holds of every trimmed conversation, whatever it was and whatever it had to fit into."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from g4f_integrations.core.tokens import count_message_tokens
from g4f_integrations.core.trimming import Trimming, trim
from g4f_integrations.errors import ContextLengthError
from unit_tests.core.trimming.histories import BUDGETS, HISTORIES, SYSTEM, answered_calls

fuzz = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])

SETTINGS = st.sampled_from(
    [
        Trimming(),
        Trimming(keep_first=1),
        Trimming(keep_first=3, keep_last=3),
        Trimming(strategy="last", keep_last=4),
        Trimming(strategy="last", keep_last=1),
        Trimming(score=lambda message: len(str(message.get("content"))) % 7),
        Trimming(truncate_long=False),
    ]
)


def trimmed_or_none(history, budget, chosen, **more):
    try:
        return trim(history, budget, settings=chosen, **more)
    except ContextLengthError:
        return None


@fuzz
@given(HISTORIES, BUDGETS, SETTINGS)
def test_all_that_is_promised_holds(history, budget, chosen):
    given_history = copy.deepcopy(history)

    trimmed = trimmed_or_none(history, budget, chosen)

    assert history == given_history
    if trimmed is None:
        return
    messages, report = trimmed.messages, trimmed.report
    total = sum(map(count_message_tokens, messages))
    assert total == report.tokens_after <= budget
    if not report.changed:
        assert messages is history
        return
    kept = [message["at"] for message in messages]
    assert kept == sorted(set(kept))
    users = [at for at, message in enumerate(history) if message["role"] == "user"]
    assert {at for at, message in enumerate(history) if message["role"] in SYSTEM} <= set(kept)
    assert all((result in kept) == (call in kept) for result, call in answered_calls(history))
    assert not users or users[-1] in kept
    assert report.messages_removed == len(history) - len(messages)
    assert report.messages_cut == sum(message is not history[at] for at, message in zip(kept, messages, strict=True))
    rest = [message for message in messages if message["role"] not in SYSTEM]
    hurried = any(message["role"] == "user" and message["content"] == "hurry" for message in history)
    assert not users or hurried or rest[0]["role"] == "user"


@fuzz
@given(HISTORIES, BUDGETS, SETTINGS)
def test_what_was_trimmed_is_not_trimmed_again(history, budget, chosen):
    trimmed = trimmed_or_none(history, budget, chosen)

    if trimmed is not None:
        assert trim(trimmed.messages, budget, settings=chosen).messages is trimmed.messages


@fuzz
@given(HISTORIES, BUDGETS)
def test_with_room_for_all_nothing_is_done(history, budget):
    room = sum(map(count_message_tokens, history))

    trimmed = trim(history, room + budget)

    assert trimmed.messages is history
    assert (trimmed.report.tokens_before, trimmed.report.tokens_after) == (room, room)


@fuzz
@given(HISTORIES, BUDGETS)
def test_only_what_must_stay_can_be_too_long(history, budget):
    must_stay = [message for message in history if message["role"] in SYSTEM]
    floor = sum(map(count_message_tokens, must_stay))

    if trimmed_or_none(history, budget, Trimming()) is None:
        # Nine marks, as many as the newest block has texts at the most, and the words around them.
        assert floor + 9 * 60 > budget


@fuzz
@given(HISTORIES, st.integers(1, 12))
def test_a_limit_of_messages_is_kept(history, most):
    trimmed = trimmed_or_none(history, 10**9, Trimming(), max_messages=most)

    assert trimmed is None or len(trimmed.messages) <= most


@fuzz
@given(HISTORIES, st.integers(100, 4_000))
def test_a_limit_of_characters_is_kept(history, most):
    trimmed = trimmed_or_none(history, most, Trimming(), counter=len)

    if trimmed is not None:
        assert (
            sum(
                len(str(message["content"] or ""))
                for message in trimmed.messages
                if not isinstance(message["content"], list)
            )
            <= most
        )


@fuzz
@given(HISTORIES, BUDGETS)
def test_a_summary_changes_none_of_it(history, budget):
    chosen = Trimming(summarize=lambda messages: f"{len(messages)} messages were here.")

    trimmed = trimmed_or_none(history, budget, chosen)

    if trimmed is not None:
        assert sum(map(count_message_tokens, trimmed.messages)) <= budget
        assert sum(map(count_message_tokens, trimmed.messages)) == trimmed.report.tokens_after
        assert not trimmed.report.summarized or trimmed.report.messages_removed


@pytest.mark.parametrize("size", [1, 7, 100])
def test_the_newest_words_of_the_user_stay(size):
    history = [{"role": "user", "content": f"question {at}"} for at in range(size)]

    assert trim(history, 12).messages[-1] == history[-1]
