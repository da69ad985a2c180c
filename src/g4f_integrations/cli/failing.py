"""Errors for people at a terminal: one line, with the next step."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from g4f_integrations.core.events import Attempt
from g4f_integrations.errors import ConfigurationError, IntegrationError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130
_MOST_NAMED = 6
_NEXT = {
    "auth": "give a key with --api-key, or in the provider's environment variable",
    "quota": "choose another provider with --provider, or another key",
    "rate_limit": "wait a little, or name other providers with --provider",
    "model_not_found": "`g4f-integrations models` lists what is known",
    "context_length": "shorten the input with `g4f-integrations trim`, or choose a model with a larger window",
    "content_filter": "the provider's policy refuses this; put it another way",
    "configuration": "",
    "bad_request": "see --help for what can be set",
}
_UNKNOWN_PROVIDER = "`g4f-integrations providers` lists what is known"
_LOOK = "`g4f-integrations doctor` shows which routes work"


def report(error: BaseException) -> int:
    """Tell of an error on standard error; returns the exit status."""
    usage = _usage(error)
    if type(error).__name__ == "Abort" or isinstance(error, KeyboardInterrupt):
        sys.stderr.write("\ninterrupted\n")
        return INTERRUPTED
    if usage is not None:
        sys.stderr.write(f"error: {usage}\n")
        return MISUSED
    if isinstance(error, ConfigurationError):
        sys.stderr.write(f"error: {line_of(error)}\n")
        return MISUSED
    if isinstance(error, IntegrationError | OSError | ValueError):
        sys.stderr.write(f"error: {line_of(error)}\n")
        return FAILED
    raise error  # a fault of ours, whose traceback is worth more than a line


def _usage(error: BaseException) -> str | None:
    """What a wrong command line is told; typer's exceptions have no public names."""
    tell: Any = getattr(error, "format_message", None)
    if tell is None:
        return None
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "g4f-integrations"
    text = " ".join(str(tell()).split()).rstrip(".")
    return f"{text}; see `{path} --help`" if text else f"see `{path} --help`"


def line_of(error: BaseException, *, advise: bool = True) -> str:
    """An error in one line.

    Args:
        error: What was raised.
        advise: Whether to add the next step.
    """
    if isinstance(error, IntegrationError) and len(error.attempts) > 1:
        text = _all_attempts(error.attempts)
    else:
        text = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, IntegrationError) or not advise:
        return text
    is_stranger = "unknown provider" in text and "did you mean" not in text
    step = _UNKNOWN_PROVIDER if is_stranger else _NEXT.get(error.kind, _LOOK)
    return f"{text.rstrip('.')}; {step}" if step else text


def _all_attempts(attempts: Sequence[Attempt]) -> str:
    """Who failed how, each pair once, and what the last one said."""
    times = Counter((f"{one.provider}{':' if one.model else ''}{one.model}", str(one.outcome)) for one in attempts)
    told = [f"{label} {outcome}{f' ({count} times)' if count > 1 else ''}" for (label, outcome), count in times.items()]
    more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED else ""
    last = attempts[-1].error
    text = f"all {len(attempts)} attempts failed: {', '.join(told[:_MOST_NAMED])}{more}"
    return " ".join(f"{text} (the last one: {last})".split()) if last else text
