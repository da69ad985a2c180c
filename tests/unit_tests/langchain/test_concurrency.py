"""ChatG4F on many threads, in many loops, after a fork, and a thousand times over."""

import asyncio
import gc
import logging
import pickle
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.base import BaseTracer

from asking import Ticker
from g4f_integrations import ChatG4F, Resilience
from g4f_integrations.errors import AuthenticationError
from g4f_integrations.testing import ScriptedProvider, block, stall
from loopback import Reply

TEXT = "Good answer."


def model_over(*script, **settings):
    return ChatG4F(provider=ScriptedProvider(*(script or ("Good ", "answer."))), **settings)


def remote_provider():
    """A provider of the plain sort, which runs on the provider thread."""
    from g4f.providers.base_provider import AsyncGeneratorProvider

    class Remote(AsyncGeneratorProvider):
        working = supports_message_history = supports_system_message = True

        @classmethod
        async def create_async_generator(cls, model, messages, **params):
            await asyncio.sleep(0)
            yield "Good "
            yield "answer."

    return Remote


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def settled(count, limit):
    """`count()` when it has come down to `limit`, or after a second: the server closes its side in its own time."""
    for _ in range(50):
        if count() <= limit:
            break
        threading.Event().wait(0.02)
    return count()


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="counts descriptors by /proc, which this system lacks"
)


def test_many_threads_share_one_model():
    model = model_over()

    with ThreadPoolExecutor(32) as pool:
        texts = list(
            pool.map(
                lambda i: model.invoke("hi").text if i % 2 else "".join(c.text for c in model.stream("hi")), range(128)
            )
        )

    assert set(texts) == {TEXT}


async def test_blocking_calls_inside_a_running_loop_work():
    model = model_over()

    assert model.invoke("hi").text == TEXT
    assert "".join(chunk.text for chunk in model.stream("hi")) == TEXT


def test_one_model_serves_any_number_of_loops(loopback):
    loopback.replies(Reply.chat("Good ", "answer."))
    over_http, in_process = ChatG4F(base_url=loopback.base_url, model="m"), ChatG4F(provider=remote_provider())

    async def both():
        answers = await asyncio.gather(over_http.ainvoke("hi"), in_process.ainvoke("hi"))
        return [answer.text for answer in answers]

    assert [asyncio.run(both()) for _ in range(5)] == [[TEXT, TEXT]] * 5


def test_two_loops_at_a_time_do_not_meet(loopback):
    loopback.replies(Reply.chat("Good ", "answer."))
    model = ChatG4F(base_url=loopback.base_url, model="m")

    async def some():
        return {answer.text for answer in await model.abatch(["hi"] * 10)}

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: asyncio.run(some()), range(2)))

    assert found == [{TEXT}, {TEXT}]


def test_parent_and_child_of_a_fork_both_work():
    script = """
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forks beside threads; that is the point
        from g4f_integrations import ChatG4F
        from g4f_integrations.testing import ScriptedProvider

        model = ChatG4F(provider=ScriptedProvider("Good ", "answer."))
        assert model.invoke("hi").text == "Good answer."
        child = os.fork()
        if child == 0:
            os._exit(0 if model.invoke("hi").text == "Good answer." else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert model.invoke("hi").text == "Good answer."
        print("both work")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "both work\n", done.stderr


def test_a_script_ends_without_a_word_even_under_development_mode():
    script = """
        from g4f_integrations import ChatG4F
        from g4f_integrations.testing import ScriptedProvider, cut
        model = ChatG4F(provider=[ScriptedProvider(cut()), ScriptedProvider("Good ", "answer.")])
        list(model.stream("hi"))
        next(model.stream("hi"))  # left early
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    complaints = ("Warning", "Traceback", "never awaited", "unclosed", "destroyed", "never retrieved")
    foreign = [line for line in done.stderr.splitlines() if any(word in line for word in complaints)]
    assert (done.returncode, done.stdout, foreign) == (0, "", [])


def test_a_g4f_provider_over_http_leaves_no_complaint_at_exit(loopback):
    loopback.replies(Reply.chat("Good ", "answer."))
    script = f"""
        from g4f_integrations import ChatG4F
        from g4f_integrations.core.catalog import load_g4f
        load_g4f()
        from g4f.client import create_custom_provider
        provider = create_custom_provider({loopback.base_url!r}, models=["m"], name="Custom")
        print(ChatG4F(provider=provider, model="m").invoke("hi").text)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("Good answer.\n", "")


def test_a_stream_begun_before_a_fork_is_refused_in_the_child():
    script = """
        import os, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        from g4f_integrations import ChatG4F
        from g4f_integrations.testing import ScriptedProvider, stall
        stream = ChatG4F(provider=ScriptedProvider("Lighthouses ", stall(0.5), "flash.")).stream("hi")
        next(stream)
        child = os.fork()
        if child == 0:
            try:
                list(stream)
            except RuntimeError as error:
                os._exit(0 if "fork" in str(error) else 2)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
        print("".join(chunk.text for chunk in stream))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == " flash.\n", done.stderr


