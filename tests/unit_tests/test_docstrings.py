"""The examples in the docstrings run."""

import doctest
import importlib

import pytest

from unit_tests.source_tree import sources

WITH_EXAMPLES = [source.name for source in sources() if ">>> " in source.path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(name):
    outcome = doctest.testmod(importlib.import_module(name))

    assert outcome.attempted > 0
    assert outcome.failed == 0
