"""A user's choice → ordered candidates: every row of the table, and who is never chosen."""

import pickle
import threading

import pytest

from g4f_integrations import Catalog
from g4f_integrations.core.candidates import resolve, resolve_cached
from g4f_integrations.core.catalog import default_routes, load_g4f, review_of
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.proxies import freeze_proxy
from g4f_integrations.core.routes import Endpoint, Route, RouteChoice, freeze_headers
from g4f_integrations.errors import ConfigurationError, ModelNotFoundError
from g4f_integrations.testing import ScriptedProvider

URL = "http://127.0.0.1:9/v1"
NEVER = ("auth", "browser", "cookies", "runs_code", "local_server", "starts_server", "load_network")


def labels(**choice):
    return [candidate.label for candidate in resolve(RouteChoice(**choice)).candidates]


def only(**choice):
    (candidate,) = resolve(RouteChoice(**choice)).candidates
    return candidate


def refusal(**choice):
    with pytest.raises(ConfigurationError) as caught:
        resolve(RouteChoice(**choice))
    return str(caught.value)


@pytest.fixture
def three():
    return [ScriptedProvider("hi", name=f"Candidate{letter}") for letter in "ABC"]


# Whom nobody named.


def test_nothing_named_takes_the_default_routes_in_their_order(socket_disabled):
    found = labels()

    assert found == [row.route for row in default_routes() if row.route in found]
    assert len(found) >= 8


@pytest.mark.parametrize("model", ["auto", "default", *(info.id for info in Catalog().models())])
def test_no_model_ever_leads_unasked_to_a_tool_runner_a_browser_cookies_or_a_login(socket_disabled, model):
    try:
        candidates = resolve(RouteChoice(model=model)).candidates
    except (ConfigurationError, ModelNotFoundError):
        return
    reviews = [review_of(candidate.name) for candidate in candidates]
    assert reviews
    assert [(info.name, flag) for info in reviews for flag in NEVER if getattr(info, flag)] == []
    assert all(info.safe for info in reviews)


def test_a_named_model_goes_to_the_providers_of_the_registry_under_their_ids():
    row = load_g4f().model_map["gpt-4"]

    candidates = resolve(RouteChoice(model="gpt-4")).candidates

    assert tuple(candidate.name for candidate in candidates) == Catalog().model("gpt-4").default_providers
    assert [candidate.model for candidate in candidates] == [row[candidate.name] for candidate in candidates]


def test_an_alias_and_a_model_object_count_as_their_model():
    entry = load_g4f().models.convert["gpt-4"]

    assert labels(model="openai/gpt-4") == labels(model=entry) == labels(model="gpt-4")


def test_an_unknown_model_is_answered_with_close_matches():
    with pytest.raises(ModelNotFoundError, match=r"model: nobody is known to serve 'gpt-4oo'; did you mean .*'gpt-4o'"):
        resolve(RouteChoice(model="gpt-4oo"))


def test_a_model_that_only_unsafe_providers_serve_says_who_must_be_named_and_why():
    model = next(
        info for info in Catalog().models() if "OpenRouter" in info.providers[:5] and not info.default_providers
    )

    message = refusal(model=model.id)

    assert all(name in message for name in model.providers[:6])
    assert "OpenRouter (needs a key or a login)" in message
    assert "provider=" in message


def test_the_agent_model_names_the_permission_that_it_takes():
    assert "allow_local_tools=True" in refusal(model="agent-tools")


def test_a_users_own_model_with_its_own_provider_needs_no_review(three):
    from g4f.models import Model, ModelRegistry

    Model("catalogue-test-model", "us", best_provider=three[0])

    assert labels(model="catalogue-test-model") == ["CandidateA:catalogue-test-model"]
    del ModelRegistry._models["catalogue-test-model"]


# Named providers.


def test_a_name_a_class_and_a_list_of_both_are_taken_in_order(three):
    a, b, _ = three

    assert labels(provider="CandidateA") == labels(provider=a) == ["CandidateA"]
    assert labels(provider=[b, "CandidateA", "CandidateC"], model="m") == [
        "CandidateB:m",
        "CandidateA:m",
        "CandidateC:m",
    ]


def test_names_in_one_string_are_a_list(three):
    assert labels(provider="CandidateC CandidateA", model="m") == ["CandidateC:m", "CandidateA:m"]


