"""Who embeds is said and never guessed; and what the settings show of keys."""

import copy
import pickle

import pytest

from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.errors import ConfigurationError

URL = "http://127.0.0.1:9/v1"


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("G4F_BASE_URL", URL)
    monkeypatch.setenv("G4F_API_KEY", "sk-from-environment")


def test_without_a_word_on_who_embeds_all_three_choices_are_shown(environment):
    with pytest.raises(ConfigurationError) as caught:
        EmbeddingFields()

    for choice in ("base_url=", 'backend="fastembed"', 'backend="hashing"', "g4f-integrations[fastembed]"):
        assert choice in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": URL}, "needs a model"),
        ({"backend": "endpoint", "model": "a"}, "needs a base_url"),
        ({"backend": "hashing", "base_url": URL}, "works on this machine"),
        ({"backend": "hashing", "model": "a"}, "has no models"),
        ({"backend": "fastembed", "dimensions": 8}, "dimensions"),
        ({"backend": "hashing", "dimension": 8}, "Did you mean 'dimensions'"),
        ({"base_url": "ftp://x", "model": "a"}, "http"),
        ({"base_url": URL, "model": "a", "mirrors": [3]}, "mirrors"),
        ({"base_url": URL, "model": "a", "extra_body": {"input": "x"}}, "extra_body"),
    ],
)
def test_what_contradicts_itself_is_said_at_construction(settings, said):
    with pytest.raises(ConfigurationError, match=said):
        EmbeddingFields(**settings)


def test_the_environment_counts_once_an_endpoint_is_asked_for(environment):
    model = EmbeddingFields(backend="endpoint", model="a")

    assert model.base_url == URL
    assert model.api_key.get_secret_value() == "sk-from-environment"


def test_the_space_is_the_same_before_and_after_a_call_and_in_every_copy():
    model = EmbeddingFields(base_url=URL, model="a", dimensions=64, api_key="sk-1234567")

    copies = [model, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), model.model_copy()]
    assert {one.space_id for one in copies} == {"endpoint/a/64"}


def test_keys_are_never_shown_and_do_not_travel():
    model = EmbeddingFields(
        base_url="http://me:secret-word@127.0.0.1:9/v1?key=secret-query",
        model="a",
        api_key="sk-secret-key",
        default_headers={"X-Api-Key": "secret-header"},
        proxy="http://me:secret-proxy@127.0.0.1:8",
        mirrors=[{"base_url": URL, "api_key": "secret-mirror"}],
        extra_body={"api_key": "secret-body"},
    )

    shown = f"{model!r} {model} {model.model_dump()} {model.plain_settings()} {pickle.dumps(model)}"
    assert "secret" not in shown
    assert copy.deepcopy(model).api_key.get_secret_value() == "sk-secret-key"


@pytest.mark.parametrize("texts", ["one text", [3], ["a", None], [b"a"]])
def test_what_is_no_list_of_texts_is_refused(texts):
    with pytest.raises(ConfigurationError, match="text"):
        EmbeddingFields(backend="hashing").embed_texts(texts)


def test_batches_can_be_made_smaller_per_call_but_not_larger():
    model = EmbeddingFields(backend="hashing", batch_size=3)

    assert len(model.embed_texts(["a"] * 7, batch_size=100)) == 7


async def test_hashing_works_in_a_loop_and_tells_its_progress():
    told = []

    vectors = await EmbeddingFields(backend="hashing", batch_size=2).aembed_texts(["a", "b", "c"], told.append)

    assert (len(vectors), told) == (3, [2, 1])
