"""Calls over routes that fail: ``python benchmarks/chaos.py [--calls N] [--scenes storm black-hole …]``.

Every fault of `faults` befalls attempts at random, the same ones in every run with the same seed. LangChain's
`with_fallbacks` and g4f's `RetryProvider` meet them on the same server. Nothing passes or fails: figures are printed
beside their targets, and the exit code is 0 either way.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from faults import PROBE, answer_to
from measuring import Report
from setting import Server, clean_environment, describe, start_server

CALLS = 10_000
_SETTLES_IN = 2.0  # seconds after which what is still open counts as left over
TOOL_SHARE = 5  # every fifth call is to be answered by the call of a tool


def wants_call(number: int) -> bool:
    """Whether that call is to be answered by the call of a tool."""
    return number % TOOL_SHARE == TOOL_SHARE - 1


@dataclass(frozen=True, slots=True)
class Said:
    """What a client gave for an answer.

    Attributes:
        text: Its text.
        arguments: Those of the tool's call, if there is one.
        attempts: How many it tells of.
    """

    text: str
    arguments: dict[str, Any] | None = None
    attempts: int | None = None


class Hung(Exception):  # noqa: N818  a verdict, no error
    """The call did not end within its limit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call went; `error` is empty if an answer came."""

    number: int
    seconds: float
    said: Said | None = None
    error: str = ""
    partial: str = ""
    attempts: int | None = None
    chain: tuple[str, ...] = ()

    @property
    def text(self) -> str | None:
        """The text that the answer came to, be it by a tool's call."""
        if self.said is None:
            return None
        if not wants_call(self.number):
            return self.said.text
        arguments = self.said.arguments
        return str(arguments.get("text")) if arguments and arguments.get("number") == self.number else ""

    @property
    def is_exact(self) -> bool:
        """Whether the answer is the right one, to the byte."""
        return self.text == answer_to(self.number)


def difference(expected: str, got: str) -> tuple[int, int]:
    """Bytes of `expected` that `got` lacks, and bytes that it has too many."""
    if expected == got:
        return 0, 0
    same = sum(
        len(expected[block.a : block.a + block.size].encode())
        for block in SequenceMatcher(None, expected, got, autojunk=False).get_matching_blocks()
    )
    return len(expected.encode()) - same, len(got.encode()) - same


@dataclass
class Result:
    """All calls of one client in one scene, and what they left behind.

    Attributes:
        outcomes: One for each call.
        requests: What the routes saw of each call.
        probes: What they saw beside the calls: questions whether a route is well again.
        fates: How often what befell an attempt.
        tasks_left: Tasks that are still there, a moment after.
        descriptors_left: Descriptors that are still open after the loop.
        seconds: From the first call to the end of the last.
        lag: How late the loop's own timers were at the worst, which no client can help.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    requests: dict[int, int] = field(default_factory=dict)
    probes: int = 0
    fates: dict[str, int] = field(default_factory=dict)
    tasks_left: int = 0
    descriptors_left: int = 0
    seconds: float = 0.0
    lag: float = 0.0

    def count(self, asked: Counter[int], fates: Counter[str]) -> None:
        """Take over what the routes saw."""
        self.probes = asked[PROBE]
        self.requests = {number: count for number, count in asked.items() if number >= 0}
        self.fates = dict(fates)

    @property
    def exact(self) -> float:
        """Percent of calls with exactly the right answer."""
        return 100 * sum(outcome.is_exact for outcome in self.outcomes) / len(self.outcomes)

    @property
    def answered(self) -> float:
        """Percent of calls with any answer."""
        return 100 * sum(outcome.said is not None for outcome in self.outcomes) / len(self.outcomes)

    @property
    def hung(self) -> int:
        """Calls that did not end in time."""
        return sum(outcome.error == "Hung" for outcome in self.outcomes)

    @property
    def wrong_bytes(self) -> tuple[int, int]:
        """Bytes lost from answers, and bytes too many in them; of what came before an error, those that contradict."""
        lost = extra = 0
        for outcome in self.outcomes:
            expected = answer_to(outcome.number)
            if outcome.said is not None:
                less, more = difference(expected, outcome.text or "")
                lost, extra = lost + less, extra + more
            elif not expected.startswith(outcome.partial):
                extra += difference(expected, outcome.partial)[1]
        return lost, extra

    @property
    def requests_per_call(self) -> float:
        """Requests that the routes saw, probes among them, over calls."""
        return (sum(self.requests.values()) + self.probes) / len(self.outcomes)

    def percentile(self, share: float) -> float:
        """Seconds that so many of the calls stay below."""
        times = sorted(outcome.seconds for outcome in self.outcomes)
        return times[min(int(share * len(times)), len(times) - 1)]

    @property
    def untold(self) -> int:
        """Calls that made more requests than they tell of; an attempt may end before its request was sent."""
        return sum(
            outcome.attempts is not None and outcome.attempts < self.requests.get(outcome.number, 0)
            for outcome in self.outcomes
        )

    def errors(self) -> dict[str, int]:
        """How often which error ended a call."""
        found: dict[str, int] = {}
        for outcome in self.outcomes:
            if outcome.error:
                found[outcome.error] = found.get(outcome.error, 0) + 1
        return found


Ask = Callable[[int], Awaitable[Said]]


async def ask_all(ask: Ask, numbers: range, concurrency: int, limit: float) -> list[Outcome]:
    """Make the calls, so many at a time; each may take `limit` seconds."""
    outcomes: list[Outcome] = []
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            outcome = await _one(ask, number, limit)
            outcomes.append(outcome)

    await asyncio.gather(*(work() for _ in range(concurrency)))
    return outcomes


async def _one(ask: Ask, number: int, limit: float) -> Outcome:
    began = time.perf_counter()
    asking = asyncio.ensure_future(ask(number))
    done, _ = await asyncio.wait({asking}, timeout=limit)
    seconds = time.perf_counter() - began
    if not done:
        asking.cancel()
        await asyncio.wait({asking}, timeout=1.0)
        return Outcome(number, seconds, error="Hung")
    error = asking.exception()
    if error is None:
        said = asking.result()
        return Outcome(number, seconds, said, attempts=said.attempts)
    attempts = getattr(error, "attempts", None)
    return Outcome(
        number,
        seconds,
        error=type(error).__name__,
        partial=getattr(error, "partial_text", ""),
        attempts=None if attempts is None else len(attempts),
        chain=() if attempts is None else tuple(attempt.outcome for attempt in attempts),
    )


def descriptors() -> int:
    """Open descriptors of this process, 0 where the system does not tell."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208  the count alone