def test_each_provider_gets_its_own_alias_of_the_model():
    plain = ScriptedProvider("hi", name="Plain")
    aliased = ScriptedProvider("hi", name="Aliased", model_aliases={"gpt-4o": "openai-large"})

    assert labels(provider=[plain, aliased], model="gpt-4o") == ["Plain:gpt-4o", "Aliased:openai-large"]


def test_auto_never_reaches_a_provider(three):
    own_auto = ScriptedProvider("hi", name="OwnAuto", default_model="auto")

    assert {candidate.model for candidate in resolve(RouteChoice(provider=[*three, own_auto])).candidates} == {""}


@pytest.mark.parametrize(
    ("provider", "expected"),
    [("Pollinations", "Pollinations:openai-fast"), ("LLM7", "LLM7:default"), ("Groq", "Groq:openai/gpt-oss-120b")],
)
def test_auto_takes_the_default_model_of_the_named_provider(provider, expected, socket_disabled):
    assert labels(provider=provider) == [expected]


def test_a_misspelt_name_is_not_dropped(three):
    assert "provider: unknown provider 'Candidat'; did you mean 'Candidate" in refusal(provider="CandidateA Candidat")


@pytest.mark.parametrize(
    ("provider", "hint"),
    [
        ("LLM7:default", "routes=['LLM7:default']"),
        ("https://api.example/v1", "base_url or routes"),
        ([], "names nobody"),
        ("  ", "names nobody"),
        (5, "no g4f provider class"),
        (int, "int is no g4f provider class"),
        ({"a": 1}, "no g4f provider class"),
        ("AnyProvider", "leave `provider` unset"),
    ],
)
def test_what_is_no_provider_is_refused_with_a_hint(provider, hint):
    assert hint in refusal(provider=provider)


def test_a_list_that_holds_itself_is_refused():
    endless = []
    endless.append(endless)

    assert "nested" in refusal(provider=endless)


def test_providers_that_drive_a_browser_are_taken_where_they_are_named(socket_disabled):
    found = resolve(RouteChoice(provider="ChatGPT Copilot", model="gpt-4o")).candidates

    assert [candidate.name for candidate in found] == ["ChatGPT", "Copilot"]


# g4f's own lists.


def test_a_list_provider_of_g4f_keeps_its_order_and_its_shuffling(three):
    from g4f.Provider import IterListProvider

    a, b, c = three
    fixed = resolve(RouteChoice(provider=IterListProvider([c, "CandidateA", b], shuffle=False)))
    mixed = resolve(RouteChoice(provider=IterListProvider([a, b])))

    assert [candidate.name for candidate in fixed.candidates] == ["CandidateC", "CandidateA", "CandidateB"]
    assert (fixed.shuffle, mixed.shuffle) == (False, True)


def test_single_provider_retry_asks_the_first_one_max_retries_times(three):
    from g4f.Provider import RetryProvider

    retrying = RetryProvider(three, shuffle=False, single_provider_retry=True, max_retries=5)

    assert (only(provider=retrying).name, only(provider=retrying).attempts) == ("CandidateA", 5)


def test_list_providers_mix_with_names(three):
    from g4f.Provider import RetryProvider

    plan = resolve(RouteChoice(provider=["CandidateC", RetryProvider(three[:2], shuffle=True)]))

    assert [candidate.name for candidate in plan.candidates] == ["CandidateC", "CandidateA", "CandidateB"]
    assert not plan.shuffle


def test_a_list_that_is_changed_later_is_read_anew(three):
    providers = [three[0]]
    assert labels(provider=providers) == ["CandidateA"]

    providers.append(three[1])

    assert labels(provider=providers) == ["CandidateA", "CandidateB"]


def test_resolving_leaves_g4fs_lists_as_they_are():
    best = load_g4f().models.convert["gpt-4"].best_provider
    before = list(best.providers)

    resolve(RouteChoice(provider=best, model="gpt-4"))

    assert best.providers == before


# Tools on this machine.


@pytest.mark.parametrize("provider", ["AgentTools", "agent-tools", "agent", ["LLM7", "AgentTools"], "LLM7 AgentTools"])
def test_agent_tools_is_refused_wherever_it_is_named(provider):
    assert "allow_local_tools=True" in refusal(provider=provider, model="m")


