"""Pictures and speech as tools for LlamaIndex's agents: words first, then the blocks.

Words come first because most endpoints take nothing else from a tool.
"""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path
from typing import Any, TypeAlias

from llama_index.core.base.llms.types import AudioBlock, ImageBlock, TextBlock
from llama_index.core.tools.tool_spec.base import BaseToolSpec
from llama_index.core.tools.types import ToolMetadata
from pydantic import BaseModel

from g4f_integrations.core.media.arguments import DESCRIPTIONS, ImageArguments, SpeechArguments, TranscriptionArguments
from g4f_integrations.core.media.images import agenerate_images, generate_images
from g4f_integrations.core.media.inputs import file_within
from g4f_integrations.core.media.results import GeneratedImage, GeneratedSpeech
from g4f_integrations.core.media.settings import MediaRoutes
from g4f_integrations.core.media.speech import asynthesize_speech, synthesize_speech
from g4f_integrations.core.media.telling import tell_media, tell_transcript
from g4f_integrations.core.media.transcription import atranscribe, transcribe

ImageBlocks: TypeAlias = list[TextBlock | ImageBlock]
SpeechBlocks: TypeAlias = list[TextBlock | AudioBlock]

# Pairs of a blocking function and the one for event loops, which LlamaIndex looks up by name.
_DRAWING = [("generate_image", "agenerate_image")]
_SPEAKING = [("text_to_speech", "atext_to_speech"), ("transcribe", "atranscribe")]
_SCHEMAS: dict[str, type[BaseModel]] = {
    "generate_image": ImageArguments,
    "text_to_speech": SpeechArguments,
    "transcribe": TranscriptionArguments,
}
_MOST_IMAGES = 4


class _MediaToolSpec(BaseToolSpec):
    """Tells models of the tools in words of their own, instead of Python's signatures."""

    def get_metadata_from_fn_name(self, fn_name: str, spec_functions: list[Any] | None = None) -> ToolMetadata | None:
        """See `BaseToolSpec`."""
        schema = _SCHEMAS.get(fn_name)
        if schema is None:
            return super().get_metadata_from_fn_name(fn_name, spec_functions)
        return ToolMetadata(name=fn_name, description=DESCRIPTIONS[fn_name], fn_schema=schema)


class G4FImageToolSpec(_MediaToolSpec):
    """A tool that makes images.

    Example:
        >>> spec = G4FImageToolSpec(provider="PollinationsImage")
        >>> [tool.metadata.name for tool in spec.to_tool_list()]
        ['generate_image']

    Args:
        size: Size where the model names none (``"1024x768"``).
        quality: In the route's own words.
        style: In the route's own words.
        negative_prompt: What no image should show.
        save_dir: Folder to save to; names are made of the contents.
        **routing: Who draws: `model`, `provider`, `routes`, `base_url` …, as for the models.

    Raises:
        ConfigurationError: An argument is unknown or wrong.
    """

    spec_functions: list[Any] = _DRAWING

    def __init__(
        self,
        *,
        size: str | None = None,
        quality: str | None = None,
        style: str | None = None,
        negative_prompt: str | None = None,
        save_dir: str | os.PathLike[str] | None = None,
        **routing: Any,
    ) -> None:
        self.routes = MediaRoutes(**routing)
        own = {"quality": quality, "style": style, "negative_prompt": negative_prompt, "save_dir": save_dir}
        self._size = size
        self._own = {name: value for name, value in own.items() if value is not None}

    def generate_image(self, prompt: str, size: str | None = None, n: int = 1) -> ImageBlocks:
        """Make images from a description.

        Args:
            prompt: What the image should show, in full sentences.
            size: Width and height in pixels, such as ``"1024x768"``.
            n: How many, four at the most.
        """
        return _image_blocks(generate_images(prompt, **self._arguments(size, n)))

    async def agenerate_image(self, prompt: str, size: str | None = None, n: int = 1) -> ImageBlocks:
        """Like `generate_image`, without blocking."""
        return _image_blocks(await agenerate_images(prompt, **self._arguments(size, n)))

    def generate(self, prompt: str, **arguments: Any) -> list[GeneratedImage]:
        """The images themselves, for programs; see `core.media.generate_images` for the arguments."""
        return generate_images(prompt, **{**self._arguments(None), **arguments})

    async def agenerate(self, prompt: str, **arguments: Any) -> list[GeneratedImage]:
        """Like `generate`, without blocking."""
        return await agenerate_images(prompt, **{**self._arguments(None), **arguments})

    def _arguments(self, size: str | None, n: int = 1) -> dict[str, Any]:
        return {
            **self.routes.routing(),
            **self._own,
            "size": size or self._size,
            "n": min(n, _MOST_IMAGES) if isinstance(n, int) else n,
        }


