"""One call of the engine for the command line: its text as it comes, and what is known of it at the end."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from g4f_integrations.core.events import (
    AnswerInfo,
    Finish,
    Media,
    ReasoningDelta,
    Retrying,
    TextDelta,
    ToolCall,
    Usage,
)
from g4f_integrations.core.loop import iterate_blocking
from g4f_integrations.core.settings import ModelFields
from g4f_integrations.core.settings.calls import make_face, prepare_call

_FACE = make_face(list, dict)


@dataclass
class Answered:
    """An answer, as much of it as there is.

    Attributes:
        text: What was said.
        calls: The tools that the model wants to be called.
        usage: Tokens, once they are known.
        finish: Why it ended.
        info: How it came to be; ``None`` while it is not complete.
    """

    text: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    usage: Usage | None = None
    finish: str = ""
    info: AnswerInfo | None = None

    def message(self) -> dict[str, Any]:
        """The answer as a message of the history."""
        from json import dumps

        said: dict[str, Any] = {"role": "assistant", "content": self.text}
        if self.calls:
            functions = [(call.id, {"name": call.name, "arguments": dumps(call.arguments)}) for call in self.calls]
            said["tool_calls"] = [{"id": key, "type": "function", "function": call} for key, call in functions]
        return said

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON data."""
        usage = self.usage
        told = ("input_tokens", "output_tokens", "total_tokens")
        return {
            "text": self.text,
            "finish_reason": self.finish,
            "usage": None if usage is None else {name: getattr(usage, name) for name in told},
            "g4f": None if self.info is None else self.info.to_dict(),
        }


def model_of(settings: dict[str, Any]) -> ModelFields:
    """The settings, checked.

    Raises:
        ConfigurationError: They contradict each other.
    """
    return ModelFields(**settings)


def answer_to(
    model: ModelFields,
    messages: Sequence[dict[str, Any]],
    into: Answered,
    *,
    tools: Sequence[dict[str, Any]] = (),
    stream: bool = True,
    on_retry: Callable[[Retrying], None] | None = None,
    on_reasoning: Callable[[str], None] | None = None,
) -> Generator[str, None, None]:
    """The answer's text as it comes; closing the generator ends the answer at its route.

    Args:
        model: The settings.
        messages: The conversation in OpenAI's form.
        into: Is filled while the answer comes.
        tools: Tools in OpenAI's form.
        stream: Whether the route is asked to stream.
        on_retry: Called before each further attempt.
        on_reasoning: Called with each piece of reasoning.

    Raises:
        IntegrationError: Every attempt failed, or the answer broke off.
    """
    arguments = {"tools": list(tools)} if tools else {}
    call = prepare_call(model, messages, None, arguments, stream, face=_FACE)
    with closing(iterate_blocking(call.batches)) as batches:
        for batch in batches:
            for event in batch:
                if isinstance(event, TextDelta | Media):
                    into.text += event.text
                    yield event.text
                elif isinstance(event, ReasoningDelta) and on_reasoning is not None:
                    on_reasoning(event.text)
                elif isinstance(event, Retrying) and on_retry is not None:
                    on_retry(event)
                elif isinstance(event, ToolCall):
                    into.calls.append(event)
                elif isinstance(event, Usage):
                    into.usage = event
                elif isinstance(event, Finish):
                    into.finish = event.reason
                elif isinstance(event, AnswerInfo):
                    into.info = event
