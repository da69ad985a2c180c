"""A conversation may grow for ever: each route gets what fits it, and what a route refuses teaches its window."""

import pytest

from asking import ask
from g4f_integrations import errors
from g4f_integrations.core.routes import Endpoint, Route
from g4f_integrations.core.trimming import Trimming
from g4f_integrations.testing import ScriptedProvider
from loopback import LoopbackServer, Reply

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


def server_of(limit, *, tells=True, unit="tokens"):
    """A server that refuses what is longer than `limit` words, and says so in one way or another."""

    def answer(request):
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
        refused = len(server.requests) - 1
        second = await ask(routes=routes, messages=conversation(101), trimming=TRIM, stream=stream)

    assert first.text == second.text == "Alexandria."
    assert refused <= 2
    assert [attempt.outcome for attempt in first.info.attempts] == ["context_length"] * refused + ["ok"]
    assert [attempt.outcome for attempt in second.info.attempts] == ["ok"]
    assert second.info.trimmed["limit_source"] == "learned"


async def test_a_route_with_room_is_asked_before_anything_is_left_out():
    small = ScriptedProvider("small", name="Small", supports_message_history=True)
    large = ScriptedProvider("large", name="Large", supports_message_history=True)
    routes = (Route(small, "m", context_window=1_000), Route(large, "m", context_window=100_000))

    answer = await ask(routes=routes, messages=conversation(100), trimming=TRIM)

    assert (answer.text, small.calls, answer.info.trimmed) == ("large", [], None)


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
