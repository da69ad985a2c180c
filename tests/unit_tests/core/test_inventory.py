"""The catalogue: asked for fresh lists, kept between processes, joined with what calls have shown."""

import asyncio
import copy
import json
import pickle
import sqlite3
import sys
import threading
import time

import pytest

from asking import ask
from g4f_integrations import Catalog, Endpoint, errors
from g4f_integrations.core.candidates.candidate import route_key
from g4f_integrations.core.catalog import Abilities, ListedModel, Listing, forget_lists, listings, publish, reviews
from g4f_integrations.core.health import BreakerSettings, LocalHealth
from g4f_integrations.core.inventory import RouteInfo, Rows
from g4f_integrations.core.inventory.asking import ask_all, safe_sources
from g4f_integrations.core.inventory.results import Asked
from g4f_integrations.core.inventory.rows import read_rows
from g4f_integrations.core.inventory.stored import FILE_NAME, ListStore, Told
from g4f_integrations.core.trimming import RouteLimits
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply, Stall


@pytest.fixture
def catalog(tmp_path):
    return Catalog(cache_dir=tmp_path, timeout=5.0)


@pytest.fixture
def endpoint(loopback):
    rows = [{"id": "small", "context_length": 4096}, {"id": "gpt-4o", "capabilities": ["vision"]}]
    loopback.replies(Reply.json({"object": "list", "data": rows}))
    return Endpoint(loopback.base_url, api_key="key-1")


def listing_provider(get_models, **attributes):
    """A provider class whose list comes from `get_models`."""
    made = ScriptedProvider("hi", **attributes)
    made.get_models = classmethod(lambda cls: get_models())
    return made


def told(source="A", at=1.0, models=("m",), error=None):
    listing = None if error else Listing(source, "provider", at, {model: ListedModel(model) for model in models})
    return Told(Asked(source, "provider", at, 0.1, len(models), None if error else at, error, error or ""), listing)


# Asking.


def test_making_one_reads_writes_and_asks_nothing(tmp_path):
    Catalog(cache_dir=tmp_path / "cache", endpoints=["http://127.0.0.1:9/v1"], max_age=1)

    assert list(tmp_path.iterdir()) == []


def test_an_endpoints_list_becomes_part_of_the_catalogue(catalog, endpoint, loopback):
    [asked] = catalog.refresh(endpoint)

    assert (asked.source, asked.ok, asked.models) == (endpoint.name, True, 2)
    assert loopback.requests[0].headers["authorization"] == "Bearer key-1"
    assert [(info.id, info.window) for info in catalog.models(provider=endpoint.name)] == [
        ("gpt-4o", 128_000),
        ("small", 4096),
    ]
    assert catalog.model("small").sources["window"] == f"the list of {endpoint.name}"
    assert catalog.model("gpt-4o").listed_by == (endpoint.name,)


async def test_lists_are_asked_for_in_a_running_loop_both_ways(catalog, endpoint):
    rows = [await catalog.arefresh(endpoint), catalog.refresh(endpoint.base_url)]

    assert [row.ok for [row] in rows] == [True, True]


def test_a_providers_own_list_is_asked_for_where_it_is_named(catalog):
    provider = listing_provider(lambda: {"fresh-model": {"context_length": 8192}}, name="Lister")

    [asked] = catalog.refresh(provider)

    assert (asked.source, asked.kind, asked.models) == ("Lister", "provider", 1)
    assert catalog.provider("Lister").listed_at == asked.told_at
    assert catalog.model("fresh-model").window == 8192


async def test_a_list_that_comes_as_a_coroutine_is_awaited(catalog):
    async def models():
        return ["one", "two"]

    [asked] = await catalog.arefresh(listing_provider(models))

    assert asked.models == 2


def test_failures_are_facts_and_hold_nobody_up(catalog, endpoint, loopback):
    def broken():
        raise RuntimeError("Error 429: Rate limit reached at https://u:secret@host/?key=sk-abcdefghijklmnop")

    rows = catalog.refresh(endpoint, listing_provider(broken, name="Broken"), "NobodyKnowsThis", "AgentTools")

    assert [row.ok for row in rows][:3] == [True, False, False]
    assert rows[1].error_kind == "rate_limit"
    assert rows[2].error.startswith("provider: unknown provider")
    assert "secret" not in rows[1].error
    assert "sk-abc" not in rows[1].error
    assert catalog.asked().to_dict()[0]["asked_at"].endswith("+00:00")


