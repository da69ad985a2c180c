"""The frame language of the notices, compiled to one automaton that is walked character by character.

All frames together are one nondeterministic automaton; its sets of states are built as texts lead there and kept. A
walk costs one look-up for each character and ends with the first character that fits no frame, so that an ordinary
answer is done with after a handful of them; a stream can be walked as it comes, with the same result for any cut.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from g4f_integrations.core.automaton import Automaton, FrameError, Test, check_whole, part_at

_MOST_SETS = 20_000  # a bound on memory for hostile texts; ordinary use stays under a thousand

# Apostrophes, stars and hashes of Markdown, signs without width, the pictures that services put before a notice or
# behind it. Back-ticks stay: code is content.
_DROPPED = frozenset(
    "'\u2018\u2019\u02bc\u00b4*#\ufe0f\ufeff\u200b\u200d"
    "\u26a0\u274c\U0001f6ab\u2757\u2755\U0001f6d1\u26d4\U0001f534\U0001f6a8\u23f3\U0001f614\U0001f605\U0001f62d"
    "\U0001f48e\U0001f680\U0001f512\U0001f510\U0001f4a1\U0001f4e2\U0001f514\U0001f916\u231b\u23f0\U0001f64f\U0001f60a\U0001f622\u2728\u2b50"
    "\u23f1\u23f2\u26a1\u2139\U0001f504\U0001f6e1\U0001f6a7\U0001f6e0\U0001f527\U0001f511\U0001f4b3\U0001f6a6\U0001f615\U0001f61e\U0001f641\U0001f972"
)
_PLAIN = {
    0xFF0C: ",", 0x3002: ".", 0xFF01: "!", 0xFF1F: "?", 0xFF1A: ":", 0xFF1B: ";", 0xFF08: "(", 0xFF09: ")",
    0xFF5E: "~", 0x3001: ",", 0x2026: ".", 0x201C: '"', 0x201D: '"', 0x201E: '"',
}  # fmt: skip
_DIGITS = frozenset("0123456789.,")
_CLOSING = frozenset('.!~)]"')

_CLASSES: dict[str, Test] = {
    "any": lambda _: True,
    "line": lambda char: char != "\n",
    "word": lambda char: char not in " \n",
    "w": lambda char: char.isalnum() or char in "-_/",
    "n": lambda char: char in _DIGITS or char.isdigit(),
    " ": lambda char: char in " \n",
    "end": lambda char: char in _CLOSING or char in " \n",
}


def plain(char: str) -> str:
    """The character as frames see it; the empty string for one that they do not see at all."""
    if char in _DROPPED:
        return ""
    if char.isspace():
        return "\n" if char == "\n" else " "
    lowered = char.lower()
    return (lowered if len(lowered) == 1 else char).translate(_PLAIN)


@dataclass(eq=False)
class States:
    """One set of states of the automaton: where a text can stand in the frames.

    Attributes:
        accepted: The number of the first entry of which a frame fits the text so far as a whole, or ``None``.
        longest: Characters that a text may have that still fits a frame from here; 0 where none does.
    """

    members: frozenset[int]
    accepted: int | None
    longest: int
    follow: dict[str, States] = field(default_factory=dict)


class Walk(Automaton, ABC):
    """An automaton that is walked character by character, as frames see them.

    Its sets of states are built as texts lead there, and kept. Subclasses say what a set means.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sets: dict[frozenset[int], States] = {}
        self._first = 0
        self._start: States | None = None

    def _seen(self, char: str) -> str:
        """The character as this automaton sees it, or the empty string."""
        return plain(char)

    @abstractmethod
    def _meaning(self, members: frozenset[int]) -> tuple[int | None, int]:
        """What is accepted there, and how long a text may be that goes on from there; see `States`."""

    def _closed(self, members: set[int]) -> States:
        key = self._free(members)
        found = self._sets.get(key)
        if found is None:
            if len(self._sets) >= _MOST_SETS:
                self._sets.clear()
                self._start = None  # or the old sets would live on behind it
            found = self._sets[key] = States(key, *self._meaning(key))
        return found

    @property
    def start(self) -> States:
        """Where every text begins."""
        if self._start is None:
            self._start = self._closed({self._first})
        return self._start

    def step(self, states: States, char: str) -> States:
        """Where the text stands after one more character, as it came."""
        following = states.follow.get(char)
        if following is None:
            seen = self._seen(char)
            following = states if not seen else self._closed(self._steps(states.members, seen))
            if len(states.follow) < 4096:
                states.follow[char] = following
        return following


