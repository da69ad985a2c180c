"""`G4FEmbedding`: indexes, caches, settings that LlamaIndex writes down, and spaces kept apart."""

import copy
import pickle

import pytest
from llama_index.core import Settings, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.schema import TextNode
from llama_index.core.storage.kvstore import SimpleKVStore

import llama_index.embeddings.g4f as shim
from g4f_integrations.core.embeddings import forget
from g4f_integrations.errors import ConfigurationError, ProviderUnavailableError
from g4f_integrations.llama_index import G4FEmbedding
from loopback import Reply
from toy_embeddings import answer, embeddings, vector_of

TEXTS = ["Ferries leave at nine.", "The keeper trims the lamp.", "The tower is of granite."]


@pytest.fixture
def served(loopback):
    loopback.replies(embeddings())
    return loopback


def best(index, question):
    return index.as_retriever(similarity_top_k=1).retrieve(question)[0].text


def index_of(model, **options):
    return VectorStoreIndex([TextNode(text=text) for text in TEXTS], embed_model=model, **options)


@pytest.mark.parametrize("use_async", [False, True])
def test_an_index_finds_the_passage(use_async):
    index = index_of(G4FEmbedding(backend="hashing"), use_async=use_async)

    assert best(index, "Who trims lamps?") == TEXTS[1]


async def test_an_index_finds_the_passage_without_blocking():
    retriever = index_of(G4FEmbedding(backend="hashing")).as_retriever(similarity_top_k=1)

    assert (await retriever.aretrieve("a granite tower"))[0].text == TEXTS[2]


def test_a_persisted_index_is_used_with_its_own_space_and_no_other(tmp_path):
    model = G4FEmbedding(backend="hashing")
    index_of(model).storage_context.persist(str(tmp_path))
    model.stamp(tmp_path)

    model.check_stamp(tmp_path)
    loaded = load_index_from_storage(StorageContext.from_defaults(persist_dir=str(tmp_path)), embed_model=model)
    assert best(loaded, "When do ferries leave?") == TEXTS[0]
    with pytest.raises(ConfigurationError, match="does not compare"):
        G4FEmbedding(backend="hashing", dimensions=512).check_stamp(tmp_path)


def test_an_index_of_another_space_is_not_loaded(tmp_path):
    model = G4FEmbedding(backend="hashing")
    model.save_index(index_of(model), tmp_path)

    assert best(model.load_index(tmp_path), "When do ferries leave?") == TEXTS[0]
    with pytest.raises(ConfigurationError, match="does not compare"):
        G4FEmbedding(backend="hashing", dimensions=512).load_index(tmp_path)


def test_an_index_is_not_saved_as_of_another_space(tmp_path):
    index = index_of(G4FEmbedding(backend="hashing"))

    with pytest.raises(ConfigurationError, match="was made in the space"):
        G4FEmbedding(backend="hashing", dimensions=512).save_index(index, tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_an_endpoint_whose_model_has_changed_since_is_refused_at_the_first_question(served, tmp_path):
    model = G4FEmbedding(base_url=served.base_url, model="a", max_retries=0)
    model.save_index(index_of(model), tmp_path)
    forget()  # as another process
    served.replies(lambda request: Reply.json(answer(request.body["input"], as_base64=False, length=3)))

    with pytest.raises(ProviderUnavailableError, match="3 numbers and not 4"):
        best(model.load_index(tmp_path), "When do ferries leave?")


def test_the_model_name_is_the_space(served):
    model = G4FEmbedding(base_url=served.base_url, model="a", dimensions=16)

    assert model.model_name == "endpoint/a/16"
    assert model.to_payload()["model_name"] == "endpoint/a/16"


def test_the_name_that_other_classes_have_for_the_model_is_understood(served):
    model = G4FEmbedding(api_base=served.base_url, model_name="a")

    assert (model.model, model.model_name) == ("a", "endpoint/a/native")


def test_settings_go_round_through_a_dict_without_keys(served):
    model = G4FEmbedding(base_url=served.base_url, model="a", api_key="sk-secret-key", batch_size=7)

    plain = model.to_dict()
    again = G4FEmbedding.from_dict(plain)

    assert "secret" not in repr(plain)
    assert (again.model_name, again.base_url, again.batch_size) == (model.model_name, model.base_url, 7)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_embed_alike(served, again):
    model = again(G4FEmbedding(base_url=served.base_url, model="a"))

    assert model.get_text_embedding("lamp") == vector_of("lamp")


def test_a_shared_cache_keeps_spaces_apart():
    cache = SimpleKVStore()
    small, large = (G4FEmbedding(backend="hashing", dimensions=size, embeddings_cache=cache) for size in (8, 16))

    assert len(small.get_text_embedding("lamp")) == 8
    assert len(large.get_text_embedding("lamp")) == 16


async def test_a_cached_text_is_not_asked_for_again(served):
    model = G4FEmbedding(base_url=served.base_url, model="a", embeddings_cache=SimpleKVStore())
    first = await model.aget_text_embedding_batch(["lamp", "sea"])

    assert model.get_text_embedding_batch(["lamp", "sea"]) == first
    assert await model.aget_query_embedding("sea") == first[1]
    assert len(served.requests) == 1


def test_a_copy_of_a_model_with_a_cache_wraps_it_once():
    model = G4FEmbedding(backend="hashing", embeddings_cache=SimpleKVStore())

    again = G4FEmbedding(backend="hashing", embeddings_cache=model.embeddings_cache)

    assert again.embeddings_cache.store is model.embeddings_cache.store


@pytest.mark.parametrize("show_progress", [False, True])
async def test_batches_come_in_order(served, show_progress, capsys):
    model = G4FEmbedding(base_url=served.base_url, model="a", embed_batch_size=10)
    texts = [f"{number} lamps" for number in range(35)]

    wanted = [vector_of(text) for text in texts]
    assert model.get_text_embedding_batch(texts, show_progress=show_progress) == wanted
    assert await model.aget_text_embedding_batch(texts, show_progress=show_progress) == wanted


def test_handlers_are_told_of_every_batch_and_never_of_the_key(served, heard):
    model = G4FEmbedding(base_url=served.base_url, model="a", api_key="sk-secret-key")

    model.get_text_embedding("lamp")

    assert {"EmbeddingStartEvent", "EmbeddingEndEvent"} <= {event.class_name() for event in heard}
    assert "secret" not in repr([event.model_dump() for event in heard])


def test_it_is_found_where_llamaindexs_users_look_for_it():
    assert shim.G4FEmbedding is G4FEmbedding


def test_it_can_be_the_embedding_of_all():
    before = Settings._embed_model
    try:
        Settings.embed_model = G4FEmbedding(backend="hashing")
        assert best(VectorStoreIndex([TextNode(text=text) for text in TEXTS]), "granite") == TEXTS[2]
    finally:
        Settings._embed_model = before
