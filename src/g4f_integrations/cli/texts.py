"""``clean`` and ``trim``: the package's two text tools as filters. Nobody is asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from g4f_integrations.cli import options
from g4f_integrations.cli.console import console, remark, table, write_json
from g4f_integrations.errors import ConfigurationError, ContextLengthError

File = Annotated[str, typer.Argument(help="A file; '-' is standard input.")]
_SHOWN = 80  # characters of what was taken out


def clean(
    *,
    file: File = "-",
    provider: Annotated[str | None, typer.Option("--provider", "-p", help="Who gave the text, if known.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show what would be taken out, by which rule.")] = False,
    as_json: options.Json = False,
) -> None:
    """Take adverts and artefacts out of an answer.

    Examples:
      g4f-integrations clean answer.txt
      pbpaste | g4f-integrations clean --explain
    """
    text = _read(file)
    from g4f_integrations.core.cleaning import Cleaning  # --help needs no rules

    cleaned = Cleaning().clean(text, provider=provider)
    removed = [{"rule": one.rule, "start": one.start, "end": one.end, "text": one.text} for one in cleaned.removed]
    notice = None if cleaned.notice is None else {"kind": cleaned.notice.kind, "message": cleaned.notice.message}
    if as_json:
        write_json({"text": cleaned.text, "removed": removed, "notice": notice})
    elif explain:
        rows = [(one.rule, str(one.start), " ".join(one.text.split())[:_SHOWN]) for one in cleaned.removed]
        console().print(table(("rule", "at", "text"), rows, numbers=("at",)))
    else:
        sys.stdout.write(cleaned.text)
    if notice is not None and not as_json:
        remark(f"the whole text is no answer but a notice ({notice['kind']})")


def trim(
    *,
    file: File = "-",
    max_tokens: Annotated[str, typer.Option("--max-tokens", "-n", help="Tokens that must do: 8192, 128k.")] = "8192",
    model: Annotated[str, typer.Option("--model", "-m", help="Whose tokens to count.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="The report, too, instead of the messages alone.")] = False,
) -> None:
    """Make a conversation of JSON messages fit.

    Examples:
      g4f-integrations trim history.json -n 8k > shorter.json
    """
    messages = _messages(_read(file))
    limit = options.token_count(max_tokens)
    assert limit is not None
    from g4f_integrations.core.tokens import counter_for  # --help needs no vocabulary
    from g4f_integrations.core.trimming import trim as fit

    try:
        trimmed = fit(messages, limit, counter=None if model == "auto" else counter_for(model))
    except ContextLengthError as error:
        message = f"{error}; allow more with --max-tokens"
        raise ValueError(message) from None
    report = trimmed.report.to_dict()
    if as_json:
        write_json({"messages": list(trimmed.messages), "report": report})
        return
    write_json(list(trimmed.messages))
    remark(
        f"{report['messages_removed']} of {len(messages)} messages left out, "
        f"{report['tokens_before']} → {report['tokens_after']} tokens"
    )


def _read(file: str) -> str:
    try:
        if file == "-":
            if sys.stdin.isatty():
                remark("reading standard input; end it with Ctrl-D")
            return sys.stdin.read()
        return Path(file).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        message = f"{file}: this is no UTF-8 text ({error.reason} at byte {error.start})"
        raise ConfigurationError(message) from error


def _messages(text: str) -> list[dict[str, Any]]:
    """Messages in OpenAI's form: a JSON list, or an object with ``messages``."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"the conversation must be JSON: {error}"
        raise ConfigurationError(message) from error
    if isinstance(found, dict):
        found = found.get("messages")
    if not isinstance(found, list) or not all(map(_is_message, found)):
        message = 'the conversation must be a list of messages such as {"role": "user", "content": "Hi"}'
        raise ConfigurationError(message)
    return found


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str)
