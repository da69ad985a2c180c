"""Which models an endpoint has, asked from everywhere, and the errors of those that do not say."""

import asyncio
import json

import pytest

from g4f_integrations import Endpoint, errors
from loopback import CUT, LoopbackServer, Reply, Stall


def test_models_are_listed_with_what_the_endpoint_says_of_them(loopback):
    loopback.replies(Reply.json({"object": "list", "data": [{"id": "a", "context_length": 8192}, {"id": "b"}]}))

    assert Endpoint(loopback.base_url, api_key="key-1").list_models() == [
        {"id": "a", "context_length": 8192},
        {"id": "b"},
    ]

    [asked] = loopback.requests
    assert (asked.method, asked.path, asked.raw) == ("GET", "/v1/models", b"")
    assert asked.headers["authorization"] == "Bearer key-1"


async def test_they_are_listed_inside_a_running_loop_both_ways(loopback):
    endpoint = Endpoint(loopback.base_url, "whatever")

    assert await endpoint.alist_models() == endpoint.list_models() == [{"id": "m", "object": "model"}]


@pytest.mark.parametrize("payload", [{"object": "list", "data": []}, {"object": "list", "data": None}])
def test_an_endpoint_without_models_lists_none(loopback, payload):
    loopback.replies(Reply.json(payload))

    assert Endpoint(loopback.base_url).list_models() == []


@pytest.mark.parametrize(
    ("reply", "error", "kind"),
    [
        (Reply.json({"error": {"message": "Incorrect API key"}}, 401), errors.AuthenticationError, "auth"),
        (Reply.json({"error": {"message": "slow down"}}, 429), errors.RateLimitError, "rate_limit"),
        (Reply.json({"error": {"message": "slow down", "code": 429}}), errors.RateLimitError, "rate_limit"),
        (Reply.status(404, "404 page not found"), errors.InvalidRequestError, "bad_request"),
        (Reply.status(405), errors.InvalidRequestError, "bad_request"),
        (Reply.status(503, "busy"), errors.ProviderUnavailableError, "overloaded"),
        (Reply.status(200, "<html><title>502 Bad Gateway</title>"), errors.ProviderUnavailableError, "overloaded"),
        (Reply.json({"hello": 1}), errors.ProviderUnavailableError, "unknown"),
        (Reply.raw(CUT), errors.ProviderUnavailableError, "network"),
        (Reply.raw(b"nonsense\r\n\r\n"), errors.ProviderUnavailableError, "network"),
        (Reply.body(b'{"data": [', CUT), errors.ProviderUnavailableError, "network"),
        (
            Reply.status(200, b"nope", {"Content-Encoding": "gzip"}),
            errors.ProviderUnavailableError,
            "network",
        ),
    ],
)
def test_every_failure_is_an_error_of_ours(loopback, reply, error, kind):
    loopback.replies(reply)

    with pytest.raises(error) as caught:
        Endpoint(loopback.base_url).list_models()

    assert type(caught.value) is error
    assert caught.value.kind == kind
    assert [(attempt.outcome, attempt.model) for attempt in caught.value.attempts] == [(kind, "")]


def test_an_endpoint_that_says_nothing_runs_into_the_timeout(loopback):
    loopback.replies(Reply.body(b" ", Stall()))

    with pytest.raises(errors.ProviderTimeoutError, match=r"within 0\.05 s"):
        Endpoint(loopback.base_url).list_models(timeout=0.05)

    assert loopback.requests[0].client_left()


async def test_a_callers_own_timeout_stays_the_callers(loopback):
    loopback.replies(Reply.body(b" ", Stall()))

    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.05):
            await Endpoint(loopback.base_url).alist_models()

    assert not isinstance(caught.value, errors.IntegrationError)
    assert loopback.requests[0].client_left()


def test_no_credential_that_the_endpoint_echoes_is_told(loopback):
    loopback.replies(Reply.json({"error": {"message": "no: an-odd-secret"}}, 401))

    with pytest.raises(errors.AuthenticationError) as caught:
        Endpoint(loopback.base_url, api_key="an-odd-secret").list_models()

    error = caught.value
    assert "an-odd-secret" not in f"{error} {error.attempts} {error.body} {error.__cause__} {error.__context__}"
    assert json.loads(error.body) == {"error": {"message": "no: **********"}}


def test_a_redirect_to_another_host_never_gets_the_key(loopback):
    with LoopbackServer() as other:
        loopback.replies(Reply.status(302, headers={"Location": f"{other.base_url}/models"}))

        with pytest.raises(errors.IntegrationError):
            Endpoint(loopback.base_url, api_key="key-1").list_models()

    assert other.requests == []


def test_a_proxy_is_asked_instead_of_the_host(loopback):
    loopback.replies(Reply.json({"data": [{"id": "a"}]}))

    assert Endpoint("http://model.invalid/v1", proxy=loopback.root).list_models() == [{"id": "a"}]


def test_a_key_that_did_not_travel_is_named_as_missing(loopback):
    import pickle

    with pytest.raises(errors.ConfigurationError, match="literal"):
        pickle.loads(pickle.dumps(Endpoint(loopback.base_url, api_key="key-1"))).list_models()
