"""fastembed's own loading code, with a model of a few hundred bytes that is made here."""

import gc
import json
import os
import signal
import sys
import time

import pytest

from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.core.embeddings._lengths import model_length
from g4f_integrations.errors import ConfigurationError

fastembed = pytest.importorskip("fastembed", reason="the extra `fastembed` is not installed")
onnx = pytest.importorskip("onnx", reason="`onnx` is not installed")

WORDS = ["[PAD]", "[UNK]", "lamp", "sea", "."]
NAME = "ours/tiny"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model whose vector of a text is the mean of its words' rows."""
    import numpy as np
    from fastembed.common.model_description import ModelSource, PoolingType
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, pre_tokenizers

    place = tmp_path_factory.mktemp("tiny")
    rows = np.eye(len(WORDS), dtype=np.float32) + 0.1
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "words"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "words", len(WORDS)])
    node = helper.make_node("Gather", ["rows", "input_ids"], ["last_hidden_state"])
    graph = helper.make_graph([node], "tiny", inputs, [output], [numpy_helper.from_array(rows, "rows")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(place / "model.onnx"))
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(place / "tokenizer.json"))
    (place / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    (place / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 64, "pad_token": "[PAD]"}))
    (place / "special_tokens_map.json").write_text(json.dumps({"unk_token": "[UNK]", "pad_token": "[PAD]"}))
    fastembed.TextEmbedding.add_custom_model(
        model=NAME, pooling=PoolingType.MEAN, normalization=True, sources=ModelSource(hf=NAME), dim=len(WORDS),
        model_file="model.onnx",
    )  # fmt: skip
    return place


@pytest.fixture
def tiny(folder):
    return EmbeddingFields(backend="fastembed", model=NAME, fastembed_options={"specific_model_path": str(folder)})


def test_texts_get_the_models_vectors_in_order(tiny):
    lamp, sea, both = tiny.embed_texts(["lamp", "sea", "lamp sea"])

    assert lamp.index(max(lamp)) == WORDS.index("lamp")
    assert sea.index(max(sea)) == WORDS.index("sea")
    assert both[2] == pytest.approx(both[3])
    assert all(type(number) is float for number in lamp)


async def test_the_same_without_blocking(tiny):
    assert await tiny.aembed_texts(["lamp", ""]) == tiny.embed_texts(["lamp", ""])


def test_the_space_is_the_models(tiny):
    assert tiny.space_id == "fastembed/ours/tiny/native"
    assert EmbeddingFields(backend="fastembed").space_id == "fastembed/BAAI/bge-small-en-v1.5/384"


def test_the_lengths_that_we_know_are_fastembeds_own():
    told = {described["model"]: described["dim"] for described in fastembed.TextEmbedding.list_supported_models()}

    assert len(told) > 20
    known = {name: model_length(name) for name in told}
    assert {name: known[name] for name in told if known[name] is not None} == {
        name: told[name] for name in told if known[name] is not None
    }
    assert sum(length is not None for length in known.values()) > 20


def test_halves_of_characters_and_blanks_have_vectors(tiny):
    assert len(tiny.embed_texts(["lamp\ud800", "", " \n", "\udfff"])) == 4


def test_files_of_another_model_are_an_error(folder):
    options = {"specific_model_path": str(folder)}
    model = EmbeddingFields(backend="fastembed", model="Qdrant/clip-ViT-B-32-text", fastembed_options=options)

    with pytest.raises(ConfigurationError, match="512 numbers, and these files'"):
        model.embed_texts(["lamp"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_begins_anew_and_can_end(tiny):
    tiny.embed_texts(["lamp"])
    time.sleep(0.05)  # its threads have gone to sleep then

    child = os.fork()
    if child == 0:
        gc.collect()  # a model taken apart here would wait for threads that are not there
        os._exit(0)

    deadline = time.monotonic() + 10
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
        time.sleep(0.01)
    if ended == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)


def test_a_model_that_fastembed_does_not_have_is_said_with_those_it_has(folder):
    with pytest.raises(ConfigurationError, match=r"has no such model; it has .*BAAI"):
        EmbeddingFields(backend="fastembed", model="ours/none").embed_texts(["lamp"])


def test_files_that_are_not_there_are_a_clear_error(tmp_path):
    options = {"specific_model_path": str(tmp_path), "local_files_only": True}

    with pytest.raises(ConfigurationError, match="its files must be"):
        EmbeddingFields(backend="fastembed", fastembed_options=options).embed_texts(["lamp"])


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "fastembed", None)

    with pytest.raises(ConfigurationError, match=r"g4f-integrations\[fastembed\]"):
        EmbeddingFields(backend="fastembed", model="another/one").embed_texts(["lamp"])
