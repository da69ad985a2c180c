"""Pictures, sound and films for LlamaIndex's messages, whatever they are handed over as."""

from __future__ import annotations

import base64
from typing import Any

from llama_index.core.base.llms.types import AudioBlock, ImageBlock, VideoBlock

from g4f_integrations.core.media.blocks import fitted_image, image_url
from g4f_integrations.core.media.inputs import is_address, read_input


def image_block(source: Any, *, detail: str | None = None, max_side: int | None = None) -> ImageBlock:
    """A picture as a block of a message.

    Example:
        >>> str(image_block("https://example.com/cat.png").url)
        'https://example.com/cat.png'

    Args:
        source: A path object, bytes, a file object, a Pillow image, an http(s) address or a ``data:`` URI. An address
            goes to the model as it is; a string is never taken for a path.
        detail: How closely the model should look, for routes that know it.
        max_side: Longest side in pixels; a larger picture is sized down (needs the extra ``media``).

    Raises:
        ConfigurationError: It cannot be read, or is no picture of a format that models take.
    """
    if is_address(source):
        return ImageBlock(url=image_url(source, max_side=max_side), detail=detail)
    picture = fitted_image(read_input(source, "image", what="image"), max_side)
    return ImageBlock(image=base64.b64encode(picture.data), image_mimetype=picture.format.mime_type, detail=detail)


def audio_block(source: Any) -> AudioBlock:
    """Sound as a block of a message.

    Args:
        source: A path object, bytes, a file object, an http(s) address, a ``data:`` URI or a `GeneratedSpeech`.

    Raises:
        ConfigurationError: It cannot be read, or is no sound.
    """
    if is_address(source):
        return AudioBlock(url=source)
    sound = read_input(source, "audio", what="audio")
    return AudioBlock(audio=base64.b64encode(sound.data), format=sound.format.extension[1:])


def video_block(source: Any) -> VideoBlock:
    """A film as a block of a message.

    Args:
        source: As for `audio_block`.

    Raises:
        ConfigurationError: It cannot be read, or is no film.
    """
    if is_address(source):
        return VideoBlock(url=source)
    film = read_input(source, "video", what="video")
    return VideoBlock(video=base64.b64encode(film.data), video_mimetype=film.format.mime_type)
