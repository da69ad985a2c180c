"""Notices that nobody has seen yet: short answers that say a failure in hardly any words but those of notices.

The frames of `_frames` know whole sentences. Services word theirs freely, but out of few words: something that serves,
that it is busy, a limit, that it is reached, to try again, to log in. An answer is taken for such a notice if it opens
as notices do, has next to no word that they do not have, and names what makes a failure together (`data/
notice_words.toml` has the openings, the words by what they mean, and the meanings that have to meet). Like the frames
they compile to one automaton, which an ordinary answer leaves within its first words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from unicodedata import category

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._exceptions import classify_text
from g4f_integrations.core.failures._frames import Walk, plain
from g4f_integrations.core.failures._phrases import kind_in, load_data

_JOINTS = frozenset(" \n.,!;:-\u2013\u2014/|~?()\u00b7\u2022[]$&+%\u00bf\u00a1_")


# What an exception's text is taken for; none of it takes a key out of service.
GUESSED: dict[Outcome, Outcome] = {
    "rate_limit": "rate_limit",
    "quota": "rate_limit",
    "overloaded": "overloaded",
    "timeout": "overloaded",
    "network": "overloaded",
    "blocked": "blocked",
    "auth": "notice",
    "model_not_found": "notice",
    "content_filter": "notice",
    "context_length": "context_length",
    "empty": "overloaded",
}
_EXPLAINS = "explains"  # the words of texts about failures
_FAMILIAR = 1  # words of notices that have to follow an opening before a stranger may
_LEVELS = 16  # more than that and the strangers of any language


def _seen(char: str) -> str:
    """The character as the words are read; pictures, which services put around a notice, are not."""
    return "" if char > "\u2190" and category(char) == "So" else plain(char)


def _is_letter(char: str) -> bool:
    return char.isalpha() and not _is_sign(char)


def _is_sign(char: str) -> bool:
    """Whether the character stands for a word or a part of one, in a script that writes no spaces."""
    return "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff"


def _in_word(char: str) -> bool:
    return _is_letter(char) or char in "._/@-"


def _in_number(char: str) -> bool:
    return char.isdigit() or _is_letter(char) or char in ".,:%"


def _is_any(_: str) -> bool:
    return True


def _in_link(char: str) -> bool:
    return char not in " \n" and not _is_sign(char)


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language (or of several that share a script).

    Attributes:
        openings: Phrases that notices begin with.
        words: The words by what they mean; one that ends in a star stands for all that begin so.
        spaced: Whether words are parted by spaces.
        strangers: Words that a notice may have beside those; single signs where words are not parted.
    """

    openings: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    spaced: bool
    strangers: int


class Wordings(Walk):
    """The compiled languages; what is accepted is a language's number and how many strangers were met, see `met_in`.

    Behind what exceptions begin with any words may stand, in the language whose number is behind those of all others.

    A place in a text is a state of the automaton together with a level: how many words of notices have followed the
    opening, up to `_FAMILIAR`, and then how many strangers were met. Both are one number.
    """

    def __init__(self, languages: Sequence[Language], longest: int, raised: Sequence[str] = ()) -> None:
        super().__init__()
        self._longest = longest
        self._accepts: dict[int, int] = {}
        self._known: dict[int, int] = {}  # from the end of a word of notices to the gap behind it
        self._strange: dict[
            int, tuple[int, int]
        ] = {}  # from the end of another, with the level that it leads to at most
        self._add_state()
        self._tests[0].append((_JOINTS.__contains__, 0))
        for number, language in enumerate(languages):
            self._read(number, language)
        rest = self._add_state()
        self._tests[rest].append((_is_any, rest))
        self._accepts[rest] = len(languages)
        for beginning in raised:
            self._empty[self._end_of(beginning, 0)].append(rest)

    def _read(self, number: int, language: Language) -> None:
        word, gap, digits, link, letters = (self._add_state() for _ in range(5))
        self._accepts[gap] = self._accepts[word] = number
        self._tests[gap].append((_JOINTS.__contains__, word))
        self._tests[word] += [(_JOINTS.__contains__, word), (str.isdigit, digits), (_is_letter, letters)]
        self._tests[digits].append((_in_number, digits))
        self._tests[link].append((_in_link, link))
        self._tests[letters].append((_in_word, letters))
        self._empty[digits].append(gap)
        self._empty[link].append(gap)
        self._empty[self._end_of("http", word)].append(link)
        self._strange[letters] = gap, _FAMILIAR + language.strangers
        if not language.spaced:
            sign = self._add_state()
            self._tests[word].append((_is_sign, sign))
            self._strange[sign] = self._strange[letters]
            self._empty[gap].append(word)
        for opening in language.openings:
            self._empty[self._end_of(opening, 0)].append(gap)
        for name, group in language.words.items():
            if name != _EXPLAINS:
                self._known.update((self._end_of(entry, word), gap) for entry in group)

    def _end_of(self, phrase: str, state: int) -> int:
        """Where a phrase leads to; phrases with the same beginning share it."""
        at = state
        for char in "".join(map(_seen, phrase.removesuffix("*"))):
            shared = self._literal[at].get(char)
            if shared is None:
                shared = self._literal[at][char] = [self._add_state()]
                if char == " ":
                    self._tests[shared[0]].append((" \n".__contains__, shared[0]))
            at = shared[0]
        if at == state:
            message = f"notice_words.toml has {phrase!r}, of which nothing is seen"
            raise ValueError(message)
        if phrase.endswith("*"):
            rest = self._add_state()
            self._empty[at].append(rest)
            self._tests[rest].append((_is_letter, rest))
            at = rest
        return at

    def _seen(self, char: str) -> str:
        return _seen(char)

    def _steps(self, members: frozenset[int], char: str) -> set[int]:
        found: set[int] = set()
        for member in members:
            state, level = divmod(member, _LEVELS)
            found.update(after * _LEVELS + level for after in self._literal[state].get(char, ()))
            found.update(after * _LEVELS + level for test, after in self._tests[state] if test(char))
        return found

    def _free(self, members: set[int]) -> frozenset[int]:
        stack = list(members)
        while stack:
            state, level = divmod(stack.pop(), _LEVELS)
            reached = [after * _LEVELS + level for after in self._empty[state]]
            if state in self._known:
                reached.append(self._known[state] * _LEVELS + max(level, min(level + 1, _FAMILIAR)))
            if state in self._strange:
                gap, most = self._strange[state]
                if _FAMILIAR <= level < most:
                    reached.append(gap * _LEVELS + level + 1)
            for member in reached:
                if member not in members:
                    members.add(member)
                    stack.append(member)
        return frozenset(members)

    def _meaning(self, members: frozenset[int]) -> tuple[int | None, int]:
        places = (divmod(member, _LEVELS) for member in members)
        ends = [
            self._accepts[state] * _LEVELS + max(level - _FAMILIAR, 0)
            for state, level in places
            if state in self._accepts
        ]
        return min(ends, default=None), self._longest if members else 0


