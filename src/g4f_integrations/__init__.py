"""g4f and OpenAI-compatible endpoints as one dependable model inside LangChain and LlamaIndex.

The names below are loaded when they are first used; importing this package costs milliseconds and imports no
framework, no g4f and no HTTP client.
"""

from g4f_integrations._lazy import lazy_names

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

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
