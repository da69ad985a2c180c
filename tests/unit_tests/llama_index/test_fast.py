"""Plain answers are made past pydantic, and nobody can tell."""

import copy
import json

import pytest
from llama_index.core.base.llms.types import ChatResponse

from g4f_integrations.llama_index._fast import response_maker, validated_response

ARGUMENTS = [("text", {"usage": {"a": 1}}, {"g4f": {"attempts": []}}), ("", {}, {})]


def test_the_quick_way_holds_for_the_installed_version():
    assert response_maker() is not validated_response


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_answers_equal_validated_ones(arguments):
    made, real = response_maker()(*copy.deepcopy(arguments)), validated_response(*copy.deepcopy(arguments))

    assert made == real
    assert repr(made) == repr(real)
    assert made.model_dump() == real.model_dump()
    assert copy.deepcopy(made) == real


def test_answers_share_nothing():
    first, second = (response_maker()("a", {}, {}) for _ in range(2))

    first.message.additional_kwargs["mine"] = True
    first.message.blocks[0].text = "changed"
    first.message.blocks.append(first.message.blocks[0])

    assert second == validated_response("a", {}, {})


def test_answers_are_loaded_from_what_they_dump():
    made = response_maker()("a", {"r": 1}, {"d": 1})

    assert ChatResponse(**json.loads(made.model_dump_json(exclude={"raw"})), raw={"r": 1}) == made
