"""A tool server over stdio, for the tests of agents."""

from mcp.server.fastmcp import FastMCP

server = FastMCP("lighthouses")


@server.tool()
def flashes(lighthouse: str) -> str:
    """Tell the rhythm of a lighthouse."""
    return f"{lighthouse} flashes twice every 15 seconds"


if __name__ == "__main__":
    server.run()
