"""`Trimming`: how a conversation is made to fit a route's window."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Message: TypeAlias = Mapping[str, Any]
Scorer: TypeAlias = Callable[[Message], float] | Callable[[Message], Awaitable[float]]
Summarizer: TypeAlias = Callable[[Sequence[Message]], str] | Callable[[Sequence[Message]], Awaitable[str]]


class Trimming(BaseModel):
    """What is left out when a conversation outgrows a route's window. Immutable.

    What always holds: system and developer messages stay, the last user message stays, a tool call and its results go
    or stay together, nothing is reordered, and after the system part comes a user message. A conversation that fits
    goes as it is.

    Example:
        >>> Trimming(keep_first=2, max_tokens=16_000).fraction
        0.9

    Raises:
        pydantic.ValidationError: A value is out of its range, or a name is unknown; the error names the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens of messages and tool schemas at the most, whatever the route can take."
    )
    reserve: int | Literal["auto"] = Field(
        default="auto",
        description="Tokens of the window kept free for the answer. 'auto': the call's `max_tokens`, else what the "
        "model can write but not more than 4,096 and a quarter of the window.",
    )
    strategy: Literal["fraction", "last", "none"] = Field(
        default="fraction",
        description="'fraction': the newest messages that fit into `fraction` of the window; 'last': the newest "
        "`keep_last` messages, if they fit; 'none': nothing is ever left out.",
    )
    fraction: float = Field(
        default=0.9, gt=0, le=1, description="Share of the window, less the reserve, that is used: counts may differ."
    )
    keep_last: int | None = Field(
        default=None,
        ge=1,
        description="With 'last': how many messages stay, the system part not counted. With 'fraction': the newest "
        "messages that never go.",
    )
    keep_system: bool = Field(default=True, description="Whether system and developer messages always stay.")
    keep_first: int = Field(default=0, ge=0, description="Messages after the system part that always stay.")
    truncate_long: bool = Field(
        default=True, description="Whether a message too long for the window by itself is cut in its middle."
    )
    score: Scorer | None = Field(
        default=None,
        exclude=True,
        description="What a message is worth, a number: with it the best messages stay instead of the newest. "
        "Sync or async.",
    )
    summarize: bool | Summarizer | None = Field(
        default=None,
        description="Put a summary in the place of what is left out: True asks the model itself; or a function of the "
        "messages that returns the text. Sync or async.",
    )
    on_overflow: Literal["trim", "raise"] = Field(
        default="trim", description="Whether a conversation that is too long is trimmed, or raises ContextLengthError."
    )
    learn_limits: bool = Field(
        default=True, description="Whether a route's refusals for length teach its window to this process."
    )

    @model_validator(mode="after")
    def _check(self) -> Trimming:
        if self.strategy == "last" and self.keep_last is None:
            message = "strategy='last' needs keep_last, the number of messages that stay"
            raise ValueError(message)
        if isinstance(self.reserve, int) and self.reserve < 0:
            message = "reserve must be 'auto' or a number of tokens that is not negative"
            raise ValueError(message)
        return self


def is_async(function: Any) -> bool:
    """Whether what a user's function gives has to be awaited: an async one, or an object whose call is async."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
