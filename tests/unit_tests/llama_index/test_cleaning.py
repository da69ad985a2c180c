"""Cleaning as a step beside any LLM of LlamaIndex."""

import pytest
from llama_index.core import PromptTemplate, VectorStoreIndex
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.output_parsers import PydanticOutputParser
from llama_index.core.schema import ImageNode, NodeWithScore, TextNode
from pydantic import BaseModel

from g4f_integrations import Cleaning
from g4f_integrations.llama_index.cleaning import CleaningOutputParser, CleaningPostprocessor

ADVERT = "\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"


class Said(CustomLLM):
    """An LLM of somebody else's."""

    text: str

    @property
    def metadata(self):
        return LLMMetadata()

    def complete(self, prompt, formatted=False, **kwargs):
        return CompletionResponse(text=self.text)

    def stream_complete(self, prompt, formatted=False, **kwargs):
        yield CompletionResponse(text=self.text, delta=self.text)


class Lamp(BaseModel):
    """A lamp."""

    name: str


def test_a_foreign_llms_answers_come_out_clean():
    llm = Said(text=f"It flashes.{ADVERT}", output_parser=CleaningOutputParser(provider="Airforce"))

    assert llm.predict(PromptTemplate("Why?")) == "It flashes."


async def test_what_the_user_asks_about_stays():
    parser = CleaningOutputParser(provider="Airforce", prompt="What is op.wtf?")
    llm = Said(text=f"It flashes.{ADVERT}", output_parser=parser)

    assert await llm.apredict(PromptTemplate("Why?")) == f"It flashes.{ADVERT}"


def test_another_parser_goes_on_with_the_clean_text():
    parser = CleaningOutputParser(following=PydanticOutputParser(Lamp))

    assert parser.parse(f'{{"name": "Fresnel"}}{ADVERT}') == Lamp(name="Fresnel")
    assert "name" in parser.format("Which lamp?")


def test_retrieved_nodes_come_out_clean_and_the_index_keeps_its_own():
    clean, dirty = TextNode(text="It turns."), TextNode(text=f"It flashes.{ADVERT}", metadata={"day": 3})
    index = VectorStoreIndex([clean, dirty], embed_model=MockEmbedding(embed_dim=3))
    found = index.as_retriever(similarity_top_k=2).retrieve("What does it do?")

    got = CleaningPostprocessor().postprocess_nodes(found, query_str="What does it do?")

    assert sorted(node.text for node in got) == ["It flashes.", "It turns."]
    assert {node.node.node_id for node in got} == {clean.node_id, dirty.node_id}
    assert [node.metadata for node in got if "day" in node.metadata] == [{"day": 3}]
    assert dirty.text.endswith("https://op.wtf")


@pytest.mark.parametrize("cleaning", [Cleaning(mode="off"), Cleaning(categories={"markers"})])
def test_nodes_without_adverts_and_other_kinds_are_handed_on_as_they_are(cleaning):
    nodes = [NodeWithScore(node=TextNode(text=f"It flashes.{ADVERT}")), NodeWithScore(node=ImageNode(image="aGk="))]

    got = CleaningPostprocessor(cleaning=cleaning).postprocess_nodes(nodes)

    assert [one is other for one, other in zip(got, nodes, strict=True)] == [True, True]
