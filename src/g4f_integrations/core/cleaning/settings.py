"""`Cleaning` and `AICleaning`: what is taken out of answers, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from g4f_integrations.core.cleaning._results import Cleaned, Removed
from g4f_integrations.core.cleaning._rules import CATEGORIES, Category, Rule, combine
from g4f_integrations.core.cleaning._ruleset import Ruleset
from g4f_integrations.core.cleaning._stream import CleaningStream
from g4f_integrations.core.failures import classify_content


class _Rulebook:
    """The rules of one setting, compiled for each provider that asks."""

    __slots__ = ("_by_ids", "_by_provider", "rules")

    def __init__(self, changes: tuple[Rule | str | Path, ...], categories: frozenset[Category]) -> None:
        self.rules = tuple(rule for rule in combine(changes) if rule.category in categories)
        self._by_provider: dict[str | None, Ruleset] = {}
        self._by_ids: dict[tuple[str, ...], Ruleset] = {}

    def ruleset(self, provider: str | None) -> Ruleset:
        found = self._by_provider.get(provider)
        if found is None:
            rules = tuple(rule for rule in self.rules if rule.applies_to(provider))
            ids = tuple(rule.id for rule in rules)
            found = self._by_ids.get(ids)
            if found is None:
                found = self._by_ids[ids] = Ruleset(rules)
            if len(self._by_provider) >= 1024:  # noqa: PLR2004 - names of routes are the user's and may be many
                self._by_provider.clear()
            self._by_provider[provider] = found
        return found


@lru_cache(maxsize=32)
def _rulebook(changes: tuple[Rule | str | Path, ...], categories: frozenset[Category]) -> _Rulebook:
    return _Rulebook(changes, categories)


class Cleaning(BaseModel):
    """What is taken out of answers: adverts, stray tokens, dead citations. Immutable.

    Example:
        >>> Cleaning().clean("Yes.\\n\\nNeed proxies cheaper than the market?\\nhttps://op.wtf", provider="Airforce").text
        'Yes.'

    Raises:
        pydantic.ValidationError: A value is out of its range, or a name is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    mode: Literal["rules", "off", "ai", "hybrid"] = Field(
        default="rules",
        description="Rules alone; nothing at all; or a language model that points at adverts, alone or after the rules.",
    )
    categories: frozenset[Category] = Field(
        default=CATEGORIES,
        description="What is cleaned: ads, markers (stray tokens), citations, tracking (parameters), notices.",
    )
    rules: tuple[Rule | str | Path, ...] = Field(
        default=(),
        description="Changes to the shipped rules: `Rule` objects, TOML files, and '-id' or '-group/*' to switch off.",
    )
    on_clean: Callable[[list[Removed]], Any] | None = Field(
        default=None, exclude=True, description="Called with what was taken out of an answer, if anything was."
    )

    def ruleset(self, provider: str | None) -> Ruleset | None:
        """The compiled rules for `provider`, or ``None`` where none are used."""
        if self.mode in {"off", "ai"}:
            return None
        return _rulebook(self.rules, self.categories).ruleset(provider)

    def clean(self, text: str, *, provider: str | None = None, prompt: str | None = None) -> Cleaned:
        """Clean a whole text by the rules.

        Args:
            text: The answer.
            provider: Who gave it: the name of a provider or a host; if unknown, all rules count.
            prompt: The user's own words of the conversation; what they hold stays.

        Raises:
            ConfigurationError: A user's rule is wrong.
        """
        ruleset = self.ruleset(provider)
        if self.mode == "off" or not text:
            return Cleaned(text)
        notices = "notices" in self.categories
        if ruleset is None or not ruleset.may_match(text):
            # Most answers hold none of the literal texts of which every match holds one.
            notice = classify_content(text, provider=provider, prompt=prompt) if notices else None
            if notice is None or notice.kind == "empty":
                return Cleaned(text)
        stream = self.stream(provider=provider, prompt=prompt)
        cleaned = stream.clean_whole(text)
        return Cleaned(cleaned, stream.removed, stream.notice, stream.flagged)

    def stream(
        self,
        *,
        provider: str | None = None,
        prompt: str | None = None,
        notices: bool | None = None,
        report: bool = True,
    ) -> CleaningStream:
        """A filter for one text that comes in pieces.

        Args:
            provider: As for `clean`.
            prompt: As for `clean`.
            notices: Whether it also withholds an answer that is wholly a notice; by default as `categories` say.
            report: Whether `on_clean` is called at its end.
        """
        if self.mode == "off":
            return CleaningStream(None, notices=False)
        wanted = "notices" in self.categories if notices is None else notices
        on_end = self.on_clean if report else None
        return CleaningStream(self.ruleset(provider), provider=provider, prompt=prompt, notices=wanted, on_end=on_end)

    def clean_history(
        self, messages: Sequence[Mapping[str, Any]]
    ) -> tuple[Sequence[Mapping[str, Any]], list[dict[str, Any]]]:
        """Clean the assistant's turns of a conversation before they are sent again.

        Models copy adverts that they find in their own answers. The user's words protect what they hold, and a turn
        of which nothing would be left stays as it is. Tool calls are not touched.

        Args:
            messages: In OpenAI wire form; they are not changed.

        Returns:
            The messages, the very same object if nothing was removed; and for each span the metadata's entry, with the
            number of its ``message``.
        """
        from g4f_integrations.core.cleaning._history import clean_history  # noqa: PLC0415 - most calls need none

        return clean_history(self, messages)
