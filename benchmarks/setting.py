"""What a run needs around it: a clean environment, the server beside it, and the two kept on cores of their own."""

from __future__ import annotations

import atexit
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("g4f-integrations", "g4f", "langchain-core", "langchain-openai", "openai", "aiohttp", "pydantic", "uvloop")
_TELLTALE = re.compile(r".*_API_KEY|G4F_.*|(OPENAI|LANG(CHAIN|SMITH))_.*|API_BASE_URL|.*_PROXY", re.IGNORECASE)


def clean_environment() -> None:
    """No proxy, key, tracing or settings of the user; g4f's files go to a folder that is thrown away."""
    for name in [name for name in os.environ if _TELLTALE.fullmatch(name)]:
        del os.environ[name]
    folder = tempfile.TemporaryDirectory(prefix="benchmarks-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    os.environ |= {
        "HOME": folder.name,
        "G4F_CONFIG_DIR": folder.name,
        "G4F_CACHE_DIR": folder.name,
        "LANGSMITH_TRACING": "false",
    }


@dataclass(frozen=True, slots=True)
class Server:
    """The running server.

    Attributes:
        port: Its port on 127.0.0.1.
        loop: Which event loop it runs on.
        where: Which cores server and clients keep to, in words.
    """

    port: int
    loop: str
    where: str

    def url(self, way: str) -> str:
        """The base URL that is answered in the given way; see `server`."""
        return f"http://127.0.0.1:{self.port}/{way}/v1"


def start_server(*, pinned: bool, program: str = "server.py") -> Server:
    """Start a server, on the first core if there is another one for this process."""
    command = [sys.executable, str(HERE / program)]
    where = "server and clients on any core"
    if pinned and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            command += ["--core", str(cores[0])]
            os.sched_setaffinity(0, {cores[-1]})
            where = f"server on core {cores[0]}, clients on core {cores[-1]}"
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    atexit.register(process.kill)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    return Server(told["port"], told["loop"], where)


def describe(server: Server) -> str:
    """The machine and the peers' versions, for the head of the report."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    lines = [
        f"{platform.python_implementation()} {platform.python_version()} on {platform.platform()}",
        f"{os.cpu_count()} x {_processor()}, load {load}",
        f"{server.where}; server on {server.loop}",
        ", ".join(f"{name} {_version(name)}" for name in PEERS),
    ]
    return "\n".join(lines)


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or "unknown processor"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
