"""Calls over real connections: what is sent, what is understood, what fails how, and what is left open."""

import json
import pickle

import aiohttp
import pytest

from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.endpoint import ENVIRONMENT_PROXY, ParameterRefused, call_endpoint, list_models
from g4f_integrations.core.endpoint import refused_parameters as memory
from g4f_integrations.core.events import Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from g4f_integrations.core.failures import HTTPFailure, StreamCut
from g4f_integrations.core.request import CallNotes, Request
from g4f_integrations.errors import ConfigurationError
from loopback import CUT, LoopbackServer, Reply, Stall, chunk, chunks, completion
from unit_tests.core.calls import MESSAGES, batches, candidate, events

BOTH = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])


async def failure_of(server, **options):
    with pytest.raises((HTTPFailure, StreamCut)) as caught:
        await events(server, **options)
    return caught.value


@pytest.fixture(autouse=True)
def _nothing_refused_yet():
    memory.clear()


@pytest.fixture(params=["first request", "connection at hand"])
async def loopback(loopback, request):
    """Every server twice: as one that nobody has asked before, and as one to which a connection lies open."""
    if request.param == "connection at hand":
        await events(loopback, stream=False)
        loopback.requests.clear()
    return loopback


# A good answer


async def test_a_stream_comes_in_order(loopback):
    loopback.replies(Reply.chat("Hel", "lo", reasoning="hm"))

    assert await events(loopback) == [
        ReasoningDelta("hm"),
        TextDelta("Hel"),
        TextDelta("lo"),
        Usage(3, 2, 5),
        Finish("stop"),
    ]


async def test_a_blocking_answer_is_one_list(loopback):
    loopback.replies(Reply.chat("Hel", "lo"))

    (batch,) = await batches(candidate(loopback.base_url), stream=False)

    assert batch[1:] == [TextDelta("Hello"), Usage(3, 2, 5), Finish("stop")]


async def test_the_first_token_does_not_wait_for_the_second(loopback):
    loopback.replies(Reply.sse(chunk("a"), Stall()))
    answer = call_endpoint(candidate(loopback.base_url), Request(MESSAGES, stream=True), CallNotes())

    batch = await anext(answer)
    await answer.aclose()

    assert batch[1] == TextDelta("a")


async def test_a_strict_server_finds_nothing_wrong(loopback):
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    params = {"n": 1, "seed": 1, "logprobs": True, "top_logprobs": 2, "metadata": {"a": "b"}, "user": "u"}

    for stream in (True, False):
        await events(loopback, stream=stream, params=params, tools=tools, tool_choice="auto", stop=("x",))

    assert len(loopback.requests) == 2


@BOTH
async def test_the_other_form_of_answer_is_understood_too(loopback, stream):
    other = Reply.json(completion("Hello")) if stream else Reply.sse(*chunks("Hello"))
    loopback.replies(other)

    assert await events(loopback, stream=stream) == [TextDelta("Hello"), Usage(3, 2, 5), Finish("stop")]


async def test_usage_inside_the_last_choice_counts(loopback):
    last = chunk({}, "stop")
    last["choices"][0]["usage"] = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    loopback.replies(Reply.sse(chunk("a"), last))

    assert Usage(3, 2, 5) in await events(loopback)


async def test_headers_worth_keeping_are_told(loopback):
    loopback.replies(Reply.sse(*chunks("a"), headers={"X-RateLimit-Remaining": "7", "Set-Cookie": "a=b"}))

    (batch,) = await batches(candidate(loopback.base_url), stream=False)

    assert batch[0].headers == {"x-ratelimit-remaining": "7"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply.sse(*chunks("Hello"), content_type="text/plain; charset=utf-8"),
        Reply.sse(*chunks("Hello"), done=False),
        Reply.sse(b": ping\n\n", *chunks("Hello"), b": ping\n\n"),
        Reply.gzipped(*chunks("Hello")),
        Reply.body(
            *[json.dumps(item).encode() + b"\n" for item in chunks("Hello")], content_type="application/x-ndjson"
        ),
        Reply.body(json.dumps(completion("Hello"), indent=2).encode()),
        Reply.body(b" \n" * 50, json.dumps(completion("Hello")).encode(), content_type="application/json"),
        Reply.body(b"\xef\xbb\xbf", json.dumps([completion("Hello")]).encode(), content_type="text/html"),
        Reply.sse(*chunks("Hello"), done=False, ends=False, headers={"Connection": "close"}),
    ],
    ids=["plain", "no done", "pings", "gzip", "ndjson", "indented", "blanks first", "list with mark", "no last chunk"],
)
async def test_servers_may_be_sloppy(loopback, reply):
    loopback.replies(reply if b"close" not in reply.steps[0] else Reply(reply.steps, keep_alive=False))

    assert TextDelta("Hello") in await events(loopback)


