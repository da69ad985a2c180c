"""`G4FLLM` where LlamaIndex's users look for it: ``from llama_index.llms.g4f import G4FLLM``."""

from g4f_integrations.llama_index.llms import G4FLLM

__all__ = ["G4FLLM"]
