"""What is known about providers and models, offline and without surprises."""

import io
import json
import logging
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.resources import files

import pytest

from g4f_integrations import Catalog
from g4f_integrations.core.catalog import (
    default_routes,
    environment_key,
    find_provider,
    g4f_version,
    load_g4f,
    provider_names,
    review_of,
    reviewed,
    reviews,
    served_by_default,
    static_model,
)
from g4f_integrations.core.catalog.reviews import suggestion
from g4f_integrations.errors import ConfigurationError, ModelNotFoundError
from g4f_integrations.testing import ScriptedProvider

HINDERING = ("auth", "browser", "cookies", "runs_code", "local_server", "starts_server", "load_network", "missing")


def wheel_names():
    """Every provider name that the installed g4f mentions anywhere."""
    parts = load_g4f()
    table = files("g4f").joinpath("providers.json")  # older releases have none
    listed = json.loads(table.read_text(encoding="utf-8")) if table.is_file() else []
    mapped = {name for row in parts.model_map.values() for name in row}
    return sorted({*parts.loader.names, *parts.loader.extra, *mapped, *(row["name"] for row in listed)})


# The reviews.


def test_every_provider_of_the_installed_g4f_is_reviewed():
    unknown = [name for name in wheel_names() if review_of(name) is None]
    if g4f_version() not in {"8.7.0", "8.8.6"} and unknown:
        pytest.skip(f"new in g4f {g4f_version()}, and used only where they are named: {', '.join(unknown)}")

    assert unknown == []


@pytest.mark.parametrize("info", reviews().values(), ids=lambda info: info.name)
def test_a_review_says_when_and_from_which_source(info):
    assert info.reviewed is not None
    assert ", g4f " in info.source
    assert info.kind in {"chat", "image", "audio", "video", "search", "tools"}
    assert info.kwargs in {"forwarded", "ignored"}
    assert info.max_tokens in {"", "ignored"}
    assert info.note.endswith(".")


@pytest.mark.parametrize("info", Catalog().providers(safe=True), ids=lambda info: info.name)
def test_a_safe_provider_has_no_hindrance_and_g4f_agrees(info):
    provider = find_provider(info.name)

    assert [flag for flag in HINDERING if getattr(info, flag)] == []
    assert (provider.needs_auth, bool(getattr(provider, "use_nodriver", False))) == (False, False)


def test_agent_tools_is_known_to_run_code():
    assert review_of("AgentTools").runs_code
    assert not review_of("AgentTools").safe


def test_a_provider_that_needs_naming_says_why():
    assert Catalog().provider("Copilot").hindrances == ("needs a key or a login", "drives a browser")
    assert [info.name for info in Catalog().providers() if not info.safe and not info.hindrances] == []


def test_the_default_routes_are_safe_and_name_their_models():
    rows = [(review_of(row.provider), row.model) for row in default_routes()]

    assert all(info.serves_by_default(model) and info.kind == "chat" for info, model in rows)
    assert len({row.provider for row in default_routes()}) == len(default_routes()) >= 8


# Loading.


def test_loading_g4f_prints_nothing_and_asks_for_no_newer_version():
    code = (
        "import logging\n"
        "from g4f_integrations.core.catalog import load_g4f\n"
        "load_g4f()\n"
        "import g4f.debug, sys\n"
        "assert g4f.debug.version_check is False\n"
        "logging.getLogger('g4f').error('not for the terminal')\n"
        "assert 'g4f.providers.any_provider' not in sys.modules\n"
    )
    child = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)

    assert (child.returncode, child.stdout, child.stderr) == (0, "", "")


def test_handlers_of_the_user_stay_on_g4fs_logger():
    mine = logging.NullHandler()
    logging.getLogger("g4f").addHandler(mine)
    load_g4f.cache_clear()

    load_g4f()

    assert mine in logging.getLogger("g4f").handlers
    logging.getLogger("g4f").removeHandler(mine)


def test_loading_twice_gives_the_same_parts():
    assert load_g4f() is load_g4f()


@pytest.mark.parametrize("name", ["Pollinations", "pollinations", "POLLINATIONS", "PollinationsAI"])
def test_a_provider_is_found_in_any_spelling(name):
    assert find_provider(name).__name__ == "Pollinations"


