"""A user's own way of counting."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from g4f_integrations.core.tokens._counters import Counter
from g4f_integrations.core.tokens._families import family_of
from g4f_integrations.errors import ConfigurationError

OwnCounter: TypeAlias = Callable[[str], int] | Callable[[Mapping[str, Any]], int]
"""Tokens (or another unit) of one text, or of one message in OpenAI wire form."""

_PROBE = "two words"
_LONGER = f"{_PROBE} " * 50


@dataclass(frozen=True, slots=True)
class LengthOf:
    """Counts a text by a tokenizer that gives a list; equal for the same tokenizer, so that its counts are kept.

    Example:
        >>> LengthOf(str.split)("two words")
        2
    """

    tokenizer: Callable[[str], Sequence[Any]]

    def __call__(self, text: str) -> int:
        """Tokens of `text`."""
        return len(self.tokenizer(text))


def counter_from(own: OwnCounter | Counter, model: str = "auto") -> Counter:
    """A counter that counts as the user's function does, by texts or by messages, whichever it takes.

    A function of texts is asked once for each different text; one of messages for every message.

    Args:
        own: The user's function.
        model: Model whose rules count for pictures.

    Raises:
        ConfigurationError: It takes neither a text nor a message, or gives no number.
    """
    if isinstance(own, Counter):
        return own
    if not callable(own):
        problem = f"counter must be a function that counts the tokens of a text, not {type(own).__name__}"
        raise ConfigurationError(problem)
    return _made_once(own, model) if isinstance(own, Hashable) else _made(own, model)


def _made(own: Any, model: str) -> Counter:
    if _gives_a_number(own, _PROBE) and _answer(own, "") == 0:
        return Counter(lambda text: int(own(text)), family_of(model))
    is_of_texts = _gives_a_number(own, _PROBE)  # then it counts something even for nothing
    is_of_messages = _gives_a_number(own, _message(_PROBE))
    if is_of_texts and is_of_messages:
        # `len(text) // 4 + 1` gives a number for a message, too, but the same for each.
        by_content = _answer(own, _message(_PROBE)) != _answer(own, _message(_LONGER))
        is_of_messages = by_content or _answer(own, _PROBE) == _answer(own, _LONGER)
    if is_of_messages:
        return _ByMessage(own, model)
    if is_of_texts:
        return Counter(lambda text: int(own(text)), family_of(model))
    problem = "counter must take a text, or a message, and return a whole number; it did neither in a trial"
    raise ConfigurationError(problem)


_made_once = lru_cache(maxsize=16)(_made)


def _message(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def _answer(own: Any, probe: Any) -> Any:
    try:
        return own(probe)
    except Exception:  # a trial: whatever it does not take, it may refuse in any way
        return None


def _gives_a_number(own: Any, probe: Any) -> bool:
    answer = _answer(own, probe)
    return isinstance(answer, int | float) and not isinstance(answer, bool) and answer >= 0


class _ByMessage(Counter):
    """Counts by a function of whole messages; texts count as messages of the user without their overhead."""

    __slots__ = ("_empty", "_own")

    def __init__(self, own: Callable[[Mapping[str, Any]], int], model: str) -> None:
        super().__init__(self._of_text, family_of(model))
        self._own = own
        empty = _answer(own, {"role": "user", "content": ""})
        self._empty = int(empty) if isinstance(empty, int | float) else 0

    def _of_text(self, text: str) -> int:
        return max(0, int(self._own({"role": "user", "content": text})) - self._empty)

    def message(self, message: Mapping[str, Any]) -> int:
        """What the user's function says of the message."""
        return int(self._own(message))

    def from_the_end(self, messages: Sequence[Mapping[str, Any]], most: int) -> list[int]:
        """See `Counter.from_the_end`."""
        sums = [0]
        for message in reversed(messages):
            sums.append(sums[-1] + self.message(message))
            if sums[-1] > most:
                break
        return sums
