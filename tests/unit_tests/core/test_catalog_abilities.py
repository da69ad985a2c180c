"""What models can do, as far as anybody knows, and what follows for the choice of routes."""

import re
import tomllib
from importlib.resources import files

import pytest

from asking import ask
from g4f_integrations import Catalog, ChatG4F, Endpoint, Resilience, Route, errors
from g4f_integrations.core.candidates import resolve
from g4f_integrations.core.catalog import (
    ABILITIES,
    Abilities,
    ListedModel,
    Listing,
    find_provider,
    g4f_version,
    listings,
    publish,
    reviews,
    sees_pictures,
    similar_models,
    table_abilities,
)
from g4f_integrations.core.routes import RouteChoice
from g4f_integrations.testing import ScriptedProvider, reset_health

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
LOOK = [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE]}]


def labels(choice):
    return [candidate.label for candidate in resolve(choice).candidates]


def seen(model, source="Somebody", provider=None):
    return sees_pictures(provider, source, model)


# The table.


def test_every_row_of_the_table_names_known_abilities_and_contradicts_nothing():
    table = files("g4f_integrations.core").joinpath("data", "abilities.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(table)["models"]

    assert rows
    for row in rows:
        has, lacks = set(row.get("has", ())), set(row.get("lacks", ()))
        assert re.compile(row["match"])
        assert has | lacks <= set(ABILITIES)
        assert not has & lacks
        assert has | lacks


@pytest.mark.parametrize(
    ("model", "has", "lacks"),
    [
        ("gpt-4o", "vision tools", ""),
        ("openai/gpt-5-mini", "vision tools reasoning", ""),
        ("openai/gpt-oss-120b", "tools reasoning", "vision"),
        ("gpt-3.5-turbo", "tools", "vision"),
        ("claude-sonnet-4-5", "vision tools reasoning", ""),
        ("google/gemma-4-31b-it:free", "vision tools", ""),
        ("meta-llama/llama-3.3-70b-instruct", "tools", "vision"),
        ("llama-4-scout", "vision tools", ""),
        ("Qwen/Qwen2.5-VL-72B-Instruct", "vision tools", ""),
        ("qwen-3-vl-30b-a3b", "vision tools", ""),
        ("qwen-3-32b", "tools reasoning", "vision"),
        ("deepseek-ai/DeepSeek-R1", "reasoning", "vision"),
        ("deepseek-v4-flash-vision-exp", "vision", ""),
        ("glm-4.5v", "vision", ""),
        ("glm-4.5-air", "tools", "vision"),
        ("flux-dev", "image", ""),
        ("whisper-large-v3", "audio", "chat"),
        ("sonar-pro", "web_search", ""),
        ("gpt-4", "", "tools"),
        ("somebodys-model", "", ""),
        ("x" * 100_000, "", ""),
    ],
)
def test_what_a_model_does_is_told_by_its_id(model, has, lacks):
    known = table_abilities(model)

    assert set(has.split()) <= known.has
    assert known.lacks == set(lacks.split()) or model == "gpt-4"


def test_what_nobody_knows_is_neither_had_nor_lacked():
    assert [table_abilities("somebodys-model").of(ability) for ability in ABILITIES] == [None] * len(ABILITIES)


def test_of_two_who_know_the_first_counts():
    told = Abilities(frozenset({"vision"}), frozenset({"tools"}))

    joined = told.over(Abilities(frozenset({"tools", "audio"}), frozenset({"vision"})))

    assert (joined.has, joined.lacks) == ({"vision", "audio"}, {"tools"})


@pytest.mark.skipif(g4f_version() != "8.8.6", reason="the reviews are of this release")
def test_what_the_reviews_say_of_tools_is_what_the_classes_say():
    safe = [info for info in reviews().values() if info.safe]

    native = {info.name for info in safe if getattr(find_provider(info.name), "supports_native_tools", False)}

    assert {info.name for info in safe if info.tools} == native


# Pictures.


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("GeminiPro", "gemini-2.5-flash", True),
        ("Groq", "openai/gpt-oss-120b", False),
        ("LLM7", "default", None),
        ("LLM7", "", None),
        ("TeachAnything", "gemma-3-27b-it", False),  # its class hands on text alone
        ("OperaAria", "aria", True),  # its class says so
    ],
)
def test_whether_a_route_sees_is_told_by_its_class_and_its_model(provider, model, expected):
    assert sees_pictures(find_provider(provider), provider, model) is expected


