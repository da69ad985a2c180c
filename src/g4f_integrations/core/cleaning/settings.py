"""`Cleaning` and `AICleaning`: what is taken out of answers, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from g4f_integrations.core.cleaning._ai_settings import AICleaning, Complete
from g4f_integrations.core.cleaning._results import Cleaned, Removed, merged
from g4f_integrations.core.cleaning._rules import CATEGORIES, Category, Rule, combine
from g4f_integrations.core.cleaning._ruleset import Ruleset
from g4f_integrations.core.cleaning._stream import CleaningStream
from g4f_integrations.core.failures import classify_content

if TYPE_CHECKING:
    from g4f_integrations.core.cleaning._ai_stream import AICleaningStream
    from g4f_integrations.core.cleaning._explain import Explanation


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
            if len(self._by_provider) >= 1024:  # names of routes are the user's and may be many
                self._by_provider.clear()
            self._by_provider[provider] = found
        return found

    def is_ready(self, provider: str | None) -> bool:
        return provider in self._by_provider and None in self._by_provider

    def foreign(self, provider: str | None) -> tuple[str, ...]:
        """Literals of the adverts that `provider` neither adds nor hands on; a mere host is nobody's own."""
        return tuple(
            need
            for rule in self.rules
            if rule.category == "ads" and not rule.applies_to(provider)
            for need in rule.all_needs
            if not need.endswith("/")
        )


@lru_cache(maxsize=32)
def _rulebook(changes: tuple[Rule | str | Path, ...], categories: frozenset[Category]) -> _Rulebook:
    return _Rulebook(changes, categories)


