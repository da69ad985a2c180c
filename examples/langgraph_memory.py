"""A LangGraph agent that remembers: tools, a checkpointer, and providers that fail in between.

Needs ``pip install langchain``. Offline by default: scripted providers stand in. With ``--real`` the questions go to
the free providers that g4f knows, over the internet: your prompts then reach third parties. Do not send secrets,
respect the providers' terms; this project is not affiliated with g4f or with any provider, and g4f is licensed under
the GPL.

    python examples/langgraph_memory.py
"""

from __future__ import annotations

import argparse

from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

from g4f_integrations import ChatG4F
from g4f_integrations.testing import ScriptedProvider, cut

NOTES: list[str] = []


def note(text: str) -> str:
    """Write something down."""
    NOTES.append(text)
    return f"Noted as number {len(NOTES)}."


def offline_model() -> ChatG4F:
    """A model over two scripted providers: one is cut off every time before it says anything, one has only text."""
    shaky = ScriptedProvider(cut(), name="Shaky")
    good = ScriptedProvider(
        per_call=[
            ['```json\n[{"name": "note", "arguments": {"text": "buy lamp oil"}}]\n```'],
            ["I wrote it down."],
            ["You wanted to buy lamp oil."],
        ],
        name="Good",
    )
    return ChatG4F(provider=[shaky, good])


def main() -> None:
    """Two questions in one conversation; the second needs the memory of the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="ask real providers over the internet")
    options = parser.parse_args()

    model = ChatG4F() if options.real else offline_model()
    agent = create_agent(model, [note], checkpointer=InMemorySaver())
    thread = {"configurable": {"thread_id": "the keeper"}}

    for question in ("Note that I have to buy lamp oil.", "What did I want to buy?"):
        print(f"> {question}")
        for chunk, _ in agent.stream({"messages": [("user", question)]}, thread, stream_mode="messages"):
            if chunk.type == "AIMessageChunk":  # the tools' results come by here as well
                print(chunk.text, end="", flush=True)
        print()

    kept = agent.get_state(thread).values["messages"]
    print(f"({len(kept)} messages are kept, {len(NOTES)} note)")


if __name__ == "__main__":
    main()
