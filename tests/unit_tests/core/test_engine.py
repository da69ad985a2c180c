"""One call's way over its candidates: rotation, verdicts, waiting, and the truth about it."""

from __future__ import annotations

import asyncio

import pytest
from g4f.errors import MissingAuthError, RateLimitError
from g4f.providers.response import FinishReason, JsonConversation, Reasoning, ToolCalls, Usage

from asking import FAST, Answer, ask, start
from g4f_integrations import errors
from g4f_integrations.core.events import ReasoningDelta, Retrying, TextDelta
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Route
from g4f_integrations.testing import ScriptedProvider, cut, stall

HTML_ERROR = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Enable cookies. Cloudflare</body></html>"
)


def failing_then_good():
    return (
        ScriptedProvider(RateLimitError("Error 429: Too many requests"), name="RateLimited"),
        ScriptedProvider(name="Empty"),
        ScriptedProvider(HTML_ERROR, name="HtmlError"),
        ScriptedProvider("Good ", "answer.", name="Good"),
    )


@pytest.mark.parametrize("stream", [True, False])
async def test_rotates_until_a_provider_really_answers(stream):
    answer = await ask(*failing_then_good(), stream=stream)

    assert answer.text == "Good answer."
    assert answer.outcomes == ["rate_limit", "empty", "blocked", "ok"]
    assert answer.providers == ["RateLimited", "Empty", "HtmlError", "Good"]
    assert answer.info.provider == "Good"


async def test_tells_of_every_further_attempt_before_it_is_made():
    answer = await ask(*failing_then_good())

    told = [event.attempt.provider for event in answer.of(Retrying)]
    assert told == ["RateLimited", "Empty", "HtmlError"]
    assert isinstance(answer.events[3], TextDelta)


async def test_a_rate_limited_route_is_skipped_by_the_next_call():
    providers = failing_then_good()
    await ask(*providers)

    answer = await ask(*providers)

    assert "RateLimited" not in answer.providers


async def test_the_breaker_skips_routes_that_keep_failing():
    providers = failing_then_good()
    for _ in range(3):
        await ask(*providers)

    answer = await ask(*providers)

    assert answer.providers == ["Good"]


async def test_every_candidate_is_asked_once_before_any_twice():
    first = ScriptedProvider(per_call=[[], [], ["late"]], name="First")
    second = ScriptedProvider(per_call=[[], ["second"]], name="Second")

    answer = await ask(first, second, policy=Resilience(backoff_initial=0))

    assert answer.providers == ["First", "Second", "First", "Second"]
    assert answer.text == "second"


@pytest.mark.parametrize("attempts", [1, 2, 3])
async def test_never_makes_more_attempts_than_allowed(attempts):
    provider = ScriptedProvider(name="Empty")

    with pytest.raises(errors.EmptyResponseError) as caught:
        await ask(provider, policy=Resilience(max_attempts=attempts, backoff_initial=0))

    assert len(provider.calls) == len(caught.value.attempts) == attempts


async def test_fallback_models_are_tried_when_the_first_has_no_route_left():
    provider = ScriptedProvider(per_call=[[RuntimeError("model is overloaded")], ["from the second"]], name="Two")

    answer = await ask(provider, model="first", fallback_models=("second",))

    assert [attempt.model for attempt in answer.info.attempts] == ["first", "second"]
    assert provider.calls[1].model == "second"


async def test_fallback_models_stay_unused_when_models_may_not_rotate():
    provider = ScriptedProvider(name="Empty")

    with pytest.raises(errors.EmptyResponseError) as caught:
        await ask(
            provider,
            model="first",
            fallback_models=("second",),
            policy=Resilience(rotate_models=False, max_attempts=2, backoff_initial=0),
        )

    assert {attempt.model for attempt in caught.value.attempts} == {"first"}


async def test_only_the_first_provider_is_asked_when_providers_may_not_rotate():
    other = ScriptedProvider("other", name="Other")

    with pytest.raises(errors.EmptyResponseError):
        await ask(ScriptedProvider(name="Empty"), other, policy=Resilience(rotate_providers=False, backoff_initial=0))

    assert other.calls == []


# Verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", [[], [""], ["   \n"], [Reasoning("thinking"), ""], ["<think>hm</think>"]])
async def test_an_answer_without_content_is_a_failure_of_its_route(script, stream):
    answer = await ask(ScriptedProvider(*script, name="Hollow"), ScriptedProvider("Full."), stream=stream)

    assert answer.outcomes == ["empty", "ok"]
    assert answer.text == "Full."


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", [[Reasoning("It is "), Reasoning("42.")], ["<think>It is 42.", ""]])
async def test_reasoning_is_taken_for_the_answer_when_there_is_nothing_else_a_second_time(script, stream):
    answer = await ask(ScriptedProvider(*script, name="Mixed"), ScriptedProvider(*script, name="Up"), stream=stream)

    assert answer.outcomes == ["empty", "ok"]
    assert answer.text == "It is 42."
    assert answer.info.suspect == "empty"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_reasoning_that_was_cut_off_is_never_taken_for_the_answer(reason):
    hollow = ScriptedProvider(Reasoning("Let me see"), FinishReason(reason))

    with pytest.raises(errors.IntegrationError):
        await ask(hollow, policy=Resilience(max_attempts=3, backoff_initial=0, backoff_max=0))


async def test_an_html_page_that_was_asked_for_is_an_answer():
    page = "<!DOCTYPE html>\n<html><head><title>My cats</title></head><body><h1>Cats</h1></body></html>"

    answer = await ask(
        ScriptedProvider(page[:30], page[30:]), messages=[{"role": "user", "content": "Write a web page on cats."}]
    )

    assert answer.text == page
    assert answer.outcomes == ["ok"]


async def test_the_same_suspect_text_from_another_provider_is_returned_and_flagged():
    answer = await ask(ScriptedProvider(HTML_ERROR, name="One"), ScriptedProvider(HTML_ERROR, name="Two"))

    assert answer.text == HTML_ERROR
    assert answer.info.suspect == "blocked"
    assert answer.outcomes == ["blocked", "ok"]


async def test_an_empty_answer_to_a_tool_result_is_asked_once_again_and_then_returned():
    messages = [
        {"role": "user", "content": "Store it."},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "stored"},
    ]

    answer = await ask(ScriptedProvider(name="Silent"), messages=messages)

    assert answer.outcomes == ["empty", "ok"]
    assert answer.text == ""


async def test_an_answer_emptied_by_our_own_stop_sequence_is_none_the_less_an_answer():
    answer = await ask(ScriptedProvider("STOP here"), stop=("STOP",))

    assert (answer.text, answer.finish, answer.outcomes) == ("", "stop", ["ok"])


async def test_an_answer_emptied_by_max_tokens_is_none_the_less_an_answer():
    answer = await ask(ScriptedProvider(FinishReason("length")), params={"max_tokens": 1})

    assert (answer.text, answer.finish, answer.outcomes) == ("", "length", ["ok"])


async def test_a_refusal_by_policy_is_not_routed_around():
    refusing = ScriptedProvider(RuntimeError("Error 400: content_filter: the prompt was blocked by our content policy"))
    other = ScriptedProvider("other")

    with pytest.raises(errors.ContentFilterError):
        await ask(refusing, other)

    assert other.calls == []
    answer = await ask(refusing, other, policy=Resilience(rotate_on_content_filter=True))
    assert answer.text == "other"


async def test_a_yielded_exception_counts_as_raised():
    answer = await ask(ScriptedProvider(RuntimeError("Error 500: boom")), ScriptedProvider("fine"))
    yielding = await ask(_yields(RuntimeError("Error 500: boom")), ScriptedProvider("fine"))

    assert yielding.text == answer.text == "fine"
    assert len(yielding.info.attempts) == 2


