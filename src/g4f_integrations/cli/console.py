"""What commands write: tables and JSON on standard output, remarks on standard error."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH_IN_PIPES = 120
# A model's answer may hold anything: what would move the cursor, change colours or titles stays off the terminal.
_SEQUENCE = r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|\[[0-?]*[ -/]*[@-~]?|.)?"
_CONTROLS = re.compile(rf"{_SEQUENCE}|[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.DOTALL)


class _Console(Console):
    """A console that leaves a reader who has gone to `main`, for whom that is no failure."""

    def on_broken_pipe(self) -> None:
        """Instead of leaving with status 1."""
        raise BrokenPipeError


def console(*, error: bool = False) -> Console:
    """A console for standard output, or standard error; without a terminal it neither colours nor wraps early."""
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _WIDTH_IN_PIPES
    return _Console(file=stream, width=width, highlight=False, soft_wrap=False)


def remark(text: str) -> None:
    """A line beside the result, for people."""
    console(error=True).print(Text(text, style="dim"))


def write_json(value: Any) -> None:
    """`value` as JSON on standard output."""
    sys.stdout.write(f"{json.dumps(value, ensure_ascii=False, indent=2, default=str)}\n")


def write_text(text: str) -> None:
    """A piece of an answer, at once; on a terminal without what controls it."""
    sys.stdout.write(for_terminal(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def for_terminal(text: str) -> str:
    """`text` without control characters, but for line ends and tabs."""
    return _CONTROLS.sub("", text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[str] = ()) -> Table:
    """A table that folds its cells where the terminal is narrow.

    Args:
        columns: The headings.
        rows: The cells, as plain text.
        numbers: Headings of columns to align right.
    """
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        made.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text(for_terminal(cell)) for cell in row))
    return made


def tokens(count: int | None) -> str:
    """A number of tokens, short: ``"128k"``."""
    if count is None:
        return "-"
    if count >= 1_000_000:
        return f"{count / 1_000_000:.3g}M"
    return f"{round(count / 1000)}k" if count >= 10_000 else str(count)
