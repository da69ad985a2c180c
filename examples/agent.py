"""A LangChain agent with tools, on providers that have none of their own.

Needs ``pip install langchain``. Offline by default: scripted providers stand in, of which one is down. With ``--real``
the question goes to the free providers that g4f knows, over the internet: your prompt then reaches third parties. Do
not send secrets, respect the providers' terms; this project is not affiliated with g4f or with any provider, and g4f is
licensed under the GPL.

    python examples/agent.py
    python examples/agent.py --real "How many days are left in this year?"
"""

from __future__ import annotations

import argparse
import datetime as dt

from langchain.agents import create_agent

from g4f_integrations import ChatG4F
from g4f_integrations.testing import ScriptedProvider


def today() -> str:
    """Tell today's date."""
    return dt.datetime.now(tz=dt.UTC).date().isoformat()


def days_between(start: str, end: str) -> int:
    """Count the days between two dates, given as YYYY-MM-DD."""
    return (dt.date.fromisoformat(end) - dt.date.fromisoformat(start)).days


def offline_model() -> ChatG4F:
    """A model over scripted providers; nothing leaves this machine."""
    down = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    # Models have many ways to write a call. All that are known are understood.
    good = ScriptedProvider(
        per_call=[
            ['```json\n[{"name": "today", "arguments": {}}]\n```'],
            ["<tool_call>days_between(start='2026-11-21', end='2026-12-31')</tool_call>"],
            ["40 days ", "are left."],
        ],
        name="Good",
    )
    return ChatG4F(provider=[down, good])


def main() -> None:
    """Ask, and show each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="How many days are left in 2026?")
    parser.add_argument("--real", action="store_true", help="ask real providers over the internet")
    options = parser.parse_args()

    agent = create_agent(ChatG4F() if options.real else offline_model(), [today, days_between])
    state = agent.invoke({"messages": [("user", options.prompt)]})

    for message in state["messages"]:
        message.pretty_print()
        info = message.response_metadata.get("g4f")
        if info:
            tried = ", ".join(f"{attempt['provider']} {attempt['outcome']}" for attempt in info["attempts"])
            print(f"({tried}; tools: {info['tools']})")


if __name__ == "__main__":
    main()
