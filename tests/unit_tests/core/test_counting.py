"""Where a conversation is counted: in the running loop if that costs look-ups only, else in a worker thread."""

import threading

import pytest

from g4f_integrations.core.counting import NO_LIMIT, Counting
from g4f_integrations.core.request import Request
from g4f_integrations.core.tokens import counter_from
from g4f_integrations.core.trimming import Trimming

HERE = threading.current_thread
WORDS = [{"role": "user", "content": f"{at} " + "word " * 60} for at in range(200)]
CALL = {
    "id": "a",
    "type": "function",
    "function": {"name": "write", "arguments": '{"text": "' + "word " * 9_000 + '"}'},
}


async def counted_here(messages, known=(), *, tokens=NO_LIMIT, settings=None, **more):
    """Whether a conversation of which some messages were counted before is counted in this thread."""
    counter = counter_from(lambda text: len(text.split()))
    counter.messages(known)
    counting = Counting(Request(messages=messages, **more), settings or Trimming())
    return await counting.counted(counter, messages, tokens, HERE) is HERE()


async def test_a_short_conversation_is_counted_in_the_loop():
    assert await counted_here(WORDS[:10])


async def test_a_long_one_that_nobody_has_seen_is_counted_in_a_thread():
    assert not await counted_here(WORDS)


async def test_a_long_one_that_grows_is_counted_in_the_loop():
    assert await counted_here(WORDS, known=WORDS[:-3])


async def test_only_what_the_budget_holds_has_to_be_known():
    assert await counted_here(WORDS, known=WORDS[100:], tokens=3_000)
    assert not await counted_here(WORDS, known=WORDS[100:], tokens=9_000)


@pytest.mark.parametrize(
    "new",
    [
        {"role": "user", "content": [{"type": "text", "text": "word"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "user", "content": "word " * 9_000},
    ],
    ids=["parts", "long arguments", "a long text"],
)
async def test_whatever_may_take_long_to_count_is_counted_in_a_thread(new):
    assert not await counted_here([*WORDS, new], known=WORDS)


@pytest.mark.parametrize(
    "more",
    [
        {"counter": len},
        {"settings": Trimming(score=lambda message: 1)},
        {"settings": Trimming(summarize=lambda messages: "")},
    ],
    ids=["counter", "score", "summarize"],
)
async def test_the_users_own_functions_are_called_in_a_thread(more):
    assert not await counted_here(WORDS, known=WORDS, **more)
    assert not await counted_here(WORDS[:1], known=WORDS, **more)
