"""Errors that no phrase knows, read by what they speak of (`data/error_concepts.toml`), whatever their sentence is."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._phrases import kind_in, load_data

_NEAR = 60  # characters between the beginnings of words that are said of each other
# What is read of one text. Beyond its head, an error echoes the request, in which any words stand near any others.
_HEAD, _TAIL = 1500, 500
_REMEMBERED = 128  # texts: a route that fails mostly fails in the same words

_ADDRESS = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>]{1,2000}+")
_COMPOUND = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_END = re.compile(r"[.;!?] |[\u3002\uff1b\uff01\uff1f]")
_PAUSE = 15  # characters that the end of a sentence counts for
_JOINED = re.compile(r"[_\-\s]+")
_BORDERLESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\w(]")
_BORDER = r"(?<![^\W\d_])"


@dataclass(frozen=True)
class ConceptRule:
    """Concepts that tell of a kind when they stand together.

    Attributes:
        kind: What they tell of.
        concepts: Names of the file's lists of words, at least one.
        weight: How much this speaks for the kind.
        within: Characters within which all of them must begin.
        ordered: Whether they must come in their order.
        unless: Concepts of which none may stand anywhere in the text.
        whole: Whether names of classes and codes count too.
    """

    kind: Outcome
    concepts: tuple[str, ...]
    weight: int
    within: int = _NEAR
    ordered: bool = False
    unless: tuple[str, ...] = ()
    whole: bool = False


@cache
def _word(concept: str) -> re.Pattern[str]:
    words = load_data("error_concepts.toml")["concepts"][concept]
    # Words of scripts without spaces have no borders, and stand against Latin letters without one; signs do as well.
    unspaced = [word for word in words if _BORDERLESS.match(word)]
    spaced = "|".join(word for word in words if not _BORDERLESS.match(word))
    return re.compile("|".join([f"{_BORDER}(?:{spaced})", *unspaced] if spaced else unspaced))


@cache
def _envelopes() -> re.Pattern[str]:
    return re.compile(f"{_BORDER}(?:{'|'.join(load_data('error_concepts.toml')['envelopes'])})")


@cache
def concept_rules() -> tuple[ConceptRule, ...]:
    """All rules of the file, in its order."""
    return tuple(
        ConceptRule(
            kind=kind_in(entry, "error_concepts.toml"),
            concepts=tuple(entry["concepts"]),
            weight=entry["weight"],
            within=entry.get("within", _NEAR),
            ordered=entry.get("ordered", False),
            unless=tuple(entry.get("unless", ())),
            whole=entry.get("whole", False),
        )
        for entry in load_data("error_concepts.toml")["reading"]
    )


def plain_words(text: str) -> str:
    """`text` in lower case and without addresses, its compounds taken apart; of a long one the start and the end.

    Example:
        >>> plain_words("ContextWindowExceeded: max_seq_len 8192")
        'context window exceeded: max seq len 8192'
    """
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    lowered = _COMPOUND.sub(" ", _ADDRESS.sub("", text)).lower().replace("\u2019", "'").replace("n't", " not")
    return _JOINED.sub(" ", lowered)


class _Words:
    """One text, and where each concept stands in it, looked up once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends = [found.start() for found in _END.finditer(text)]
        self._found: dict[str, list[int]] = {}

    def _places(self, concept: str) -> list[int]:
        if concept not in self._found:
            starts = (found.start() for found in _word(concept).finditer(self._text))
            self._found[concept] = [start + _PAUSE * bisect(self._ends, start) for start in starts]
        return self._found[concept]

    def tell(self, rule: ConceptRule) -> bool:
        if not all(map(self._places, rule.concepts)) or any(map(self._places, rule.unless)):
            return False
        last: dict[str, int] = {}
        places = sorted((place, name) for name in rule.concepts for place in self._places(name))
        for place, concept in places:
            last[concept] = place
            if len(last) < len(rule.concepts) or place - min(last.values()) > rule.within:
                continue
            if not rule.ordered or [last[name] for name in rule.concepts] == sorted(last.values()):
                return True
        return False


@lru_cache(maxsize=_REMEMBERED)
def weigh_concepts(words: str) -> Mapping[Outcome, int]:
    """How much speaks for each kind in the `plain_words` of a text, kinds of the file's first rules first.

    Kinds for which nothing speaks are absent.

    Example:
        >>> dict(weigh_concepts("llm busy no slots available"))
        {'overloaded': 5}
    """
    whole, said = _Words(words), _Words(_envelopes().sub(" ", words))
    weights: dict[Outcome, int] = {}
    for rule in concept_rules():
        if (whole if rule.whole else said).tell(rule):
            weights[rule.kind] = weights.get(rule.kind, 0) + rule.weight
    return MappingProxyType(weights)
