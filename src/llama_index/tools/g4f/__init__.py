"""The tool specs where LlamaIndex's users look for them: ``from llama_index.tools.g4f import G4FImageToolSpec``."""

from g4f_integrations.llama_index.search_tool_spec import G4FSearchToolSpec
from g4f_integrations.llama_index.tool_specs import G4FImageToolSpec, G4FSpeechToolSpec

__all__ = ["G4FImageToolSpec", "G4FSearchToolSpec", "G4FSpeechToolSpec"]
