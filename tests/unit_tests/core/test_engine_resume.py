"""Streams that die in mid-answer and are carried on by the next route: one text, and the truth about it."""

from __future__ import annotations

import asyncio

import pytest
from g4f.providers.response import FinishReason, ImageResponse, Reasoning, Sources, ToolCalls, Usage

from asking import FAST, Answer, ask, start
from g4f_integrations import errors
from g4f_integrations.core.cleaning import Cleaning
from g4f_integrations.core.events import ReasoningDelta, Retrying, TextDelta
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.trimming import Trimming
from g4f_integrations.testing import ScriptedProvider, cut, stall

RESUME = Resilience(on_stream_failure="resume", backoff_initial=0.001, backoff_max=0.002)
TEXT = "The quick brown fox jumps over the lazy dog."
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def broken(*script, **details):
    return ScriptedProvider(*script, cut(), **details)


@pytest.mark.parametrize(
    "continuation",
    [["fox jumps over the lazy dog."], ["quick brown ", "fox jumps over ", "the lazy dog."], [TEXT], [*TEXT]],
    ids=["to the letter", "with its last words", "anew", "anew in characters"],
)
@pytest.mark.parametrize("cleaning", [None, Cleaning()], ids=["raw", "cleaned"])
async def test_the_next_route_carries_the_answer_on(continuation, cleaning):
    providers = broken("The quick ", "brown ", name="Broken"), ScriptedProvider(*continuation, name="Fine")

    answer = await ask(*providers, cleaning=cleaning)

    assert answer.text == TEXT
    assert (answer.outcomes, answer.providers) == (["interrupted", "ok"], ["Broken", "Fine"])
    assert (answer.info.provider, answer.info.resumed, answer.finish) == ("Fine", 1, "stop")


async def test_what_came_goes_back_in_a_message_of_the_user():
    second = ScriptedProvider("fox.")
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A story?"}]

    await ask(broken("The quick brown "), second, messages=asked)

    (call,) = second.calls
    assert call.messages[:-1] == asked
    assert call.messages[-1]["role"] == "user"
    assert "The quick brown \n" in call.messages[-1]["content"]


async def test_the_instruction_is_a_file_that_can_be_replaced(tmp_path):
    (tmp_path / "resume.txt").write_text("Weiter nach: {{partial}} ({{tail}}; {{done}})", encoding="utf-8")
    second = ScriptedProvider("fox.")

    await ask(broken("The quick brown"), second, prompts=str(tmp_path))

    assert second.calls[0].messages[-1]["content"] == "Weiter nach: The quick brown (The quick brown; <<complete>>)"


async def test_of_a_giant_answer_its_beginning_and_its_end_go_back():
    second = ScriptedProvider("end.")

    await ask(broken("Once. " + "many words " * 20_000), second)

    told = second.calls[0].messages[-1]["content"]
    assert "Once. many" in told
    assert len(told) < 40_000


async def test_an_answer_may_be_carried_on_several_times():
    answer = await ask(broken("The quick "), broken("brown fox "), broken("fox jumps "), ScriptedProvider("over."))

    assert answer.text == "The quick brown fox jumps over."
    assert answer.outcomes == ["interrupted"] * 3 + ["ok"]
    assert answer.info.resumed == 3


async def test_the_only_route_is_asked_for_the_rest_itself():
    lonely = ScriptedProvider(per_call=[["The quick ", cut()], ["brown fox."]])

    assert (await ask(lonely, policy=FAST)).text == "The quick brown fox."


async def test_a_stall_in_mid_answer_is_carried_on_as_well():
    policy = Resilience(stall_timeout=0.02, backoff_initial=0.001)

    answer = await ask(ScriptedProvider("The quick ", stall(5)), ScriptedProvider("brown fox."), policy=policy)

    assert answer.text == "The quick brown fox."


async def test_an_event_says_that_the_answer_is_carried_on():
    answer = await ask(ScriptedProvider(), broken("The quick "), ScriptedProvider("brown fox."))

    assert [event.resumes for event in answer.of(Retrying)] == [False, True]
    assert [type(event) for event in answer.events[:4]] == [Retrying, TextDelta, Retrying, TextDelta]


async def test_every_continuation_is_an_attempt():
    providers = [broken("The quick "), broken("brown fox "), ScriptedProvider("jumps.")]

    with pytest.raises(errors.StreamInterruptedError) as caught:
        await ask(*providers, policy=Resilience(max_attempts=2, backoff_initial=0.001))

    assert len(caught.value.attempts) == 2
    assert caught.value.partial_text == "The quick brown fox "
    assert providers[2].calls == []


