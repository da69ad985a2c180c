"""What models tell the media tools, in both frameworks."""

from __future__ import annotations

from pydantic import BaseModel, Field

DESCRIPTIONS = {
    "generate_image": "Make images from a description. Returns where each image can be found.",
    "text_to_speech": "Turn text into spoken audio. Returns where the audio can be found.",
    "transcribe": "Write down what is said in an audio recording.",
    "generate_video": "Make a short video from a description. Returns where the video can be found.",
}
"""What models are told of each tool, by its name."""


class ImageArguments(BaseModel):
    """What a model tells the image tool."""

    prompt: str = Field(description="What the image should show, in full sentences.")
    size: str | None = Field(default=None, description="Width and height in pixels, such as '1024x768'.")
    n: int = Field(default=1, ge=1, description="How many images to make.")


class SpeechArguments(BaseModel):
    """What a model tells the speech tool."""

    text: str = Field(description="The text to speak, exactly as it should be said.")
    voice: str | None = Field(default=None, description="Name of a voice; leave it out for the usual one.")
    language: str | None = Field(default=None, description="Language code of the text, such as 'en' or 'de'.")


class TranscriptionArguments(BaseModel):
    """What a model tells the transcription tool."""

    source: str = Field(description="URL of the recording, or the name of a file that was mentioned.")
    language: str | None = Field(default=None, description="Language code of what is said, if known.")
    timestamps: bool = Field(default=False, description="Whether to say when each piece is said.")


class VideoArguments(BaseModel):
    """What a model tells the video tool."""

    prompt: str = Field(description="What the video should show, in full sentences.")
    duration: float | None = Field(default=None, gt=0, description="Length in seconds.")
    aspect_ratio: str | None = Field(default=None, description="Such as '16:9' or '9:16'.")
