"""The entry point: runs one command, and turns whatever goes wrong into one line and an exit status.

Status 0 is success, 1 that what was asked for could not be had, 2 that the command line or the settings are wrong, 130
an interruption.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

_INTERRUPTED = 130
_EXTRA = ("typer", "rich")
_NEEDS_EXTRA = "error: the command line needs typer and rich: pip install 'g4f-integrations[cli]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command line without the program's name; by default this process's.

    Returns:
        The process's exit status.
    """
    _replace_closed_streams()
    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if any(find_spec(name) is None for name in _EXTRA):
        return _without_extra(given)
    from g4f_integrations.cli.failing import report  # typer comes with the extra

    try:
        app = import_module("g4f_integrations.cli.app").app
        status = app(given, prog_name="g4f-integrations", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # `… | head`: whoever read has gone, which is no fault
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        return report(error)
    return status if isinstance(status, int) else 0


def _replace_closed_streams() -> None:
    """A program that was started without standard input or output (``<&-``, a service) reads and writes nothing."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  for the whole process


def _without_extra(given: list[str]) -> int:
    """The demo needs nothing but the package; everything else says what is missing."""
    if given[:1] == ["demo"] and set(given[1:]) <= {"--plain"}:
        from g4f_integrations.cli.demo import run_demo  # LangChain is imported with it

        return run_demo(plain="--plain" in given)
    if given == ["--version"]:
        from g4f_integrations import __version__

        sys.stdout.write(f"g4f-integrations {__version__}\n")
        return 0
    sys.stderr.write(f"{_NEEDS_EXTRA}\n")
    return 2


def run() -> None:
    """What the installed ``g4f-integrations`` calls."""
    try:
        status = main()
    except KeyboardInterrupt:  # a second one, while the first was being told
        status = _INTERRUPTED
    # What is still under way is ended by the interpreter; whoever cannot wait for that leaves at once.
    signal.signal(signal.SIGINT, lambda _signal, _frame: os._exit(_INTERRUPTED))
    sys.exit(status)
