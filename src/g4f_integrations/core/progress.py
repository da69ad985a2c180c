"""A bar that shows how much is done, where it is wanted and tqdm is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module


@contextlib.contextmanager
def progress_bar(total: int, *, show: bool, what: str = "Generating embeddings") -> Iterator[Callable[[int], None]]:
    """A function to call with what is newly done.

    Args:
        total: How much there is to do.
        show: Whether a bar is wanted at all.
        what: What the bar says.
    """
    if not show:
        yield _nothing
        return
    try:
        tqdm = import_module("tqdm.auto").tqdm
    except ImportError:  # a bar is a courtesy
        yield _nothing
        return
    with tqdm(total=total, desc=what) as bar:
        yield bar.update


def _nothing(_: int) -> None:
    return
