"""Pumps: an upstream in a task of its own, read in batches against a clock, that costs nobody but its own attempt."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import socket
import threading
import time
from pathlib import Path

import pytest

from g4f_integrations.core import pump as pumps
from g4f_integrations.core import remote
from g4f_integrations.core.loop import iterate_blocking, run_blocking
from g4f_integrations.core.pump import Expired, LocalPump
from g4f_integrations.core.remote import RemotePump
from g4f_integrations.core.threads import abandoned_provider_loops, provider_loop

setting = contextvars.ContextVar("setting", default="none")
every_pump = pytest.mark.parametrize("pump_class", [LocalPump, RemotePump])


class OwnError(Exception):
    pass


def soon(seconds=0.02):
    return asyncio.get_running_loop().time() + seconds


async def everything(pump, into=None):
    items = [] if into is None else into
    while batch := await pump.take(soon(10)):
        items += batch
    return items


class Upstream:
    """Yields what it is told, then stays silent; notes how it ends. Made anew for every call, as a pump wants it."""

    def __init__(self, *items, silent=True, closing=0.0):
        self.items, self.silent, self.closing = items, silent, closing
        self.made = 0
        self.thread = None
        self.begun, self.closed = threading.Event(), threading.Event()

    async def __call__(self):
        self.thread = threading.get_ident()
        try:
            self.begun.set()
            for item in self.items:
                self.made += 1
                yield item
            if self.silent:
                await asyncio.sleep(1_000)
        finally:
            await asyncio.sleep(self.closing)
            self.closed.set()


async def settled(condition):
    """Wait until `condition` holds; it is the test's own time limit that ends a wait in vain."""
    while not condition():  # noqa: ASYNC110  what is waited for happens on other threads
        await asyncio.sleep(0.002)


# Items


@every_pump
async def test_items_come_in_order_and_then_an_empty_batch(pump_class):
    pump = pump_class(Upstream(*range(2_000), silent=False))

    assert await everything(pump) == list(range(2_000))
    assert await pump.take(None) == []


@every_pump
async def test_items_that_came_together_are_taken_together(pump_class):
    upstream = Upstream(1, 2, 3)
    pump = pump_class(upstream)
    await settled(lambda: upstream.made == 3)

    assert await pump.take(None) == [1, 2, 3]
    await pump.aclose()


@every_pump
async def test_a_source_may_be_an_iterator_that_cannot_be_closed(pump_class):
    class Bare:
        left = 3

        def __aiter__(self):
            return self

        async def __anext__(self):
            self.left -= 1
            if self.left < 0:
                raise StopAsyncIteration
            return self.left

    assert await everything(pump_class(Bare)) == [2, 1, 0]


@every_pump
async def test_context_variables_are_visible_to_the_upstream(pump_class):
    async def source():
        yield setting.get()

    setting.set("mine")

    assert await everything(pump_class(source)) == ["mine"]


async def test_each_pump_runs_its_upstream_where_it_says():
    local, remote = Upstream(silent=False), Upstream(silent=False)
    await everything(LocalPump(local))
    await everything(RemotePump(remote))

    assert local.thread == threading.get_ident()
    assert remote.thread == provider_loop().ident


# Clocks


@every_pump
async def test_a_clock_that_runs_out_is_told_and_the_upstream_goes_on(pump_class):
    upstream = Upstream("first")
    pump = pump_class(upstream)
    assert await pump.take(soon(10)) == ["first"]

    for _ in range(3):
        with pytest.raises(Expired):
            await pump.take(soon())

    assert not upstream.closed.is_set()
    await pump.aclose()


@every_pump
async def test_what_came_in_time_is_handed_over_even_if_the_clock_has_run_out_since(pump_class):
    upstream = Upstream("in time")
    pump = pump_class(upstream)
    await settled(lambda: upstream.made)

    assert await pump.take(soon(-1)) == ["in time"]
    with pytest.raises(Expired):
        await pump.take(soon(-1))
    await pump.aclose()


async def test_what_lies_unread_in_the_socket_when_the_clock_runs_out_has_come_in_time():
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)

    async def upstream():
        yield await reader.read(100)

    pump = LocalPump(upstream)
    taking = asyncio.ensure_future(pump.take(soon(0.01)))
    await asyncio.sleep(0)
    theirs.send(b"in time")
    time.sleep(0.03)  # noqa: ASYNC251  somebody else keeps the loop busy

    assert await taking == [b"in time"]
    assert await everything(pump) == []
    theirs.close()
    writer.close()