def test_a_source_that_hangs_costs_its_own_clock(loopback, tmp_path):
    released = threading.Event()
    loopback.replies(Reply.body(b" ", Stall()))
    hanging = listing_provider(lambda: released.wait(5) or [])

    rows = Catalog(cache_dir=False, timeout=0.05).refresh(hanging, loopback.base_url, listing_provider(lambda: ["m"]))
    released.set()

    assert [row.error_kind for row in rows] == ["timeout", "timeout", None]
    assert "no list of models within 0.05 s" in rows[0].error


async def test_g4fs_own_blocking_request_for_a_list_keeps_its_clock_and_holds_no_loop_up(loopback):
    from g4f.Provider.template import OpenaiTemplate

    hung = type("Hanging", (OpenaiTemplate,), {"base_url": loopback.base_url})
    loopback.replies(Reply.body(b" ", Stall()))

    asking = asyncio.ensure_future(Catalog(cache_dir=False, timeout=0.05).arefresh(hung))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0.005)
        turns += 1

    assert asking.result()[0].error_kind == "timeout"
    assert turns > 2


@pytest.mark.parametrize("named", ["Groq", None])
def test_g4fs_own_lists_are_asked_for_anew_each_time_and_leave_the_class_as_it_was(named, loopback, monkeypatch):
    from g4f.Provider.template import OpenaiTemplate

    from g4f_integrations.core.catalog import find_provider

    provider = find_provider(named) if named else type("Listing", (OpenaiTemplate,), {})
    for attribute in ("base_url", "backup_url"):
        monkeypatch.setattr(provider, attribute, loopback.base_url, raising=False)
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    loopback.replies(Reply.json({"data": [{"id": "a"}]}), Reply.json({"data": [{"id": "a"}, {"id": "b"}]}))
    catalog = Catalog(cache_dir=False)

    counts = [row.models for row in (*catalog.refresh(named or provider), *catalog.refresh(named or provider))]

    assert counts == [1, 2]
    assert not provider.models


async def test_no_more_are_asked_at_a_time_than_was_said():
    at_once, most = set(), []

    def models(name):
        at_once.add(name)
        most.append(len(at_once))
        time.sleep(0.005)
        at_once.discard(name)
        return []

    await ask_all([listing_provider(lambda name=name: models(name)) for name in range(8)], 5.0, 3)

    assert len(most) == 8
    assert max(most) <= 3


async def test_a_caller_that_leaves_is_not_kept():
    released = threading.Event()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await Catalog(cache_dir=False).arefresh(listing_provider(lambda: released.wait(5) or []))
    released.set()


def test_unasked_only_safe_providers_are_asked():
    assert set(safe_sources()) == {name for name, info in reviews().items() if info.safe}


def test_what_is_no_source_is_refused(catalog):
    with pytest.raises(errors.ConfigurationError, match="a source of models is"):
        catalog.refresh(7)


def test_a_list_leaves_g4fs_classes_as_they_were(catalog):
    from g4f_integrations.core.catalog import find_provider

    before = copy.copy(find_provider("LLM7").models)
    catalog.refresh("LLM7")

    assert find_provider("LLM7").models == before


# Age.


def test_what_is_young_enough_is_not_asked_again(catalog, endpoint, loopback):
    catalog.refresh(endpoint)

    assert catalog.refresh(endpoint, max_age=60) == []
    assert len(catalog.refresh(endpoint, max_age=0)) == 1
    assert len(loopback.requests) == 2


def test_a_failure_is_believed_for_minutes_only(catalog, loopback, monkeypatch):
    loopback.replies(Reply.status(503))
    catalog.refresh(loopback.base_url)
    assert catalog.refresh(loopback.base_url, max_age=86_400) == []

    later = time.time() + 400
    monkeypatch.setattr("time.time", lambda: later)

    assert len(catalog.refresh(loopback.base_url, max_age=86_400)) == 1


def test_a_question_asks_first_where_lists_are_too_old(endpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("g4f_integrations.core.inventory.overview.safe_sources", list)
    catalog = Catalog(cache_dir=tmp_path, endpoints=[endpoint], max_age=3600)

    assert catalog.model("small").window == 4096
    assert len(catalog.asked()) == 1


# Keeping.


def test_the_next_process_needs_no_network(catalog, endpoint, tmp_path):
    catalog.refresh(endpoint)
    forget_lists()

    later = Catalog(cache_dir=tmp_path)

    assert later.model("small").window == 4096
    assert "vision" in listings()[endpoint.name].models["gpt-4o"].abilities.has
    assert [row.source for row in later.asked()] == [endpoint.name]


def test_a_failure_leaves_the_older_list_in_place(catalog, endpoint, loopback, tmp_path):
    catalog.refresh(endpoint)
    loopback.replies(Reply.status(503))

    [asked] = catalog.refresh(endpoint)
    forget_lists()

    assert (asked.ok, asked.models) == (False, 2)
    [stored] = Catalog(cache_dir=tmp_path).asked()
    assert (stored.ok, stored.models, stored.error_kind) == (False, 2, "overloaded")


def test_nothing_is_stored_where_that_is_not_wanted(endpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    Catalog(cache_dir=False).refresh(endpoint)

    assert list(tmp_path.iterdir()) == []


def test_by_default_lists_lie_in_the_users_cache_folder(endpoint, tmp_path, monkeypatch):
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))

    Catalog().refresh(endpoint)

    assert [path.name for path in tmp_path.rglob("*.sqlite3")] == [FILE_NAME]


