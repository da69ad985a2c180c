"""Checks that a wheel holds the whole package: ``python scripts/check_wheel.py dist/*.whl``.

Data files and `py.typed` are what builds forget, so the wheel's list of files is compared with the source tree's.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

_SOURCE = Path(__file__).parents[1] / "src"


def find_differences(wheel: Path, source: Path = _SOURCE) -> list[str]:
    """One line for each file that stands in the source tree or in the wheel, but not in both."""
    expected = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    packed = {name for name in names if not name.partition("/")[0].endswith(".dist-info")}
    licensed = any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    missing = [f"not in the wheel: {name}" for name in sorted(expected - packed)]
    stray = [f"only in the wheel: {name}" for name in sorted(packed - expected)]
    return missing + stray + ([] if licensed else ["not in the wheel: LICENSE"])


def main(arguments: list[str]) -> int:
    """Check the one wheel named in `arguments`; returns the exit status."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    wheel = Path(arguments[0])
    differences = find_differences(wheel)
    sys.stdout.write("\n".join(differences or [f"{wheel.name} is complete"]) + "\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
