"""Interleaved samples, medians, and the report that is printed from them."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

AsyncSubject = Callable[[], Awaitable[object]]
Subject = Callable[[], object]
Samples = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that a figure should keep; `most` says on which side."""

    bound: float
    most: bool

    def __str__(self) -> str:
        return f"{'≤' if self.most else '≥'} {self.bound:,g}"

    def is_met(self, value: float) -> bool:
        """Whether `value` keeps the bound."""
        return value <= self.bound if self.most else value >= self.bound


def at_most(bound: float) -> Target:
    """The figure should not be higher."""
    return Target(bound, most=True)


def at_least(bound: float) -> Target:
    """The figure should not be lower."""
    return Target(bound, most=False)


@dataclass(slots=True)
class Report:
    """Prints figures as they come, and keeps the judged ones for the summary."""

    judged: list[tuple[str, float, str, str, str]] = field(default_factory=list)
    cells: dict[str, dict[str, float]] = field(default_factory=dict)

    def figures(self, title: str, unit: str, medians: Mapping[str, float], digits: int = 0) -> None:
        """Print one cell's medians.

        Args:
            title: What was measured.
            unit: Of all figures.
            medians: Figure of each subject.
            digits: Decimal places.
        """
        print(f"\n{title}, {unit}")
        for name, value in medians.items():
            print(f"    {name:<44}{value:>12,.{digits}f}")
        self.cells[f"{title}, {unit}"] = dict(medians)

    def judge(self, name: str, value: float, target: Target | None = None, unit: str = "x") -> None:
        """Print a ratio or a figure beside its target, if it has one."""
        verdict = "" if target is None else "ok" if target.is_met(value) else "miss"
        shown = "" if target is None else str(target)
        print(f"  -> {name:<62}{value:>10,.3f} {unit:<9}{shown:>9}  {verdict}")
        self.judged.append((name, value, unit, shown, verdict))

    def as_data(self) -> dict[str, Any]:
        """All figures, for a file."""
        names = ("name", "value", "unit", "target", "verdict")
        return {"cells": self.cells, "judged": [dict(zip(names, row, strict=True)) for row in self.judged]}

    def summary(self) -> None:
        """Print all ratios once more, together."""
        print("\n| cell | measured | | target | |\n|---|---|---|---|---|")
        for name, value, unit, target, verdict in self.judged:
            print(f"| {name} | {value:,.3f} | {unit} | {target} | {verdict} |")


def _orders(names: list[str], rounds: int) -> list[list[str]]:
    """A different order for each round, so that nobody always follows the same neighbour; the same in every run."""
    dice = random.Random(rounds)
    return [dice.sample(names, len(names)) for _ in range(rounds)]


def medians(samples: Samples) -> dict[str, float]:
    """The median of each subject's samples."""
    return {name: statistics.median(values) for name, values in samples.items()}


async def interleave(
    subjects: Mapping[str, AsyncSubject], rounds: int, *, warm_up: int = 3, collect: bool = False
) -> Samples:
    """Seconds that each subject takes, in `rounds` rounds of shuffled order.

    A subject that returns a float has measured itself. With `collect` every sample begins with an empty collector, so
    that nobody pays for the garbage of another.
    """
    for subject in subjects.values():
        for _ in range(warm_up):
            await subject()
    samples: Samples = {name: [] for name in subjects}
    for order in _orders(list(subjects), rounds):
        for name in order:
            if collect:
                gc.collect()
            began = time.perf_counter()
            told = await subjects[name]()
            took = time.perf_counter() - began
            samples[name].append(told if isinstance(told, float) else took)
    return samples


def interleave_blocking(subjects: Mapping[str, Subject], rounds: int, *, warm_up: int = 3) -> Samples:
    """The same for subjects that block."""
    for subject in subjects.values():
        for _ in range(warm_up):
            subject()
    samples: Samples = {name: [] for name in subjects}
    for order in _orders(list(subjects), rounds):
        for name in order:
            began = time.perf_counter()
            told = subjects[name]()
            took = time.perf_counter() - began
            samples[name].append(told if isinstance(told, float) else took)
    return samples