def test_agent_tools_is_refused_as_a_class_a_subclass_and_in_a_retry_provider():
    from g4f.Provider import RetryProvider
    from g4f.Provider.AgentTools import AgentTools

    class Disguised(AgentTools):
        pass

    for provider in (AgentTools, Disguised, RetryProvider(["LLM7", AgentTools]), RetryProvider(["AgentTools"])):
        assert "runs commands and code" in refusal(provider=provider, model="m")


def test_agent_tools_needs_an_explicit_route():
    assert "allow_local_tools" in refusal(routes=("AgentTools",))
    assert "allow_local_tools" in refusal(routes=(Route("AgentTools"),))
    assert only(routes=(Route("AgentTools", allow_local_tools=True),)).name == "AgentTools"


# Routes.


def test_routes_are_exactly_these_in_this_order(three):
    routes = ("CandidateB:x", Route(three[0], "y"), Endpoint(URL, "z"), URL, "CandidateC")

    assert labels(routes=routes, model="m") == [
        "CandidateB:x",
        "CandidateA:y",
        "127.0.0.1:9:z",
        "127.0.0.1:9:m",
        "CandidateC:m",
    ]


@pytest.mark.parametrize("other", [{"provider": "LLM7"}, {"base_url": URL}])
def test_routes_exclude_provider_and_base_url(other):
    assert "exclude each other" in refusal(routes=("LLM7:default",), **other)


def test_a_route_without_model_takes_the_default_of_its_provider_for_auto():
    assert labels(routes=("Pollinations", URL)) == ["Pollinations:openai-fast", "127.0.0.1:9"]


@pytest.mark.parametrize("route", [{}, None, 5, ("LLM7", "default")])
def test_what_is_no_route_is_refused(route):
    assert "routes takes Route, Endpoint or 'Provider:model'" in refusal(routes=(route,))


def test_a_route_states_whether_it_takes_tools_else_its_class_does():
    native = ScriptedProvider("hi", name="Native", native_tools=True)

    assert only(provider=native).native_tools is True
    assert only(routes=(Route(native, native_tools=False),)).native_tools is False
    assert only(base_url=URL).native_tools is None
    assert only(routes=(Endpoint(URL, native_tools=True),)).native_tools is True


def test_a_routes_own_proxy_wins():
    proxy = freeze_proxy("http://proxy:1")
    routes = (Route("LLM7", "default", proxy="http://own:2"), Route("Yqcloud"))

    found = [candidate.proxy for candidate in resolve(RouteChoice(routes=routes, proxy=proxy)).candidates]

    assert found == [freeze_proxy("http://own:2"), proxy]


# Fallback models.


def test_fallback_models_follow_and_nothing_is_tried_twice(three):
    found = labels(provider=["CandidateA", "CandidateB"], model="m", fallback_models=("n", "m"))

    assert found == ["CandidateA:m", "CandidateB:m", "CandidateA:n", "CandidateB:n"]


def test_fallback_models_reach_an_endpoint_and_routes_without_a_model():
    assert labels(base_url=URL, model="m", fallback_models=("n",)) == ["127.0.0.1:9:m", "127.0.0.1:9:n"]
    assert labels(routes=("LLM7", "Yqcloud:gpt-4"), model="m", fallback_models=("n",)) == [
        "LLM7:m",
        "Yqcloud:gpt-4",
        "LLM7:n",
    ]


def test_a_fallback_model_serves_where_the_first_one_needs_a_named_provider():
    only_by_name = next(info.id for info in Catalog().models() if info.providers and not info.default_providers)

    assert labels(model=only_by_name, fallback_models=("gpt-4",)) == labels(model="gpt-4")


def test_a_misspelt_fallback_model_is_told():
    with pytest.raises(ModelNotFoundError, match="fallback_models: nobody is known to serve 'gpt-4oo'"):
        resolve(RouteChoice(model="gpt-4", fallback_models=("gpt-4oo",)))


# Endpoints.


def test_an_endpoint_gets_the_headers_and_sends_no_model_for_auto():
    candidate = only(base_url=URL, headers=freeze_headers({"X-Team": "a"}))

    assert (candidate.provider, candidate.model, candidate.name) == (None, "", "127.0.0.1:9")
    assert candidate.route.headers == (("X-Team", "a"),)


def test_a_provider_name_with_a_base_url_goes_into_the_body():
    candidate = only(base_url=URL, provider="Whoever", model="m")

    assert (candidate.provider, candidate.body_provider) == (None, "Whoever")
    assert candidate.key != only(base_url=URL, model="m").key