async def test_text_cut_inside_a_character_arrives_whole(loopback):
    text = f"data: {json.dumps(chunk('Grüße 🙂', 'stop'), ensure_ascii=False)}\n\n".encode()
    loopback.replies(Reply.body(*(text[at : at + 1] for at in range(len(text)))))

    assert (await events(loopback))[0] == TextDelta("Grüße 🙂")


async def test_a_finish_reason_may_be_missing_when_done_is_there(loopback):
    loopback.replies(Reply.sse(chunk("a")))

    assert await events(loopback) == [TextDelta("a"), Finish("stop")]


@pytest.mark.parametrize("end", [b"data: [done]\n\n", b"data: [END]\n\n", b'data: {"choices": [{"del\n\n'])
async def test_what_cannot_be_read_after_the_finish_reason_costs_nothing(loopback, end):
    loopback.replies(Reply.sse(*chunks("Hello"), end, done=False))

    assert await events(loopback) == [TextDelta("Hello"), Usage(3, 2, 5), Finish("stop")]


async def test_a_cut_after_the_finish_reason_costs_nothing(loopback):
    loopback.replies(Reply.sse(chunk("a"), chunk({}, "stop"), Stall(0.02), CUT))

    assert await events(loopback) == [TextDelta("a"), Finish("stop")]


async def test_a_server_that_stays_silent_after_done_is_not_waited_for(loopback):
    loopback.replies(Reply.sse(*chunks("a"), b"data: [DONE]\n\n", Stall(), done=False))

    assert (await events(loopback))[-1] == Finish("stop")


async def test_text_soon_after_the_finish_reason_is_a_part_of_the_answer(loopback):
    loopback.replies(Reply.sse(chunk("a", "stop"), Stall(0.02), chunk("b"), done=False))

    assert [event.text for event in await events(loopback) if isinstance(event, TextDelta)] == ["a", "b"]


async def test_an_answer_that_is_left_open_after_its_finish_reason_is_named_in_the_log(loopback, monkeypatch, caplog):
    monkeypatch.setattr("g4f_integrations.core.endpoint._http._AFTER_FINISH_SECONDS", 0.02)
    caplog.set_level("INFO", "g4f_integrations.endpoint")
    loopback.replies(Reply.sse(chunk("a", "stop"), Stall(), chunk("b"), done=False))

    assert TextDelta("a") in await events(loopback)

    [record] = caplog.records
    assert "told a finish reason, and then neither ended its answer nor sent more" in record.getMessage()


async def test_tool_calls_stream_as_fragments(loopback):
    loopback.replies(
        Reply.chat(tool_calls=[{"id": "c", "function": {"name": "f", "arguments": "{}"}}], finish="tool_calls")
    )

    assert ToolCallDelta(0, "c", "f", "{}") in await events(loopback)
    assert ToolCallDelta(0, "c", "f", "{}") in await events(loopback, stream=False)


# What is sent


async def test_keys_and_headers_go_to_the_endpoint(loopback):
    route = candidate(loopback.base_url, api_key="sk-1 \n", headers={"X-Team": "t", "x-api-key": "k"})

    await batches(route, headers={"X-TEAM": "u"})

    sent = loopback.requests[0].headers
    assert (sent["authorization"], sent["x-team"], sent["x-api-key"]) == ("Bearer sk-1", "u", "k")
    assert sent["user-agent"].startswith("g4f-integrations/")
    assert "cookie" not in sent


async def test_only_compressions_that_are_read_everywhere_are_asked_for(loopback):
    await events(loopback)
    await events(loopback, headers={"Accept-Encoding": "identity"})

    assert [request.headers["accept-encoding"] for request in loopback.requests] == ["gzip, deflate", "identity"]


