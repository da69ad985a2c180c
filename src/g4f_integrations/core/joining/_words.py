"""What the words on both sides of a joint tell: repetitions, remarks, and whether a blank is missing between them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

_LONG = 8  # characters that do not come twice by accident
_SOME_WORDS = 5  # letters of two words or more
_WORD = 4  # letters of a word before a stop
_FRAGMENT = 3  # letters of a word that was broken off
_SOME_LETTERS = 3
_MOST_BETWEEN = 2  # characters between two of a row of the same

_LAST_WORD = re.compile(r"[^\W\d_]+\Z")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"\S{1,200}\Z")
_DOTTED = re.compile(r"[^\W\d]{2}\.[^\W\d]{2,40}\.\Z")  # the dots of a name in code; "U.S." may well end a sentence
_WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")  # scripts without blanks
_ITEM_NUMBER = re.compile(r"(?:\A|\n)[ \t]*\d{1,4}[.)]\Z")
_LAST_ITEM = re.compile(r"(?:\A|\n)([ \t]*)(\d{1,4})([.)])[ \t][^\n]*(?<!\d)(?<!\d[.,])\Z")
_FIRST_ITEM = re.compile(r"(\d{1,4})([.)])[ \t]")
_MAYBE_ITEM = re.compile(r"\d{1,4}[.)]?")
_LONGEST_WORD = 40
_LONGEST_REMARK = 150
_PUNCTUATION = ".,;:!?"
_CLOSING = frozenset(f"{_PUNCTUATION})]}}\"'%\u00bb\u201d\u2019\u2026")  # what no blank goes before
_RULER = re.compile(r"(?:\A|\n)[ \t]*([|+])[-:=|+ \t]{3,}\1\Z")
_LINE_START = re.compile(r"\n[ \t]*\Z")


@dataclass(frozen=True)
class Words:
    """The lists of `data/joints.toml`."""

    twice: frozenset[str]
    complete: frozenset[str]
    following: frozenset[str]
    opening: frozenset[str]
    compounds: frozenset[str]
    remarks: tuple[str, ...]
    carrying_on: re.Pattern[str]
    broken_off: re.Pattern[str]
    remark: re.Pattern[str]
    remark_of_sentences: re.Pattern[str]
    sentence: re.Pattern[str]
    ends: frozenset[str]
    astray: re.Pattern[str]
    astray_openings: tuple[str, ...]
    languages: re.Pattern[str]


@cache
def words() -> Words:
    """The lists, read when an answer first has to be joined."""
    text = resources.files("g4f_integrations.core").joinpath("data", "joints.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    return Words(
        twice=frozenset(told["twice"].split()),
        complete=frozenset(told["complete"].split()),
        following=frozenset(told["following"].split()),
        opening=frozenset(told["opening"].split()),
        compounds=frozenset(told["compounds"].split()),
        remarks=tuple(told["remarks"]),
        carrying_on=re.compile(told["carrying_on"], re.IGNORECASE),
        broken_off=re.compile(told["broken_off"], re.IGNORECASE),
        remark=re.compile(told["remark"]),
        remark_of_sentences=re.compile(told["remark_of_sentences"]),
        sentence=re.compile(told["sentence"]),
        ends=frozenset(told["ends"]),
        astray=re.compile("|".join(told["astray"])),
        astray_openings=tuple(told["astray_openings"]),
        languages=re.compile(told["languages"]),
    )


def says_it_carries_on(text: str) -> int | None:
    """Length of a remark at the start of `text` that announces a continuation; ``None`` while it may become one.

    Example:
        >>> says_it_carries_on("Sure, continuing from where I left off: and so on")
        40
    """
    head = text[:_LONGEST_REMARK].lower()
    if not any(head.startswith(opening) or opening.startswith(head) for opening in words().remarks):
        return 0
    found, sign = words().remark.match(text), words().carrying_on
    if found is None or sign.search(found[0]) is None:
        found, sign = words().remark_of_sentences.match(text), words().broken_off
    if found is None and len(head) < _LONGEST_REMARK and "\n" not in head and words().remark.match(text) is None:
        return None
    if found is None or sign.search(found[0]) is None:
        return 0
    return None if found.end() == len(text) else found.end()  # white space behind it may still come


def end_of_remark(text: str, start: int) -> int | None:
    """Where such a remark ends that may stand at `start`; ``None`` while more may come."""
    length = says_it_carries_on(text[start:])
    return None if length is None else start + length


def is_repetition(old: str, size: int, rest: str) -> bool:
    """Whether the last `size` characters of `old`, with which a continuation begins, are a repetition and no accident.

    Args:
        old: The old end, without white space behind it.
        size: How many of its last characters stand at the start of the continuation.
        rest: What follows them there.
    """
    shared = old[-size:]
    if not _is_telling(old, shared, rest):
        return False
    # A text that has just said the same twice may well go on to.
    earlier = old.rfind(shared, 0, len(old) - 1)
    return earlier < 0 or len(old) - size - earlier > size + _MOST_BETWEEN


def _is_telling(old: str, shared: str, rest: str) -> bool:
    if len(shared) >= _LONG and sum(map(str.isalnum, shared)) >= _SOME_LETTERS:
        return True
    if len(_WIDE.findall(shared)) >= _SOME_LETTERS or _is_ruler(old, shared, rest):
        return True
    before = old[-len(shared) - 1 : -len(shared)]
    if (before.isalnum() or before == "_") and (shared[0].isalnum() or shared[0] == "_"):
        return False  # it begins in the middle of a word
    letters = sum(map(str.isalpha, shared))
    return (len(shared.split()) > 1 and letters >= _SOME_WORDS) or _is_telling_word(old, shared, rest, letters)


def _is_ruler(old: str, shared: str, rest: str) -> bool:
    """Whether `shared` ends with the whole line below a table's head, which never stands there twice."""
    ruler = _RULER.search(shared)
    if ruler is None or rest[:1] not in {"", "\n"}:
        return False
    return ruler[0].startswith("\n") or old[-len(shared) - 1 : -len(shared)] in {"", "\n"}


