"""A cache of vectors that keeps spaces apart: LlamaIndex asks its cache by the text alone."""

from __future__ import annotations

from typing import Any

from llama_index.core.storage.kvstore.types import DEFAULT_COLLECTION, BaseKVStore


class SpaceCache(BaseKVStore):
    """`store`, with collections of its own for one space.

    Args:
        store: Where vectors are kept.
        space: The id of their space.
    """

    def __init__(self, store: BaseKVStore, space: str) -> None:
        self.store = store
        self.space = space

    def _own(self, collection: str) -> str:
        return f"{collection}/{self.space}"

    def put(self, key: str, val: dict[str, Any], collection: str = DEFAULT_COLLECTION) -> None:
        """Keep a value."""
        self.store.put(key, val, self._own(collection))

    async def aput(self, key: str, val: dict[str, Any], collection: str = DEFAULT_COLLECTION) -> None:
        """Keep a value."""
        await self.store.aput(key, val, self._own(collection))

    def get(self, key: str, collection: str = DEFAULT_COLLECTION) -> dict[str, Any] | None:
        """A value, if it is there."""
        return self.store.get(key, self._own(collection))

    async def aget(self, key: str, collection: str = DEFAULT_COLLECTION) -> dict[str, Any] | None:
        """A value, if it is there."""
        return await self.store.aget(key, self._own(collection))

    def get_all(self, collection: str = DEFAULT_COLLECTION) -> dict[str, dict[str, Any]]:
        """All values of this space."""
        return self.store.get_all(self._own(collection))

    async def aget_all(self, collection: str = DEFAULT_COLLECTION) -> dict[str, dict[str, Any]]:
        """All values of this space."""
        return await self.store.aget_all(self._own(collection))

    def delete(self, key: str, collection: str = DEFAULT_COLLECTION) -> bool:
        """Forget a value; whether it was there."""
        return self.store.delete(key, self._own(collection))

    async def adelete(self, key: str, collection: str = DEFAULT_COLLECTION) -> bool:
        """Forget a value; whether it was there."""
        return await self.store.adelete(key, self._own(collection))
