"""Answer questions about three small files: an agent searches them, and a model through failing providers answers.

Offline by default: scripted providers stand in for the model, of which two fail, and LlamaIndex's own `MockEmbedding`
for the embeddings, so what is found is all there is. With ``--real`` the questions go to the free providers that g4f
knows, over the internet: your prompt and what is found in the files then reach third parties. Do not send secrets,
respect the providers' terms; this project is not affiliated with g4f or with any provider, and g4f is licensed under
the GPL.

    python examples/llama_index_rag.py
    python examples/llama_index_rag.py --real "Who keeps the lighthouse?"
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from llama_index.core import MockEmbedding, SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCallResult
from llama_index.core.tools import FunctionTool

from g4f_integrations import G4FLLM, Resilience
from g4f_integrations.testing import ScriptedProvider, cut

QUESTION = "Who keeps the lighthouse, and when was it built?"
FILES = {
    "lighthouse.txt": "The lighthouse of Kvitsand was built in 1884. Its lamp can be seen for 18 miles.\n",
    "keepers.txt": "Ingrid Vik has kept the lighthouse since 2009. Before her, it was Olav Dahl.\n",
    "visitors.txt": "Visitors are welcome from May to September. The stairs have 132 steps.\n",
}


def offline_model() -> G4FLLM:
    """A model over scripted providers; nothing leaves this machine.

    The one that answers takes no tools by itself: it is told of them in words, and calls them in words.
    """
    busy = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    broken = ScriptedProvider(cut(), name="Broken")
    call = {"name": "search_files", "arguments": {"query": "lighthouse keeper built"}}
    good = ScriptedProvider(
        per_call=[
            [f"I will look it up.\n```json\n{json.dumps(call)}\n```"],
            ["Ingrid Vik keeps the lighthouse", "; it was built in 1884."],
        ],
        name="Good",
    )
    return G4FLLM(provider=[busy, broken, good])


def real_model() -> G4FLLM:
    """A model over g4f's own providers that need no key, in a reviewed order."""
    return G4FLLM(resilience=Resilience(first_token_timeout=15, deadline=60))


def index_files(folder: Path) -> VectorStoreIndex:
    """Read all files of a folder into an index."""
    documents = SimpleDirectoryReader(str(folder)).load_data()
    return VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=8))


def make_search_tool(index: VectorStoreIndex) -> FunctionTool:
    """The tool by which the agent looks into the files."""
    retriever = index.as_retriever(similarity_top_k=3)

    def search_files(query: str) -> str:
        """Find what the files say about something."""
        return "\n".join(f"{found.metadata['file_name']}: {found.text}" for found in retriever.retrieve(query))

    return FunctionTool.from_defaults(search_files)


async def ask(model: G4FLLM, question: str) -> None:
    """Let an agent answer, and print what it does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in FILES.items():
            (folder / file).write_text(text, encoding="utf-8")
        tool = make_search_tool(index_files(folder))
        agent = FunctionAgent(tools=[tool], llm=model, system_prompt="Answer from the files.")
        handler = agent.run(question)
        last = None
        async for event in handler.stream_events():
            if isinstance(event, ToolCallResult):
                print(f"\n  {event.tool_name}({event.tool_kwargs}) found {len(event.tool_output.content)} characters")
            elif isinstance(event, AgentStream):
                print(event.delta, end="", flush=True)
                last = event
        await handler
    print()
    if last is not None and last.raw is not None:
        print(f"Answered by {last.raw['provider']}; {last.raw['usage']['total_tokens']} tokens.")


def main() -> None:
    """Ask one question about the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--real", action="store_true", help="ask real providers over the internet")
    options = parser.parse_args()
    asyncio.run(ask(real_model() if options.real else offline_model(), options.question))


if __name__ == "__main__":
    main()
