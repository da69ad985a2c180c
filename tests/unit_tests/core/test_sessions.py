"""Connections: shared while they serve, closed with their call or their loop, left alone by forked children."""

import asyncio
import gc
import os
import warnings
from pathlib import Path

import aiohttp
import pytest

from g4f_integrations.core import sessions
from g4f_integrations.core.endpoint import call_endpoint
from g4f_integrations.core.events import TextDelta
from g4f_integrations.core.request import CallNotes, Request
from g4f_integrations.core.sessions import close_sessions, open_session
from loopback import CUT, WAIT, Reply, Stall, chunk
from unit_tests.core.calls import MESSAGES, candidate, events

BOTH = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "blocking"])
FOLDER = Path("/proc/self/fd")


async def test_calls_share_a_connection(loopback):
    for stream in (True, False, True):
        await events(loopback, stream=stream)

    assert loopback.connections == 1


async def test_two_hundred_calls_at_once_use_a_hundred_connections(loopback):
    loopback.replies(Reply.chat("a"))

    await asyncio.gather(*(events(loopback, stream=False) for _ in range(200)))

    assert 1 < loopback.connections <= 100


@BOTH
async def test_a_server_that_hung_up_while_the_loop_was_busy_costs_no_request(loopback, stream):
    def hang_up(request):
        return Reply(Reply.chat("a")(request).steps, keep_alive=False)

    loopback.replies(hang_up)
    for _ in range(3):
        assert TextDelta("a") in await events(loopback, stream=stream)
        assert loopback.wait_until_left()  # this test's loop stands still meanwhile

    assert len(loopback.requests) == loopback.connections == 3


@BOTH
async def test_a_server_that_hung_up_is_noticed_behind_a_connection_that_had_ended_before(loopback, stream):
    await asyncio.gather(events(loopback), events(loopback))
    (idle,) = (await open_session()).connector._conns.values()
    idle[-1 if isinstance(idle, list) else 0][0].transport.abort()
    await asyncio.sleep(0.01)  # the loop sees the one end
    loopback.hang_up()
    assert loopback.wait_until_left()  # and not the other

    await events(loopback, stream=stream)

    assert loopback.connections == 3


async def test_a_connection_that_lay_idle_for_long_is_not_used_again(loopback, monkeypatch):
    await events(loopback)
    monkeypatch.setattr(sessions, "_IDLE_SECONDS", -1.0)

    await events(loopback)

    assert loopback.connections == 2


@BOTH
@pytest.mark.parametrize("earlier", [0, 1], ids=["first request", "connection at hand"])
async def test_a_second_answer_to_a_request_is_never_taken_for_the_next_ones(loopback, stream, earlier):
    def twice(request):
        steps = Reply.chat("a")(request).steps
        return Reply((*steps, Stall(0.02), *steps))

    loopback.replies(*[Reply.chat("before")] * earlier, twice, Reply.chat("b"))
    for _ in range(earlier + 1):
        await events(loopback, stream=stream)
    assert await asyncio.to_thread(loopback.requests[-1].answered.wait, WAIT)
    await asyncio.sleep(0.01)  # it is read, and lies in the connection

    assert TextDelta("b") in await events(loopback, stream=stream)

    assert loopback.requests[-1].connection == 1


@pytest.mark.parametrize("earlier", [0, 1], ids=["first request", "connection at hand"])
async def test_an_answer_that_has_come_holds_no_connection_however_slowly_it_is_read(loopback, monkeypatch, earlier):
    monkeypatch.setattr(sessions, "PER_HOST", 1)
    slow = Reply.sse(chunk("a"), Stall(0.02), chunk("b", "stop"))
    loopback.replies(*[Reply.chat("before")] * earlier, slow, Reply.chat("c"))
    for _ in range(earlier):
        await events(loopback)
    answer = call_endpoint(candidate(loopback.base_url), Request(MESSAGES, stream=True), CallNotes())
    await anext(answer)

    async with asyncio.timeout(WAIT):
        assert TextDelta("c") in await events(loopback)

    assert TextDelta("b") in [event for batch in [batch async for batch in answer] for event in batch]
    assert loopback.connections == 1


async def test_a_request_that_a_server_may_have_worked_on_is_not_sent_again(loopback):
    loopback.replies(Reply.chat("a"), Reply.raw(CUT))
    await events(loopback)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await events(loopback)

    assert len(loopback.requests) == 2


async def test_closing_the_answer_closes_the_connection(loopback):
    loopback.replies(Reply.sse(chunk("a"), Stall()))
    answer = call_endpoint(candidate(loopback.base_url), Request(MESSAGES, stream=True), CallNotes())
    await anext(answer)

    await answer.aclose()

    assert await asyncio.to_thread(loopback.requests[0].client_left)


@pytest.mark.parametrize(
    "steps", [(Stall(),), (b"HTTP/1.1 200 OK\r\n", Stall()), (b"HTTP/1.1 200 OK\r\n\r\nx", Stall())]
)
@BOTH
async def test_cancelling_the_call_closes_the_connection(loopback, steps, stream):
    loopback.replies(Reply.raw(*steps))
    task = asyncio.create_task(events(loopback, stream=stream))
    assert await asyncio.to_thread(loopback.wait_for_requests)

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert await asyncio.to_thread(loopback.requests[0].client_left)


async def test_closing_the_sessions_closes_idle_connections(loopback):
    await events(loopback)

    await close_sessions()
    await events(loopback)

    assert loopback.connections == 2


def descriptors(server):
    """How many are open here once the server, which lives here too, has seen its clients leave."""
    assert server.wait_until_left()
    return len(list(FOLDER.iterdir()))


needs_proc = pytest.mark.skipif(not FOLDER.is_dir(), reason="counts descriptors")


@needs_proc
def test_every_loop_of_its_own_leaves_nothing_open(loopback):
    asyncio.run(events(loopback))
    before = descriptors(loopback)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            asyncio.run(events(loopback))

    assert descriptors(loopback) <= before


@needs_proc
def test_loops_closed_without_ceremony_are_swept_up(loopback, caplog):
    asyncio.run(events(loopback))
    before = descriptors(loopback)

    for _ in range(10):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(events(loopback))
        loop.close()
        del loop
    gc.collect()
    asyncio.run(events(loopback))

    assert descriptors(loopback) <= before
    assert caplog.records == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_leaves_the_parents_connections_alone(loopback):
    with asyncio.Runner() as runner:
        runner.run(events(loopback))
        child = os.fork()
        if child == 0:
            _use_and_drop_sessions(loopback)
        status = os.waitpid(child, 0)[1]
        runner.run(events(loopback))

    assert status == 0
    assert [request.connection for request in loopback.requests] == [0, 1, 0]


def _use_and_drop_sessions(server):
    """What a child does: a loop of its own, a call, and a collection of what it inherited; then it ends."""
    status = 1
    try:
        asyncio.run(events(server))
        gc.collect()
        status = 0
    finally:
        os._exit(status)
