"""LlamaIndex's chat engines, query engines, selectors and synthesizers on top of `G4FLLM`."""

import json

import pytest
from g4f.providers.response import ToolCalls, Usage
from llama_index.core import MockEmbedding, Settings, SummaryIndex, VectorStoreIndex
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    CondenseQuestionChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.postprocessor import LLMRerank
from llama_index.core.postprocessor.structured_llm_rerank import StructuredLLMRerank
from llama_index.core.query_engine import RouterQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import Document, NodeWithScore, TextNode
from llama_index.core.selectors import LLMMultiSelector, LLMSingleSelector, PydanticSingleSelector
from llama_index.core.tools import QueryEngineTool
from pydantic import BaseModel

from g4f_integrations import Resilience
from g4f_integrations.llama_index import G4FLLM, sub_question_query_engine
from g4f_integrations.testing import ScriptedProvider, cut

QUICK = Resilience(backoff_initial=0, backoff_max=0)
DOCUMENTS = [
    Document(text="Foxes live in the forest."),
    Document(text="Herons live by the lake."),
]


def llm_of(*scripts, **settings):
    """A model whose first route fails each time, and whose second one follows the scripts."""
    provider = ScriptedProvider(per_call=[[*script] for script in scripts], name="Idle", default_model="m")
    busy = ScriptedProvider(cut(), name="Busy")
    return G4FLLM(provider=[busy, provider], resilience=QUICK, **settings)


def asked(llm):
    """What the model that answers was told, call by call."""
    return [json.dumps(call.messages) for call in llm.provider[1].calls]


@pytest.fixture
def index():
    return VectorStoreIndex.from_documents(DOCUMENTS, embed_model=MockEmbedding(embed_dim=4))


# Chat engines -----------------------------------------------------------------------------------------------------


def chat_engines(index):
    """Each engine's maker, with what a model says in each of three turns."""
    retriever = index.as_retriever()
    return {
        "simple": (lambda llm: SimpleChatEngine.from_defaults(llm=llm), [["one"], ["two"], ["three"]]),
        "context": (
            lambda llm: ContextChatEngine.from_defaults(retriever=retriever, llm=llm),
            [["one"], ["two"], ["three"]],
        ),
        "condense": (
            lambda llm: CondenseQuestionChatEngine.from_defaults(query_engine=index.as_query_engine(llm=llm), llm=llm),
            [["one"], ["asked anew"], ["two"], ["asked anew"], ["three"]],
        ),
        "condense and context": (
            lambda llm: CondensePlusContextChatEngine.from_defaults(retriever=retriever, llm=llm),
            [["one"], ["asked anew"], ["two"], ["asked anew"], ["three"]],
        ),
    }


@pytest.mark.parametrize("name", ["simple", "context", "condense", "condense and context"])
def test_a_chat_engine_keeps_up_a_conversation(index, name):
    make, scripts = chat_engines(index)[name]
    engine = make(llm_of(*scripts))

    first = engine.chat("First?")
    second = "".join(engine.stream_chat("Second?").response_gen) if name != "condense" else str(engine.chat("Second?"))
    third = engine.chat("Third?")

    assert (str(first), second, str(third)) == ("one", "two", "three")
    assert [message.content for message in engine.chat_history][1::2] == ["one", "two", "three"]


@pytest.mark.parametrize("name", ["simple", "context", "condense", "condense and context"])
async def test_an_async_chat_engine_does_too(index, name):
    make, scripts = chat_engines(index)[name]
    engine = make(llm_of(*scripts))

    first = await engine.achat("First?")
    if name == "condense":
        second = str(await engine.achat("Second?"))
    else:
        streamed = await engine.astream_chat("Second?")
        second = "".join([word async for word in streamed.async_response_gen()])
    third = await engine.achat("Third?")

    assert (str(first), second, str(third)) == ("one", "two", "three")


def test_what_an_index_knows_reaches_the_model(index):
    llm = llm_of(["In the forest."])

    index.as_chat_engine(chat_mode="context", llm=llm).chat("Where do foxes live?")

    assert "Foxes live in the forest." in asked(llm)[0]


# Query engines ----------------------------------------------------------------------------------------------------


def test_a_query_is_answered_with_its_sources_whole_and_streamed(index):
    llm = llm_of(["In the ", "forest."], ["By the ", "lake."])

    whole = index.as_query_engine(llm=llm).query("Where do foxes live?")
    streamed = index.as_query_engine(llm=llm, streaming=True).query("And herons?")

    assert (str(whole), "".join(streamed.response_gen)) == ("In the forest.", "By the lake.")
    assert "Foxes live in the forest." in {node.text for node in whole.source_nodes}