@every_pump
async def test_clocks_may_be_set_earlier_later_and_off(pump_class):
    async def source():
        yield 1
        await asyncio.sleep(0.03)
        yield 2

    pump = pump_class(source)
    await pump.take(soon(10))
    with pytest.raises(Expired):
        await pump.take(soon(0.005))

    assert await pump.take(None) == [2]
    assert await pump.take(soon(0.005)) == []


@every_pump
async def test_no_clock_ever_cancels_the_consumer(pump_class):
    pump = pump_class(Upstream())
    with pytest.raises(Expired):
        await pump.take(soon())

    assert asyncio.current_task().cancelling() == 0
    await pump.aclose()


# Errors


@every_pump
async def test_items_before_an_error_are_handed_over_first(pump_class):
    async def source():
        yield 1
        yield 2
        raise OwnError

    pump = pump_class(source)
    items = []
    with pytest.raises(OwnError):
        await everything(pump, items)

    assert items == [1, 2]
    with pytest.raises(OwnError):
        await pump.take(None)


@every_pump
@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (asyncio.CancelledError(), ConnectionAbortedError),
        (GeneratorExit(), RuntimeError),
        (StopIteration(), RuntimeError),
        (TimeoutError("slow"), TimeoutError),
    ],
    ids=repr,
)
async def test_nothing_that_an_upstream_raises_ends_the_callers_task(pump_class, raised, told):
    async def source():
        yield 1
        raise raised

    pump = pump_class(source)
    with pytest.raises(told):
        await everything(pump)


@pytest.mark.parametrize("raised", [SystemExit(1), KeyboardInterrupt()], ids=repr)
async def test_an_upstream_that_would_end_the_process_ends_its_attempt_only(raised):
    async def source():
        yield 1
        raise raised

    async def local():
        return await everything(LocalPump(source))

    with pytest.raises(RuntimeError, match=type(raised).__name__):
        await everything(RemotePump(source))
    with pytest.raises(RuntimeError, match=type(raised).__name__):
        await asyncio.to_thread(run_blocking, local)
    assert await everything(RemotePump(Upstream(1, silent=False))) == [1]


@every_pump
async def test_a_source_that_cannot_even_begin_is_an_error(pump_class):
    with pytest.raises(ZeroDivisionError):
        await everything(pump_class(lambda: 1 / 0))


# Closing


@every_pump
async def test_closing_returns_when_the_upstream_has_closed(pump_class):
    upstream = Upstream(1, closing=0.02)
    pump = pump_class(upstream)
    await pump.take(soon(10))

    await pump.aclose()

    assert upstream.closed.is_set()


@every_pump
async def test_closing_never_disturbs_an_upstream_that_is_closing_already(pump_class, monkeypatch):
    monkeypatch.setattr(pumps, "_EXPIRE_SECONDS", 0.001)
    for _ in range(20):  # closing and cancelling come from two threads, and may meet in any order
        upstream = Upstream(1, closing=0.003)
        pump = pump_class(upstream)
        await pump.take(soon(10))

        await pump.expire()
        await pump._close(0.0)
        await pump._close(10.0)

        assert upstream.closed.is_set()


