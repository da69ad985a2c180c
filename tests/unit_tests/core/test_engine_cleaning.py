"""Answers come out clean, in whichever way they are asked for, and the metadata say what was taken."""

import asyncio
import threading

import pytest
from g4f.providers.response import FinishReason, Reasoning

from asking import ask
from g4f_integrations.core.cleaning import Cleaning, Rule
from g4f_integrations.core.cleaning._memory import REPEATED
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply, chunk

ADVERT = "\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"
CLEAN = Cleaning()

both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])


def airforce(*script, **settings):
    return ScriptedProvider(*script, name="Airforce", **settings)


@both_ways
async def test_an_advert_at_the_end_does_not_reach_the_user(stream):
    answer = await ask(airforce("A lighthouse ", "flashes.", ADVERT[:15], ADVERT[15:]), cleaning=CLEAN, stream=stream)

    assert answer.text == "A lighthouse flashes."
    (taken,) = answer.info.cleaned
    assert (taken["rule"], taken["text"].strip()) == ("airforce/proxies", ADVERT.strip())


@both_ways
async def test_without_cleaning_nothing_is_touched(stream):
    answer = await ask(airforce("A lighthouse flashes.", ADVERT), stream=stream)

    assert (answer.text, answer.info.cleaned) == (f"A lighthouse flashes.{ADVERT}", [])


@both_ways
async def test_an_answer_that_is_only_an_advert_is_a_failure_of_its_route(stream):
    good = ScriptedProvider("A lighthouse flashes.", name="Good")

    answer = await ask(airforce(ADVERT.strip()), good, cleaning=CLEAN, stream=stream)

    assert answer.text == "A lighthouse flashes."
    assert [attempt.outcome for attempt in answer.info.attempts] == ["notice", "ok"]


@both_ways
async def test_what_the_user_asks_about_stays(stream):
    messages = [{"role": "user", "content": f"Repeat this advert: {ADVERT.strip()}"}]

    answer = await ask(airforce(f"Here it is:{ADVERT}"), messages=messages, cleaning=CLEAN, stream=stream)

    assert answer.text == f"Here it is:{ADVERT}"


@both_ways
async def test_reasoning_is_cleaned_too(stream):
    answer = await ask(airforce(Reasoning(f"Hm.{ADVERT}"), "Yes."), cleaning=CLEAN, stream=stream)

    assert (answer.reasoning.strip(), answer.text) == ("Hm.", "Yes.")
    assert len(answer.info.cleaned) == 1


async def test_earlier_answers_are_cleaned_before_they_are_sent_again():
    history = [
        {"role": "user", "content": "Why do lighthouses flash?"},
        {"role": "assistant", "content": f"To be seen.{ADVERT}"},
        {"role": "user", "content": "By whom?"},
    ]
    provider = airforce("By ships.", supports_message_history=True)

    answer = await ask(provider, messages=history, cleaning=CLEAN)

    assert [message["content"] for message in provider.calls[0].messages] == [
        "Why do lighthouses flash?",
        "To be seen.",
        "By whom?",
    ]
    assert [entry["message"] for entry in answer.info.cleaned] == [1]
    assert history[1]["content"].endswith("https://op.wtf")


@both_ways
async def test_an_event_that_calls_itself_an_advert_is_dropped(loopback, stream):
    loopback.replies(
        Reply.sse(chunk({"content": "Yes."}), chunk({"content": "Buy!"}, model="ad-system"), chunk({}, "stop"))
    )

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"),), cleaning=CLEAN, stream=stream)

    assert (answer.text, answer.info.model) == ("Yes.", "m")


async def test_what_a_provider_repeats_and_no_rule_knows_is_suggested_once():
    REPEATED.clear()
    footer = "Read more at https://lamps.example/offer"
    told = []
    for number in range(5):
        provider = ScriptedProvider(f"Answer {number}.\n\n{footer}", name="Lamps")
        question = [{"role": "user", "content": f"Question {number}?"}]
        told.append((await ask(provider, messages=question, cleaning=CLEAN)).info.cleaned)

    assert [len(entries) for entries in told] == [0, 0, 1, 0, 0]
    (suggestion,) = told[2]
    assert suggestion == {"suggested": suggestion["suggested"], "provider": "Lamps", "edge": "tail"}
    assert "lamps.example" not in str(told)


async def test_rules_are_compiled_in_another_thread(monkeypatch):
    threads = []
    prepare = Cleaning.prepare
    monkeypatch.setattr(Cleaning, "prepare", lambda *given: threads.append(threading.get_ident()) or prepare(*given))
    cleaning = Cleaning(rules=(Rule("own/new", frames=("Brought to you by {word}{end}",)),))

    provider = airforce("Yes.\n\nBrought to you by Acme")

    answers = [await ask(provider, cleaning=cleaning) for _ in range(2)]

    assert [answer.text for answer in answers] == ["Yes."] * 2
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_text_streams_on_while_it_is_cleaned():
    pieces = ["A ", "light", "house ", "flashes ", "by ", "night."]

    answer = await ask(airforce(*pieces, FinishReason("stop")), cleaning=CLEAN, stream=True)

    assert "".join(pieces) == answer.text
    assert len(answer.events) >= 6


@both_ways
async def test_the_users_own_callback_may_ask_a_model_itself(stream):
    heard = []

    def on_clean(removed):
        heard.append(([entry.rule for entry in removed], threading.get_ident()))
        asyncio.run(ask(ScriptedProvider("Told.", name="Other")))

    answer = await ask(airforce("Yes.", ADVERT), cleaning=Cleaning(on_clean=on_clean), stream=stream)

    assert answer.text == "Yes."
    ((rules, thread),) = heard
    assert rules == ["airforce/proxies"]
    assert thread != threading.get_ident()


async def test_a_callback_that_fails_costs_no_answer():
    def on_clean(removed):
        raise RuntimeError("no")

    assert (await ask(airforce("Yes.", ADVERT), cleaning=Cleaning(on_clean=on_clean))).text == "Yes."