async def test_an_encoding_that_is_no_compression_is_passed_over(loopback):
    loopback.replies(Reply.json(completion("a"), headers={"Content-Encoding": "UTF-8"}))

    assert TextDelta("a") in await events(loopback, stream=False)


@pytest.mark.parametrize("encoding", ["x-gzip", "gzip, br", "GZIP, gzip"])
async def test_a_compression_that_cannot_be_read_is_named(loopback, encoding):
    loopback.replies(Reply.json(completion("a"), headers={"Content-Encoding": encoding}))

    with pytest.raises(ConnectionError, match=f"compressed as '{encoding.lower()}'"):
        await events(loopback)


async def test_userinfo_of_the_address_becomes_a_header(loopback):
    await batches(candidate(loopback.base_url.replace("http://", "http://us%40er:pa:ss@")))

    assert loopback.requests[0].headers["authorization"] == "Basic dXNAZXI6cGE6c3M="


@pytest.mark.parametrize("suffix", ["", "/", "/chat/completions", "/chat/completions/"])
async def test_the_path_is_appended_once_and_the_query_kept(loopback, suffix):
    loopback.replies(Reply.chat("a"))

    await batches(candidate(f"{loopback.base_url}{suffix}?api-version=1"))

    assert loopback.requests[0].path == "/v1/chat/completions?api-version=1"


@pytest.mark.parametrize("end", ["\r\nHost: evil", "\n", "\0", "\x0b", "\x7f", "\ud83d"])
async def test_a_header_that_http_cannot_carry_is_told_without_its_value(loopback, end):
    with pytest.raises(ConfigurationError) as caught:
        await batches(candidate(loopback.base_url, headers={"X-Key": f"secret{end}"}))

    assert "x-key" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert loopback.requests == []


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
@pytest.mark.parametrize("place", ["route", "call"])
async def test_a_header_that_says_where_the_request_ends_is_not_the_users(loopback, name, place):
    of_route, of_call = ({name: "3"}, {}) if place == "route" else ({}, {name: "3"})

    with pytest.raises(ConfigurationError, match="not yours to set"):
        await batches(candidate(loopback.base_url, headers=of_route), headers=of_call)

    assert loopback.requests == []


async def test_a_header_without_a_value_is_left_out(loopback):
    await batches(candidate(loopback.base_url, headers={"X-Team": None}))

    assert "x-team" not in loopback.requests[0].headers


async def test_a_key_that_did_not_travel_is_named_as_missing(loopback):
    with pytest.raises(ConfigurationError, match="literal"):
        await batches(candidate(loopback.base_url, api_key=pickle.loads(pickle.dumps(Secret("sk-1")))))


async def test_cookies_of_one_call_are_not_sent_with_the_next(loopback):
    loopback.replies(Reply.json(completion("a"), headers={"Set-Cookie": "session=1; Path=/"}))

    for _ in range(2):
        await events(loopback, stream=False)

    assert "cookie" not in loopback.requests[1].headers


async def test_a_proxy_is_asked_instead_of_the_host(loopback):
    loopback.replies(Reply.chat("a"))

    await batches(candidate("http://model.invalid/v1", proxy=loopback.root))

    assert loopback.requests[0].path == "http://model.invalid/v1/chat/completions"


