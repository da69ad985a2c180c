"""The wordings of errors, which are data (`data/error_phrases.toml`): a text → the kind of failure it speaks of."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any, get_args

from g4f_integrations.core.events import Outcome

# What is looked at of one error. Real messages are shorter; what is longer is a page or an echo of the request, and
# says what it is at its start or, if it is a traceback, at its end.
_HEAD, _TAIL = 4000, 1500
_ESCAPED = re.compile(r"""(?<!\\)\\++(?:u([0-9a-fA-F]{4})|(["'/]))""")


def bounded(text: str) -> str:
    """The start and the end of `text`, of bounded length together."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"


def unescaped(text: str) -> str:
    r"""`text` as its JSON means it: ``\u003e`` is ``>`` and ``\"`` a quotation mark, however often it was wrapped.

    Bodies are read as they came, for not all are sound JSON; servers in Go escape ``>``, those in PHP every letter
    beyond ASCII, and relays put what they were told into a string of their own.

    Example:
        >>> unescaped(r"9000 tokens \u003e 4096")
        '9000 tokens > 4096'
    """
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


@dataclass(frozen=True)
class PhraseRule:
    """One rule of the file: the kind it stands for, and the wordings that it knows."""

    kind: Outcome
    strong: bool
    sources: tuple[str, ...] = field(repr=False)
    topic: str | None = None
    unless: str | None = field(default=None, repr=False)

    @cached_property
    def _found(self) -> tuple[re.Pattern[str], ...]:
        # Compiled when a text first gets this far. One by one: a search for a pattern that begins with a literal is
        # much faster than one for a long alternation.
        return tuple(re.compile(source) for source in self.sources)

    @cached_property
    def _refuted(self) -> re.Pattern[str] | None:
        return None if self.unless is None else re.compile(self.unless)

    def fits(self, lowered: str) -> bool:
        """Whether the lower-cased text speaks of this kind."""
        if not any(pattern.search(lowered) for pattern in self._found):
            return False
        return self._refuted is None or self._refuted.search(lowered) is None


@cache
def load_data(name: str) -> dict[str, Any]:
    """The parsed TOML file `name` of `core/data`."""
    text = resources.files("g4f_integrations.core").joinpath("data", name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def kind_in(entry: Mapping[str, Any], name: str) -> Outcome:
    """The kind that an entry of the data file `name` stands for.

    Raises:
        ValueError: There is no such kind.
    """
    kind: Outcome = entry["kind"]
    if kind not in get_args(Outcome):
        message = f"{name} names the unknown kind {kind!r}"
        raise ValueError(message)
    return kind


@cache
def phrase_rules() -> tuple[PhraseRule, ...]:
    """All rules, in the order in which they are asked."""
    return tuple(
        PhraseRule(
            kind=kind_in(entry, "error_phrases.toml"),
            strong=entry["strength"] == "strong",
            sources=tuple(entry["patterns"]),
            topic=entry.get("topic"),
            unless=entry.get("unless"),
        )
        for entry in load_data("error_phrases.toml")["rule"]
    )


def kind_of_text(lowered: str, *, strong: bool) -> Outcome | None:
    """The kind that the lower-cased, bounded text speaks of, by the strong or the weak rules, if any."""
    for rule in phrase_rules():
        if rule.strong is strong and rule.fits(lowered):
            return rule.kind
    return None


def tells_of(topic: str, lowered: str) -> bool:
    """Whether a rule of that `topic` fits the lower-cased, bounded text."""
    return any(rule.topic == topic and rule.fits(lowered) for rule in phrase_rules())