@every_pump
async def test_closing_a_cancelled_consumers_upstream_works_too(pump_class):
    upstream = Upstream(1, closing=0.02)

    async def consume():
        pump = pump_class(upstream)
        try:
            while True:
                await pump.take(None)
        finally:
            await pump.aclose()

    task = asyncio.create_task(consume())
    await settled(upstream.begun.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert upstream.closed.is_set()


@every_pump
async def test_closing_before_the_beginning_after_the_end_and_twice_is_harmless(pump_class):
    unborn, ended = Upstream(1), Upstream(1, silent=False)
    first, second = pump_class(unborn), pump_class(ended)
    await everything(second)

    for pump in (first, first, second, second):
        await pump.aclose()

    assert unborn.closed.is_set() or not unborn.begun.is_set()


@every_pump
async def test_an_upstream_that_swallows_its_cancellation_costs_no_more_than_the_grace(pump_class, monkeypatch, caplog):
    monkeypatch.setattr(pumps, "_CLOSE_SECONDS", 0.02)
    stop = threading.Event()

    async def stubborn():
        yield 1
        while not stop.is_set():
            try:
                await asyncio.sleep(0.005)
            except asyncio.CancelledError:
                continue

    pump = pump_class(stubborn)
    await pump.take(soon(10))

    await pump.aclose()

    assert "did not close" in caplog.text
    stop.set()
    await settled(lambda: pump._ended)


@every_pump
async def test_an_upstream_that_goes_on_after_its_cancellation_is_ended_at_its_next_item(pump_class):
    closed = threading.Event()

    async def stubborn():
        try:
            yield 1
            while True:
                try:
                    await asyncio.sleep(10)
                except asyncio.CancelledError:
                    yield 2
        finally:
            closed.set()

    pump = pump_class(stubborn)
    await pump.take(soon(10))

    await pump.aclose()

    assert closed.is_set()


@every_pump
async def test_an_upstream_given_up_is_not_waited_for_a_second_time(pump_class, monkeypatch, caplog):
    monkeypatch.setattr(pumps, "_CLOSE_SECONDS", 30.0)
    upstream = Upstream(1, closing=0.05)
    pump = pump_class(upstream)
    await pump.take(soon(10))

    await pump.expire()
    await pump.aclose()

    assert not upstream.closed.is_set()
    await settled(upstream.closed.is_set)
    assert caplog.text == ""


# Slow consumers


@every_pump
async def test_a_slow_consumer_holds_the_upstream(pump_class):
    upstream = Upstream(*range(5_000), silent=False)
    pump = pump_class(upstream)

    held = -1
    while held != upstream.made or not held:  # until a rest brings nothing more
        held = upstream.made
        await asyncio.sleep(0.01)

    assert held < 1_000
    assert await everything(pump) == list(range(5_000))


@every_pump
async def test_a_held_upstream_can_be_closed(pump_class):
    upstream = Upstream(*range(5_000))
    pump = pump_class(upstream)
    await settled(lambda: upstream.made >= pumps.HELD_ITEMS)

    await pump.aclose()

    assert upstream.closed.is_set()
    assert upstream.made < 1_000


# Consumers that are gone


def abandoned(upstream, wanted):
    """A loop that is closed in mid-stream by somebody who cleans nothing up."""

    async def begin():
        pump = RemotePump(upstream)
        await pump.take(None)
        await settled(lambda: upstream.made >= wanted)
        return pump

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(begin())
    finally:
        loop.close()


def test_an_upstream_whose_consumers_loop_is_gone_ends(monkeypatch):
    monkeypatch.setattr(remote, "_HELD_SECONDS", 0.01)
    upstream = Upstream(*range(5_000))

    abandoned(upstream, pumps.HELD_ITEMS)

    assert upstream.closed.wait(5)
    assert upstream.made < 1_000


def test_an_upstream_that_somebody_waited_for_ends_with_its_next_item():
    upstream, go_on = Upstream(), threading.Event()

    async def source():
        upstream.begun.set()
        try:
            while True:
                await asyncio.sleep(0.002)
                if go_on.is_set():
                    yield 1
        finally:
            upstream.closed.set()

    async def wait():
        pump = RemotePump(source)
        task = asyncio.ensure_future(pump.take(None))
        await settled(upstream.begun.is_set)
        task._log_destroy_pending = False  # that it is destroyed is the point

    loop = asyncio.new_event_loop()
    loop.run_until_complete(wait())
    loop.close()
    go_on.set()

    assert upstream.closed.wait(5)
    gc.collect()


async def test_a_loop_that_ends_in_the_ordinary_way_closes_its_upstreams():
    upstream = Upstream(*range(5_000))

    async def engine():
        pump = RemotePump(upstream)
        try:
            while batch := await pump.take(None):
                yield batch
        finally:
            await pump.aclose()

    async def forget():
        stream = engine()
        await anext(stream)

    await asyncio.to_thread(asyncio.run, forget())

    assert upstream.closed.wait(5)


# Providers that block their loop


class Blocking:
    """A provider that blocks its event loop until it is released."""

    def __init__(self):
        self.begun, self.release, self.closed = threading.Event(), threading.Event(), threading.Event()

    async def __call__(self):
        try:
            self.begun.set()
            self.release.wait(10)
            yield "late"
            await asyncio.sleep(10)
        finally:
            self.closed.set()


@pytest.fixture
def blocking():
    provider = Blocking()
    yield provider
    provider.release.set()


async def test_a_provider_that_blocks_its_loop_does_not_block_the_consumers(blocking):
    pump, ticks = RemotePump(blocking), 0
    await settled(blocking.begun.is_set)

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(Expired):
        await pump.take(soon(0.05))
    ticking.cancel()
    await pump.expire()

    assert ticks > 50


async def test_the_next_attempt_is_made_on_a_fresh_loop_at_once(blocking):
    before, stuck = abandoned_provider_loops(), provider_loop()
    pump = RemotePump(blocking)
    with pytest.raises(Expired):
        await pump.take(soon())
    await pump.expire()

    assert await everything(RemotePump(Upstream("fresh", silent=False))) == ["fresh"]
    assert abandoned_provider_loops() == before + 1
    assert provider_loop() is not stuck


async def test_a_blocked_loop_ends_once_it_is_released(blocking):
    stuck = provider_loop()
    pump = RemotePump(blocking)
    with pytest.raises(Expired):
        await pump.take(soon())
    await pump.expire()
    await settled(lambda: provider_loop() is not stuck)

    blocking.release.set()

    await settled(blocking.closed.is_set)
    await settled(lambda: not stuck.alive)


async def test_attempts_that_had_not_begun_are_made_once_and_elsewhere(blocking):
    RemotePump(blocking)
    await settled(blocking.begun.is_set)
    waiting = [Upstream(number, silent=False) for number in range(5)]

    answers = await asyncio.gather(*(everything(RemotePump(upstream)) for upstream in waiting))
    blocking.release.set()
    await asyncio.sleep(0.02)

    assert answers == [[0], [1], [2], [3], [4]]
    assert [upstream.made for upstream in waiting] == [1] * 5


async def test_closing_an_attempt_that_had_not_begun_costs_no_time(blocking, monkeypatch):
    monkeypatch.setattr(pumps, "_CLOSE_SECONDS", 30.0)
    RemotePump(blocking)
    await settled(blocking.begun.is_set)
    upstream = Upstream(1)
    pump = RemotePump(upstream)

    await pump.aclose()
    blocking.release.set()
    await asyncio.sleep(0.02)

    assert not upstream.begun.is_set()


async def test_a_provider_that_merely_closes_slowly_keeps_its_loop():
    before = provider_loop()
    pump = RemotePump(Upstream(1, closing=0.05))
    await pump.take(soon(10))
    await pump.expire()

    await asyncio.sleep(0.05)
    await asyncio.sleep(0.03)

    assert provider_loop() is before


async def test_a_loop_whose_thread_died_is_no_obstacle():
    await everything(RemotePump(Upstream(1, silent=False)))
    provider_loop().stop(5.0)

    assert await everything(RemotePump(Upstream(2, silent=False))) == [2]


async def test_an_attempt_under_way_on_a_thread_that_dies_fails():
    pump = RemotePump(Upstream(1))
    await pump.take(soon(10))

    provider_loop().stop(5.0)

    with pytest.raises(ConnectionAbortedError):
        await pump.take(soon(10))


# Nothing stays behind


def descriptors():
    open_now = Path("/proc/self/fd")
    return len(list(open_now.iterdir())) if open_now.is_dir() else 0


async def tasks_of(loop):
    async def count():
        await asyncio.sleep(0)
        return len(asyncio.all_tasks()) - 1

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(count(), loop))