@pytest.mark.parametrize("name", ["agent-tools", "agent_tools", "agent", "AgentTools"])
def test_dashes_and_older_names_lead_to_the_same_provider(name):
    assert find_provider(name).__name__ == "AgentTools"


@pytest.mark.parametrize("name", ["NobodyKnowsThis", "", "Model", "__class__", "x" * 100_000, "Pollinations\x00", "…"])
def test_an_unknown_name_is_not_found(name):
    assert find_provider(name) is None


def test_a_registered_class_is_found_by_its_name():
    provider = ScriptedProvider("hi", name="CatalogScripted")

    assert find_provider("CatalogScripted") is find_provider("catalog-scripted") is provider


def test_a_provider_whose_module_is_missing_says_so():
    missing = next(name for name, info in reviews().items() if info.missing and info.name != "Video")
    if g4f_version().startswith("8.7."):
        pytest.skip("this release still has the modules")

    with pytest.raises(ConfigurationError, match=f"'{missing}' cannot be loaded from g4f"):
        find_provider(missing)


@pytest.mark.parametrize("name", ["AnyProvider", "Default", "default"])
def test_g4fs_self_choosing_provider_is_refused(name):
    with pytest.raises(ConfigurationError, match=r"leave `provider` unset|AnyProvider under another name"):
        find_provider(name)
    assert "g4f.providers.any_provider" not in sys.modules


def test_listing_names_loads_nobody(socket_disabled):
    before = dict(load_g4f().loader.loaded)

    assert {"Pollinations", "G4FSpace"} <= set(provider_names())
    assert load_g4f().loader.loaded == before


# Keys from the environment.


def test_g4fs_own_environment_variable_gives_a_key_that_knows_its_origin(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-test")

    key, names = environment_key(find_provider("GeminiPro"))

    assert (key.get_secret_value(), key.origin) == ("AIza-test", "env:GEMINI_API_KEY")
    assert names == ("GEMINIPRO_API_KEY", "GEMINI_API_KEY")


def test_a_provider_that_takes_no_key_looks_at_no_variable(monkeypatch):
    monkeypatch.setenv("YQCLOUD_API_KEY", "secret")

    assert environment_key(find_provider("Yqcloud")) == (None, ())


# Models.


def test_the_catalogue_needs_no_network_and_prints_nothing(socket_disabled):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        assert len(Catalog().models()) > 100
        assert Catalog().routes()

    assert (out.getvalue(), err.getvalue()) == ("", "")


def test_a_model_is_found_by_id_alias_and_other_case():
    catalog = Catalog()

    assert catalog.model("gpt-4").id == catalog.model("openai/gpt-4").id == catalog.model("GPT-4").id == "gpt-4"
    assert "openai/gpt-4" in catalog.model("gpt-4").aliases


def test_an_unknown_model_is_answered_with_close_matches():
    with pytest.raises(ModelNotFoundError, match=r"did you mean .*'gpt-4o'"):
        Catalog().model("gpt-4oo")


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [
        ("gpt4o", "; did you mean 'gpt-4o', 'gpt-4', 'gpt-4o-mini'?"),
        ("GPT-4o-mni", "; did you mean 'gpt-4o-mini', 'gpt-4o'?"),
        ("acme/gpt-4", "; did you mean 'gpt-4', 'gpt-4o', 'gpt-4o-mini'?"),
        ("qwen", "; did you mean 'qwen-3-8b', 'qwen-3-coder'?"),
        ("my-own-model", ""),
        ("claude-3.5", ""),
        ("qw", ""),
        ("", ""),
        ("-", ""),
    ],
)
def test_only_names_that_are_close_are_offered_the_closest_first(wanted, offered):
    known = ["flux-dev", "gpt-4o-mini", "gpt-4o", "gpt-4", "qwen-3-coder", "qwen-3-8b", "sd-3.5-large"]

    assert suggestion(wanted, known) == offered


def test_of_names_for_one_model_the_shortest_is_offered():
    known = ["openrouter:acme/model-1", "acme/Model-1", "model1", "model-1", "acme/model-2"]

    assert suggestion("model-1x", known) == "; did you mean 'model1', 'acme/model-2'?"


def test_at_most_five_names_are_offered():
    assert suggestion("model", [f"model-{number}" for number in range(9)]).count("'") == 10