def _image_blocks(images: list[GeneratedImage]) -> ImageBlocks:
    # Blocks keep their bytes as base64.
    shown = [ImageBlock(image=base64.b64encode(one.data), image_mimetype=one.mime_type) for one in images]
    return [TextBlock(text=tell_media(images)), *shown]


class G4FSpeechToolSpec(_MediaToolSpec):
    """Tools that speak, and that write down what is said.

    A model names a recording by its URL. It gets at files of this machine only where `folder` is set, and there only at
    those inside it.

    Example:
        >>> spec = G4FSpeechToolSpec(base_url="http://127.0.0.1:1337/v1", voice="alloy")
        >>> [tool.metadata.name for tool in spec.to_tool_list()]
        ['text_to_speech', 'transcribe']

    Args:
        voice: Voice where the model names none.
        format: ``"mp3"``, ``"wav"``, ``"opus"``, ``"aac"``, ``"flac"`` or ``"pcm"``.
        speed: 1.0 is the voice's own.
        language: Language where the model names none.
        folder: Folder whose recordings a model may name.
        save_dir: Folder to save to; names are made of the contents.
        **routing: Who speaks and listens: `model`, `provider`, `routes`, `base_url` …, as for the models.

    Raises:
        ConfigurationError: An argument is unknown or wrong.
    """

    spec_functions: list[Any] = _SPEAKING

    def __init__(
        self,
        *,
        voice: str | None = None,
        format: str = "mp3",
        speed: float | None = None,
        language: str | None = None,
        folder: str | Path | None = None,
        save_dir: str | os.PathLike[str] | None = None,
        **routing: Any,
    ) -> None:
        self.routes = MediaRoutes(**routing)
        self._voice, self._language, self._folder = voice, language, folder
        own = {"format": format, "speed": speed, "save_dir": save_dir}
        self._own = {name: value for name, value in own.items() if value is not None}

    def text_to_speech(self, text: str, voice: str | None = None, language: str | None = None) -> SpeechBlocks:
        """Turn text into spoken audio.

        Args:
            text: The text to speak, exactly as it should be said.
            voice: Name of a voice; leave it out for the usual one.
            language: Language code of the text, such as 'en' or 'de'.
        """
        return _speech_blocks(self.synthesize(text, **self._spoken(voice, language)))

    async def atext_to_speech(self, text: str, voice: str | None = None, language: str | None = None) -> SpeechBlocks:
        """Like `text_to_speech`, without blocking."""
        return _speech_blocks(await self.asynthesize(text, **self._spoken(voice, language)))

    def transcribe(self, source: str, language: str | None = None, timestamps: bool = False) -> str:
        """Write down what is said in a recording.

        Args:
            source: Its address, or the name of a file inside `folder`.
            language: Language code of what is said, if known.
            timestamps: Whether to say when each piece is said.
        """
        file = file_within(self._folder, source)
        return tell_transcript(transcribe(file, **self._heard(language, timestamps)))

    async def atranscribe(self, source: str, language: str | None = None, timestamps: bool = False) -> str:
        """Like `transcribe`, without blocking."""
        file = await asyncio.to_thread(file_within, self._folder, source)
        return tell_transcript(await atranscribe(file, **self._heard(language, timestamps)))

    def _heard(self, language: str | None, timestamps: bool) -> dict[str, Any]:
        wanted = "segments" if timestamps else "text"
        return {**self.routes.routing(), "language": language or self._language, "response_format": wanted}

    def synthesize(self, text: str, **arguments: Any) -> GeneratedSpeech:
        """The speech itself, for programs; see `core.media.synthesize_speech` for the arguments."""
        return synthesize_speech(text, **{**self.routes.routing(), **self._own, **arguments})

    async def asynthesize(self, text: str, **arguments: Any) -> GeneratedSpeech:
        """Like `synthesize`, without blocking."""
        return await asynthesize_speech(text, **{**self.routes.routing(), **self._own, **arguments})

    def _spoken(self, voice: str | None, language: str | None) -> dict[str, Any]:
        return {"voice": voice or self._voice, "language": language or self._language}


def _speech_blocks(speech: GeneratedSpeech) -> SpeechBlocks:
    heard = AudioBlock(audio=base64.b64encode(speech.data), format=speech.extension[1:])
    return [TextBlock(text=tell_media([speech])), heard]
