"""What is left out of a conversation that is too long, and what is not."""

import asyncio
import pickle

import pytest
from pydantic import ValidationError

from g4f_integrations.core.tokens import count_message_tokens, counter_for
from g4f_integrations.core.trimming import SUMMARIES, Budget, Trimming, atrim, plan_fit, plan_trim, surely_fits, trim
from g4f_integrations.errors import ConfigurationError, ContextLengthError
from unit_tests.core.trimming.histories import assistant, calls, result, system, user

LONG = "long text " * 400
SYSTEM, MORE = system("Be brief."), system("Also be kind.")


def turns(count, words=20):
    """`count` turns of a user and an assistant."""
    return [make(f"{at} " + "word " * words) for at in range(count) for make in (user, assistant)]


def tokens(messages):
    return sum(map(count_message_tokens, messages))


# What stays ----------------------------------------------------------------------------------------------------------


def test_what_fits_is_the_very_same_list():
    history = [SYSTEM, *turns(3)]

    assert trim(history, 1_000).messages is history


def test_the_newest_turns_stay_and_the_conversation_begins_with_the_user():
    history = [SYSTEM, *turns(10)]

    kept = trim(history, 130).messages

    assert kept == [SYSTEM, *history[-4:]]


def test_as_much_stays_as_fits():
    history = turns(40, words=5)

    for budget in range(40, 400, 7):
        kept = trim(history, budget).messages
        missing = history[-len(kept) - 2 : -len(kept)]
        assert tokens(kept) <= budget < tokens(kept) + tokens(missing)


def test_instructions_stay_wherever_they_stand():
    history = [SYSTEM, *turns(5), MORE, {"role": "developer", "content": "Mind."}, *turns(5)]

    kept = trim(history, 100).messages

    assert [message for message in kept if message["role"] in {"system", "developer"}] == [SYSTEM, MORE, history[12]]


def test_instructions_may_go_if_the_user_says_so():
    history = [SYSTEM, *turns(5)]

    assert trim(history, 60, settings=Trimming(keep_system=False)).messages == history[-2:]


def test_a_call_and_its_results_go_together():
    tool_turn = [calls("a", "b"), result("a", "one"), result("b", "two")]
    history = [user("first"), *tool_turn, assistant("done"), *turns(1, words=10)]

    assert trim(history, tokens(history) - 1).messages == [user("first"), *history[4:]]


def test_results_are_matched_with_the_newest_call_of_their_id():
    turn = [user("look"), calls("call_0"), result("call_0", "word " * 20), assistant("done")]
    history = turn * 5

    kept = trim(history, 2 * tokens(turn) + 5).messages

    assert kept == turn * 2


def test_the_users_message_stays_when_a_long_turn_of_an_agent_outgrows_the_window():
    steps = [step for at in range(50) for step in (calls(f"c{at}"), result(f"c{at}", "word " * 30))]
    history = [SYSTEM, user("Do it all."), *steps]

    kept = trim(history, 400).messages

    assert kept[:2] == history[:2]
    assert kept[2:] == steps[-len(kept) + 2 :]
    assert len(kept) > 8


def test_the_same_holds_for_the_turn_before_the_last():
    steps = [step for at in range(50) for step in (calls(f"c{at}"), result(f"c{at}", "word " * 30))]
    history = [user("Do it all."), *steps, assistant("Done."), user("Thanks.")]

    kept = trim(history, 400).messages

    assert kept[0] == history[0]
    assert kept[1:] == history[-len(kept) + 1 :]
    assert len(kept) > 8


def test_the_first_messages_stay_if_the_user_says_so():
    history = [SYSTEM, *turns(20)]

    kept = trim(history, 200, settings=Trimming(keep_first=2)).messages

    assert kept[:3] == history[:3]
    assert kept[3:] == history[-len(kept) + 3 :]


def test_a_first_message_that_is_no_users_does_not_stay_in_front():
    history = [assistant("Welcome!"), *turns(20)]

    assert trim(history, 200, settings=Trimming(keep_first=1)).messages[0]["role"] == "user"


