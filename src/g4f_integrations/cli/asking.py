"""``ask``: one question, one answer; what a pipe brings goes along."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from g4f_integrations.cli import options
from g4f_integrations.cli.console import for_terminal, remark, write_json, write_text
from g4f_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from g4f_integrations.core.events import AnswerInfo, Retrying


def ask(
    *,
    question: Annotated[list[str] | None, typer.Argument(help="What to ask; '-' stands for standard input.")] = None,
    image: Annotated[list[str] | None, typer.Option("--image", "-i", help="A picture: a file or an address.")] = None,
    system: options.System = None,
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
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell who was asked, and who answered.")] = False,
    as_json: options.Json = False,
) -> None:
    """Ask one question; the answer streams.

    Examples:
      g4f-integrations ask "Why do lighthouses flash?"
      git diff | g4f-integrations ask "Write a commit message"
      g4f-integrations ask -i cat.png "What is this?" --json
    """
    text = _question(question)
    settings = options.settings_of(
        model=model, provider=provider, route=route, base_url=base_url, api_key=api_key, fallback=fallback,
        timeout=timeout, temperature=temperature, max_tokens=max_tokens,
    )  # fmt: skip
    if raw:
        settings["cleaning"] = None
    from g4f_integrations.cli.conversing import Answered, answer_to, model_of  # --help needs no engine

    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": with_pictures(text, image or ())})
    answered = Answered()
    pieces = answer_to(
        model_of(settings),
        messages,
        answered,
        stream=not as_json,
        on_retry=tell_retry if verbose else None,
    )
    try:
        for piece in pieces:
            if not as_json:
                write_text(piece)
    finally:
        pieces.close()
    if as_json:
        write_json(answered.to_dict())
        return
    if not answered.text.endswith("\n"):
        write_text("\n")
    if verbose and answered.info is not None:
        remark(who_answered(answered.info))


def _question(words: list[str] | None) -> str:
    """The words of the command line, and what a pipe or a file brings.

    Raises:
        ConfigurationError: There is neither.
    """
    asked = " ".join(words or ())
    if asked == "-" or (not asked and not sys.stdin.isatty()):
        text = sys.stdin.read()
    elif _brings_something():
        text = "\n\n".join(filter(None, (asked, sys.stdin.read().strip("\n"))))
    else:
        text = asked
    if not text.strip():
        message = "there is no question; write it behind `ask`, or pipe it in"
        raise ConfigurationError(message)
    return text


def _brings_something() -> bool:
    """Whether standard input is a pipe or a file; a terminal, /dev/null or a daemon's socket has nothing to say."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # closed, or replaced by something without a file
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def with_pictures(text: str, images: Any) -> Any:
    """A message's content: plain text, or text and pictures.

    Raises:
        ConfigurationError: A picture cannot be read.
    """
    if not images:
        return text
    from g4f_integrations.core.media import image_block

    blocks = [image_block(given if _is_address(given) else Path(given).expanduser()) for given in images]
    return [{"type": "text", "text": text}, *blocks]


def _is_address(given: str) -> bool:
    return given.startswith(("http://", "https://", "data:"))


def tell_retry(event: Retrying) -> None:
    """A remark on an attempt that failed."""
    attempt = event.attempt
    label = f"{attempt.provider}{':' if attempt.model else ''}{attempt.model}"
    remark(for_terminal(f"{label}: {attempt.error or attempt.outcome}; asking on"))


def who_answered(info: AnswerInfo) -> str:
    """Who answered, after how many attempts, and what was changed on the way."""
    told = [f"{info.provider}{':' if info.model else ''}{info.model}"]
    if len(info.attempts) > 1:
        told.append(f"after {len(info.attempts)} attempts")
    if info.trimmed:
        told.append(f"{info.trimmed.get('messages_removed', 0)} messages left out")
    if info.cleaned:
        told.append("adverts taken out")
    return for_terminal(", ".join(told))
