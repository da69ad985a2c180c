"""`G4FEmbeddings`: LangChain's own contract tests, vector stores, caches, copies."""

import copy
import pickle
from typing import ClassVar

import pytest
from langchain_core.embeddings import Embeddings
from langchain_core.exceptions import ModelAuthenticationError, ModelError
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from g4f_integrations.errors import AuthenticationError
from g4f_integrations.langchain import G4FEmbeddings
from loopback import LoopbackServer
from toy_embeddings import embeddings, refusal, vector_of

URL = "http://127.0.0.1:1337/v1"


class Suite:
    settings: ClassVar[dict] = {}

    @property
    def embeddings_class(self):
        return G4FEmbeddings

    @property
    def embedding_model_params(self):
        return self.settings


class TestEndpoint(Suite, EmbeddingsUnitTests):
    settings: ClassVar = {"base_url": URL, "model": "a"}

    @property
    def init_from_env_params(self):
        return (
            {"G4F_API_KEY": "key", "G4F_BASE_URL": URL},
            {"backend": "endpoint", "model": "a"},
            {"api_key": "key", "base_url": URL},
        )


class TestHashing(Suite, EmbeddingsUnitTests):
    settings: ClassVar = {"backend": "hashing"}


class TestHashingInUse(Suite, EmbeddingsIntegrationTests):
    settings: ClassVar = {"backend": "hashing"}


class TestEndpointInUse(Suite, EmbeddingsIntegrationTests):
    @pytest.fixture(autouse=True)
    def _served(self):
        with LoopbackServer() as server:
            server.replies(embeddings())
            type(self).settings = {"base_url": server.base_url, "model": "a"}
            yield


def lighthouse(**settings):
    store = InMemoryVectorStore(G4FEmbeddings(backend="hashing", **settings))
    store.add_texts(["Ferries leave at nine.", "The keeper trims the lamp.", "The tower is of granite."])
    return store


def test_a_vector_store_finds_the_passage():
    assert lighthouse().similarity_search("Who trims lamps?", k=1)[0].page_content == "The keeper trims the lamp."


async def test_a_vector_store_finds_the_passage_without_blocking():
    (found,) = await lighthouse().asimilarity_search("When do ferries leave?", k=1)

    assert found.page_content == "Ferries leave at nine."


def test_a_dumped_store_answers_as_before(tmp_path):
    store = lighthouse()
    store.dump(str(tmp_path / "store.json"))

    loaded = InMemoryVectorStore.load(str(tmp_path / "store.json"), G4FEmbeddings(backend="hashing"))

    assert loaded.similarity_search("granite tower", k=1) == store.similarity_search("granite tower", k=1)


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_embed_alike(loopback, again):
    loopback.replies(embeddings())
    model = G4FEmbeddings(base_url=loopback.base_url, model="a")
    model.embed_query("lamp")

    assert again(model).embed_query("lamp") == vector_of("lamp")


def test_a_pickle_of_a_literal_key_says_that_the_key_is_missing():
    model = pickle.loads(pickle.dumps(G4FEmbeddings(base_url=URL, model="a", api_key="sk-12345678")))

    with pytest.raises(ModelError, match="not pickled"):
        model.embed_query("lamp")


def test_errors_are_langchains_and_ours(loopback):
    loopback.replies(refusal("Incorrect API key", 401))

    with pytest.raises(ModelAuthenticationError) as caught:
        G4FEmbeddings(base_url=loopback.base_url, model="a").embed_documents(["lamp"])
    assert isinstance(caught.value, AuthenticationError)
    assert not caught.value.is_retryable


def test_a_bar_shows_how_much_is_done(capsys):
    G4FEmbeddings(backend="hashing", show_progress_bar=True).embed_documents(["a", "b"])

    assert "2/2" in capsys.readouterr().err


def test_it_is_langchains_class():
    assert isinstance(G4FEmbeddings(backend="hashing"), Embeddings)
