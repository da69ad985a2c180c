"""Health shared by the processes of one machine, in a SQLite file."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from g4f_integrations.core.health import MOST_ROUTES, Fact
from g4f_integrations.stores._facts import FACTS, LONGEST_TEXT
from g4f_integrations.stores._links import Row
from g4f_integrations.stores._registry import store_of
from g4f_integrations.stores._shared import SharedHealth

_BUSY_SECONDS = 2.0  # longest wait for another process's write
_AT_A_TIME = 400  # names in one question; SQLite's oldest limit is 999 values
_TABLE = (
    "CREATE TABLE IF NOT EXISTS g4f_integrations_health_1 "
    "(name TEXT NOT NULL, fact TEXT NOT NULL, at REAL NOT NULL, says TEXT NOT NULL, PRIMARY KEY (name, fact)) "
    "WITHOUT ROWID"
)
_KEEP = (
    "INSERT INTO g4f_integrations_health_1 VALUES (?, ?, ?, ?) ON CONFLICT (name, fact) DO UPDATE "
    "SET at = excluded.at, says = excluded.says WHERE excluded.at >= at OR at > excluded.at + 60"
)


class SQLiteHealth(SharedHealth):
    """What processes of one machine know of routes, in a file: which are dead, what they asked for, their windows.

    One object for each path and process, however many models name it; a pickle is the path, and arrives as the object
    of the process that loads it. The file is opened with the first call. It is not for network drives.

    Example:
        >>> SQLiteHealth("health.db")
        SQLiteHealth('health.db')

    Args:
        path: The file, made if it is not there; its folder must be.
        refresh: Seconds after which what others have told is known here, while calls are made.
    """

    _very_first_wait = 0.5  # there is nothing to load; longer, and another process holds the file

    def __init__(self, path: str | os.PathLike[str], *, refresh: float = 1.0) -> None:
        self.path = os.fspath(path)
        super().__init__(("sqlite", os.path.abspath(self.path)), self.path, refresh=refresh)  # noqa: PTH100  nothing is looked up
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    async def _open(self) -> None:
        if self._db is not None and self._file == _file_at(self.path):
            return
        await self._shut()  # the file is another one than it was, or none
        if not Path(self.path).parent.is_dir():
            message = f"there is no folder {Path(self.path).parent}"
            raise FileNotFoundError(message)
        self._db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")  # what a power cut takes is found out again
        self._db.execute(_TABLE)
        self._file = _file_at(self.path)

    async def _read(self, names: Sequence[str]) -> Mapping[Row, str | bytes]:
        assert self._db is not None
        found: dict[Row, str | bytes] = {}
        for first in range(0, len(names), _AT_A_TIME):
            some = names[first : first + _AT_A_TIME]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f"SELECT name, fact, says FROM g4f_integrations_health_1 WHERE name IN ({marks}) AND length(says) <= ?",  # noqa: S608  question marks alone
                [*some, LONGEST_TEXT],
            )
            for name, fact, says in rows:
                if fact in FACTS and isinstance(says, str | bytes):
                    found[name, fact] = says
        return found

    async def _kept(self) -> Sequence[str]:
        assert self._db is not None
        rows = self._db.execute(
            "SELECT name FROM g4f_integrations_health_1 GROUP BY name ORDER BY max(at) DESC LIMIT ?", (MOST_ROUTES,)
        )
        return [name for (name,) in rows if isinstance(name, str)]

    async def _write(self, rows: Mapping[Row, tuple[float, str]]) -> None:
        assert self._db is not None
        values: list[tuple[str, Fact, float, str]] = [
            (name, fact, at, says) for (name, fact), (at, says) in rows.items()
        ]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(_KEEP, values)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    async def _shut(self) -> None:
        db, self._db, self._file = self._db, None, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def _disown(self) -> None:
        self._db = self._file = None

    def __repr__(self) -> str:
        return f"SQLiteHealth({self.path!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return sqlite_at, (self._address[1], self._refresh)


def sqlite_at(path: str, refresh: float = 1.0) -> SharedHealth:
    """This process's store in the file `path`."""
    address = ("sqlite", os.path.abspath(path))  # noqa: PTH100  nothing is looked up
    return store_of(address, lambda: SQLiteHealth(path, refresh=refresh))


def _file_at(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  once a second
    except OSError:
        return None
    return found.st_dev, found.st_ino
