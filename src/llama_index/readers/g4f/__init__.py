"""`G4FAudioReader` where LlamaIndex's users look for it: ``from llama_index.readers.g4f import G4FAudioReader``."""

from g4f_integrations.llama_index.readers import G4FAudioReader

__all__ = ["G4FAudioReader"]
