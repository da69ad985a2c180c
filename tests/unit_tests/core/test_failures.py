"""`classify`: whatever an attempt raised, by class, status, headers and words."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from email.utils import formatdate
from pathlib import Path

import aiohttp
import pytest
from g4f import errors as g4f_errors
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.failures import AttemptFailed, ClockExpired, Failure, HTTPFailure, StreamCut, classify
from g4f_integrations.errors import ContextLengthError, RateLimitError
from loopback import Reply

ROWS = [json.loads(line) for line in (Path(__file__).parent / "data/error_texts.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['kind']}-{number}" for number, row in enumerate(ROWS)])
def test_the_words_of_an_error_tell_its_kind_and_its_figures(row):
    failure = classify(row["text"])

    assert failure.kind == row["kind"]
    assert (failure.limit, failure.requested) == (row["limit"], row["requested"])
    assert failure.retry_after == pytest.approx(row["retry_after"])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (g4f_errors.RateLimitError("Response 429: slow down"), "rate_limit"),
        (g4f_errors.RateLimitError("Response 504: Gateway Timeout "), "timeout"),
        (g4f_errors.RateLimitError("Response 402: pay up"), "quota"),
        (g4f_errors.RateLimitError("busy: gpt-x"), "rate_limit"),
        (g4f_errors.MissingAuthError("Error 401: nope"), "auth"),
        (g4f_errors.PaymentRequiredError("Error 402: nope"), "quota"),
        (g4f_errors.CloudflareError("Response 403: Cloudflare detected"), "blocked"),
        (g4f_errors.ModelNotFoundError("x"), "model_not_found"),
        (g4f_errors.BadRequestError("Error 400: prompt is too long: 9 tokens > 8 maximum"), "context_length"),
        (g4f_errors.BadRequestError("Error 400: no"), "bad_request"),
        (g4f_errors.ResponseStatusError("Response 403: HTML content"), "blocked"),
        (g4f_errors.ResponseStatusError("Response 503: x"), "overloaded"),
        (g4f_errors.ResponseError("Error: Error 429: Rate limit reached"), "rate_limit"),
        (g4f_errors.NoValidHarFileError("x"), "auth"),
        (g4f_errors.TimeoutError("x"), "timeout"),
    ],
)
def test_errors_of_g4f_are_known_by_class_and_by_the_status_in_their_text(error, kind):
    assert classify(error).kind == kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), "timeout"),
        (asyncio.CancelledError(), "cancelled"),
        (ConnectionResetError(104, "Connection reset by peer"), "network"),
        (socket.gaierror(-2, "Name or service not known"), "network"),
        (ssl.SSLError(1, "bad record"), "network"),
        (aiohttp.ServerDisconnectedError(), "network"),
        (aiohttp.ClientPayloadError("Response payload is not completed"), "network"),
        (aiohttp.ServerTimeoutError("no data"), "timeout"),
        (aiohttp.ClientConnectionError("rate limit in an address counts for nothing"), "network"),
        (asyncio.IncompleteReadError(b"", 5), "network"),
        (json.JSONDecodeError("Expecting value", "<!DOCTYPE html><title>Just a moment...</title>", 0), "blocked"),
        (RuntimeError("boom"), "unknown"),
    ],
)
def test_transport_errors_are_known_by_their_class(error, kind):
    assert classify(error).kind == kind


async def test_an_answer_that_is_no_sound_http_is_the_networks_fault_and_not_the_requests(loopback):
    loopback.replies(Reply.raw(b"HTTP/1.1 200 OK\r\nX-Junk: " + b"x" * 200_000 + b"\r\n\r\n"))

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            await session.get(loopback.base_url)

    assert (caught.value.status, classify(caught.value).kind) == (400, "network")


def test_g4fs_stumble_over_an_answer_without_choices_means_an_empty_answer():
    assert classify(AttributeError("'NoneType' object has no attribute 'get'")).kind == "empty"


def test_g4fs_stumble_over_a_page_instead_of_json_blames_the_provider_and_not_the_request():
    failure = classify(
        UnboundLocalError("cannot access local variable 'model' where it is not associated with a value")
    )

    assert (failure.kind, failure.scope) == ("blocked", "provider")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"RateLimit": '"default";r=0;t=7'}, 7.0),
        ({"RateLimit": '"burst";r=5;t=60, "day";r=0;t=7'}, 7.0),
        ({"RateLimit": "limit=10, remaining=0, reset=7"}, 7.0),
        ({"RateLimit": '"default";r=9;t=7'}, None),
        ({"Date": formatdate(1e9, usegmt=True), "Retry-After": formatdate(1e9 + 90, usegmt=True)}, 90.0),
        ({"Date": formatdate(1e9, usegmt=True), "Retry-After": formatdate(1e9 - 90, usegmt=True)}, 0.0),
        ({"x-ratelimit-reset-requests": "1m2s", "x-ratelimit-remaining-requests": "0"}, 62.0),
        (
            {
                "x-ratelimit-reset-requests": "9h",
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-tokens": "300ms",
                "x-ratelimit-remaining-tokens": "0",
            },
            0.3,
        ),
        ({"Date": formatdate(1.7e9, usegmt=True), "x-ratelimit-reset": "1700000030"}, 30.0),
        ({"Date": formatdate(1.7e9, usegmt=True), "x-ratelimit-reset": "1700000030000"}, 30.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e300"}, None),
    ],
)
def test_waits_are_read_from_the_headers_of_an_http_failure(headers, seconds):
    failure = classify(HTTPFailure(429, "slow down", headers))

    assert failure.kind == "rate_limit"
    assert failure.status == 429
    assert failure.retry_after == pytest.approx(seconds)


def test_headers_of_a_foreign_exception_are_read_too():
    info = aiohttp.RequestInfo(URL("http://x"), "POST", {}, URL("http://x"))
    error = aiohttp.ClientResponseError(info, (), status=429, message="Too Many Requests", headers={"Retry-After": "3"})

    assert classify(error).retry_after == 3.0


def test_the_waiting_time_in_the_text_stands_against_a_header_about_the_next_window():
    failure = classify(HTTPFailure(429, "Rate limit reached. Try again in 2s.", {"x-ratelimit-reset-tokens": "60s"}))

    assert failure.retry_after == 2.0


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, '{"error":{"code":"insufficient_quota","message":"x"}}', "quota"),
        (429, "Request too large: Limit 6000, Requested 7000", "context_length"),
        (400, '{"error":{"message":"API key not valid. Please pass a valid API key."}}', "auth"),
        (402, '{"error":"Queue full for IP"}', "rate_limit"),
        (403, "<!DOCTYPE html><title>Just a moment...</title>", "blocked"),
        (403, "", "auth"),
        (404, "", "model_not_found"),
        (413, "", "context_length"),
        (418, "", "blocked"),
        (422, '{"detail":[{"msg":"Field required"}]}', "bad_request"),
        (500, "403 Forbidden", "overloaded"),
        (503, "", "overloaded"),
        (524, "", "timeout"),
        (599, "", "overloaded"),
    ],
)
def test_plain_words_stand_against_the_status_and_the_status_against_vague_words(status, body, kind):
    assert classify(HTTPFailure(status, body)).kind == kind


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("prompt is too long", "request"),
        ("Content blocked by guardrail", "request"),
        ("invalid x-api-key", "key"),
        ("insufficient_quota", "key"),
        ("model_not_found", "model"),
        ("The model is overloaded", "model"),
        ("503 Service Unavailable", "provider"),
    ],
)
def test_the_scope_says_whom_the_failure_concerns(text, scope):
    assert classify(text).scope == scope


def test_a_failure_that_is_classified_already_is_handed_on_as_it_is():
    failure = Failure("notice", message="x")

    assert classify(AttemptFailed(failure)) is failure


def test_our_clocks_and_cuts_have_their_own_kinds():
    assert classify(ClockExpired("no first token within 20 s")) == Failure(
        "timeout", message="no first token within 20 s"
    )
    assert classify(StreamCut("ended after 5 chunks")).kind == "interrupted"


def test_this_packages_own_errors_keep_their_kind_and_figures():
    failure = classify(ContextLengthError("too long", limit=8192, requested=9000))

    assert (failure.kind, failure.limit, failure.requested) == ("context_length", 8192, 9000)


def test_the_cause_tells_what_a_wrapping_error_does_not():
    wrapper = RuntimeError("provider stumbled")
    wrapper.__cause__ = ConnectionRefusedError(111, "Connection refused")

    assert classify(wrapper).kind == "network"
    assert classify(ExceptionGroup("several", [TimeoutError()])).kind == "timeout"


def test_the_message_is_one_scrubbed_line_for_people():
    body = '{"error":{"message":"Incorrect API key provided:\\n sk-abcdefgh12345678","type":"x"}}'

    failure = classify(HTTPFailure(401, body))

    assert failure.message == "Incorrect API key provided: **********"
    assert "sk-abcdefgh" not in str(HTTPFailure(401, body)) + repr(HTTPFailure(401, body))


def test_what_the_route_answered_is_kept_scrubbed_and_cut():
    headers = {"X-Request-Id": "r1", "Retry-After": "3", "Authorization": "Bearer abcdefgh", "Set-Cookie": "a=b"}

    failure = classify(HTTPFailure(429, '{"key": "sk-abcdefghijklmnop"}' + "x" * 9_000, headers))

    assert failure.body.startswith('{"key": "**********"}xxx')
    assert len(failure.body) == 2_000
    assert failure.headers == {"x-request-id": "r1", "retry-after": "3"}


def test_an_error_of_ours_that_a_provider_raises_again_keeps_its_answer():
    failure = classify(RateLimitError("slow", status=429, body="slow down", headers={"cf-ray": "1"}))

    assert (failure.status, failure.body, failure.headers) == (429, "slow down", {"cf-ray": "1"})


def test_credentials_that_were_in_use_are_masked_wherever_a_route_echoes_them():
    failure = Failure("auth", message="bad pass-word-1", body='{"pass-word-1": 1}', headers={"cf-ray": "pass-word-1"})

    masked = failure.masking([Secret("pass-word-1"), None])

    assert "pass-word-1" not in f"{masked.message} {masked.body} {masked.headers}"
    assert masked.body == '{"**********": 1}'


def test_the_message_of_a_page_is_its_title():
    assert classify("Response 502: <html><head><title>Bad Gateway</title></head></html>").message == (
        "Response 502: an HTML page: Bad Gateway"
    )


class Hostile(Exception):
    kind = property(lambda _: 1 / 0)
    status = property(lambda _: 1 / 0)
    headers = property(lambda _: 1 / 0)

    def __str__(self):
        raise ValueError


def test_an_exception_that_refuses_to_be_read_is_unknown_and_nothing_is_raised():
    assert classify(Hostile()).kind == "unknown"


@given(st.text(max_size=300) | st.from_regex(r"(limit|retry after|try again in|requested|\d){1,20}", fullmatch=True))
def test_no_text_makes_it_raise(text):
    failure = classify(text)

    assert failure.kind != "ok"
    assert len(failure.message) <= 300
    assert "\n" not in failure.message


@pytest.mark.parametrize(
    "piece",
    ["9", "a ", "model ", "limit: 9 ", "{", "<title>", "try again in 1m", "requested ", "\u8bf7", "\\", "\\u00"],
)
def test_of_giant_texts_only_a_bounded_part_is_read(piece):
    giant = piece * 200_000

    assert classify(giant) == classify(giant[: len(giant) // 2 // len(piece) * len(piece)])


@pytest.mark.parametrize(
    "text",
    [
        "maximum input length is 10000 characters",
        "the limit is 25000 seconds",
        "upload limit is 25 mb",
        "limit: 10,000 bytes",
    ],
)
def test_a_figure_of_another_unit_is_no_limit_of_tokens_not_even_in_part(text):
    assert classify(f"Error 413: too long: {text}").limit is None


@pytest.mark.parametrize(
    ("figure", "limit"),
    [
        ("131072", 131_072),
        ("131,072", 131_072),
        ("1,048,576", 1_048_576),
        ("128.000", 128_000),
        ("128 000", 128_000),
        ("128'000", 128_000),
        ("32_768", 32_768),
        ("128k", 128_000),
        ("8.192k", 8_192),
        ("1 million", 1_000_000),
        ("12万", 120_000),
    ],
)
def test_limits_are_read_in_the_ways_in_which_numbers_are_written(figure, limit):
    assert classify(f"This model's maximum context length is {figure} tokens.").limit == limit


@pytest.mark.parametrize("wraps", [0, 1, 2])
@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("prompt is too long: 9000 tokens \\u003e 4096 maximum", (4_096, 9_000)),
        (json.dumps("输入内容过长，最多支持 4000 tokens，当前 9000 tokens"), (4_000, 9_000)),
    ],
)
def test_what_a_relay_has_escaped_is_read_as_it_was_meant(text, figures, wraps):
    for _ in range(wraps):
        text = json.dumps({"message": text})

    failure = classify(HTTPFailure(400, text))

    assert (failure.kind, failure.limit, failure.requested) == ("context_length", *figures)


def test_a_wait_inside_an_error_that_a_relay_has_quoted_is_read():
    google = json.dumps({"error": {"details": [{"retryDelay": "17s"}]}})

    assert classify(HTTPFailure(429, json.dumps({"error": {"message": google}}))).retry_after == 17.0


@pytest.mark.parametrize(
    ("text", "kind", "figures"),
    [
        ("提示词长度超过限制：最大 32000 tokens，当前 35210 tokens", "context_length", (32_000, 35_210)),
        ("Votre message est trop long. Veuillez le raccourcir.", "context_length", (None, None)),
        ("El mensaje supera la longitud máxima de contexto del modelo", "context_length", (None, None)),
        ("入力が長すぎます。最大コンテキスト長を超えています。", "context_length", (None, None)),
        ("Die Anfrage überschreitet die maximale Kontextlänge.", "context_length", (None, None)),
        ("max context length is 8192 but request has 7500 input tokens and 1000 output tokens", "context_length", (8_192, 8_500)),
    ],
)  # fmt: skip
def test_length_is_told_in_many_languages(text, kind, figures):
    failure = classify(text)

    assert (failure.kind, (failure.limit, failure.requested)) == (kind, figures)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Trop de requêtes, veuillez réessayer dans 15 secondes", 15.0),
        ("リクエストが多すぎます。5秒後に再試行してください。", 5.0),
        ("请求过于频繁，请在60秒后重试", 60.0),
    ],
)
def test_waits_are_read_in_many_languages(text, seconds):
    assert classify(text).retry_after == seconds
