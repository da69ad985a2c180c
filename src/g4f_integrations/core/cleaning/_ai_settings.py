"""`AICleaning`: how a language model is asked about adverts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Complete: TypeAlias = Callable[[str], Awaitable[Any] | Any]
"""Asks a language model: a prompt in, its answer (a text, or an object with `text` or `content`) out."""


class AICleaning(BaseModel):
    """How a language model is asked about adverts. Immutable.

    Example:
        >>> AICleaning(timeout=3).timeout
        3.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    model: str | None = Field(default=None, description="Who is asked; by default any other route of the same model.")
    prompt: str | Path | None = Field(
        default=None,
        description="A prompt of your own, or its file, with {lines} (numbered edges) or {text}; {mark} is optional.",
    )
    timeout: float = Field(default=5.0, gt=0, description="Seconds; after that, the result of the rules stands.")
    gate: Literal["suspect", "always"] | Callable[[str], bool] = Field(
        default="suspect",
        description="When the model is asked: if an edge has a label or a host seen nowhere else, always, or your own.",
    )
