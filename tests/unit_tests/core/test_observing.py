"""What OpenTelemetry is told of a call: one span, a child for each attempt, metrics; words only where asked for."""

import asyncio
import json
import subprocess
import sys
import threading
from contextlib import aclosing

import pytest
from g4f.errors import RateLimitError as G4FRateLimit
from g4f.providers.response import FinishReason, Usage

from asking import FAST, ask
from g4f_integrations.core.engine import answer, complete
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.observing import configure_telemetry
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import Endpoint, Route, RouteChoice
from g4f_integrations.errors import AuthenticationError, RoutesExhaustedError
from g4f_integrations.testing import ScriptedProvider, stall
from loopback import Reply

pytest.importorskip("opentelemetry.sdk", reason="the `opentelemetry-sdk` package is not installed")

from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from telling import following

SECRET = "the cat's name is Mortimer"
ASKED = [{"role": "user", "content": SECRET}]


@pytest.fixture
def told(monkeypatch):
    with following(monkeypatch) as told:
        yield told


def busy_then(*script, **details):
    return [
        ScriptedProvider(G4FRateLimit(f"slow down, {SECRET}"), name="Busy"),
        ScriptedProvider(*script, name="Idle", **details),
    ]


def routes(providers):
    return tuple(Route(provider, "m") for provider in providers)


async def test_a_call_is_one_span_with_a_child_for_each_attempt(told):
    await ask(routes=routes(busy_then("Hello", Usage(prompt_tokens=7, completion_tokens=5))), messages=ASKED)

    call, attempts = told.call, told.attempts
    assert (call.name, call.kind, call.status.status_code) == ("chat m", SpanKind.CLIENT, StatusCode.UNSET)
    assert [(one.name, one.attributes["g4f.attempt.outcome"]) for one in attempts] == [
        ("attempt Busy:m", "rate_limit"),
        ("attempt Idle:m", "ok"),
    ]
    assert {one.parent.span_id for one in attempts} == {call.context.span_id}
    assert attempts[0].attributes["error.type"] == "rate_limit"
    assert attempts[0].status.status_code is StatusCode.ERROR


async def test_the_calls_attributes_are_those_of_the_conventions(told):
    script = ("Hello", Usage(prompt_tokens=7, completion_tokens=5), FinishReason("stop"))
    params = {"temperature": 0.5, "max_tokens": 9, "seed": 3}

    await ask(routes=routes(busy_then(*script)), messages=ASKED, params=params, stop=("\n",), stream=True)

    attributes = dict(told.call.attributes)
    assert attributes.pop("gen_ai.response.time_to_first_chunk") > 0
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "Idle",
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 3,
        "gen_ai.request.stop_sequences": ("\n",),
        "gen_ai.request.stream": True,
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 5,
        "g4f.attempts": 2,
    }


async def test_an_endpoints_attempt_names_its_server_and_no_credentials(told, loopback):
    url = loopback.base_url.replace("http://", "http://user:swordfish@")

    await ask(routes=(Endpoint(url, "m", api_key="sk-swordfish"),), messages=ASKED)

    [attempt] = told.attempts
    assert (attempt.attributes["server.address"], attempt.attributes["server.port"]) == ("127.0.0.1", loopback.port)
    assert "swordfish" not in "".join(span.to_json() for span in told.spans)


async def test_metrics_count_the_call_once_and_each_attempt(told):
    await ask(routes=routes(busy_then("Hi", Usage(prompt_tokens=7, completion_tokens=5))), messages=ASKED, stream=True)

    [duration] = told.points("gen_ai.client.operation.duration")
    assert (duration.count, duration.attributes["gen_ai.provider.name"]) == (1, "Idle")
    assert {point.attributes["gen_ai.token.type"]: point.sum for point in told.points("gen_ai.client.token.usage")} == {
        "input": 7,
        "output": 5,
    }
    assert [point.count for point in told.points("gen_ai.client.operation.time_to_first_chunk")] == [1]
    outcomes = {point.attributes["g4f.attempt.outcome"]: point.value for point in told.points("g4f.client.attempts")}
    assert outcomes == {"rate_limit": 1, "ok": 1}


