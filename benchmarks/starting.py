"""Cells in processes of their own: imports, construction, memory, and what 2,000 calls leave behind."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from typing import Any

from clients import chat_g4f, chat_g4f_in_process, chat_openai, provider_of
from measuring import Report, Subject, at_most, interleave_blocking, medians
from setting import HERE, Server

_BASE = "from langchain_core.language_models.chat_models import BaseChatModel"
_OURS = "from g4f_integrations.langchain import ChatG4F"
_OPENAI = "from langchain_openai import ChatOpenAI"
_IMPORTS = {  # what is measured, and what has been imported before
    "import g4f_integrations": ("import g4f_integrations", ""),
    "BaseChatModel": (_BASE, ""),
    "ChatG4F": (_OURS, ""),
    "ChatG4F after BaseChatModel": (_OURS, _BASE),
    "ChatOpenAI": (_OPENAI, ""),
    "ChatOpenAI after BaseChatModel": (_OPENAI, _BASE),
    "import g4f": ("import g4f", ""),
    "import aiohttp": ("import aiohttp", ""),
}
_FLAT = {"descriptors": 0, "tasks": 0, "threads": 0, "memory": 256, "objects": None, "cyclic garbage": None}  # kB
_CALLS = 2_000
_MOMENTS = {  # what `footprint.memory` tells
    "memory after import": "MB",
    "first call": "ms",
    "import, construction and first call": "ms",
    "memory after the first call": "MB",
    "most memory, 1,000 calls by 50": "MB",
}


@cache
def _bytecode() -> str:
    """A folder that fresh interpreters share their bytecode in, so that only warm-ups compile."""
    folder = tempfile.TemporaryDirectory(prefix="benchmarks-bytecode-", ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)
    return folder.name


def _child(*arguments: str) -> Any:
    """What a fresh interpreter prints."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": _bytecode()}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"a child process failed:\n{done.stderr}"
        raise RuntimeError(message)
    return json.loads(done.stdout)


def imports(_: Server, report: Report, rounds: int) -> None:
    """Imports in fresh interpreters that find bytecode, a tenth as many as there are rounds elsewhere."""

    def importing(measured: str, before: str) -> Subject:
        code = f"import time\n{before}\nt = time.perf_counter()\n{measured}\nprint(time.perf_counter() - t)"
        return lambda: _child("-c", code)

    subjects = {name: importing(*codes) for name, codes in _IMPORTS.items()}
    samples = interleave_blocking(subjects, max(5, rounds // 10), warm_up=1)
    took = {name: value * 1000 for name, value in medians(samples).items()}
    report.figures("Imports, bytecode cached", "ms", took, 1)
    report.judge("import g4f_integrations", took["import g4f_integrations"], at_most(10), "ms")
    report.judge("import ChatG4F after BaseChatModel", took["ChatG4F after BaseChatModel"], at_most(25), "ms")
    report.judge(
        "import ChatG4F minus import BaseChatModel", took["ChatG4F"] - took["BaseChatModel"], at_most(25), "ms"
    )


def construction(server: Server, report: Report, rounds: int) -> None:
    """Making a model."""
    url, provider = server.url("call"), provider_of(10)
    subjects: dict[str, Subject] = {
        "ChatG4F over an endpoint": lambda: chat_g4f(url),
        "ChatG4F over a provider": lambda: chat_g4f_in_process(provider, inline=True),
        "ChatOpenAI": lambda: chat_openai(url),
    }
    took = {name: value * 1e6 for name, value in medians(interleave_blocking(subjects, rounds)).items()}
    report.figures("Construction", "µs", took, 1)
    report.judge("construction: ChatG4F", took["ChatG4F over an endpoint"] / 1000, at_most(0.1), "ms")
    report.judge("construction: ChatG4F / ChatOpenAI", took["ChatG4F over an endpoint"] / took["ChatOpenAI"])


def memory(server: Server, report: Report, rounds: int) -> None:
    """Resident memory of a process that uses one client, and its first call."""
    url = server.url("call")
    found: dict[str, list[dict[str, float]]] = {"ChatG4F": [], "ChatOpenAI": []}
    for number in range(1 + max(3, rounds // 40)):
        for client, sizes in found.items():
            told = _child(str(HERE / "footprint.py"), "memory", client, url)
            if number:  # the first one compiles
                sizes.append(told)
    for moment, unit in _MOMENTS.items():
        middle = medians({client: [size[moment] for size in sizes] for client, sizes in found.items()})
        report.figures(f"A fresh process: {moment}", unit, middle, 1)
        report.judge(f"{moment}: ChatG4F / ChatOpenAI", middle["ChatG4F"] / middle["ChatOpenAI"])


def leaks(server: Server, report: Report, rounds: int) -> None:
    """What stays behind after 2,000 calls of each kind."""
    count = _CALLS if rounds >= 100 else _CALLS // 10
    url = server.url("call")
    for kind in (
        "calls in one loop",
        "asyncio.run for each call",
        "sync calls",
        "streams left early",
        "calls of a g4f provider",
    ):
        grown = _child(str(HERE / "footprint.py"), "growth", kind, str(count), url)
        for what, bound in _FLAT.items():
            unit = {"memory": "kB more", "cyclic garbage": "per call"}.get(what, "more")
            target = None if bound is None else at_most(bound)
            report.judge(f"{count:,} {kind}: {what}", grown[what], target, unit)
