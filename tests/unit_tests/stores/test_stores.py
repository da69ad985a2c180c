"""Stores that processes share: what one finds out, the others know; none of them waits, and none fails for it."""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import pickle
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager

import pytest

from asking import ask
from g4f_integrations import Catalog, errors
from g4f_integrations.core.candidates.candidate import route_key
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.health import BreakerSettings
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Route
from g4f_integrations.core.trimming import RouteLimits
from g4f_integrations.langchain import ChatG4F
from g4f_integrations.stores import RedisHealth, SharedHealth, SQLiteHealth, _registry, store_at
from g4f_integrations.testing import ScriptedProvider, stall

KEY = route_key(None, "P", "m")
BREAKER = BreakerSettings()


def other_process(url, does):
    """Run `does` in a process of its own, with `store` and `KEY` as here, and everything told by its end."""
    code = """
        import asyncio
        from g4f_integrations.core.candidates.candidate import route_key
        from g4f_integrations.core.health import BreakerSettings
        from g4f_integrations.core.trimming import RouteLimits
        from g4f_integrations.stores import _registry, store_at

        KEY = route_key(None, "P", "m")
        store = store_at({url!r})

        async def read():
            waiting = store.loading([KEY])
            if waiting is not None:
                await waiting
            return store.view(KEY)

        health = asyncio.run(read())
        {does}
    """
    code = textwrap.dedent(code).format(url=url, does=does)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout


async def read(store, key=KEY):
    """What `store` knows of a route after its first reading."""
    waiting = store.loading([key])
    if waiting is not None:
        await waiting
    return store.view(key)


async def until(holds):
    """Let the background work until `holds()`."""
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to hold")


async def until_told(url, key):
    """Let the background work until others can read that a route is out."""
    for _ in range(200):
        with elsewhere(url) as theirs:
            if not (await read(theirs, key)).at_ease:
                return
        await asyncio.sleep(0.01)
    raise AssertionError("it was never told")


def refreshing(url, refresh=0.01):
    """A store that looks often; not the one that the URL stands for, so that two of them are like two processes."""
    store = store_at(url)
    store._refresh = refresh
    return store


def second_view(store):
    """Another object for the same place, as another process has it."""
    known = _registry.by_address.pop(store._address)
    make, arguments = store.__reduce__()
    second = make(*arguments)
    _registry.by_address[store._address] = known
    assert second is not known
    return second


@contextmanager
def elsewhere(url):
    """The store of another process, which ends with the block."""
    store = second_view(store_at(url))
    yield store
    store.close()


async def known_elsewhere(url):
    """What a process that begins now knows of the route."""
    with elsewhere(url) as store:
        return await read(store)


# Between processes


async def test_what_a_process_that_has_ended_found_out_is_known_to_the_next(url):
    other_process(
        url,
        'store.failed(KEY, "timeout", None, BreakerSettings()); store.push_back(KEY, 500); '
        "store.learn(KEY, RouteLimits(window=4096))",
    )

    health = await read(store_at(url))

    now = time.monotonic()
    assert 20 < health.open_until - now < 42  # 30 s, a quarter more by chance there and a tenth of that here
    assert 450 < health.pushback_until - now <= 500
    assert health.limits == RouteLimits(window=4_096)


async def test_a_second_process_never_asks_a_route_that_the_first_found_dead(url):
    dead, well = ScriptedProvider("too late", name="P", models=["m"]), ScriptedProvider("well", name="Well")
    with elsewhere(url) as first:
        first.failed(KEY, "timeout", None, BREAKER)

    answer = await ask(routes=(Route(dead, "m"), Route(well, "m")), policy=Resilience(store=url))

    assert answer.providers == ["Well"]
    assert dead.calls == []


async def test_what_is_told_later_is_known_within_the_refresh(url):
    ours = refreshing(url)
    theirs = second_view(ours)
    await read(ours)

    theirs.failed(KEY, "timeout", None, BREAKER)
    await until(lambda: ours.view(KEY).open_until)
    theirs.recovered(KEY)
    await until(lambda: not ours.view(KEY).open_until)

    theirs.close()
    assert ours.view(KEY).at_ease


async def test_a_refused_key_is_nobody_elses_business(url):
    with elsewhere(url) as theirs:
        theirs.failed(KEY, "auth", None, BREAKER, scope="key")

    assert (await read(store_at(url))).at_ease


