"""A conversation may grow for ever: each route gets what fits it, and what a route refuses teaches its window."""

import asyncio

import pytest

from asking import ask
from g4f_integrations import errors
from g4f_integrations.core import announced
from g4f_integrations.core.candidates import resolve
from g4f_integrations.core.fitting import Fitting
from g4f_integrations.core.health import LocalHealth
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import Endpoint, Route, RouteChoice
from g4f_integrations.core.tokens import LengthOf, count_message_tokens
from g4f_integrations.core.trimming import RouteLimits, Trimming
from g4f_integrations.testing import ScriptedProvider, stall
from loopback import LoopbackServer, Reply, Stall, completion

TRIM = Trimming()
TURN = "Tell me about the lighthouse of Alexandria, in one short sentence, please."

both_ways = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])


def conversation(turns, last="What did I ask first?"):
    talk = [{"role": "system", "content": "Be brief."}]
    for number in range(turns):
        talk += [
            {"role": "user", "content": f"{number}: {TURN}"},
            {"role": "assistant", "content": f"{number}: {TURN}"},
        ]
    return [*talk, {"role": "user", "content": last}]


def words(body):
    return sum(len(message["content"].split()) for message in body["messages"])


def server_of(limit, *, tells=True, unit="tokens", models=Reply.status(404)):  # noqa: B008  a constant
    """A server that refuses what is longer than `limit` words, and says so in one way or another."""

    def answer(request):
        if request.method == "GET":
            return models(request) if callable(models) else models
        count = words(request.body)
        if count <= limit:
            return Reply.chat("Alexandria.")(request)
        if not tells:
            return Reply.json({"error": {"message": "The prompt is too long."}}, status=400)
        message = (
            f"This model's maximum context length is {limit} {unit}. However, your messages resulted in {count} {unit}."
        )
        return Reply.json({"error": {"message": message, "code": "context_length_exceeded"}}, status=400)

    server = LoopbackServer()
    server.replies(answer)
    return server


def asked(server, method="POST"):
    return [request for request in server.requests if request.method == method]


@both_ways
async def test_a_route_whose_window_is_told_is_never_asked_too_much(stream):
    provider = ScriptedProvider("Alexandria.", name="Small", supports_message_history=True)
    route = Route(provider, "m", context_window=1_000)

    answer = await ask(routes=(route,), messages=conversation(100), trimming=TRIM, stream=stream)

    sent = provider.calls[0].messages
    assert len(sent) < 60
    assert (sent[0]["content"], sent[-1]["content"]) == ("Be brief.", "What did I ask first?")
    trimmed = answer.info.trimmed
    assert trimmed["messages_removed"] == 202 - len(sent)
    assert (trimmed["limit_source"], trimmed["summarized"]) == ("route", False)
    assert trimmed["tokens_after"] <= trimmed["limit"] < trimmed["tokens_before"]


async def test_without_trimming_the_conversation_goes_as_it_is():
    provider = ScriptedProvider("Alexandria.", supports_message_history=True)

    answer = await ask(routes=(Route(provider, "m", context_window=1_000),), messages=conversation(100))

    assert len(provider.calls[0].messages) == 202
    assert answer.info.trimmed is None


async def test_a_conversation_that_fits_is_sent_untouched():
    provider = ScriptedProvider("Alexandria.", supports_message_history=True)
    talk = conversation(10)

    answer = await ask(routes=(Route(provider, "m", context_window=100_000),), messages=talk, trimming=TRIM)

    assert provider.calls[0].messages == talk
    assert answer.info.trimmed is None


@both_ways
@pytest.mark.parametrize("tells", [True, False], ids=["with a figure", "without"])
async def test_a_refusal_teaches_the_window_and_the_same_route_answers(tells, stream):
    with server_of(700, tells=tells) as server:
        routes = (Endpoint(server.base_url, "a-model-nobody-knows"),)

        first = await ask(routes=routes, messages=conversation(100), trimming=TRIM, stream=stream)
        refused = len(asked(server)) - 1
        second = await ask(routes=routes, messages=conversation(101), trimming=TRIM, stream=stream)

    assert first.text == second.text == "Alexandria."
    assert refused <= 2
    assert [attempt.outcome for attempt in first.info.attempts] == ["context_length"] * refused + ["ok"]
    assert [attempt.outcome for attempt in second.info.attempts] == ["ok"]
    assert second.info.trimmed["limit_source"] == "learned"


