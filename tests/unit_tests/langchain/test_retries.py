"""One authority for retries: what callbacks hear of them, and what LangChain's own wrappers add."""

import asyncio
import copy
import pickle

import pytest
from g4f.errors import RateLimitError as G4FRateLimit
from g4f.providers.response import ToolCalls
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.exceptions import ModelError
from langchain_core.output_parsers import StrOutputParser
from langchain_core.rate_limiters import BaseRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_core.tracers.base import BaseTracer

from g4f_integrations import Resilience
from g4f_integrations.errors import ProviderUnavailableError, RateLimitError, RoutesExhaustedError
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply

TWICE = Resilience(max_attempts=2, backoff_initial=0, backoff_max=0)
QUICK = Resilience(backoff_initial=0, backoff_max=0)
SKIPS_AT_ONCE = Resilience(backoff_initial=0, backoff_max=0, breaker_failures=1)
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def provider(*script, **details):
    return ScriptedProvider(*script, default_model="m", **details)


def thrice():
    """Rate-limited, then broken, then fine."""
    return provider(per_call=[[G4FRateLimit("slow down")], [RuntimeError("boom")], ["fine"]])


class Notes(BaseCallbackHandler):
    def __init__(self):
        self.retries = []

    def on_retry(self, retry_state, **_):
        self.retries.append(retry_state)


class AsyncNotes(AsyncCallbackHandler):
    def __init__(self):
        self.retries = []

    async def on_retry(self, retry_state, **_):
        await asyncio.sleep(0)  # whatever happens meanwhile must not change the state that it was given
        self.retries.append(retry_state)


async def heard_of(model, way):
    if way == "ainvoke":
        notes = AsyncNotes()
        await model.ainvoke("hi", {"callbacks": [notes]})
    else:
        notes = Notes()
        if way == "invoke":
            model.invoke("hi", {"callbacks": [notes]})
        else:
            list(model.stream_events("hi", {"callbacks": [notes]}, version="v3"))
    return notes.retries


# What is heard of retries -----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*is in beta")
@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream_events"])
async def test_callbacks_hear_of_each_retry_with_its_number_and_reason(way):
    states = await heard_of(ChatG4F(provider=thrice(), resilience=QUICK), way)

    assert [state.attempt_number for state in states] == [1, 2]
    assert all(state.outcome.failed for state in states)
    assert [str(state.outcome.exception()) for state in states] == [
        "rate_limit: RateLimitError: slow down",
        "unknown: boom",
    ]


async def test_callbacks_hear_how_long_the_engine_is_going_to_sleep():
    waiting = Resilience(backoff_initial=0.001, backoff_max=0.002)

    states = await heard_of(ChatG4F(provider=thrice(), resilience=waiting), "invoke")

    first, second = (state.upcoming_sleep for state in states)
    assert all(0 <= seconds <= 0.002 for seconds in (first, second))
    assert [state.idle_for for state in states] == [first, first + second]


def test_traces_write_the_retries_down():
    runs = []

    class Tracer(BaseTracer):
        def _persist_run(self, run):
            runs.append(run)

    ChatG4F(provider=thrice(), resilience=QUICK).invoke("hi", {"callbacks": [Tracer()]})

    retries = [event["kwargs"] for event in runs[0].events if event["name"] == "retry"]
    assert [(one["attempt"], one["outcome"]) for one in retries] == [(1, "failed"), (2, "failed")]
    assert "slow down" in retries[0]["exception"]


def test_a_callback_that_fails_spoils_nothing():
    class Broken(BaseCallbackHandler):
        def on_retry(self, retry_state, **_):
            raise RuntimeError("the callback's own fault")

    assert ChatG4F(provider=thrice(), resilience=QUICK).invoke("hi", {"callbacks": [Broken()]}).text == "fine"