async def test_neither_are_the_other_routes_that_it_takes_out(url):
    with elsewhere(url) as theirs:
        theirs.view(KEY)
        theirs.failed(route_key(None, "P", "n"), "auth", None, BREAKER, scope="key")
        assert theirs.view(KEY).open_until > 0

    assert (await known_elsewhere(url)).open_until == 0.0


async def test_a_rate_limit_is_not_told_where_several_keys_serve_one_route(url):
    ours = store_at(url)
    theirs = second_view(ours)
    for api_key in ("one", "two"):
        theirs.view(route_key(None, "P", "m", api_key=Secret(api_key)))

    theirs.failed(route_key(None, "P", "m", api_key=Secret("one")), "rate_limit", 500.0, BREAKER)
    theirs.close()

    assert (await read(ours)).at_ease


async def test_newer_news_win_whoever_writes_last(url):
    ours = refreshing(url)
    theirs = second_view(ours)
    await read(ours)
    await read(theirs)

    theirs.failed(KEY, "timeout", None, BREAKER)
    ours.failed(KEY, "timeout", None, BREAKER)
    ours.recovered(KEY)
    ours.close()
    theirs.close()

    health = await known_elsewhere(url)
    assert (health.open_until, health.cooldowns) == (0.0, 1)


def test_two_real_processes_writing_at_once_lose_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'health.db'}"
    does = (
        "[store.learn(route_key(None, 'P', str(number)), RouteLimits(window=number + 1)) "
        "for number in range({start}, {start} + 50)]"
    )
    threads = [threading.Thread(target=other_process, args=(url, does.format(start=start))) for start in (0, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    store = store_at(url)
    keys = [route_key(None, "P", str(number)) for number in range(100)]
    asyncio.run(read_all(store, keys))

    assert [store.view(key).limits.window for key in keys] == list(range(1, 101))


async def read_all(store, keys):
    waiting = store.loading(keys)
    if waiting is not None:
        await waiting


# The catalogue


def test_the_catalogue_tells_what_other_processes_found_out(url):
    provider = ScriptedProvider("hi", name="P", models=["m"])
    other_process(
        url, 'store.failed(KEY, "timeout", None, BreakerSettings()); store.learn(KEY, RouteLimits(window=4096))'
    )

    catalog = Catalog(cache_dir=False, store=url)

    [route] = catalog.routes("m", provider=provider)
    assert (route.window, route.sources["window"]) == (4_096, "its refusals")
    [measured] = catalog.provider("P").measured
    assert (measured.route, measured.works, measured.calls, measured.last_error) == ("P:m", False, 0, "timeout")
    assert 20 < measured.resting < 40


async def test_what_is_used_here_is_told_once_by_what_is_known_here(url):
    provider = ScriptedProvider("hi", name="P")
    own = route_key(provider, "P", "m")
    store = store_at(url)
    await read(store, own)
    store.learn(own, RouteLimits(window=4_096))
    store.succeeded(own, 0.5)

    known = await asyncio.to_thread(store.known)

    assert list(known) == [own]


def test_names_that_nobody_wrote_are_passed_over(tmp_path):
    url = f"sqlite:///{tmp_path / 'health.db'}"
    other_process(url, "store.learn(KEY, RouteLimits(window=4096))")
    with sqlite3.connect(tmp_path / "health.db") as database:
        for name in ("", "[", '["a"]', "[1,2,3]", "[" * 5_000):
            database.execute(
                "INSERT INTO g4f_integrations_health_1 VALUES (?, 'limits', 1, ?)", (name, '{"v":1,"at":1,"window":8}')
            )
    database.close()

    assert [key.label for key in store_at(url).known()] == ["P:m"]


def test_a_lost_store_costs_the_catalogue_nothing_but_what_it_held(tmp_path):
    assert Catalog(cache_dir=False, store=f"sqlite:///{tmp_path}/no/such/health.db").provider("Groq").measured == ()


# A store that is lost


@pytest.mark.parametrize(
    "lost",
    ["redis://127.0.0.1:1/0", "unix:///nowhere/redis.sock", "sqlite:////nowhere/at/all/health.db"],
)
async def test_a_store_that_cannot_be_reached_costs_no_call_and_one_line(lost, caplog):
    provider = ScriptedProvider("text", name="Well")
    policy = Resilience(store=lost)

    answers = [await ask(provider, policy=policy) for _ in range(5)]

    assert {answer.text for answer in answers} == {"text"}
    (line,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "is lost" in line.getMessage()


async def test_breakers_work_without_the_store():
    store = store_at("redis://127.0.0.1:1/0")
    await read(store)

    store.failed(KEY, "timeout", None, BREAKER)

    assert store.view(KEY).open_until > time.monotonic()


async def test_a_store_that_comes_back_is_told_what_happened_meanwhile(own_redis, monkeypatch):
    monkeypatch.setattr("g4f_integrations.stores._shared._LONGEST_PAUSE", 0.01)
    store = refreshing(own_redis.url)
    await read(store)
    own_redis.stop()
    await until(lambda: store._link.is_lost)
    store.failed(KEY, "timeout", None, BREAKER)

    own_redis.start()
    await until(lambda: not store._link.is_lost and not store._link.pending)

    assert (await known_elsewhere(own_redis.url)).last_error == "timeout"


async def test_a_file_that_somebody_has_locked_is_told_when_it_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr("g4f_integrations.stores._shared._LONGEST_PAUSE", 0.01)
    monkeypatch.setattr("g4f_integrations.stores.sqlite._BUSY_SECONDS", 0.01)
    url = f"sqlite:///{tmp_path / 'health.db'}"
    store = refreshing(url)
    with sqlite3.connect(tmp_path / "health.db", isolation_level=None) as somebody:
        somebody.execute("BEGIN EXCLUSIVE")
        answer = await ask(ScriptedProvider("text"), policy=Resilience(store=url))
        store.failed(KEY, "timeout", None, BREAKER)
        await until(lambda: store._link.is_lost)
        somebody.execute("ROLLBACK")
    somebody.close()

    await until(lambda: not store._link.is_lost and not store._link.pending)

    assert answer.text == "text"
    assert (await known_elsewhere(url)).last_error == "timeout"


async def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    path = tmp_path / "precious.txt"
    path.write_text("not yours " * 1_000)

    health = await read(store_at(f"sqlite:///{path}"))

    assert health.at_ease
    assert path.read_text() == "not yours " * 1_000


async def test_a_file_that_was_deleted_is_made_again(tmp_path):
    url = f"sqlite:///{tmp_path / 'health.db'}"
    store = refreshing(url)
    await read(store)
    for path in tmp_path.iterdir():
        path.unlink()

    store.failed(KEY, "timeout", None, BREAKER)
    store.close()

    assert (await known_elsewhere(url)).last_error == "timeout"


async def test_rubbish_of_others_harms_nobody(redis_url, running_redis):
    from redis import Redis

    store = store_at(redis_url)
    with Redis.from_url(running_redis.url) as redis:
        for fact, text in {"breaker": b"\xff", "limits": b'{"v":1,"at":9e9}', "pushback": b"[" * 500}.items():
            redis.hset(store._hash, f'{fact} ["P","m",""]', text)

    assert (await read(store)).at_ease
    store.failed(KEY, "timeout", None, BREAKER)
    store.close()
    assert (await known_elsewhere(redis_url)).last_error == "timeout"


async def test_a_place_of_another_kind_is_a_lost_store(redis_url, running_redis):
    from redis import Redis

    store = store_at(redis_url)
    with Redis.from_url(running_redis.url) as redis:
        redis.set(store._hash, "no hash")

    assert (await read(store)).at_ease
    await until(lambda: store._link.is_lost)


# What the engine is promised


def test_no_method_waits_for_a_server_that_says_nothing(monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = store_at(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        for _ in range(200):
            store.view(KEY)
            store.failed(KEY, "timeout", None, BREAKER)
            store.succeeded(KEY, 0.1)
            store.learn(KEY, RouteLimits())
            store.begin_probe(KEY)
            store.end_probe(KEY)

        assert store.view(KEY).calls == 400
        assert len(store._link.pending) <= 4


async def test_a_call_waits_for_a_silent_server_once_and_not_for_long(monkeypatch):
    import socket

    monkeypatch.setattr("g4f_integrations.stores._shared.SharedHealth._very_first_wait", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = store_at(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        health = await read(store)

        assert not health.unread
        assert store.loading([KEY]) is None


def test_one_store_serves_many_loops_and_threads(url):
    with elsewhere(url) as theirs:
        theirs.failed(KEY, "timeout", None, BREAKER)
    store, seen = store_at(url), []

    def work():
        seen.append(asyncio.run(read(store)).last_error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == ["timeout"] * 8


# Copies, pickles, forks


def test_a_url_stands_for_one_store_and_so_does_every_copy(url):
    model = ChatG4F(provider=ScriptedProvider("text", name="Well"), resilience=Resilience(store=url))
    store = model.resilience.store

    assert store is store_at(url)
    assert copy.deepcopy(model).resilience.store is store
    assert pickle.loads(pickle.dumps(model)).resilience.store is store


def test_pickles_arrive_as_one_store_in_another_process(url):
    pickles = [pickle.dumps(Resilience(store=url)) for _ in range(3)]
    _registry.by_address.clear()  # as where nobody has named it yet

    stores = {id(pickle.loads(data).store) for data in pickles}

    assert stores == {id(store_at(url))}


def test_a_password_does_not_travel_and_a_variable_does(monkeypatch):
    monkeypatch.setenv("MY_REDIS", "redis://:hidden@127.0.0.1:1/0")
    literal = store_at("redis://:hidden@127.0.0.1:2/0")
    named = store_at("env:MY_REDIS")

    assert b"hidden" not in pickle.dumps(literal) + pickle.dumps(named)
    assert "hidden" not in f"{literal!r} {named!r} {literal.shown} {Resilience(store=literal)!r}"
    assert named._url.get_secret_value() == "redis://:hidden@127.0.0.1:1/0"
    assert pickle.loads(pickle.dumps(named)) is named


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
async def test_a_child_connects_anew_and_leaves_the_parents_connection_alone(url):
    store = refreshing(url)
    store.failed(KEY, "timeout", None, BREAKER)
    await read(store)
    await until(lambda: not store._link.pending)

    child = os.fork()
    if child == 0:
        code = 1
        try:
            store.learn(KEY, RouteLimits(window=77))
            store.close()
            code = 0
        finally:
            os._exit(code)

    assert os.waitstatus_to_exitcode((await asyncio.to_thread(os.waitpid, child, 0))[1]) == 0
    await until(lambda: store.view(KEY).limits == RouteLimits(window=77))


# Addresses


@pytest.mark.parametrize("wrong", ["mysql://host", "sqlite://", "", "env:NOT_SET_ANYWHERE", "redis"])
def test_what_is_no_store_is_said_at_once(wrong):
    with pytest.raises((errors.ConfigurationError, ValueError), match="store"):
        Resilience(store=wrong)


@pytest.mark.parametrize(("url", "sort"), [("sqlite:///health.db", SQLiteHealth), ("redis://127.0.0.1:9", RedisHealth)])
def test_the_scheme_of_a_url_says_which_sort_of_store_it_is(url, sort):
    store = store_at(url)

    assert type(store) is sort
    assert isinstance(store, SharedHealth)


def test_naming_a_store_opens_nothing(tmp_path):
    threads = threading.active_count()

    Resilience(store=f"sqlite:///{tmp_path / 'health.db'}")
    Resilience(store="redis://nowhere.invalid/0")

    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == threads


async def test_namespaces_are_apart(redis_url):
    with elsewhere(redis_url) as theirs:
        theirs.failed(KEY, "timeout", None, BREAKER)

    assert (await read(store_at(f"{redis_url}-other"))).at_ease
    assert not (await read(store_at(redis_url))).at_ease


async def test_a_hung_route_is_paid_for_once_by_a_whole_fleet(url):
    hung, well = ScriptedProvider(stall(30), name="Hung"), ScriptedProvider("well", name="Well")
    policy = Resilience(store=url, attempt_timeout=0.02, first_token_timeout=0.02)
    await ask(hung, well, policy=policy)
    (route,) = [key for key in policy.store.known() if key.name == "Hung"]
    await until_told(url, route)
    second = second_view(policy.store)

    answers = [await ask(hung, well, policy=policy.model_copy(update={"store": second})) for _ in range(3)]

    second.close()
    assert [answer.providers for answer in answers] == [["Well"]] * 3