async def test_a_route_that_fails_before_it_adds_anything_is_rotated_away_from():
    unwell = (
        ScriptedProvider(RuntimeError("Error 500: overloaded")),
        ScriptedProvider("Rate limit exceeded."),
        ScriptedProvider(),
    )

    answer = await ask(broken("The quick "), *unwell, ScriptedProvider("brown fox."))

    assert answer.text == "The quick brown fox."
    assert answer.info.resumed == 1


async def test_another_answer_is_not_joined_and_the_next_route_is_asked():
    other = ScriptedProvider("The lazy dog sleeps.", name="Other")

    answer = await ask(broken("The quick bro"), other, ScriptedProvider("wn fox."))

    assert answer.text == "The quick brown fox."
    assert answer.outcomes == ["interrupted", "invalid", "ok"]


@pytest.mark.parametrize(
    "pieces", [["The server is busy. Please try again later."], [*"The server is busy. Please try again later."]]
)
async def test_a_notice_amid_a_sentence_is_a_notice(pieces):
    answer = await ask(broken("The quick brown fox ju"), ScriptedProvider(*pieces), ScriptedProvider("fox jumps."))

    assert answer.text == "The quick brown fox jumps."
    assert answer.outcomes == ["interrupted", "overloaded", "ok"]


async def test_a_route_whose_continuation_did_not_fit_gets_another_turn():
    other = "The quick brown bear sleeps in a cave all winter long."
    lonely = ScriptedProvider(per_call=[["The quick brown fox ju", cut()], [other], ["fox jumps over it."]])

    answer = await ask(lonely, policy=FAST)

    assert answer.text == "The quick brown fox jumps over it."
    assert answer.outcomes == ["interrupted", "invalid", "ok"]


async def test_when_nobody_carries_it_on_everything_so_far_comes_with_the_error():
    seen = Answer()

    with pytest.raises(errors.StreamInterruptedError) as caught:
        await ask(broken("The quick ", "bro"), ScriptedProvider("The lazy dog sleeps."), policy=FAST, into=seen)

    assert caught.value.partial_text == seen.text == "The quick bro"
    assert caught.value.attempts[0].outcome == "interrupted"
    assert "carry on" in str(caught.value)


@pytest.mark.parametrize("policy", [Resilience(on_stream_failure="raise"), FAST], ids=["raised", "given up"])
async def test_what_the_filters_held_back_is_not_lost(policy):
    seen = Answer()

    with pytest.raises(errors.StreamInterruptedError) as caught:
        await ask(broken("The quick ", "brown ", "STO"), cleaning=Cleaning(), stop=("STOP",), into=seen, policy=policy)

    assert caught.value.partial_text == seen.text == "The quick brown STO"


# What the user asked for, over the joint


async def test_the_longest_answer_that_was_asked_for_counts_over_the_joint():
    second = ScriptedProvider("fox jumps.")

    await ask(broken("The quick brown "), second, params={"max_tokens": 100})

    assert 90 <= second.calls[0].max_tokens < 100


async def test_an_answer_that_broke_off_at_its_longest_is_over():
    never = ScriptedProvider("never asked")

    answer = await ask(broken("The quick brown fox jumps over"), never, params={"max_tokens": 5})

    assert (answer.finish, answer.info.resumed, never.calls) == ("length", 0, [])


async def test_a_stop_that_lies_across_the_joint_ends_the_answer():
    answer = await ask(broken("The quick brown\n"), ScriptedProvider("\nQ: more?"), stop=("\n\nQ:",))

    assert answer.text == "The quick brown"


async def test_reasoning_of_the_continuation_is_not_shown_amid_the_text():
    thinking = ScriptedProvider(Reasoning("Where was I?"), "<think>Hm.</think>brown fox.")

    answer = await ask(broken(Reasoning("First."), "The quick "), thinking)

    assert (answer.text, answer.reasoning) == ("The quick brown fox.", "First.")
    assert len(answer.of(ReasoningDelta)) == 1


async def test_the_cost_of_both_halves_is_told():
    second = ScriptedProvider("brown fox.", Usage(prompt_tokens=100, completion_tokens=7, total_tokens=107))

    answer = await ask(broken("The quick "), second)

    assert answer.usage.input_tokens > 100
    assert answer.usage.output_tokens > 7
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.info.usage_estimated


async def test_sources_and_what_was_cleaned_away_of_both_halves_are_told():
    advert = "\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"
    first = broken(Sources([{"url": "https://a.example", "title": "A"}]), "The quick ")
    second = ScriptedProvider(
        Sources([{"url": "https://b.example", "title": "B"}]), "brown fox.", advert, name="Airforce"
    )

    answer = await ask(first, second, cleaning=Cleaning())

    assert answer.text == "The quick brown fox."
    assert [source["url"] for source in answer.info.sources] == ["https://a.example", "https://b.example"]
    assert answer.info.cleaned


