"""The choice for an ordinary conversation, without a look at each of its blocks.

A growing conversation is trimmed on every turn, and nearly always in the same way: the instructions in front stay, and
as many of the newest turns as fit. Where the oldest of them begins is found among the sums of the counts.
"""

from __future__ import annotations

from itertools import compress
from typing import Any

from g4f_integrations.core.trimming._blocks import RESULTS, made_ids, ordinary_start, roles_of
from g4f_integrations.core.trimming._choosing import Choice
from g4f_integrations.core.trimming._conversation import History


def choose_newest(history: History, tokens: int, *, may_cut: bool) -> Choice | None:
    """What stays of a history that exceeds `tokens`, where only these limit it, and nothing but its age tells.

    Args:
        history: The conversation; its newest messages are counted already.
        tokens: What all that stays may count.
        may_cut: Whether messages too long by themselves are cut.

    Returns:
        What `Chooser` would choose; ``None`` where that takes a closer look: at instructions in the midst of the
        history, at a last turn that does not fit whole, at results that do not stand right behind their calls, at a
        message too long for the whole window.
    """
    messages, total = history.messages, len(history.messages)
    first, system = history.system_part()
    room = tokens - sum(map(history.cost, system))
    oldest = total - history.newest_within(room)
    if room < 0 or oldest <= first or len(system) > first:
        return None
    roles = roles_of(messages[oldest:])
    start = oldest
    while start < total and roles[start - oldest] in RESULTS:
        start += 1  # a block of which only the end fits goes as a whole
    if "user" not in roles[start - oldest :] or not _are_ordinary(history, roles, start):
        return None
    outgrown = ordinary_start(messages, start, first)
    if outgrown is None or (may_cut and any(history.cost(at) > tokens for at in range(outgrown, start))):
        return None
    asking: int | None = None
    if roles[start - oldest] != "user":
        asking = next((at for at in range(start - 1, first - 1, -1) if messages[at].get("role") == "user"), None)
        if asking is None:
            return None
        start = _beside(history, roles, start, asking, room)
        if roles[start - oldest] == "user":
            asking = None
    before = system if asking is None else [*system, asking]
    return Choice([*before, *range(start, total)], sum(map(history.cost, before)) + history.newest(total - start))


def _are_ordinary(history: History, roles: list[Any], start: int) -> bool:
    """Whether all results from `start` on, which is none, stand right behind the message with their calls.

    Args:
        history: The conversation.
        roles: The roles of its newest messages.
        start: Index of one of these.
    """
    messages, total = history.messages, len(history.messages)
    made: set[str] = set()
    before = -1
    for at in compress(range(total - len(roles), total), map(RESULTS.__contains__, roles)):
        if at < start:
            continue
        if at - 1 != before:
            made = made_ids(messages[at - 1])
        name = messages[at].get("tool_call_id")
        if type(name) is not str or name not in made:
            return False
        before = at
    return True


def _beside(history: History, roles: list[Any], start: int, asking: int, room: int) -> int:
    """Where the newest part begins that fits beside the message that it answers, or the next of the user's messages.

    Where the oldest turn stays in part, what was asked is worth more than the first blocks of the answer.

    Args:
        history: The conversation.
        roles: The roles of its newest messages, of which one from `start` on is the user's.
        start: Index of a block from which on all fits.
        asking: Index of the user's message before it.
        room: Tokens for both.
    """
    total = len(history.messages)
    oldest = total - len(roles)
    room -= history.cost(asking)
    while roles[start - oldest] != "user" and history.newest(total - start) > room:
        start += 1
        while roles[start - oldest] in RESULTS:
            start += 1
    return start