async def warm_up(ask: Ask) -> None:
    """What is imported and connected with the first calls is no part of the run; they may fail.

    Then Python's collector is kept from walking over all that was imported, which takes a tenth of a second each time.
    """
    await asyncio.gather(*(ask(number) for number in range(-10, 0)), return_exceptions=True)
    gc.collect()
    gc.freeze()


async def _watch_lag(result: Result) -> None:
    while True:
        due = time.perf_counter() + 0.01
        await asyncio.sleep(0.01)
        result.lag = max(result.lag, time.perf_counter() - due)


async def _only_warm(asking: Callable[[], Awaitable[Ask]]) -> None:
    await warm_up(await asking())


def told_by(server: Server, tag: str) -> tuple[Counter[int], Counter[str]]:
    """What the server has seen of a run: requests of each call, and what befell them."""
    with urllib.request.urlopen(server.url(f"report.{tag}")) as answer:
        told = json.loads(answer.read())
    return Counter({int(number): count for number, count in told["asked"].items()}), Counter(told["fates"])


def hang_up(server: Server) -> None:
    """Let the server close idle connections: what is pooled is not lost."""
    with urllib.request.urlopen(server.url("hangup")) as answer:
        answer.read()
    time.sleep(0.05)


def run_scene(
    server: Server, asking: Callable[[], Awaitable[Ask]], numbers: range, concurrency: int, limit: float
) -> Result:
    """Run all calls in a loop of their own, and count what is left when they are over.

    Args:
        server: Whose endpoints are asked.
        asking: Makes the client, in that loop.
        numbers: Of the calls.
        concurrency: How many run at a time.
        limit: Seconds after which a call counts as hung.
    """
    result = Result()

    async def scene() -> None:
        before = asyncio.all_tasks()
        ask = await asking()
        await warm_up(ask)
        watching = asyncio.ensure_future(_watch_lag(result))
        began = time.perf_counter()
        result.outcomes = await ask_all(ask, numbers, concurrency, limit)
        result.seconds = time.perf_counter() - began
        watching.cancel()
        await asyncio.sleep(0.1)  # for what ends a moment after its call
        result.tasks_left = len(asyncio.all_tasks() - before)

    asyncio.run(_only_warm(asking))
    hang_up(server)
    open_before = descriptors()
    asyncio.run(scene())
    gc.unfreeze()
    gc.collect()
    until = time.monotonic() + _SETTLES_IN
    while (left := descriptors() - open_before) > 0 and time.monotonic() < until:
        hang_up(server)
    result.descriptors_left = left
    return result


def main() -> None:
    """Run the scenes and print the report."""
    import chaos_scenes  # the models may only be imported into a clean environment

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=CALLS, help=f"calls of each client in the storm ({CALLS:,})")
    parser.add_argument("--peer-calls", type=int, metavar="N", help="of each of the others, if not as many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--probability", type=float, default=0.6, help="that an attempt fails (0.6)")
    parser.add_argument("--concurrency", type=int, default=20, help="calls at a time (20)")
    parser.add_argument("--scenes", nargs="+", metavar="SCENE", help="these alone; 'list' names them")
    parser.add_argument("--clients", nargs="+", metavar="CLIENT", help="in the storm, these alone; 'list' names them")
    parser.add_argument("--unpinned", action="store_true", help="leave the choice of cores to the system")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures down as well")
    options = parser.parse_args()
    scenes = chaos_scenes.SCENES
    chosen = options.scenes or list(scenes)
    if not set(chosen) <= set(scenes) or not set(options.clients or ()) <= set(chaos_scenes.CLIENTS):
        parser.exit(0, f"The scenes are: {', '.join(scenes)}\nThe clients are: {', '.join(chaos_scenes.CLIENTS)}\n")
    server = start_server(pinned=not options.unpinned, program="chaos_server.py")
    print(f"{describe(server)}\nseed {options.seed}")
    report = Report()
    for name in chosen:
        began = time.perf_counter()
        scenes[name](server, report, options)
        print(f"    ({name}: {time.perf_counter() - began:.0f} s, {threading.active_count()} threads)")
    report.summary()
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_data(), indent=1))


if __name__ == "__main__":
    clean_environment()
    main()
