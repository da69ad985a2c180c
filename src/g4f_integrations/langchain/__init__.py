"""g4f and OpenAI-compatible endpoints as LangChain models.

The names below are loaded when they are first used.
"""

from g4f_integrations._lazy import lazy_names

TYPE_CHECKING = False  # `typing` itself costs more than the rest of this import
if TYPE_CHECKING:
    from g4f_integrations.langchain.chat_models import ChatG4F
    from g4f_integrations.langchain.embeddings import G4FEmbeddings
    from g4f_integrations.langchain.llms import G4F
    from g4f_integrations.langchain.parsers import G4FAudioParser
    from g4f_integrations.langchain.search_tool import G4FSearchTool
    from g4f_integrations.langchain.tools import G4FImageTool, G4FSpeechTool, G4FTranscriptionTool, G4FVideoTool

_HOMES = {
    "ChatG4F": "chat_models",
    "G4F": "llms",
    "G4FAudioParser": "parsers",
    "G4FEmbeddings": "embeddings",
    "G4FImageTool": "tools",
    "G4FSearchTool": "search_tool",
    "G4FSpeechTool": "tools",
    "G4FTranscriptionTool": "tools",
    "G4FVideoTool": "tools",
}

__all__ = [
    "G4F",
    "ChatG4F",
    "G4FAudioParser",
    "G4FEmbeddings",
    "G4FImageTool",
    "G4FSearchTool",
    "G4FSpeechTool",
    "G4FTranscriptionTool",
    "G4FVideoTool",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
