"""Blocking calls over asynchronous code: from anywhere, with nothing left behind and nobody left waiting."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from types import SimpleNamespace

import pytest

from g4f_integrations.core import loop as blocking_calls
from g4f_integrations.core import threads as loops
from g4f_integrations.core.loop import iterate_blocking, run_blocking
from g4f_integrations.core.threads import abandoned_provider_loops, provider_loop, replace_provider_loop

setting = contextvars.ContextVar("setting", default="none")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


async def answer():
    await asyncio.sleep(0)
    return 42


async def counting(stop=3):
    for number in range(stop):
        await asyncio.sleep(0)
        yield number


def collect(stream, into):
    for item in stream:
        into.append(item)


class Watched:
    """An endless async generator that notes how far it got and that it was closed."""

    def __init__(self):
        self.made = 0
        self.closed = threading.Event()

    async def __call__(self):
        try:
            while True:
                self.made += 1
                yield self.made
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            self.closed.set()


def run_script(body, **options):
    """A program of its own that has `answer` and `counting`; what it printed."""
    head = """
import asyncio, atexit, os, signal, sys, threading, time
from g4f_integrations.core.loop import run_blocking, iterate_blocking
from g4f_integrations.core.threads import provider_loop
async def answer():
    await asyncio.sleep(0)
    return 42
async def counting():
    for number in range(3):
        yield number
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", head + body],
        capture_output=True, text=True, timeout=30, check=False, **options,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


# From anywhere


def test_a_plain_script_gets_an_answer_and_a_stream():
    assert run_blocking(answer) == 42
    assert list(iterate_blocking(counting)) == [0, 1, 2]


async def test_so_does_code_inside_a_running_loop():
    assert run_blocking(answer) == 42
    assert list(iterate_blocking(counting)) == [0, 1, 2]


def test_so_do_many_threads_at_once():
    def call(number):
        async def own():
            await asyncio.sleep(0.001)
            return number

        return run_blocking(own), list(iterate_blocking(counting))

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(call, range(64)))

    assert results == [(number, [0, 1, 2]) for number in range(64)]


def test_so_does_code_on_the_background_loop_itself_however_deep():
    async def nested(depth):
        return run_blocking(lambda: nested(depth - 1)) + 1 if depth else len(list(iterate_blocking(counting)))

    assert run_blocking(lambda: nested(4)) == 7


def test_so_does_code_on_the_provider_thread():
    async def on_provider_thread():
        return run_blocking(answer)

    assert asyncio.run_coroutine_threadsafe(on_provider_thread(), provider_loop().loop).result(5) == 42


def test_all_calls_share_one_loop():
    async def which():
        return threading.get_ident()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: run_blocking(which), range(32)))) == 1


def test_the_callers_context_is_visible_inside():
    async def look():
        return setting.get()

    async def stream():
        yield setting.get()

    setting.set("mine")

    assert run_blocking(look) == "mine"
    assert list(iterate_blocking(stream)) == ["mine"]
    assert contextvars.Context().run(run_blocking, look) == "none"


# Errors


class OwnError(Exception):
    pass


@pytest.mark.parametrize("error", [OwnError("no"), KeyboardInterrupt("no"), SystemExit(3)])
def test_what_is_raised_inside_is_raised_outside_and_costs_nobody_else(error):
    async def fail():
        raise error

    async def fail_later():
        yield 1
        raise error

    stream = iterate_blocking(fail_later)
    with pytest.raises(type(error)) as caught:
        run_blocking(fail)
    assert next(stream) == 1
    with pytest.raises(type(error)) as streamed:
        next(stream)

    assert caught.value is streamed.value is error
    assert run_blocking(answer) == 42


@pytest.mark.parametrize("make", [lambda: 1 / 0, lambda: None, lambda: answer])
def test_a_function_that_makes_no_coroutine_is_an_error_and_no_hang(make):
    with pytest.raises((ZeroDivisionError, TypeError, AttributeError)):
        run_blocking(make)
    with pytest.raises((ZeroDivisionError, TypeError, AttributeError)):
        list(iterate_blocking(make))