def test_the_last_messages_are_cut_rather_than_left_out_if_the_user_says_so():
    history = [*turns(3), user("word " * 180), assistant("Yes."), user("And?")]

    plain, kept = trim(history, 190).messages, trim(history, 190, settings=Trimming(keep_last=3)).messages

    assert plain == history[-1:]
    assert [message["role"] for message in kept[-3:]] == ["user", "assistant", "user"]
    assert tokens(kept) > 150


def test_only_so_many_messages_stay_with_the_strategy_last():
    history = [SYSTEM, *turns(20)]
    settings = Trimming(strategy="last", keep_last=6)

    assert trim(history, 10_000, settings=settings).messages == [SYSTEM, *history[-6:]]
    assert trim(history, 100, settings=settings).messages == [SYSTEM, *history[-2:]]


def test_nothing_goes_with_the_strategy_none():
    history = turns(20)

    assert trim(history, 100, settings=Trimming(strategy="none")).messages is history


def test_the_best_stay_with_a_score():
    history = [user("gold"), assistant("yes"), *turns(5), user("gold too"), assistant("yes"), *turns(5)]

    def score(message):
        return "gold" in message["content"]

    kept = trim(history, 100, settings=Trimming(score=score)).messages

    assert kept[0] == user("gold")
    assert user("gold too") in kept
    assert tokens(kept) <= 100


def test_with_a_score_an_answer_stays_with_its_question():
    history = [*turns(5), user("Where is it?"), assistant("The gold is here."), *turns(5)]

    kept = trim(history, 100, settings=Trimming(score=lambda message: "gold" in message["content"])).messages

    assert kept[:2] == history[10:12]


def test_a_limit_of_messages_counts_the_system_part():
    history = [SYSTEM, *turns(20)]

    assert trim(history, 100_000, max_messages=5).messages == [SYSTEM, *history[-4:]]


def test_tools_take_their_part_of_the_budget():
    tool = {"type": "function", "function": {"name": "look", "description": "word " * 100}}
    history = turns(20)

    plain, with_tool = trim(history, 500), trim(history, 500, tools=[tool])

    assert len(with_tool.messages) < len(plain.messages)
    assert with_tool.report.tokens_after == tokens(with_tool.messages) + counter_for().tools([tool]) <= 500


def test_a_users_own_counter_counts():
    history = turns(20)

    kept = trim(history, 1_000, counter=lambda text: len(text)).messages

    assert sum(len(message["content"]) + 4 for message in kept) <= 1_000


# What is cut ---------------------------------------------------------------------------------------------------------


def test_results_are_cut_before_the_users_words():
    history = [user("word " * 100), calls("a"), result("a", LONG)]

    trimmed = trim(history, 300)

    assert trimmed.messages[:2] == history[:2]
    assert "characters left out …]" in trimmed.messages[2]["content"]
    assert (trimmed.report.messages_cut, trimmed.report.messages_removed) == (1, 0)
    assert 270 < trimmed.report.tokens_after <= 300


def test_the_users_words_are_cut_when_nothing_else_is_left():
    trimmed = trim([SYSTEM, user(f"Start. {LONG} What is it?")], 100)

    text = trimmed.messages[1]["content"]
    assert text.startswith("Start. ")
    assert text.endswith("What is it?")


def test_long_arguments_are_cut_inside_and_stay_json():
    import json

    history = [user("Write it."), calls("a", arguments=json.dumps({"path": "a.txt", "text": LONG})), result("a", "ok")]

    trimmed = trim(history, 200)

    arguments = json.loads(trimmed.messages[1]["tool_calls"][0]["function"]["arguments"])
    assert arguments["path"] == "a.txt"
    assert "left out" in arguments["text"]
    assert trimmed.messages[2] == history[2]


