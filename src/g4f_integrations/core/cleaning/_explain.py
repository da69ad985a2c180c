"""Why something was taken out of a text, and why something else was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from g4f_integrations.core.cleaning._code import OPEN_TEXT
from g4f_integrations.core.cleaning._results import Cleaned, Removed, removed_by
from g4f_integrations.core.cleaning._rules import Rule
from g4f_integrations.core.cleaning._ruleset import Ruleset
from g4f_integrations.core.cleaning._scanner import Scanner
from g4f_integrations.core.failures import Failure


@dataclass(frozen=True, slots=True)
class Explained:
    """A span that was taken out, with what spoke for it.

    Attributes:
        removed: The span.
        signals: What spoke for it: where it stands, that its frame fits, whose advert it is, what the prompt says.
    """

    removed: Removed
    signals: dict[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A span that fits a rule and stays.

    Attributes:
        rule: The rule's id.
        start: Where it begins.
        end: Where it ends.
        text: What it holds.
        reason: Why it stays.
    """

    rule: str
    start: int
    end: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What cleaning does with a text, and why.

    Attributes:
        text: What is left.
        removed: Every span that was taken out.
        refused: Spans that fit a rule and stay.
        notice: The failure that the whole answer is.
    """

    text: str
    removed: list[Explained] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notice: Failure | None = None

    def __str__(self) -> str:
        lines = [
            f"removed {item.removed.start}-{item.removed.end} by {item.removed.rule}: "
            + "; ".join(f"{name}: {value}" for name, value in item.signals.items())
            for item in self.removed
        ]
        lines += [f"kept {item.start}-{item.end}, though {item.rule} fits: {item.reason}" for item in self.refused]
        return "\n".join(lines) or "nothing fits a rule"


def explain(
    cleaned: Cleaned, text: str, provider: str | None, prompt: str | None, rules: Sequence[Rule]
) -> Explanation:
    """What `cleaned` means for `text`.

    Args:
        cleaned: The result.
        text: The original.
        provider: Who gave it.
        prompt: The user's own words.
        rules: All rules, of other providers as well.
    """
    by_id = {rule.id: rule for rule in rules}
    removed = [
        Explained(found, _signals(found, by_id.get(found.rule), text, provider, prompt)) for found in cleaned.removed
    ]
    return Explanation(cleaned.text, removed, _refused(cleaned, text, provider, prompt, rules), cleaned.notice)


def _signals(found: Removed, rule: Rule | None, text: str, provider: str | None, prompt: str | None) -> dict[str, str]:
    head, tail = not text[: found.start].strip(), not text[found.end :].strip()
    place = "the whole text" if head and tail else "head" if head else "tail" if tail else "middle"
    signals = {"anchor": place}
    if rule is None:
        return {**signals, "match": "the whole answer is a notice"}
    signals["match"] = "an unfinished frame at the end" if found.unfinished else "a whole frame"
    if "*" in rule.owners:
        signals["provider"] = "anybody's"
    elif provider is None:
        signals["provider"] = f"unknown; {rule.owners[0]}'s"
    else:
        owned = any(part in provider.lower() for part in rule.owners)
        signals["provider"] = f"{provider} {'adds it' if owned else 'hands on what others add'}"
    signals["prompt"] = "silent" if prompt else "none"
    return signals


def _refused(
    cleaned: Cleaned, text: str, provider: str | None, prompt: str | None, rules: Sequence[Rule]
) -> list[Refused]:
    taken = [(found.start, found.end) for found in cleaned.removed]
    words = (prompt or "").lower()
    refused: list[Refused] = []
    for ruleset, reason in zip(_blind_rulesets(tuple(rules)), _REASONS, strict=True):
        scanner = Scanner(ruleset)
        scanner.feed(text)
        scanner.flush()
        for found in removed_by(scanner.cuts):
            if any(found.start < end and start < found.end for start, end in taken):
                continue
            taken.append((found.start, found.end))
            rule = next(rule for rule in rules if rule.id == found.rule)
            why = _reason(rule, provider, words) or (_REASONS[0] if _is_in_code(text, found) else reason)
            refused.append(Refused(found.rule, found.start, found.end, found.text, why))
    return sorted(refused, key=lambda item: item.start)


_REASONS = ("code, a quotation or the colon before it protects it", "it stands where such an advert does not")


@lru_cache(maxsize=4)
def _blind_rulesets(rules: tuple[Rule, ...]) -> tuple[Ruleset, Ruleset]:
    """The rules, blind to everything but frames and anchors; and to anchors as well."""
    blind = [replace(rule, protected=(), spared_by=(), cuts="never", action="delete") for rule in rules]
    loose = [
        replace(rule, anchor=("any",), after=("line", "blank", "glued"), whole=True)
        for rule in blind
        if rule.pattern is None
    ]
    return Ruleset(blind), Ruleset(loose)


def _is_in_code(text: str, found: Removed) -> bool:
    before = f"\n{text[: found.start]}\n"
    return OPEN_TEXT.after_text(before, 0, len(before) - 1).fence is not None


def _reason(rule: Rule, provider: str | None, words: str) -> str | None:
    if not rule.applies_to(provider):
        return f"{provider} neither adds it nor hands it on"
    evidence = rule.asked_for(words) if words else None
    return None if evidence is None else f"the conversation holds {evidence!r}"
