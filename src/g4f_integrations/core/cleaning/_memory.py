"""`RepeatedParagraphs`: fixed adverts repeat byte for byte after different questions; answers do not."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal

from g4f_integrations.core.cleaning._ai import paragraphs
from g4f_integrations.core.cleaning._suspicion import hosts_in

_QUESTIONS = 3  # different ones, after which a repeated paragraph is no accident
_MOST = 4096  # paragraphs remembered
_LONGEST = 600
_HOST = re.compile(r"\.[A-Za-z]{2}")  # a glance, before the look that takes a hundred times longer


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A paragraph that a provider repeats and that no rule knows.

    Attributes:
        provider: Whose.
        edge: Where it stands.
        hash: Of the paragraph, keyed anew in each process; the text itself is not kept.
    """

    provider: str
    edge: Literal["head", "tail"]
    hash: str

    def to_dict(self) -> dict[str, Any]:
        """The entry of an answer's metadata."""
        return {"suggested": self.hash, "provider": self.provider, "edge": self.edge}


class RepeatedParagraphs:
    r"""Remembers hashes of the first and last paragraphs of answers, and tells once when one looks like an advert.

    It looks like one after three different questions, if it holds a link. Nothing is deleted for it: see what the
    answer ends in, and write a rule. Memory is bounded; no text is kept.

    Example:
        >>> memory = RepeatedParagraphs()
        >>> answers = [f"Answer {n}.\n\nVisit us: https://x.example" for n in range(5)]
        >>> told = [memory.note(answer, "Free", f"What about {answer[7]}?") for answer in answers]
        >>> [len(suggestions) for suggestions in told]
        [0, 0, 1, 0, 0]
    """

    __slots__ = ("_key", "_lock", "_questions")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(16)
        self._questions: OrderedDict[tuple[str, str, str], set[str] | None] = OrderedDict()

    def note(self, text: str, provider: str, prompt: str | Callable[[], str]) -> list[Suggestion]:
        """Take note of a cleaned answer; gives what has just become suspicious, mostly nothing.

        Args:
            text: The answer, after cleaning.
            provider: Who gave it.
            prompt: What was asked, or what tells it; that is called only when it matters.
        """
        found = []
        if _HOST.search(text) is None:
            return []
        head, tail = paragraphs(text)
        edges: tuple[tuple[Literal["head", "tail"], str], ...] = (("head", head), ("tail", tail))
        for edge, paragraph in edges:
            words = paragraph.strip()
            if len(words) > _LONGEST or _HOST.search(words) is None or not hosts_in(words):
                continue
            hashed = self._hash(words)
            asked = self._hash(prompt() if callable(prompt) else prompt)
            with self._lock:
                is_new = self._is_new((provider, edge, hashed), asked)
            if is_new:
                found.append(Suggestion(provider, edge, hashed))
        return found

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._questions.clear()

    def _hash(self, text: str) -> str:
        return blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=8).hexdigest()

    def _is_new(self, key: tuple[str, str, str], question: str) -> bool:
        questions = self._questions.setdefault(key, set())
        self._questions.move_to_end(key)
        if len(self._questions) > _MOST:
            self._questions.popitem(last=False)
        if questions is None:
            return False  # told already
        questions.add(question)
        if len(questions) < _QUESTIONS:
            return False
        self._questions[key] = None
        return True


REPEATED = RepeatedParagraphs()
"""What the engine has seen in this process."""


def _renew_lock() -> None:
    REPEATED._lock = threading.Lock()  # noqa: SLF001  another thread may have held it while this process was forked


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
