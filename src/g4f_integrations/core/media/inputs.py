"""What users hand over: paths, bytes, file objects, Pillow's pictures, addresses → bytes, checked for what they are.

A string is an address (``http://``, ``https://`` or ``data:``) and never a path on this machine: strings come from
models and from strangers. A path is a `pathlib.Path`, which only the programmer can write.
"""

from __future__ import annotations

import asyncio
import base64
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from g4f_integrations.core.downloads import DownloadFailed, DownloadLimits, download
from g4f_integrations.core.failures import AttemptFailed
from g4f_integrations.core.media.checking import check_media
from g4f_integrations.core.media.formats import Kind, MediaFormat
from g4f_integrations.core.media.pillow import bytes_of_picture, is_pillow
from g4f_integrations.core.media.work import read_data_uri
from g4f_integrations.errors import ConfigurationError

_DEFAULT_LIMITS = DownloadLimits()


@dataclass(frozen=True, slots=True)
class MediaInput:
    """Something to work on.

    Attributes:
        data: Its bytes.
        format: What they are.
        name: A file name for forms, whose ending tells the type.
    """

    data: bytes = field(repr=False)
    format: MediaFormat
    name: str

    @property
    def data_uri(self) -> str:
        """The bytes as a ``data:`` URI."""
        return f"data:{self.format.mime_type};base64,{base64.b64encode(self.data).decode('ascii')}"


def is_address(source: Any) -> bool:
    """Whether `source` is a string with an address that others can fetch by themselves."""
    return isinstance(source, str) and source[:8].lower().startswith(("http://", "https://"))


async def load_input(
    source: Any, kind: Kind, limits: DownloadLimits | None = None, *, what: str = "file"
) -> MediaInput:
    """Reads or fetches `source`.

    Args:
        source: A path object, bytes, a file object, a Pillow image, an http(s) address, a ``data:`` URI, or a result of
            this package.
        kind: What it should be.
        limits: Its size, and how addresses are fetched.
        what: The argument, for errors.

    Raises:
        ConfigurationError: It cannot be read, is too large, is empty, or is something else.
    """
    limits = limits or _DEFAULT_LIMITS
    if is_address(source):
        try:
            got = await download(source, limits, accept=f"{kind}/*")
        except DownloadFailed as error:
            message = f"{what}: {error}"
            raise ConfigurationError(message) from None
        return checked(got.data, kind, what, got.content_type)
    return await asyncio.to_thread(read_input, source, kind, limits, what=what)


def read_input(source: Any, kind: Kind, limits: DownloadLimits | None = None, *, what: str = "file") -> MediaInput:
    """Like `load_input`, for what needs no network; blocks while it reads.

    Raises:
        ConfigurationError: See `load_input`; an http(s) address cannot be read here.
    """
    limits = limits or _DEFAULT_LIMITS
    data, named = _bytes_of(source, limits.max_bytes, what)
    return checked(data, kind, what, named)


def checked(data: bytes, kind: Kind, what: str, content_type: str = "") -> MediaInput:
    """`data` as an input, if it is what it should be.

    Raises:
        ConfigurationError: It is not.
    """
    try:
        found = check_media(data, kind, content_type)
    except AttemptFailed as failed:
        message = f"{what}: {'it is empty' if not data else failed.failure.message}"
        raise ConfigurationError(message) from None
    return MediaInput(data, found, f"{what}{found.extension}")


def file_within(folder: str | os.PathLike[str] | None, name: str) -> Any:
    """What a model means that names a recording: an address as it is, or a file inside a folder that it may read.

    Args:
        folder: The folder; ``None`` where it may read no file.
        name: What the model said.

    Raises:
        ConfigurationError: The name leads out of the folder.
    """
    if folder is None or is_address(name) or name[:5].lower() == "data:":
        return name
    root = Path(folder).resolve()
    try:
        path = (root / name).resolve()
    except (OSError, ValueError):
        path = root
    if path == root or not path.is_relative_to(root):
        message = f"{name[:100]!r} is no file inside the folder whose recordings may be read"
        raise ConfigurationError(message)
    return path


def _bytes_of(source: Any, most: int, what: str) -> tuple[bytes, str]:
    if isinstance(source, str):
        return _bytes_of_string(source, most, what)
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif isinstance(source, os.PathLike):
        data = _bytes_of_file(Path(source), most, what)
    elif is_pillow(source):
        data = bytes_of_picture(source, source.format)
    elif isinstance(held := getattr(source, "data", None), bytes):  # a result of ours
        data = held
    elif callable(getattr(source, "read", None)):
        data = _bytes_of_stream(source, most, what)
    else:
        message = (
            f"{what} must be a pathlib.Path, bytes, a file object, a Pillow image, a URL or a data: URI, "
            f"not {type(source).__name__}"
        )
        raise ConfigurationError(message)
    if len(data) > most:
        raise _too_large(what, len(data), most)
    return data, ""


def _bytes_of_string(source: str, most: int, what: str) -> tuple[bytes, str]:
    if source[:5].lower() == "data:":
        try:
            return read_data_uri(source, most)
        except AttemptFailed as failed:
            message = f"{what}: {failed.failure.message}"
            raise ConfigurationError(message) from None
    scheme = source.partition("://")[0] if "://" in source[:20] else ""
    if scheme:
        message = f"{what}: only http://, https:// and data: are read, not {scheme[:20]}://"
    else:
        message = (
            f"{what}: a string must be a URL or a data: URI and is never taken for a path on this machine; "
            "for a file, give pathlib.Path(…)"
        )
    raise ConfigurationError(message)


def _bytes_of_file(path: Path, most: int, what: str) -> bytes:
    try:
        told = path.stat()
        if not stat.S_ISREG(told.st_mode):
            message = f"{what}: {str(path)!r} is no ordinary file"
            raise ConfigurationError(message)
        if told.st_size > most:
            raise _too_large(what, told.st_size, most)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        message = f"{what}: {str(path)!r} cannot be read ({getattr(error, 'strerror', None) or error})"
        raise ConfigurationError(message) from None


def _bytes_of_stream(source: Any, most: int, what: str) -> bytes:
    """What is left in a file object, which is put back to where it was if it can be."""
    seekable = getattr(source, "seekable", None)
    place = source.tell() if callable(seekable) and seekable() else None
    try:
        data = source.read(most + 1)
    except (OSError, ValueError) as error:
        message = f"{what}: the file object cannot be read ({error})"
        raise ConfigurationError(message) from None
    if place is not None:
        source.seek(place)
    if not isinstance(data, bytes | bytearray):
        message = f"{what}: the file object gives text; open the file with mode 'rb'"
        raise ConfigurationError(message)
    return bytes(data)


def _too_large(what: str, size: int, most: int) -> ConfigurationError:
    message = (
        f"{what}: {size / 1024 / 1024:.0f} MB are more than the {most / 1024 / 1024:g} MB that are allowed "
        "(DownloadLimits.max_bytes)"
    )
    return ConfigurationError(message)
