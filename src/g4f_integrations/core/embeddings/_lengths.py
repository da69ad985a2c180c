"""How long the vectors of fastembed's models are, as far as that is known without loading one."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


@cache
def _lengths() -> dict[str, int]:
    text = files("g4f_integrations.core").joinpath("data", "fastembed_models.toml").read_text(encoding="utf-8")
    return {name.lower(): length for name, length in tomllib.loads(text).items()}


def model_length(model: str) -> int | None:
    """Numbers per vector of one of fastembed's models; ``None`` if it is none of those that we know.

    Example:
        >>> model_length("BAAI/bge-small-en-v1.5")
        384
    """
    return _lengths().get(model.lower())