async def test_a_continuation_fits_its_route_like_any_request():
    long = [
        {"role": "user", "content": "Long ago. " * 1500},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "And then?"},
    ]
    second = ScriptedProvider("brown fox.")

    answer = await ask(broken("The quick "), second, messages=long, trimming=Trimming(), context_window=2_000)

    assert answer.text == "The quick brown fox."
    assert "The quick" in second.calls[0].messages[-1]["content"]
    assert len(str(second.calls[0].messages)) < 12_000


# Complete without anybody having said so


async def test_an_answer_that_lacks_its_end_alone_is_over_when_a_model_says_so():
    answer = await ask(broken("All is said."), ScriptedProvider("<<complete>>"))

    assert (answer.text, answer.outcomes) == ("All is said.", ["interrupted", "ok"])


async def test_silence_is_no_end_wherever_it_falls():
    for text in ("All is", "All is said."):
        silent = [ScriptedProvider("", FinishReason("stop"), name=name) for name in ("A", "B")]

        with pytest.raises(errors.StreamInterruptedError) as caught:
            await ask(broken(text), *silent)

        assert caught.value.partial_text == text


# What is not carried on


@pytest.mark.parametrize(
    "wants",
    [{"tools": [TOOL]}, {"params": {"response_format": {"type": "json_object"}}}, {"params": {"n": 2}}],
    ids=["tools", "JSON", "several answers"],
)
async def test_tools_and_forms_are_not_carried_on_unless_that_is_asked_for(wants):
    other = ScriptedProvider("never asked")

    with pytest.raises(errors.StreamInterruptedError):
        await ask(broken('{"a": "some text'), other, **wants)

    assert other.calls == []


async def test_pictures_cannot_be_carried_on():
    with pytest.raises(errors.StreamInterruptedError):
        await ask(broken("Look: ", ImageResponse("https://example.com/a.png", "a")), ScriptedProvider("more"))


async def test_json_is_asked_for_once_more_and_handed_over_from_where_it_broke_off():
    second = ScriptedProvider('{"a": 1, "b": 2}')
    wanted = {"response_format": {"type": "json_object"}}

    answer = await ask(broken('{"a": 1, "b"'), second, params=wanted, policy=RESUME)

    assert answer.text == '{"a": 1, "b": 2}'
    assert "broke" not in str(second.calls[0].messages)


async def test_text_beside_tools_is_carried_on_with_its_calls():
    calls = ToolCalls([{"index": 0, "id": "call_1", "function": {"name": "add", "arguments": "{}"}}])
    second = ScriptedProvider("add them up.", calls, native_tools=True)

    answer = await ask(broken("Let me ", native_tools=True), second, tools=[TOOL], policy=RESUME)

    assert answer.text == "Let me add them up."
    assert [call.name for call in answer.calls] == ["add"]


async def test_a_call_that_is_cut_is_made_anew_because_nothing_of_it_was_handed_over():
    half = ToolCalls([{"index": 0, "id": "call_1", "function": {"name": "add", "arguments": '{"a": '}}])
    whole = ToolCalls([{"index": 0, "id": "call_2", "function": {"name": "add", "arguments": "{}"}}])

    answer = await ask(broken(half, native_tools=True), ScriptedProvider(whole, native_tools=True), tools=[TOOL])

    assert ([call.arguments for call in answer.calls], answer.info.resumed) == ([{}], 0)


async def test_whole_calls_come_with_the_error():
    arguments = '{"a": 1}'
    first = ToolCalls([{"index": 0, "id": "call_1", "function": {"name": "add", "arguments": arguments}}])
    half = ToolCalls([{"index": 1, "id": "call_2", "function": {"name": "add", "arguments": '{"a": '}}])

    with pytest.raises(errors.StreamInterruptedError) as caught:
        await ask(broken("Let me see.", first, half, native_tools=True), tools=[TOOL])

    assert [call.arguments for call in caught.value.partial_tool_calls] == [{"a": 1}]


@pytest.mark.parametrize("ends_after", [1, 2])
async def test_a_consumer_that_leaves_amid_a_continuation_leaves_nothing_behind(ends_after):

    events = start(broken("One "), ScriptedProvider("two ", stall(30)))

    async for _ in events:
        ends_after -= 1
        if not ends_after:
            break
    await events.aclose()

    assert asyncio.all_tasks() == {asyncio.current_task()}