async def test_estimated_tokens_are_marked_and_kept_out_of_the_metric(told):
    await ask(routes=routes([ScriptedProvider("Hello")]), messages=ASKED)

    assert told.call.attributes["g4f.usage.estimated"] is True
    assert told.points("gen_ai.client.token.usage") == []


async def test_a_failed_call_tells_the_kind_of_its_error(told):
    with pytest.raises(AuthenticationError):
        await ask(routes=routes([ScriptedProvider(RuntimeError("401 Unauthorized"))]), messages=ASKED)

    assert told.call.attributes["error.type"] == "auth"
    assert told.call.status.status_code is StatusCode.ERROR
    [duration] = told.points("gen_ai.client.operation.duration")
    assert duration.attributes["error.type"] == "auth"


async def test_no_words_go_along_unless_they_are_asked_for(told):
    with pytest.raises(RoutesExhaustedError):
        await ask(routes=routes(busy_then(RuntimeError(f"401 {SECRET}"))), messages=ASKED, policy=FAST)
    await ask(routes=routes(busy_then(f"I know: {SECRET}")), messages=ASKED)

    assert told.spans
    assert "Mortimer" not in "".join(span.to_json() for span in told.spans)


@pytest.mark.parametrize("way", ["setting", "environment"])
async def test_prompts_and_answers_go_along_where_they_are_asked_for(told, monkeypatch, way):
    if way == "environment":
        monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    configure_telemetry(content=True if way == "setting" else None)
    messages = [{"role": "system", "content": "Be brief."}, *ASKED]

    await ask(routes=routes(busy_then("He", "llo")), messages=messages, stream=True)

    told_of = {
        name: json.loads(told.call.attributes[f"gen_ai.{name}"]) for name in ("input.messages", "output.messages")
    }
    assert told_of == {
        "input.messages": [{"role": "user", "parts": [{"type": "text", "content": SECRET}]}],
        "output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "Hello"}], "finish_reason": "stop"}
        ],
    }
    assert json.loads(told.call.attributes["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert SECRET in told.attempts[0].status.description


@pytest.mark.parametrize("way", ["setting", "disabled instrumentation", "disabled sdk"])
async def test_it_can_be_switched_off(told, monkeypatch, way):
    if way == "disabled instrumentation":
        monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "requests, g4f_integrations")
    elif way == "disabled sdk":
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    configure_telemetry(enabled=False if way == "setting" else None)

    await ask(routes=routes([ScriptedProvider("Hello")]), messages=ASKED)

    assert told.spans == []
    assert told.points("gen_ai.client.operation.duration") == []


# Context ----------------------------------------------------------------------------------------------------------


def current():
    return trace.get_current_span().get_span_context().span_id


def noting(seen):
    """A provider that notes which span is current where it runs."""

    class Noting(ScriptedProvider(name=None)):
        supports_stream = True

        @classmethod
        async def create_async_generator(cls, model, messages, **_):
            seen.append(current())
            yield "Hello"

    return Noting


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "provider thread"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_what_a_provider_does_belongs_to_its_attempt_and_that_to_the_callers_span(told, inline, stream):
    seen = []
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        await ask(routes=(Route(noting(seen), "m", inline=inline),), messages=ASKED, stream=stream)

    [attempt] = told.attempts
    assert seen == [attempt.context.span_id]
    assert told.call.parent.span_id == outer.get_span_context().span_id


def test_a_call_from_ordinary_code_belongs_to_its_callers_span(told):
    choice = RouteChoice(model="m", routes=(Route(ScriptedProvider("Hello"), "m"),))
    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        run_blocking(lambda: complete(choice, Request(ASKED), FAST))

    assert told.call.parent.span_id == outer.get_span_context().span_id


def test_calls_on_several_threads_keep_to_their_own_spans(told):
    choice = RouteChoice(model="m", routes=(Route(ScriptedProvider("Hello"), "m"),))
    parents = []

    def work():
        with trace.get_tracer("test").start_as_current_span("outer") as outer:
            run_blocking(lambda: complete(choice, Request(ASKED), FAST))
            parents.append(outer.get_span_context().span_id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    calls = [span for span in told.spans if span.name.startswith("chat")]
    assert sorted(span.parent.span_id for span in calls) == sorted(parents)


async def test_a_streams_reader_never_sees_its_spans_as_current(told):
    choice = RouteChoice(model="m", routes=(Route(ScriptedProvider("Hel", stall(0.001), "lo"), "m"),))
    before, seen = current(), set()
    async with aclosing(answer(choice, Request(ASKED, stream=True), FAST)) as batches:
        async for _ in batches:
            seen.add(current())

    assert seen == {before}


async def test_a_stream_that_is_left_early_ends_its_spans_without_an_error(told, caplog):
    choice = RouteChoice(model="m", routes=(Route(ScriptedProvider("Hel", stall(5), "lo"), "m"),))
    async with aclosing(answer(choice, Request(ASKED, stream=True), FAST)) as batches:
        async for _ in batches:
            break

    assert told.call.attributes["g4f.left_early"] is True
    assert told.call.status.status_code is StatusCode.UNSET
    assert [one.attributes["g4f.attempt.outcome"] for one in told.attempts] == ["cancelled"]
    assert "detach" not in caplog.text


async def test_a_stream_that_is_read_by_several_tasks_keeps_its_context_whole(told, caplog):
    choice = RouteChoice(model="m", routes=(Route(ScriptedProvider("Hel", stall(0.001), "lo"), "m"),))
    batches = answer(choice, Request(ASKED, stream=True), FAST)
    while await asyncio.create_task(anext(batches, None)) is not None:
        pass

    assert told.call.attributes["g4f.attempts"] == 1
    assert caplog.text == ""


async def test_a_cancelled_call_ends_its_spans(told):
    choice = RouteChoice(model="m", routes=(Route(ScriptedProvider(stall(5)), "m"),))
    calling = asyncio.create_task(complete(choice, Request(ASKED), FAST))
    await asyncio.sleep(0.01)
    calling.cancel()
    await asyncio.wait({calling})

    assert told.call.attributes["error.type"] == "CancelledError"
    assert [one.attributes["g4f.attempt.outcome"] for one in told.attempts] == ["cancelled"]


async def test_what_routes_are_asked_over_http_is_sent_in_the_attempts_context(told, loopback):
    loopback.replies(Reply.status(503, {"error": {"message": "down"}}), Reply.chat("Hello"))

    await ask(routes=(Endpoint(loopback.base_url, "m"),), messages=ASKED)

    first, second = told.attempts
    assert first.end_time <= second.start_time
    assert first.attributes["error.type"] == "overloaded"


# Without an SDK ---------------------------------------------------------------------------------------------------


def test_opentelemetry_is_not_even_imported_where_nobody_set_it_up():
    code = (
        "import asyncio, sys\n"
        "from g4f_integrations.core.engine import complete\n"
        "from g4f_integrations.core.policy import Resilience\n"
        "from g4f_integrations.core.request import Request\n"
        "from g4f_integrations.core.routes import Route, RouteChoice\n"
        "from g4f_integrations.testing import ScriptedProvider\n"
        "choice = RouteChoice(model='m', routes=(Route(ScriptedProvider('Hello'), 'm'),))\n"
        "asyncio.run(complete(choice, Request([{'role': 'user', 'content': 'Hi'}]), Resilience()))\n"
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "[]\n"


async def test_without_an_sdk_nobody_follows_a_call(monkeypatch):
    from g4f_integrations.core.observing import watch_call

    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", None)

    assert watch_call(RouteChoice(model="m"), Request(ASKED)) is None


async def test_a_trace_that_is_not_sampled_goes_on_as_such_and_is_told_nothing(told, monkeypatch):
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    unsampled, seen = TracerProvider(sampler=ALWAYS_OFF), []
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", unsampled)

    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        trace_id = outer.get_span_context().trace_id

        class Noting(ScriptedProvider(name=None)):
            @classmethod
            async def create_async_generator(cls, model, messages, **_):
                seen.append(trace.get_current_span().get_span_context().trace_id)
                yield "Hello"

        await ask(routes=(Route(Noting, "m"),), messages=ASKED)

    assert seen == [trace_id]
    assert told.spans == []
