"""How many tokens texts and messages hold.

Counted by OpenAI's published vocabularies where they lie on this machine (in tiktoken's cache, or inside
llama-index-core), times a stated ratio for models with vocabularies of their own; else estimated. Nothing here reaches
the network, unless `load_vocabulary` is asked to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from g4f_integrations.core.tokens._counters import Counter, estimating, scaled
from g4f_integrations.core.tokens._estimate import TOKEN, estimate_tokens, weight_of
from g4f_integrations.core.tokens._families import Family, family_of
from g4f_integrations.core.tokens._own import LengthOf, OwnCounter, counter_from
from g4f_integrations.core.tokens._vocabularies import encoded, encoded_length, load, vocabulary

__all__ = [
    "TOKEN",
    "Counter",
    "LengthOf",
    "OwnCounter",
    "count_message_tokens",
    "count_tokens",
    "counter_for",
    "counter_from",
    "estimate_conversation_tokens",
    "estimate_message_tokens",
    "estimate_tokens",
    "load_vocabulary",
    "token_ids",
    "weight_of",
]

_MOST_COUNTERS = 16
_exact: OrderedDict[tuple[str, float, int], Counter] = OrderedDict()
_estimating: OrderedDict[tuple[str, float, int], Counter] = OrderedDict()


def counter_for(model: str = "auto") -> Counter:
    """The shared counter of a model; its counts are kept for the next call.

    Inside an event loop it estimates while the vocabulary is being loaded, in another thread, for the first time.

    Args:
        model: Model whose vocabulary is meant; ``"auto"`` and unknown ones count by OpenAI's newest.
    """
    family = family_of(model)
    words = vocabulary(family.encoding)
    key = (family.encoding, family.ratio, id(family.image))  # the rules live as long as the process
    if words is None:
        return _kept(_estimating, key, partial(estimating, family))
    return _exact.get(key) or _kept(
        _exact, key, lambda: Counter(scaled(partial(encoded_length, words), family.ratio), family)
    )


def _kept(
    counters: OrderedDict[tuple[str, float, int], Counter], key: tuple[str, float, int], make: Callable[[], Counter]
) -> Counter:
    found = counters.get(key)
    if found is None:
        found = counters[key] = make()
        while len(counters) > _MOST_COUNTERS:
            counters.popitem(last=False)
    return found


def count_tokens(text: str, model: str = "auto") -> int:
    """Tokens of `text`.

    Args:
        text: Any text; special tokens in it are text, and halves of characters are no error.
        model: Model whose vocabulary is meant.

    Example:
        >>> count_tokens("Hello, world!")
        4
    """
    return counter_for(model).text(text)


def count_message_tokens(message: Mapping[str, Any], model: str = "auto") -> int:
    """Tokens of one chat message in OpenAI wire form: role, name, text, tool calls, pictures, sound and files.

    Pictures count by their size, where it can be read, and their detail; sound and files by their size.

    Args:
        message: A chat message.
        model: Model whose vocabulary is meant.

    Example:
        >>> count_message_tokens({"role": "user", "content": "Hello, world!"})
        8
    """
    return counter_for(model).message(message)


def token_ids(text: str, model: str = "auto") -> list[int]:
    """The tokens of `text` as numbers, for frameworks that want a list: always as many as `count_tokens` says.

    They are the vocabulary's own where it is on this machine and is the model's; else they only count.

    Args:
        text: Any text.
        model: Model whose vocabulary is meant.

    Example:
        >>> len(token_ids("Hello, world!"))
        4
    """
    family = family_of(model)
    words = vocabulary(family.encoding)
    if words is not None and family.ratio == 1:
        return encoded(words, text)
    return list(range(count_tokens(text, model)))


def estimate_message_tokens(message: Mapping[str, Any]) -> int:
    """Tokens of one chat message by the estimate that needs no vocabulary; costs microseconds."""
    return (_guess or _load_guess()).message(message)


def estimate_conversation_tokens(messages: Iterable[Mapping[str, Any]]) -> int:
    """The same for all messages of a conversation."""
    return (_guess or _load_guess()).messages(messages)


def load_vocabulary(model: str = "auto", *, download: bool = False) -> bool:
    """Load the model's vocabulary now, which takes a few tenths of a second; call it from a thread.

    Args:
        model: Model whose vocabulary is meant.
        download: Let tiktoken fetch it from OpenAI's server if it is not on this machine.

    Returns:
        Whether counts are exact from now on, up to the family's ratio.
    """
    return load(family_of(model).encoding, download=download) is not None


_guess: Counter | None = None


def _load_guess() -> Counter:
    global _guess  # noqa: PLW0603  kept at hand: every answer without a usage of its own asks for it
    family: Family = family_of("auto")
    key = (family.encoding, family.ratio, id(family.image))
    _guess = _kept(_estimating, key, partial(estimating, family))
    return _guess