async def test_a_route_that_once_called_a_few_words_too_long_is_asked_again():
    says = [[RuntimeError("Error 413: Request Entity Too Large")], ["Hello."]]
    moody = ScriptedProvider(per_call=says, name="Moody", default_model="m")

    with pytest.raises(errors.ContextLengthError):
        await ask(moody, trimming=TRIM)

    assert (await ask(moody, trimming=TRIM)).text == "Hello."


async def test_a_route_with_room_is_asked_before_anything_is_left_out():
    small = ScriptedProvider("small", name="Small", supports_message_history=True)
    large = ScriptedProvider("large", name="Large", supports_message_history=True)
    routes = (Route(small, "m", context_window=1_000), Route(large, "m", context_window=100_000))

    answer = await ask(routes=routes, messages=conversation(100), trimming=TRIM)

    assert (answer.text, small.calls, answer.info.trimmed) == ("large", [], None)


class WordCounter:
    """A user's way of counting messages, which remembers those that it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, message):
        self.asked.append(message["content"])
        return 4 + len(message["content"].split())


async def test_routes_are_told_apart_without_counting_more_than_the_largest_takes():
    small = ScriptedProvider("small", name="Small", supports_message_history=True)
    large = ScriptedProvider("large", name="Large", supports_message_history=True)
    routes = (Route(small, "m", context_window=1_000), Route(large, "m", context_window=2_000))
    count = WordCounter()

    answer = await ask(routes=routes, messages=conversation(1_000), trimming=TRIM, counter=count)

    assert answer.text == "large"
    # Those that stay, those that may, and a few of all that went, for the report.
    assert len(set(count.asked)) < 200


async def test_a_conversation_is_trimmed_once_for_all_routes_of_one_size():
    async def times_counted(failures):
        count = WordCounter()
        scripts = [RuntimeError("Error 503")] * failures + ["Alexandria."]
        providers = [ScriptedProvider(script, supports_message_history=True) for script in scripts]
        routes = tuple(Route(provider, "m", context_window=1_000) for provider in providers)
        answer = await ask(routes=routes, messages=conversation(100), trimming=TRIM, counter=count)
        assert answer.text == "Alexandria."
        return len(count.asked)

    assert await times_counted(1) == await times_counted(3) > 0


async def test_if_the_route_with_room_fails_the_small_one_answers():
    small = ScriptedProvider("small", name="Small", supports_message_history=True)
    large = ScriptedProvider(RuntimeError("Error 503"), name="Large", supports_message_history=True)
    routes = (Route(small, "m", context_window=1_000), Route(large, "m", context_window=100_000))

    answer = await ask(routes=routes, messages=conversation(100), trimming=TRIM)

    assert (answer.text, [attempt.provider for attempt in answer.info.attempts]) == ("small", ["Large", "Small"])
    assert answer.info.trimmed["messages_removed"] > 0


async def test_a_refusal_leads_first_to_a_route_that_takes_all():
    with server_of(700) as server:
        large = ScriptedProvider("large", name="Large", supports_message_history=True)
        routes = (Endpoint(server.base_url, "a-model-nobody-knows"), Route(large, "m"))

        answer = await ask(routes=routes, messages=conversation(100), trimming=TRIM)

    assert (answer.text, answer.info.trimmed, len(large.calls[0].messages)) == ("large", None, 202)


async def test_what_can_never_fit_is_an_error_before_anything_is_sent():
    provider = ScriptedProvider("never")
    route = Route(provider, "m", context_window=300)
    settings = Trimming(on_overflow="raise")

    with pytest.raises(errors.ContextLengthError) as caught:
        await ask(routes=(route,), messages=conversation(100), trimming=settings)

    assert (provider.calls, caught.value.limit is not None) == ([], True)


async def test_a_summary_takes_the_place_of_what_is_left_out():
    provider = ScriptedProvider(
        per_call=[["They spoke of Alexandria."], ["Alexandria."]], supports_message_history=True, name="Small"
    )
    settings = Trimming(summarize=True)

    answer = await ask(
        routes=(Route(provider, "m", context_window=1_000),), messages=conversation(100), trimming=settings
    )

    assert answer.info.trimmed["summarized"]
    assert "They spoke of Alexandria." in str(provider.calls[1].messages)
    (call,) = answer.info.side_calls
    assert (call["purpose"], call["provider"]) == ("summary", "Small")


async def test_what_is_to_be_summarised_is_made_to_fit_the_route_as_well():
    provider = ScriptedProvider(
        per_call=[["They spoke of Alexandria."], ["Alexandria."]], supports_message_history=True
    )

    await ask(
        routes=(Route(provider, "m", context_window=1_000),),
        messages=conversation(200),
        trimming=Trimming(summarize=True),
    )

    question, _ = provider.calls
    assert sum(map(count_message_tokens, question.messages)) <= 1_000
    assert "0: Tell me" in question.messages[-1]["content"]


async def test_a_users_own_summariser_is_called_off_the_loop():
    seen = []

    def summarise(messages):
        seen.append(len(messages))
        return "Nothing of note."

    provider = ScriptedProvider("Alexandria.", supports_message_history=True)

    answer = await ask(
        routes=(Route(provider, "m", context_window=1_000),),
        messages=conversation(100),
        trimming=Trimming(summarize=summarise),
    )

    assert seen
    assert answer.info.trimmed["summarized"]
    assert "Nothing of note." in str(provider.calls[0].messages)


# What endpoints tell --------------------------------------------------------------------------------------------------

LISTED = Reply.json({"data": [{"id": "m", "max_model_len": 1_024}, {"id": "other"}]})


async def test_a_window_that_the_endpoints_list_tells_is_kept_from_the_first_call_on():
    with server_of(1_000, models=LISTED) as server:
        routes = (Endpoint(server.base_url, "m"),)

        answers = [await ask(routes=routes, messages=conversation(100), trimming=TRIM) for _ in range(3)]

    assert [answer.outcomes for answer in answers] == [["ok"]] * 3
    assert {answer.info.trimmed["limit_source"] for answer in answers} == {"endpoint"}
    assert len(asked(server, "GET")) == 1


async def test_many_calls_at_once_read_the_list_once():
    with server_of(1_000, models=LISTED) as server:
        calls = (ask(base_url=server.base_url, model="m", messages=conversation(100), trimming=TRIM) for _ in range(9))

        answers = await asyncio.gather(*calls)

    assert len(asked(server, "GET")) == 1
    assert {answer.info.trimmed["limit_source"] for answer in answers} == {"endpoint"}


async def test_the_list_is_not_read_for_a_short_conversation_nor_where_the_user_tells_the_window():
    with server_of(10_000, models=LISTED) as server:
        await ask(base_url=server.base_url, model="m", messages=conversation(20), trimming=TRIM)
        told = Endpoint(server.base_url, "m", context_window=100_000)
        answer = await ask(routes=(told,), messages=conversation(100), trimming=TRIM)

    assert (asked(server, "GET"), answer.info.trimmed) == ([], None)


@pytest.mark.parametrize(
    "models", [Reply.status(404), Reply.status(200, "<html>"), Reply.json([1, {"id": 3}]), Reply.body(b"[", Stall())]
)
async def test_a_list_that_cannot_be_read_costs_nothing_but_a_moment_once(models, monkeypatch):
    monkeypatch.setattr(announced, "_PATIENCE", 0.05)
    with server_of(700, models=models) as server:
        routes = (Endpoint(server.base_url, "m"),)

        answers = [await ask(routes=routes, messages=conversation(100), trimming=TRIM) for _ in range(2)]

    assert [answer.outcomes for answer in answers] == [["context_length", "ok"], ["ok"]]
    assert len(asked(server, "GET")) == 1


async def test_a_caller_that_leaves_while_the_list_is_read_leaves_it_to_the_next():
    replies = [Reply.body(b"[", Stall()), LISTED]
    with server_of(1_000, models=lambda _: replies.pop(0)) as server:
        call = {"base_url": server.base_url, "model": "m", "messages": conversation(100), "trimming": TRIM}
        task = asyncio.create_task(ask(**call))
        await asyncio.to_thread(server.wait_for_requests)
        task.cancel()
        await asyncio.wait([task])

        answer = await ask(**call)

    assert answer.info.trimmed["limit_source"] == "endpoint"


# The answer's length --------------------------------------------------------------------------------------------------


@both_ways
async def test_more_output_than_the_model_can_write_is_asked_for_as_much_as_it_can(loopback, stream):
    loopback.replies(Reply.chat("Yes."))
    routes = (Endpoint(loopback.base_url, "m", max_output_tokens=2_000),)

    answer = await ask(routes=routes, params={"max_tokens": 9_000}, trimming=TRIM, stream=stream)

    assert loopback.requests[-1].body["max_tokens"] == 2_000
    assert (answer.info.lowered, answer.info.trimmed) == ({"max_tokens": 2_000}, None)
    assert answer.info.to_dict()["lowered"] == {"max_tokens": 2_000}


async def test_output_that_leaves_no_room_for_the_conversation_is_lowered_to_what_is_left(loopback):
    loopback.replies(Reply.chat("Yes."))
    routes = (Endpoint(loopback.base_url, "m", context_window=4_000),)

    answer = await ask(
        routes=routes, messages=conversation(100), params={"max_completion_tokens": 3_900}, trimming=TRIM
    )

    body = loopback.requests[-1].body
    sent = sum(map(count_message_tokens, body["messages"]))
    assert sent + body["max_completion_tokens"] <= 4_000
    assert answer.info.lowered == {"max_completion_tokens": body["max_completion_tokens"]}
    assert body["max_completion_tokens"] > 1_900


async def test_what_the_call_asks_for_stays_where_it_fits(loopback):
    loopback.replies(Reply.chat("Yes."))
    routes = (Endpoint(loopback.base_url, "m", context_window=64_000, max_output_tokens=9_000),)

    answer = await ask(routes=routes, messages=conversation(100), params={"max_tokens": 9_000}, trimming=TRIM)

    assert (loopback.requests[-1].body["max_tokens"], answer.info.lowered) == (9_000, {})
    assert "lowered" not in answer.info.to_dict()


# Tools in words -------------------------------------------------------------------------------------------------------


async def test_what_tools_take_in_words_counts():
    tools = tuple(
        {"type": "function", "function": {"name": f"tool_{number}", "description": TURN * 3, "parameters": {}}}
        for number in range(5)
    )
    talk = conversation(30)
    for number in range(40):
        call = {"id": f"c{number:08}", "type": "function", "function": {"name": "tool_1", "arguments": "{}"}}
        talk += [{"role": "assistant", "content": None, "tool_calls": [call]}]
        talk += [{"role": "tool", "tool_call_id": f"c{number:08}", "content": TURN}]
    provider = ScriptedProvider("Alexandria.", name="Small", supports_message_history=True)

    answer = await ask(routes=(Route(provider, "m", context_window=4_000),), messages=talk, tools=tools, trimming=TRIM)

    sent = provider.calls[0].messages
    assert answer.info.tools == "prompt"
    assert "tool_4" in str(sent[0])
    assert 1_500 < sum(map(count_message_tokens, sent)) <= 2_700


async def test_the_users_own_way_of_counting_decides_what_fits():
    provider = ScriptedProvider("Alexandria.", supports_message_history=True)
    route = Route(provider, "m", context_window=1_000)

    answer = await ask(routes=(route,), messages=conversation(100), trimming=TRIM, counter=LengthOf(str.split))

    sent = sum(len(message["content"].split()) for message in provider.calls[0].messages)
    assert 300 < sent < answer.info.trimmed["tokens_after"] <= answer.info.trimmed["limit"] == 675


# The users' own functions ----------------------------------------------------------------------------------------------


class Summariser:
    async def __call__(self, messages):
        return f"{len(messages)} messages, nothing of note."


async def later(messages):
    return f"{len(messages)} messages, nothing of note."


@pytest.mark.parametrize("summarise", [later, Summariser(), lambda messages: later(messages)])
async def test_an_async_summariser_may_be_a_function_an_object_or_what_calls_one(summarise):
    provider = ScriptedProvider("Alexandria.", supports_message_history=True)
    route = Route(provider, "m", context_window=1_000)

    answer = await ask(routes=(route,), messages=conversation(100), trimming=Trimming(summarize=summarise))

    assert answer.info.trimmed["summarized"]
    assert "nothing of note" in str(provider.calls[0].messages)


class Scorer:
    async def __call__(self, message):
        return float("77:" in message["content"])


async def test_an_object_may_score_messages_asynchronously():
    provider = ScriptedProvider("Alexandria.", supports_message_history=True)
    route = Route(provider, "m", context_window=1_000)

    await ask(routes=(route,), messages=conversation(100), trimming=Trimming(score=Scorer()))

    assert "77:" in str(provider.calls[0].messages)


async def nothing(message):
    """Answers, but with no number."""


@pytest.mark.parametrize("score", [lambda message: later([message]), lambda message: None, nothing])
async def test_a_scorer_that_gives_no_number_is_named(score):
    route = Route(ScriptedProvider("Alexandria."), "m", context_window=1_000)

    with pytest.raises(errors.ConfigurationError, match="must return a number"):
        await ask(routes=(route,), messages=conversation(100), trimming=Trimming(score=score))


# Answers that fill the window -----------------------------------------------------------------------------------------


async def test_a_route_that_says_its_window_is_full_is_asked_with_less_the_next_time(loopback):
    usage = {"prompt_tokens": 1_900, "completion_tokens": 100, "total_tokens": 2_000}
    full = Reply.json(completion("Alexan", finish="model_length", usage=usage))
    loopback.replies(full, Reply.json({"data": []}), Reply.chat("Alexandria."))
    endpoint = Endpoint(loopback.base_url, "m")

    first = await ask(routes=(endpoint,), messages=conversation(2), trimming=TRIM, stream=False)
    second = await ask(routes=(endpoint,), messages=conversation(100), trimming=TRIM)

    assert first.finish == "length"
    assert (second.info.trimmed["limit_source"], len(second.info.attempts)) == ("learned", 1)
    assert second.info.trimmed["tokens_after"] < 2_000


async def test_a_request_above_a_limit_in_a_minute_is_sent_shorter(loopback):
    told = "This request would exceed your organization's rate limit of 1,000 input tokens per minute."
    refusal = Reply.json({"error": {"message": told, "type": "rate_limit_error"}}, status=429)
    loopback.replies(Reply.json({"data": []}), refusal, Reply.chat("Alexandria."))

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"),), messages=conversation(100), trimming=TRIM)

    assert [attempt.outcome for attempt in answer.info.attempts] == ["rate_limit", "ok"]
    assert answer.info.trimmed["tokens_after"] < 1_000


# Hedges ---------------------------------------------------------------------------------------------------------------


async def test_what_tools_take_in_words_counts_on_a_route_that_is_asked_beside_another_as_well():
    tools = tuple(
        {"type": "function", "function": {"name": f"tool_{number}", "description": TURN * 3, "parameters": {}}}
        for number in range(5)
    )
    silent = ScriptedProvider(stall(30), name="Silent", supports_message_history=True)
    small = ScriptedProvider("Alexandria.", name="Small", supports_message_history=True)
    routes = (Route(silent, "m", context_window=100_000), Route(small, "m", context_window=4_000))

    await ask(
        routes=routes, messages=conversation(100), tools=tools, trimming=TRIM, policy=Resilience(hedge_after=0.01)
    )

    assert sum(map(count_message_tokens, small.calls[0].messages)) <= 2_700


# What the metadata tell -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "limit", "source"),
    [
        ("messages: at most 30 messages are allowed", 30, "learned (messages)"),
        ("Prompt exceeds the 5000-character limit", 4_500, "learned (characters)"),
        ("This model's maximum context length is 2000 tokens.", 1_350, "learned"),
    ],
)
async def test_the_metadata_tell_which_limit_was_kept_and_that_it_was_learned(loopback, told, limit, source):
    refusal = Reply.json({"error": {"message": told}}, status=400)
    loopback.replies(Reply.json({"data": []}), refusal, Reply.chat("Alexandria."))

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"),), messages=conversation(60), trimming=TRIM)

    assert (answer.info.trimmed["limit"], answer.info.trimmed["limit_source"]) == (limit, source)


async def test_what_is_learned_within_a_call_counts_for_its_next_attempt_every_time():
    candidate = resolve(RouteChoice(routes=(Route(ScriptedProvider(), "m"),))).candidates[0]
    request, store = Request(messages=conversation(100), trimming=TRIM), LocalHealth()
    fitting = Fitting(request, TRIM, store, complete=later)
    care = [fitting.needs_care(candidate)]

    for window in range(1_000, 990, -1):
        store.learn(candidate.key, RouteLimits(window=window))
        care.append(fitting.needs_care(candidate))

    assert care == [False, *[True] * 10]


# Short requests, whose length nobody looks at unless somebody said so ----------------------------------------------


@pytest.mark.parametrize(
    ("settings", "window", "limit", "source"),
    [
        (Trimming(max_tokens=60), None, 60, "settings"),
        (Trimming(strategy="last", keep_last=3), None, 3, "settings (messages)"),
        (TRIM, 128, 86, "route"),
    ],
    ids=["tokens", "messages", "window"],
)
async def test_what_the_user_says_holds_for_short_conversations_as_well(settings, window, limit, source):
    provider = ScriptedProvider("Alexandria.", supports_message_history=True)

    answer = await ask(
        routes=(Route(provider, "m", context_window=window),), messages=conversation(3), trimming=settings
    )

    assert 2 <= len(provider.calls[0].messages) <= 4
    assert (answer.info.trimmed["limit"], answer.info.trimmed["limit_source"]) == (limit, source)


async def test_a_short_conversation_that_must_not_be_trimmed_is_an_error_too():
    provider = ScriptedProvider("Alexandria.")

    with pytest.raises(errors.ContextLengthError):
        await ask(provider, messages=conversation(3), trimming=Trimming(max_tokens=60, on_overflow="raise"))

    assert provider.calls == []


@pytest.mark.parametrize(
    "told", ["messages: at most 4 messages are allowed", "Prompt exceeds the 300-character limit", "prompt is too long"]
)
async def test_what_a_route_has_taught_is_heeded_by_short_conversations(told):
    provider = ScriptedProvider(per_call=[[RuntimeError(f"Error 400: {told}")], ["Alexandria."]])

    for _ in range(3):
        await ask(provider, messages=conversation(3), trimming=TRIM)

    sent = [len(call.messages) for call in provider.calls]
    assert len(sent) == 4, "refused once"
    assert max(sent[1:]) < sent[0]


async def test_a_short_conversation_is_trimmed_for_a_narrow_route_that_stands_in_for_another():
    broken = ScriptedProvider(RuntimeError("Error 500: no"), name="Broken")
    narrow = ScriptedProvider("Alexandria.", name="Narrow", supports_message_history=True)
    routes = (Route(broken, "m"), Route(narrow, "m", context_window=128))

    answer = await ask(routes=routes, messages=conversation(3), trimming=TRIM)

    assert len(broken.calls[0].messages) == 8
    assert len(narrow.calls[0].messages) < 8
    assert answer.info.trimmed["limit_source"] == "route"