def test_a_long_model_name_is_refused_at_once_and_cut():
    with pytest.raises(ModelNotFoundError) as caught:
        Catalog().model("gpt-4" * 100_000)

    assert len(str(caught.value)) < 400


def test_unknown_gemini_names_do_not_grow_g4fs_registry():
    before = len(load_g4f().models.convert)

    with pytest.raises(ModelNotFoundError):
        Catalog().model("gemini-99-ultra")

    assert len(load_g4f().models.convert) == before


def test_models_are_listed_by_kind_provider_and_safety():
    catalog = Catalog()

    assert {info.kind for info in catalog.models(kind="image")} == {"image"}
    assert {"Groq" in info.providers for info in catalog.models(provider="groq")} == {True}
    assert 0 < len(catalog.models(safe=True)) < len(catalog.models())


def test_what_the_catalogue_returns_is_plain_json_on_request():
    catalog = Catalog()

    assert json.loads(json.dumps(catalog.model("gpt-4").to_dict()))["id"] == "gpt-4"
    assert json.loads(json.dumps(catalog.provider("Groq").to_dict()))["reviewed"] == "2026-11-21"


def test_an_unknown_provider_is_answered_with_close_matches():
    with pytest.raises(ConfigurationError, match="did you mean 'Pollinations'"):
        Catalog().provider("Polinations")


def test_a_registered_provider_counts_as_not_reviewed():
    ScriptedProvider("hi", name="NotYetReviewed")

    info = Catalog().provider("NotYetReviewed")

    assert (info.safe, info.reviewed, info.hindrances) == (False, None, ("has not been reviewed",))


def test_a_users_own_class_has_no_review_whatever_its_name():
    class Pollinations:
        pass

    assert reviewed(Pollinations) is None
    assert reviewed(find_provider("Pollinations")).adverts


def test_routes_are_filtered_by_what_they_support():
    providers = [find_provider(route.provider) for route in Catalog().routes(needs=["tools", "history"])]

    assert providers
    assert all(one.supports_native_tools and one.supports_message_history for one in providers)


def test_an_unknown_need_is_refused():
    with pytest.raises(ConfigurationError, match=r"needs: unknown 'telepathy'; known are chat, .*, stream"):
        Catalog().routes(needs=["telepathy"])


# Ids.


def test_reading_the_registry_leaves_g4fs_lists_as_they_are():
    registry = load_g4f().models.convert
    before = {name: list(getattr(entry.best_provider, "providers", ())) for name, entry in registry.items()}

    for info in Catalog().models(safe=True):
        served_by_default(info.id)

    after = {name: list(getattr(entry.best_provider, "providers", ())) for name, entry in registry.items()}
    assert after == before


def test_an_alias_of_a_provider_is_resolved_from_its_class():
    provider = ScriptedProvider("hi", model_aliases={"gpt-4o": "openai-large", "many": ["first", "second"]})

    assert [static_model(provider, name) for name in ("gpt-4o", "many", "other")] == ["openai-large", "first", "other"]


def test_a_provider_that_fetches_lists_resolves_its_aliases_itself():
    # Its own id, which its class does not list, would make it fetch the list.
    assert static_model(find_provider("GeminiPro"), "gemini-2.5-flash") == "gemini-2.5-flash"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"default_model": "one", "models": ["two"]}, "one"),
        ({"default_model": "", "models": ["two", "three"]}, "two"),
        ({"models": {"first": {}, "second": {}}}, "first"),
        ({"default_model": "auto"}, ""),
        ({}, ""),
    ],
)
def test_auto_takes_what_the_class_states(attributes, expected):
    assert static_model(ScriptedProvider("hi", **attributes), "auto") == expected


def test_auto_without_any_stated_model_is_an_error_with_examples():
    with pytest.raises(ConfigurationError, match=r"'HuggingFace' states no default model; .* for example"):
        static_model(find_provider("HuggingFace"), "auto")


def test_only_the_free_models_of_a_paid_gateway_are_chosen_by_default():
    info = review_of("KiloCode")

    assert info.serves_by_default("kilo-auto/free")
    assert info.serves_by_default("qwen/qwen3:free")
    assert not info.serves_by_default("openai/gpt-4")
