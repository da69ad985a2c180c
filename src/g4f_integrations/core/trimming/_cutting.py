"""A message that is too long by itself, cut in its middle, with a mark that says so."""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from g4f_integrations.core.tokens import Counter

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_LONGEST_INFO = 40  # characters of a fence's language that are repeated where it is opened again
_SNAP = 8  # a cut may move by an eighth of a part to the end of a line or word
_ROUNDS = 12
_LEAST_CUT = 32  # characters; shorter texts inside a call's arguments are left alone
_DEEPEST = 8


def mark(characters: int) -> str:
    """What stands in the place of what was cut out."""
    return f"[… {characters:,} characters left out …]"


def cut_text(text: str, limit: int, count: Callable[[str], int]) -> str | None:
    """`text` with its middle left out, so that it counts `limit` at the most; ``None`` if not even the mark does.

    Characters stay whole, also those made of several code points; cuts fall between lines or words where one is near;
    a code fence that is cut open is closed before the mark and opened again after it.

    Args:
        text: The text.
        limit: What `count` may say of the result.
        count: Counts a text.
    """
    have = count(text)
    if have <= limit:
        return text
    fences = _Fences(text)
    room = limit - count(mark(len(text)))
    best: str | None = None
    best_count = -1
    keep, too_many = int(len(text) * max(room, 0) / max(have, 1)), len(text)
    for _ in range(_ROUNDS):
        if keep <= 0:
            break
        candidate = _without_middle(text, keep, fences)
        got = count(candidate)
        if got > limit:
            too_many = keep
            keep = min(int(keep * limit / got * 0.97), too_many - 1)
            if best is not None:
                break
            continue
        if got > best_count:
            best, best_count = candidate, got
        if got >= 0.9 * limit:
            break
        larger = int(keep * min(limit / max(got, 1), 4) * 0.97)
        if larger <= keep or larger >= too_many:
            break
        keep = larger
    if best is not None:
        return best
    bare = mark(len(text))
    return bare if count(bare) <= limit else None


