"""Pictures, speech, transcripts and films as tools for LangChain's agents.

Each tool answers with words for the model and gives the result itself as the message's artifact. What goes wrong is
told to the model as a tool message with ``status="error"``, so that an agent can go on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

from langchain_core.tools import BaseTool, ToolException
from pydantic import ConfigDict, Field

from g4f_integrations.core.media.arguments import (
    DESCRIPTIONS,
    ImageArguments,
    SpeechArguments,
    TranscriptionArguments,
    VideoArguments,
)
from g4f_integrations.core.media.images import agenerate_images, generate_images
from g4f_integrations.core.media.inputs import file_within
from g4f_integrations.core.media.results import GeneratedImage, GeneratedSpeech, GeneratedVideo, Transcription
from g4f_integrations.core.media.settings import MediaRoutes
from g4f_integrations.core.media.speech import asynthesize_speech, synthesize_speech
from g4f_integrations.core.media.telling import tell_media, tell_transcript
from g4f_integrations.core.media.transcription import atranscribe, transcribe
from g4f_integrations.core.media.video import agenerate_video, generate_video
from g4f_integrations.errors import IntegrationError
from g4f_integrations.langchain._mistakes import tell_mistakes

Content: TypeAlias = str | list[dict[str, Any]]


class _MediaTool(MediaRoutes, BaseTool):
    """What the tools share: routes, and errors that the model is told."""

    model_config = ConfigDict(arbitrary_types_allowed=True, protected_namespaces=(), extra="forbid")

    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    # LangChain's fields, with other defaults: an agent that is told of an error can mend it.
    handle_tool_error: Any = True
    handle_validation_error: Any = tell_mistakes
    save_dir: str | Path | None = Field(default=None, description="Folder to save to; names are made of the contents.")

    def _given(self, *names: str) -> dict[str, Any]:
        """The routes, and those of this tool's own settings that are set."""
        own = {name: value for name in names if (value := getattr(self, name)) is not None}
        return {**self.routing(), **own}


def _failed(error: Exception) -> ToolException:
    return ToolException(f"{type(error).__name__}: {error}")


class G4FImageTool(_MediaTool):
    """A tool that makes images.

    Example:
        >>> tool = G4FImageTool(provider="PollinationsImage", save_dir="pictures")
        >>> tool.args["prompt"]["description"]
        'What the image should show, in full sentences.'

    Routes and resilience are those of the chat models. The artifact is a list of `GeneratedImage`.
    """

    name: str = "generate_image"
    description: str = DESCRIPTIONS["generate_image"]
    args_schema: Any = ImageArguments
    size: str | None = Field(default=None, description="Size where the model names none.")
    quality: str | None = Field(default=None, description="In the route's own words.")
    style: str | None = Field(default=None, description="In the route's own words.")
    negative_prompt: str | None = Field(default=None, description="What no image should show.")
    max_images: int = Field(default=4, ge=1, description="Images of one call at the most.")
    show_images: bool = Field(
        default=False, description="Put the images before the model, too; only for models that see in tool messages."
    )

    def _run(self, prompt: str, size: str | None = None, n: int = 1, **_: Any) -> tuple[Content, list[GeneratedImage]]:
        try:
            return self._told(generate_images(prompt, **self._arguments(size, n)))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error

    async def _arun(
        self, prompt: str, size: str | None = None, n: int = 1, **_: Any
    ) -> tuple[Content, list[GeneratedImage]]:
        try:
            return self._told(await agenerate_images(prompt, **self._arguments(size, n)))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error

    def _arguments(self, size: str | None, n: int) -> dict[str, Any]:
        given = self._given("quality", "style", "negative_prompt", "save_dir")
        return {**given, "size": size or self.size, "n": min(n, self.max_images)}

    def _told(self, images: list[GeneratedImage]) -> tuple[Content, list[GeneratedImage]]:
        text = tell_media(images)
        if not self.show_images:
            return text, images
        blocks = [{"type": "image", "base64": one.b64_json, "mime_type": one.mime_type} for one in images]
        return [{"type": "text", "text": text}, *blocks], images


