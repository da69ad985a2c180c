"""Extractors and ingestion pipelines, with workers and in processes of their own."""

import os

import pytest
from llama_index.core.extractors import (
    DocumentContextExtractor,
    KeywordExtractor,
    PydanticProgramExtractor,
    QuestionsAnsweredExtractor,
    SummaryExtractor,
    TitleExtractor,
)
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.program import FunctionCallingProgram
from llama_index.core.schema import Document, TextNode, TransformComponent
from llama_index.core.storage.docstore import SimpleDocumentStore
from pydantic import BaseModel

from g4f_integrations.llama_index import G4FLLM
from g4f_integrations.testing import ScriptedProvider

TEXT = "Foxes live in the forest. Herons live by the lake. Oaks grow slowly."


class Animal(BaseModel):
    """An animal of the text."""

    name: str


class Speaker(TransformComponent):
    """Writes what a model says, and in which process, next to each node."""

    llm: G4FLLM

    def __call__(self, nodes, **kwargs):
        for node in nodes:
            node.metadata["said"] = self.llm.complete(node.text).text
            node.metadata["process"] = os.getpid()
        return nodes


@pytest.mark.parametrize(
    ("extractor", "key"),
    [
        (TitleExtractor, "document_title"),
        (KeywordExtractor, "excerpt_keywords"),
        (SummaryExtractor, "section_summary"),
        (QuestionsAnsweredExtractor, "questions_this_excerpt_can_answer"),
    ],
)
async def test_extractors_ask_side_by_side(extractor, key):
    llm = G4FLLM(provider=ScriptedProvider("Some words"))
    nodes = [TextNode(text=f"Part {number} of it.") for number in range(4)]

    found = await extractor(llm=llm, num_workers=4, show_progress=False).aextract(nodes)

    assert ["Some words" in str(one[key]) for one in found] == [True] * 4


async def test_an_extractor_of_objects_works_by_prompt():
    call = '```json\n{"name": "Animal", "arguments": {"name": "fox"}}\n```'
    program = FunctionCallingProgram.from_defaults(
        Animal, prompt_template_str="{input}", llm=G4FLLM(provider=ScriptedProvider(call))
    )

    found = await PydanticProgramExtractor(program=program, show_progress=False).aextract([TextNode(text=TEXT)])

    assert found == [{"name": "fox"}]


async def test_an_extractor_that_chats_about_the_whole_document_works():
    store = SimpleDocumentStore()
    document = Document(text=TEXT)
    store.add_documents([document])
    nodes = SentenceSplitter(chunk_size=64, chunk_overlap=0).get_nodes_from_documents([document])
    extractor = DocumentContextExtractor(
        docstore=store, llm=G4FLLM(provider=ScriptedProvider("It is about animals.")), show_progress=False
    )

    found = await extractor.aextract(nodes)

    assert {one["context"] for one in found} == {"It is about animals."}


@pytest.mark.parametrize("way", ["spawned", "forked"])
async def test_a_pipeline_in_processes_takes_the_model_along_and_reads_its_key_there(loopback, monkeypatch, way):
    monkeypatch.setenv("G4F_API_KEY", "sk-of-the-environment")
    llm = G4FLLM(base_url=loopback.base_url, model="m")
    assert str(llm.complete("The parent asks, too.")) == "The parent asks, too."
    pipeline = IngestionPipeline(transformations=[Speaker(llm=llm)])  # splitters bring a tokenizer that downloads
    arguments = {"documents": [Document(text=f"Text {number}") for number in range(4)], "num_workers": 2}

    nodes = pipeline.run(**arguments) if way == "spawned" else await pipeline.arun(**arguments)

    assert sorted(node.metadata["said"] for node in nodes) == [f"Text {number}" for number in range(4)]
    assert os.getpid() not in {node.metadata["process"] for node in nodes}
    sent = {request.headers["authorization"] for request in loopback.requests}
    assert sent == {"Bearer sk-of-the-environment"}
