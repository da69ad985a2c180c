"""`G4FEmbedding`: embeddings of an endpoint, of a local model, or by hashing, for LlamaIndex."""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping
from typing import Any, Self

from llama_index.core import StorageContext, load_index_from_storage
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.indices.base import BaseIndex
from pydantic import (
    ConfigDict,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index._vector_cache import SpaceCache


class G4FEmbedding(EmbeddingFields, BaseEmbedding):
    """Embeddings that never change their model behind your back.

    Setup:
        Nothing for an endpoint (``base_url``, ``model``) or ``backend="hashing"``;
        ``pip install 'g4f-integrations[fastembed]'`` for ``backend="fastembed"``.

    Example:
        >>> embedding = G4FEmbedding(backend="hashing", dimensions=256)
        >>> len(embedding.get_query_embedding("Which lamp is bright?"))
        256
        >>> embedding.model_name
        'hashing/lexical-1/256'

    `model_name` is the id of the space that the vectors lie in: vectors of two spaces do not compare. An
    `embeddings_cache` is kept apart by it. LlamaIndex itself does not write down which model made an index: persist
    it with `save_index` and load it with `load_index`, which raises if it was made in another space.
    """

    model_config = ConfigDict(defer_build=False)

    embed_batch_size: int = Field(
        default=512, gt=0, le=2048, description="Texts that LlamaIndex hands over at a time; see `batch_size`."
    )

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex writes this class down."""
        return "G4FEmbedding"

    @model_validator(mode="before")
    @classmethod
    def _take_model_name(cls, values: Any) -> Any:
        # `model_name` is the model where users bring it from other classes, and the space where we wrote it ourselves.
        if not isinstance(values, Mapping) or "model_name" not in values:
            return values
        given = {name: value for name, value in values.items() if name not in {"model_name", "class_name"}}
        if "model" in given or given.get("backend") == "hashing":
            return given
        return {**given, "model": values["model_name"]}

    @field_validator("embeddings_cache")
    @classmethod
    def _open_cache(cls, value: Any) -> Any:
        return value.store if isinstance(value, SpaceCache) else value

    @model_validator(mode="after")
    def _complete_llama_index_settings(self) -> Self:
        space = self.space_id
        self.__dict__["model_name"] = space
        cache = self.embeddings_cache
        if cache is not None:
            self.__dict__["embeddings_cache"] = SpaceCache(cache, space)
        return self

    @model_serializer(mode="wrap")
    def custom_model_dump(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> builtins.dict[str, Any]:
        """All settings as plain data, without credentials; `from_dict` takes them back."""
        del info
        plain: builtins.dict[str, Any] = handler(self)
        plain.update(self.plain_settings())
        plain["class_name"] = self.class_name()
        return plain

    def save_index(self, index: BaseIndex[Any], folder: str | os.PathLike[str]) -> None:
        """Persist an index whose vectors this embedding has made, with the id of their space beside it.

        Args:
            index: The index.
            folder: Where its storage context is persisted to.

        Raises:
            ConfigurationError: Another embedding has made it, or an index of another space lies there.
        """
        maker = getattr(index, "_embed_model", None)
        if isinstance(maker, G4FEmbedding) and maker.space != self.space:
            message = f"the index was made in the space {maker.space_id!r}, and this embedding's is {self.space_id!r}"
            raise ConfigurationError(message)
        self.stamp(folder)  # first: an index without a stamp would be the worse half
        index.storage_context.persist(os.fspath(folder))

    def load_index(self, folder: str | os.PathLike[str], **options: Any) -> BaseIndex[Any]:
        """An index that `save_index` has persisted, for use with this embedding.

        Args:
            folder: Where it was persisted to.
            **options: Further arguments of LlamaIndex's `load_index_from_storage`: ``index_id`` …

        Raises:
            ConfigurationError: Its vectors are of another space, or nothing says of which.
        """
        self.check_stamp(folder)
        storage = StorageContext.from_defaults(persist_dir=os.fspath(folder))
        return load_index_from_storage(storage, embed_model=self, **options)

    def __getstate__(self) -> builtins.dict[Any, Any]:
        # Of a copy: LlamaIndex deletes from the model itself what cannot be pickled.
        return super(G4FEmbedding, self.model_copy()).__getstate__()

    def _get_query_embedding(self, query: str) -> list[float]:
        return self.embed_texts([query])[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return (await self.aembed_texts([query]))[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.embed_texts([text])[0]

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return (await self.aembed_texts([text]))[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self.embed_texts(texts)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await self.aembed_texts(texts)
