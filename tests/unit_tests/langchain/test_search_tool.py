"""`G4FSearchTool`: LangChain's own contract tests for tools, and what a model is told."""

import pickle

import pytest
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from g4f_integrations.langchain import G4FSearchTool


def find(query, most):
    return [{"title": f"About {query}", "url": "https://a.example", "text": "A lamp gives light."}][:most]


SETTINGS = {"search": {"backend": find}}


class Suite:
    @property
    def tool_constructor(self):
        return G4FSearchTool

    @property
    def tool_constructor_params(self):
        return SETTINGS

    @property
    def tool_invoke_params_example(self):
        return {"query": "lamp"}


class TestUnit(Suite, ToolsUnitTests):
    pass


class TestInUse(Suite, ToolsIntegrationTests):
    pass


CALL = {"name": "web_search", "args": {"query": "lamp"}, "id": "1", "type": "tool_call"}


def test_the_model_reads_a_numbered_list_and_the_program_gets_the_results():
    message = G4FSearchTool(**SETTINGS).invoke(CALL)

    assert message.content == "[1] About lamp\nhttps://a.example\n> A lamp gives light."
    assert message.artifact.sources()[0]["url"] == "https://a.example"
    assert message.status == "success"


def test_a_proxys_password_is_nowhere_to_be_seen():
    tool = G4FSearchTool(search={"proxy": "http://me:secret@127.0.0.1:1"})

    assert "secret" not in f"{tool!r} {tool.model_dump()} {pickle.dumps(tool)}"


async def test_the_same_without_blocking():
    assert "A lamp gives light." in (await G4FSearchTool(**SETTINGS).ainvoke(CALL)).content


async def test_what_goes_wrong_is_told_to_the_model():
    def broken(query, most):
        raise OSError("no network")

    tool = G4FSearchTool(search={"backend": broken})

    for message in (tool.invoke(CALL), await tool.ainvoke(CALL)):
        assert message.status == "error"
        assert "web search failed" in message.content


@pytest.mark.parametrize("args", [{}, {"query": "lamp", "max_results": 0}])
def test_arguments_that_do_not_fit_are_told_to_the_model(args):
    assert G4FSearchTool(**SETTINGS).invoke({**CALL, "args": args}).status == "error"


def test_a_model_can_ask_for_fewer():
    wanted = []
    tool = G4FSearchTool(search={"backend": lambda query, most: wanted.append(most) or []})

    tool.invoke({"query": "lamp", "max_results": 2})

    assert wanted == [2]
