"""g4f and OpenAI-compatible endpoints as one dependable model inside LangChain and LlamaIndex.

The names below are loaded when they are first used; importing this package costs milliseconds and imports no
framework, no g4f and no HTTP client.
"""

from importlib import import_module

TYPE_CHECKING = False  # `typing` itself costs more than the rest of this import
if TYPE_CHECKING:
    from g4f_integrations.core.cleaning import AICleaning, Cleaning
    from g4f_integrations.core.inventory import Catalog
    from g4f_integrations.core.policy import Resilience
    from g4f_integrations.core.routes import Endpoint, Route
    from g4f_integrations.core.trimming import Trimming
    from g4f_integrations.langchain.chat_models import ChatG4F
    from g4f_integrations.llama_index.llms import G4FLLM

__version__ = "0.1.0"

_HOMES = {
    "AICleaning": "core.cleaning",
    "Catalog": "core.inventory",
    "ChatG4F": "langchain.chat_models",
    "Cleaning": "core.cleaning",
    "Endpoint": "core.routes",
    "G4FLLM": "llama_index.llms",
    "Resilience": "core.policy",
    "Route": "core.routes",
    "Trimming": "core.trimming",
}

__all__ = [
    "G4FLLM",
    "AICleaning",
    "Catalog",
    "ChatG4F",
    "Cleaning",
    "Endpoint",
    "Resilience",
    "Route",
    "Trimming",
    "__version__",
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
