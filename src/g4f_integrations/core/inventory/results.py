"""What the catalogue answers with: typed rows that turn into plain data and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any, Protocol, TypeVar

from g4f_integrations.core.catalog.measured import Measured
from g4f_integrations.core.routes import Endpoint, Route
from g4f_integrations.errors import ConfigurationError


class Row(Protocol):
    """One result."""

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON data."""


RowT = TypeVar("RowT", bound=Row)


class Rows(list[RowT]):
    """A list of results.

    Example:
        >>> Rows([Measured("Groq:m", calls=1)]).to_dict()[0]["calls"]
        1
    """

    def to_dict(self) -> list[dict[str, Any]]:
        """Each row as plain JSON data."""
        return [row.to_dict() for row in self]

    def to_pandas(self) -> Any:
        """The rows as a ``pandas.DataFrame``, one column for each field.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            message = "to_pandas() needs pandas: pip install pandas. to_dict() gives the same as plain lists and dicts"
            raise ConfigurationError(message) from error
        return pandas.DataFrame(self.to_dict())


@dataclass(frozen=True, slots=True)
class RouteInfo:
    """One way to reach a model; the model classes take it where they take a `Route`.

    Attributes:
        route: The route itself.
        provider: The provider's name, or the endpoint's host.
        model: The model's id there; ``None`` for whatever it takes by itself.
        window: Tokens that request and answer may have together: what the route's refusals have shown, else what its
            list or our table tells; ``None`` if nobody knows.
        max_output: Tokens of the answer at the most; ``None`` if nobody knows.
        abilities: What its model is known to do.
        native_tools: Whether it takes tools by itself; elsewhere they are told in words. ``None``: it is found out.
        free: Whether it needs neither a key nor a login; ``None`` for endpoints.
        measured: What calls have shown of it: this process's, or of all that share the catalogue's store.
        sources: Where these facts come from.
    """

    route: Route | Endpoint
    provider: str
    model: str | None
    window: int | None = None
    max_output: int | None = None
    abilities: tuple[str, ...] = ()
    native_tools: bool | None = None
    free: bool | None = None
    measured: Measured = field(default_factory=lambda: Measured(""))
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def label(self) -> str:
        """``"Provider:model"``."""
        return self.route.label

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON data, without the route itself and its key."""
        names = ("provider", "model", "window", "max_output", "native_tools", "free")
        return {
            "route": self.label,
            **{name: getattr(self, name) for name in names},
            "abilities": list(self.abilities),
            "measured": self.measured.to_dict(),
            "sources": dict(self.sources),
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking one provider or endpoint for its models.

    Attributes:
        source: The provider's name, or the endpoint's host.
        kind: ``"provider"`` or ``"endpoint"``.
        asked_at: When, in seconds since the epoch.
        seconds: How long it took.
        models: How many models it listed; of one that failed now, how many it had listed before.
        told_at: When it last listed them, ``None`` if never.
        error_kind: Kind of the failure, in the words of `Attempt.outcome`; ``None`` if it answered.
        error: What went wrong, without credentials.
    """

    source: str
    kind: str
    asked_at: float
    seconds: float
    models: int = 0
    told_at: float | None = None
    error_kind: str | None = None
    error: str = ""

    @property
    def ok(self) -> bool:
        """Whether it answered."""
        return self.error_kind is None

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON data; times in ISO form."""
        return {**asdict(self), "ok": self.ok, "asked_at": as_iso(self.asked_at), "told_at": as_iso(self.told_at)}


def as_iso(moment: float | None) -> str | None:
    """A moment in seconds since the epoch in ISO form, in UTC."""
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # a stranger's file can hold any number
        return None
