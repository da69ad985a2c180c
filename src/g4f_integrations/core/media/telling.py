"""What a model is told of a file that a tool made for it: words, and no bytes, which would be paid for as text."""

from __future__ import annotations

from collections.abc import Sequence

from g4f_integrations.core.credentials import redact_url
from g4f_integrations.core.media.results import GeneratedImage, GeneratedMedia, Transcription
from g4f_integrations.core.media.subtitles import Segment


def tell_media(made: Sequence[GeneratedMedia]) -> str:
    """One line for each file: what it is, and where it can be found.

    Example:
        >>> tell_media([GeneratedImage(data=b"12345678", mime_type="image/png", width=2, height=1)])
        'image: image/png, 2 x 1 pixels, 8 bytes, attached'
    """
    return "\n".join(_line(one) for one in made)


def _line(one: GeneratedMedia) -> str:
    told = [one.mime_type]
    if isinstance(one, GeneratedImage) and one.width is not None:
        told.append(f"{one.width} x {one.height} pixels")
    told.append(f"{len(one.data)} bytes")
    if one.path is not None:
        told.append(f"saved as {one.path}")
    elif one.url is not None and not one.url.startswith("data:"):
        told.append(redact_url(one.url))
    else:
        told.append("attached")
    return f"{one.noun}: {', '.join(told)}"


def tell_transcript(heard: Transcription) -> str:
    """The transcript, with the time before each piece where times are known."""
    if not heard.segments:
        return heard.text
    return "\n".join(f"[{_clock(one)}] {one.text}" for one in heard.segments)


def _clock(one: Segment) -> str:
    minutes, seconds = divmod(int(one.start), 60)
    return f"{minutes:02}:{seconds:02}"
