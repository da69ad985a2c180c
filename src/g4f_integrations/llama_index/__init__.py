"""g4f and OpenAI-compatible endpoints as LlamaIndex models.

The names below are loaded when they are first used.
"""

from g4f_integrations._lazy import lazy_names

TYPE_CHECKING = False  # `typing` itself costs more than the rest of this import
if TYPE_CHECKING:
    from g4f_integrations.llama_index.blocks import audio_block, image_block, video_block
    from g4f_integrations.llama_index.embeddings import G4FEmbedding
    from g4f_integrations.llama_index.events import (
        G4FAnswerEvent,
        G4FAttemptEvent,
        G4FCleanedEvent,
        G4FRepairedEvent,
        G4FResumedEvent,
        G4FTrimmedEvent,
    )
    from g4f_integrations.llama_index.llms import G4FLLM
    from g4f_integrations.llama_index.query_engines import sub_question_query_engine
    from g4f_integrations.llama_index.readers import G4FAudioReader
    from g4f_integrations.llama_index.search_tool_spec import G4FSearchToolSpec
    from g4f_integrations.llama_index.tool_specs import G4FImageToolSpec, G4FSpeechToolSpec

_HOMES = {
    "G4FAnswerEvent": "events",
    "G4FAttemptEvent": "events",
    "G4FCleanedEvent": "events",
    "G4FRepairedEvent": "events",
    "G4FResumedEvent": "events",
    "G4FTrimmedEvent": "events",
    "G4FAudioReader": "readers",
    "G4FEmbedding": "embeddings",
    "G4FImageToolSpec": "tool_specs",
    "G4FLLM": "llms",
    "G4FSearchToolSpec": "search_tool_spec",
    "G4FSpeechToolSpec": "tool_specs",
    "audio_block": "blocks",
    "image_block": "blocks",
    "video_block": "blocks",
    "sub_question_query_engine": "query_engines",
}

__all__ = [
    "G4FLLM",
    "G4FAnswerEvent",
    "G4FAttemptEvent",
    "G4FAudioReader",
    "G4FCleanedEvent",
    "G4FEmbedding",
    "G4FImageToolSpec",
    "G4FRepairedEvent",
    "G4FResumedEvent",
    "G4FSearchToolSpec",
    "G4FSpeechToolSpec",
    "G4FTrimmedEvent",
    "audio_block",
    "image_block",
    "sub_question_query_engine",
    "video_block",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