def _yields(*items):
    from g4f.providers.base_provider import AsyncGeneratorProvider

    class Yielding(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            for item in items:
                yield item

    return Yielding


# Errors ----------------------------------------------------------------------------------------------------------


async def test_a_wrong_key_is_an_authentication_error_after_one_attempt():
    provider = ScriptedProvider(
        MissingAuthError("Error 401: Incorrect API key provided: sk-verysecret123"), name="Locked"
    )

    with pytest.raises(errors.AuthenticationError) as caught:
        await ask(routes=(Route(provider, api_key="sk-verysecret123"),))

    assert len(caught.value.attempts) == 1
    assert not caught.value.is_retryable
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_attempts_that_failed_alike_raise_their_own_error_which_is_not_retryable():
    with pytest.raises(errors.RateLimitError) as caught:
        await ask(*[ScriptedProvider(RateLimitError("Error 429: slow down"), name=name) for name in "AB"])

    assert not caught.value.is_retryable
    assert len(caught.value.attempts) == 4


async def test_attempts_that_failed_differently_raise_a_table_of_them():
    with pytest.raises(errors.RoutesExhaustedError) as caught:
        await ask(ScriptedProvider(name="Empty"), ScriptedProvider(cut(), name="Cut"))

    assert not caught.value.is_retryable
    assert "Empty" in str(caught.value)
    assert "Cut" in str(caught.value)
    assert "empty" in str(caught.value)


async def test_a_context_length_error_carries_its_numbers():
    text = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    with pytest.raises(errors.ContextLengthError) as caught:
        await ask(ScriptedProvider(RuntimeError(f"Error 400: {text}")))

    assert (caught.value.limit, caught.value.requested) == (8192, 9000)


async def test_a_stream_that_dies_after_text_was_handed_over_raises_with_the_partial_text_if_that_is_wanted():
    other = ScriptedProvider("never asked")
    policy = Resilience(on_stream_failure="raise")
    seen = Answer()

    with pytest.raises(errors.StreamInterruptedError) as caught:
        await ask(ScriptedProvider("One two ", "three", cut(), name="Cut"), other, into=seen, policy=policy)

    assert caught.value.partial_text == seen.text == "One two three"
    assert caught.value.attempts[-1].outcome == "interrupted"
    assert other.calls == []


async def test_a_blocking_answer_that_is_cut_is_begun_again_elsewhere():
    answer = await ask(ScriptedProvider("One two ", cut(), name="Cut"), ScriptedProvider("whole"), stream=False)

    assert answer.text == "whole"


async def test_reasoning_alone_does_not_bind_the_call_to_its_route():
    answer = await ask(ScriptedProvider(Reasoning("first thoughts"), cut()), ScriptedProvider("the answer"))

    assert answer.text == "the answer"
    assert answer.of(ReasoningDelta)[0].text == "first thoughts"


# What is handed over ---------------------------------------------------------------------------------------------


async def test_usage_of_the_provider_is_told_once_and_is_not_estimated():
    answer = await ask(ScriptedProvider("Hi", FinishReason("stop"), Usage(prompt_tokens=3, completion_tokens=1)))

    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (3, 1, 4)
    assert not answer.info.usage_estimated


async def test_usage_is_estimated_and_marked_where_the_provider_tells_none():
    answer = await ask(ScriptedProvider("Hello there"))

    assert answer.usage.output_tokens > 0
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert answer.info.usage_estimated


@pytest.mark.parametrize("stream", [True, False])
async def test_reasoning_tags_are_taken_out_of_the_text_however_they_are_cut(stream):
    answer = await ask(ScriptedProvider("<th", "ink>because</thi", "nk>\n\nThe answer"), stream=stream)

    assert (answer.text, answer.reasoning) == ("The answer", "because")


async def test_a_stop_sequence_holds_in_streams_also_when_it_is_cut_in_two():
    provider = ScriptedProvider("one ", "two EN", "D three")

    answer = await ask(provider, stop=("END",))

    assert (answer.text, answer.finish) == ("one two ", "stop")
    assert provider.calls[0].stop == ["END"]


async def test_tool_calls_come_whole_with_ids():
    fragments = [
        ToolCalls(
            [{"index": 0, "id": "a1B2c3D4e", "type": "function", "function": {"name": "add", "arguments": '{"a":'}}]
        ),
        ToolCalls([{"index": 0, "function": {"name": "add", "arguments": " 1}"}}]),
        FinishReason("tool_calls"),
    ]

    answer = await ask(
        ScriptedProvider(*fragments, native_tools=True), tools=[{"type": "function", "function": {"name": "add"}}]
    )

    (call,) = answer.calls
    assert (call.id, call.name, call.arguments) == ("a1B2c3D4e", "add", {"a": 1})
    assert (answer.finish, answer.info.tools) == ("tool_calls", "native")


async def test_native_tools_alone_go_only_to_candidates_that_take_them():
    deaf = ScriptedProvider("deaf", name="Deaf")
    able = ScriptedProvider("able", native_tools=True, name="Able")
    tools = [{"type": "function", "function": {"name": "add"}}]

    answer = await ask(deaf, able, tools=tools, tool_calling="native")

    assert (answer.text, deaf.calls) == ("able", [])
    with pytest.raises(errors.ConfigurationError, match="tools"):
        await ask(deaf, tools=tools, tool_calling="native")


async def test_a_providers_session_is_never_kept_between_calls():
    provider = ScriptedProvider(JsonConversation(session="secret of alice"), "hello")
    same_rules = {"role": "system", "content": "Be kind."}

    await ask(provider, messages=[same_rules, {"role": "user", "content": "I am Alice."}])
    await ask(provider, messages=[same_rules, {"role": "user", "content": "I am Bob."}])

    assert all("conversation" not in call for call in provider.calls)
    assert "Alice" not in str(provider.calls[1])


async def test_messages_and_parameters_reach_the_provider_as_deep_copies():
    provider = ScriptedProvider("ok", native_tools=True)
    messages = [{"role": "system", "content": "Rules."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"title": {}}}}}]

    answer = await ask(provider, messages=messages, tools=tools, params={"temperature": 0.5, "metadata": {"a": [1]}})

    (call,) = provider.calls
    assert call.messages == messages
    assert call.tools == tools
    assert (call.temperature, call.metadata) == (0.5, {"a": [1]})
    assert call.messages[1]["content"] is not messages[1]["content"]
    assert call.tools[0]["function"] is not tools[0]["function"]
    assert not answer.info.flattened


