"""One of five routes never answers: what that costs the calls after its first timeout."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from chaos import Ask, Outcome, warm_up
from chaos_clients import endpoints, ours
from measuring import Report, at_most
from setting import Server, clean_environment

from g4f_integrations import Resilience
from g4f_integrations.core.health import LocalHealth

_MILLISECONDS = 10  # that a healthy route takes, at the median
_ROUTES = 5
_CLOCKS = {"first_token_timeout": 0.2, "stall_timeout": 0.2, "breaker_cooldown": 0.5}


def silent_first(server: Server, tag: str, seed: int, plan: str = "silence") -> list[str]:
    """The base URLs of routes that all answer, but for the first."""
    return [
        server.url(f"chaos.{tag}.{place}.{seed}.{'0' if place else plan}.{_MILLISECONDS}") for place in range(_ROUTES)
    ]


def black_hole(server: Server, report: Report, options: argparse.Namespace) -> None:
    """The same calls over healthy routes, with a silent one before them, and hedged; one after the other, in turns."""
    calls = max(min(options.calls, 1000), 20)
    times, waits = asyncio.run(_in_turns(server, options.seed, calls))
    waited = len(waits["hole"])
    pairs = zip(times["hole"], times["healthy"], strict=True)
    rest = [silent - healthy for number, (silent, healthy) in enumerate(pairs) if number not in waits["hole"]]
    report.figures(
        f"{calls:,} calls over five routes of {_MILLISECONDS} ms (median), slowest",
        "ms",
        {name: 1000 * max(seconds) for name, seconds in times.items()},
        1,
    )
    report.judge("black hole: calls that waited for its clock", waited, at_most(1), "")
    report.judge("black hole: latency added to the others, median", 1000 * statistics.median(rest), at_most(1), "ms")
    report.judge("black hole: latency added to the others, mean", 1000 * statistics.fmean(rest), at_most(1), "ms")
    second_process(server, report, options)
    report.judge(
        "black hole: p99 with hedging / healthy p99", _p99(times["hedged"]) / _p99(times["healthy"]), at_most(1.3)
    )


async def _in_turns(server: Server, seed: int, calls: int) -> tuple[dict[str, list[float]], dict[str, set[int]]]:
    """The seconds of every call, and which calls needed more than one attempt."""
    asks: dict[str, Ask] = {}
    for tag, plan, settings in (
        ("healthy", "0", {}),
        ("hole", "silence", {}),
        ("hedged", "silence", {"hedge_after": 3 * _MILLISECONDS / 1000}),
    ):
        policy = Resilience(**{**_CLOCKS, **settings}, store=LocalHealth())
        await warm_up(await ours(endpoints(silent_first(server, f"warm{tag}", seed, "0")), resilience=policy)())
        asks[tag] = await ours(endpoints(silent_first(server, tag, seed, plan)), resilience=policy)()
    times: dict[str, list[float]] = {tag: [] for tag in asks}
    waits: dict[str, set[int]] = {tag: set() for tag in asks}
    for number in range(calls):
        for tag, ask in asks.items():
            began = time.perf_counter()
            said = await ask(number)
            times[tag].append(time.perf_counter() - began)
            assert Outcome(number, 0.0, said).is_exact
            if said.attempts != 1:
                waits[tag].add(number)
    return times, waits


def second_process(server: Server, report: Report, options: argparse.Namespace) -> None:
    """A process that has never asked the silent route, but shares a store with one that has."""
    urls = silent_first(server, "shared", options.seed)
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder, 'health.db')}"
        asked = json.dumps(
            {"urls": urls, "warm": silent_first(server, "sharedwarm", options.seed, "0"), "store": store}
        )
        first, second = (
            json.loads(subprocess.run([sys.executable, __file__, asked], check=True, capture_output=True).stdout)
            for _ in range(2)
        )
    report.judge("black hole: slowest of the first process's calls", 1000 * max(first), None, "ms")
    waited = sum(seconds > _CLOCKS["first_token_timeout"] for seconds in second)
    report.judge("black hole: calls of a second process that waited", waited, at_most(0), "")


async def _ask_as_a_process(urls: list[str], warm: list[str], store: str) -> list[float]:
    await warm_up(await ours(endpoints(warm), resilience=Resilience(**_CLOCKS, store=LocalHealth()))())
    # A long cooldown: whether the route is well again is not the question here.
    policy = Resilience(**{**_CLOCKS, "breaker_cooldown": 60.0}, store=store)
    ask = await ours(endpoints(urls), resilience=policy)()
    times = []
    for number in range(50):
        began = time.perf_counter()
        await ask(number)
        times.append(time.perf_counter() - began)
    return times


def _p99(times: list[float]) -> float:
    return sorted(times)[int(0.99 * len(times))]


if __name__ == "__main__":
    clean_environment()
    print(json.dumps(asyncio.run(_ask_as_a_process(**json.loads(sys.argv[1])))))