def _without_middle(text: str, keep: int, fences: _Fences) -> str:
    head = fences.before(_whole(text, _snap_back(text, (keep + 1) // 2, keep // _SNAP)))
    tail = fences.after(_whole(text, _snap_forward(text, len(text) - keep // 2, keep // _SNAP)))
    if tail <= head:
        return text
    closing, opening = fences.open_at(head), fences.open_at(tail)
    first, last = text[:head].rstrip(), text[tail:].lstrip("\n")
    parts = [first, closing.marks] if closing else [first]
    parts.append(mark(tail - head))
    parts += [opening.line, last] if opening else [last]
    return "\n".join(part for part in parts if part)


def _snap_back(text: str, at: int, most: int) -> int:
    """The end of a line, else of a word, within `most` characters before `at`; else `at`."""
    for boundary in ("\n", " "):
        found = text.rfind(boundary, max(at - most, 0), at)
        if found > 0:
            return found
    return at


def _snap_forward(text: str, at: int, most: int) -> int:
    for boundary in ("\n", " "):
        found = text.find(boundary, at, at + most)
        if found >= 0:
            return found + 1
    return at


def _whole(text: str, at: int) -> int:
    """`at`, moved back to where no character made of several code points is cut in two."""
    for _ in range(16):
        if not 0 < at < len(text) or not _continues(text[at - 1], text[at]):
            return at
        at -= 1
    return at


def _continues(before: str, character: str) -> bool:
    if character < "\u0300":
        return False
    return (
        unicodedata.combining(character) > 0
        or before == "\u200d"  # joins two emojis
        or character in {"\u200d", "\ufe0e", "\ufe0f"}
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or ("\udc00" <= character <= "\udfff" and "\ud800" <= before <= "\udbff")
    )


class _Fence:
    __slots__ = ("line", "marks")

    def __init__(self, marks: str, info: str) -> None:
        self.marks = marks
        self.line = f"{marks}{info[:_LONGEST_INFO]}" if len(info) <= _LONGEST_INFO else marks


class _Fences:
    """Where code fences open and close in a text."""

    __slots__ = ("_ends", "_starts", "_states")

    def __init__(self, text: str) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._states: list[_Fence | None] = []  # what is open after each fence line
        fence: _Fence | None = None
        for found in _FENCE.finditer(text):
            marks, info = found[1], found[2].strip()
            if fence is None:
                if "`" in info and marks[0] == "`":
                    continue  # code in a line, no fence
                fence = _Fence(marks, info)
            elif not info and marks[0] == fence.marks[0] and len(marks) >= len(fence.marks):
                fence = None
            else:
                continue
            self._starts.append(found.start())
            self._ends.append(found.end())
            self._states.append(fence)

    def open_at(self, at: int) -> _Fence | None:
        """The fence that is open at a place that is in no fence line."""
        index = bisect_right(self._ends, at) - 1
        return self._states[index] if index >= 0 else None

    def before(self, at: int) -> int:
        """`at`, moved before the fence line that it cuts in two, if it does."""
        index = bisect_right(self._starts, at) - 1
        return self._starts[index] if index >= 0 and self._starts[index] < at < self._ends[index] else at

    def after(self, at: int) -> int:
        """`at`, moved behind the fence line that it cuts in two, if it does."""
        index = bisect_right(self._starts, at) - 1
        return self._ends[index] if index >= 0 and self._starts[index] < at < self._ends[index] else at


def cut_message(message: Mapping[str, Any], limit: int, counter: Counter) -> dict[str, Any]:
    """A copy of `message` whose texts are cut so that it counts `limit` at the most, or as near to it as they can be.

    Of several texts the longest are cut; the long texts inside a call's arguments last, so that they stay valid JSON.

    Args:
        message: A chat message in OpenAI wire form; it is not changed.
        limit: What `counter` should say of the copy.
        counter: Counts messages and texts.
    """
    copy = dict(message)
    excess = counter.message(copy) - limit
    for cut in (_cut_content, _cut_arguments):
        for _ in range(3):  # counts of parts need not add up to the whole's
            if excess <= 0:
                return copy
            before = excess
            cut(copy, excess, counter)
            excess = counter.message(copy) - limit
            if excess >= before:
                break
    return copy


def _cut_content(message: dict[str, Any], excess: int, counter: Counter) -> None:
    content = message.get("content")
    if isinstance(content, str):
        message["content"] = _shorter(content, counter.text(content) - excess, counter)
    elif isinstance(content, list | tuple):
        places = [at for at, part in enumerate(content) if isinstance(_text_in(part), str)]
        texts = [str(_text_in(content[at])) for at in places]
        parts = list(content)
        for at, text in zip(places, _levelled(texts, excess, counter), strict=True):
            parts[at] = text if isinstance(parts[at], str) else {**parts[at], "text": text}
        message["content"] = parts


def _text_in(part: Any) -> Any:
    return part.get("text") if isinstance(part, Mapping) else part


def _shorter(text: str, limit: int, counter: Counter) -> str:
    cut = cut_text(text, limit, counter.text)
    if cut is None:
        bare = mark(len(text))
        return bare if counter.text(bare) < counter.text(text) else text
    return cut


def _levelled(texts: list[str], excess: int, counter: Counter) -> list[str]:
    """`texts`, the longest cut down to one level, so that together they count `excess` less."""
    sizes = [counter.text(text) for text in texts]
    level = level_of(sizes, sum(sizes) - excess)
    return [_shorter(text, level, counter) if size > level else text for text, size in zip(texts, sizes, strict=True)]


def level_of(sizes: list[int], total: int) -> int:
    """The level to which the larger of `sizes` must be cut so that all together are `total` at the most.

    Example:
        >>> level_of([10, 50, 90], 90)
        40
    """
    left, count = max(total, 0), len(sizes)
    for size in sorted(sizes):
        if size * count >= left:
            return left // count
        left -= size
        count -= 1
    return max(sizes, default=0)


def _cut_arguments(message: dict[str, Any], excess: int, counter: Counter) -> None:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return
    functions = [call.get("function") if isinstance(call, Mapping) else None for call in calls]
    texts = [
        function["arguments"] if isinstance(function, Mapping) and isinstance(function.get("arguments"), str) else ""
        for function in functions
    ]
    sizes = [counter.text(text) for text in texts]
    level = level_of(sizes, sum(sizes) - excess)
    message["tool_calls"] = [
        call
        if size <= level
        else {**call, "function": {**call["function"], "arguments": _cut_json(text, level, counter)}}
        for call, text, size in zip(calls, texts, sizes, strict=True)
    ]


def _cut_json(text: str, limit: int, counter: Counter) -> str:
    """JSON whose long strings are cut so that it counts `limit`; if that is not enough, an object with the mark."""
    bare = json.dumps({"…": mark(len(text))}, ensure_ascii=False)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return bare
    lengths: list[int] = []
    _walk(value, lengths.append, _DEEPEST)
    characters = len(text) - int(len(text) * limit / max(1, counter.text(text)) * 0.9)
    level = max(_LEAST_CUT, level_of(lengths, sum(lengths) - characters))
    cut = json.dumps(_cut_strings(value, level, _DEEPEST), ensure_ascii=False)
    return cut if counter.text(cut) <= max(limit, counter.text(bare)) else bare


def _walk(value: Any, see: Callable[[int], None], depth: int) -> None:
    if isinstance(value, str):
        see(len(value))
    elif depth and isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _walk(inner, see, depth - 1)


def _cut_strings(value: Any, level: int, depth: int) -> Any:
    if isinstance(value, str):
        if len(value) <= level + len(mark(len(value))):
            return value
        return cut_text(value, level, len) or mark(len(value))
    if depth and isinstance(value, dict):
        return {name: _cut_strings(inner, level, depth - 1) for name, inner in value.items()}
    if depth and isinstance(value, list):
        return [_cut_strings(inner, level, depth - 1) for inner in value]
    return value
