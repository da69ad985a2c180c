"""Embeddings over real connections: batches, order, failures, and never another model."""

import asyncio
import threading
import time

import pytest

from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.tokens import load_vocabulary
from g4f_integrations.errors import (
    AuthenticationError,
    ContextLengthError,
    IntegrationError,
    InvalidRequestError,
    ProviderUnavailableError,
    RateLimitError,
)
from loopback import CUT, LoopbackServer, Reply, Stall
from toy_embeddings import answer, embeddings, refusal, vector_of

QUICK = Resilience(backoff_initial=0.0, max_attempts=3)
PATIENT = Resilience(backoff_initial=0.0)


def embedder(server, **settings):
    return EmbeddingFields(**{"base_url": server.base_url, "model": "a", "resilience": QUICK, **settings})


def inputs(server):
    return [request.body["input"] for request in server.requests]


@pytest.fixture
def other():
    with LoopbackServer() as server:
        yield server


# What is sent, and what comes back


def test_texts_go_in_batches_and_vectors_come_back_in_order(loopback):
    loopback.replies(embeddings())
    texts = [f"{number} lamps" for number in range(23)]

    vectors = embedder(loopback, batch_size=5).embed_texts(texts)

    assert vectors == [vector_of(text) for text in texts]
    assert sorted(map(len, inputs(loopback))) == [3, 5, 5, 5, 5]


def test_a_batch_holds_so_many_tokens_at_the_most(loopback):
    loopback.replies(embeddings())

    embedder(loopback, batch_tokens=29).embed_texts(["one two three four five six seven eight nine ten"] * 4)

    assert [len(texts) for texts in inputs(loopback)] == [2, 2]


def test_the_request_says_what_was_asked_for_and_no_more(loopback):
    loopback.replies(embeddings())

    embedder(loopback, dimensions=8, extra_body={"user": "me"}, api_key="sk-1").embed_texts(["lamp"])

    (request,) = loopback.requests
    assert request.body == {
        "model": "a", "input": ["lamp"], "encoding_format": "base64", "dimensions": 8, "user": "me",
    }  # fmt: skip
    assert request.headers["authorization"] == "Bearer sk-1"


def test_no_texts_are_no_request(loopback):
    assert embedder(loopback).embed_texts([]) == []
    assert loopback.requests == []


def test_an_empty_text_has_a_vector_though_endpoints_refuse_it(loopback):
    loopback.replies(embeddings())

    assert len(embedder(loopback).embed_texts(["", "lamp", "\n"])) == 3


def test_a_text_that_is_too_long_is_embedded_in_pieces(loopback):
    loopback.replies(embeddings())

    (vector, other) = embedder(loopback, max_text_tokens=16).embed_texts(["lamp " * 60, "sea"])

    assert other == vector_of("sea")
    assert len(vector) == 4
    assert sum(len(texts) for texts in inputs(loopback)) > 4


def test_a_text_that_the_endpoint_finds_too_long_is_embedded_in_pieces_from_then_on(loopback):
    load_vocabulary("a")  # or the second text might be counted otherwise than the first, which was estimated meanwhile
    loopback.replies(embeddings(longest=100))
    model = embedder(loopback)

    vectors = model.embed_texts(["lamp " * 60])
    before = len(loopback.requests)
    model.embed_texts(["tree " * 60])

    assert len(vectors) == 1
    assert len(loopback.requests) == before + 1


def test_a_text_that_never_fits_is_an_error(loopback):
    loopback.replies(embeddings(longest=0))

    with pytest.raises(ContextLengthError):
        embedder(loopback).embed_texts(["lamp " * 60])


def test_a_batch_that_the_endpoint_finds_too_large_is_sent_in_smaller_ones_from_then_on(loopback):
    loopback.replies(embeddings(most=4))
    model = embedder(loopback, max_concurrency=1)
    texts = [f"{number} lamps" for number in range(10)]

    assert model.embed_texts(texts) == [vector_of(text) for text in texts]
    before = len(loopback.requests)
    model.embed_texts(texts)

    assert max(map(len, inputs(loopback)[before:])) <= 4