async def test_the_environments_proxy_counts_only_on_request(loopback, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", loopback.root)
    loopback.replies(Reply.chat("a"))
    with LoopbackServer() as direct:
        await batches(candidate(direct.base_url))
        await batches(candidate("http://model.invalid/v1", proxy=ENVIRONMENT_PROXY))

    assert [len(server.requests) for server in (direct, loopback)] == [1, 1]


async def test_a_proxy_of_another_kind_is_refused_in_words(loopback):
    with pytest.raises(ConfigurationError, match="no http"):
        await batches(candidate(loopback.base_url, proxy="socks5://127.0.0.1:1"))


async def test_the_callers_objects_stay_as_they_were(loopback):
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    before = json.dumps(messages)
    request = Request(messages, stream=True, params={"seed": 1}, extra_body={"user": "u"})

    async for _ in call_endpoint(candidate(loopback.base_url), request, CallNotes()):
        pass

    assert json.dumps(messages) == before
    assert loopback.requests[0].body["messages"] == messages
    assert dict(request.params) == {"seed": 1}


# Redirects


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_within_the_host_is_followed_with_the_body(loopback, status):
    loopback.replies(Reply.status(status, headers={"Location": "/v2/chat?x=1"}), Reply.chat("a"))

    await batches(candidate(loopback.base_url, api_key="k"))

    assert loopback.requests[1].path == "/v2/chat?x=1"
    assert loopback.requests[1].body == loopback.requests[0].body


async def test_a_redirect_to_another_host_never_gets_the_key(loopback):
    with LoopbackServer() as other:
        loopback.replies(Reply.status(307, headers={"Location": f"{other.base_url}/chat/completions?key=abc"}))

        failure = await failure_of(loopback)

    assert other.requests == []
    assert failure.status == 307
    assert "abc" not in failure.body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["http://{other}/v1", "//{other}/v1", "http://{host}@{other}/v1", "https://{host}/v1", "file:///etc/x"]
)
async def test_no_redirect_leads_a_key_to_another_origin_and_all_say_where_they_lead(loopback, status, location):
    with LoopbackServer() as other:
        to = location.format(host=f"127.0.0.1:{loopback.port}", other=f"127.0.0.1:{other.port}")
        loopback.replies(Reply.status(status, headers={"Location": to}))

        with pytest.raises(HTTPFailure, match="which was not followed"):
            await batches(candidate(loopback.base_url, api_key="k"))

    assert (len(loopback.requests), other.requests) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_make_a_get_of_it_is_not_followed(loopback, status):
    loopback.replies(Reply.status(status, headers={"Location": "/v1/other"}))

    assert "Redirected to /v1/other, which was not followed" in (await failure_of(loopback)).body
    assert len(loopback.requests) == 1


@pytest.mark.parametrize("location", ["", "http://[", "//", "/v1/chat/completions"])
async def test_a_redirect_that_leads_nowhere_ends(loopback, location):
    loopback.replies(Reply.status(308, headers={"Location": location}))

    assert (await failure_of(loopback)).status == 308
    assert len(loopback.requests) <= 6


# Failures


@BOTH
async def test_a_bad_status_keeps_its_body_and_headers(loopback, stream):
    loopback.replies(
        Reply.status(429, {"error": {"code": "slow_down"}}, {"Retry-After": "1.5", "retry-after-ms": "1500"})
    )

    failure = await failure_of(loopback, stream=stream)

    assert (failure.status, json.loads(failure.body)) == (429, {"error": {"code": "slow_down"}})
    assert (failure.headers["retry-after"], failure.headers["retry-after-ms"]) == ("1.5", "1500")


@BOTH
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"error": {"message": "Rate limit", "code": 429}}, 429),
        ({"error": "no", "model": "m", "provider": "P"}, 200),
        ({"detail": "Not allowed"}, 200),
        ({"object": "error", "message": "m", "code": "500"}, 500),
        ([{"error": {"code": 503, "message": "busy"}}], 503),
        ({"error": '{"error": {"code": 429, "message": "slow"}}'}, 429),
    ],
)
async def test_a_good_status_with_an_error_in_it_is_a_failure(loopback, payload, status, stream):
    loopback.replies(Reply.json(payload))

    failure = await failure_of(loopback, stream=stream)

    assert failure.status == status
    assert json.loads(failure.body) == payload


@BOTH
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<!DOCTYPE html><title>Just a moment...</title>", "text/html"),
        ("<html>", "text/event-stream"),
        ("upstream connect error", "text/plain"),
        ("Hello", "application/json"),
        ("{'a': 1}", "application/json"),
        ('"Hello"', "application/json"),
    ],
)
async def test_a_good_status_with_something_else_in_it_is_a_failure(loopback, body, content_type, stream):
    loopback.replies(Reply.status(200, body, content_type=content_type))

    failure = await failure_of(loopback, stream=stream)

    assert (failure.status, failure.body) == (200, body)


