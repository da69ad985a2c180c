"""The engine over real connections: every way in which a server fails, and what the user gets instead."""

import asyncio
import gzip
import json
import zlib

import pytest

from asking import FAST, Answer, ask, start
from g4f_integrations import errors
from g4f_integrations.core.endpoint import refused_parameters
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint
from loopback import CUT, LoopbackServer, Reply, Stall, chunk, completion
from strict_openai import message_fault

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"

FAULTS = {
    "429": (
        Reply.json({"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}, status=429),
        "rate_limit",
    ),
    "500": (Reply.json({"error": {"message": "boom"}}, status=500), "overloaded"),
    "401": (Reply.json({"error": {"message": "Incorrect API key provided"}}, status=401), "auth"),
    "402": (Reply.json({"error": {"message": "Insufficient credits"}}, status=402), "quota"),
    "404": (
        Reply.json({"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}, status=404),
        "model_not_found",
    ),
    "html": (Reply.status(502, HTML, content_type="text/html"), ("blocked", "overloaded")),
    "html as success": (Reply.status(200, HTML, content_type="text/html"), ("blocked", "overloaded")),
    "error as success": (Reply.json({"error": {"message": "The server is overloaded", "code": 503}}), "overloaded"),
    "no answer": (Reply.raw(CUT), "network"),
    "empty": (Reply.chat(""), "empty"),
    "notice": (Reply.chat("Ratelimit Exceeded!"), "rate_limit"),
}


@pytest.fixture(autouse=True)
def _nothing_refused_yet():
    refused_parameters.clear()


@pytest.fixture
def good():
    with LoopbackServer() as server:
        server.replies(Reply.chat("Good ", "answer.", model="served"))
        yield server


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_before_the_first_text_leads_to_the_next_endpoint(loopback, good, fault, stream):
    reply, kinds = FAULTS[fault]
    loopback.replies(reply)

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"), Endpoint(good.base_url, "m")), stream=stream)

    assert answer.text == "Good answer."
    assert answer.info.model == "served"
    failed, fine = answer.info.attempts
    assert failed.outcome in ((kinds,) if isinstance(kinds, str) else kinds)
    assert fine.outcome == "ok"


@pytest.mark.parametrize(
    "ending",
    [[CUT], [], [b'data: {"error": {"message": "overloaded", "code": 503}}\n\n']],
    ids=["cut", "eof", "error event"],
)
async def test_every_end_in_mid_answer_raises_with_the_partial_text(loopback, good, ending):
    piece = f"data: {json.dumps(chunk('Lighthouses flash '))}\n\n".encode()
    loopback.replies(Reply.body(piece, *ending))
    routes = (Endpoint(loopback.base_url, "m"), Endpoint(good.base_url, "m"))
    seen = Answer()

    with pytest.raises(errors.StreamInterruptedError) as caught:
        await ask(routes=routes, into=seen, policy=Resilience(on_stream_failure="raise"))

    assert caught.value.partial_text == seen.text == "Lighthouses flash "
    assert good.requests == []


@pytest.mark.parametrize(
    "ending",
    [[CUT], [], [b'data: {"error": {"message": "overloaded", "code": 503}}\n\n']],
    ids=["cut", "eof", "error event"],
)
async def test_every_end_in_mid_answer_is_carried_on_by_the_next_endpoint(loopback, good, ending):
    piece = f"data: {json.dumps(chunk('Lighthouses flash '))}\n\n".encode()
    loopback.replies(Reply.body(piece, *ending))
    good.replies(Reply.chat("flash at night."))

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"), Endpoint(good.base_url, "m")))

    assert answer.text == "Lighthouses flash at night."
    assert (answer.outcomes, answer.info.resumed) == (["interrupted", "ok"], 1)


async def test_a_stall_is_no_answer_even_when_keep_alives_come(loopback, good):
    keep_alives = [step for _ in range(40) for step in (b": keep-alive\n\n", Stall(0.01))]
    loopback.replies(Reply.body(*keep_alives, Stall()))

    answer = await ask(
        routes=(Endpoint(loopback.base_url, "m"), Endpoint(good.base_url, "m")),
        policy=Resilience(first_token_timeout=0.1),
    )

    assert answer.outcomes == ["timeout", "ok"]
    assert loopback.requests[0].client_left()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_a_task_cancel_frees_the_connection(loopback, stream):
    loopback.replies(Reply.body(Stall()))
    task = asyncio.create_task(ask(routes=(Endpoint(loopback.base_url, "m"),), stream=stream))
    await asyncio.to_thread(loopback.wait_for_requests)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert loopback.requests[0].client_left()


async def test_leaving_a_stream_frees_the_connection(loopback):
    loopback.replies(Reply.sse(chunk("Lighthouses flash "), Stall()))
    stream = start(routes=(Endpoint(loopback.base_url, "m"),))
    await anext(stream)

    await stream.aclose()

    assert loopback.requests[0].client_left()


async def test_a_parameter_that_a_server_refuses_by_name_is_left_out_and_told(loopback):
    refusal = {"error": {"message": "Unsupported parameter: 'seed'", "param": "seed", "code": "unsupported_parameter"}}
    loopback.replies(Reply.json(refusal, status=400), Reply.chat("fine"))

    first = await ask(routes=(Endpoint(loopback.base_url, "m"),), params={"seed": 1, "temperature": 0.5})
    second = await ask(routes=(Endpoint(loopback.base_url, "m"),), params={"seed": 1, "temperature": 0.5})

    assert (first.outcomes, second.outcomes) == (["bad_request", "ok"], ["ok"])
    assert first.info.dropped == second.info.dropped == ["seed"]
    assert "seed" not in loopback.requests[-1].body
    assert loopback.requests[-1].body["temperature"] == 0.5


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_a_server_that_refuses_calls_without_results_is_told_them_in_text(loopback, stream):
    refusal = "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'."
    loopback.replies(Reply.json({"error": {"message": refusal}}, status=400), Reply.chat("fine"))
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    history = [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "user", "content": "Never mind."}]

    first = await ask(messages=history, routes=(Endpoint(loopback.base_url, "m"),), stream=stream)
    second = await ask(messages=history, routes=(Endpoint(loopback.base_url, "m"),), stream=stream)

    assert (first.outcomes, second.outcomes) == (["bad_request", "ok"], ["ok"])
    assert first.info.flattened is second.info.flattened is True
    assert loopback.requests[0].body["messages"] == history
    assert [message_fault(request.body["messages"]) for request in loopback.requests[1:]] == [None, None]


async def test_the_retry_after_header_is_kept_on_the_error(loopback):
    loopback.replies(Reply.json({"error": {"message": "slow down"}}, status=429, headers={"Retry-After": "77"}))

    with pytest.raises(errors.RateLimitError) as caught:
        await ask(routes=(Endpoint(loopback.base_url, "m"),))

    assert caught.value.retry_after == 77
    assert len(loopback.requests) == 1


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_status_body_and_the_headers_that_help_are_on_the_error(loopback, stream):
    headers = {"X-Request-Id": "req-1", "X-RateLimit-Remaining-Requests": "0", "Set-Cookie": "session=1"}
    body = {"error": {"message": "slow down", "type": "requests", "key": "sk-abcdefghijklmnop"}}
    loopback.replies(Reply.json(body, status=429, headers=headers))

    with pytest.raises(errors.RateLimitError) as caught:
        await ask(routes=(Endpoint(loopback.base_url, "m"),), stream=stream, policy=Resilience(max_attempts=1))

    error = caught.value
    assert (error.status, error.request_id) == (429, "req-1")
    assert json.loads(error.body) == {"error": {"message": "slow down", "type": "requests", "key": "**********"}}
    assert error.headers == {"x-request-id": "req-1", "x-ratelimit-remaining-requests": "0"}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_request_ids_and_rate_limits_of_a_good_answer_are_told(loopback, stream):
    loopback.replies(Reply.json(completion("a"), headers={"X-Request-Id": "req-1", "Set-Cookie": "a=b"}))

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"),), stream=stream)

    assert answer.info.to_dict()["headers"] == {"x-request-id": "req-1"}


async def test_a_giant_error_body_is_cut(loopback):
    loopback.replies(Reply.status(401, "x" * 50_000))

    with pytest.raises(errors.AuthenticationError) as caught:
        await ask(routes=(Endpoint(loopback.base_url, "m"),))

    assert len(caught.value.body) == 2_000


async def test_a_short_retry_after_is_kept_before_the_endpoint_is_asked_again(loopback):
    loopback.replies(
        Reply.json({"error": {"message": "slow down"}}, status=429, headers={"retry-after-ms": "40"}),
        Reply.chat("fine"),
    )
    loop = asyncio.get_running_loop()
    began = loop.time()

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"),))

    assert answer.text == "fine"
    assert loop.time() - began >= 0.04


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_a_wrong_key_is_one_attempt_and_shows_in_no_text(loopback, stream):
    key = "sk-a-very-secret-key-1234567890"
    loopback.replies(Reply.json({"error": {"message": f"Incorrect API key provided: {key}"}}, status=401))

    with pytest.raises(errors.AuthenticationError) as caught:
        await ask(routes=(Endpoint(loopback.base_url, "m", api_key=key),), stream=stream)

    assert len(caught.value.attempts) == len(loopback.requests) == 1
    assert key not in f"{caught.value!r} {caught.value} {caught.value.attempts}"
    assert loopback.requests[0].headers["authorization"] == f"Bearer {key}"


async def test_keys_go_to_their_own_endpoint_alone(loopback, good):
    loopback.replies(Reply.status(500))

    await ask(
        routes=(Endpoint(loopback.base_url, "m", api_key="key-for-one"), Endpoint(good.base_url, "m")), policy=FAST
    )

    assert "authorization" not in good.requests[0].headers


async def test_messages_reach_a_server_byte_for_byte(loopback):
    loopback.replies(Reply.chat("fine"))
    messages = [
        {"role": "system", "content": "  Rules\n\n\twith space  "},
        {"role": "user", "content": "日本語 😀 \u0000 </think>"},
        {"role": "assistant", "content": "ok"},
        {"role": "assistant", "content": "ok"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "x"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
            ],
        },
    ]

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"),), messages=messages)

    assert loopback.requests[0].body["messages"] == messages
    assert not answer.info.flattened
    assert answer.info.dropped == []


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
async def test_no_credential_that_a_server_echoes_is_told(loopback, stream):
    url = loopback.base_url.replace("http://", "http://user:pass-word-1@") + "?code=query-secret-1"
    echo = "refused: Token header-secret-1 call-secret-1 query-secret-1 user:pass-word-1 dXNlcjpwYXNzLXdvcmQtMQ=="
    loopback.replies(Reply.json({"error": {"message": echo}}, status=401, headers={"X-Request-Id": "header-secret-1"}))
    route = Endpoint(url, "m", headers={"Authorization": "Token header-secret-1"})

    with pytest.raises(errors.AuthenticationError) as caught:
        await ask(routes=(route,), stream=stream, call_headers={"X-Auth-Token": "call-secret-1"})

    told = f"{caught.value!r} {caught.value} {caught.value.attempts} {caught.value.body} {caught.value.headers}"
    assert "refused" in told
    assert not [word for word in ("header-secret-1", "call-secret-1", "query-secret-1", "pass-word-1") if word in told]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
@pytest.mark.parametrize(
    "raw",
    [
        b"NOT HTTP AT ALL\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        *(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (encoding, len(body), body)
            for encoding, body in [
                (b"gzip", gzip.compress(b"{}")[:10]),
                (b"deflate", zlib.compress(b"{}" * 90)[:8]),
                (b"deflate", b"nope"),
                (b"br", b"nope"),
                (b"br", b"\x1b"),
                (b"zstd", b"nope"),
                (b"zstd", b"\x28\xb5\x2f\xfd"),
                (b"x-gzip", gzip.compress(b"{}")),
                (b"gzip, br", b"nope"),
            ]
        ),
    ],
    ids=[
        *("no http", "bad gzip", "bad chunk", "start of gzip", "start of deflate", "bad deflate", "bad br"),
        *("start of br", "bad zstd", "start of zstd", "x-gzip", "gzip in br"),
    ],
)
async def test_garbled_http_is_the_networks_fault_and_not_the_requests(loopback, good, raw, stream):
    loopback.replies(Reply.raw(raw))

    answer = await ask(routes=(Endpoint(loopback.base_url, "m"), Endpoint(good.base_url, "m")), stream=stream)

    assert answer.outcomes == ["network", "ok"]


async def test_a_users_own_timeout_around_a_blocking_call_stays_the_users(loopback):
    loopback.replies(Reply.body(Stall()))

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.1):
            await ask(routes=(Endpoint(loopback.base_url, "m"),), stream=False)

    assert not isinstance(caught.value, errors.IntegrationError)
    assert loopback.requests[0].client_left()
