"""Compare `ChatG4F` and `G4FLLM` with their peers: ``python benchmarks/run.py [--quick] [--only CELL ...]``.

Nothing here passes or fails: figures depend on the machine, so they are printed beside their targets, and the exit
code is 0 either way.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import Report
from setting import clean_environment, describe, start_server

ROUNDS, QUICK_ROUNDS = 200, 20


def _cells() -> dict[str, Callable[..., Any]]:
    import blocking  # the models may only be imported into a clean environment
    import calls
    import leaving
    import llama_index_calls
    import starting

    return {
        "call": calls.call,
        "provider-call": calls.provider_call,
        "first-token": calls.first_token,
        "stream": calls.stream,
        "concurrent": calls.concurrent,
        "sync-call": blocking.sync_call,
        "sync-stream": blocking.sync_stream,
        "close": leaving.close,
        "clocks": leaving.clocks,
        "llama-index-call": llama_index_calls.llama_index_call,
        "llama-index-stream": llama_index_calls.llama_index_stream,
        "construction": starting.construction,
        "imports": starting.imports,
        "memory": starting.memory,
        "leaks": starting.leaks,
    }


async def _close() -> None:
    from clients import close_session

    await close_session()


def main() -> None:
    """Run the cells and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds instead of {ROUNDS}")
    parser.add_argument("--only", nargs="+", metavar="CELL", help="run these cells alone; 'list' names them")
    parser.add_argument("--unpinned", action="store_true", help="leave the choice of cores to the system")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures down as well")
    options = parser.parse_args()
    clean_environment()
    server = start_server(pinned=not options.unpinned)
    cells = _cells()
    chosen = options.only or list(cells)
    if not set(chosen) <= set(cells):
        parser.exit(0, f"The cells are: {', '.join(cells)}\n")
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    print(f"{describe(server)}\nmedians of {rounds} interleaved rounds")
    report = Report()
    with asyncio.Runner() as runner:  # one loop for all cells, so that their clients stay warm
        for name in chosen:
            began = time.perf_counter()
            cell = cells[name]
            try:
                if inspect.iscoroutinefunction(cell):
                    runner.run(cell(server, report, rounds))
                else:
                    cell(server, report, rounds)
            except Exception:
                print(f"\n{name} could not be measured:\n{traceback.format_exc()}")
            print(f"    ({name}: {time.perf_counter() - began:.0f} s)")
        runner.run(_close())
    report.summary()
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_data(), indent=1))


if __name__ == "__main__":
    main()
