"""``demo``: LangChain is loaded when it runs."""

from __future__ import annotations

from typing import Annotated

import typer


def demo(plain: Annotated[bool, typer.Option("--plain", help="No colours.")] = False) -> None:
    """Watch an agent among failing providers.

    Examples:
      g4f-integrations demo
    """
    from g4f_integrations.cli.demo import run_demo  # --help needs no LangChain

    status = run_demo(plain=plain)
    if status:
        raise typer.Exit(status)