async def test_an_async_query_is_streamed(index):
    streamed = await index.as_query_engine(llm=llm_of(["By the ", "lake."]), streaming=True).aquery("Herons?")

    assert "".join([word async for word in streamed.async_response_gen()]) == "By the lake."


class Home(BaseModel):
    """Where an animal lives."""

    place: str


async def test_a_query_engines_answer_can_be_an_object(index):
    llm = llm_of(['Of course: {"place": "forest"}'], ['```json\n{"place": "lake"}\n```'])
    engine = index.as_query_engine(llm=llm, output_cls=Home)

    assert engine.query("Foxes?").response == Home(place="forest")
    assert (await engine.aquery("Herons?")).response == Home(place="lake")


@pytest.mark.parametrize(
    "mode", [ResponseMode.REFINE, ResponseMode.COMPACT, ResponseMode.TREE_SUMMARIZE, ResponseMode.SIMPLE_SUMMARIZE]
)
def test_every_synthesizer_works(mode):
    nodes = [NodeWithScore(node=TextNode(text=f"{word} " * 3_000)) for word in ("fox", "heron")]
    synthesizer = get_response_synthesizer(llm=llm_of(["A summary."]), response_mode=mode)

    assert str(synthesizer.synthesize("What?", nodes)) == "A summary."


def tools_of(index, llm):
    return [
        QueryEngineTool.from_defaults(
            index.as_query_engine(llm=llm), name="animals", description="Where animals live."
        ),
        QueryEngineTool.from_defaults(
            SummaryIndex.from_documents([Document(text="Oaks grow.")]).as_query_engine(llm=llm),
            name="plants",
            description="What plants do.",
        ),
    ]


CHOICE = '[{"choice": 2, "reason": "It is about plants."}]'


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        (LLMSingleSelector, CHOICE),
        (LLMSingleSelector, f"I choose:\n```json\n{CHOICE}\n```"),
        (LLMMultiSelector, CHOICE),
        (
            PydanticSingleSelector,
            '```json\n{"name": "SingleSelection", "arguments": {"index": 2, "reason": "plants"}}\n```',
        ),
    ],
)
async def test_a_router_asks_the_engine_that_the_model_chooses(index, selector, said):
    llm = llm_of([said], ["They grow."], [said], ["They grow."])
    router = RouterQueryEngine(
        selector=selector.from_defaults(llm=llm), query_engine_tools=tools_of(index, llm), llm=llm
    )

    assert str(router.query("What do oaks do?")) == "They grow."
    assert str(await router.aquery("What do oaks do?")) == "They grow."
    assert "Oaks grow." in asked(llm)[1]


def test_the_default_router_is_served_by_tools(index):
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "SingleSelection", "arguments": '{"index": 2, "reason": "plants"}'},
    }
    provider = ScriptedProvider(per_call=[[ToolCalls([call])], ["They grow."]], native_tools=True)
    llm = G4FLLM(provider=provider)

    router = RouterQueryEngine.from_defaults(query_engine_tools=tools_of(index, llm), llm=llm)

    assert str(router.query("What do oaks do?")) == "They grow."


async def test_sub_questions_need_no_other_package(index):
    questions = '[{"sub_question": "Foxes?", "tool_name": "animals"}, {"sub_question": "Oaks?", "tool_name": "plants"}]'
    llm = llm_of([f"```json\n{questions}\n```"], ["In the forest."], ["They grow."], ["All is well."])

    engine = sub_question_query_engine(tools_of(index, llm), llm=llm, use_async=False, verbose=False)

    assert str(engine.query("How are foxes and oaks?")) == "All is well."
    assert "In the forest." in asked(llm)[-1]


def test_rerankers_work():
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in ("Oaks grow.", "Foxes run.")]

    ranked = LLMRerank(llm=llm_of(["Doc: 2, Relevance: 9\nDoc: 1, Relevance: 2"]), top_n=1).postprocess_nodes(
        nodes, query_str="Who runs?"
    )
    documents = '{"documents": [{"document_number": 2, "relevance": 9}]}'
    reranker = StructuredLLMRerank(llm=llm_of([documents]), top_n=1)

    assert [node.text for node in ranked] == ["Foxes run."]
    assert [node.text for node in reranker.postprocess_nodes(nodes, query_str="Who runs?")] == ["Foxes run."]


def test_tokens_of_a_whole_query_are_counted(index, monkeypatch):
    counter = TokenCountingHandler(tokenizer=str.split)
    monkeypatch.setattr(Settings, "_callback_manager", CallbackManager([counter]))
    usage = Usage(prompt_tokens=70, completion_tokens=30, total_tokens=100)
    llm = llm_of(["In the ", "forest.", usage])

    index.as_query_engine(llm=llm).query("Where do foxes live?")
    list(index.as_query_engine(llm=llm, streaming=True).query("Once more?").response_gen)

    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (140, 60)
