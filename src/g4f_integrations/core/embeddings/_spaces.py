"""The space that vectors lie in. Vectors of two spaces do not compare, even where they are of one length."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from g4f_integrations.errors import ConfigurationError

STAMP = "embedding_space.json"
"""The file that `stamp` writes beside an index."""


@dataclass(frozen=True, slots=True)
class Space:
    """Who makes the vectors: the backend, the model and how long its vectors are.

    Example:
        >>> Space("endpoint", "text-embedding-3-small", 512).id
        'endpoint/text-embedding-3-small/512'
        >>> Space("fastembed", "BAAI/bge-small-en-v1.5").id
        'fastembed/BAAI/bge-small-en-v1.5/native'

    An endpoint's model is not asked how long its vectors are before the first text, and an id must not change with it.
    So its id says "native" for good where no length was asked for; the length itself is written into stamps.

    Attributes:
        backend: ``"endpoint"``, ``"fastembed"`` or ``"hashing"``.
        model: The model's id, as that backend knows it.
        dimension: Numbers per vector, as they were asked for or as the model is known to have; ``None`` leaves it to
            the model, and never changes for one model.
    """

    backend: str
    model: str
    dimension: int | None = None

    @property
    def id(self) -> str:
        """One word for it: the namespace of caches, the name of collections. The same in every process."""
        return f"{self.backend}/{self.model}/{'native' if self.dimension is None else self.dimension}"


def stamp(folder: str | os.PathLike[str], space: Space, dimension: int | None = None) -> Path:
    """Write down, in the folder of an index, which space its vectors lie in.

    Args:
        folder: The folder that the index was persisted to; it is made if it is not there.
        space: The space.
        dimension: How long the vectors really are, where it is known.

    Returns:
        The path of the file.

    Raises:
        ConfigurationError: Vectors of another space lie there already.
        OSError: The file cannot be written.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    file = place / STAMP
    known = dimension or space.dimension
    if file.exists():
        known = check_stamp(folder, space, known) or known
    text = json.dumps({"space": space.id, "dimension": known})
    handle, name = tempfile.mkstemp(dir=place, prefix=f".{STAMP}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.write(text)
        Path(name).replace(file)  # whole or not at all
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return file


def check_stamp(folder: str | os.PathLike[str], space: Space, dimension: int | None = None) -> int | None:
    """Make sure that the vectors in a folder are of this space, before they are compared with others of it.

    Args:
        folder: The folder.
        space: The space.
        dimension: How long vectors of the space really are, where it is known.

    Returns:
        How long the vectors in the folder are, where it is known.

    Raises:
        ConfigurationError: They are of another one, or nothing says of which.
    """
    file = Path(folder) / STAMP
    try:
        stamped = json.loads(file.read_text(encoding="utf-8"))
        found, length = stamped["space"], stamped.get("dimension")
    except FileNotFoundError:
        message = f"nothing in {folder} says which model made its vectors; stamp it where it is made"
        raise ConfigurationError(message) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        message = f"{file} cannot be read: {error!r}"
        raise ConfigurationError(message) from None
    if found != space.id:
        message = (
            f"the vectors in {folder} are of the space {found!r}, which does not compare with {space.id!r}: "
            "use the model that made them, or make them anew"
        )
        raise ConfigurationError(message)
    length = length if type(length) is int and length > 0 else None
    known = dimension or space.dimension
    if length is not None and known is not None and length != known:
        message = (
            f"the vectors in {folder} have {length} numbers, and those of {space.id!r} have {known} now: "
            "another model answers under this name; make them anew"
        )
        raise ConfigurationError(message)
    return length


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors are, 1 at the most; 0 if they are not of one length, or one is all zeros."""
    lengths = math.hypot(*one) * math.hypot(*other)
    if len(one) != len(other) or not lengths:
        return 0.0
    return math.sumprod(one, other) / lengths if hasattr(math, "sumprod") else _dot(one, other) / lengths


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(one, other, strict=True))
