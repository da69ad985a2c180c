"""Clocks of whole answers on a loop that was kept busy: what has come in time is not lost because the loop was late."""

import asyncio

import pytest

from asking import ask
from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint
from loopback import WAIT, Reply, Stall, completion

SECONDS = 20.0  # of the clocks here; nobody waits that long, because the loop's time is put forward
VECTOR = {"data": [{"index": 0, "embedding": [0.5, 0.25]}], "model": "m"}
CLOCKS = Resilience(attempt_timeout=SECONDS, max_attempts=1)


@pytest.fixture
async def put_forward(monkeypatch):
    """Puts the time of the running loop forward, as if something had kept it busy for so long."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: real() + ahead[0])

    def put(seconds):
        ahead[0] += seconds

    return put


async def asked(server):
    assert await asyncio.to_thread(server.wait_for_requests)
    return server.requests[0]


def after_a_while(payload):
    return Reply((Stall(0.03), *Reply.json(payload).steps))


async def ask_chat(url):
    return (await ask(routes=(Endpoint(url, "m"),), policy=CLOCKS, stream=False)).text


async def ask_for_vector(url):
    return await EmbeddingFields(base_url=url, model="m", resilience=CLOCKS).aembed_texts(["x"])


@pytest.mark.parametrize(
    ("question", "payload", "answer"),
    [(ask_chat, completion("In time."), "In time."), (ask_for_vector, VECTOR, [[0.5, 0.25]])],
    ids=["chat", "embedding"],
)
async def test_an_answer_that_lies_in_the_socket_when_the_clock_runs_out_has_come_in_time(
    loopback, put_forward, question, payload, answer
):
    loopback.replies(after_a_while(payload))
    asking = asyncio.ensure_future(question(loopback.base_url))
    request = await asked(loopback)

    assert request.answered.wait(WAIT)  # and nobody turns the loop meanwhile
    put_forward(SECONDS + 1)

    assert await asking == answer


async def test_a_server_that_is_silent_gets_no_more_than_the_grace(loopback, put_forward):
    loopback.replies(Reply.raw(Stall()), Reply.json(completion("The second.")))
    routes = (Endpoint(loopback.base_url, "m"), Endpoint(loopback.base_url, "n"))
    asking = asyncio.ensure_future(
        ask(routes=routes, policy=Resilience(attempt_timeout=SECONDS, deadline=None), stream=False)
    )
    await asked(loopback)

    put_forward(SECONDS + 1)

    assert (await asking).outcomes == ["timeout", "ok"]
