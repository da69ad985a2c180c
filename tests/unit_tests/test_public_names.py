"""What every name that users import owes them: a docstring, types, a place in the reference, a page that shows it, and a test."""

import importlib
import inspect
import re

import pytest

from unit_tests.source_tree import ROOT

ROOMS = [
    "g4f_integrations",
    "g4f_integrations.core.inventory",
    "g4f_integrations.core.media",
    "g4f_integrations.errors",
    "g4f_integrations.langchain",
    "g4f_integrations.llama_index",
    "g4f_integrations.stores",
    "g4f_integrations.testing",
]
# The parts that can be used alone: of these rooms users are promised these names.
PARTS = {
    "g4f_integrations.core.cleaning": ["Cleaned", "CleaningStream", "Explanation", "Removed"],
    "g4f_integrations.core.failures": ["Failure", "classify", "classify_content"],
    "g4f_integrations.core.tokens": ["count_message_tokens", "count_tokens"],
    "g4f_integrations.core.toolcalls": ["Parsed", "parse_tool_calls"],
    "g4f_integrations.core.trimming": ["Trimmed", "atrim", "trim"],
}
# What users are given and need not name: the reference is page enough, and whoever tests the giver tests these.
GIVEN = {
    "Block",
    "Cleaned",
    "CleaningStream",
    "Cut",
    "Explanation",
    "Parsed",
    "ReceivedCall",
    "Removed",
    "Stall",
    "Trimmed",
}


def public():
    for room in ROOMS:
        module = importlib.import_module(room)
        yield from ((module, name) for name in module.__all__ if callable(getattr(module, name)))
    for room, names in PARTS.items():
        yield from ((importlib.import_module(room), name) for name in names)


EVERY = pytest.mark.parametrize(
    ("module", "name"), [pytest.param(module, name, id=f"{module.__name__}.{name}") for module, name in public()]
)
OFFERED = [getattr(module, name) for module, name in public()]


def text_of(*patterns):
    return "\n".join(
        path.read_text(encoding="utf-8")
        for pattern in patterns
        for path in sorted(ROOT.glob(pattern))
        if path.name not in {"test_imports.py", "test_public_names.py"}
    )


REFERENCE = text_of("docs/reference/*.md")
PAGES = text_of("README.md", "docs/*.md", "examples/*.py")
TESTS = text_of("tests/**/*.py")


def is_named(name, text):
    return re.search(rf"\b{name}\b", text) is not None


def twin(name):
    """The name of the function that does the same outside of event loops."""
    return name[1:] if name[0] == "a" else name


@EVERY
def test_it_has_a_docstring_of_its_own(module, name):
    offered = getattr(module, name)

    assert offered.__doc__
    assert not offered.__doc__.startswith(f"{name}(")  # the one that dataclasses get


@pytest.mark.parametrize("function", [one for one in OFFERED if inspect.isfunction(one)], ids=lambda one: one.__name__)
def test_a_functions_arguments_and_what_it_returns_have_types(function):
    bare = [one.name for one in inspect.signature(function).parameters.values() if one.annotation is one.empty]

    assert bare == []
    assert "return" in function.__annotations__


@EVERY
def test_the_reference_tells_of_it(module, name):
    listed = set(re.findall(r"\.(\w+)$", REFERENCE, flags=re.MULTILINE))
    listed.update(one for names in re.findall(r"members: \[(.+)\]", REFERENCE) for one in names.split(", "))
    if f"::: {module.__name__}\n" in REFERENCE:  # the whole of it
        listed.update(module.__all__)

    assert {name, twin(name)} & listed


@EVERY
def test_a_page_or_an_example_shows_it(module, name):
    assert name in GIVEN or is_named(name, PAGES) or is_named(twin(name), PAGES)


@EVERY
def test_a_test_exercises_it(module, name):
    assert name in GIVEN or is_named(name, TESTS)
