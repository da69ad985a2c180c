"""Exception or text → `Failure`; the one owner of notices (interface; being filled in)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from g4f_integrations.core.events import Outcome

Scope: TypeAlias = Literal["request", "key", "model", "provider", "everyone"]


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong on one attempt."""

    kind: Outcome
    retry_after: float | None = None
    limit: int | None = None
    requested: int | None = None
    scope: Scope = "provider"
    message: str = ""
    status: int | None = None