async def test_a_key_in_an_upstream_error_reaches_no_callback(loopback):
    key = "sk-proj-0123456789abcdefghij"
    loopback.replies(Reply.json({"error": {"message": f"Busy for {key}."}}, status=500), Reply.chat("fine"))
    model = ChatG4F(base_url=loopback.base_url, model="m", api_key=key, resilience=QUICK)

    [state] = await heard_of(model, "ainvoke")

    assert "Busy for" in str(state.outcome.exception())
    assert key not in f"{state.outcome.exception()!r} {state!r} {vars(state)}"


def test_a_stream_tells_its_retries_in_the_metadata():
    *_, last = ChatG4F(provider=thrice(), resilience=QUICK).stream("hi")

    assert [attempt["outcome"] for attempt in last.response_metadata["g4f"]["attempts"]] == [
        *("rate_limit", "unknown", "ok")
    ]


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
async def test_the_rate_limiter_is_asked_once_per_call_whatever_the_attempts(way):
    class Counting(BaseRateLimiter):
        count = 0

        def acquire(self, *, blocking=True):
            self.count += 1
            return True

        async def aacquire(self, *, blocking=True):
            return self.acquire()

    limiter = Counting()
    model = ChatG4F(provider=thrice(), resilience=QUICK, rate_limiter=limiter)

    answer = getattr(model, way)("hi")
    if way == "ainvoke":
        await answer
    elif way == "astream":
        assert [chunk async for chunk in answer]
    elif way == "stream":
        assert list(answer)

    assert limiter.count == 1


# LangChain's own wrappers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("errors", [{}, {"retry_if_exception_type": (RateLimitError, ValueError)}])
async def test_with_retry_does_not_multiply_the_attempts(loopback, errors):
    loopback.replies(Reply.json({"error": {"message": "slow down"}}, status=429))
    model = ChatG4F(base_url=loopback.base_url, model="m", resilience=TWICE).with_retry(stop_after_attempt=3, **errors)

    with pytest.raises(RateLimitError):
        model.invoke("hi")
    with pytest.raises(RateLimitError):
        await model.ainvoke("hi")

    assert len(loopback.requests) == 2 * 2


def test_with_retry_of_a_bound_model_does_not_multiply_either():
    Provider = provider(G4FRateLimit("slow down"), native_tools=True)
    model = ChatG4F(provider=Provider, resilience=TWICE).bind_tools([TOOL])

    with pytest.raises(RateLimitError):
        model.with_retry().invoke("hi")

    assert len(Provider.calls) == 2


def test_with_retry_asks_again_where_the_model_itself_was_told_not_to():
    model = ChatG4F(provider=thrice(), max_retries=0)

    assert model.with_retry(wait_exponential_jitter=False).invoke("hi").text == "fine"


def test_with_retry_asks_again_for_the_chosen_errors_only():
    Provider = thrice()
    chosen = ChatG4F(provider=Provider, max_retries=0).with_retry(
        retry_if_exception_type=(RateLimitError,), wait_exponential_jitter=False
    )

    with pytest.raises(ProviderUnavailableError, match="boom"):
        chosen.invoke("hi")

    assert len(Provider.calls) == 2


def test_with_retry_survives_a_pickle():
    model = pickle.loads(pickle.dumps(ChatG4F(provider=provider("fine")).with_retry()))

    assert model.invoke("hi").text == "fine"


def test_with_fallbacks_takes_over_when_every_route_has_failed():
    failing = provider(G4FRateLimit("slow down"))
    model = ChatG4F(provider=failing, resilience=TWICE).with_fallbacks([ChatG4F(provider=provider("fine"))])

    assert model.invoke("hi").text == "fine"
    assert "".join(chunk.text for chunk in model.stream("hi")) == "fine"
    assert len(failing.calls) == 4


def test_with_fallbacks_can_be_limited_to_one_kind_of_error():
    broken = ChatG4F(provider=provider(RuntimeError("boom")), max_retries=0)
    model = broken.with_fallbacks([ChatG4F(provider=provider("fine"))], exceptions_to_handle=(RateLimitError,))

    with pytest.raises(ProviderUnavailableError):
        model.invoke("hi")


