"""`Request`: what is asked, in OpenAI wire form, and never changed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

Message: TypeAlias = Mapping[str, Any]
_NOTHING: Mapping[str, Any] = MappingProxyType({})

COMPLETION_PARAMETERS = ("best_of", "echo", "suffix")
"""What completions have and chats have not."""


class FailedToolResult(dict[str, Any]):
    """A tool's result that is an error: on the wire a message like any other, in words told as what it is."""


class Request(NamedTuple):
    """One call, before a route is chosen for it.

    Attributes:
        messages: Chat messages in OpenAI wire form.
        stream: Whether the answer is wanted piece by piece.
        params: Sampling and other parameters by their OpenAI names (``temperature``, ``max_tokens``, ``seed``,
            ``response_format``, ``web_search`` …), without ``stop``, ``tools`` and ``stream``. Unset ones are absent.
        stop: Texts at which the answer ends; they are not part of it.
        tools: Tools in OpenAI's function form.
        tool_choice: ``"auto"``, ``"none"``, ``"required"`` or ``{"type": "function", "function": {"name": …}}``.
        parallel_tool_calls: Whether several calls in one answer are welcome; ``None`` leaves it to the route.
        extra_body: Further members of the request body of an endpoint.
        headers: Further HTTP headers of an endpoint.
        tool_calling: How `tools` reach a route: ``"native"`` as the route takes them, ``"prompt"`` by description and
            parsing, ``"auto"`` the former where the route has it.
        context_window: Tokens that the model reads and writes at once, where the user knows it for all routes.
        trimming: How a conversation that is too long is made to fit (`core.trimming.Trimming`), if at all.
        counter: The user's own way of counting tokens (`core.tokens.OwnCounter`), if there is one.
        cleaning: What is taken out of answers (`core.cleaning.Cleaning`), if anything.
        prompts: Folder whose files replace the package's own prompts of the same names.
        completion: Whether the messages, each one text of the user's, are prompts to be carried on, and no
            conversation. Endpoints are asked by their completions; everybody else is asked in a chat.
    """

    messages: Sequence[Message]
    stream: bool = False
    params: Mapping[str, Any] = _NOTHING
    stop: tuple[str, ...] = ()
    tools: Sequence[Mapping[str, Any]] = ()
    tool_choice: str | Mapping[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    extra_body: Mapping[str, Any] = _NOTHING
    headers: Mapping[str, str] = _NOTHING
    tool_calling: str = "auto"
    prompts: str | None = None
    context_window: int | None = None
    trimming: Any = None  # typed in the rooms that know them, which lie above this one
    cleaning: Any = None
    counter: Any = None
    completion: bool = False

    def replacing(self, **changes: Any) -> Request:
        """A copy with `changes`; this request stays as it is."""
        return self._replace(**changes)

    @property
    def completes(self) -> bool:
        """Whether it can be asked by an endpoint's completions: nothing in it needs a conversation."""
        return (
            self.completion
            and not self.tools
            and "response_format" not in self.params
            and all(message.get("role") == "user" and type(message.get("content")) is str for message in self.messages)
        )

    @property
    def ends_with_tool_result(self) -> bool:
        """Whether the newest message is a tool's result, after which an empty answer can be meant."""
        return bool(self.messages) and self.messages[-1].get("role") == "tool"


@dataclass(slots=True)
class CallNotes:
    """What one attempt did to the request on its way, filled in while it is made; the metadata tell it.

    Attributes:
        dropped: Parameters that the route could not take, by their OpenAI names.
        trimmed: What was left out of the conversation; ``None`` if nothing was.
        lowered: Limits of the answer that took the place of the call's own, by their names.
        flattened: Whether roles were folded into text because the route lacks them.
        tools: How tools reached the route; ``None`` when none were offered.
        structured: How a JSON format reached it; ``None`` when none was asked for.
    """

    dropped: list[str] = field(default_factory=list)
    lowered: dict[str, int] = field(default_factory=dict)
    flattened: bool = False
    trimmed: dict[str, Any] | None = None
    tools: Literal["native", "prompt"] | None = None
    structured: Literal["native", "prompt"] | None = None
