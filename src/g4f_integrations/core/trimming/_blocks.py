"""What goes or stays together: a tool call with all its results; every other message is a block of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

SYSTEM = frozenset({"system", "developer"})
RESULTS = frozenset({"tool", "function"})
_NO_ID = str(None)
_role_of = itemgetter("role")


def roles_of(messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The role of every message, ``None`` where there is none."""
    try:
        return list(map(_role_of, messages))
    except KeyError:
        return [message.get("role") for message in messages]


def has_any_role(messages: Iterator[Mapping[str, Any]], roles: frozenset[str]) -> bool:
    """Whether any message that is left in the iterator has one of `roles`."""
    try:
        return not roles.isdisjoint(map(_role_of, messages))
    except KeyError:  # of a message without a role, which is behind the iterator now
        return any(message.get("role") in roles for message in messages)


def call_ids(message: Mapping[str, Any]) -> set[str]:
    """The ids of the tool calls in a message."""
    calls = message.get("tool_calls")
    known = calls if isinstance(calls, list) else ()
    found = {str(call.get("id")) for call in known if type(call) is dict or isinstance(call, Mapping)}
    return found | {"function"} if message.get("function_call") else found


def result_id(message: Mapping[str, Any]) -> str:
    """The id of the call that a tool's result answers; ``"function"`` for OpenAI's older form without ids."""
    return "function" if message.get("role") == "function" else str(message.get("tool_call_id"))


def made_ids(message: Mapping[str, Any]) -> set[str]:
    """The ids of the calls in a message that are texts; the short way of `call_ids` for what is in order."""
    calls = message.get("tool_calls")
    if type(calls) is not list:
        return set()
    return {name for call in calls if type(call) is dict and type(name := call.get("id")) is str}


def ordinary_start(messages: Sequence[Mapping[str, Any]], end: int, first: int) -> int | None:
    """Index of the first message of the block that ends before `end`, by a look at this block only.

    Args:
        messages: The history.
        end: Index after the block.
        first: Index of the first message that may be in a block.

    Returns:
        ``None`` where results do not stand right behind the message with all their calls.
    """
    at = end - 1
    answered = []
    while at >= first and (message := messages[at]).get("role") in RESULTS:
        answered.append(message.get("tool_call_id"))
        at -= 1
    if not answered:
        return at
    made = made_ids(messages[at]) if at >= first else set()
    return at if all(type(name) is str and name in made for name in answered) else None


class Blocks:
    """Finds the blocks of a history, from its end or its beginning, without looking at more of it than asked.

    A result belongs to the newest call before it that has its id; what stands between the two belongs to the block as
    well. A result without an id belongs to the message before it, one whose call is not there to nothing.

    Args:
        messages: The history.
        roles: Their roles.
        first: Index of the first message that is looked at; those before it are in no block.
    """

    __slots__ = ("_first", "_messages", "_roles", "_starts")

    def __init__(self, messages: Sequence[Mapping[str, Any]], roles: Sequence[Any], first: int) -> None:
        self._messages = messages
        self._roles = roles
        self._first = first
        self._starts: list[int] | None = None  # of all blocks, once anything out of the ordinary was met

    @property
    def are_odd(self) -> bool:
        """Whether results have been met that do not stand right behind their calls."""
        return self._starts is not None

    def start_of(self, end: int) -> int:
        """Index of the first message of the block that ends before `end`."""
        at = end - 1
        if self._starts is not None:
            return self._starts[bisect_right(self._starts, at) - 1]
        if self._roles[at] not in RESULTS:
            return at
        start = ordinary_start(self._messages, end, self._first)
        return self._look_at_all(end) if start is None else start

    def end_of(self, start: int) -> int:
        """Index after the last message of the block that starts at `start`."""
        starts = self.starts()
        after = bisect_right(starts, start)
        return starts[after] if after < len(starts) else len(self._messages)

    def _look_at_all(self, end: int) -> int:
        self.starts()
        return self.start_of(end)

    def starts(self) -> list[int]:
        """The first message's index of every block, in order."""
        if self._starts is not None:
            return self._starts
        starts: list[int] = []
        calls: dict[str, int] = {}
        for at in range(self._first, len(self._messages)):
            message = self._messages[at]
            if self._roles[at] in RESULTS and starts:
                name = result_id(message)
                call = calls.get(name, at - 1 if name == _NO_ID else at)
                while starts and starts[-1] > call:
                    starts.pop()  # everything since the call belongs to its block
                if call < at:
                    continue
            starts.append(at)
            if "tool_calls" in message or "function_call" in message:
                for name in call_ids(message):
                    calls[name] = at
        self._starts = starts
        return starts
