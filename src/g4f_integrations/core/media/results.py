"""What media calls give: small typed objects that can be saved, and that notebooks show."""

from __future__ import annotations

import asyncio
import base64
import html
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from g4f_integrations.core.credentials import redact_url
from g4f_integrations.core.events import Attempt
from g4f_integrations.core.media.formats import read_format
from g4f_integrations.core.media.saving import place_for, write_whole
from g4f_integrations.core.media.subtitles import Segment, to_srt, to_vtt

_MOST_SHOWN = 8 * 1024 * 1024  # bytes that a notebook gets inline


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedMedia:
    """A file that a route made; its bytes have been looked at.

    Attributes:
        data: The file.
        mime_type: What it really is, by its own bytes.
        url: Where the route keeps it, for as long as it does; ``None`` where it sent the bytes.
        path: Where it was saved, if it was.
        provider: Who made it.
        model: With which model; ``""`` where the route chose by itself.
        attempts: All attempts made for it, in order.
        dropped: Parameters that the route could not take.
    """

    data: bytes = field(repr=False)
    mime_type: str
    url: str | None = field(default=None, repr=False)
    path: Path | None = None
    provider: str = ""
    model: str = ""
    attempts: tuple[Attempt, ...] = field(default=(), repr=False)
    dropped: tuple[str, ...] = field(default=(), repr=False)

    noun: ClassVar[str] = "media"

    @property
    def b64_json(self) -> str:
        """The bytes as base64 text."""
        return base64.b64encode(self.data).decode("ascii")

    @property
    def data_uri(self) -> str:
        """The bytes as a ``data:`` URI."""
        return f"data:{self.mime_type};base64,{self.b64_json}"

    @property
    def extension(self) -> str:
        """The ending of a file of this type, with its dot."""
        found = read_format(self.data)
        return found.extension if found is not None else ".pcm"

    @property
    def metadata(self) -> dict[str, Any]:
        """How it came to be, as plain data, like the ``g4f`` entry of a chat's answer."""
        return {
            "provider": self.provider,
            "model": self.model,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "dropped": [*self.dropped],
        }

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the file, whole or not at all.

        Args:
            path: Where to; a folder gets a name that is made of the contents.

        Returns:
            Where it is.

        Raises:
            OSError: It cannot be written.
        """
        return write_whole(self.data, place_for(path, self.data, self.noun, self.extension))

    async def asave(self, path: str | os.PathLike[str]) -> Path:
        """Like `save`, off the event loop."""
        return await asyncio.to_thread(self.save, path)

    def __repr__(self) -> str:
        told = [self.mime_type, f"{len(self.data)} bytes"]
        if self.url is not None and not self.url.startswith("data:"):
            told.append(redact_url(self.url)[:120])
        if self.provider:
            told.append(f"by {self.provider}{':' if self.model else ''}{self.model}")
        return f"<{type(self).__name__} {', '.join(told)}>"

    def _inline(self) -> str | None:
        if len(self.data) > _MOST_SHOWN:
            return None
        return f"data:{html.escape(self.mime_type)};base64,{self.b64_json}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GeneratedImage(GeneratedMedia):
    """A picture.

    Attributes:
        width: In pixels, where its header tells.
        height: In pixels, where its header tells.
        revised_prompt: What the model made of the prompt, where it said so.
    """

    width: int | None = None
    height: int | None = None
    revised_prompt: str | None = None

    noun: ClassVar[str] = "image"

    def _repr_png_(self) -> bytes | None:
        return self._shown("image/png")

    def _repr_jpeg_(self) -> bytes | None:
        return self._shown("image/jpeg")

    def _shown(self, mime_type: str) -> bytes | None:
        return self.data if self.mime_type == mime_type and len(self.data) <= _MOST_SHOWN else None

    def _repr_html_(self) -> str | None:
        if self.mime_type in {"image/png", "image/jpeg"}:
            return None  # notebooks know these themselves
        return f'<img src="{uri}" alt="">' if (uri := self._inline()) else None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GeneratedSpeech(GeneratedMedia):
    """Spoken text.

    Attributes:
        transcript: What was said, where the route tells it.
    """

    transcript: str | None = None

    noun: ClassVar[str] = "speech"

    def _repr_html_(self) -> str | None:
        return f'<audio controls src="{uri}"></audio>' if (uri := self._inline()) else None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class GeneratedVideo(GeneratedMedia):
    """A film."""

    noun: ClassVar[str] = "video"

    def _repr_html_(self) -> str | None:
        return f'<video controls src="{uri}"></video>' if (uri := self._inline()) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription:
    """What is said in a recording.

    Attributes:
        text: All of it.
        segments: Its pieces with their times in seconds; empty where they were not asked for.
        language: The language that was spoken, in the route's own words.
        duration: Length of the recording in seconds, where the route tells it.
        provider: Who listened.
        model: With which model.
        attempts: All attempts, in order.
        dropped: Parameters that the route could not take.
    """

    text: str
    segments: Sequence[Segment] = ()
    language: str | None = None
    duration: float | None = None
    provider: str = ""
    model: str = ""
    attempts: tuple[Attempt, ...] = field(default=(), repr=False)
    dropped: tuple[str, ...] = field(default=(), repr=False)

    @property
    def metadata(self) -> dict[str, Any]:
        """How it came to be, as plain data."""
        return {
            "provider": self.provider,
            "model": self.model,
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "dropped": [*self.dropped],
        }

    def to_srt(self) -> str:
        """The segments as SubRip.

        Raises:
            ValueError: There are none; ask for them with ``response_format="segments"``.
        """
        return to_srt(self._timed())

    def to_vtt(self) -> str:
        """The segments as WebVTT.

        Raises:
            ValueError: There are none; ask for them with ``response_format="segments"``.
        """
        return to_vtt(self._timed())

    def _timed(self) -> Sequence[Segment]:
        if not self.segments:
            message = "this transcript has no times; ask for them with response_format='segments', 'srt' or 'vtt'"
            raise ValueError(message)
        return self.segments

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the transcript: as subtitles where `path` ends with ``.srt`` or ``.vtt``, else its text.

        Raises:
            OSError: It cannot be written.
            ValueError: Subtitles are wanted, and there are no times.
        """
        target = Path(path)
        text = {".srt": self.to_srt, ".vtt": self.to_vtt}.get(target.suffix.lower(), lambda: self.text)()
        data = text.encode("utf-8")
        return write_whole(data, place_for(path, data, "transcript", ".txt"))

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        if not self.segments:
            return f"<p>{html.escape(self.text)}</p>"
        rows = (f"<tr><td>{one.start:.1f} s</td><td>{html.escape(one.text)}</td></tr>" for one in self.segments)
        return f"<table>{''.join(rows)}</table>"
