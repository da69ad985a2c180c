"""What `ChatG4F` calls itself wherever LangChain asks."""

from __future__ import annotations

LLM_TYPE = "g4f-chat"

MODEL_PROVIDER = "g4f"
"""`response_metadata["model_provider"]` and `ls_provider`, which have to agree: LangChain's summarising middleware
trusts the token counts of its own model only."""