@pytest.mark.parametrize(
    "arguments", ["no JSON " * 400, '{"a": [' + "1, " * 1_000 + "1]}", '["' + '", "'.join(["words"] * 900) + '"]']
)
def test_arguments_that_cannot_be_shortened_leave_a_mark(arguments):
    import json

    history = [user("Write it."), calls("a", arguments=arguments), result("a", "ok")]

    trimmed = trim(history, 100)

    told = json.loads(trimmed.messages[1]["tool_calls"][0]["function"]["arguments"])
    assert told == {"…": f"[… {len(arguments):,} characters left out …]"}


def test_a_call_without_a_word_beside_it_is_cut_as_well():
    wordless = {**calls("a", arguments='{"text": "' + "word " * 900 + '"}'), "content": ""}
    history = [user("Write it."), wordless, result("a", "ok")]

    assert tokens(trim(history, 100).messages) <= 100


def test_results_without_their_call_go_like_any_other_message():
    history = [result(f"lost_{at}", "word " * 20) for at in range(50)]

    kept = trim([*history, user("And?")], 100).messages
    asked = trim([user("Look."), *history], 100).messages

    assert kept == [user("And?")]
    assert asked[0] == user("Look.")
    assert 1 < len(asked) < 6


def test_a_result_without_an_id_belongs_to_what_it_follows():
    nameless = {"role": "tool", "content": "word " * 20}
    turn = [user("Look."), calls("a"), nameless, assistant("I see.")]

    assert trim(turn * 20, 2 * tokens(turn) + 2).messages == turn * 2


def test_an_old_message_that_is_too_long_by_itself_is_cut_and_does_not_hide_what_is_before_it():
    history = [user("first"), assistant("yes"), user(LONG), assistant("I see."), user("And?")]

    trimmed = trim(history, 400)

    assert len(trimmed.messages) == 5
    assert trimmed.report.messages_cut == 1


def test_several_long_results_are_cut_to_one_level():
    history = [user("Look."), calls("a", "b", "c"), result("a", LONG), result("b", LONG * 2), result("c", "short")]

    trimmed = trim(history, 400)

    sizes = [count_message_tokens(message) for message in trimmed.messages[2:]]
    assert abs(sizes[0] - sizes[1]) < 40
    assert trimmed.messages[4] == history[4]


def test_the_texts_of_a_message_in_parts_are_cut_and_its_pictures_stay():
    picture = {"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png", "detail": "low"}}
    history = [user([{"type": "text", "text": LONG}, picture, {"type": "text", "text": "What is it?"}])]

    trimmed = trim(history, 200)

    parts = trimmed.messages[0]["content"]
    assert parts[1] is picture
    assert parts[2]["text"] == "What is it?"
    assert "left out" in parts[0]["text"]


def test_nothing_is_cut_if_the_user_says_so():
    with pytest.raises(ContextLengthError, match=r"message 1 \(role user"):
        trim([SYSTEM, user(LONG)], 100, settings=Trimming(truncate_long=False))


# What cannot be ------------------------------------------------------------------------------------------------------


def test_the_error_says_which_message_is_too_long():
    with pytest.raises(ContextLengthError, match=r"message 0 \(role system, 8\d\d tokens\) is too long") as caught:
        trim([system(LONG), user("Hello")], 100)

    assert caught.value.limit == 100
    assert caught.value.requested > 800


