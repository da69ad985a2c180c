"""Work that other threads hand to a loop: in order, in its own context, and nothing of it lost."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import sys
import threading
from pathlib import Path

import pytest

from g4f_integrations.core.inbox import begin_task
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.threads import LoopThread

setting = contextvars.ContextVar("setting", default="none")


@pytest.fixture(params=["the system's way", "anywhere"])
def host(request, monkeypatch):
    if request.param == "anywhere":
        monkeypatch.delattr(os, "eventfd", raising=False)
    thread = LoopThread("inbox-test")
    thread.start()
    yield thread
    thread.stop()


def hand_in(host, begin):
    host.inbox.put(begin, contextvars.copy_context())


def open_descriptors():
    return len([*Path("/proc/self/fd").iterdir()])


def until_done(host, seconds=5.0):
    """Wait until the loop has begun all that was handed in before; an inbox keeps its order."""
    told = threading.Event()
    hand_in(host, lambda *_: told.set())
    assert told.wait(seconds)


def test_everything_begins_in_the_order_in_which_it_came(host):
    begun = []

    for number in range(1000):
        hand_in(host, lambda *_, number=number: begun.append(number))
    until_done(host)

    assert begun == [*range(1000)]


def test_it_begins_on_the_loop_with_the_context_of_whoever_handed_it_in(host):
    seen = []
    context = contextvars.copy_context()
    context.run(setting.set, "mine")

    host.inbox.put(
        lambda loop, given: seen.append((asyncio.get_running_loop() is loop is host.loop, given[setting])), context
    )
    until_done(host)

    assert seen == [(True, "mine")]


def test_what_fails_to_begin_keeps_nothing_else_from_it(host):
    begun = []
    reported = []
    all_begun = threading.Event()
    host.loop.set_exception_handler(lambda _, details: reported.append(details["exception"]))

    def hand_in_three(*_):
        hand_in(host, lambda *_: 1 / 0)
        hand_in(host, lambda *_: begun.append("second"))
        hand_in(host, lambda *_: all_begun.set())

    hand_in(host, hand_in_three)
    assert all_begun.wait(5.0)  # what the loop itself hands in may come behind what this thread hands in later

    assert begun == ["second"]
    assert [type(error) for error in reported] == [ZeroDivisionError]


def test_a_task_runs_in_the_context_itself():
    async def change():
        setting.set("changed inside")

    context = contextvars.copy_context()

    async def run():
        await begin_task(asyncio.get_running_loop(), change(), context)

    asyncio.run(run())

    assert context[setting] == "changed inside"
    assert setting.get() == "none"


def test_a_loop_that_is_to_end_when_idle_does_first_what_was_handed_in(host):
    finished = []

    async def work():
        await asyncio.sleep(0.01)
        finished.append(True)

    def block(*_):  # so that the end is asked for while the work still waits to be begun
        hand_in(host, lambda loop, context: begin_task(loop, work(), context))
        host.retire()

    hand_in(host, block)
    host._thread.join(5)

    assert finished == [True]


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_loop_that_ended_leaves_no_descriptor_behind():
    gc.collect()
    before = open_descriptors()

    for _ in range(3):
        thread = LoopThread("inbox-test")
        thread.start()
        thread.stop()
    del thread
    gc.collect()

    assert open_descriptors() == before


def test_calls_can_be_made_where_no_descriptor_is_to_be_had_for_it(monkeypatch):
    def refuse(*_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "eventfd", refuse, raising=False)
    thread = LoopThread("inbox-test", depth=0)
    thread.start()
    monkeypatch.setattr("g4f_integrations.core.loop.caller_loop", lambda: thread)

    async def answer():
        return 42

    assert run_blocking(answer) == 42
    thread.stop()
