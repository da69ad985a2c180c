"""Which vocabulary a model counts by: the packaged table, read when somebody counts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

_LONGEST_ID = 200  # a model id can be anything that a user's program was given


@dataclass(frozen=True, slots=True)
class Encoding:
    """A published vocabulary, as `core/data/tokens.toml` describes it."""

    name: str
    file: str
    sha256: str
    pattern: str


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """How a family of models counts.

    Attributes:
        encoding: Name of the vocabulary.
        ratio: The family's own tokens for one of the vocabulary's.
        image: The rule for pictures.
    """

    encoding: str = "o200k_base"
    ratio: float = 1.0
    image: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("g4f_integrations.core").joinpath("data", "tokens.toml").read_text(encoding="utf-8"))


@cache
def encoding_named(name: str) -> Encoding:
    """The vocabulary of that name."""
    return Encoding(name, **_table()["encodings"][name])


def carriers() -> list[tuple[str, str]]:
    """Packages that carry vocabularies, each with the folder inside it."""
    return [(row["package"], row["path"]) for row in _table()["carriers"]]


@cache
def _families() -> tuple[tuple[re.Pattern[str], Family], ...]:
    table = _table()
    rows = []
    for row in table["families"]:
        image = table["images"][row.get("image", "openai-tiles")]
        rows.append((re.compile(row["match"]), Family(row["encoding"], row.get("ratio", 1.0), image)))
    return tuple(rows)


@cache
def _unknown() -> Family:
    return Family(image=_table()["images"]["openai-tiles"])


@lru_cache(maxsize=1024)
def family_of(model: str) -> Family:
    """The family that the model id belongs to; an unknown one counts by OpenAI's newest vocabulary.

    Example:
        >>> family_of("gpt-4").encoding, family_of("openai/gpt-4o").encoding
        ('cl100k_base', 'o200k_base')
    """
    name = model[:_LONGEST_ID].lower().rsplit("/", 1)[-1]
    return next((family for pattern, family in _families() if pattern.search(name)), None) or _unknown()
