"""Pillow, for those who have it: its pictures as files, and pictures in formats or sizes that models do not take."""

from __future__ import annotations

from importlib import import_module
from io import BytesIO
from typing import Any

from g4f_integrations.errors import ConfigurationError

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_MOST_PIXELS = 100_000_000
"""What is unpacked at the most, 400 MB of memory; a few kilobytes can claim to be a hundred times as much."""


def is_pillow(source: Any) -> bool:
    """Whether `source` is one of Pillow's pictures; Pillow is not loaded for that."""
    return any(f"{base.__module__}.{base.__qualname__}" == "PIL.Image.Image" for base in type(source).__mro__)


def check_pixels(width: int | None, height: int | None) -> None:
    """Refuses to unpack a picture that would fill the memory.

    Raises:
        ConfigurationError: It has too many pixels.
    """
    if (width or 0) * (height or 0) > _MOST_PIXELS:
        message = (
            f"image: {width} x {height} pixels are more than the {_MOST_PIXELS // 1_000_000} million that are unpacked"
        )
        raise ConfigurationError(message)


def refitted(data: bytes, max_side: int | None, why: str, *, is_jpeg: bool) -> bytes:
    """The picture in `data` as PNG or JPEG, no side of it longer than `max_side` pixels.

    Args:
        data: A file that Pillow can read.
        max_side: In pixels; ``None`` leaves the size as it is.
        why: What Pillow is needed for, for the error where it is missing.
        is_jpeg: Whether it may stay a JPEG.

    Raises:
        ConfigurationError: Pillow is not installed, or cannot read it.
    """
    pillow = _pillow(why)
    try:
        with pillow.open(BytesIO(data)) as opened:
            check_pixels(*opened.size)  # of formats whose headers are not read here
            image = opened if opened.mode in {"RGB", "RGBA", "L", "LA"} else opened.convert("RGBA")
            if max_side is not None:
                image.thumbnail((max_side, max_side))
            return bytes_of_picture(image, "JPEG" if is_jpeg and image.mode in {"RGB", "L"} else "PNG")
    except ConfigurationError:
        raise
    except Exception as error:  # Pillow raises whatever a broken file leads it to
        message = f"image: the picture cannot be read ({type(error).__name__})"
        raise ConfigurationError(message) from None


def _pillow(why: str) -> Any:
    try:
        return import_module("PIL.Image")
    except ImportError:
        message = f"{why} by Pillow, which is not installed: pip install 'g4f-integrations[media]'"
        raise ConfigurationError(message) from None


def bytes_of_picture(image: Any, kept: str | None) -> bytes:
    """One of Pillow's pictures as a file: a JPEG if it was one, else a PNG.

    Raises:
        ConfigurationError: Pillow cannot write it.
    """
    buffer = BytesIO()
    try:
        if image.mode not in _PNG_MODES:
            image = image.convert("RGB")
        image.save(buffer, "JPEG" if kept == "JPEG" and image.mode in {"RGB", "L"} else "PNG")
    except Exception as error:  # Pillow reads files when it must, and raises whatever a broken one leads it to
        message = f"image: Pillow cannot write it ({type(error).__name__}: {error})"
        raise ConfigurationError(message) from None
    return buffer.getvalue()