class Frames(Walk):
    """A compiled list of entries of frames.

    Args:
        entries: ``(frames, longest)`` pairs; `longest` bounds the characters of a text that fits one of the frames.
        fragments: Named parts, which frames mention as ``{name}``.
        tails: Named parts that stand only at the end of a frame, and so are built once for an entry.
    """

    def __init__(
        self, entries: Sequence[tuple[Sequence[str], int]], fragments: Mapping[str, str], tails: Mapping[str, str]
    ) -> None:
        self._fragments = fragments
        self._tails = tails
        super().__init__()
        self._owner: list[int] = []
        self._accepts: dict[int, int] = {}
        self._longest = [longest for _, longest in entries]
        self._shared: dict[tuple[int, str], int] = {}
        self._end = 0
        self._number = 0
        first = self._new()
        self._tests[first].append((_CLASSES[" "], first))
        for self._number, (frames, _) in enumerate(entries):
            self._end = self._new()
            self._tests[self._end].append((_CLASSES["end"], self._end))
            self._accepts[self._end] = self._number
            for frame in frames:
                last, place = self._sequence(frame, 0, first)
                check_whole(frame, place, len(frame))
                self._empty[last].append(self._end)
        self._first = first

    def _new(self) -> int:
        self._owner.append(self._number)
        return self._add_state()

    def _sequence(self, frame: str, place: int, state: int) -> tuple[int, int]:
        """Builds `frame` from `place` on, behind `state`, up to an unmatched ``)`` or ``|``; gives both."""
        while place < len(frame):
            char = frame[place]
            if char in "|)":
                break
            if char == "(":
                state, place = self._group(frame, place + 1, state)
            elif char == "{":
                name, place = part_at(frame, place)
                state = self._named(name, state)
            else:
                if char == "\\":
                    place += 1
                    char = frame[place]
                place += 1
                state = self._char(char, state)
        return state, place

    def _char(self, char: str, state: int) -> int:
        seen = plain(char)
        if not seen:
            return state
        after = self._new()
        if seen == " ":
            self._tests[state].append((_CLASSES[" "], after))
            self._tests[after].append((_CLASSES[" "], after))
        else:
            self._literal[state].setdefault(seen, []).append(after)
        return after

    def _group(self, frame: str, place: int, state: int) -> tuple[int, int]:
        after = self._new()
        while True:
            branch = self._new()
            self._empty[state].append(branch)
            end, place = self._sequence(frame, place, branch)
            self._empty[end].append(after)
            if place >= len(frame):
                message = f"unclosed ( in {frame!r}"
                raise FrameError(message)
            place += 1
            if frame[place - 1] == ")":
                return after, place

    def _named(self, name: str, state: int) -> int:
        if name in {"any", "line"}:
            after = self._new()
            self._empty[state].append(after)
            self._tests[after].append((_CLASSES[name], after))
            return after
        if name in {"word", "w", "n"}:
            after = self._new()
            self._tests[state].append((_CLASSES[name], after))
            self._tests[after].append((_CLASSES[name], after))
            return after
        if name in self._tails:
            # Every tail leads to the end of its entry, so all frames of the entry share it.
            shared = self._shared.get((-self._number - 1, name))
            if shared is None:
                shared = self._shared[-self._number - 1, name] = self._new()
                end, _ = self._sequence(f"({self._tails[name]})", 0, shared)
                self._empty[end].append(self._end)
            self._empty[state].append(shared)
            return self._new()
        if name not in self._fragments:
            message = f"unknown fragment {{{name}}}"
            raise FrameError(message)
        # Frames that begin with the same fragment share it: it stands behind the same state.
        known = self._shared.get((state, name))
        if known is None:
            known, _ = self._sequence(f"({self._fragments[name]})", 0, state)
            self._shared[state, name] = known
        return known

    def _meaning(self, members: frozenset[int]) -> tuple[int | None, int]:
        accepted = min((self._accepts[state] for state in members if state in self._accepts), default=None)
        return accepted, max((self._longest[self._owner[state]] for state in members), default=0)
