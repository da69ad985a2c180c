"""What a request may take on a route: by what is told of it, what it taught, and what the user wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any, TypeVar

from g4f_integrations.core.trimming._learning import RouteLimits
from g4f_integrations.core.trimming.settings import Trimming

_CHARACTERS_PER_TOKEN = 5
_MARGIN = 1.02  # counts may differ a little
_DEFAULT_RESERVE = 4_096
_RESERVE_SHARE = 4  # the reserve that nobody asked for takes a quarter of the window at the most
_LARGEST_RESERVE_SHARE = 2  # and the one that the call asked for a half

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class KnownLimits:
    """What is told of a route before anything was sent.

    Attributes:
        window: Tokens that it reads and writes together.
        max_output: Tokens that it writes at the most.
        characters: Characters that it reads.
        source: Who says so: ``"route"`` (the user), ``"endpoint"`` (its list of models) or ``"known"`` (our table).
    """

    window: int | None = None
    max_output: int | None = None
    characters: int | None = None
    source: str = "known"

    def over(self, other: KnownLimits | None) -> KnownLimits:
        """These limits, those of `other` where these say nothing."""
        if other is None:
            return self
        return KnownLimits(
            self.window or other.window,
            self.max_output or other.max_output,
            self.characters or other.characters,
            self.source if self.window else other.source,
        )


_UNKNOWN = KnownLimits()
_UNTAUGHT = RouteLimits()


@dataclass(frozen=True, slots=True)
class Budget:
    """What a request may take on a route; ``None`` where no limit is known.

    Attributes:
        tokens: Of messages and tool schemas, as we count.
        characters: Of texts.
        messages: Messages.
        source: Who sets the limit of tokens, for the metadata.
        characters_source: Who sets that of characters; that of messages is always learned.
    """

    tokens: int | None = None
    characters: int | None = None
    messages: int | None = None
    source: str = "known"
    characters_source: str = "known"

    @property
    def is_open(self) -> bool:
        """Whether no limit is known at all."""
        return self.tokens is None and self.characters is None and self.messages is None

    def less(self, tokens: int) -> Budget:
        """What is left when something else takes `tokens` of it, such as tools that are told in words."""
        if tokens <= 0:
            return self
        left = None if self.tokens is None else max(1, self.tokens - tokens)
        characters = None if self.characters is None else max(1, self.characters - tokens * _CHARACTERS_PER_TOKEN)
        return replace(self, tokens=left, characters=characters)


def budget_for(
    window: int | None, max_output: int | None, settings: Trimming, params: Mapping[str, Any] | None = None
) -> int | None:
    """Tokens that messages and tool schemas may take in a window.

    Args:
        window: Tokens that the model reads and writes together; ``None`` if nobody knows.
        max_output: Tokens that it writes at the most; ``None`` if nobody knows.
        settings: Reserve, fraction and `max_tokens`.
        params: The call's parameters, for its own ``max_tokens``.

    Returns:
        At least 1; ``None`` if neither the window is known nor `settings` set a limit.

    Example:
        >>> budget_for(8_192, None, Trimming(), {"max_tokens": 1_000})
        6472
    """
    if window is None:
        return settings.max_tokens
    room = _room(window, max_output, settings, params)
    return room if settings.max_tokens is None else min(room, settings.max_tokens)


def _room(window: int, max_output: int | None, settings: Trimming, params: Mapping[str, Any] | None) -> int:
    room = window - reserve_of(window, max_output, settings, params)
    return max(1, int(room * settings.fraction) if settings.strategy == "fraction" else room)


def reserve_of(window: int, max_output: int | None, settings: Trimming, params: Mapping[str, Any] | None = None) -> int:
    """Tokens of the window that are kept free for the answer; see `Trimming.reserve`."""
    asked = requested_output(params)
    if settings.reserve != "auto":
        reserve = settings.reserve
    elif asked is not None:
        reserve = asked
    else:
        reserve = min(max_output or _DEFAULT_RESERVE, _DEFAULT_RESERVE, window // _RESERVE_SHARE)
    return min(reserve, window // _LARGEST_RESERVE_SHARE)


def requested_output(params: Mapping[str, Any] | None) -> int | None:
    """The tokens of output that the call's parameters ask for, under any of their names."""
    for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"):
        value = (params or {}).get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def budget_of(
    known: KnownLimits | None,
    learned: RouteLimits | None,
    settings: Trimming,
    params: Mapping[str, Any] | None = None,
) -> Budget:
    """What a request may take on a route, by all that is known of it.

    Args:
        known: What was told beforehand.
        learned: What its refusals taught; not regarded if the settings do not want to learn.
        settings: The user's settings.
        params: The call's parameters.
    """
    known = known or _UNKNOWN
    learned = (learned if settings.learn_limits else None) or _UNTAUGHT
    if settings.strategy == "none":
        return Budget()
    window, source = known.window, known.source
    if learned.window is not None and (window is None or learned.window < window):
        window, source = learned.window, "learned"
    tokens = None if window is None else _room(window, known.max_output, settings, params)
    if tokens is not None and learned.window is not None:
        tokens = max(1, int(tokens / learned.scale))
    if learned.cap is not None and (tokens is None or learned.cap < tokens):
        tokens, source = learned.cap, "learned"
    if settings.max_tokens is not None and (tokens is None or settings.max_tokens < tokens):
        tokens, source = settings.max_tokens, "settings"
    characters = known.characters
    characters_source = "known" if characters is None else known.source
    if learned.characters is not None:
        told = int(learned.characters / learned.character_scale)
        if characters is None or told < characters:
            characters, characters_source = told, "learned"
    if characters is not None:
        characters = max(1, int(characters * settings.fraction))
    return Budget(tokens, characters, learned.messages, source, characters_source)


