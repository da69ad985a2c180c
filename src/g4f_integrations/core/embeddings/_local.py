"""Embeddings made on this machine: by fastembed's models, or by hashing."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from g4f_integrations.core.embeddings import _hashing
from g4f_integrations.core.embeddings._batches import sendable
from g4f_integrations.core.embeddings._lengths import model_length
from g4f_integrations.core.embeddings._limits import limit
from g4f_integrations.core.embeddings._spaces import Space
from g4f_integrations.errors import ConfigurationError

FASTEMBED_MODEL = "BAAI/bge-small-en-v1.5"
"""fastembed's own default: English, 67 MB, 384 numbers."""

_SLICE = 64  # texts between two looks at whether the caller is still there
_AT_A_TIME = 2  # slices; the models use all cores by themselves
_MOST_MODELS = 4  # that are kept in memory


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """A backend without a network.

    Attributes:
        space: The space of its vectors.
        make: The vectors of some texts; blocks.
        batch_size: Texts at a time.
        known_length: How long the vectors are, where that is known without making one.
    """

    space: Space
    make: Callable[[list[str]], list[list[float]]]
    batch_size: int
    known_length: int | None = None

    def embed(self, texts: Sequence[str], progress: Callable[[int], None]) -> list[list[float]]:
        """The texts' vectors, in their order."""
        vectors: list[list[float]] = []
        for part in _slices(texts, self.batch_size):
            vectors += self.make(part)
            progress(len(part))
        return vectors

    async def aembed(self, texts: Sequence[str], progress: Callable[[int], None]) -> list[list[float]]:
        """The same in worker threads, so that the loop goes on."""
        loop = asyncio.get_running_loop()
        vectors: list[list[float]] = []
        for part in _slices(texts, self.batch_size):
            run = contextvars.copy_context().run
            async with limit(self.space, _AT_A_TIME):
                vectors += await loop.run_in_executor(None, partial(run, self.make, part))
            progress(len(part))
        return vectors

    def length(self) -> int | None:
        """How long the vectors are, if that is known without making one."""
        return self.known_length

    def expect(self, length: int) -> None:
        """Files on this machine do not change under their name."""


def hashing_backend(dimension: int | None, batch_size: int) -> LocalBackend:
    """The backend that needs no model; see `_hashing`."""
    length = dimension or _hashing.DIMENSION
    space = Space("hashing", _hashing.MODEL, length)

    def make(texts: list[str]) -> list[list[float]]:
        return [_hashing.embed(text, length) for text in texts]

    return LocalBackend(space, make, min(batch_size, _SLICE), length)


def fastembed_backend(model: str, options: dict[str, Any], batch_size: int) -> LocalBackend:
    """The backend of fastembed's models, which are loaded when they are first used.

    Args:
        model: One of fastembed's models.
        options: Further arguments of fastembed's ``TextEmbedding``: ``cache_dir``, ``threads``,
            ``specific_model_path``, ``local_files_only`` …
        batch_size: Texts at a time.
    """
    known = model_length(model)

    def make(texts: list[str]) -> list[list[float]]:
        sent = [*map(sendable, texts)]  # some tokenizers make nothing of a blank text
        vectors = [vector.tolist() for vector in _models.get(model, options).embed(sent, batch_size=batch_size)]
        if known is not None and any(len(vector) != known for vector in vectors):
            message = f"{model} has vectors of {known} numbers, and these files' have {len(vectors[0])}"
            raise ConfigurationError(message)
        return vectors

    return LocalBackend(Space("fastembed", model, known), make, max(batch_size, _SLICE), known)


class _Models:
    """Models in memory, the four that were used last; a forked child loads its own."""

    def __init__(self) -> None:
        self.reset()

    def leave_behind(self) -> None:
        """In a forked child: begin anew, and never take the parent's models apart.

        onnxruntime's threads stay behind in the parent, and a model that is taken apart waits for its own for ever, at
        the end of the process, too. So the child gives these away.
        """
        if self._loaded:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._loaded))
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, Any] = OrderedDict()

    def get(self, model: str, options: dict[str, Any]) -> Any:
        key = repr((model, sorted(options.items(), key=lambda item: item[0])))
        with self._lock:  # two threads must not download and load one model twice
            found = self._loaded.get(key)
            if found is None:
                found = self._loaded[key] = _load(model, options)
                while len(self._loaded) > _MOST_MODELS:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(key)
            return found


_models = _Models()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_models.leave_behind)


def _load(model: str, options: dict[str, Any]) -> Any:
    """Fastembed's model; downloads it from the Hugging Face Hub if it is not on this machine.

    Raises:
        ConfigurationError: fastembed is not installed, has no such model, or cannot get at its files.
    """
    try:
        fastembed = import_module("fastembed")
    except ImportError as error:
        message = (
            "backend='fastembed' needs the extra of that name: pip install 'g4f-integrations[fastembed]' "
            f"({error}). Without it: base_url=… for an endpoint, or backend='hashing'"
        )
        raise ConfigurationError(message) from error
    try:
        return fastembed.TextEmbedding(model_name=model, **options)
    except Exception as error:  # of its own kinds and of half a dozen libraries below it
        known = {described["model"] for described in fastembed.TextEmbedding.list_supported_models()}
        is_known = model.lower() in {name.lower() for name in known}
        hint = (
            "its files must be on this machine (cache_dir, specific_model_path) or on the Hugging Face Hub"
            if is_known
            else f"fastembed has no such model; it has {', '.join(sorted(known)[:8])} …"
        )
        message = f"fastembed cannot load the model {model!r}: {hint} ({type(error).__name__}: {str(error)[:300]})"
        raise ConfigurationError(message) from error


def _slices(texts: Sequence[str], size: int) -> list[list[str]]:
    return [[*texts[start : start + size]] for start in range(0, len(texts), size)]