def _is_telling_word(old: str, shared: str, rest: str, letters: int) -> bool:
    """The same for a single word, or the little that begins a line."""
    word = shared.rstrip(_PUNCTUATION)
    if word.isalpha() and word.lower() not in words().twice:
        goes_on = rest[:1].isalnum() or rest[:1] == "_"
        is_short = word.lower() in words().complete and len(word) > 1 and not goes_on
        return len(word) >= (_FRAGMENT if word == shared else _WORD) or (is_short and word == shared)
    if _LINE_START.search(old, 0, len(old) - len(shared)) is None or letters == len(shared):
        return False
    # Without a letter it may be the number of an item or the first cell of a row, which is followed by a blank.
    return letters > 0 or (rest[:1].isspace() and any(map(str.isalnum, shared)) and not shared.isalnum())


def between_words(old: str, new: str) -> str | None:
    r"""What has to stand between two pieces of prose: a blank or a line's end that got lost, or nothing.

    Example:
        >>> between_words("1. One.", "2. Two."), between_words("1. One.\n2.", "Two.")
        ('\n', ' ')

    Args:
        old: The end of what was said.
        new: What follows it; neither has white space there.

    Returns:
        ``None`` if `new` does not go on from `old` at all.
    """
    last, first = old[-1:], new[:1]
    if first.isdecimal():
        return _before_item(old, new)
    if _WIDE.match(last) or _WIDE.match(first) or not first.isalpha():
        return ""
    if last.isalpha():
        return _between_letters(old, new)
    return " " if _ends_word(old, last, first) else ""


def may_lack_space(old: str, space: str, new: str, in_code: bool) -> bool:
    """Whether white space may be missing before `new`, whose own was dropped on its way, without it being clear.

    Args:
        old: The end of what was said.
        space: The white space behind it.
        new: What follows.
        in_code: Whether a block of code is open, where indentation may be missing, too.
    """
    if in_code:
        return True
    if space or new[0] in _CLOSING or _WIDE.match(old[-1:]) or _WIDE.match(new):
        return False
    return not between_words(old, new)


def _ends_word(old: str, last: str, first: str) -> bool:
    """Whether a blank is missing between `last`, a mark, and `first`, a letter."""
    if _ITEM_NUMBER.search(old) is not None:
        return True
    token = _TOKEN.search(old)
    if token is None or any(mark in token[0] for mark in "/@\\:_<{[=") or _DOTTED.search(token[0]) is not None:
        return False
    if last in ".!?" and first.isupper():  # "U." may go on with "S."
        return len(old) > 2 and (old[-2].isdecimal() or not old[-3].isspace())
    return last in ",;" and f"{last} " in old


def is_first_word_whole(old: str, new: str) -> bool:
    """Whether the word is whole that may need a blank before it, or the number that may begin a line.

    Args:
        old: The end of what was said.
        new: What follows it, as far as it has come; neither has white space there.
    """
    if len(new) > _LONGEST_WORD:
        return True
    return not (_MAYBE_ITEM.fullmatch(new) if new[0].isdecimal() else old[-1:].isalpha() and new.isalpha())


def _before_item(old: str, new: str) -> str:
    """The end of the line before the next item of a numbered list, if `new` begins with that."""
    line = _LAST_ITEM.search(old)
    item = _FIRST_ITEM.match(new)
    if line is None or item is None or line[3] != item[2] or int(item[1]) != int(line[2]) + 1:
        return ""
    return f"\n{line[1]}"


def _between_letters(old: str, new: str) -> str | None:
    ending, beginning = _LAST_WORD.search(old[-80:]), _FIRST_WORD.match(new)
    assert ending is not None
    assert beginning is not None
    one, other = ending[0], beginning[0]
    is_capital = other[0].isupper() and one[-1].islower()
    if one.lower() in words().complete and (one + other).lower() not in words().compounds:
        return " " if is_capital or other.lower() in words().following else ""
    return None if is_capital and len(other) > 1 and other.lower() in words().opening else ""
