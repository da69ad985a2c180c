"""Two LlamaIndex agents that hand over to one another, on a model without tools of its own.

Offline by default: scripted providers stand in. With ``--real`` the question goes to the free providers that g4f knows,
over the internet: your prompt then reaches third parties. Do not send secrets, respect the providers' terms; this
project is not affiliated with g4f or with any provider, and g4f is licensed under the GPL.

    python examples/agent_workflow.py
"""

from __future__ import annotations

import argparse
import asyncio

from llama_index.core.agent.workflow import AgentStream, AgentWorkflow, FunctionAgent, ToolCallResult

from g4f_integrations import G4FLLM
from g4f_integrations.testing import ScriptedProvider

CATALOGUE = {"Fastnet": "54 m high, one flash every 5 seconds"}


def look_up(lighthouse: str) -> str:
    """Tell what the catalogue says of a lighthouse."""
    return CATALOGUE.get(lighthouse, "not in the catalogue")


def offline_model() -> G4FLLM:
    """A model over two scripted providers, of which one is out of service."""
    down = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    handoff = '[{"name": "handoff", "arguments": {"to_agent": "writer", "reason": "the facts are there"}}]'
    good = ScriptedProvider(
        per_call=[
            ['```json\n[{"name": "look_up", "arguments": {"lighthouse": "Fastnet"}}]\n```'],
            [f"```json\n{handoff}\n```"],
            ["Fastnet stands 54 metres high ", "and flashes every five seconds."],
        ],
        name="Good",
    )
    return G4FLLM(provider=[down, good])


async def main() -> None:
    """Let the agents work, and show what each of them does."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="ask real providers over the internet")
    options = parser.parse_args()

    llm = G4FLLM() if options.real else offline_model()
    finder = FunctionAgent(
        name="finder",
        description="Looks facts up.",
        system_prompt="Look the facts up, then hand over to the writer.",
        tools=[look_up],
        llm=llm,
        can_handoff_to=["writer"],
    )
    writer = FunctionAgent(
        name="writer", description="Writes one sentence.", system_prompt="Write one sentence.", tools=[], llm=llm
    )
    workflow = AgentWorkflow(agents=[finder, writer], root_agent="finder")

    handler = workflow.run(user_msg="Describe the lighthouse Fastnet.")
    async for event in handler.stream_events():
        if isinstance(event, ToolCallResult):
            print(f"{event.tool_name}: {str(event.tool_output).splitlines()[0]}")
        elif isinstance(event, AgentStream):
            print(event.delta, end="", flush=True)
    result = await handler
    print(f"\n({result.current_agent_name} answered)")


if __name__ == "__main__":
    asyncio.run(main())
