"""Writing results to disk: whole files or none, under names of our own or the user's, never of a server's."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from g4f_integrations.errors import ConfigurationError

if TYPE_CHECKING:
    from g4f_integrations.core.media.results import GeneratedMedia

T = TypeVar("T", bound="GeneratedMedia")


def write_whole(data: bytes, path: Path) -> Path:
    """Writes `data` to `path` by way of a neighbour that is renamed, so that nobody ever sees half a file.

    Folders on the way are made. An existing file is replaced.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    return path


async def save_results(results: Sequence[T], folder: Path | None) -> list[T]:
    """Results with their files in `folder`: all of them, or, where one fails or the call is cancelled, none.

    Args:
        results: What was made.
        folder: Where to; it is made if it is not there. ``None`` saves nothing.

    Raises:
        OSError: One cannot be written.
    """
    if folder is None:
        return [*results]
    stopped = threading.Event()
    new: list[Path] = []
    saving = asyncio.get_running_loop().run_in_executor(None, _save_all, results, folder, new, stopped)
    try:
        return await asyncio.shield(saving)
    except asyncio.CancelledError:
        stopped.set()
        await _ended(saving)
        _remove(new)
        raise


async def _ended(saving: asyncio.Future[Any]) -> None:
    """Waits for the thread, which stops after the file at hand; a second cancellation does not hurry it."""
    while not saving.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([saving])
    if not saving.cancelled():
        saving.exception()


def _save_all(results: Sequence[T], folder: Path, new: list[Path], stopped: threading.Event) -> list[T]:
    saved: list[T] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for result in results:
            if stopped.is_set():
                break
            path = place_for(folder, result.data, result.noun, result.extension)
            if not path.exists():
                new.append(path)
            saved.append(replace(result, path=write_whole(result.data, path)))
    except BaseException:
        _remove(new)
        raise
    return saved


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


def place_for(path: str | os.PathLike[str], data: bytes, noun: str, extension: str) -> Path:
    """Where to save: `path` itself, or, if that is a folder, a name in it that is made of the contents.

    Args:
        path: A file's or a folder's path. It is a folder if it is one already, or ends with a separator.
        data: The contents, whose digest makes the name: the same contents get the same one.
        noun: Begin of a name (``"image"``).
        extension: End of a name (``".png"``).
    """
    target = Path(path)
    if target.is_dir() or str(path).endswith(("/", os.sep)):
        return target / f"{noun}-{hashlib.sha256(data).hexdigest()[:16]}{extension}"
    return target


def folder_for(save_dir: str | os.PathLike[str] | None, response_format: str) -> Path | None:
    """The folder for results that are wanted as paths.

    Raises:
        ConfigurationError: Paths are wanted, and no folder is named; or it is a file.
    """
    if response_format != "path" and save_dir is None:
        return None
    if save_dir is None:
        message = "response_format='path' needs save_dir, the folder to save to"
        raise ConfigurationError(message)
    if not isinstance(save_dir, str | os.PathLike):
        message = f"save_dir must be a path, not {type(save_dir).__name__}"
        raise ConfigurationError(message)
    folder = Path(save_dir)
    if folder.exists() and not folder.is_dir():
        message = f"save_dir must be a folder, but {str(folder)!r} is a file"
        raise ConfigurationError(message)
    return folder
