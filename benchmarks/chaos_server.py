"""The chaos run's server: a process of its own whose endpoints fail as `faults` says.

    /chaos.TAG.ROUTE.SEED.PLAN.MS/v1/chat/completions

`TAG` names a run and `ROUTE` counts its endpoints. `PLAN` is how many attempts in a thousand fail, or the name of the
one thing that befalls all. `MS` is the median of the time to an answer, lognormal, in milliseconds (0 is none).

    /report.TAG     how many requests each call of that run has made, and how often each thing befell them
    /hangup         closes all other connections, as servers do with idle ones

The process ends when its standard input does, so it never outlives the benchmark.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import threading
import weakref
from collections import Counter, defaultdict
from typing import Any

from faults import Asked, Pause, Plan, Reset, Step, answer_to, number_in, rest_of, steps_of
from server import Connection, json_reply, leave_with_parent, loop_factory

_SPREAD = 0.5  # of the lognormal: its 99th percentile is 3.2 medians


class Tally:
    """What has been asked in one run."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()  # requests of each call
        self.fates: Counter[str] = Counter()
        self.tries: Counter[tuple[int, int]] = Counter()  # of each call on each route

    def report(self) -> dict[str, Any]:
        return {"asked": dict(self.asked), "fates": dict(self.fates)}


_connections: weakref.WeakSet[Chaos] = weakref.WeakSet()
_tallies: defaultdict[str, Tally] = defaultdict(Tally)


class Chaos(Connection):
    """One client of an endpoint that fails."""

    task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        _connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self.task is not None:
            self.task.cancel()

    def answer(self, way: str) -> None:
        kind, *words = way.split(".")
        if kind == "report":
            self.transport.write(json_reply(_tallies[words[0]].report()))
        elif kind == "hangup":
            for other in _connections:
                if other is not self and not other.gone:
                    other.transport.close()
            self.transport.write(json_reply({}))
        elif kind == "chaos":
            self.task = self.loop.create_task(self.play(*words))
        else:
            super().answer(way)

    async def play(self, tag: str, route: str, seed: str, plan: str, milliseconds: str) -> None:
        """Answer one request, step by step."""
        body, tally = json.loads(self.body), _tallies[tag]
        number, endpoint = number_in(body["messages"]), int(route)
        tally.asked[number] += 1
        attempt = tally.tries[number, endpoint]
        tally.tries[number, endpoint] += 1
        chances = Plan(int(seed), int(plan) / 1000 if plan.isdigit() else 0.0, oddities=plan != "0")
        dice = chances.dice(endpoint, number, attempt)
        fate = chances.fate(dice) if plan.isdigit() else plan
        tally.fates[fate or "ok"] += 1
        if milliseconds != "0":
            luck = random.Random(f"{seed} {number}").gauss(0, _SPREAD)  # the call's own, on whatever route
            await asyncio.sleep(int(milliseconds) / 1000 * math.exp(luck))
        said = rest_of(answer_to(number), body["messages"], dice)
        await self.send_steps(steps_of(fate, said, Asked(number, endpoint, body, dice)))

    async def send_steps(self, steps: list[Step]) -> None:
        for step in steps:
            if self.gone:
                return
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Reset):
                self.transport.abort()
            else:
                self.transport.write(step)
                await asyncio.sleep(0)  # so that steps leave one by one


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Chaos(loop), "127.0.0.1", 0, backlog=2048)
    kind = type(loop).__module__.partition(".")[0]
    print(json.dumps({"port": server.sockets[0].getsockname()[1], "loop": kind}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", type=int, help="the processor that the server keeps to")
    core: int | None = parser.parse_args().core
    if core is not None:
        os.sched_setaffinity(0, {core})
    threading.Thread(target=leave_with_parent, daemon=True).start()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve())
