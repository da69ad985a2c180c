"""A language model may point at adverts that no rule knows; it is believed only where the text agrees."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

from g4f_integrations.core.cleaning import AICleaning, Cleaning

HYBRID = Cleaning(mode="hybrid")
ANSWER = "Ice floats because it is less dense than water.\n\nThat is all there is to it, and it matters for lakes."
ADVERT = "\n\n---\nJoin our free channel: https://t.me/freegate_news"
DIRTY = ANSWER + ADVERT


async def cleaned(reply, text=DIRTY, cleaning=HYBRID, prompt="Why does ice float?", provider="FreeGate"):
    seen = []

    def complete(question):
        seen.append(question)
        return reply

    found = await cleaning.aclean(text, provider=provider, prompt=prompt, complete=complete)
    return found, seen


async def test_the_lines_that_the_model_points_at_are_taken_out():
    found, seen = await cleaned('Sure: {"delete": [[5, 6]]} Visit us!')

    assert found.text == ANSWER
    assert [(item.rule, item.text) for item in found.removed] == [("ai", ADVERT)]
    assert "6: Join our free channel" in seen[0]


async def test_a_rewritten_text_is_taken_only_if_it_is_the_original_without_whole_spans():
    assert (await cleaned(json.dumps({"has_ad": True, "cleaned_text": ANSWER})))[0].text == ANSWER
    assert (await cleaned(json.dumps({"has_ad": False, "cleaned_text": ANSWER})))[0].text == DIRTY
    assert (await cleaned(json.dumps({"has_ad": True, "cleaned_text": ANSWER[:-9]})))[0].text == DIRTY
    assert (await cleaned(json.dumps({"has_ad": True, "cleaned_text": ANSWER + " Really!"})))[0].text == DIRTY


@pytest.mark.parametrize(
    "reply",
    [
        "", "nonsense", "{", "[]", '{"delete": 1}', '{"delete": [[1, 6]]}', '{"delete": [[1, 1]]}', '{"delete": [[3, 3]]}',
        '{"delete": [[-1, 99]]}', '{"delete": [["5", "6"]]}', '{"delete": [[5, 6, 7]]}', '{"delete": ' + "[" * 5000,
        '{"has_ad": true, "cleaned_text": ""}', '{"has_ad": true, "cleaned_text": "x"}', '{"has_ad": 1, "cleaned_text": "a"}',
    ],
)  # fmt: skip
async def test_a_model_that_errs_or_lies_changes_nothing(reply):
    assert (await cleaned(reply))[0].text == DIRTY


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        (f"{ANSWER}\n\nSource: https://ice.example/why", "Why does ice float?"),
        (DIRTY, "Write a post for my Telegram channel"),
        (DIRTY, "What is https://t.me/freegate_news?"),
        (f"```\n{ANSWER}{ADVERT}\n```", "Why does ice float?"),
        (ANSWER + ADVERT.replace("\n", "\n> "), "Why does ice float?"),
        (f"Join our free channel: https://t.me/x\n\n{ANSWER[:40]}", "Why does ice float?"),
    ],
)  # fmt: skip
async def test_content_stays_even_if_the_model_points_at_it(text, prompt):
    last = len(text.splitlines())

    assert (await cleaned(json.dumps({"delete": [[last, last]]}), text, prompt=prompt))[0].text == text


async def test_the_model_is_asked_only_where_something_looks_like_an_advert_that_no_rule_knows():
    known = "Hi.\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"

    assert (await cleaned("{}", ANSWER))[1] == []
    assert (await cleaned("{}", known, provider="Airforce"))[1] == []
    assert (await cleaned("{}", DIRTY, Cleaning()))[1] == []
    assert len((await cleaned("{}", ANSWER, Cleaning(mode="ai", ai=AICleaning(gate="always"))))[1]) == 1


async def test_the_answer_cannot_fill_in_or_end_the_prompt():
    _, seen = await cleaned("{}", DIRTY.replace("Join", "{text} {mark} Join"))

    assert "{text} {mark} Join our free" in seen[0]
    mark = next(line for line in seen[0].splitlines() if line.startswith("<<"))
    assert seen[0].count(mark) == 3


async def test_a_prompt_of_the_users_own_is_used():
    ai = AICleaning(prompt="Clean this: {text}")
    found, seen = await cleaned(
        json.dumps({"has_ad": True, "cleaned_text": ANSWER}), cleaning=Cleaning(mode="ai", ai=ai)
    )

    assert seen == [f"Clean this: {DIRTY}"]
    assert found.text == ANSWER


async def test_a_model_that_is_late_or_fails_leaves_the_result_of_the_rules():
    async def late(_):
        await asyncio.sleep(30)

    def failing(_):
        raise ConnectionError

    cleaning = Cleaning(mode="hybrid", ai=AICleaning(timeout=0.01))
    for complete in (late, failing):
        assert (await cleaning.aclean(DIRTY, provider="FreeGate", complete=complete)).text == DIRTY


async def test_answers_with_text_or_content_are_understood():
    async def message(_):
        return SimpleNamespace(content='{"delete": [[5, 6]]}')

    assert (await HYBRID.aclean(DIRTY, provider="FreeGate", prompt="Why?", complete=message)).text == ANSWER


async def test_offsets_count_what_the_rules_took_out_before():
    text = DIRTY.replace("floats", "flo\0ats")
    found, _ = await cleaned('{"delete": [[5, 6]]}', text)

    assert found.text == ANSWER
    assert [text[item.start : item.end] == item.text for item in found.removed] == [True, True]


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_a_stream_holds_its_end_until_the_model_has_seen_it(size):
    long = "\n\n".join([ANSWER] * 4) + ADVERT
    stream = HYBRID.ai_stream(
        lambda prompt: json.dumps({"delete": [[int(line.split(":")[0])] * 2 for line in prompt.splitlines() if ": Join" in line or line.endswith(": ---")]}),
        provider="FreeGate", prompt="Why does ice float?",
    )  # fmt: skip
    out = "".join(stream.feed(long[place : place + size]) for place in range(0, len(long), size))

    assert "Join" not in out
    assert size == 1000 or out
    assert out + await stream.finish() == "\n\n".join([ANSWER] * 4)
    assert stream.removed[0].rule == "ai"


async def test_a_stream_that_breaks_lets_everything_go_unasked():
    stream = HYBRID.ai_stream(lambda _: '{"delete": [[1, 9]]}', provider="FreeGate")

    assert stream.feed(DIRTY) + stream.flush() == DIRTY