class Cleaning(BaseModel):
    r"""What is taken out of answers: adverts, stray tokens, dead citations. Immutable.

    Example:
        >>> text = "Yes.\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"
        >>> Cleaning().clean(text, provider="Airforce").text
        'Yes.'

    Raises:
        pydantic.ValidationError: A value is out of its range, or a name is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    mode: Literal["rules", "off", "ai", "hybrid"] = Field(
        default="rules",
        description="Rules alone; nothing; or a language model that points at adverts, alone or after the rules.",
    )
    categories: frozenset[Category] = Field(
        default=CATEGORIES,
        description="What is cleaned: ads, markers (stray tokens), citations, tracking (parameters), notices.",
    )
    rules: tuple[Rule | str | Path, ...] = Field(
        default=(),
        description="Changes to the shipped rules: `Rule` objects, TOML files, and '-id' or '-group/*' to switch off.",
    )
    ai: AICleaning = Field(default_factory=AICleaning, description="How a language model is asked, in its modes.")
    on_clean: Callable[[list[Removed]], Any] | None = Field(
        default=None, exclude=True, description="Called with what was taken out of an answer, if anything was."
    )

    def ruleset(self, provider: str | None) -> Ruleset | None:
        """The compiled rules for `provider`, or ``None`` where none are used."""
        if self.mode in {"off", "ai"}:
            return None
        return _rulebook(self.rules, self.categories).ruleset(provider)

    def is_ready(self, provider: str | None) -> bool:
        """Whether the rules for `provider`, and those for earlier answers, need not be compiled any more."""
        return self.mode == "off" or _rulebook(self.rules, self.categories).is_ready(provider)

    def prepare(self, providers: Iterable[str]) -> None:
        """Compile the rules for `providers` and for earlier answers, some hundredths of a second's work.

        Raises:
            ConfigurationError: A user's rule is wrong.
        """
        rulebook = _rulebook(self.rules, self.categories)
        for provider in (None, *providers):
            rulebook.ruleset(provider)

    def clean(self, text: str, *, provider: str | None = None, prompt: str | None = None) -> Cleaned:
        """Clean a whole text by the rules.

        Args:
            text: The answer.
            provider: Who gave it: the name of a provider or a host; if unknown, all rules count.
            prompt: The user's own words of the conversation; what they hold stays.

        Raises:
            ConfigurationError: A user's rule is wrong.
        """
        return self._clean(text, provider, prompt, report=True)

    def _clean(self, text: str, provider: str | None, prompt: str | None, *, report: bool) -> Cleaned:
        ruleset = self.ruleset(provider)
        if self.mode == "off" or not text:
            return Cleaned(text)
        if ruleset is None or not ruleset.may_match(text):
            notices = "notices" in self.categories
            notice = classify_content(text, provider=provider, prompt=prompt, unseen=False) if notices else None
            if notice is None or notice.kind == "empty":
                return Cleaned(text)
        stream = self.stream(provider=provider, prompt=prompt, report=report)
        cleaned = stream.clean_whole(text)
        return Cleaned(cleaned, stream.removed, stream.notice, stream.flagged)

    async def aclean(
        self, text: str, *, provider: str | None = None, prompt: str | None = None, complete: Complete | None = None
    ) -> Cleaned:
        """Clean a whole text, in the modes ``"ai"`` and ``"hybrid"`` with a language model's help.

        The model points at lines of the text's edges; what it points at is taken out only if it looks like an advert,
        so a model that errs, lies, is late or fails leaves the result of the rules; so it does in the mode ``"ai"``, in
        which there are none as long as the model answers.

        Args:
            text: The answer.
            provider: Who gave it.
            prompt: The user's own words.
            complete: Takes a prompt and gives the model's text, or an awaitable of it. It should not ask the route
                that gave the answer, and its own answers should not be cleaned with AI. Without it, rules alone.

        Raises:
            ConfigurationError: A user's rule is wrong.
        """
        from g4f_integrations.core.cleaning import _ai  # few ask for it

        asks = complete is not None and self.asks_model
        if self.mode == "ai" and not asks:
            cleaned = self.by_rules.clean(text, provider=provider, prompt=prompt)
        else:
            cleaned = self._clean(text, provider, prompt, report=False)
        known = any(removed.category == "ads" for removed in cleaned.removed)
        open_question = not known and cleaned.notice is None and cleaned.text.strip()
        if complete is not None and asks and open_question and await _ai.opens_gate(self.ai, cleaned.text, prompt):
            spans = await _ai.find_with_ai(
                self.ai,
                cleaned.text,
                provider=provider,
                prompt=prompt,
                complete=complete,
                foreign=_rulebook(self.rules, self.categories).foreign(provider),
            )
            if spans is None and self.mode == "ai":
                cleaned = self.by_rules.clean(text, provider=provider, prompt=prompt)
            cleaned = merged(text, cleaned, _ai.removed_at(spans or (), cleaned.text))
        if self.on_clean is not None and (cleaned.removed or cleaned.notice is not None):
            self.on_clean(cleaned.removed)
        return cleaned

    @property
    def asks_model(self) -> bool:
        """Whether a language model is asked about adverts."""
        return self.mode in {"ai", "hybrid"} and "ads" in self.categories

    @property
    def by_rules(self) -> Cleaning:
        """The same by the rules alone, for where no model is to be asked or answers; it calls nobody back."""
        return self.model_copy(update={"mode": "rules", "on_clean": None})

    def ai_stream(
        self,
        complete: Complete,
        *,
        provider: str | None = None,
        prompt: str | None = None,
        notices: bool | None = None,
        report: bool = True,
        whole: bool = False,
    ) -> AICleaningStream:
        """A filter for one text that comes in pieces, whose end a language model looks at.

        It holds the newest paragraph back, and paragraphs before it for as long as they look like adverts. At the end,
        await its ``finish()`` instead of calling ``flush()``.

        Args:
            complete: As for `aclean`.
            provider: As for `clean`.
            prompt: As for `clean`.
            notices: As for `stream`.
            report: As for `stream`.
            whole: Whether all of the text is held, so that the model sees its head, too.
        """
        from g4f_integrations.core.cleaning._ai_stream import AICleaningStream  # few ask for it

        return AICleaningStream(
            self.stream(provider=provider, prompt=prompt, notices=notices, report=False),
            self.ai if self.asks_model else None,
            complete,
            rules=self.by_rules if self.mode == "ai" else None,
            provider=provider,
            prompt=prompt,
            on_end=self.on_clean if report else None,
            whole=whole,
            foreign=_rulebook(self.rules, self.categories).foreign(provider),
        )

    def explain(self, text: str, *, provider: str | None = None, prompt: str | None = None) -> Explanation:
        """What `clean` takes out of a text and by which signals, and what it leaves and why.

        Args:
            text: As for `clean`.
            provider: As for `clean`.
            prompt: As for `clean`.
        """
        from g4f_integrations.core.cleaning._explain import explain  # few ask for it

        rulebook = _rulebook(self.rules, self.categories)
        return explain(self._clean(text, provider, prompt, report=False), text, provider, prompt, rulebook.rules)

    def suggestions(self, text: str, *, provider: str, prompt: Callable[[], str]) -> list[dict[str, Any]]:
        """The metadata's entries on what `provider` repeats in its answers and no rule knows; see `RepeatedParagraphs`.

        Args:
            text: An answer, after cleaning.
            provider: Who gave it.
            prompt: Tells what was asked; called only when it matters.
        """
        if self.mode == "off" or "ads" not in self.categories:
            return []
        from g4f_integrations.core.cleaning._memory import REPEATED  # of use to answers alone

        found = REPEATED.note(text, provider, prompt)
        return [suggestion.to_dict() for suggestion in found] if found else []

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
        from g4f_integrations.core.cleaning._history import clean_history  # most calls need none

        return clean_history(self, messages)
