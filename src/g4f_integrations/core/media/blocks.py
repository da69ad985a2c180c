"""Pictures, sound and films as content blocks of chat messages, whatever they are handed over as.

Addresses go to the model as they are and are never fetched here; a string is never taken for a path.
"""

from __future__ import annotations

import base64
from typing import Any, Literal

from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.media.inputs import MediaInput, checked, is_address, read_input
from g4f_integrations.core.media.pillow import check_pixels, refitted
from g4f_integrations.errors import ConfigurationError

_FOR_MODELS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


def image_block(
    source: Any,
    *,
    detail: Literal["auto", "low", "high"] | None = None,
    max_side: int | None = None,
    limits: DownloadLimits | None = None,
) -> dict[str, Any]:
    """A picture as a content block that every chat model of this package takes.

    Example:
        >>> image_block("https://example.com/cat.png")
        {'type': 'image_url', 'image_url': {'url': 'https://example.com/cat.png'}}

    Args:
        source: A path object, bytes, a file object, a Pillow image, an http(s) address or a ``data:`` URI. An address
            goes to the model as it is, and is never fetched here; a string is never taken for a path.
        detail: How closely the model should look, for routes that know it.
        max_side: Longest side in pixels; a larger picture is sized down (needs the extra ``media``).
        limits: Size of the file at the most.

    Raises:
        ConfigurationError: It cannot be read, or is no picture of a format that models take.
    """
    image: dict[str, Any] = {"url": image_url(source, max_side=max_side, limits=limits)}
    if detail is not None:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def image_url(source: Any, *, max_side: int | None = None, limits: DownloadLimits | None = None) -> str:
    """The address or ``data:`` URI by which a picture goes to a model; see `image_block`.

    Raises:
        ConfigurationError: See `image_block`; or an address is to be sized down.
    """
    if is_address(source):
        if max_side is not None:
            message = "image: an address is not fetched, so it cannot be sized down; give the picture itself"
            raise ConfigurationError(message)
        return str(source)
    return fitted_image(read_input(source, "image", limits, what="image"), max_side).data_uri


def audio_block(source: Any, *, limits: DownloadLimits | None = None) -> dict[str, Any]:
    """Sound as a content block: ``input_audio`` with the bytes, or ``audio_url`` for an address.

    Example:
        >>> audio_block("https://example.com/note.mp3")
        {'type': 'audio_url', 'audio_url': {'url': 'https://example.com/note.mp3'}}

    Args:
        source: A path object, bytes, a file object, an http(s) address, a ``data:`` URI or a `GeneratedSpeech`.
        limits: Size of the file at the most.

    Raises:
        ConfigurationError: It cannot be read, or is no sound.
    """
    if is_address(source):
        return {"type": "audio_url", "audio_url": {"url": str(source)}}
    sound = read_input(source, "audio", limits, what="audio")
    data = base64.b64encode(sound.data).decode("ascii")
    return {"type": "input_audio", "input_audio": {"data": data, "format": sound.format.extension[1:]}}


def video_block(source: Any, *, limits: DownloadLimits | None = None) -> dict[str, Any]:
    """A film as a content block, by its address or as a ``data:`` URI.

    Args:
        source: As for `audio_block`.
        limits: Size of the file at the most.

    Raises:
        ConfigurationError: It cannot be read, or is no film.
    """
    url = str(source) if is_address(source) else read_input(source, "video", limits, what="video").data_uri
    return {"type": "video_url", "video_url": {"url": url}}


def fitted_image(picture: MediaInput, max_side: int | None = None) -> MediaInput:
    """`picture` in a format that models take, no side of it longer than `max_side` pixels.

    Raises:
        ConfigurationError: That needs Pillow, which is not installed; or Pillow cannot read it.
    """
    found = picture.format
    longest = max(found.width or 0, found.height or 0)
    is_small = max_side is None or 0 < longest <= max_side
    if is_small and found.mime_type in _FOR_MODELS:
        return picture
    if max_side is not None and max_side < 1:
        message = f"max_side must be at least 1, not {max_side}"
        raise ConfigurationError(message)
    why = f"{found.mime_type} pictures are turned into PNG" if is_small else "pictures are sized down"
    check_pixels(found.width, found.height)
    data = refitted(picture.data, max_side, why, is_jpeg=found.mime_type == "image/jpeg")
    return checked(data, "image", "image")
