"""What models can do: the packaged table, of which half is knowing what nobody knows."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from g4f_integrations.errors import ConfigurationError

ABILITIES = ("chat", "vision", "tools", "reasoning", "image", "audio", "video", "web_search")
"""Every ability that the catalogue knows; ``core/data/abilities.toml`` says what each means."""

TABLE = "core/data/abilities.toml"
_LONGEST_ID = 200  # a model id can be anything that a user's program was given


@dataclass(frozen=True, slots=True)
class Abilities:
    """What is known of one model; what is in neither set nobody knows.

    Example:
        >>> known = Abilities(frozenset({"tools"}), frozenset({"vision"}))
        >>> known.of("tools"), known.of("vision"), known.of("reasoning")
        (True, False, None)
    """

    has: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()

    def of(self, ability: str) -> bool | None:
        """Whether it has `ability`; ``None`` if nobody knows."""
        return True if ability in self.has else False if ability in self.lacks else None

    def over(self, other: Abilities) -> Abilities:
        """These, with what `other` knows where these say nothing."""
        return Abilities(self.has | (other.has - self.lacks), self.lacks | (other.lacks - self.has))


UNKNOWN = Abilities()


@cache
def _rows() -> tuple[tuple[re.Pattern[str], Abilities], ...]:
    text = files("g4f_integrations.core").joinpath("data", "abilities.toml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["models"]
    return tuple(
        (re.compile(row["match"]), Abilities(frozenset(row.get("has", ())), frozenset(row.get("lacks", ()))))
        for row in rows
    )


@lru_cache(maxsize=1024)
def table_abilities(model: str) -> Abilities:
    """What our table says of a model id, with or without its owner.

    Example:
        >>> table_abilities("openai/gpt-4o").of("vision"), table_abilities("somebodys-model").of("vision")
        (True, None)
    """
    name = model[:_LONGEST_ID].lower().rsplit("/", 1)[-1]
    found = next((abilities for pattern, abilities in _rows() if pattern.search(name)), UNKNOWN)
    is_maker = found.has & {"image", "video"} and not found.has & {"vision", "tools"}
    if is_maker or (not found.has and not found.lacks) or "chat" in found.lacks:
        return found
    return found.over(Abilities(frozenset({"chat"})))


def wanted_abilities(
    given: str | Iterable[str] | None, field: str = "ability", *, also: Iterable[str] = ()
) -> frozenset[str]:
    """One ability or several, checked.

    Args:
        given: As the user named them.
        field: Where, for the message of an error.
        also: Further names that may stand there.

    Raises:
        ConfigurationError: One is unknown.
    """
    names = () if given is None else (given,) if isinstance(given, str) else tuple(given)
    known = (*ABILITIES, *also)
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"{field}: unknown {', '.join(map(repr, unknown))}; known are {', '.join(known)}"
        raise ConfigurationError(message)
    return frozenset(names)