@every_pump
async def test_a_thousand_pumps_leave_nothing_behind(pump_class):
    async def one(number):
        pump = pump_class(Upstream(1, silent=bool(number % 2)))
        await pump.take(soon(10))
        if number % 3 == 0:
            await pump.expire()
        await pump.aclose()

    def pumps_alive():
        gc.collect()
        return sum(type(thing) is pump_class for thing in gc.get_objects())

    await one(0)
    host, alive = provider_loop().loop, pumps_alive()
    before = (len(asyncio.all_tasks()), threading.active_count(), descriptors())
    for start in range(0, 1_000, 50):
        await asyncio.gather(*(one(number) for number in range(start, start + 50)))
    await asyncio.sleep(0.02)

    assert (len(asyncio.all_tasks()), threading.active_count(), descriptors()) == before
    assert await tasks_of(host) == 0
    assert pumps_alive() <= alive


def test_pumps_of_many_loops_leave_nothing_behind():
    async def one():
        return await everything(RemotePump(Upstream(1, 2, silent=False)))

    asyncio.run(one())
    before = (threading.active_count(), descriptors())

    for _ in range(30):
        assert asyncio.run(one()) == [1, 2]

    assert (threading.active_count(), descriptors()) == before


def test_a_stream_over_both_bridges_keeps_its_order_and_can_be_left():
    upstream = Upstream(*range(5_000))

    async def engine():
        pump = RemotePump(upstream)
        try:
            while batch := await pump.take(None):
                yield batch
        finally:
            await pump.aclose()

    seen = []
    for batch in iterate_blocking(engine):
        seen += batch
        if len(seen) > 3_000:
            break
    del batch

    assert seen == list(range(len(seen)))
    assert upstream.closed.wait(5)
