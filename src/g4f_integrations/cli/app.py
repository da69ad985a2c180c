"""The typer application: which commands there are, in the order of ``--help``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from g4f_integrations import __version__
from g4f_integrations.cli.asking import ask
from g4f_integrations.cli.chatting import chat
from g4f_integrations.cli.config import config
from g4f_integrations.cli.doctor import doctor
from g4f_integrations.cli.listing import models, providers
from g4f_integrations.cli.media import image, speak, transcribe
from g4f_integrations.cli.showing import demo
from g4f_integrations.cli.texts import clean, trim

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,  # plain help reads the same on a narrow terminal, in a pipe and without colour
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _help_of(command: Callable[..., None]) -> str:
    """A command's docstring, its examples kept line by line."""
    return (inspect.getdoc(command) or "").replace("Examples:\n", "\b\nExamples:\n")


for command in (chat, ask, models, providers, doctor, image, speak, transcribe, clean, trim, demo, config):
    app.command(command.__name__, help=_help_of(command))(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"g4f-integrations {__version__}\n")
        raise typer.Exit


def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """g4f's providers and OpenAI-compatible endpoints as one dependable model.

    Providers that need a key, a login or a browser, or that run code, are
    used only where you name them. What you ask goes to third parties.

    Examples:
      g4f-integrations ask "Why do lighthouses flash?"
      git diff | g4f-integrations ask "Write a commit message"
      g4f-integrations chat --model gpt-4o
      g4f-integrations models --ability vision --free
      g4f-integrations doctor
    """


app.callback(help=_help_of(_main))(_main)
