"""`G4FAudioParser`: recordings as LangChain documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from langchain_core.document_loaders import BaseBlobParser
from langchain_core.documents import Document
from langchain_core.documents.base import Blob

from g4f_integrations.core.media.results import Transcription
from g4f_integrations.core.media.settings import MediaRoutes
from g4f_integrations.core.media.transcription import transcribe
from g4f_integrations.errors import IntegrationError
from g4f_integrations.langchain._errors import as_model_error


class G4FAudioParser(BaseBlobParser):
    """Writes down what is said in a recording, for loaders such as ``GenericLoader``.

    Example:
        >>> parser = G4FAudioParser(base_url="http://127.0.0.1:1337/v1", model="whisper-1")
        >>> sorted(parser.extensions)[:3]
        ['aac', 'flac', 'm4a']

    Args:
        language: Language code of what is said, if it is known.
        by_segment: Make a document of each piece, with its ``start`` and ``end`` in seconds, instead of one of all.
        **routing: Who listens: `model`, `provider`, `routes`, `base_url` …, as for the chat models.

    Raises:
        ConfigurationError: An argument is unknown or wrong.
    """

    extensions: ClassVar[frozenset[str]] = frozenset({"mp3", "wav", "m4a", "ogg", "flac", "webm", "aac", "mp4"})
    """Endings of the files that it reads."""

    def __init__(self, *, language: str | None = None, by_segment: bool = False, **routing: Any) -> None:
        self.language = language
        self.by_segment = by_segment
        self.routes = MediaRoutes(**routing)

    def lazy_parse(self, blob: Blob) -> Iterator[Document]:
        """The documents of a recording.

        Raises:
            IntegrationError: No route could write it down; LangChain's `ModelError`, too.
        """
        wanted = "segments" if self.by_segment else "text"
        try:
            heard = transcribe(
                _recording(blob), language=self.language, response_format=wanted, **self.routes.routing()
            )
        except IntegrationError as error:
            raise as_model_error(error) from error.__cause__
        yield from self._documents(heard, {**blob.metadata, **({"source": blob.source} if blob.source else {})})

    def _documents(self, heard: Transcription, metadata: dict[str, Any]) -> Iterator[Document]:
        told = {"language": heard.language, "duration": heard.duration, "g4f": heard.metadata}
        metadata |= {name: value for name, value in told.items() if value is not None}
        if not self.by_segment:
            yield Document(page_content=heard.text, metadata=metadata)
            return
        for one in heard.segments:
            yield Document(page_content=one.text, metadata={**metadata, "start": one.start, "end": one.end})


def _recording(blob: Blob) -> bytes | Path:
    """What the blob holds or names; a file is looked at before it is read, because it may be too large."""
    return Path(blob.path) if blob.data is None and blob.path is not None else blob.as_bytes()