def test_of_a_users_own_class_nobody_knows():
    assert sees_pictures(ScriptedProvider("hi"), "Mine", "gpt-3.5-turbo") is None


def test_what_an_endpoint_lists_counts_more_than_our_table():
    sees = Abilities(frozenset({"vision"}))
    publish([Listing("host", "endpoint", 1.0, {"gpt-3.5-turbo": ListedModel("gpt-3.5-turbo", abilities=sees)})])

    assert seen("gpt-3.5-turbo", "host") is True
    assert seen("gpt-3.5-turbo", "elsewhere") is False


async def test_a_picture_goes_to_the_route_that_sees_it(loopback):
    blind = Endpoint(loopback.base_url, "gpt-3.5-turbo")
    unknown = Endpoint(loopback.base_url, "somebodys-model")
    sighted = Endpoint(loopback.base_url, "gpt-4o")

    first = await ask(routes=(blind, unknown, sighted), messages=LOOK)
    plain = await ask(routes=(blind, unknown, sighted))

    assert [request.body["model"] for request in loopback.requests] == ["gpt-4o", "gpt-3.5-turbo"]
    assert [len(answer.info.attempts) for answer in (first, plain)] == [1, 1]


async def test_an_endpoint_is_asked_in_spite_of_our_table_when_there_is_no_other(loopback):
    await ask(base_url=loopback.base_url, model="gpt-3.5-turbo", messages=LOOK)

    assert loopback.requests[0].body["messages"][0]["content"][1]["type"] == "image_url"


def test_a_picture_that_nobody_would_see_is_an_error_that_names_models_which_do():
    model = ChatG4F(routes=["Groq:openai/gpt-oss-120b", "TeachAnything:gemma"])

    with pytest.raises(errors.ConfigurationError) as caught:
        model.invoke([("user", LOOK[0]["content"])])

    assert "none of the candidates reads pictures: Groq:openai/gpt-oss-120b, TeachAnything:gemma" in str(caught.value)
    assert re.search(r"such as '[\w.-]+'", str(caught.value))


@pytest.mark.parametrize("order", ["given", "adaptive"])
async def test_a_recording_goes_first_to_the_route_that_is_known_to_listen(order, loopback):
    sound = {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}}
    speaks = Endpoint(loopback.base_url, "gpt-4o-mini-tts")  # it has to do with sound, but does not chat
    unknown, listens = (Endpoint(loopback.base_url, model) for model in ("somebodys-model", "gpt-4o-audio-preview"))
    told = [{"role": "user", "content": [{"type": "text", "text": "What is said?"}, sound]}]

    await ask(policy=Resilience(order=order), routes=(speaks, unknown, listens), messages=told)
    await ask(policy=Resilience(order=order), routes=(unknown,), messages=told)

    assert [request.body["model"] for request in loopback.requests] == ["gpt-4o-audio-preview", "somebodys-model"]


def test_auto_takes_last_what_a_providers_own_list_no_longer_names():
    def listed(provider, *models):
        publish([Listing(provider, "provider", 1.0, {model: ListedModel(model) for model in models})])

    first, *others = labels(RouteChoice())
    listed("KiloCode", "some-other-model")
    listed("GeminiPro", "models/gemini-2.5-flash")  # which the class has the default route's name for
    listed("LLM7", "some-other-model")  # a static list, in which its default need not stand

    assert "KiloCode:kilo-auto/free" in others
    assert labels(RouteChoice()) == [
        first, *(label for label in others if not label.startswith("KiloCode")), "KiloCode:kilo-auto/free"
    ]  # fmt: skip


# Models that can stand in.


def test_similar_models_do_as_much_and_take_as_much():
    wanted = Catalog(cache_dir=False).model("gpt-4o")
    found = [Catalog(cache_dir=False).model(model) for model in similar_models("gpt-4o")]

    assert 0 < len(found) <= 4
    assert all({"vision", "tools"} <= set(info.abilities) and info.window >= wanted.window for info in found)
    assert all(info.default_providers and info.kind == "chat" for info in found)