def test_a_cancelled_coroutine_is_an_ordinary_error_outside():
    async def cancelled():
        raise asyncio.CancelledError

    async def stream():
        yield 1
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled"):
        run_blocking(cancelled)
    with pytest.raises(RuntimeError, match="cancelled"):
        list(iterate_blocking(stream))


def test_an_error_keeps_nothing_alive_but_itself():
    class Big:
        pass

    seen = []

    async def fail():
        raise OwnError

    def call():
        big = Big()
        seen.append(weakref.ref(big))
        with pytest.raises(OwnError):
            run_blocking(fail)

    gc.disable()
    try:
        call()
        assert seen[0]() is None
    finally:
        gc.enable()


# Streams


@pytest.mark.parametrize("leave", ["break", "close", "forget"])
def test_a_consumer_that_leaves_early_closes_the_upstream_first(leave):
    watched = Watched()
    stream = iterate_blocking(watched)
    assert next(stream) == 1

    if leave == "close":
        stream.close()
    elif leave == "break":
        for _ in stream:
            break
        del _
    del stream

    assert watched.closed.is_set()


def test_a_stream_that_was_never_begun_is_never_made():
    watched = Watched()

    iterate_blocking(watched).close()

    assert watched.made == 0


def test_a_slow_consumer_holds_the_producer():
    watched = Watched()
    stream = iterate_blocking(watched)
    next(stream)
    host = loops._loops.caller_loop().loop

    held = -1
    while held != watched.made:  # until a whole turn of the loop brings nothing more
        held = watched.made
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0.01), host).result(5)

    assert held < 200
    assert [next(stream) for _ in range(500)] == list(range(2, 502))
    stream.close()
    assert watched.closed.is_set()


def test_a_held_producer_can_be_closed():
    watched = Watched()
    stream = iterate_blocking(watched)
    next(stream)
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0.02), loops._loops.caller_loop().loop).result(5)

    stream.close()

    assert watched.closed.is_set()


def test_what_came_before_an_error_is_handed_over_first():
    async def stream():
        for number in range(10):
            yield number
        raise OwnError

    seen = []
    with pytest.raises(OwnError):
        collect(iterate_blocking(stream), seen)

    assert seen == list(range(10))


def test_a_stream_that_will_not_close_is_left_to_itself(monkeypatch, caplog):
    monkeypatch.setattr(blocking_calls, "_CLOSE_SECONDS", 0.05)
    release = threading.Event()

    async def stubborn():
        try:
            yield 1
            await asyncio.sleep(30)
        finally:
            while not release.is_set():
                try:
                    await asyncio.sleep(0.005)
                except asyncio.CancelledError:
                    continue

    stream = iterate_blocking(stubborn)
    next(stream)

    stream.close()

    assert "did not close" in caplog.text
    release.set()


def test_a_stream_forgotten_on_the_loops_own_thread_does_not_freeze_the_loop(monkeypatch, caplog):
    monkeypatch.setattr(blocking_calls, "_CLOSE_SECONDS", 0.2)
    watched = Watched()
    kept = [iterate_blocking(watched)]
    next(kept[0])

    async def forget():  # as the garbage collector would, in the middle of something else
        kept.clear()

    run_blocking(forget)

    assert watched.closed.wait(5)
    assert "did not close" not in caplog.text


def test_many_streams_leave_nothing_behind():
    host = loops._loops.caller_loop()
    list(iterate_blocking(counting))
    threads = threading.active_count()

    for _ in range(300):
        assert next(iterate_blocking(counting)) == 0
        run_blocking(answer)

    assert threading.active_count() == threads
    assert asyncio.run_coroutine_threadsafe(_others(), host.loop).result(5) == 0


async def _others():
    await asyncio.sleep(0)
    return len(asyncio.all_tasks() - {asyncio.current_task()})


# Ctrl-C


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize("call", ["run_blocking(hang)", "list(iterate_blocking(hang_on))"])
def test_ctrl_c_ends_a_waiting_call_and_cancels_its_coroutine(call):
    out = run_script(f"""
def interrupt():
    begun.wait()
    os.kill(os.getpid(), signal.SIGINT)
begun = threading.Event()
async def hang():
    try:
        begun.set()
        await asyncio.sleep(60)
    finally:
        print("cancelled")
async def hang_on():
    yield 1
    await hang()
threading.Thread(target=interrupt).start()
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
print(run_blocking(answer))
""")

    assert out.split() == ["cancelled", "interrupted", "42"]


