"""`G4FAudioReader`: recordings as LlamaIndex documents."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document

from g4f_integrations.core.media.results import Transcription
from g4f_integrations.core.media.settings import MediaRoutes
from g4f_integrations.core.media.transcription import atranscribe, transcribe


class G4FAudioReader(BaseReader):
    """Writes down what is said in a recording.

    Example:
        >>> reader = G4FAudioReader(base_url="http://127.0.0.1:1337/v1", model="whisper-1")
        >>> extractors = dict.fromkeys([".mp3", ".wav"], reader)  # SimpleDirectoryReader(file_extractor=extractors)

    Args:
        language: Language code of what is said, if it is known.
        by_segment: Make a document of each piece, with its ``start`` and ``end`` in seconds, instead of one of all.
        **routing: Who listens: `model`, `provider`, `routes`, `base_url` …, as for the models.

    Raises:
        ConfigurationError: An argument is unknown or wrong.
    """

    def __init__(self, *, language: str | None = None, by_segment: bool = False, **routing: Any) -> None:
        self.language = language
        self.by_segment = by_segment
        self.routes = MediaRoutes(**routing)

    def load_data(
        self, input_file: str | os.PathLike[str], extra_info: dict[str, Any] | None = None, fs: Any = None
    ) -> list[Document]:
        """The documents of one recording.

        Args:
            input_file: Path of the recording.
            extra_info: Further metadata.
            fs: An fsspec file system that holds it; by default this machine's.

        Raises:
            IntegrationError: It is no recording, or no route could write it down.
        """
        heard = transcribe(_recording(input_file, fs, self.routes.limits.max_bytes), **self._arguments())
        return self._documents(heard, input_file, extra_info)

    async def aload_data(
        self, input_file: str | os.PathLike[str], extra_info: dict[str, Any] | None = None, fs: Any = None
    ) -> list[Document]:
        """Like `load_data`, without blocking."""
        source = await asyncio.to_thread(_recording, input_file, fs, self.routes.limits.max_bytes)
        return self._documents(await atranscribe(source, **self._arguments()), input_file, extra_info)

    def _arguments(self) -> dict[str, Any]:
        wanted = "segments" if self.by_segment else "text"
        return {"language": self.language, "response_format": wanted, **self.routes.routing()}

    def _documents(
        self, heard: Transcription, input_file: str | os.PathLike[str], extra_info: dict[str, Any] | None
    ) -> list[Document]:
        told = {"language": heard.language, "duration": heard.duration}
        metadata = {
            "file_name": Path(input_file).name,
            **{name: value for name, value in told.items() if value is not None},
            **(extra_info or {}),
        }
        if not self.by_segment:
            return [Document(text=heard.text, metadata=metadata)]
        return [
            Document(text=one.text, metadata={**metadata, "start": one.start, "end": one.end}) for one in heard.segments
        ]


def _recording(input_file: str | os.PathLike[str], fs: Any, most: int) -> Any:
    """The file at a path that the program names; unlike a string in a message, it may be one of this machine."""
    if fs is None:
        return Path(input_file)
    with fs.open(str(input_file), "rb") as opened:
        data: bytes = opened.read(most + 1)  # one more than is allowed is enough to refuse it
    return data
