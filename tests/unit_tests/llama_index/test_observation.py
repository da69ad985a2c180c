"""What LlamaIndex's handlers learn: attempts, answers, tokens, and how often somebody was asked."""

import pytest
from g4f.providers.response import ToolCalls, Usage
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.callbacks import CallbackManager, CBEventType, LlamaDebugHandler, TokenCountingHandler
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMChatInProgressEvent, LLMChatStartEvent
from llama_index.core.prompts import PromptTemplate
from llama_index.core.rate_limiter import BaseRateLimiter

from g4f_integrations import Cleaning, Resilience, Trimming
from g4f_integrations.errors import RateLimitError
from g4f_integrations.llama_index import (
    G4FLLM,
    G4FAnswerEvent,
    G4FAttemptEvent,
    G4FCleanedEvent,
    G4FRepairedEvent,
    G4FResumedEvent,
    G4FTrimmedEvent,
)
from g4f_integrations.testing import ScriptedProvider, cut

HI = [ChatMessage("Hi")]
QUICK = Resilience(backoff_initial=0, backoff_max=0)
USAGE = Usage(prompt_tokens=70, completion_tokens=30, total_tokens=100)
ENDPOINTS = ["chat", "complete", "stream_chat", "stream_complete", "achat", "acomplete", "astream_chat"]


async def ask(llm, endpoint):
    result = getattr(llm, endpoint)("Hi" if "complete" in endpoint else HI)
    if not endpoint.startswith("a"):
        return list(result) if "stream" in endpoint else [result]
    result = await result
    return [chunk async for chunk in result] if "stream" in endpoint else [result]


def flaky():
    """A route that fails and one that answers."""
    busy = ScriptedProvider(RuntimeError("429 Too many requests for sk-1234567890"), name="Busy", default_model="b")
    return G4FLLM(provider=[busy, ScriptedProvider("Hel", "lo", USAGE, name="Idle", default_model="i")])


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_every_attempt_and_the_answer_are_events(heard, endpoint):
    await ask(flaky(), endpoint)

    attempts = [event for event in heard if isinstance(event, G4FAttemptEvent)]
    [answer] = [event for event in heard if isinstance(event, G4FAnswerEvent)]
    assert [(one.number, one.provider, one.model, one.outcome) for one in attempts] == [
        (1, "Busy", "b", "rate_limit"),
        (2, "Idle", "i", "ok"),
    ]
    assert "sk-1234567890" not in f"{heard}"
    assert answer.info["provider"] == "Idle"
    assert len({event.span_id for event in heard}) == 1


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_attempts_of_a_call_that_failed_are_events_too(heard, endpoint):
    llm = G4FLLM(provider=ScriptedProvider(RuntimeError("429 Too many requests")), resilience=QUICK, max_retries=1)

    with pytest.raises(RateLimitError):
        await ask(llm, endpoint)

    assert [event.outcome for event in heard if isinstance(event, G4FAttemptEvent)] == ["rate_limit"] * 2
    assert not [event for event in heard if isinstance(event, G4FAnswerEvent)]


async def test_a_failed_attempt_is_told_before_the_stream_goes_on(heard):
    stream = await flaky().astream_chat(HI)

    await anext(stream)

    assert [event.provider for event in heard if isinstance(event, G4FAttemptEvent)] == ["Busy"]
    await stream.aclose()


@pytest.mark.parametrize("endpoint", ["stream_chat", "astream_chat"])
async def test_a_stream_that_is_carried_on_is_an_event_between_its_attempts(heard, endpoint):
    broken = ScriptedProvider("The quick ", "brown fox", cut(), name="Cut")
    llm = G4FLLM(provider=[broken, ScriptedProvider("brown fox jumps.")], model="m", resilience=QUICK)

    await ask(llm, endpoint)

    ours = [event for event in heard if isinstance(event, G4FAttemptEvent | G4FResumedEvent)]
    assert [type(event) for event in ours] == [G4FAttemptEvent, G4FResumedEvent, G4FAttemptEvent]
    assert (ours[1].number, ours[1].provider) == (1, "Cut")