def test_a_server_without_base64_is_asked_for_numbers_from_then_on(loopback):
    loopback.replies(embeddings(takes_base64=False))
    model = embedder(loopback)

    assert model.embed_texts(["lamp"]) == model.embed_texts(["lamp"]) == [vector_of("lamp")]
    assert ["encoding_format" in request.body for request in loopback.requests] == [True, False, False]


def test_dimensions_that_a_server_refuses_are_never_left_out(loopback):
    loopback.replies(refusal("Unknown parameter: 'dimensions'.", param="dimensions"))

    with pytest.raises(InvalidRequestError, match="dimensions"):
        embedder(loopback, dimensions=8).embed_texts(["lamp"])
    assert {"dimensions" in request.body for request in loopback.requests} == {True}


def test_a_server_that_takes_no_notice_of_dimensions_is_an_error(loopback):
    loopback.replies(lambda request: Reply.json(answer(request.body["input"], as_base64=False)))

    with pytest.raises(ProviderUnavailableError, match=r"4 numbers though dimensions=8 was asked for"):
        embedder(loopback, dimensions=8).embed_texts(["lamp"])


def test_halves_of_characters_are_not_sent(loopback):
    loopback.replies(embeddings())

    embedder(loopback).embed_texts(["a\ud800b"])

    assert loopback.requests[0].body["input"] == ["a\ufffdb"]


def test_ten_thousand_texts_keep_their_order(loopback):
    loopback.replies(embeddings())
    texts = [f"{number}" for number in range(10_000)]

    assert embedder(loopback, batch_size=2000).embed_texts(texts) == [vector_of(text) for text in texts]


def test_progress_is_told_in_texts(loopback):
    loopback.replies(embeddings())
    told = []

    embedder(loopback, batch_size=2, max_text_tokens=16).embed_texts(["a", "lamp " * 60, "c"], told.append)

    assert sum(told) == 3


# What goes wrong


def test_a_429_on_the_third_batch_is_waited_out_and_nothing_is_lost(loopback):
    good = embeddings()
    loopback.replies(good, good, Reply.status(429, "slow down", {"Retry-After": "0.02"}), good)
    texts = [f"{number} lamps" for number in range(10)]

    vectors = embedder(loopback, batch_size=2, max_concurrency=1, resilience=PATIENT).embed_texts(texts)

    assert vectors == [vector_of(text) for text in texts]
    assert inputs(loopback)[2] == inputs(loopback)[3]


def test_a_429_that_stays_is_an_error_and_no_vectors_are_returned(loopback):
    loopback.replies(embeddings(), Reply.status(429, "slow down", {"Retry-After": "3600"}))

    with pytest.raises(RateLimitError) as caught:
        embedder(loopback, batch_size=1, max_concurrency=1).embed_texts(["a", "b", "c"])
    assert caught.value.retry_after == pytest.approx(3600)


@pytest.mark.parametrize(
    "bad",
    [
        Reply.status(500, "oops"),
        Reply.status(200, "<html><title>Just a moment...</title></html>", content_type="text/html"),
        Reply.status(200, ""),
        Reply.json({"data": []}),
        Reply.json({"error": {"message": "overloaded"}}),
        Reply.raw(CUT),
    ],
    ids=["500", "html", "empty", "no vectors", "error in 200", "cut"],
)
def test_what_is_no_answer_is_asked_again(loopback, bad):
    loopback.replies(bad, embeddings())

    assert embedder(loopback).embed_texts(["lamp"]) == [vector_of("lamp")]


def test_a_wrong_key_is_not_tried_again(loopback):
    loopback.replies(refusal("Incorrect API key provided: sk-secret-1234567", 401))

    with pytest.raises(AuthenticationError) as caught:
        embedder(loopback, api_key="sk-secret-1234567").embed_texts(["lamp"])
    assert len(loopback.requests) == 1
    assert "sk-secret" not in f"{caught.value!r} {caught.value} {caught.value.body}"


def test_an_endpoint_without_embeddings_says_so(loopback):
    loopback.replies(refusal("Not Found", 404))

    with pytest.raises(IntegrationError, match="has no /embeddings"):
        embedder(loopback).embed_texts(["lamp"])


def test_attempts_are_never_more_than_allowed(loopback):
    loopback.replies(Reply.status(503, "busy"))

    with pytest.raises(ProviderUnavailableError) as caught:
        embedder(loopback).embed_texts(["lamp"])
    assert len(loopback.requests) == len(caught.value.attempts) == 3


