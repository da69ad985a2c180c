"""The settings that the faces share, without a framework above them."""

import copy
import math
import pickle
from pathlib import Path

import pytest

from g4f_integrations.core.settings import ModelFields
from g4f_integrations.core.settings.calls import make_face, prepare_call
from g4f_integrations.core.settings.names import is_credential_name, without_secrets
from g4f_integrations.core.settings.values import EnvironmentURL, to_finite
from g4f_integrations.errors import ConfigurationError

URL = "http://127.0.0.1:1337/v1"
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
FACE = make_face(list, dict, own=("mine",), ignored=("noise",))


class Settings(ModelFields):
    """A model class of no framework; picklable, as it stands in a module."""


def prepared(model, **arguments):
    return prepare_call(model, [{"role": "user", "content": "hi"}], None, arguments, False, face=FACE)


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "token",
        "auth",
        "api_key",
        "apiKey",
        "apikey",
        "x-api-key",
        "API_KEY",
        "openai_api_key",
        "access_token",
        "accessToken",
        "refresh_token",
        "client_secret",
        "secret",
        "secret_key",
        "aws_secret_access_key",
        "aws_session_token",
        "password",
        "db_password",
        "passwd",
        "pwd",
        "passphrase",
        "authorization",
        "Proxy-Authorization",
        "cookie",
        "cookies",
        "credentials",
        "hf_token",
        "github_token",
        "jwt",
        "private_key",
        "subscription-key",
        "access_key_id",
    ],
)
def test_a_member_is_known_as_a_credential_by_its_name(name):
    assert is_credential_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "prompt_cache_key",
        "eos_token",
        "stop_token",
        "pad_token",
        "max_completion_tokens",
        "max_tokens",
        "max_new_tokens",
        "bos_token_id",
        "image_token",
        "special_tokens",
        "idempotency_key",
        "key_frame",
        "tokenizer",
        "token_count",
        "author",
        "secretary",
        "sort_key",
        "keys",
        "monkey",
        "first_token_timeout",
        "include_stop_str",
        "return_token_ids",
    ],
)
def test_a_parameter_is_not_taken_for_a_credential(name):
    assert not is_credential_name(name)


def test_credentials_are_left_out_at_every_depth_and_nothing_else():
    given = {"a": [{"api_key": "x", "eos_token": "</s>"}], "prompt_cache_key": "k", "cookies": {"s": "x"}}

    assert without_secrets(given) == {"a": [{"eos_token": "</s>"}], "prompt_cache_key": "k"}


def test_parameters_travel_in_a_pickle_and_credentials_do_not():
    model = Settings(extra_body={"prompt_cache_key": "k", "stop_token": "s", "api_key": "hunter2"})

    arrived = pickle.loads(pickle.dumps(model))

    assert arrived.extra_body == {"prompt_cache_key": "k", "stop_token": "s"}


def test_an_endpoint_of_the_environment_is_read_anew_where_the_pickle_arrives(monkeypatch):
    monkeypatch.setenv("API_BASE_URL", "http://u:first-word@127.0.0.1:1/v1")
    pickled = pickle.dumps(Settings())
    monkeypatch.setenv("API_BASE_URL", "http://u:second-word@127.0.0.1:2/v1")

    arrived = pickle.loads(pickled)

    assert b"first-word" not in pickled
    assert arrived.base_url == "http://u:second-word@127.0.0.1:2/v1"
    assert isinstance(arrived.base_url, EnvironmentURL)


def test_an_endpoint_whose_variable_is_not_set_elsewhere_arrives_without_its_credentials(monkeypatch):
    monkeypatch.setenv("G4F_BASE_URL", "http://u:hidden-word@127.0.0.1:1/v1")
    pickled = pickle.dumps(Settings())
    monkeypatch.delenv("G4F_BASE_URL")

    assert pickle.loads(pickled).base_url == "http://**********@127.0.0.1:1/v1"


def test_copies_keep_the_endpoint_of_the_environment_as_such(monkeypatch):
    monkeypatch.setenv("G4F_BASE_URL", URL)
    model = Settings()

    assert isinstance(copy.deepcopy(model).base_url, EnvironmentURL)
    assert prepared(copy.copy(model), provider="A").choice.base_url is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "nan"])
@pytest.mark.parametrize("field", ["temperature", "top_p", "presence_penalty", "frequency_penalty"])
def test_a_number_that_cannot_be_written_is_refused_by_its_name(field, value):
    with pytest.raises(ConfigurationError, match=f"{field} must be a finite number"):
        Settings(**{field: value})


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"temperature": math.nan}, "temperature"),
        ({"max_tokens": math.inf}, "max_tokens"),
        ({"logit_bias": {"7": [math.inf]}}, "logit_bias"),
        ({"extra_body": {"min_p": math.nan}}, "extra_body"),
    ],
)
def test_such_a_number_is_refused_in_a_call_too(arguments, name):
    with pytest.raises(ConfigurationError, match=name):
        prepared(Settings(), **arguments)


def test_such_a_number_is_refused_when_it_is_set_later():
    with pytest.raises(ConfigurationError, match="temperature"):
        Settings().temperature = math.nan
    with pytest.raises(ConfigurationError, match="model_kwargs"):
        Settings(model_kwargs={"min_p": math.inf})


def test_looking_for_such_numbers_ends_in_data_that_holds_itself():
    endless = {"n": 1.0}
    endless["me"] = [endless]

    assert to_finite("x", endless) is endless


def test_tools_are_called_as_the_model_or_the_call_says():
    model = Settings(tool_calling="prompt", prompts=Path("my") / "prompts")

    plain, own = prepared(model), prepared(model, tool_calling="native", prompts=None, tools=[TOOL])

    assert (plain.request.tool_calling, plain.request.prompts) == ("prompt", str(Path("my") / "prompts"))
    assert (own.request.tool_calling, own.request.prompts) == ("native", None)
    assert prepared(model, tool_calling=None).request.tool_calling == "auto"


@pytest.mark.parametrize("arguments", [{"tool_calling": "sometimes"}, {"prompts": 5}])
def test_a_way_of_calling_tools_that_does_not_exist_is_refused(arguments):
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        Settings(**arguments)
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        prepared(Settings(), **arguments)


def test_a_faces_own_arguments_are_kept_for_it_and_its_noise_is_dropped():
    call = prepared(Settings(), mine=1, noise=2, top_k=3)

    assert (call.own, call.request.params) == ({"mine": 1}, {"top_k": 3})