@pytest.mark.parametrize("endpoint", ["chat", "astream_chat"])
async def test_what_was_trimmed_and_cleaned_are_events(heard, endpoint):
    advertising = ScriptedProvider("Yes.\n\nNeed proxies cheaper than the market? https://op.wtf", name="Airforce")
    llm = G4FLLM(
        provider=advertising,
        model="m",
        context_window=2_000,
        trimming=Trimming(),
        cleaning=Cleaning(),
        resilience=QUICK,
    )
    history = [ChatMessage("word " * 3_000), ChatMessage("Well.", role="assistant"), ChatMessage("And now?")]

    result = getattr(llm, endpoint)(history)
    if endpoint == "astream_chat":
        assert [chunk async for chunk in await result]

    [trimmed] = [event for event in heard if isinstance(event, G4FTrimmedEvent)]
    [cleaned] = [event for event in heard if isinstance(event, G4FCleanedEvent)]
    assert trimmed.report["tokens_before"] > trimmed.report["tokens_after"]
    assert "op.wtf" in cleaned.removed[0]["text"]


def test_an_answer_that_came_right_at_the_second_asking_is_an_event(heard):
    tool = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    call = ToolCalls([{"index": 0, "id": "a1B2c3D4e", "function": {"name": "now", "arguments": "{}"}}])
    script = ScriptedProvider(per_call=[["It is late."], [call]], native_tools=True)
    llm = G4FLLM(provider=script, model="m", resilience=QUICK)

    llm.chat(HI, tools=[tool], tool_choice="required")

    [repaired] = [event for event in heard if isinstance(event, G4FRepairedEvent)]
    assert len(repaired.problems) == 1


async def test_llamaindexs_own_events_are_there_once(heard):
    chunks = await ask(flaky(), "astream_chat")

    def count(kind):
        return len([event for event in heard if isinstance(event, kind)])

    assert (count(LLMChatStartEvent), count(LLMChatEndEvent)) == (1, 1)
    assert count(LLMChatInProgressEvent) == len(chunks)
    [start] = [event for event in heard if isinstance(event, LLMChatStartEvent)]
    assert start.model_dict["model"] == start.model_dict["model_name"] == "auto"
    assert start.model_dict["pool"] == ["Busy", "Idle"]


def test_an_error_in_a_stream_is_an_event(heard):
    llm = G4FLLM(provider=ScriptedProvider(RuntimeError("429 Too many requests")), max_retries=0)

    with pytest.raises(RateLimitError):
        list(llm.stream_chat(HI))

    [event] = [event for event in heard if isinstance(event, ExceptionEvent)]
    assert isinstance(event.exception, RateLimitError)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_tokens_are_counted_right(endpoint):
    counter = TokenCountingHandler(tokenizer=str.split)
    llm = flaky()
    llm.callback_manager = CallbackManager([counter])

    await ask(llm, endpoint)

    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (70, 30)


def test_a_prediction_counts_once():
    counter, debug = TokenCountingHandler(tokenizer=str.split), LlamaDebugHandler(print_trace_on_end=False)
    llm = flaky()
    llm.callback_manager = CallbackManager([counter, debug])

    assert llm.predict(PromptTemplate("Hi")) == "Hello"

    assert counter.total_llm_token_count == 100
    assert len(debug.get_event_pairs(CBEventType.LLM)) == 1


class Limiter(BaseRateLimiter):
    """Counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def acquire(self):
        self.asked += 1

    async def async_acquire(self):
        self.asked += 1


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_rate_limiter_is_asked_once_a_call_whatever_the_attempts(endpoint):
    llm = flaky()
    llm.rate_limiter = limiter = Limiter()

    await ask(llm, endpoint)

    assert limiter.asked == 1
