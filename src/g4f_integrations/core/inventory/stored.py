"""Lists of models on disk: one small SQLite file in the user's cache folder, shared by all processes.

Every operation opens the file anew, so nothing is held over a fork or between threads. A file that is broken is
replaced; one that cannot be used at all (no folder, no room, locked for long) costs a line in the log and no more.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from g4f_integrations.core.catalog import UNKNOWN, Abilities, ListedModel, Listing
from g4f_integrations.core.inventory.results import Asked
from g4f_integrations.core.logs import call_logger

logger = call_logger("catalog")

FILE_NAME = "catalog-v1.sqlite3"  # the number changes with the table, so that versions do not fight over one file
_BUSY_SECONDS = 5.0
_MOST_SOURCES = 256
_TABLE = """CREATE TABLE IF NOT EXISTS sources (
    source TEXT PRIMARY KEY, kind TEXT NOT NULL, asked_at REAL NOT NULL, seconds REAL NOT NULL,
    error_kind TEXT, error TEXT NOT NULL, told_at REAL, models TEXT NOT NULL
)"""
_COLUMNS = "source, kind, asked_at, seconds, error_kind, error, told_at, models"
_KEEP_NEWER = f"""INSERT INTO sources ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (source) DO UPDATE SET kind = excluded.kind, asked_at = excluded.asked_at, seconds = excluded.seconds,
    error_kind = excluded.error_kind, error = excluded.error,
    told_at = coalesce(excluded.told_at, told_at),
    models = CASE WHEN excluded.told_at IS NULL THEN models ELSE excluded.models END
WHERE excluded.asked_at >= asked_at"""  # noqa: S608  the columns are ours
_FORGET_OLDEST = """DELETE FROM sources WHERE source NOT IN
    (SELECT source FROM sources ORDER BY asked_at DESC LIMIT ?)"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Told:
    """What came of asking one source, and its list if there is one."""

    asked: Asked
    listing: Listing | None = None


def user_folder() -> Path:
    """The user's cache folder for this package."""
    from platformdirs import user_cache_path  # only those who ask for it pay for it

    return user_cache_path("g4f-integrations", appauthor=False)


class ListStore:
    """The file.

    Args:
        path: Where it lies; its folder is made with the first list.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Told]:
        """All that is stored; nothing if there is no file, or none that can be read."""
        if not self.path.is_file():
            return []
        return self._try(self._read) or []

    def write(self, told: Iterable[Told]) -> None:
        """Store what came of asking; of a source that did not answer, its older list stays."""
        rows = [_to_row(one) for one in told]

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_TABLE)
            connection.executemany(_KEEP_NEWER, rows)
            connection.execute(_FORGET_OLDEST, (_MOST_SOURCES,))
            connection.execute("COMMIT")

        if rows:
            self._try(insert)

    @staticmethod
    def _read(connection: sqlite3.Connection) -> list[Told]:
        connection.execute(_TABLE)  # a file of no bytes is a sound, empty database
        # Read as bytes: a text that is no UTF-8 would make the whole table unreadable.
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        rows = connection.execute(f"SELECT {_COLUMNS} FROM sources LIMIT ?", (_MOST_SOURCES,))  # noqa: S608  ours
        return [told for row in rows if (told := _from_row(row)) is not None]

    def _try(self, use: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            try:
                return self._use(use)
            except sqlite3.OperationalError:  # locked, no room, not allowed: the file itself may be sound
                raise
            except sqlite3.DatabaseError as error:
                logger.warning("%s is broken (%s) and is made anew", self.path, error)
                self._remove()
                return self._use(use)
        except (sqlite3.Error, OSError) as error:
            logger.warning("%s cannot be used (%s); lists of models are kept for this process only", self.path, error)
            return None

    def _use(self, use: Callable[[sqlite3.Connection], T]) -> T:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            return use(connection)

    def _remove(self) -> None:
        for name in (self.path.name, f"{self.path.name}-journal"):
            self.path.with_name(name).unlink(missing_ok=True)


def _to_row(told: Told) -> tuple[Any, ...]:
    asked, listing = told.asked, told.listing
    models = [] if listing is None else list(map(_plain, listing.models.values()))
    told_at = None if listing is None else listing.told_at
    return (asked.source, asked.kind, asked.asked_at, asked.seconds, asked.error_kind, asked.error, told_at,
            json.dumps(models, separators=(",", ":")))  # fmt: skip


def _plain(model: ListedModel) -> list[Any]:
    abilities = model.abilities
    return [model.id, model.window, model.max_output, sorted(abilities.has), sorted(abilities.lacks)]


def _from_row(row: tuple[Any, ...]) -> Told | None:
    """A row as it was written; ``None`` if somebody else wrote it."""
    source, kind, asked_at, seconds, error_kind, error, told_at, models = row
    try:
        asked_at, seconds = float(asked_at), float(seconds)
        told_at = None if told_at is None else float(told_at)
        found = {model.id: model for model in _models(json.loads(models))}
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(source, str) or kind not in {"provider", "endpoint"}:
        return None
    listing = None if told_at is None else Listing(source, kind, told_at, found)
    failure = str(error_kind) if error_kind is not None else None
    return Told(Asked(source, kind, asked_at, seconds, len(found), told_at, failure, str(error or "")), listing)


def _models(rows: Any) -> Iterator[ListedModel]:
    for model, window, max_output, has, lacks in rows:
        if not isinstance(model, str) or not all(isinstance(n, int | None) for n in (window, max_output)):
            raise TypeError
        abilities = Abilities(frozenset(has), frozenset(lacks)) if has or lacks else UNKNOWN
        yield ListedModel(model, window, max_output, abilities)
