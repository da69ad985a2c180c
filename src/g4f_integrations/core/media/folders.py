"""Where g4f's providers write their files while they work for us: a private folder, and not the user's.

Some of g4f's providers save what they make to ``./generated_media`` and name it by ``/media/<file>``. The folder is a
setting of g4f's (two variables of one of its modules). While such work is under way it names a folder of our own, which
is removed when the last of it is done; files that a provider puts into ``./generated_media`` by itself are taken
from there.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_PREFIX = "/media/"
_SETTINGS = ("media_dir", "images_dir")
_USERS = ("generated_media", "generated_images")
_CLOCK_GRAIN = 2.0  # seconds by which some file systems round


class _Folder:
    """The private folder, while anybody needs it."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._path = ""
        self._before: dict[str, Any] = {}

    def enter(self) -> str:
        from g4f.image import copy_images  # g4f is loaded on first use

        with self._lock:
            if not self._users:
                self._path = tempfile.mkdtemp(prefix="g4f-integrations-media-")
                self._before = {name: getattr(copy_images, name) for name in _SETTINGS}
                for name in _SETTINGS:
                    setattr(copy_images, name, self._path)
            self._users += 1
            return self._path

    def leave(self) -> None:
        from g4f.image import copy_images

        with self._lock:
            self._users -= 1
            if self._users:
                return
            for name, value in self._before.items():
                if getattr(copy_images, name) == self._path:  # or somebody else has set it meanwhile
                    setattr(copy_images, name, value)
            shutil.rmtree(self._path, ignore_errors=True)


_folder = _Folder()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_folder.renew)


class Written:
    """What one call's provider may have written.

    Args:
        private: The private folder.
    """

    def __init__(self, private: str) -> None:
        self._private = Path(private)
        self._began = time.time() - _CLOCK_GRAIN
        self._missing = [folder for folder in map(Path, _USERS) if not folder.exists()]

    def take(self, item: str, max_bytes: int) -> bytes | None:
        """The file behind ``/media/<file>``, which is removed; ``None`` if there is none.

        Raises:
            ValueError: It is larger than `max_bytes`.
        """
        name = unquote(urlsplit(item).path.removeprefix(_PREFIX))
        if not item.startswith(_PREFIX) or not name or name in {".", ".."} or set(name) & {"/", "\\", "\0", ":"}:
            return None
        for folder in (self._private, *map(Path, _USERS)):
            path = folder / name
            try:
                told = path.lstat()
            except OSError:
                continue
            if not path.is_file() or path.is_symlink() or (folder != self._private and told.st_mtime < self._began):
                continue
            try:
                if told.st_size > max_bytes:
                    message = f"the provider's file has {told.st_size / 1024 / 1024:.0f} MB, more than is allowed"
                    raise ValueError(message)
                return path.read_bytes()
            finally:
                with suppress(OSError):
                    path.unlink()
        return None

    def tidy(self) -> None:
        """Removes the user's folder again where a provider made it and it is empty now."""
        for folder in self._missing:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def private_folder() -> Iterator[Written]:
    """Lets g4f's providers write to a folder of our own while this is open."""
    private = _folder.enter()
    written = Written(private)
    try:
        yield written
    finally:
        written.tidy()
        _folder.leave()
