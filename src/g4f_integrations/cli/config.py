"""``config``: what is set, and from where; keys are masked."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from g4f_integrations import __version__
from g4f_integrations.cli import options
from g4f_integrations.cli.console import console, table, write_json

_PACKAGES = ("g4f", "langchain-core", "llama-index-core", "aiohttp", "curl_cffi", "typer", "rich")
_EXTRAS = {"numpy": "numpy", "pandas": "to_pandas()", "PIL": "sizing pictures", "redis": "shared health"}
_VARIABLES = ("G4F_BASE_URL", "API_BASE_URL", "G4F_API_KEY", "G4F_CONFIG_DIR", "G4F_CACHE_DIR", "HTTP_PROXY",
              "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "XDG_CACHE_HOME", "NO_COLOR", "FORCE_COLOR")  # fmt: skip


def config(as_json: options.Json = False) -> None:
    """Show what is set and from where. Keys are masked.

    Examples:
      g4f-integrations config
      g4f-integrations config --json
    """
    rows = [*_versions(), *_environment(), *_files()]
    if as_json:
        write_json([dict(zip(("setting", "value", "source"), row, strict=True)) for row in rows])
    else:
        console().print(table(("setting", "value", "from"), rows))


def _versions() -> list[tuple[str, str, str]]:
    rows = [("g4f-integrations", __version__, "this package"), ("python", sys.version.split()[0], sys.executable)]
    for name in _PACKAGES:
        try:
            rows.append((name, version(name), "installed"))
        except PackageNotFoundError:
            rows.append((name, "-", "not installed"))
    rows += [(name, "there" if find_spec(name) else "-", f"for {purpose}") for name, purpose in _EXTRAS.items()]
    return rows


def _environment() -> list[tuple[str, str, str]]:
    from g4f_integrations.core.credentials import MASK, redact_url  # --help needs none of it

    upper = {name.upper(): name for name in os.environ}
    names = [upper[name] for name in _VARIABLES if name in upper]
    keys = sorted(name for name in os.environ if name.upper().endswith("_API_KEY") and name not in names)

    def shown(name: str) -> str:
        value = os.environ[name]
        if name.upper().endswith("_API_KEY"):
            return MASK if value.strip() else "(empty)"
        return redact_url(value) if "://" in value or "@" in value else value

    return [(_meaning(name), shown(name), f"environment: {name}") for name in [*names, *keys]]


def _meaning(name: str) -> str:
    known = {"G4F_BASE_URL": "base_url", "API_BASE_URL": "base_url", "G4F_API_KEY": "api_key of base_url"}
    if name in known:
        return known[name]
    return f"key of {name[: -len('_API_KEY')].title()}" if name.upper().endswith("_API_KEY") else name.lower()


def _files() -> list[tuple[str, str, str]]:
    from g4f_integrations.core.inventory.stored import FILE_NAME, user_folder

    path = user_folder() / FILE_NAME
    state: Any = f"{path.stat().st_size} bytes" if path.is_file() else "not there yet"
    return [("lists of models", str(path), state)]
