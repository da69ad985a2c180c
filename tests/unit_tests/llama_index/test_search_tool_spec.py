"""`G4FSearchToolSpec`: one tool in two ways, and documents."""

import pytest

from g4f_integrations.core.search import WebSearch
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index import G4FSearchToolSpec


def find(query, most):
    return [
        {"title": f"About {query}", "url": "https://a.example", "text": "A lamp gives light."},
        {"title": "Blank", "url": "https://b.example", "text": " "},
    ]


def tool_of(spec):
    (tool,) = spec.to_tool_list()
    return tool


async def test_the_tool_works_both_ways():
    tool = tool_of(G4FSearchToolSpec(backend=find))

    assert tool(query="lamp").content.startswith("[1] About lamp\nhttps://a.example\n> A lamp gives light.")
    assert (await tool.acall(query="lamp")).content == tool(query="lamp").content


def test_the_model_is_told_what_the_tool_does():
    told = tool_of(G4FSearchToolSpec(backend=find)).metadata.to_openai_tool()["function"]

    assert told["name"] == "web_search"
    assert "Searches the web" in told["description"]
    assert told["parameters"]["required"] == ["query"]


async def test_pages_become_documents():
    spec = G4FSearchToolSpec(WebSearch(backend=find), max_results=2)

    (document,) = spec.load_documents("lamp")

    assert document.text == "A lamp gives light."
    assert document.metadata == {"title": "About lamp", "url": "https://a.example"}
    assert [one.text for one in await spec.aload_documents("lamp")] == [document.text]


def test_unknown_settings_are_refused():
    with pytest.raises(ConfigurationError, match="max_result"):
        G4FSearchToolSpec(max_result=3)