@pytest.mark.parametrize("content", [b"this is no database " * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_broken_file_is_made_anew(content, tmp_path):
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    store = ListStore(path)

    assert store.read() == []
    store.write([told()])

    assert [one.asked.source for one in store.read()] == ["A"]


@pytest.mark.parametrize("row", [("x", "[[1]]"), ("x", "{"), ("x", "[" * 10_000), ("x", '[["m","9",null,[],[]]]')])
def test_a_row_that_somebody_else_wrote_is_passed_over(row, tmp_path):
    store = ListStore(tmp_path / FILE_NAME)
    store.write([told()])
    with sqlite3.connect(store.path) as connection:
        connection.execute("INSERT INTO sources VALUES (?, 'provider', 1, 1, NULL, '', 1, ?)", row)
    connection.close()

    assert [one.asked.source for one in store.read()] == ["A"]


def test_a_folder_that_cannot_be_written_costs_no_error(tmp_path, endpoint, caplog):
    (tmp_path / "file").write_text("in the way")

    [asked] = Catalog(cache_dir=tmp_path / "file" / "cache").refresh(endpoint)

    assert asked.ok
    assert "kept for this process only" in caplog.text


def test_of_many_writers_none_loses_what_another_wrote(tmp_path):
    stores = [ListStore(tmp_path / FILE_NAME) for _ in range(4)]

    def write(number):
        for round_ in range(5):
            stores[number].write([told(f"{number}-{round_}")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(stores[0].read()) == 20


def test_the_newer_answer_stays_whoever_writes_last(tmp_path):
    store = ListStore(tmp_path / FILE_NAME)

    store.write([told(at=2.0, models=("new",))])
    store.write([told(at=1.0, models=("old",))])

    assert list(store.read()[0].listing.models) == ["new"]


def test_what_is_stored_is_bounded(tmp_path):
    store = ListStore(tmp_path / FILE_NAME)

    store.write([told(str(number), at=float(number)) for number in range(300)])

    sources = {one.asked.source for one in store.read()}
    assert (len(sources), "299" in sources, "0" in sources) == (256, True, False)


# Lists are strangers' texts.


@pytest.mark.parametrize(
    ("row", "has", "lacks"),
    [
        ({"architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]}}, {"vision"}, set()),
        ({"architecture": {"input_modalities": ["text"]}, "supported_parameters": ["tools"]}, {"tools"}, {"vision"}),
        ({"input_modalities": ["text", "audio"], "tools": True, "reasoning": False}, {"tools", "audio"}, None),
        ({"output_modalities": ["image"]}, {"image"}, {"chat"}),
        ({"capabilities": {"vision": True, "function_calling": False}}, {"vision"}, {"tools"}),
        ({"capabilities": ["completion", "vision", "thinking"]}, {"vision", "reasoning"}, set()),
        ({"type": "vlm"}, {"vision"}, set()),
        ({"image": True, "vision": False}, {"image"}, {"vision"}),
        ({"model_info": {"supports_vision": True}}, {"vision"}, set()),
        ({"capabilities": 7, "architecture": "x", "type": [], "input": [[]]}, set(), set()),
    ],
)
def test_abilities_are_read_in_everybodys_form(row, has, lacks):
    known = read_rows([{"id": "m", **row}])["m"].abilities

    assert known.has == has
    assert lacks is None or known.lacks == lacks


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        (["a", "b", "a"], ["a", "b"]),
        ([{"name": "a"}, {"id": ""}, {"id": 7}, None, 3, [], {"id": "x" * 201}, {"id": "a\nb"}], ["a"]),
        ({"a": {}, "b": None}, ["a", "b"]),
        (None, []),
        ("abc", []),
        (7, []),
    ],
)
def test_what_is_no_model_is_left_out(rows, ids):
    assert list(read_rows(rows)) == ids


def test_a_list_without_end_is_cut():
    assert len(read_rows({str(number): {} for number in range(30_000)})) == 20_000


# Questions.


def test_models_are_found_by_what_they_do(catalog):
    both = catalog.models(ability=["vision", "tools"], min_window=1_000_000, free=True)

    assert both
    assert all({"vision", "tools"} <= set(info.abilities) and info.window >= 1_000_000 for info in both)
    assert all(info.free_providers for info in both)
    assert {info.kind for info in catalog.models(ability="image")} == {"image"}


def test_an_unknown_ability_is_refused(catalog):
    with pytest.raises(errors.ConfigurationError, match="ability: unknown 'telepathy'; known are chat, vision"):
        catalog.models(ability="telepathy")


def test_each_fact_names_its_source(catalog):
    sources = catalog.model("gpt-oss-120b").sources

    assert sources["providers"].startswith("g4f ")
    assert sources["reasoning"] == "core/data/abilities.toml"
    assert sources["window"] == "core/data/context_windows.toml"


def test_providers_are_found_by_what_they_do_and_serve(catalog):
    safe = {info.name for info in catalog.providers(model="gpt-4o", safe=True)}

    assert safe
    assert safe <= set(catalog.model("gpt-4o").providers)
    assert {"vision" in info.abilities for info in catalog.providers(ability="vision")} == {True}
    assert {info.auth for info in catalog.providers(free=True)} == {False}
    assert [route.label for route in catalog.routes("gpt-oss-120b", provider="Groq")] == ["Groq:gpt-oss-120b"]
    assert "gpt-oss-120b" in catalog.provider("groq").models


def test_results_turn_into_plain_data(catalog):
    rows = catalog.compare("gpt-4o", "gpt-oss-120b")

    assert [row["id"] for row in json.loads(json.dumps(rows.to_dict()))] == ["gpt-4o", "gpt-oss-120b"]
    for results in (catalog.routes(), catalog.providers(), catalog.asked()):
        assert json.dumps(results.to_dict())


def test_routes_come_in_rows_that_say_what_they_are(catalog):
    routes = catalog.routes("gpt-oss-120b")

    assert isinstance(routes, Rows)
    assert {type(route) for route in routes} == {RouteInfo}


def test_a_table_without_pandas_says_what_is_missing(catalog, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(errors.ConfigurationError, match="pip install pandas"):
        catalog.compare("gpt-4o").to_pandas()


def test_a_table_is_pandas_own(catalog):
    pytest.importorskip("pandas", reason="pandas is not installed")

    assert list(catalog.compare("gpt-4o").to_pandas()["window"]) == [128_000]


# What calls have shown.


async def test_a_route_that_answered_works_and_one_that_failed_does_not(catalog):
    good, bad = ScriptedProvider("hi", name="Good"), ScriptedProvider(ConnectionError("reset"), name="Bad")
    await ask(bad, good)

    [works] = catalog.provider("Good").measured
    [fails] = catalog.routes("m", provider="Bad")

    assert (works.works, works.successes, works.first_token >= 0) == (True, 1, True)
    assert (catalog.provider("Good").works, catalog.provider("Bad").works) == (True, False)
    # Another model of the same provider is another route.
    assert (fails.measured.calls, fails.measured.works) == (0, None)


def test_a_learned_window_counts_more_than_the_table():
    store = LocalHealth()
    provider = ScriptedProvider("hi", name="Taught")
    key = route_key(provider, "Taught", "gpt-4o")
    store.succeeded(key, 0.5)
    store.failed(key, "context_length", None, BreakerSettings())
    store.learn(key, RouteLimits(window=8_000))

    [info] = Catalog(cache_dir=False, store=store).routes("gpt-4o", provider="Taught")

    assert (info.window, info.sources["window"]) == (8_000, "its refusals")
    assert (info.measured.first_token, info.measured.last_error) == (0.5, "context_length")


def test_asking_about_a_route_leaves_the_store_as_it_was():
    store = LocalHealth()

    Catalog(cache_dir=False, store=store).routes()

    assert store.known() == {}


# Copies.


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_knows_what_the_catalogue_knows(copied, catalog, endpoint):
    catalog.refresh(endpoint)

    assert [row.source for row in copied(catalog).asked()] == [endpoint.name]


def test_threads_may_ask_at_once(catalog):
    publish([Listing("host", "endpoint", 1.0, {"m": ListedModel("m", abilities=Abilities())})])
    found = []
    threads = [threading.Thread(target=lambda: found.append(len(catalog.models()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(set(found)) == 1
