"""``chat``: a conversation at the terminal, or from a pipe."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from g4f_integrations.cli import options
from g4f_integrations.cli.console import for_terminal, remark, write_text

if TYPE_CHECKING:
    from g4f_integrations.cli.session import Session

_GREETING = 'Write to {model}. /help lists commands, """ begins and ends several lines, Ctrl-C stops an answer.'


def chat(
    *,
    system: options.System = None,
    tools: Annotated[
        list[str] | None, typer.Option("--tool", help="Let the model use: time, calculator, search; may be repeated.")
    ] = None,
    model: options.Model = "auto",
    provider: options.Providers = None,
    route: options.Routes = None,
    base_url: options.BaseURL = None,
    api_key: options.Key = None,
    fallback: options.Fallbacks = None,
    temperature: options.Temperature = None,
    max_tokens: options.MaxTokens = None,
    timeout: options.Timeout = None,
    raw: options.Raw = False,
) -> None:
    """Talk with a model; long histories are trimmed to fit.

    Examples:
      g4f-integrations chat
      g4f-integrations chat -m gpt-4o -s "Answer in one sentence"
      g4f-integrations chat --tool time --tool calculator
    """
    settings = options.settings_of(
        model=model, provider=provider, route=route, base_url=base_url, api_key=api_key, fallback=fallback,
        timeout=timeout, temperature=temperature, max_tokens=max_tokens,
    )  # fmt: skip
    if raw:
        settings["cleaning"] = None
    from g4f_integrations.cli.session import Session  # --help needs no engine

    session = Session(settings, system, tools or ())
    at_terminal = sys.stdin.isatty()
    if at_terminal:
        with suppress(ImportError):  # history and line editing, where Python was built with them
            import readline  # noqa: F401  `input` works with it once it is imported
        remark(_GREETING.format(model=for_terminal(model)))
    _converse(session, at_terminal=at_terminal)


def _converse(session: Session, *, at_terminal: bool) -> None:
    stopped = False  # whether the newest thing that happened was an interruption
    while not session.over:
        try:
            text = _read(at_terminal=at_terminal)
        except EOFError:
            if at_terminal:
                write_text("\n")
            return
        except KeyboardInterrupt:
            if stopped:
                raise
            stopped = True
            remark("\nCtrl-C once more, or /quit, leaves")
            continue
        stopped = False
        if not text.strip():
            continue
        try:
            session.take(text)
        except KeyboardInterrupt:
            stopped = True
            remark("\nstopped")


def _read(*, at_terminal: bool) -> str:
    """One message: a line, lines that end with a backslash, or a block between lines that begin and end with quotes."""
    lines = [_line("> " if at_terminal else "")]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(_line(". " if at_terminal else ""))
    text = "\n".join(lines)
    if not text.lstrip().startswith('"""'):
        return text
    text = text.lstrip()[3:]
    while not text.rstrip().endswith('"""'):
        with suppress(EOFError):
            text = f"{text}\n{_line('. ' if at_terminal else '')}"
            continue
        return text.strip("\n")  # the pipe ended before the quotes did
    return text.rstrip()[:-3].strip("\n")


def _line(prompt: str) -> str:
    if prompt:
        return input(prompt)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")