@pytest.mark.parametrize(
    "last",
    [
        b'data: {"error": {"code": 502, "message": "gone"}}\n\n',
        b'event: error\ndata: {"code": 502, "message": "gone"}\n\n',
        b'{"error": {"code": 502, "message": "gone"}}\n',
        b'data: {"code": 502, "choices": [{"delta": {"content": "gone"}, "finish_reason": "error"}]}\n\n',
        b'data: {"choices": [{"delta": {}, "error": {"code": 502, "message": "gone"}, "finish_reason": "error"}]}\n\n',
        b'data: {"choices": [{"delta": {"content": ""}, "error": {"code": 502, "message": "gone"}}]}\n\n',
        b'error: {"code": 502, "message": "gone"}\n\n',
        b'data: {"error": "{\\"code\\": 502, \\"message\\": \\"gone\\"}"}\n\n',
        b'data: {"error": {"error": {"code": "502", "message": "gone"}}}\n\n',
    ],
    ids=["data", "event", "bare", "finish reason", "choice's end", "choice", "error line", "text", "nested"],
)
async def test_an_error_in_a_stream_comes_after_the_text_before_it(loopback, last):
    loopback.replies(Reply.sse(chunk("a"), last))
    answer = call_endpoint(candidate(loopback.base_url), Request(MESSAGES, stream=True), CallNotes())

    seen = await anext(answer)
    with pytest.raises(HTTPFailure, match="gone") as caught:
        await anext(answer)

    assert TextDelta("a") in seen
    assert caught.value.status == 502


@BOTH
async def test_an_error_in_a_choice_is_told_without_what_stands_around_it(loopback, stream):
    error = {"code": 429, "message": "Rate limited upstream"}
    loopback.replies(Reply.json({**completion("Hal"), "choices": [{"message": {"content": "Hal"}, "error": error}]}))

    failure = await failure_of(loopback, stream=stream)

    assert (failure.status, json.loads(failure.body)) == (429, {"error": error})


async def test_an_error_in_plain_words_is_kept_when_nothing_else_comes(loopback):
    loopback.replies(Reply.sse(b"data: Model is overloaded\n\n"))

    assert (await failure_of(loopback)).body == "Model is overloaded"


@pytest.mark.parametrize(
    "reply",
    [
        Reply.sse(chunk("a"), done=False),
        Reply.sse(done=False),
        Reply.sse(b": ping\n\n", done=False),
        Reply.body(b": ping\n\nda"),
        Reply.body(b"da"),
        Reply.sse(chunk("a"), b'data: {"choices": [{"del', done=False),
        Reply.sse(chunk("a"), chunk("b", index=1), chunk({}, "stop"), done=False),
        Reply.body(b'{"choices": [{"mess', content_type="application/json"),
    ],
    ids=[
        "no finish",
        "nothing",
        "pings only",
        "cut after a ping",
        "cut in a field",
        "cut in an event",
        "one choice of two",
        "cut in the JSON",
    ],
)
async def test_an_end_before_the_answers_own_is_a_cut(loopback, reply):
    loopback.replies(reply)

    assert isinstance(await failure_of(loopback), StreamCut)


async def test_a_broken_chunk_is_no_answer(loopback):
    loopback.replies(Reply.sse(chunk("a"), b'data: {"choices": [}\n\n', chunk("b", "stop")))

    assert isinstance(await failure_of(loopback), HTTPFailure)


async def test_an_empty_blocking_answer_has_no_events(loopback):
    loopback.replies(Reply.status(200, ""))

    assert await events(loopback, stream=False) == []


@pytest.mark.parametrize("steps", [(CUT,), (b"HTTP/1.1 200 OK\r\nContent-Le", CUT), (b"nonsense\r\n\r\n",)])
async def test_connection_faults_pass_as_they_are(loopback, steps):
    loopback.replies(Reply.raw(*steps))

    with pytest.raises((aiohttp.ClientError, OSError)):
        await events(loopback)


async def test_a_reset_in_the_middle_passes_as_it_is(loopback):
    loopback.replies(Reply.sse(chunk("a"), Stall(0.02), CUT))

    with pytest.raises((aiohttp.ClientError, OSError)):
        await events(loopback)


async def test_an_error_body_that_never_ends_is_read_in_part(loopback):
    loopback.replies(Reply.body(b"x" * 100_000, Stall(), status=500))

    failure = await failure_of(loopback)

    assert failure.status == 500
    assert 0 < len(failure.body) <= 65_536


