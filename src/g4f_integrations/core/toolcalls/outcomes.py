"""What a recogniser can say about a place in the text where a call may begin.

A recogniser is a pure function of a `Source` and a position in it. It decides only what no further text could change,
and asks for more otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

MAX_ARGUMENTS = 1 << 20
"""Characters of one call's arguments; more is no call but an attack or a loop."""


@dataclass(slots=True, frozen=True)
class Found:
    """One call as the model wrote it: a `name` and `arguments` that are not checked yet.

    `error` says why it can be none, though it is clearly meant as one; `arguments` is then the raw text.
    """

    name: str
    arguments: Any
    id: str | None = None
    error: str | None = None


@dataclass(slots=True, frozen=True)
class Plain:
    """No call: the text up to `end` is the answer's own, and need not be looked at again.

    `inside` names what has begun there and is the answer's own to its end: ``"json"`` (no bare JSON in it is a
    call), or the marker that closes a code fence. Empty if nothing has.
    """

    end: int
    inside: str = ""


@dataclass(slots=True, frozen=True)
class Calls:
    """The text up to `end` is made of these calls; `said` is prose that stood inside.

    `fence` is the marker of a code fence that has begun before the calls and is still to be closed.
    """

    end: int
    found: tuple[Found, ...]
    said: str = ""
    fence: str = ""


Outcome: TypeAlias = Plain | Calls


def found_in(raw: str, name: str, arguments: Any, call_id: str | None = None) -> Found:
    """The call that was read from the text `raw`, unless that is too long for one."""
    if len(raw) > MAX_ARGUMENTS:
        return broken(name, raw, "The arguments are longer than 1 MiB.")
    return Found(name, arguments, call_id)


def broken(name: str, raw: str, why: str) -> Found:
    """A call that can be none."""
    return Found(name, raw[:1000], None, why)
