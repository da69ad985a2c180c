"""Routes and endpoints as plain data: checked when they are made, hashable, picklable, and silent about credentials."""

from __future__ import annotations

import contextlib
import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from g4f_integrations.core.candidates.candidate import route_key
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.proxies import ProxyMap, freeze_proxy, proxy_for
from g4f_integrations.core.routes import Endpoint, Route, RouteChoice, freeze_headers, parse_route
from g4f_integrations.errors import ConfigurationError

KEY = "sk-0123456789abcdef"
URL = "http://127.0.0.1:1337/v1"
PROXY = "http://user:hunter2@127.0.0.1:8080"


class Provider:
    """Stands for a g4f provider class."""


def key_of(name="P", model="m", provider=None, **details):
    return route_key(provider, name, model, **details)


# Names


@pytest.mark.parametrize(
    ("route", "name", "label"),
    [
        (Route("Pollinations", "openai"), "Pollinations", "Pollinations:openai"),
        (Route("Pollinations"), "Pollinations", "Pollinations"),
        (Route(Provider, "m"), "Provider", "Provider:m"),
        (Endpoint(URL, "gpt-4o"), "127.0.0.1:1337", "127.0.0.1:1337:gpt-4o"),
        (Endpoint("https://user:hunter2@h/v1"), "h", "h"),
    ],
)
def test_a_route_has_a_name_and_a_label(route, name, label):
    assert (route.name, route.label) == (name, label)


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("Pollinations:openai", Route("Pollinations", "openai")),
        ("Pollinations:openai:large", Route("Pollinations", "openai:large")),
        (" Pollinations : openai ", Route("Pollinations", "openai")),
        ("Pollinations", Route("Pollinations")),
        ("Pollinations:", Route("Pollinations")),
        (URL, Endpoint(URL)),
        (" HTTPS://h/v1", Endpoint("HTTPS://h/v1")),
    ],
)
def test_a_text_names_a_route(text, route):
    assert parse_route(text) == route


@settings(deadline=None)
@given(st.text(max_size=20))
def test_a_text_names_a_route_or_is_refused(text):
    with contextlib.suppress(ConfigurationError):
        assert parse_route(text).name


# Checks


@pytest.mark.parametrize("make", [lambda **more: Route("P", **more), lambda **more: Endpoint(URL, **more)])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            (field, value)
            for field in ("context_window", "max_output_tokens", "max_concurrency")
            for value in (0, -1, 1.5, "8", True)
        ),
        *(("weight", value) for value in (0, -1, "1", None, float("nan"), float("inf"))),
        ("model", 5),
        ("api_key", 5),
        ("proxy", 5),
        ("proxy", "127.0.0.1:8080"),
        ("proxy", {"ftp": "http://h"}),
        ("proxy", {"http": "h:8080"}),
        ("proxy", {"http": None}),
    ],
)
def test_a_wrong_value_is_refused_and_the_field_is_named(make, field, value):
    with pytest.raises(ConfigurationError, match=field):
        make(**{field: value})


@pytest.mark.parametrize("provider", ["", "  ", None, 5])
def test_a_route_needs_a_provider(provider):
    with pytest.raises(ConfigurationError, match=r"Route\.provider"):
        Route(provider)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h/v1",
        "ftp://h",
        "http://",
        "http:///v1",
        "http://h:99999",
        "http://[::1",
        None,
        5,
        b"http://h",
        ["http://h"],
    ],
)
def test_an_endpoint_needs_a_url(url):
    with pytest.raises(ConfigurationError, match="base_url"):
        Endpoint(url)


@pytest.mark.parametrize(
    "url", ["ftp://user:hunter2@h", "user:hunter2@h/v1", "http://user:hun/ter2@h", b"http://user:hunter2@h", KEY]
)
def test_a_refused_url_shows_no_credentials(url):
    with pytest.raises(ConfigurationError) as caught:
        Endpoint(url)

    assert "ter2" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("headers", ["Accept: x", [1], 5, [("a", "b", "c")]])
def test_headers_that_are_no_mapping_are_refused(headers):
    with pytest.raises(ConfigurationError, match="headers"):
        Endpoint(URL, headers=headers)


# Copies and credentials

ROUTES = [
    Route(Provider, "m", api_key=KEY, proxy=PROXY, context_window=8_000),
    Endpoint(f"http://user:hunter2@h/v1?key={KEY}", "m", api_key=KEY, proxy={"all": PROXY}, headers={"X-API-Key": KEY}),
]