def test_tools_are_bound_to_the_fallbacks_too():
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    failing = provider(RuntimeError("boom"), native_tools=True)
    good = provider(ToolCalls([call]), native_tools=True)
    model = ChatG4F(provider=failing, max_retries=0).with_fallbacks([ChatG4F(provider=good)]).bind_tools([TOOL])

    assert [one["name"] for one in model.invoke("hi").tool_calls] == ["add"]
    assert [one["function"]["name"] for one in good.calls[0]["tools"]] == ["add"]


def test_an_exhausted_rotation_is_no_reason_to_run_it_again():
    model = ChatG4F(provider=[provider(G4FRateLimit("slow down")), provider(RuntimeError("boom"))], resilience=TWICE)

    with pytest.raises(RoutesExhaustedError) as caught:
        model.invoke("hi")

    assert isinstance(caught.value, ModelError)
    assert caught.value.is_retryable is False


# State that models share ------------------------------------------------------------------------------------------


def asked_in(answer):
    return [attempt["provider"] for attempt in answer.response_metadata["g4f"]["attempts"]]


@pytest.mark.parametrize(
    "twin",
    [
        lambda model: model.configurable_fields(temperature=ConfigurableField(id="temperature")).with_config(
            configurable={"temperature": 0.5}
        ),
        lambda model: model.bind(temperature=0.5),
        lambda model: model.with_config(tags=["t"]),
        lambda model: model.with_retry(),
        lambda model: model.with_fallbacks([]),
        lambda model: model.model_copy(update={"temperature": 0.5}),
        copy.deepcopy,
        lambda model: pickle.loads(pickle.dumps(model)),
    ],
    ids=[
        "configurable_fields",
        "bind",
        "with_config",
        "with_retry",
        "with_fallbacks",
        "model_copy",
        "deepcopy",
        "pickle",
    ],
)
def test_a_route_found_broken_through_one_model_is_skipped_by_its_twin(twin):
    Broken, Good = provider(RuntimeError("boom"), name="Broken"), provider("fine", name="Good")
    model = ChatG4F(provider=[Broken, Good], resilience=SKIPS_AT_ONCE)

    assert asked_in(twin(model).invoke("hi")) == ["Broken", "Good"]
    assert asked_in(model.invoke("hi")) == ["Good"]
    assert asked_in(twin(model).invoke("hi")) == ["Good"]
    assert len(Broken.calls) == 1


def test_connections_are_shared_between_a_model_and_its_twins(loopback):
    model = ChatG4F(base_url=loopback.base_url, model="m")
    configurable = model.configurable_fields(temperature=ConfigurableField(id="temperature"))

    model.invoke("hi")
    configurable.invoke("hi", {"configurable": {"temperature": 0.5}})
    (copy.deepcopy(model) | StrOutputParser()).invoke("hi")

    assert [request.body.get("temperature") for request in loopback.requests] == [None, 0.5, None]
    assert {request.connection for request in loopback.requests} == {0}


def test_an_alternative_model_can_be_chosen_by_config():
    first, second = provider("first"), provider("second")
    model = ChatG4F(provider=first).configurable_alternatives(
        ConfigurableField(id="which"), default_key="first", second=ChatG4F(provider=second)
    )

    assert model.invoke("hi").text == "first"
    assert model.invoke("hi", {"configurable": {"which": "second"}}).text == "second"


async def test_concurrent_calls_count_their_retries_apart():
    Provider = provider(per_call=[*[[G4FRateLimit("slow down")]] * 8, ["fine"]])
    model, notes = ChatG4F(provider=Provider, resilience=QUICK), [AsyncNotes() for _ in range(8)]

    await asyncio.gather(*(model.ainvoke("hi", {"callbacks": [one]}) for one in notes))

    assert sum(len(one.retries) for one in notes) == 8
    assert all([state.attempt_number for state in one.retries] == [*range(1, len(one.retries) + 1)] for one in notes)