async def test_headers_beyond_eight_kilobytes_do_not_fail_a_call(loopback):
    loopback.replies(Reply.json(completion("a"), headers={"Content-Security-Policy": "x" * 20_000}))

    assert TextDelta("a") in await events(loopback, stream=False)


async def test_an_endless_line_is_given_up(loopback, monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.sse.SSEParser.__init__.__defaults__", (100_000,))
    loopback.replies(Reply.body(b"data: " + b"x" * 200_000, Stall()))

    assert "too long" in (await failure_of(loopback)).body


async def test_a_stream_of_endlessly_many_events_is_given_up(loopback, monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.endpoint._answers._MOST_EVENTS", 1_000)
    loopback.replies(Reply.sse(*[chunk("a")] * 900, b"data: {}\n\n" * 200, Stall()))

    assert "too long" in (await failure_of(loopback)).body


async def test_an_endless_answer_is_given_up(loopback, monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.endpoint._answers.MAX_ANSWER_BYTES", 100_000)
    loopback.replies(Reply.body(b"x" * 200_000, Stall(), content_type="application/json"))

    assert "too long" in (await failure_of(loopback, stream=False)).body


# Parameters that a server refuses


async def test_a_refused_parameter_is_left_out_of_the_next_call():
    with LoopbackServer(refuses={"seed"}) as server:
        route, notes = candidate(server.base_url), CallNotes()
        with pytest.raises(ParameterRefused) as caught:
            await batches(route, params={"seed": 1, "user": "u"})

        await batches(route, params={"seed": 1, "user": "u"}, notes=notes)

    assert (caught.value.name, caught.value.status) == ("seed", 400)
    assert notes.dropped == ["seed"]
    assert "seed" not in server.requests[1].body
    assert server.requests[1].body["user"] == "u"


async def test_a_server_without_stream_options_is_streamed_from_all_the_same():
    with LoopbackServer(refuses={"stream_options"}) as server:
        route, notes = candidate(server.base_url), CallNotes()
        with pytest.raises(ParameterRefused):
            await batches(route)

        await batches(route, notes=notes)

    assert notes.dropped == []
    assert "stream_options" not in server.requests[1].body


async def test_max_tokens_is_sent_under_the_name_that_the_server_knows():
    with LoopbackServer(refuses={"max_tokens"}) as server:
        route, notes = candidate(server.base_url), CallNotes()
        with pytest.raises(ParameterRefused):
            await batches(route, params={"max_tokens": 5})

        await batches(route, params={"max_tokens": 5}, notes=notes)

    assert server.requests[1].body["max_completion_tokens"] == 5
    assert notes.dropped == []


async def test_what_one_model_refuses_is_still_sent_to_another():
    with LoopbackServer(refuses={"seed"}) as server:
        with pytest.raises(ParameterRefused):
            await batches(candidate(server.base_url), params={"seed": 1})
        with pytest.raises(ParameterRefused):
            await batches(candidate(server.base_url, "other"), params={"seed": 1})

    assert server.requests[1].body["seed"] == 1


async def test_the_memory_of_refusals_is_bounded():
    for number in range(1_030):
        memory.add(candidate("http://127.0.0.1:1/v1", f"m{number}"), ["seed"])

    assert memory.of(candidate("http://127.0.0.1:1/v1", "m0")) == ()
    assert memory.of(candidate("http://127.0.0.1:1/v1", "m1029")) == ("seed",)


# Models


async def test_models_are_listed(loopback):
    assert await list_models(candidate(loopback.base_url)) == [{"id": "m", "object": "model"}]


@pytest.mark.parametrize("payload", [[{"id": "a"}], ["a"], {"models": [{"id": "a"}]}, {"data": [{"id": "a"}, None, 3]}])
async def test_models_are_listed_from_other_shapes(loopback, payload):
    loopback.replies(Reply.json(payload))

    assert await list_models(candidate(loopback.base_url)) == [{"id": "a"}]


@pytest.mark.parametrize("payload", [{"error": {"code": 401}}, {}, 3, "x"])
async def test_what_is_no_list_of_models_is_a_failure(loopback, payload):
    loopback.replies(Reply.json(payload))

    with pytest.raises(HTTPFailure):
        await list_models(candidate(loopback.base_url))
