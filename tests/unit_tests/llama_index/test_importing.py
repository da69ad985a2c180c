"""What importing and making a `G4FLLM` loads and does, seen from a fresh interpreter."""

import llama_index.llms.g4f as shim
from g4f_integrations.llama_index import G4FLLM
from unit_tests.source_tree import PACKAGE, ROOT
from unit_tests.test_import_rules import watched


def test_importing_the_face_loads_neither_g4f_nor_an_http_client_of_ours_nor_the_other_face():
    loaded, effects, threads = watched(f"import {PACKAGE}.llama_index")

    assert not loaded & {"g4f", "aiohttp", "llama_index", "langchain_core", "pydantic"}
    assert effects == []
    assert threads == 1


def test_making_a_model_sends_nothing_reads_nothing_and_starts_nothing():
    statement = f"from {PACKAGE} import G4FLLM; count = len(seen); G4FLLM().metadata; del seen[:count]"
    loaded, effects, threads = watched(statement)

    assert not loaded & {"g4f", "langchain_core", f"{PACKAGE}.langchain"}
    assert effects == []
    assert threads == 1


def test_the_class_is_found_where_llamaindexs_users_look_for_it():
    assert shim.G4FLLM is G4FLLM


def test_the_namespaces_of_llamaindex_stay_namespaces():
    folders = [ROOT / "src/llama_index", *(ROOT / "src/llama_index" / name for name in ("embeddings", "llms"))]

    assert not [folder for folder in folders if (folder / "__init__.py").exists()]
