"""`Resilience`: every knob of the engine, with its unit and default."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from g4f_integrations.errors import ConfigurationError


class Resilience(BaseModel):
    """How hard the engine tries, and for how long. Immutable; every time is in seconds.

    Example:
        >>> Resilience(max_attempts=4, first_token_timeout=5).stall_timeout
        20.0

    Raises:
        pydantic.ValidationError: A value is out of its range, or a name is unknown; the error names the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    max_attempts: int = Field(default=8, ge=1, description="Attempts made for one call at the most, of every sort.")
    attempts_per_route: int | None = Field(
        default=None,
        ge=1,
        description="Attempts on one route at the most; by default 2 with several candidates, else `max_attempts`.",
    )
    first_token_timeout: float | None = Field(
        default=20.0, gt=0, description="From sending a streamed attempt to its first text, reasoning or tool call."
    )
    stall_timeout: float | None = Field(
        default=20.0, gt=0, description="Between two such fragments, only while we wait for the route."
    )
    attempt_timeout: float | None = Field(
        default=60.0, gt=0, description="A non-streamed attempt, from connecting to the last byte."
    )
    deadline: float | None = Field(
        default=120.0, gt=0, description="From the call to the first thing handed over, all waits included."
    )
    total_timeout: float | None = Field(
        default=600.0, gt=0, description="The whole answer, without the time that the consumer holds a chunk."
    )
    backoff_initial: float = Field(
        default=0.5, ge=0, description="Base of the jittered wait before a route is asked again."
    )
    backoff_max: float = Field(default=20.0, ge=0, description="Longest such wait.")
    max_retry_after: float = Field(default=30.0, ge=0, description="Longest wait that a route may impose on a call.")
    rotate_providers: bool = Field(default=True, description="Whether other providers may serve the call.")
    rotate_models: bool = Field(default=True, description="Whether `fallback_models` may serve the call.")
    on_stream_failure: Literal["resume", "raise", "auto"] = Field(
        default="auto",
        description="What to do when a stream dies after text was handed over: have the next route carry it on, or "
        "raise `StreamInterruptedError`. 'auto' carries plain text on and raises where tools or structured output were "
        "asked for.",
    )
    hedge_after: float | Literal["p95"] | None = Field(
        default=None,
        description="Ask a second route beside the first when that has said nothing for so long, in seconds or as "
        "its own 95th percentile in this process ('p95'); the first real content wins. A budget keeps load from "
        "doubling.",
    )
    order: Literal["given", "adaptive"] = Field(
        default="given",
        description="The candidates' order: 'given', or 'adaptive', which takes the quicker of two drawn ones that are "
        "healthy, serve the same model and can do what the call asks.",
    )
    queue_timeout: float | None = Field(
        default=None,
        gt=0,
        description="Longest wait for a place where every route is at its cap; such waits do not count against "
        "`deadline`. By default a call waits for as long as it takes.",
    )
    rotate_on_content_filter: bool = Field(default=False, description="Whether a refusal by policy is routed around.")
    breaker_failures: int = Field(
        default=3,
        ge=1,
        description="Consecutive failures that take a route out; a timeout, a bad key or a missing model do at once.",
    )
    breaker_cooldown: float = Field(
        default=30.0,
        gt=0,
        description="How long a route stays out, at first; twice as long every time, up to 16 times.",
    )
    probe_beside: bool = Field(
        default=True,
        description="Whether a route whose cooldown is over is tried by a one-word question of ours beside the call, "
        "which a healthy route serves; if not, the next call that would rather have it tries it itself.",
    )
    store: Any = Field(
        default=None,
        exclude=True,
        description="Where routes' health is kept: a `HealthStore`, or the URL of one ('redis://host', "
        "'sqlite:///path', 'env:NAME' for the URL in that variable); by default one per process.",
    )

    @field_validator("store")
    @classmethod
    def _find_store(cls, value: Any) -> Any:
        if not isinstance(value, str):
            if value is not None and not callable(getattr(value, "view", None)):
                message = f"store must be the URL of a store, a HealthStore or None, not {type(value).__name__}"
                raise ValueError(message)
            return value
        # From far above this room: only who names a store by its URL needs it.
        return import_module("g4f_integrations.stores").store_at(value)

    @field_validator("hedge_after")
    @classmethod
    def _check_hedge(cls, value: float | Literal["p95"] | None) -> float | Literal["p95"] | None:
        if isinstance(value, float | int) and not value > 0:
            message = "hedge_after must be a positive number of seconds, 'p95' or None"
            raise ValueError(message)
        return value

    def with_shorthands(self, timeout: float | None = None, max_retries: int | None = None) -> Resilience:
        """This policy with the two shorthands of the model classes; fields given explicitly win over them.

        Args:
            timeout: Seconds for an attempt; lifts `first_token_timeout` to it and `deadline` to at least it.
            max_retries: Further attempts after the first one.

        Raises:
            ConfigurationError: One of them is out of its range.
        """
        changes: dict[str, Any] = {}
        if timeout is not None:
            if not isinstance(timeout, int | float) or not timeout > 0:
                message = f"timeout must be a positive number of seconds, not {timeout!r}"
                raise ConfigurationError(message)
            changes["attempt_timeout"] = changes["first_token_timeout"] = timeout
            if self.deadline is not None:
                changes["deadline"] = max(self.deadline, timeout)
            if self.total_timeout is not None:
                changes["total_timeout"] = max(self.total_timeout, timeout)
        if max_retries is not None:
            if not isinstance(max_retries, int) or max_retries < 0:
                message = f"max_retries must be a whole number and not negative, but is {max_retries!r}"
                raise ConfigurationError(message)
            changes["max_attempts"] = max_retries + 1
        given = self.model_fields_set
        changes = {name: value for name, value in changes.items() if name not in given}
        if not changes:
            return self
        # The values are checked above; validating all fields anew would cost more than the rest of a call's set-up.
        # Shorthands do not count as given explicitly, or else the next ones (a call's after the model's) would lose.
        return self.model_construct(_fields_set=set(given), **{**dict(self), **changes})