def allowed_output(
    known: KnownLimits | None, learned: RouteLimits | None, params: Mapping[str, Any] | None, tokens: int
) -> int | None:
    """The ``max_tokens`` to send in the place of the call's own; ``None`` where that may stay.

    Routes refuse a request whose messages and ``max_tokens`` together pass the window, and some a ``max_tokens`` that
    the model cannot write.

    Args:
        known: What was told of the route.
        learned: What its refusals taught.
        params: The call's parameters.
        tokens: Tokens of messages and tool schemas, as we count.
    """
    asked = requested_output(params)
    if asked is None:
        return None
    known, learned = known or _UNKNOWN, learned or _UNTAUGHT
    most = asked if known.max_output is None else min(asked, known.max_output)
    window = min((size for size in (known.window, learned.window) if size is not None), default=None)
    if window is not None:
        most = min(most, window - ceil(tokens * learned.scale * _MARGIN))
    return max(1, most) if most < asked else None


def order_by_room(items: Sequence[Item], room: Callable[[Item], int | None], needed: int) -> list[Item]:
    """`items` with those first that have room for `needed` tokens or of which nobody knows, then the largest first.

    Among those with room the order stays as it was: nothing the user would miss goes while they are ready.

    Args:
        items: Candidates in their order.
        room: The tokens that one takes; ``None`` if nobody knows.
        needed: The tokens of the whole history.
    """
    rooms = [room(item) for item in items]
    roomy = [item for item, size in zip(items, rooms, strict=True) if size is None or size >= needed]
    small = [(size, item) for item, size in zip(items, rooms, strict=True) if size is not None and size < needed]
    small.sort(key=lambda pair: -pair[0])
    return roomy + [item for _, item in small]


def larger_first(items: Sequence[Item], room: Callable[[Item], int | None], failed: int) -> list[Item]:
    """`items` after one of `failed` tokens was too small: larger windows first, then unknown ones, then smaller ones.

    Args:
        items: Candidates in their order.
        room: The tokens that one takes; ``None`` if nobody knows.
        failed: The tokens that were too many for the route that failed.
    """

    def rank(item: Item) -> tuple[int, int]:
        size = room(item)
        if size is None:
            return 1, 0
        return (0, -size) if size > failed else (2, -size)

    return sorted(items, key=rank)