def met_in(accepted: int) -> tuple[int, int]:
    """The number of the language, and of the strangers met."""
    return divmod(accepted, _LEVELS)


@dataclass(frozen=True, slots=True)
class Sense:
    """What has to be named together to make a failure.

    Attributes:
        kind: What it makes.
        needs: Groups of words, each to be found in a place of its own.
        strangers: How many words of other kinds the text may have at most.
    """

    kind: Outcome
    needs: tuple[str, ...]
    strangers: int


@dataclass(frozen=True, slots=True)
class _Table:
    wordings: Wordings
    languages: tuple[Language, ...]
    senses: tuple[Sense, ...]
    raised: tuple[str, ...]


def _words(entries: str) -> tuple[str, ...]:
    """The phrases of a block of data, which are parted by bars and line ends."""
    return tuple(" ".join(entry.split()) for line in entries.splitlines() for entry in line.split("|") if entry.strip())


def _sense(entry: Mapping[str, Any]) -> Sense:
    return Sense(kind_in(entry, "notice_words.toml"), tuple(entry["needs"]), entry.get("strangers", _LEVELS))


@cache
def _table() -> _Table:
    data = load_data("notice_words.toml")
    spoken = tuple(
        Language(
            _words(entry["openings"]),
            {group: _words(words) for group, words in entry["words"].items()},
            entry["spaced"],
            entry["strangers"],
        )
        for entry in data["language"]
    )
    raised = _words(data["raised"])
    wanted = tuple(map(_sense, data["sense"]))
    return _Table(Wordings(spoken, data["longest"], raised), spoken, wanted, raised)


def languages() -> tuple[Language, ...]:
    """The languages of the data."""
    return _table().languages


def senses() -> tuple[Sense, ...]:
    """The senses of the data, in the order in which they are asked."""
    return _table().senses


def wordings() -> Wordings:
    """The automaton of all languages."""
    return _table().wordings


@cache
def _group(language: int, name: str) -> re.Pattern[str] | None:
    """What finds a word of that meaning."""
    spoken = _table().languages[language]
    words = sorted(spoken.words.get(name, ()), key=len, reverse=True)
    if not words:
        return None
    sources = (re.escape("".join(map(_seen, word.removesuffix("*")))) + r"\w*" * word.endswith("*") for word in words)
    found = f"(?:{'|'.join(sources)})"
    return re.compile(rf"(?<!\w){found}(?!\w)" if spoken.spaced else found)


def match_wording(text: str) -> Outcome | None:
    """The kind of notice that `text`, of which no frame is known, is by its words, or ``None``."""
    table = _table()
    step = table.wordings.step
    states = table.wordings.start
    for count, char in enumerate(text):
        if count >= states.longest:
            return None
        following = states.follow.get(char)
        states = step(states, char) if following is None else following
    if states.accepted is None or len(text) > states.longest:
        return None
    said = " ".join("".join(map(_seen, text)).split())
    language, met = met_in(states.accepted)
    if said.startswith(table.raised):
        return _raised(said)
    explains = _group(language, _EXPLAINS)
    if (explains is not None and explains.search(said)) or "?" in said.rstrip("? "):  # nor does a notice ask and go on
        return None
    if not table.languages[language].spaced:
        met = (met + 1) // 2  # two signs are about a word
    fitting = (sense for sense in table.senses if met <= sense.strangers)
    return next((sense.kind for sense in fitting if _says(language, sense, said)), None)


def _raised(said: str) -> Outcome | None:
    """The kind of an exception's text, if it is one that providers cause."""
    explains = _group(0, _EXPLAINS)
    if "`" in said or (explains is not None and explains.search(said)):
        return None
    return GUESSED.get(classify_text(said).kind)


def _says(language: int, sense: Sense, said: str) -> bool:
    """Whether the text names all that the sense needs, each in a place of its own."""
    rest = said
    for name in sense.needs:
        pattern = _group(language, name)
        if pattern is None:
            return False
        rest, found = pattern.subn("\x00", rest, count=1)
        if not found:
            return False
    return True
