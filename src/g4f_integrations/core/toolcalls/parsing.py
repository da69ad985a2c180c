"""The text of an answer → prose and calls, whatever form the model wrote them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from g4f_integrations.core.events import InvalidToolCall, ToolCall
from g4f_integrations.core.toolcalls.arguments import settle_call
from g4f_integrations.core.toolcalls.ids import is_call_id, new_call_id
from g4f_integrations.core.toolcalls.outcomes import Found


@dataclass(slots=True)
class Parsed:
    """What an answer consists of.

    Attributes:
        text: The prose around the calls; where a call was cut out, without the blanks at the cut.
        calls: The calls whose names and arguments are in order.
        invalid: What is clearly meant as a call, and why it is none.
    """

    text: str
    calls: list[ToolCall] = field(default_factory=list)
    invalid: list[InvalidToolCall] = field(default_factory=list)


def settle(text: str, found: Sequence[Found], tools: Sequence[Mapping[str, Any]]) -> Parsed:
    """Check the calls that were found against the tools, and give them ids.

    An id of the model's own is kept if it has the form of ours and no call before it has it.
    """
    parsed = Parsed(text)
    taken: set[str] = set()
    for one in found:
        call_id = one.id if one.id is not None and is_call_id(one.id) and one.id not in taken else new_call_id()
        taken.add(call_id)
        settled = (
            settle_call(call_id, one.name, one.arguments, tools)
            if one.error is None
            else InvalidToolCall(call_id, one.name, str(one.arguments), one.error)
        )
        if isinstance(settled, ToolCall):
            parsed.calls.append(settled)
        else:
            parsed.invalid.append(settled)
    return parsed
