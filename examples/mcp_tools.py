"""Tools of an MCP server for a model that has none of its own.

Needs ``pip install langchain langchain-mcp-adapters``. Offline: this file is the server too (started with ``--serve``,
over stdio), and a scripted provider stands in for the model. Put your own server and ``ChatG4F()`` in their places.

    python examples/mcp_tools.py
"""

from __future__ import annotations

import asyncio
import sys

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from mcp.server.fastmcp import FastMCP

from g4f_integrations import ChatG4F
from g4f_integrations.testing import ScriptedProvider

server = FastMCP("lighthouses")


@server.tool()
def rhythm(lighthouse: str) -> str:
    """Tell the rhythm in which a lighthouse flashes."""
    return f"{lighthouse}: one flash every 5 seconds"


async def main() -> None:
    """Load the server's tools and ask a question that needs one."""
    address = {"command": sys.executable, "args": [__file__, "--serve"], "transport": "stdio"}
    tools = await MultiServerMCPClient({"lighthouses": address}).get_tools()
    call = '```json\n[{"name": "rhythm", "arguments": {"lighthouse": "Fastnet"}}]\n```'
    provider = ScriptedProvider(per_call=[[call], ["Fastnet flashes once every five seconds."]], name="Good")
    agent = create_agent(ChatG4F(provider=provider), tools)

    state = await agent.ainvoke({"messages": [("user", "How does Fastnet flash?")]})

    for message in state["messages"]:
        message.pretty_print()


if __name__ == "__main__":
    if "--serve" in sys.argv:
        server.run()
    else:
        asyncio.run(main())
