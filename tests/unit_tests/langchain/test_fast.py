"""Whole plain answers are made past pydantic, and nobody can tell."""

import copy

from g4f_integrations.langchain._fast import (
    generation_maker,
    result_maker,
    validated_generation,
    validated_result,
)

ARGUMENTS = ("text", {"model_name": "m"}, None, {"finish_reason": "stop"})


def test_the_quick_ways_hold_for_the_installed_version():
    assert generation_maker() is not validated_generation
    assert result_maker() is not validated_result


def test_results_equal_validated_ones():
    made = result_maker()(generation_maker()(*copy.deepcopy(ARGUMENTS)), {"model_name": "m"})
    real = validated_result(validated_generation(*copy.deepcopy(ARGUMENTS)), {"model_name": "m"})

    assert made == real
    assert repr(made) == repr(real)
    assert made.model_dump() == real.model_dump()
    assert copy.deepcopy(made) == real


def test_results_share_nothing():
    first, second = (result_maker()(generation_maker()(*copy.deepcopy(ARGUMENTS)), {}) for _ in range(2))

    first.generations[0].message.response_metadata["mine"] = True
    first.generations.clear()

    assert second == validated_result(validated_generation(*ARGUMENTS), {})
