"""How much work one value may cost, so that neither a tool's schema nor a model's answer can make it explode."""

from __future__ import annotations

import sys
import threading
from typing import Any

MAX_DEPTH = 64
"""Containers inside each other; what nests deeper is no tool call and no answer, but an attack or a loop."""

_BASE = 5_000  # steps that every value has
_PER_NODE = 50  # further steps for each of its values
_MOST = 80_000  # steps of any value, a second of work; a thousand objects can be mended with it
_STACK_KEPT = 200  # frames of Python's stack that are never used up
_DEEPEST = 1_000  # levels that are counted; also what ends the counting of a container that holds itself


class BudgetExceededError(Exception):
    """Checking or repairing a value took more work than its size can justify."""


class _Budget(threading.local):
    """The steps that are left to the value that this thread is busy with."""

    left = 0

    def start(self, nodes: int = 0) -> None:
        self.left = min(_BASE + _PER_NODE * nodes, _MOST)

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise BudgetExceededError

    @staticmethod
    def check_stack() -> None:
        """Raise before Python's own stack ends, where libraries below jsonschema panic instead of raising."""
        try:
            sys._getframe(sys.getrecursionlimit() - _STACK_KEPT)  # noqa: SLF001  the only way to ask in a microsecond
        except ValueError:
            return
        raise BudgetExceededError


BUDGET = _Budget()


def measure(value: Any) -> tuple[int, int]:
    """How deep containers nest in `value`, and how many values it is made of, itself included; without recursion.

    Example:
        >>> measure({"a": [1, 2]})
        (2, 4)
    """
    depth = 0
    nodes = 1
    level = [value] if isinstance(value, dict | list) else []
    while level and depth <= _DEEPEST:
        depth += 1
        inner: list[Any] = []
        for box in level:
            inner.extend(box.values() if isinstance(box, dict) else box)
        nodes += len(inner)
        level = [item for item in inner if isinstance(item, dict | list)]
    return depth, nodes
