"""Pictures, speech, transcripts and films over the same routes as chat: rotation, clocks, failure kinds, metadata.

    from g4f_integrations.core.media import generate_images

    image = generate_images("A lighthouse at dusk", provider="PollinationsImage")[0]
    image.save("lighthouse.png")

Every function has a blocking form and one with an ``a`` before its name for event loops. The names below are loaded
when they are first used.
"""

from g4f_integrations._lazy import lazy_names
from g4f_integrations.core.downloads import DownloadLimits

TYPE_CHECKING = False  # `typing` itself costs more than the rest of this import
if TYPE_CHECKING:
    from g4f_integrations.core.media.blocks import audio_block, image_block, image_url, video_block
    from g4f_integrations.core.media.images import (
        acreate_variation,
        aedit_image,
        agenerate_images,
        create_variation,
        edit_image,
        generate_images,
    )
    from g4f_integrations.core.media.results import (
        GeneratedImage,
        GeneratedMedia,
        GeneratedSpeech,
        GeneratedVideo,
        Transcription,
    )
    from g4f_integrations.core.media.speech import asynthesize_speech, synthesize_speech
    from g4f_integrations.core.media.subtitles import Segment
    from g4f_integrations.core.media.transcription import atranscribe, transcribe
    from g4f_integrations.core.media.video import agenerate_video, generate_video

_HOMES = {
    "GeneratedImage": "results",
    "GeneratedMedia": "results",
    "GeneratedSpeech": "results",
    "GeneratedVideo": "results",
    "Segment": "subtitles",
    "Transcription": "results",
    "acreate_variation": "images",
    "aedit_image": "images",
    "agenerate_images": "images",
    "agenerate_video": "video",
    "asynthesize_speech": "speech",
    "atranscribe": "transcription",
    "audio_block": "blocks",
    "create_variation": "images",
    "edit_image": "images",
    "generate_images": "images",
    "generate_video": "video",
    "image_block": "blocks",
    "image_url": "blocks",
    "synthesize_speech": "speech",
    "transcribe": "transcription",
    "video_block": "blocks",
}

__all__ = [
    "DownloadLimits",
    "GeneratedImage",
    "GeneratedMedia",
    "GeneratedSpeech",
    "GeneratedVideo",
    "Segment",
    "Transcription",
    "acreate_variation",
    "aedit_image",
    "agenerate_images",
    "agenerate_video",
    "asynthesize_speech",
    "atranscribe",
    "audio_block",
    "create_variation",
    "edit_image",
    "generate_images",
    "generate_video",
    "image_block",
    "image_url",
    "synthesize_speech",
    "transcribe",
    "video_block",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
