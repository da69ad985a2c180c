"""`G4FEmbedding` where LlamaIndex's users look for it: ``from llama_index.embeddings.g4f import G4FEmbedding``."""

from g4f_integrations.llama_index.embeddings import G4FEmbedding

__all__ = ["G4FEmbedding"]