async def test_a_stall_ends_by_the_clock(loopback):
    loopback.replies(Reply.body(Stall(), content_type="application/json"))

    with pytest.raises(IntegrationError, match="attempt_timeout"):
        await embedder(loopback, timeout=0.05, max_retries=0, resilience=None).aembed_texts(["lamp"])


async def test_a_cancelled_call_leaves_nothing_open(loopback):
    loopback.replies(Reply.body(Stall(), content_type="application/json"))
    task = asyncio.create_task(embedder(loopback, batch_size=1).aembed_texts(["a", "b", "c"]))
    await asyncio.to_thread(loopback.wait_for_requests, 3)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(lambda: all(request.client_left() for request in loopback.requests))


def test_vectors_of_another_length_are_never_mixed_in(loopback):
    loopback.replies(embeddings(), Reply.json([[1.0, 2.0]]))
    model = embedder(loopback)
    model.embed_texts(["lamp"])

    with pytest.raises(IntegrationError, match="2 numbers and not 4"):
        model.embed_texts(["sea"])


# Side by side


async def test_so_many_requests_run_at_a_time_over_all_calls_of_a_loop(loopback):
    running, most, lock = 0, 0, threading.Lock()

    def slow(request):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)

        def end():
            nonlocal running
            with lock:
                running -= 1

        threading.Timer(0.02, end).start()
        return Reply((*embeddings()(request).steps[:1], Stall(0.02), *embeddings()(request).steps[1:]))

    loopback.replies(slow)
    model = embedder(loopback, batch_size=1, max_concurrency=2)

    await asyncio.gather(*(model.aembed_texts(["a", "b"]) for _ in range(4)))

    assert most <= 3  # the server sees the end of a request a moment after the next has begun


async def test_the_loop_goes_on_meanwhile(loopback):
    loopback.replies(
        lambda request: Reply((*embeddings()(request).steps[:1], Stall(0.03), *embeddings()(request).steps[1:]))
    )
    task = asyncio.create_task(embedder(loopback).aembed_texts(["lamp"]))
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0.001)

    assert turns > 5


def test_it_works_in_a_running_loop_and_in_loop_after_loop(loopback):
    loopback.replies(embeddings())
    model = embedder(loopback)

    async def blocking():
        return model.embed_texts(["lamp"])

    assert asyncio.run(blocking()) == [vector_of("lamp")]
    for _ in range(3):
        assert asyncio.run(model.aembed_texts(["lamp"])) == [vector_of("lamp")]


# Mirrors


def test_a_mirror_takes_over_once_its_vectors_agree(loopback, other):
    loopback.replies(embeddings(), Reply.status(503, "busy"))
    other.replies(embeddings())
    model = embedder(loopback, mirrors=[other.base_url])
    model.embed_texts(["lamp"])

    assert model.embed_texts(["sea"]) == [vector_of("sea")]
    assert model.embed_texts(["sky"]) == [vector_of("sky")]
    assert [len(sent) for sent in inputs(other)] == [2, 1]  # the canary goes along once


def test_a_mirror_with_another_model_is_refused(loopback, other):
    loopback.replies(embeddings(), Reply.status(503, "busy"))
    other.replies(embeddings(model="b"))
    model = embedder(loopback, mirrors=[other.base_url])
    model.embed_texts(["lamp"])

    with pytest.raises(IntegrationError, match="no mirror of the first route"):
        model.embed_texts(["sea"])


def test_a_mirror_is_not_asked_before_there_is_anything_to_compare_it_with(loopback, other):
    loopback.replies(Reply.status(503, "busy"))
    other.replies(embeddings())

    with pytest.raises(ProviderUnavailableError):
        embedder(loopback, mirrors=[other.base_url]).embed_texts(["lamp"])
    assert other.requests == []


def test_a_route_that_rests_is_not_asked_before_its_time(loopback):
    loopback.replies(Reply.status(429, "slow down", {"Retry-After": "0.05"}), embeddings())
    began = time.monotonic()

    embedder(loopback, resilience=PATIENT).embed_texts(["lamp"])

    assert time.monotonic() - began >= 0.05
