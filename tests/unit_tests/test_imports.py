"""The names that users import."""

import ast
import importlib
import pickle
import subprocess
import sys

import pytest

import g4f_integrations
from unit_tests.source_tree import ROOT, Source

PUBLIC = [
    *["AICleaning", "Catalog", "ChatG4F", "Cleaning", "Endpoint", "G4FLLM", "Resilience", "Route", "Trimming"],
    "__version__",
]


def test_the_public_names_are_these_and_no_others():
    assert sorted(g4f_integrations.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_can_be_imported(name):
    assert getattr(g4f_integrations, name) is getattr(importlib.import_module("g4f_integrations"), name)
    assert getattr(g4f_integrations, name) is not None


def test_dir_shows_the_public_names():
    assert set(PUBLIC) <= set(dir(g4f_integrations))


def test_an_unknown_name_is_an_attribute_error_and_an_import_error():
    with pytest.raises(AttributeError, match="ChatGPT"):
        _ = g4f_integrations.ChatGPT
    with pytest.raises(ImportError):
        exec("from g4f_integrations import ChatGPT", {})


def test_the_type_checker_sees_the_same_names_as_the_program():
    tree = Source(ROOT / "src/g4f_integrations/__init__.py").tree
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in guarded.body for alias in node.names}
    homes = {name: f"g4f_integrations.{home}" for name, home in g4f_integrations._HOMES.items()}

    assert seen == homes
    assert {*seen, "__version__"} == set(g4f_integrations.__all__)


def test_a_lazy_name_is_the_class_itself_and_pickles_by_its_home():
    assert pickle.loads(pickle.dumps(g4f_integrations.Route)) is g4f_integrations.core.routes.Route


def page_faults(code):
    """How often a fresh interpreter that runs this is given a page of memory."""
    pytest.importorskip("resource", reason="counts what only POSIX systems count")
    asked = f"{code}\nimport resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)"
    return int(subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True).stdout)


@pytest.mark.parametrize(
    ("framework", "ours"),
    [
        (
            "from langchain_core.language_models.chat_models import BaseChatModel",
            "from g4f_integrations.langchain import ChatG4F",
        ),
        (
            "from llama_index.core.llms.function_calling import FunctionCallingLLM",
            "from g4f_integrations import G4FLLM",
        ),
    ],
    ids=["langchain", "llama_index"],
)
def test_a_framework_imported_from_here_costs_no_more_pages_than_from_the_top(framework, ours):
    page_faults(ours)  # writes the bytecode

    assert page_faults(ours) < page_faults(f"{framework}\n{ours}") + 1_000


@pytest.mark.parametrize(
    "module",
    [
        "g4f_integrations.errors",
        "g4f_integrations.langchain",
        "g4f_integrations.llama_index",
        "llama_index.embeddings.g4f",
        "llama_index.llms.g4f",
        "llama_index.readers.g4f",
        "llama_index.tools.g4f",
        "g4f_integrations.core.media",
        "g4f_integrations.testing",
    ],
)
def test_every_name_that_a_module_offers_exists(module):
    offered = importlib.import_module(module)

    assert offered.__all__
    assert all(getattr(offered, name) is not None for name in offered.__all__)


def readme_imports():
    """The import lines of the README's Python blocks."""
    blocks = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1:]
    lines = [line for block in blocks for line in block.partition("```")[0].splitlines()]
    return sorted({line for line in lines if line.startswith(("from g4f_integrations", "import g4f_integrations"))})


@pytest.mark.parametrize("line", readme_imports())
def test_an_import_of_the_readme_works(line):
    names = {}
    exec(line, names)

    assert names.keys() > {"__builtins__"}
