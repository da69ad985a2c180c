"""The shared stores of this process: one for each address, told of forks, closed at the end."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from g4f_integrations.stores._shared import SharedHealth

live: weakref.WeakSet[SharedHealth] = weakref.WeakSet()
by_address: dict[tuple[str, ...], SharedHealth] = {}
inherited: list[Any] = []
"""What forked children have of their parents' threads and connections."""

_starting = threading.Lock()


def starting() -> threading.Lock:
    """What guards `by_address` and the start of threads; a forked child has its own."""
    return _starting


def store_of(address: tuple[str, ...], make: Callable[[], SharedHealth]) -> SharedHealth:
    """This process's store of an address, made if there is none."""
    return by_address.get(address) or make()


def _after_fork_in_child() -> None:
    global _starting  # noqa: PLW0603  another thread may have held it while this process was forked
    _starting = threading.Lock()
    for store in list(live):
        store._after_fork()  # noqa: SLF001  its own room's


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


@atexit.register
def _close_at_exit() -> None:
    for store in list(live):
        store.close()
