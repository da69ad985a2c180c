"""What OpenTelemetry is told of embeddings, pictures, speech, transcripts and films: as of a chat."""

import asyncio

import pytest

from g4f_integrations import Resilience, errors
from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.core.media import (
    DownloadLimits,
    agenerate_images,
    agenerate_video,
    asynthesize_speech,
    atranscribe,
    generate_images,
)
from g4f_integrations.core.observing import configure_telemetry
from loopback import LoopbackServer, Reply, Stall
from toy_embeddings import answer, embeddings, vector_of
from toy_media import base64_of, mp3, mp4, png, wav

pytest.importorskip("opentelemetry.sdk", reason="the `opentelemetry-sdk` package is not installed")

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from telling import following

SECRET = "the cat's name is Mortimer"
QUICK = Resilience(backoff_initial=0.0, max_attempts=3)
DOWN = Reply.status(503, {"error": {"message": f"down, {SECRET}"}})
PICTURE = Reply.json({"data": [{"b64_json": base64_of(png())}]})


@pytest.fixture
def told(monkeypatch):
    with following(monkeypatch) as told:
        yield told


def embedder(server, **settings):
    return EmbeddingFields(**{"base_url": server.base_url, "model": "a", "resilience": QUICK, **settings})


async def test_embeddings_are_one_span_with_a_child_for_each_attempt(told, loopback):
    loopback.replies(DOWN, embeddings())

    await embedder(loopback, batch_size=2, max_concurrency=1).aembed_texts(["one", "two", SECRET])

    call, attempts = told.call, told.attempts
    assert (call.name, call.kind, call.status.status_code) == ("embeddings a", SpanKind.CLIENT, StatusCode.UNSET)
    assert call.attributes["gen_ai.provider.name"] == attempts[0].attributes["g4f.provider"]
    assert {name: value for name, value in call.attributes.items() if name != "gen_ai.provider.name"} == {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.request.model": "a",
        "gen_ai.response.model": "a",
        "gen_ai.usage.input_tokens": 2,
        "g4f.attempts": 3,
    }
    assert [one.attributes["g4f.attempt.outcome"] for one in attempts] == ["overloaded", "ok", "ok"]
    assert {one.parent.span_id for one in attempts} == {call.context.span_id}
    assert "Mortimer" not in "".join(span.to_json() for span in told.spans)


async def test_the_length_that_is_asked_for_is_told(told, loopback):
    loopback.replies(lambda request: Reply.json(answer(request.body["input"], length=8)))

    await embedder(loopback, dimensions=8).aembed_texts(["one"])

    assert told.call.attributes["gen_ai.embeddings.dimension.count"] == 8


async def test_batches_that_are_embedded_side_by_side_belong_to_one_call(told, loopback):
    loopback.replies(embeddings())
    texts = [f"{number} lamps" for number in range(12)]

    assert await embedder(loopback, batch_size=2).aembed_texts(texts) == [vector_of(text) for text in texts]

    assert told.call.attributes["g4f.attempts"] == 6
    assert {one.parent.span_id for one in told.attempts} == {told.call.context.span_id}


async def test_metrics_count_embeddings_once(told, loopback):
    loopback.replies(embeddings())

    await embedder(loopback, batch_size=1).aembed_texts(["one", "two"])

    [duration] = told.points("gen_ai.client.operation.duration")
    assert (duration.count, duration.attributes["gen_ai.operation.name"]) == (1, "embeddings")
    [tokens] = told.points("gen_ai.client.token.usage")
    assert (tokens.sum, tokens.attributes["gen_ai.token.type"]) == (2, "input")
    assert [point.value for point in told.points("g4f.client.attempts")] == [2]


async def test_tokens_that_a_server_does_not_tell_are_not_told(told, loopback):
    loopback.replies(Reply.json({"embeddings": [[1.0, 2.0]]}))

    await embedder(loopback).aembed_texts(["one"])

    assert "gen_ai.usage.input_tokens" not in told.call.attributes
    assert told.points("gen_ai.client.token.usage") == []


async def test_embeddings_that_fail_tell_the_kind_of_the_error(told, loopback):
    loopback.replies(Reply.status(401, {"error": {"message": f"Incorrect API key, {SECRET}"}}))

    with pytest.raises(errors.AuthenticationError):
        await embedder(loopback).aembed_texts(["one"])

    assert told.call.attributes["error.type"] == "auth"
    assert told.call.status.status_code is StatusCode.ERROR
    assert "Mortimer" not in "".join(span.to_json() for span in told.spans)


def image(server):
    return agenerate_images("a cat", base_url=server.base_url, model="m", resilience=QUICK)


def spoken(server):
    return asynthesize_speech("Good evening.", base_url=server.base_url, model="m", resilience=QUICK)


def written(server):
    return atranscribe(wav(), base_url=server.base_url, model="m", resilience=QUICK)


def film(server):
    limits = DownloadLimits(allow_private=True)
    return agenerate_video("a cat", base_url=server.base_url, model="m", resilience=QUICK, limits=limits)


@pytest.mark.parametrize(
    ("wish", "reply", "output"),
    [
        (image, PICTURE, "image"),
        (spoken, Reply.status(200, mp3(), content_type="audio/mpeg"), "speech"),
        (written, Reply.json({"text": "Good evening."}), "text"),
        (film, Reply.json({"data": [{"b64_json": base64_of(mp4())}]}), "video"),
    ],
)
async def test_what_is_made_is_one_span_with_a_child_for_each_attempt(told, loopback, wish, reply, output):
    loopback.replies(DOWN, reply)

    await wish(loopback)

    assert told.call.name == "generate_content m"
    assert told.call.attributes["gen_ai.operation.name"] == "generate_content"
    assert told.call.attributes["gen_ai.output.type"] == output
    assert [one.attributes["g4f.attempt.outcome"] for one in told.attempts] == ["overloaded", "ok"]
    assert {one.parent.span_id for one in told.attempts} == {told.call.context.span_id}


async def test_each_of_several_pictures_is_a_call(told, loopback):
    loopback.replies(PICTURE)

    await agenerate_images("a cat", n=3, base_url=loopback.base_url, model="m")

    assert [span.attributes["g4f.attempts"] for span in told.calls] == [1, 1, 1]


def test_a_call_from_ordinary_code_belongs_to_its_callers_span(told, loopback):
    loopback.replies(PICTURE)

    with trace.get_tracer("test").start_as_current_span("outer") as outer:
        generate_images("a cat", base_url=loopback.base_url, model="m")

    assert told.call.parent.span_id == outer.get_span_context().span_id


async def test_words_of_errors_go_along_where_they_are_asked_for(told, loopback):
    configure_telemetry(content=True)
    loopback.replies(DOWN, PICTURE)

    await image(loopback)

    assert SECRET in told.attempts[0].status.description


async def test_a_cancelled_call_ends_its_spans(told):
    with LoopbackServer() as server:
        server.replies(Reply.raw(Stall()))
        asking = asyncio.create_task(embedder(server).aembed_texts(["one"]))
        await asyncio.to_thread(server.wait_for_requests)
        asking.cancel()
        await asyncio.wait({asking})

    assert told.call.attributes["error.type"] == "CancelledError"
    assert [one.attributes["g4f.attempt.outcome"] for one in told.attempts] == ["cancelled"]
