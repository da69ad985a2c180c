"""Find passages by their vectors and let a model answer from them, in LangChain and in LlamaIndex.

Offline by default: vectors are made by hashing, which needs no model and goes by shared words, and a scripted provider
stands in for the model. With ``--base-url`` and ``--model`` the vectors are an endpoint's; your texts then go there.

    python examples/rag_embeddings.py
    python examples/rag_embeddings.py --base-url http://127.0.0.1:11434/v1 --model nomic-embed-text
"""

from __future__ import annotations

import argparse
from typing import Any

from langchain_core.prompts import ChatPromptTemplate
from langchain_core.vectorstores import InMemoryVectorStore
from llama_index.core import Document, VectorStoreIndex

from g4f_integrations import G4FLLM, ChatG4F
from g4f_integrations.langchain import G4FEmbeddings
from g4f_integrations.llama_index import G4FEmbedding
from g4f_integrations.testing import ScriptedProvider

QUESTION = "Who trims the lamp of the lighthouse?"
PASSAGES = [
    "The lighthouse of Kvitsand was built in 1884 of granite.",
    "Ingrid Vik trims the lamp of the lighthouse every evening.",
    "Ferries to the island leave at nine and at four.",
    "The harbour café bakes waffles on Sundays.",
]


def scripted_model() -> Any:
    """A provider that stands in for a model; nothing leaves this machine."""
    return ScriptedProvider("Ingrid Vik trims it.", name="Good")


def answer_in_langchain(settings: dict[str, Any]) -> tuple[str, str]:
    """The passage that was found, and the model's answer."""
    store = InMemoryVectorStore(G4FEmbeddings(**settings))
    store.add_texts(PASSAGES)
    (passage,) = store.similarity_search(QUESTION, k=1)
    prompt = ChatPromptTemplate.from_template("Answer from this alone: {passage}\n\n{question}")
    chain = prompt | ChatG4F(provider=scripted_model())
    return passage.page_content, chain.invoke({"passage": passage.page_content, "question": QUESTION}).text


def answer_in_llama_index(settings: dict[str, Any]) -> tuple[str, str]:
    """The same with an index and its query engine."""
    documents = [Document(text=passage) for passage in PASSAGES]
    index = VectorStoreIndex.from_documents(documents, embed_model=G4FEmbedding(**settings))
    engine = index.as_query_engine(llm=G4FLLM(provider=scripted_model()), similarity_top_k=1)
    response = engine.query(QUESTION)
    return response.source_nodes[0].text, str(response)


def main() -> None:
    """Ask in both frameworks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint that has /embeddings")
    parser.add_argument("--model", help="its embedding model")
    given = parser.parse_args()
    settings = {"base_url": given.base_url, "model": given.model} if given.base_url else {"backend": "hashing"}
    print(f"{QUESTION}  (vectors: {G4FEmbeddings(**settings).space_id})")
    for framework, answer in (("LangChain", answer_in_langchain), ("LlamaIndex", answer_in_llama_index)):
        passage, text = answer(settings)
        print(f"{framework}: {text}\n  found: {passage}")


if __name__ == "__main__":
    main()
