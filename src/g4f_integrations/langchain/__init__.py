"""g4f and OpenAI-compatible endpoints as LangChain models.

The names below are loaded when they are first used.
"""

from importlib import import_module

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


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