class G4FSpeechTool(_MediaTool):
    """A tool that speaks. The artifact is a `GeneratedSpeech`.

    Example:
        >>> G4FSpeechTool(provider="OpenAIFM", voice="coral").name
        'text_to_speech'
    """

    name: str = "text_to_speech"
    description: str = DESCRIPTIONS["text_to_speech"]
    args_schema: Any = SpeechArguments
    voice: str | None = Field(default=None, description="Voice where the model names none.")
    language: str | None = Field(default=None, description="Language where the model names none.")
    format: str = Field(default="mp3", description="mp3, wav, opus, aac, flac or pcm.")
    speed: float | None = Field(default=None, description="1.0 is the voice's own.")
    instructions: str | None = Field(default=None, description="How to say it.")

    def _run(
        self, text: str, voice: str | None = None, language: str | None = None, **_: Any
    ) -> tuple[Content, GeneratedSpeech]:
        try:
            speech = synthesize_speech(text, **self._arguments(voice, language))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error
        return tell_media([speech]), speech

    async def _arun(
        self, text: str, voice: str | None = None, language: str | None = None, **_: Any
    ) -> tuple[Content, GeneratedSpeech]:
        try:
            speech = await asynthesize_speech(text, **self._arguments(voice, language))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error
        return tell_media([speech]), speech

    def _arguments(self, voice: str | None, language: str | None) -> dict[str, Any]:
        given = self._given("format", "speed", "instructions", "save_dir")
        return {**given, "voice": voice or self.voice, "language": language or self.language}


class G4FTranscriptionTool(_MediaTool):
    """A tool that writes down what is said in a recording. The artifact is a `Transcription`.

    A model names a recording by its URL. It gets at files of this machine only where `folder` is set, and there only at
    those inside it.
    """

    name: str = "transcribe"
    description: str = DESCRIPTIONS["transcribe"]
    args_schema: Any = TranscriptionArguments
    folder: str | Path | None = Field(default=None, description="Folder whose recordings a model may name.")
    language: str | None = Field(default=None, description="Language where the model names none.")

    def _run(
        self, source: str, language: str | None = None, timestamps: bool = False, **_: Any
    ) -> tuple[Content, Transcription]:
        try:
            heard = transcribe(self._source(source), **self._arguments(language, timestamps))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error
        return tell_transcript(heard), heard

    async def _arun(
        self, source: str, language: str | None = None, timestamps: bool = False, **_: Any
    ) -> tuple[Content, Transcription]:
        try:
            heard = await atranscribe(self._source(source), **self._arguments(language, timestamps))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error
        return tell_transcript(heard), heard

    def _source(self, source: str) -> Any:
        return file_within(self.folder, source)

    def _arguments(self, language: str | None, timestamps: bool) -> dict[str, Any]:
        wanted = "segments" if timestamps else "text"
        return {**self.routing(), "language": language or self.language, "response_format": wanted}


class G4FVideoTool(_MediaTool):
    """A tool that makes short films. The artifact is a `GeneratedVideo`."""

    name: str = "generate_video"
    description: str = DESCRIPTIONS["generate_video"]
    args_schema: Any = VideoArguments
    resolution: str | None = Field(default=None, description="In the route's own words ('720p').")
    negative_prompt: str | None = Field(default=None, description="What no film should show.")

    def _run(
        self, prompt: str, duration: float | None = None, aspect_ratio: str | None = None, **_: Any
    ) -> tuple[Content, GeneratedVideo]:
        try:
            film = generate_video(prompt, **self._arguments(duration, aspect_ratio))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error
        return tell_media([film]), film

    async def _arun(
        self, prompt: str, duration: float | None = None, aspect_ratio: str | None = None, **_: Any
    ) -> tuple[Content, GeneratedVideo]:
        try:
            film = await agenerate_video(prompt, **self._arguments(duration, aspect_ratio))
        except (IntegrationError, OSError) as error:
            raise _failed(error) from error
        return tell_media([film]), film

    def _arguments(self, duration: float | None, aspect_ratio: str | None) -> dict[str, Any]:
        given = self._given("resolution", "negative_prompt", "save_dir")
        return {**given, "duration": duration, "aspect_ratio": aspect_ratio}
