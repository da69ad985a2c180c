"""`Rule`: one advert or artefact, as data; the rules that ship with the package, and those that users bring along."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from g4f_integrations.core.automaton import FrameError
from g4f_integrations.core.cleaning._patterns import check_pattern
from g4f_integrations.errors import ConfigurationError

Category: TypeAlias = Literal["ads", "markers", "citations", "tracking", "notices"]
"""What can be switched off apart: adverts, stray tokens, dead citations, tracking parameters, whole-answer notices."""

CATEGORIES: frozenset[Category] = frozenset(get_args(Category))
LONGEST = 2000
"""Characters that a match may have, unless its rule says otherwise; also the window of a user's regular expression."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what must be left of it; tested when the rule is loaded."""

    text: str
    clean: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One advert or artefact.

    Example:
        >>> rule = Rule("mine/footer", frames=("Brought to you by {word}{end}",), owners=("mine",))
        >>> rule.applies_to("api.mine.example"), rule.applies_to("OpenRouter")
        (True, False)

    Attributes:
        id: Its name in metadata and explanations; a user's rule replaces the shipped one of the same id.
        category: ``"ads"``, ``"markers"``, ``"citations"`` or ``"tracking"``.
        owners: Parts of the names of the providers and hosts that add it, in lower case; ``"*"`` for all.
        relays: Parts of the names of those that may hand on anybody's texts; ``None`` for the usual ones.
        anchor: Where it stands: ``"head"``, ``"tail"`` (only white space follows), ``"any"``.
        after: What comes directly before it, unless it stands at the head: a line end (``"line"``), at least a
            blank line (``"paragraph"``), a blank on the same line (``"blank"``), one behind the end of a sentence
            (``"sentence"``), or another character (``"glued"``).
        whole: Whether it counts if nothing stands before it, though it is no head rule.
        frames: The texts, in the language of `_frames`.
        pattern: A regular expression instead, for the text from `opener` to its end (user rules only).
        opener: The literal text that `pattern` begins with.
        needs: Texts of which one is in every match; found out from the frames if they are none.
        evidence: Texts that keep the match in the answer if the user's own words hold one of them; `needs` if empty.
        blanks: The white space that goes with it: ``"around"`` (before it, and at the head and the tail also behind),
            ``"tail"`` (only at the end of the text), ``"none"``.
        protected: Where it stays: in closed code (``"code"``), in quotations and indented lines (``"quote"``), behind a
            colon that announces it or an opening quotation mark (``"shown"``).
        spared_by: Texts of which one, earlier in the answer, keeps the match.
        cuts: Whether an unfinished one at the text's end counts, after ``{!}``: always, only behind a line end, never.
        lazy: Whether a match ends as soon as it can.
        keeps: Characters at the beginning of a match that stay.
        longest: Characters that a match may have.
        action: ``"delete"``; ``"raise"`` also makes the answer a notice; ``"flag"`` only reports it; ``"spare"`` is for
            the look-outs of `spared_by`.
        examples: Tested at load.
        source: Where it was seen.
        since: When.
    """

    id: str
    category: Category = "ads"
    owners: tuple[str, ...] = ("*",)
    relays: tuple[str, ...] | None = None
    anchor: tuple[Literal["head", "tail", "any"], ...] = ("tail",)
    after: tuple[Literal["paragraph", "line", "sentence", "blank", "glued"], ...] = ("line",)
    whole: bool = False
    frames: tuple[str, ...] = ()
    pattern: str | None = None
    opener: str = ""
    needs: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    blanks: Literal["around", "tail", "none"] = "around"
    protected: tuple[Literal["code", "quote", "shown"], ...] = ("code", "quote", "shown")
    spared_by: tuple[str, ...] = ()
    cuts: Literal["always", "line", "never"] = "line"
    lazy: bool = False
    keeps: int = 0
    longest: int = LONGEST
    action: Literal["delete", "raise", "flag", "spare"] = "delete"
    examples: tuple[Example, ...] = field(default=(), compare=False)
    source: str = ""
    since: str = ""

    def __post_init__(self) -> None:
        if bool(self.frames) == bool(self.pattern):
            message = f"rule {self.id!r} needs either frames or a pattern"
            raise ConfigurationError(message)
        if self.pattern is not None:
            if not self.opener or self.anchor != ("tail",):
                message = f"rule {self.id!r}: a pattern needs an opener and the anchor 'tail'"
                raise ConfigurationError(message)
            check_pattern(self.pattern, self.id)
        if self.category not in CATEGORIES - {"notices"}:
            message = f"rule {self.id!r} has the unknown category {self.category!r}"
            raise ConfigurationError(message)

    @property
    def all_frames(self) -> tuple[str, ...]:
        """The frames; for a pattern, one that begins with its opener and ends with the text."""
        if self.pattern is None:
            return self.frames
        escaped = "".join(f"\\{char}" if char in "(){}|\\ " else char for char in self.opener)
        return (escaped + "{any}",)

    @property
    def all_needs(self) -> tuple[str, ...]:
        """Literal texts of which one is in every match."""
        return self.needs or tuple(_longest_literal(frame) for frame in self.all_frames)

    @property
    def whole_needs(self) -> tuple[str, ...]:
        """The same as `all_needs`, but longer, or farther behind: of matches that are not cut off by the text's end."""
        if self.cuts != "never" or self.pattern is not None:
            return self.all_needs
        found = tuple(_longest_literal(frame, certain=True) for frame in self.frames)
        return found if min(map(len, found)) >= min(map(len, self.all_needs)) else self.all_needs

    def applies_to(self, provider: str | None) -> bool:
        """Whether a route of `provider` may send it; an unknown provider may send anything."""
        if provider is None or "*" in self.owners:
            return True
        name = provider.lower()
        relays = usual_relays() if self.relays is None else self.relays
        return any(part in name for part in self.owners) or any(part in name for part in relays)

    def asked_for(self, prompt: str) -> str | None:
        """The evidence that stands in the user's words (in lower case), because of which a match stays."""
        for evidence in self.evidence or self.all_needs:
            if evidence.strip() and evidence.lower() in prompt:
                return evidence
        return None


