"""What trimming did to a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to a conversation so that it fits.

    Attributes:
        messages_removed: How many messages were left out.
        messages_cut: How many were cut in their middle.
        tokens_before: Tokens of the whole conversation and the tools' schemas. Where more than 200 messages were left
            out, those are extrapolated from a sample: what is left out is not worth counting.
        tokens_after: Tokens of what is left, counted.
        limit: The tokens that it had to fit into; or characters or messages, where `limit_source` says so.
        limit_source: Who says so: ``"given"``, ``"settings"``, ``"route"``, ``"known"``, ``"endpoint"``,
            ``"learned"``; with ``" (characters)"`` or ``" (messages)"`` behind it, where not tokens are limited
            (``"settings (messages)"`` is `Trimming.keep_last`).
        summarized: Whether a summary stands in the place of what was left out.
    """

    messages_removed: int = 0
    messages_cut: int = 0
    tokens_before: int = 0
    tokens_after: int = 0
    limit: int = 0
    limit_source: str = "given"
    summarized: bool = False

    @property
    def changed(self) -> bool:
        """Whether anything was done at all."""
        return self.messages_removed > 0 or self.messages_cut > 0

    def __str__(self) -> str:
        """One line for the log."""
        return (
            f"{self.messages_removed} messages left out, {self.messages_cut} cut: {self.tokens_before:,} -> "
            f"{self.tokens_after:,} tokens for {self.limit:,} ({self.limit_source})"
            f"{', with a summary' if self.summarized else ''}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The ``trimmed`` entry of an answer's metadata."""
        return {
            "messages_removed": self.messages_removed,
            "messages_cut": self.messages_cut,
            "tokens_before": self.tokens_before,
            "tokens_after": self.tokens_after,
            "limit": self.limit,
            "limit_source": self.limit_source,
            "summarized": self.summarized,
        }


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A conversation that fits.

    Attributes:
        messages: The very list that was given if nothing had to be done; else a new list of the same messages, save
            those that were cut and a summary.
        report: What was done.
    """

    messages: list[Mapping[str, Any]]
    report: Report
