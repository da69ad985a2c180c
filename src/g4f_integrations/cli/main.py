"""The entry point: reads the command and hands over to its room."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The process's exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m g4f_integrations",
        description="g4f providers and OpenAI-compatible endpoints as one dependable model.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo = commands.add_parser("demo", help="watch an agent call its tools through failing providers, offline")
    demo.add_argument("--plain", action="store_true", help="no colours")
    options = parser.parse_args(arguments)
    from g4f_integrations.cli.demo import run_demo  # noqa: PLC0415  only this command pays for LangChain's import

    return run_demo(plain=options.plain)
