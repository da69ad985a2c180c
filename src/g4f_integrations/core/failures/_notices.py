"""The notices of `data/notices.toml`, ready for use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._frames import Frames
from g4f_integrations.core.failures._phrases import kind_in, load_data

LONGEST_NOTICE = 400
"""Characters beyond which an answer is no notice, unless its entry says otherwise."""


@dataclass(frozen=True, slots=True)
class NoticeTable:
    """The compiled frames, and beside them the kind that each entry stands for."""

    frames: Frames
    kinds: tuple[Outcome, ...]


@cache
def _tables() -> dict[str, NoticeTable]:
    """A table for every provider that has notices of its own, and one for all others (under the empty name)."""
    data = load_data("notices.toml")
    names = {name.lower() for entry in data["notice"] for name in entry.get("providers", ())} | {""}
    tables = {}
    for name in names:
        frames: list[tuple[list[str], int]] = []
        kinds: list[Outcome] = []
        for entry in data["notice"]:
            owners = {owner.lower() for owner in entry.get("providers", ())}
            if owners and name not in owners:
                continue
            frames.append((entry["frames"], entry.get("longest", LONGEST_NOTICE)))
            kinds.append(kind_in(entry, "notices.toml"))
        tables[name] = NoticeTable(Frames(frames, data["fragments"], data["tails"]), tuple(kinds))
    return tables


def notice_table(provider: str | None) -> NoticeTable:
    """The notices that a route of `provider` may send."""
    tables = _tables()
    return tables.get((provider or "").lower()) or tables[""]


def match_notice(text: str, provider: str | None) -> Outcome | None:
    """The kind of notice that `text` is as a whole, or ``None``."""
    tables = _tables()
    table = tables.get((provider or "").lower()) or tables[""]
    step = table.frames.step
    states = table.frames.start
    for count, char in enumerate(text):
        if count >= states.longest:
            return None
        following = states.follow.get(char)  # as `step` begins: a function for each character would cost more than it
        states = step(states, char) if following is None else following
    if states.accepted is None or len(text) > states.longest:
        return None
    return table.kinds[states.accepted]