async def test_a_provider_that_blocks_its_loop_does_not_block_the_callers():
    model = ChatG4F(
        provider=[ScriptedProvider(block(3), name="Blocking"), ScriptedProvider("Good ", "answer.")],
        resilience=Resilience(first_token_timeout=0.2, attempt_timeout=0.2),
    )
    await model_over().ainvoke("warm")

    async with Ticker() as ticker:
        answer = await model.ainvoke("hi")

    assert answer.text == TEXT
    assert [attempt["outcome"] for attempt in answer.response_metadata["g4f"]["attempts"]] == ["timeout", "ok"]
    assert ticker.worst < 0.05


@pytest.mark.parametrize("run_inline", [True, False])
async def test_a_callback_that_calls_the_model_does_not_deadlock(run_inline):
    model = ChatG4F(provider=remote_provider())
    answers = []

    class Asking(BaseCallbackHandler):
        def on_llm_end(self, *_, **__):
            if not answers:
                answers.append("")
                answers.append(model.invoke("and you?").text)

    Asking.run_inline = run_inline
    model.invoke("hi", config={"callbacks": [Asking()]})
    assert answers.pop() == TEXT
    answers.clear()

    await model.ainvoke("hi", config={"callbacks": [Asking()]})
    assert answers.pop() == TEXT


def test_two_users_with_the_same_rules_share_no_state():
    from g4f.providers.response import JsonConversation

    provider = ScriptedProvider(JsonConversation(session="of alice"), "hello")
    model = ChatG4F(provider=provider)
    rules = ("system", "You are helpful.")

    model.invoke([rules, ("user", "I am Alice, my number is 4711.")])
    model.invoke([rules, ("user", "I am Bob.")])

    bob = provider.calls[1]
    assert "4711" not in str(bob)
    assert "conversation" not in bob


def test_a_wrong_key_shows_nowhere(loopback, caplog):
    key = "sk-proj-0123456789abcdefghij"
    loopback.replies(Reply.json({"error": {"message": f"Incorrect API key provided: {key}."}}, status=401))
    model = ChatG4F(base_url=loopback.base_url, model="m", api_key=key)
    traces = []

    class Tracer(BaseTracer):
        def _persist_run(self, run):
            traces.append(str(run.__dict__))

    with caplog.at_level(logging.DEBUG), pytest.raises(AuthenticationError) as caught:
        model.invoke("hi", config={"callbacks": [Tracer()]})

    assert len(loopback.requests) == 1
    shown = [caplog.text, repr(model), str(model), repr(caught.value), str(caught.value), *traces]
    assert traces
    assert not [text for text in shown if key in text]
    assert key.encode() not in pickle.dumps(model)
    assert key.encode() not in pickle.dumps(caught.value)
    # Not even the error's own traceback, formatted with everything that hangs on it, holds the key.
    import traceback

    assert key not in "".join(traceback.format_exception(caught.value))


# A thousand times -------------------------------------------------------------------------------------------------


@needs_proc
async def test_a_thousand_calls_leave_nothing_behind(loopback):
    loopback.replies(Reply.chat("Good ", "answer."))
    scripted = ScriptedProvider("Good ", "answer.")
    models = [
        ChatG4F(provider=scripted),
        ChatG4F(provider=remote_provider()),
        ChatG4F(base_url=loopback.base_url, model="m"),
    ]

    async def some(count):
        for i in range(count):
            model = models[i % 3]
            if i % 2:
                await model.ainvoke("hi")
            else:
                async for _ in model.astream("hi"):
                    pass
        scripted.calls.clear()
        loopback.requests.clear()  # the tests' own logs grow
        gc.collect()

    await some(30)
    tasks, threads, fds = len(asyncio.all_tasks()), threading.active_count(), descriptors()
    tracemalloc.start()
    await some(100)
    before = tracemalloc.get_traced_memory()[0]
    await some(900)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert len(asyncio.all_tasks()) == tasks
    assert settled(threading.active_count, threads) <= threads
    assert settled(descriptors, fds) <= fds
    assert grown < 100_000


@needs_proc
def test_a_loop_for_every_call_leaves_nothing_behind(loopback):
    loopback.replies(Reply.chat("Good ", "answer."))
    over_http, in_process = ChatG4F(base_url=loopback.base_url, model="m"), ChatG4F(provider=remote_provider())

    def some(count):
        for i in range(count):
            asyncio.run((over_http if i % 2 else in_process).ainvoke("hi"))
        gc.collect()

    some(10)
    threads, fds = threading.active_count(), descriptors()
    some(200)

    assert settled(threading.active_count, threads) <= threads
    assert settled(descriptors, fds) <= fds


def test_streams_that_are_left_early_leave_no_thread_and_no_task():
    model = model_over("Lighthouses ", stall(30), "flash")
    next(model.stream("hi"))
    threads = threading.active_count()

    for _ in range(20):
        next(model.stream("hi"))

    assert threading.active_count() == threads