@pytest.mark.parametrize("model", ["gpt-4", "nobody-knows-this"])
def test_nothing_is_similar_to_a_model_of_which_nothing_is_known(model):
    assert similar_models(model) == ()


def test_pictures_are_not_replaced_by_chat():
    kinds = {Catalog(cache_dir=False).model(model).kind for model in similar_models("flux")}

    assert kinds == {"image"}


def test_similar_models_stand_behind_the_model_itself():
    plain = labels(RouteChoice(model="gpt-4o"))
    found = labels(RouteChoice(model="gpt-4o", fallback_models=("similar",)))

    assert found[: len(plain)] == plain
    assert len(found) > len(plain)
    assert not any(label.endswith("similar") for label in found)


def test_similar_models_of_a_named_provider_are_served_by_it():
    found = resolve(RouteChoice(model="openai/gpt-oss-120b", provider="Groq", fallback_models=("similar",))).candidates

    assert {candidate.name for candidate in found} == {"Groq"}


def test_similar_models_of_an_endpoint_come_from_its_list():
    listed = {name: ListedModel(name) for name in ("gpt-4.1", "gpt-3.5-turbo", "gpt-4o")}
    choice = RouteChoice(model="gpt-4o", base_url="http://127.0.0.1:9/v1", fallback_models=("similar",))
    before = labels(choice)

    publish([Listing("127.0.0.1:9", "endpoint", 1.0, listed)])

    assert before == ["127.0.0.1:9:gpt-4o"]
    assert labels(choice) == ["127.0.0.1:9:gpt-4o", "127.0.0.1:9:gpt-4.1"]


@pytest.mark.parametrize("given", ["similar", ["similar"]])
def test_a_model_takes_similar_as_a_word(given):
    assert ChatG4F(model="gpt-4o", fallback_models=given).fallback_models == ["similar"]


def test_auto_has_no_similar_models():
    assert labels(RouteChoice(fallback_models=("similar",))) == labels(RouteChoice())


# Lists that were told.


def test_a_model_that_only_a_providers_list_names_is_served_by_it():
    with pytest.raises(errors.ModelNotFoundError):
        resolve(RouteChoice(model="brand-new-model"))

    publish([Listing("LLM7", "provider", 1.0, {"brand-new-model": ListedModel("brand-new-model", window=9_000)})])

    assert labels(RouteChoice(model="brand-new-model")) == ["LLM7:brand-new-model"]
    assert Catalog(cache_dir=False).model("brand-new-model").window == 9_000


def test_a_listed_alias_joins_the_model_that_it_stands_for():
    publish([Listing("KiloCode", "provider", 1.0, {"openai/gpt-4": ListedModel("openai/gpt-4")})])

    info = Catalog(cache_dir=False).model("gpt-4")

    assert "KiloCode" in info.listed_by
    assert "KiloCode" not in info.default_providers  # of its models only the free ones are


def test_an_unsafe_provider_does_not_become_safe_by_its_list():
    publish([Listing("Copilot", "provider", 1.0, {"brand-new-model": ListedModel("brand-new-model")})])

    with pytest.raises(errors.ConfigurationError, match="unless they are named"):
        resolve(RouteChoice(model="brand-new-model"))


def test_of_two_lists_the_newer_counts_and_all_can_be_forgotten():
    publish([Listing("LLM7", "provider", 2.0, {"new": ListedModel("new")})])
    publish([Listing("LLM7", "provider", 1.0, {"old": ListedModel("old")})])
    assert list(listings()["LLM7"].models) == ["new"]

    reset_health()

    assert listings() == {}


def test_a_route_of_the_catalogue_is_a_route_of_the_model():
    routes = Catalog(cache_dir=False).routes("gpt-oss-120b", needs=["tools", "reasoning"])

    model = ChatG4F(routes=routes)

    assert [route.label for route in model.routes] == [route.label for route in routes]
    assert all(isinstance(route, Route) for route in model.routes)