def _longest_literal(frame: str, *, certain: bool = False) -> str:
    """The longest literal that every match of `frame` holds: the first before it is certain, or the last of all."""
    pieces, depth, piece, place = [""], 0, "", 0
    while place < len(frame):
        char = frame[place]
        if char == "\\":
            place += 1
            piece += frame[place : place + 1] if not depth else ""
        elif char in "({":
            pieces.append(piece)
            piece = ""
            if char == "{":
                close = frame.find("}", place)
                if frame[place:close] == "{!" and not depth and not certain:
                    break
                place = max(close, place)
            else:
                depth += 1
        elif char == ")":
            depth -= 1
        elif char == " ":
            pieces.append(piece)
            piece = ""
        elif not depth:
            piece += char
        place += 1
    pieces.append(piece)
    return max(reversed(pieces) if certain else pieces, key=len)


def _make(data: Mapping[str, Any], origin: str) -> Rule:
    known = {part.name for part in fields(Rule)}
    unknown = set(data) - known
    if unknown:
        message = f"{origin}: rule {data.get('id')!r} has unknown members {sorted(unknown)}"
        raise ConfigurationError(message)
    try:
        examples = tuple(Example(**example) for example in data.get("examples", ()))
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
        made: Any = {**given, "examples": examples}
        return Rule(**made)
    except TypeError as error:
        message = f"{origin}: rule {data.get('id')!r} is incomplete: {error}"
        raise ConfigurationError(message) from None


def read_rules(text: str, origin: str) -> tuple[Rule, ...]:
    """The rules of a TOML text: an array of tables ``[[rule]]``.

    Raises:
        ConfigurationError: The text is no TOML or a rule is wrong; the message names it.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{origin} is no TOML: {error}"
        raise ConfigurationError(message) from None
    return tuple(_make(entry, origin) for entry in data.get("rule", ()))


@cache
def usual_relays() -> tuple[str, ...]:
    """Parts of the names of providers and hosts that hand on other providers' texts."""
    data = tomllib.loads(files(__package__).joinpath("rules/relays.toml").read_text("utf-8"))
    return tuple(data["relays"])


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """The rules of the package, in the order of their files."""
    folder = files(__package__).joinpath("rules")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    rules = [rule for name in names for rule in read_rules(folder.joinpath(name).read_text("utf-8"), name)]
    return tuple(rules)


def combine(changes: Sequence[Rule | str | Path]) -> tuple[Rule, ...]:
    """The shipped rules, changed by a user's.

    Args:
        changes: A `Rule` is added, or replaces the one of its id; ``"-id"`` switches one off (``"-group/*"`` all whose
            id begins so); any other text or path names a TOML file of rules.

    Raises:
        ConfigurationError: A file cannot be read, a rule is wrong, or a rule to be switched off does not exist.
    """
    rules = {rule.id: rule for rule in shipped_rules()}
    for change in changes:
        if isinstance(change, Rule):
            check_rule(change)
            rules[change.id] = change
        elif isinstance(change, str) and change.startswith("-"):
            _switch_off(change[1:], rules)
        else:
            for rule in _read_file(Path(change)):
                check_rule(rule)
                rules[rule.id] = rule
    return tuple(rules.values())


def _switch_off(name: str, rules: dict[str, Rule]) -> None:
    gone = [known for known in rules if known == name or (name.endswith("*") and known.startswith(name[:-1]))]
    if not gone:
        message = f"there is no cleaning rule {name!r} to switch off"
        raise ConfigurationError(message)
    for known in gone:
        del rules[known]


def _read_file(path: Path) -> tuple[Rule, ...]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the cleaning rules {path} cannot be read: {error}"
        raise ConfigurationError(message) from None
    return read_rules(text, path.name)


def check_rule(rule: Rule) -> None:
    """Compile a rule and clean its examples.

    Raises:
        ConfigurationError: A frame breaks the grammar, an example does not come out as it says, or the rule has no
            literal text to look for.
    """
    from g4f_integrations.core.cleaning._ruleset import Ruleset  # it is built from rules
    from g4f_integrations.core.cleaning._scanner import scan

    if not all(need.strip() or need == "\0" for need in rule.all_needs):
        message = f"rule {rule.id!r} has a frame without literal text; name some in `needs`"
        raise ConfigurationError(message)
    try:
        ruleset = Ruleset((rule,))
    except FrameError as error:
        message = f"rule {rule.id!r}: {error}"
        raise ConfigurationError(message) from None
    for example in rule.examples:
        text, _ = scan(ruleset, example.text)
        if text != example.clean:
            message = f"rule {rule.id!r} leaves {text!r} of an example, not {example.clean!r}"
            raise ConfigurationError(message)
