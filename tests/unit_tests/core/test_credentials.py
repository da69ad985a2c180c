"""Keys that show themselves only when asked, and texts and URLs that are fit to be shown."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from g4f_integrations.core.credentials import Secret, is_secret_header, redact_url, scrub
from g4f_integrations.errors import ConfigurationError

KEY = "sk-0123456789abcdef"
MASK = "**********"
fuzz = settings(deadline=None, max_examples=200)


class Holder(BaseModel):
    key: Secret


# Secret


@pytest.mark.parametrize(
    "show", [repr, str, "{}".format, lambda key: repr([key]), lambda key: repr(vars(Holder(key=key)))]
)
def test_a_key_does_not_show_itself(show):
    assert KEY not in show(Secret(KEY))


@pytest.mark.parametrize("dump", [Holder.model_dump_json, lambda holder: json.dumps(holder.model_dump(), default=str)])
def test_a_key_is_not_written_to_json(dump):
    assert KEY not in dump(Holder(key=KEY))


def test_a_key_cannot_be_written_to_json_by_accident():
    with pytest.raises(TypeError):
        json.dumps({"key": Secret(KEY)})


def test_a_model_takes_a_key_in_any_form():
    assert {Holder(key=Secret.of(key)).key.reveal("here") for key in (KEY, SecretStr(KEY), Secret(KEY))} == {KEY}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda key: copy.deepcopy([{"a": key}])[0]["a"]])
def test_a_copy_keeps_the_key(copied):
    assert copied(Secret(KEY)).reveal("here") == KEY


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_leaves_a_literal_key_behind(protocol):
    data = pickle.dumps(Secret(KEY), protocol)
    arrived = pickle.loads(data)

    assert KEY.encode() not in data
    assert arrived.is_missing
    with pytest.raises(ConfigurationError, match=r"api_key for Somebody was given as a literal.*not pickled"):
        arrived.reveal("Somebody")


def test_a_key_from_the_environment_is_read_anew_on_arrival(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    data = pickle.dumps(Secret.from_env("SOME_KEY"))
    monkeypatch.setenv("SOME_KEY", "another")

    assert KEY.encode() not in data
    assert pickle.loads(data).reveal("Somebody") == "another"


def test_a_key_whose_variable_is_not_set_on_arrival_says_so_and_may_travel_on(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    data = pickle.dumps(Secret.from_env("SOME_KEY"))
    monkeypatch.delenv("SOME_KEY")
    arrived = pickle.loads(data)

    with pytest.raises(ConfigurationError, match="SOME_KEY, which is not set"):
        arrived.reveal("Somebody")
    monkeypatch.setenv("SOME_KEY", KEY)
    assert pickle.loads(pickle.dumps(arrived)).reveal("Somebody") == KEY


def test_the_first_variable_that_holds_something_counts(monkeypatch):
    monkeypatch.setenv("BLANK_KEY", "  ")
    monkeypatch.setenv("SOME_KEY", f" {KEY}\n")

    found = Secret.from_env("UNSET_KEY", "BLANK_KEY", "SOME_KEY")

    assert (found.get_secret_value(), found.origin) == (KEY, "env:SOME_KEY")
    assert Secret.from_env("UNSET_KEY", "BLANK_KEY") is None


@pytest.mark.parametrize("value", [None, "", "  ", SecretStr(""), SecretStr(" ")])
def test_a_blank_key_is_none(value):
    assert Secret.of(value) is None


@pytest.mark.parametrize("value", [5, b"key", ["key"], {"Provider": "key"}])
def test_a_key_that_is_no_string_is_refused_by_name_and_without_being_shown(value):
    with pytest.raises(ConfigurationError, match="api_key must be a string") as caught:
        Secret.of(value)

    assert "'key'" not in str(caught.value)


# Headers


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "X-API-Key",
        "api_key",
        "apikey",
        "x-goog-api-key",
        "Ocp-Apim-Subscription-Key",
        "X-Access-Key",
        "X-Auth",
        "x-auth-token",
        "Cookie",
        "Set-Cookie",
        "X-Amz-Security-Token",
        "X-Secret",
        "Proxy-Authorization",
        "X-Session",
        "x-password",
        "X-Signature",
        "X-Credential",
        "X-Api",
        "X-Key",
        "Key",
    ],
)
def test_headers_that_hold_credentials_are_known(name):
    assert is_secret_header(name)
    assert is_secret_header(name.upper())


@pytest.mark.parametrize(
    "name", ["User-Agent", "Accept", "X-Author", "Keep-Alive", "X-Request-Id", "Idempotency-Key", "HTTP-Referer"]
)
def test_other_headers_are_shown(name):
    assert not is_secret_header(name)


# URLs


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h:80/v1?model=m", "http://h:80/v1?model=m"),
        ("http://user:hunter2@h/v1", "http://h/v1"),
        ("http://user@h/v1", "http://h/v1"),
        ("http://user:hunt@er2@h/v1", "http://h/v1"),
        ("http://user:hunter2@[::1]:80/v1", "http://[::1]:80/v1"),
        ("http://h/v1?key=hunter2&a=b", f"http://h/v1?key={MASK}&a=b"),
        ("http://h/v1?a=b&api-key=hunter2", f"http://h/v1?a=b&api-key={MASK}"),
        ("http://h/v1?a=b;X-Amz-Signature=hunter2", f"http://h/v1?a=b;X-Amz-Signature={MASK}"),
        ("http://h/v1?access_token=hunter2#frag", f"http://h/v1?access_token={MASK}"),
        ("http://h/v1#access_token=hunter2", "http://h/v1"),
        ("user:hunter2@h/v1", "h/v1"),
        ("//user:hunter2@h/v1", "//h/v1"),
        ("", ""),
    ],
)
def test_a_url_is_shown_without_credentials(url, shown):
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://user:hun/ter2@h/v1", "http://user:hun#ter2@h/v1", "http://user:hun?ter2@h"]
)
def test_a_broken_url_is_not_shown_at_all(url):
    assert redact_url(url) == MASK


@fuzz
@given(st.text(max_size=40), st.sampled_from(["", "http://", "http://u:p@", "//", "a:b@"]))
def test_no_text_is_too_odd_to_be_redacted(text, scheme):
    assert isinstance(redact_url(scheme + text), str)


# Texts

KEYS = [
    "sk-0123456789abcdef",
    "sk-proj-0123_45-6789abcdef",
    "sk-or-v1-0123456789abcdef",
    "sk-ant-api03-0123456789abcdef",
    "sk_live_0123456789abcdef",
    "gsk_0123456789abcdef",
    "hf_0123456789abcdef",
    "xai-0123456789abcdef",
    "g4f_u_0123456789abcdef",
    "g4f-abcdefghij0",
    "r8_0123456789abcdef",
    "nvapi-0123456789abcdef",
    "pplx-0123456789abcdef",
    "csk-0123456789abcdef",
    "tgp_v1_0123456789abcdef",
    "ghp_0123456789abcdef",
    "ghs_0123456789abcdef",
    "github_pat_0123456789abcdef",
    "glpat-0123456789abcdef",
    "xoxb-0123456789-abcdef",
    "AKIA0123456789ABCDEF",
    "AIzaSy0123456789abcdefghij",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlXzEyMzQ",
]
AROUND = [
    "Incorrect API key provided: {}.",
    '{{"error": "bad key {}"}}',
    "key={}",
    r"Your key is:\n{}\n",
    "https://h/?q=%22{}%22",
    "my_{}",
    "{}",
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_a_known_shape_is_masked_wherever_it_stands(key, around):
    assert key not in scrub(around.format(key))


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "authorization: basic dXNlcjpwYXNz",
        "GET https://user:hunter2@h/v1 failed",
        "GET https://user:hunt@er2@h/v1 failed",
        "GET https://h/v1?a=b&key=hunter2 failed",
        "redirected to https://h/#access_token=hunter2",
        '{"api_key": "hunter2"}',
        "{'x-api-key': 'hunter2'}",
        r"{\"access_token\":\"hunter2\"}",
        "password=hunter2",
        "api_key: hunter2",
        "Invalid API key provided: hunter2",
        "client_secret = 'hunter2'",
    ],
)
def test_credentials_are_masked_by_what_stands_before_them(text):
    shown = scrub(text)

    assert "er2" not in shown.replace("headers", "")
    assert "dXNlcjpwYXNz" not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "text",
    [
        "Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000.",
        "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
        "Unexpected token: < at position 0",
        "max_tokens: 4096 is too large",
        "Invalid API key: please check it",
        "The task-1 is risk-free; ask-me-anything.",
        "No module named 'g4f_integrations.core.engine'; pip install g4f-integrations",
        "Error 404: model `deepseek-ai/DeepSeek-V3` not found at https://h/v1/models?limit=5",
    ],
)
def test_ordinary_errors_are_shown_as_they_are(text):
    assert scrub(text) == text


def test_keys_in_use_are_masked_whatever_their_shape():
    assert scrub("bad key: in-use, bad key: in-use!", [None, Secret("in-use")]) == f"bad key: {MASK}, bad key: {MASK}!"


def test_a_key_that_is_part_of_another_leaves_nothing_of_the_other():
    secrets = [Secret("abcd"), Secret("abcd-efgh")]

    assert scrub("no: abcd-efgh", secrets) == scrub("no: abcd-efgh", secrets[::-1]) == f"no: {MASK}"


def test_a_text_is_cut_to_its_limit():
    assert scrub("a" * 501) == "a" * 499 + "…"
    assert scrub("a" * 500) == "a" * 500
    assert len(scrub("a" * 1_000, limit=10)) == 10


@pytest.mark.parametrize("offset", range(0, 400, 7))
def test_a_cut_never_leaves_a_part_of_a_key_in_use(offset):
    key = "0123456789" * 40
    text = "-" * offset + f"{key} " * 30

    assert "0123" not in scrub(text, [Secret(key)])


@pytest.mark.parametrize(
    "hostile",
    ["a://", "?key", "bearer ", "sk-", "eyJaaaaaaaaaa.", "password=", "api_key:", '\\"', "http://a@", "&", "aA0_", "A"],
)
def test_hostile_texts_of_a_megabyte_are_linear_work(hostile):
    text = hostile * (1_000_000 // len(hostile))

    assert len(scrub(text, [Secret(KEY)], limit=125_000)) <= 125_000
    assert len(redact_url(text)) <= len(text)


@fuzz
@given(st.text("abc: ", max_size=80), st.text("abc:-", min_size=4, max_size=8))
def test_a_key_in_use_never_survives(text, key):
    assert key not in scrub(f"{text}{key}{text}", [Secret(key)])
