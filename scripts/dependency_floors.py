"""The lower bounds of our dependencies as exact pins, so that the tests can run on the oldest versions we promise.

    python scripts/dependency_floors.py            # prints one "name==floor" per line, for pip's or uv's constraints
    python scripts/dependency_floors.py --check    # exits 1 unless exactly these versions are installed here

`project.dependencies` count, and the extras that users install; what the tests and the lint need is ours to choose.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_OURS = frozenset({"test", "lint", "docs", "bench"})  # extras for those who work on the package itself
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?P<specifiers>[^;]*)")
_FLOOR = re.compile(r">=\s*(?P<version>[\w.+!-]+)")


def read_floors(pyproject: Path = _PROJECT) -> dict[str, str]:
    """The floor of each dependency by its name, as written in `pyproject`.

    Raises:
        ValueError: A dependency names no ``>=``, so nothing says which versions it is promised to work with.
    """
    floors = {}
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {})
    wanted = [line for extra, lines in extras.items() if extra not in _OURS for line in lines]
    for requirement in [*project["dependencies"], *wanted]:
        parsed = _REQUIREMENT.match(requirement)
        floor = _FLOOR.search(parsed["specifiers"]) if parsed else None
        if parsed is None or floor is None:
            message = f"pyproject.toml: {requirement!r} has no floor; write it as 'name>=floor,<cap'"
            raise ValueError(message)
        floors[parsed["name"]] = floor["version"]
    return floors


def _release(text: str) -> tuple[int, ...]:
    """``"2.10"`` and ``"2.10.0"`` are the same release."""
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def find_differences(floors: dict[str, str]) -> list[str]:
    """One line for each dependency that is not installed at its floor."""
    differences = []
    for name, floor in floors.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "nothing"
        if _release(installed) != _release(floor):
            differences.append(f"{name}: floor {floor}, installed {installed}")
    return differences


def main(arguments: list[str]) -> int:
    """Print the floors, or check them; returns the exit status."""
    floors = read_floors()
    if arguments == ["--check"]:
        differences = find_differences(floors)
        sys.stdout.write("\n".join(differences or [f"{len(floors)} dependencies stand at their floors"]) + "\n")
        return 1 if differences else 0
    if arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    sys.stdout.writelines(f"{name}=={floor}\n" for name, floor in floors.items())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
