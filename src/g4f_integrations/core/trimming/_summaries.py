"""Summaries of what was left out: what is asked for, how it is told to the model, and which are kept."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

from g4f_integrations.core.tokens import Counter
from g4f_integrations.core.trimming._cutting import cut_text

SummaryKey: TypeAlias = tuple[Hashable, int, bytes]
"""Who makes summaries, how many messages one covers, and a digest of these."""

_HEADING = "Summary of the earlier part of this conversation, which is left out here:\n"
_MOST = 256
_SHOWN_CALL = 2_000  # characters of a message's tool calls that a summariser sees


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """What a summariser is asked for.

    Attributes:
        messages: The messages that are left out and in no summary yet.
        previous: The summary of what was left out before them, if there is one.
        max_tokens: What the summary may count; a longer one is cut.
        key: Under which the summary will be kept.
    """

    messages: tuple[Mapping[str, Any], ...]
    previous: str | None
    max_tokens: int
    key: SummaryKey

    def conversation(self) -> list[Mapping[str, Any]]:
        """What a user's function is given: the earlier summary as a system message, if any, and the messages."""
        if self.previous is None:
            return list(self.messages)
        return [{"role": "system", "content": f"{_HEADING}{self.previous}"}, *self.messages]

    def prompt(self, instructions: str | None = None) -> list[dict[str, str]]:
        """The messages with which a model is asked for the summary.

        Args:
            instructions: Takes the place of our own prompt; ``{{tokens}}`` in it is the length that is asked for.
        """
        told = (instructions or _instructions()).replace("{{tokens}}", str(self.max_tokens * 3 // 4))
        lines = [f"Summary so far:\n{self.previous}"] if self.previous is not None else []
        lines += map(_as_text, self.messages)
        return [{"role": "system", "content": told}, {"role": "user", "content": "\n\n".join(lines)}]


@cache
def _instructions() -> str:
    return files(__package__).joinpath("summary.txt").read_text(encoding="utf-8").strip()


def _as_text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list | tuple):
        texts = [part.get("text", f"[{part.get('type')}]") if isinstance(part, Mapping) else part for part in content]
        content = "\n".join(map(str, texts))
    said = [str(content)] if content else []
    for call in message.get("tool_calls") or ():
        function = call.get("function") if isinstance(call, Mapping) else call
        said.append(f"[calls {json.dumps(function, ensure_ascii=False, default=str)[:_SHOWN_CALL]}]")
    return f"{message.get('role')}: " + "\n".join(said)


def summary_message(text: str, max_tokens: int, counter: Counter) -> dict[str, str] | None:
    """The message that carries a summary of `max_tokens` at the most; ``None`` if there is no room for one."""
    room = max_tokens - counter.message({"role": "system", "content": _HEADING})
    cut = cut_text(text, room, counter.text) if room > 0 else None
    return None if cut is None else {"role": "system", "content": f"{_HEADING}{cut}"}


@dataclass(frozen=True, slots=True)
class Known:
    """The kept summary that covers most of what is left out.

    Attributes:
        covered: How many of the messages left out it covers, from the first.
        text: The summary, ``None`` if none is kept.
        key: Under which one that covers all of them would be kept.
    """

    covered: int
    text: str | None
    key: SummaryKey


class Summaries:
    """Summaries by what they summarise, the newest 256, in this process."""

    def __init__(self) -> None:
        self._texts: OrderedDict[SummaryKey, str] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, key: SummaryKey, text: str) -> None:
        """Remember a summary."""
        with self._lock:
            self._texts[key] = text
            self._texts.move_to_end(key)
            while len(self._texts) > _MOST:
                self._texts.popitem(last=False)

    def longest(self, messages: Sequence[Mapping[str, Any]], removed: Sequence[int], *, whose: Any) -> Known:
        """The summary that covers the most of the messages left out, from the first on.

        Args:
            messages: The conversation.
            removed: Indices of what is left out, in order.
            whose: Who makes the summaries; others' are not taken.
        """
        owner = whose if isinstance(whose, Hashable) else id(whose)
        with self._lock:
            lengths = {length for name, length, _ in self._texts if name == owner}
        digest = hashlib.blake2b(digest_size=16)
        covered, text = 0, None
        for length, at in enumerate(removed, 1):
            digest.update(_bytes_of(messages[at]))
            if length in lengths:
                found = self._texts.get((owner, length, digest.digest()))
                if found is not None:
                    covered, text = length, found
        return Known(covered, text, (owner, len(removed), digest.digest()))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._texts.clear()


def _bytes_of(message: Mapping[str, Any]) -> bytes:
    content = message.get("content")
    if type(content) is str and len(message) == 2:
        text = f"{message.get('role')}\x00{content}\x01"
    else:
        text = f"{json.dumps(message, ensure_ascii=True, sort_keys=True, default=str)}\x02"
    return text.encode("utf-8", "surrogatepass")


SUMMARIES = Summaries()
