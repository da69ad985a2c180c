"""`G4FEmbeddings`: embeddings of an endpoint, of a local model, or by hashing, for LangChain."""

from __future__ import annotations

from typing import Any

from langchain_core.embeddings import Embeddings
from pydantic import ConfigDict, Field

from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.core.progress import progress_bar
from g4f_integrations.errors import IntegrationError
from g4f_integrations.langchain._errors import as_model_error


class G4FEmbeddings(EmbeddingFields, Embeddings):
    """Embeddings that never change their model behind your back.

    Setup:
        Nothing for an endpoint (``base_url``, ``model``) or ``backend="hashing"``;
        ``pip install 'g4f-integrations[fastembed]'`` for ``backend="fastembed"``.

    Example:
        >>> embeddings = G4FEmbeddings(backend="hashing", dimensions=256)
        >>> len(embeddings.embed_query("Which lamp is bright?"))
        256
        >>> embeddings.space_id
        'hashing/lexical-1/256'

    Vectors of two models do not compare, so give `space_id` to everything that keeps vectors:
    ``CacheBackedEmbeddings.from_bytes_store(embeddings, store, namespace=embeddings.space_id)``, or the name of a
    collection.
    """

    model_config = ConfigDict(defer_build=False)

    show_progress_bar: bool = Field(default=False, description="Show how many texts are done, if tqdm is installed.")

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of `texts`, in their order.

        Raises:
            IntegrationError: A request failed for good; LangChain's `ModelError`, too. Nothing is returned then.
        """
        try:
            with progress_bar(len(texts), show=self.show_progress_bar) as progress:
                return self.embed_texts(texts, progress)
        except IntegrationError as error:
            raise as_model_error(error) from error.__cause__

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question; the same as of a document with these words."""
        return self.embed_documents([text])[0]

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of `texts`, without blocking; see `embed_documents`."""
        try:
            with progress_bar(len(texts), show=self.show_progress_bar) as progress:
                return await self.aembed_texts(texts, progress)
        except IntegrationError as error:
            raise as_model_error(error) from error.__cause__

    async def aembed_query(self, text: str) -> list[float]:
        """The vector of a question, without blocking."""
        return (await self.aembed_documents([text]))[0]

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> G4FEmbeddings:
        return self.model_copy(deep=False)  # it holds nothing that can be changed