async def test_parameters_that_a_provider_does_not_take_are_dropped_and_named():
    from g4f.providers.base_provider import AsyncGeneratorProvider

    received = []

    class Narrow(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, temperature=None):
            received.append(temperature)
            yield "narrow"

    answer = await ask(Narrow, params={"temperature": 0.1, "seed": 7})

    assert received == [0.1]
    assert answer.info.dropped == ["seed"]


async def test_max_tokens_is_kept_by_us_where_the_provider_cannot():
    from g4f.providers.base_provider import AsyncGeneratorProvider

    class Chatty(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages):
            for _ in range(100):
                yield "many words "

    answer = await ask(Chatty, params={"max_tokens": 10})

    assert 0 < answer.usage.output_tokens <= 11
    assert answer.finish == "length"
    assert answer.info.dropped == ["max_tokens"]


async def test_roles_that_a_provider_lacks_are_folded_and_told():
    provider = ScriptedProvider("ok", supports_system_message=False, supports_message_history=False)
    messages = [
        {"role": "system", "content": "Rules."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": "Three"},
    ]

    answer = await ask(provider, messages=messages)

    (only,) = provider.calls[0].messages
    assert only["role"] == "user"
    assert all(part in only["content"] for part in ("Rules.", "One", "Two", "Three"))
    assert answer.info.flattened


@pytest.mark.parametrize(
    ("proxy", "reached"),
    [
        ("http://p:1", "http://p:1"),
        ({"https": "http://s:2", "http": "http://h:3"}, "http://h:3"),
        ({"all": "http://a:4"}, "http://a:4"),
    ],
)
async def test_a_proxy_reaches_the_provider_whatever_its_form(proxy, reached):
    provider = ScriptedProvider("ok")  # its url is an http:// one

    await ask(routes=(Route(provider, proxy=proxy),))

    assert provider.calls[0].proxy == reached


async def test_pictures_reach_a_provider_that_takes_them_apart_from_the_text():
    from g4f.providers.base_provider import AsyncGeneratorProvider

    received = []

    class Seeing(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, media=None):
            received.append((media, messages[-1]["content"]))
            yield "a lighthouse"

    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    local_file = {"name": "secret.png", "bucket_id": "x"}
    content = [{"type": "text", "text": "What is this?"}, picture, local_file]

    await ask(Seeing, messages=[{"role": "user", "content": content}])

    ((media, sent),) = received
    assert media == [("data:image/png;base64,AA==", None)]
    assert sent == [{"type": "text", "text": "What is this?"}, picture]


async def test_the_proxy_of_the_environment_reaches_a_provider_as_a_url(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://from-the-environment:1")
    provider = ScriptedProvider("ok")  # its url is an http:// one

    await ask(routes=(Route(provider, proxy="env://"),))

    assert provider.calls[0].proxy == "http://from-the-environment:1"


async def test_a_key_goes_only_to_the_route_that_it_was_given_for():
    mine = ScriptedProvider(name="Mine")
    other = ScriptedProvider("ok", name="Other")

    await ask(routes=(Route(mine, api_key="for-mine-only"), Route(other)))

    assert mine.calls[0].api_key == "for-mine-only"
    assert "api_key" not in other.calls[0]


@pytest.mark.parametrize("returned", ["whole text", ["in ", "pieces"]])
async def test_a_provider_that_only_blocks_is_stepped_through_in_a_thread_of_its_own(returned):
    import threading

    from g4f.providers.base_provider import AbstractProvider

    threads = []

    class Blocking(AbstractProvider):
        working = supports_stream = supports_message_history = supports_system_message = True

        @classmethod
        def create_completion(cls, model, messages, stream=True, **params):
            threads.append(threading.current_thread().name)
            return returned

    answer = await ask(Blocking)

    assert answer.text == "".join(returned)
    assert "providers" not in threads[0]  # neither this loop's thread nor the one that all providers share
    assert threads[0] != threading.current_thread().name


async def test_a_provider_with_a_plain_async_method_is_asked_too():
    from g4f.providers.base_provider import AsyncProvider

    class Plain(AsyncProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async(cls, model, messages, **params):
            return "all at once"

    answer = await ask(Plain)

    assert answer.text == "all at once"


async def test_one_hung_blocking_provider_leaves_the_executor_to_others():
    import threading

    from g4f.providers.base_provider import AbstractProvider

    release = threading.Event()

    class Hung(AbstractProvider):
        working = supports_stream = supports_message_history = supports_system_message = True

        @classmethod
        def create_completion(cls, model, messages, stream=True, **params):
            release.wait(20)
            return "late"

    threads = threading.active_count()
    policy = Resilience(first_token_timeout=0.05, max_attempts=1)
    for _ in range(10):
        with pytest.raises(errors.ProviderTimeoutError):
            await ask(Hung, policy=policy)

    assert await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, lambda: "free"), 1) == "free"
    assert threading.active_count() >= threads + 10  # hung, and nobody waits for them
    release.set()


@pytest.mark.parametrize("error", [StopIteration, SystemExit])
async def test_a_blocking_provider_that_raises_the_unraisable_fails_like_any_other(error):
    from g4f.providers.base_provider import AbstractProvider

    class Odd(AbstractProvider):
        working = supports_stream = supports_message_history = supports_system_message = True

        @classmethod
        def create_completion(cls, model, messages, stream=True, **params):
            raise error

    answer = await ask(Odd, ScriptedProvider("fine"))

    assert answer.text == "fine"


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("stream", [True, False])
async def test_what_is_no_exception_is_a_failure_like_any_other(stream, inline):
    class Panic(BaseException):
        pass

    provider = ScriptedProvider(Panic("a crash below Python"))
    answer = await ask(routes=(Route(provider, inline=inline), Route(ScriptedProvider("fine"))), stream=stream)

    assert answer.outcomes == ["unknown", "ok"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("ending", [stall(30), cut()], ids=["stall", "cut"])
async def test_a_complete_answer_survives_an_upstream_that_does_not_hang_up(ending, stream):
    provider = ScriptedProvider("Lighthouses flash.", FinishReason("stop"), ending)

    answer = await ask(provider, stream=stream, policy=Resilience(stall_timeout=0.05, attempt_timeout=5))

    assert (answer.text, answer.outcomes) == ("Lighthouses flash.", ["ok"])


@pytest.mark.parametrize("stream", [True, False])
async def test_a_stop_sequence_ends_the_wait_for_the_rest(stream):
    provider = ScriptedProvider("Lighthouses STOP flash", stall(30))

    answer = await ask(provider, stop=("STOP",), stream=stream, policy=Resilience(attempt_timeout=5, stall_timeout=5))

    assert (answer.text, answer.outcomes) == ("Lighthouses ", ["ok"])


async def test_n_is_never_sent_to_a_provider_and_named_as_dropped():
    provider = ScriptedProvider("one answer")

    several = await ask(provider, params={"n": 2})
    one = await ask(provider, params={"n": 1})

    assert (several.info.dropped, one.info.dropped) == (["n"], [])
    assert all("n" not in call for call in provider.calls)


async def test_text_beside_a_picture_is_kept_even_if_it_reads_like_a_notice():
    from g4f.providers.response import ImageResponse

    answer = await ask(ScriptedProvider("Rate limit exceeded", ImageResponse("https://x/y.png", "sign"), " and more"))

    assert answer.text == "Rate limit exceeded and more"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_notice_after_a_picture_is_the_pictures_text(stream):
    from g4f.providers.response import ImageResponse

    answer = await ask(ScriptedProvider(ImageResponse("https://x/y.png", "sign"), "Rate limit exceeded"), stream=stream)

    assert (answer.text, answer.outcomes) == ("Rate limit exceeded", ["ok"])


async def test_a_lone_route_within_its_retry_after_is_waited_for():
    class Busy(Exception):
        retry_after = 0.15

    provider = ScriptedProvider(per_call=[[Busy("429 Too many requests")], ["at last"]])
    with pytest.raises(errors.RateLimitError):
        await ask(provider, policy=Resilience(max_attempts=1))
    loop = asyncio.get_running_loop()
    began = loop.time()

    answer = await ask(provider)

    assert answer.text == "at last"
    assert loop.time() - began >= 0.05


async def test_an_abandoned_probe_is_handed_back():
    from g4f_integrations.core.health import LocalHealth

    store = LocalHealth()
    policy = Resilience(store=store, breaker_failures=1, breaker_cooldown=0.01, backoff_initial=0)
    provider = ScriptedProvider(per_call=[[cut()], [stall(30)], ["back again"]])
    with pytest.raises(errors.ProviderUnavailableError):
        await ask(provider, policy=policy.model_copy(update={"max_attempts": 1}))
    await asyncio.sleep(0.02)
    task = asyncio.create_task(ask(provider, policy=policy))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    (key,) = store._routes
    assert store.begin_probe(key)


# Closing ---------------------------------------------------------------------------------------------------------


def _tracked(events, *, name="Tracked"):
    from g4f.providers.base_provider import AsyncGeneratorProvider

    class Tracked(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            try:
                yield "first "
                await asyncio.sleep(30)
                yield "second"
            finally:
                events.append("closed")

    Tracked.__name__ = name
    return Tracked


@pytest.mark.parametrize("inline", [True, False])
async def test_closing_the_stream_closes_the_upstream_before_it_returns(inline):
    events = []
    stream = start(routes=(Route(_tracked(events), inline=inline),))
    await anext(stream)

    await stream.aclose()

    assert events == ["closed"]


@pytest.mark.parametrize("inline", [True, False])
async def test_cancelling_the_task_closes_the_upstream_before_it_returns(inline):
    events = []
    task = asyncio.create_task(ask(routes=(Route(_tracked(events), inline=inline),)))
    await asyncio.sleep(0.05)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert events == ["closed"]


async def test_a_dropped_stream_is_closed_within_the_next_turns_of_the_loop():
    events = []
    stream = start(routes=(Route(_tracked(events), inline=True),))
    await anext(stream)

    del stream
    for _ in range(10):
        await asyncio.sleep(0)

    assert events == ["closed"]


async def test_no_task_is_left_after_a_call():
    before = asyncio.all_tasks()

    await ask(*failing_then_good(), policy=FAST)

    assert asyncio.all_tasks() == before
