"""Texts → vectors: an endpoint's, a local model's, or by hashing; and the space that they lie in.

g4f makes no embeddings, and vectors of two models do not compare. So who makes them is named and never guessed, a
request is repeated on the same model only, and each set of vectors has the id of its space.
"""

from g4f_integrations.core.embeddings._fields import EmbeddingFields
from g4f_integrations.core.embeddings._learned import forget
from g4f_integrations.core.embeddings._spaces import Space, check_stamp, cosine, stamp

__all__ = ["EmbeddingFields", "Space", "check_stamp", "cosine", "forget", "stamp"]