@pytest.mark.parametrize("route", ROUTES, ids=["route", "endpoint"])
def test_a_route_shows_no_credentials(route):
    shown = f"{route!r} {route} {route.label}"

    assert KEY not in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("route", ROUTES, ids=["route", "endpoint"])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_a_copy_is_equal_and_keeps_the_key(route, copied):
    twin = copied(route)

    assert twin == route
    assert hash(twin) == hash(route)
    assert twin.api_key.reveal("here") == KEY


def test_a_pickled_route_leaves_its_literal_keys_behind():
    data = pickle.dumps(
        [ROUTES[0], Endpoint(URL, "m", api_key=KEY, headers={"X-API-Key": KEY, "X-Own": SecretStr(KEY)})]
    )
    route, endpoint = pickle.loads(data)

    assert KEY.encode() not in data
    assert route.provider is Provider
    assert route.api_key.is_missing
    assert endpoint.api_key.is_missing
    assert all(value.is_missing for _, value in endpoint.headers)


@pytest.mark.parametrize("route", ROUTES, ids=["route", "endpoint"])
def test_a_route_cannot_be_changed(route):
    with pytest.raises(AttributeError):
        route.model = "another"


def test_a_choice_is_hashable():
    choice = RouteChoice(routes=tuple(ROUTES), headers=freeze_headers({"a": "b"}), proxy=freeze_proxy(PROXY))

    assert len({choice, copy.deepcopy(choice)}) == 1


# Headers and proxies


def test_what_the_user_wrapped_stays_wrapped_whatever_its_header_is_called():
    frozen = dict(freeze_headers({"X-Own": SecretStr(KEY), "X-Mine": Secret(KEY), "Authorization": KEY, "X-Plain": 5}))

    assert {name for name, value in frozen.items() if isinstance(value, Secret)} == {"X-Own", "X-Mine", "Authorization"}
    assert frozen["X-Own"].get_secret_value() == KEY
    assert frozen["X-Plain"] == "5"


def test_frozen_headers_freeze_to_themselves():
    frozen = freeze_headers({"Authorization": KEY, "a": "b"})

    assert freeze_headers(frozen) == frozen
    assert freeze_headers(None) == freeze_headers({}) == ()


@pytest.mark.parametrize(
    ("proxy", "http", "https"),
    [
        (None, None, None),
        ("http://p", "http://p", "http://p"),
        ({"http": "http://p"}, "http://p", None),
        ({"http": "http://p", "all": "http://q"}, "http://p", "http://q"),
        ({"https://": "http://p", "all": "socks5://q"}, "socks5://q", "http://p"),
    ],
)
def test_a_proxy_is_chosen_by_scheme(proxy, http, https):
    assert (proxy_for(proxy, "http"), proxy_for(proxy, "https")) == (http, https)
    assert proxy_for(freeze_proxy(proxy), "http") == http


def test_a_shown_proxy_has_no_credentials():
    assert repr(freeze_proxy({"http": PROXY})) == "{'http': 'http://127.0.0.1:8080'}"
    assert isinstance(copy.deepcopy(freeze_proxy(PROXY)), ProxyMap)


# Keys of routes


def test_routes_are_the_same_when_they_name_the_same():
    assert key_of(api_key=Secret(KEY), base_url=URL) == key_of(api_key=Secret(KEY), base_url=URL)
    assert key_of().label == "P:m"


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Q"},
        {"model": "n"},
        {"provider": Provider},
        {"api_key": Secret("another")},
        {"api_key": None},
        {"base_url": "http://h/v2"},
        {"base_url": "http://user:hunter2@h/v1"},
        {"base_url": "http://h/v1?key=hunter2"},
    ],
)
def test_routes_differ_when_anything_about_them_does(other):
    mine = {"api_key": Secret(KEY), "base_url": "http://h/v1"}

    assert key_of(**mine) != key_of(**{**mine, **other})


def test_the_credentials_of_a_url_tell_accounts_apart_and_stay_hidden():
    one, two = (key_of(base_url=f"http://{user}:hunter2@h/v1") for user in "ab")

    assert one != two
    assert "hunter2" not in repr(one)


def test_a_key_of_a_route_gives_the_api_key_not_away():
    key = key_of(api_key=Secret(KEY))

    assert KEY not in repr(key)
    assert key.key_hash
    assert key_of().key_hash == ""
    assert key_of(api_key=Secret("\ud800")).key_hash