def test_a_picture_cannot_be_cut():
    with pytest.raises(ContextLengthError, match="message 0"):
        trim([user([{"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}])], 100)


def test_the_error_says_that_the_tools_take_all():
    tool = {"type": "function", "function": {"name": "look", "description": LONG}}

    with pytest.raises(ContextLengthError, match="the schemas of the tools alone take"):
        trim([user("Hello")], 100, tools=[tool])


def test_too_many_messages_that_have_to_stay_are_an_error():
    with pytest.raises(ContextLengthError, match="4 messages have to stay, and the limit is 3"):
        trim([user("Look."), calls("a", "b"), result("a"), result("b")], 1_000, max_messages=3)


def test_a_conversation_that_is_too_long_raises_if_the_user_says_so():
    settings = Trimming(on_overflow="raise")

    with pytest.raises(ContextLengthError, match="the conversation has about") as caught:
        trim(turns(20), 100, settings=settings)
    with pytest.raises(ContextLengthError, match="40 messages, and the limit is 5"):
        trim(turns(20), 10_000, settings=settings, max_messages=5)
    assert caught.value.limit == 100
    assert trim(turns(2), 1_000, settings=settings).report.changed is False


@pytest.mark.parametrize(
    "history", [[], [SYSTEM], [{}], [{"role": "tool"}], [{"content": None}], [assistant("a")] * 30]
)
@pytest.mark.parametrize("budget", [0, 1, 50])
def test_odd_conversations_end_in_an_answer_or_the_error(history, budget):
    try:
        kept = trim(history, budget).messages
    except ContextLengthError:
        kept = []

    assert tokens(kept) <= budget


# The report ----------------------------------------------------------------------------------------------------------


def test_the_report_tells_what_was_done():
    history = [SYSTEM, *turns(10)]

    report = trim(history, 130, limit_source="learned").report

    assert report.to_dict() == {
        "messages_removed": 16,
        "messages_cut": 0,
        "tokens_before": tokens(history),
        "tokens_after": tokens([SYSTEM, *history[-4:]]),
        "limit": 130,
        "limit_source": "learned",
        "summarized": False,
    }
    assert (
        str(report)
        == f"16 messages left out, 0 cut: {tokens(history):,} -> {report.tokens_after} tokens for 130 (learned)"
    )


def test_what_was_before_is_extrapolated_where_counting_it_would_cost_more_than_trimming():
    history = turns(1_000)

    assert trim(history, 500).report.tokens_before == pytest.approx(tokens(history), rel=0.1)


def test_only_what_may_stay_is_counted():
    asked = []
    history = turns(2_000)

    trim(history, 500, counter=lambda text: asked.append(text) or len(text.split()))

    assert len(asked) < 100


def test_what_the_settings_allow_counts_if_it_is_less():
    report = trim(turns(20), 10_000, settings=Trimming(max_tokens=200)).report

    assert (report.limit, report.limit_source) == (200, "settings")


# Summaries -----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _no_summaries():
    SUMMARIES.clear()


def test_a_summary_stands_behind_the_system_part_for_what_was_left_out():
    told = []
    settings = Trimming(summarize=lambda messages: told.append(messages) or "They talked.")
    history = [SYSTEM, *turns(20)]

    trimmed = trim(history, 400, settings=settings)

    assert trimmed.report.summarized
    assert trimmed.messages[0] == SYSTEM
    assert trimmed.messages[1]["role"] == "system"
    assert trimmed.messages[1]["content"].endswith("They talked.")
    assert trimmed.messages[2]["role"] == "user"
    assert told == [history[1 : 1 + trimmed.report.messages_removed]]
    assert tokens(trimmed.messages) == trimmed.report.tokens_after <= 400


def test_a_summary_serves_the_next_turns_as_well_and_the_next_one_builds_on_it():
    told = []
    settings = Trimming(summarize=lambda messages: told.append(messages) or f"Summary {len(told)}.")
    history = [SYSTEM]
    for turn in turns(60, words=10):
        history.append(turn)
        trimmed = trim(history, 400, settings=settings)
        assert tokens(trimmed.messages) <= 400

    assert 2 <= len(told) <= 15
    assert told[1][0]["content"].endswith("Summary 1.")
    assert sum(len(messages) for messages in told) < 120 + len(told)


def test_a_summary_that_is_too_long_is_cut():
    trimmed = trim(turns(20), 400, settings=Trimming(summarize=lambda _: LONG))

    assert "left out …]" in trimmed.messages[0]["content"]
    assert tokens(trimmed.messages) <= 400


@pytest.mark.parametrize("answer", ["", "   "])
def test_without_a_summary_it_fits_all_the_same(answer):
    trimmed = trim(turns(20), 400, settings=Trimming(summarize=lambda _: answer))

    assert not trimmed.report.summarized
    assert trimmed.messages[0]["role"] == "user"


def test_a_summariser_that_fails_costs_only_the_summary(caplog):
    def fail(messages):
        raise OSError("no summary today")

    trimmed = trim(turns(20), 400, settings=Trimming(summarize=fail))

    assert not trimmed.report.summarized
    assert "no summary today" in caplog.text


async def test_async_scorers_and_summarisers_are_awaited():
    async def score(message):
        await asyncio.sleep(0)
        return len(message["content"])

    async def summarize(messages):
        await asyncio.sleep(0)
        return "They talked."

    trimmed = await atrim(turns(20), 400, settings=Trimming(score=score, summarize=summarize))

    assert trimmed.report.summarized


def test_trim_says_that_async_functions_need_atrim():
    async def later(messages):
        return "text"

    for settings in (Trimming(score=later), Trimming(summarize=later), Trimming(summarize=lambda m: later(m))):
        with pytest.raises(ConfigurationError, match="atrim"):
            trim(turns(20), 400, settings=settings)


async def test_the_model_itself_is_asked_through_what_the_engine_gives():
    asked = []

    async def complete(request):
        asked.append(request.prompt())
        return "They talked."

    trimmed = await atrim(turns(20), 400, settings=Trimming(summarize=True), complete=complete)

    assert trimmed.report.summarized
    instructions, conversation = asked[0]
    assert "Write a summary" in instructions["content"]
    assert "{{" not in instructions["content"]
    assert conversation["content"].startswith("user: 0 word")


def test_a_plan_asks_for_the_summary_and_makes_the_conversation_afterwards():
    history = [user("Look."), calls("a"), result("a", "found it"), *turns(20)]

    plan = plan_trim(history, 400, settings=Trimming(summarize=True))

    assert plan.changed
    assert '[calls {"name": "look"' in plan.summary.prompt("Shorten to {{tokens}}.")[1]["content"]
    assert plan.apply("They talked.").report.summarized
    assert not plan.apply().report.summarized


# A whole budget ------------------------------------------------------------------------------------------------------


def test_tokens_characters_and_messages_all_hold():
    history = turns(50)

    trimmed = plan_fit(history, Budget(tokens=500, characters=600, messages=9), settings=Trimming()).apply()

    assert tokens(trimmed.messages) == trimmed.report.tokens_after <= 500
    assert sum(len(message["content"]) for message in trimmed.messages) <= 600
    assert len(trimmed.messages) <= 9
    assert trimmed.report.messages_removed == len(history) - len(trimmed.messages)
    assert (trimmed.report.limit, trimmed.report.limit_source) == (600, "known (characters)")


def test_without_any_limit_all_stays():
    history = turns(50)

    assert plan_fit(history, Budget(), settings=Trimming()).apply().messages is history


@pytest.mark.parametrize(
    ("history", "budget", "fits"),
    [
        (turns(2), Budget(), True),
        (turns(2), Budget(tokens=5_000), True),
        (turns(2), Budget(tokens=500), False),
        ([user("漢" * 100)], Budget(tokens=600), False),
        ([user("漢" * 100)], Budget(tokens=800), True),
        (turns(2), Budget(characters=300), False),
        (turns(2), Budget(characters=2_000), True),
        (turns(2), Budget(messages=3), False),
        ([calls("a")], Budget(tokens=100_000), False),
        (turns(400, words=0), Budget(tokens=10_000_000), False),
    ],
)
def test_a_short_conversation_surely_fits_without_counting(history, budget, fits):
    assert surely_fits(history, budget) is fits


# Settings ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "last"},
        {"strategy": "oldest"},
        {"fraction": 0},
        {"fraction": 1.5},
        {"reserve": -1},
        {"keep_last": 0},
        {"keep_first": -1},
        {"max_tokens": 0},
        {"on_overflow": "cry"},
        {"keep": 5},
    ],
)
def test_settings_out_of_their_range_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Trimming(**wrong)


def test_settings_are_immutable_and_travel():
    settings = Trimming(keep_first=2)

    with pytest.raises(ValidationError, match="frozen"):
        settings.keep_first = 3
    assert pickle.loads(pickle.dumps(settings)) == settings