@pytest.mark.parametrize("provider", [["LLM7"], int, 5, ""])
def test_only_a_plain_name_goes_into_the_body(provider):
    assert "provider: with base_url it must be a name" in refusal(base_url=URL, provider=provider)


# Keys.


def key_of(candidate):
    return candidate.api_key and candidate.api_key.get_secret_value()


def test_a_key_goes_to_the_endpoint_or_to_the_one_provider_named():
    assert key_of(only(base_url=URL, api_key=Secret("k"))) == "k"
    assert key_of(only(provider="Groq", api_key=Secret("k"), model="m")) == "k"
    assert key_of(only(routes=(Route("Groq", "m"),), api_key=Secret("k"))) == "k"


@pytest.mark.parametrize(
    "choice", [{"provider": "Groq LLM7"}, {"provider": ["Groq", "LLM7"]}, {"routes": ("Groq:m", "LLM7:m")}]
)
def test_one_key_for_several_is_refused(choice):
    assert "api_key={'Provider': key" in refusal(api_key=Secret("k"), model="m", **choice)


def test_a_key_that_belongs_to_nobody_is_refused():
    assert "api_key: nobody is named" in refusal(api_key=Secret("k"))


def test_keys_by_name_find_their_provider_whatever_the_case():
    pairs = (("groq", Secret("g")), ("puterjs", Secret("p")))

    found = resolve(RouteChoice(provider="Puter LLM7 Groq", model="m", api_key=pairs)).candidates

    assert [key_of(candidate) for candidate in found] == ["p", None, "g"]


def test_a_key_for_a_name_that_nobody_has_is_refused():
    assert "api_key: unknown provider 'Grock'" in refusal(provider="Groq", model="m", api_key=(("Grock", Secret("k")),))


def test_a_routes_own_key_wins_and_stays_with_it():
    routes = (Route("Groq", "m", api_key="own"), "LLM7:m", Endpoint(URL, "m"))

    found = resolve(RouteChoice(routes=routes, api_key=(("Groq", Secret("other")),))).candidates

    assert [key_of(candidate) for candidate in found] == ["own", None, None]


def test_g4fs_environment_key_is_used_and_followed_when_it_changes(monkeypatch):
    assert key_of(only(provider="Groq", model="m")) is None

    monkeypatch.setenv("GROQ_API_KEY", "one")
    first = only(provider="Groq", model="m")
    monkeypatch.setenv("GROQ_API_KEY", "two")

    assert (key_of(first), first.api_key.origin) == ("one", "env:GROQ_API_KEY")
    assert key_of(only(provider="Groq", model="m")) == "two"


def test_different_keys_are_different_routes_of_which_no_text_shows_a_key():
    one, two = (only(provider="Groq", model="m", api_key=Secret(value)) for value in ("sk-aaaa", "sk-bbbb"))

    assert one.key != two.key
    assert "sk-aaaa" not in repr(one) + repr(one.key) + str(pickle.dumps(one.api_key))


# What is kept.


def test_a_plan_is_kept_until_its_name_stands_for_another_class():
    ScriptedProvider("hi", name="Replaced")
    choice = RouteChoice(provider="Replaced")
    first = resolve(choice)
    assert resolve(RouteChoice(provider="Replaced")) is resolve_cached(choice) is first

    newer = ScriptedProvider("hello", name="Replaced")

    assert resolve_cached(choice) is None
    assert resolve(choice).candidates[0].provider is newer


def test_nothing_is_kept_of_a_choice_that_was_never_resolved():
    assert resolve_cached(RouteChoice(provider="LLM7", model="never-resolved-before")) is None


def test_the_plans_kept_are_bounded():
    from g4f_integrations.core.candidates import plans

    for number in range(300):
        resolve(RouteChoice(base_url=URL, model=f"m{number}"))

    assert len(plans._plans) <= 256


def test_threads_resolve_the_same_choice_alike():
    found = []
    threads = [threading.Thread(target=lambda: found.append(labels(model="gpt-4o"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [found[0]] * 8


def test_a_key_that_a_pickle_left_behind_is_missed_and_not_forgotten():
    endpoint = pickle.loads(pickle.dumps(Endpoint("http://127.0.0.1:1337/v1", "m", api_key="sk-12345678")))

    (candidate,) = resolve(RouteChoice(routes=(endpoint,))).candidates

    assert candidate.api_key.is_missing
