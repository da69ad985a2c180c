"""Custom events of a call on its way, under the model's own run: retries, resumptions, what was trimmed or cleaned."""

import pytest
from g4f.errors import RateLimitError as G4FRateLimit
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda

from g4f_integrations import Cleaning, Resilience, Trimming
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider, cut

QUICK = Resilience(backoff_initial=0, backoff_max=0)


class Heard(BaseCallbackHandler):
    def __init__(self):
        self.events, self.runs = [], set()

    def on_chat_model_start(self, *_, run_id, **__):
        self.runs.add(run_id)

    def on_chain_start(self, *_, run_id, **__):
        self.runs.add(run_id)

    def on_custom_event(self, name, data, *, run_id, **_):
        assert run_id in self.runs
        self.events.append((name, data))


class HeardAsync(AsyncCallbackHandler):
    def __init__(self):
        self.events = []

    async def on_custom_event(self, name, data, **_):
        self.events.append((name, data))


async def heard_of(model, way, question="hi"):
    heard = Heard()
    config = {"callbacks": [heard]}
    model = model if way.endswith("invoke") else RunnableLambda(lambda said: said) | model  # see the last test
    if way == "invoke":
        model.invoke(question, config)
    elif way == "ainvoke":
        await model.ainvoke(question, config)
    elif way == "stream":
        list(model.stream(question, config))
    else:
        assert [chunk async for chunk in model.astream(question, config)]
    return heard.events


every_way = pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])


@every_way
async def test_a_retry_is_told_with_what_went_wrong(way):
    Busy, Idle = ScriptedProvider(G4FRateLimit("slow down"), name="Busy"), ScriptedProvider("fine")

    [(name, data)] = await heard_of(ChatG4F(provider=[Busy, Idle], model="m", resilience=QUICK), way)

    assert (name, data["provider"], data["outcome"], data["number"]) == ("g4f_retry", "Busy", "rate_limit", 1)
    assert data["wait"] == 0


@pytest.mark.parametrize("way", ["stream", "astream"])
async def test_a_stream_that_is_carried_on_tells_so(way):
    Cut = ScriptedProvider("The quick ", "brown fox", cut(), name="Cut")
    model = ChatG4F(provider=[Cut, ScriptedProvider("brown fox jumps.")], model="m", resilience=QUICK)

    [(name, data)] = await heard_of(model, way)

    assert (name, data["provider"], data["outcome"]) == ("g4f_resume", "Cut", "interrupted")


@every_way
async def test_what_was_trimmed_is_told(way):
    model = ChatG4F(provider=ScriptedProvider("Yes."), model="m", context_window=2_000, trimming=Trimming())
    history = [("user", "word " * 3_000), ("assistant", "Well."), ("user", "And now?")]

    [(name, data)] = await heard_of(model, way, history)

    assert name == "g4f_trim"
    assert data["tokens_before"] > data["tokens_after"]


@every_way
async def test_what_was_cleaned_is_told(way):
    Advertising = ScriptedProvider("Yes.\n\nNeed proxies cheaper than the market? https://op.wtf", name="Airforce")

    [(name, data)] = await heard_of(ChatG4F(provider=Advertising, model="m", cleaning=Cleaning()), way)

    assert name == "g4f_clean"
    assert "op.wtf" in data["cleaned"][0]["text"]


async def test_a_good_call_tells_nothing():
    assert await heard_of(ChatG4F(provider=ScriptedProvider("fine"), model="m"), "ainvoke") == []


async def test_awaited_handlers_hear_the_same():
    heard = HeardAsync()
    providers = [ScriptedProvider(G4FRateLimit("slow down")), ScriptedProvider("fine")]

    await ChatG4F(provider=providers, model="m", resilience=QUICK).ainvoke("hi", {"callbacks": [heard]})

    assert [name for name, _ in heard.events] == ["g4f_retry"]


async def test_event_streams_of_a_chain_carry_them_as_the_chains_own():
    providers = [ScriptedProvider(G4FRateLimit("slow down")), ScriptedProvider("fine")]
    chain = ChatG4F(provider=providers, model="m", resilience=QUICK) | StrOutputParser()

    events = [event async for event in chain.astream_events("hi", version="v2")]

    [custom] = [event for event in events if event["event"] == "on_custom_event"]
    assert custom["name"] == "g4f_retry"
    assert custom["run_id"] == events[0]["run_id"]


def test_nothing_is_dispatched_where_nobody_listens():
    providers = [ScriptedProvider(G4FRateLimit("slow down")), ScriptedProvider("fine")]

    assert ChatG4F(provider=providers, model="m", resilience=QUICK).invoke("hi").text == "fine"


def test_a_handler_that_fails_spoils_nothing():
    class Broken(BaseCallbackHandler):
        def on_custom_event(self, *_, **__):
            raise RuntimeError("the handler's own fault")

    providers = [ScriptedProvider(G4FRateLimit("slow down")), ScriptedProvider("fine")]
    model = ChatG4F(provider=providers, model="m", resilience=QUICK)

    assert model.invoke("hi", {"callbacks": [Broken()]}).text == "fine"


def test_a_stream_on_its_own_dispatches_nothing_for_langchain_keeps_its_run_to_itself():
    heard, providers = Heard(), [ScriptedProvider(G4FRateLimit("slow down")), ScriptedProvider("fine")]

    *_, last = ChatG4F(provider=providers, model="m", resilience=QUICK).stream("hi", {"callbacks": [heard]})

    assert heard.events == []
    assert len(last.response_metadata["g4f"]["attempts"]) == 2