class LateSignal:
    """A lock or a queue that hands over what it has, and is then interrupted before its caller can take it."""

    def __init__(self, inner, *names):
        self.inner = inner
        self.names = names
        self.waits = 0

    def __getattr__(self, name):
        method = getattr(self.inner, name)
        return self.interrupted(method) if name in self.names else method

    def interrupted(self, method):
        def call(*args, **kwargs):
            self.waits += bool(args or kwargs)
            got = method(*args, **kwargs)
            if args or kwargs:
                raise KeyboardInterrupt(got)
            return got

        return call


def test_ctrl_c_as_a_call_ends_does_not_wait_for_its_end_again(monkeypatch):
    lock = LateSignal(threading.Lock(), "acquire")
    monkeypatch.setattr(blocking_calls, "threading", SimpleNamespace(Lock=lambda: lock))

    with pytest.raises(KeyboardInterrupt):
        run_blocking(answer)

    assert lock.waits == 1


def test_ctrl_c_as_a_stream_ends_does_not_wait_for_its_end_again(monkeypatch, caplog):
    queue = LateSignal(SimpleQueue(), "get")
    monkeypatch.setattr(blocking_calls, "SimpleQueue", lambda: queue)
    monkeypatch.setattr(blocking_calls, "_CLOSE_SECONDS", 0.02)

    async def empty():
        return
        yield

    with pytest.raises(KeyboardInterrupt):
        next(iterate_blocking(empty))

    assert queue.waits == 1
    assert "did not close" not in caplog.text


# The end of the process


def test_a_process_that_used_the_loops_ends_at_once_and_quietly():
    out = run_script("""
async def endless():
    while True:
        yield 1
        await asyncio.sleep(0.001)
stream = iterate_blocking(endless)
next(stream)
provider_loop()
print(run_blocking(answer))
""")

    assert out == "42\n"


def test_a_call_may_be_made_while_the_interpreter_exits():
    out = run_script("""
def last():
    print(run_blocking(answer), list(iterate_blocking(counting)))
    for number in iterate_blocking(counting):
        break
atexit.register(last)
print(run_blocking(answer))
""")

    assert out == "42\n42 [0, 1, 2]\n"


BLOCKED = """
import threading
from g4f_integrations.core.threads import BLOCKING, ORDINARY, at_exit_of_providers, provider_loop
def block(lane):
    began = threading.Event()
    provider_loop(lane).loop.call_soon_threadsafe(lambda: (began.set(), threading.Event().wait()))
    began.wait()
"""


@pytest.mark.parametrize("blocked", ["", "BLOCKING", "ORDINARY", "BLOCKING ORDINARY"])
def test_the_last_words_are_spoken_though_provider_loops_are_blocked(blocked):
    out = run_script(f"""{BLOCKED}
async def last_words():
    print("spoken", end=" ")
at_exit_of_providers(last_words)
run_blocking(answer)
provider_loop(ORDINARY), provider_loop(BLOCKING)
for lane in {blocked!r}.split():
    block(globals()[lane])
""")

    assert out.split() == ["spoken"]


def test_last_words_that_stumble_are_begun_again():
    out = run_script("""
from g4f_integrations.core.threads import at_exit_of_providers
tries = iter("123456789")
async def last_words():
    if next(tries) != "3":
        raise ValueError
    print("spoken")
at_exit_of_providers(last_words)
provider_loop()
""")

    assert out == "spoken\n"


def test_g4fs_connections_are_closed_at_exit_though_a_provider_loop_is_blocked(loopback):
    out = run_script(f"""{BLOCKED}
import aiohttp
import g4f_integrations.core.threads as loops
import g4f_integrations.core.transport
from g4f.requests import get_shared_connector
connectors = []
async def ask():
    connectors.append(get_shared_connector())
    async with aiohttp.ClientSession(connector=connectors[-1], connector_owner=False) as session:
        await (await session.get({loopback.base_url!r} + "/models")).read()
for lane in (ORDINARY, BLOCKING):
    asyncio.run_coroutine_threadsafe(ask(), provider_loop(lane).loop).result()
block(BLOCKING)
print([connector.closed for connector in connectors])
loops._stop_at_exit()
print([connector.closed for connector in connectors])
""")

    assert out == "[False, False]\n[True, True]\n"


def test_a_call_may_be_made_after_the_loops_were_stopped():
    out = run_script("""
import g4f_integrations.core.threads as loops
run_blocking(answer)
loops._stop_at_exit()
print(run_blocking(answer), list(iterate_blocking(counting)), threading.active_count())
""")

    assert out == "42 [0, 1, 2] 2\n"


def test_nothing_runs_before_the_first_call():
    out = run_script("""
print(threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else "")
""")

    assert out.split()[0] == "1"


# Forks


@needs_fork
def test_parent_and_child_go_on_after_a_fork():
    out = run_script("""
stream = iterate_blocking(counting)
print(run_blocking(answer), next(stream))
sys.stdout.flush()
child = os.fork()
said = f"{run_blocking(answer)} {list(iterate_blocking(counting))} {provider_loop().alive}\\n"
os.write(1, said.encode())  # in one piece: two processes write at the same time
if child == 0:
    stream.close()
    os._exit(0)
print(os.waitpid(child, 0)[1], list(stream), run_blocking(answer))
""")

    assert out.splitlines() == ["42 0", "42 [0, 1, 2] True", "42 [0, 1, 2] True", "0 [1, 2] 42"]


@needs_fork
def test_a_child_may_be_forked_while_other_threads_are_calling():
    out = run_script("""
busy = True
def call():
    while busy:
        run_blocking(answer)
threads = [threading.Thread(target=call) for _ in range(4)]
for thread in threads:
    thread.start()
codes = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(0 if run_blocking(answer) == 42 else 1)
    codes.append(os.waitpid(child, 0)[1])
busy = False
for thread in threads:
    thread.join()
print(codes)
""")

    assert out == f"{[0] * 10}\n"


@needs_fork
def test_a_child_that_ends_in_the_ordinary_way_leaves_the_parents_loops_alone():
    out = run_script("""
run_blocking(answer)
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
print(run_blocking(answer), list(iterate_blocking(counting)))
""")

    assert out == "42 [0, 1, 2]\n"


# Provider loops


def test_the_provider_loop_is_one_and_another_than_the_callers():
    assert provider_loop() is provider_loop()
    assert provider_loop() is not loops._loops.caller_loop()


def test_a_stuck_provider_loop_is_replaced_once_and_ends_when_it_comes_round():
    stuck, before = provider_loop(), abandoned_provider_loops()
    release = threading.Event()
    stuck.loop.call_soon_threadsafe(release.wait)

    fresh = replace_provider_loop(stuck)

    assert replace_provider_loop(stuck) is fresh is provider_loop()
    assert abandoned_provider_loops() == before + 1
    release.set()
    stuck._thread.join(5)
    assert not stuck.alive


def test_what_runs_on_a_replaced_loop_is_finished_there():
    stuck = provider_loop()
    running = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.05, "done"), stuck.loop)

    replace_provider_loop(stuck)

    assert running.result(5) == "done"
    stuck._thread.join(5)
    assert not stuck.alive


def test_a_provider_loop_that_died_is_replaced_too():
    dead = provider_loop()
    dead.stop(5.0)

    assert replace_provider_loop(dead).alive
    assert provider_loop().alive


def test_replacing_a_loop_that_nobody_uses_any_more_starts_one_thread_at_the_most():
    old = provider_loop()
    fresh = replace_provider_loop(old)
    threads = threading.active_count()

    for _ in range(5):
        assert replace_provider_loop(old) is fresh

    assert threading.active_count() <= threads


def test_no_thread_of_ours_keeps_a_process_alive():
    run_blocking(answer)
    provider_loop()

    ours = [thread for thread in threading.enumerate() if thread.name.startswith("g4f-integrations")]

    assert ours
    assert all(thread.daemon for thread in ours)
