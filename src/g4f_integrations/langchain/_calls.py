"""A model's settings, LangChain's messages and the arguments of one call → what the engine takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage

from g4f_integrations.core.settings import ModelFields
from g4f_integrations.core.settings.calls import Call, make_face
from g4f_integrations.core.settings.calls import prepare_call as prepare_core_call
from g4f_integrations.langchain._messages import to_wire
from g4f_integrations.langchain._tools import to_openai_tools, to_response_format

_FACE = make_face(
    to_openai_tools,
    to_response_format,
    own=("stream_usage",),
    ignored=("ls_structured_output_format", "structured_output_format"),  # LangChain tells its tracers by them
    dropped=(
        *("cache", "callbacks", "custom_get_token_ids", "disable_streaming", "output_version", "profile"),
        *("rate_limiter", "streaming", "tags"),
    ),
)


def prepare_call(
    model: ModelFields,
    messages: Sequence[BaseMessage],
    stop: Sequence[str] | str | None,
    arguments: dict[str, Any],
    stream: bool,
) -> Call:
    """What `model` asks of the engine for `messages`; see `core.settings.prepare_call`.

    Raises:
        ConfigurationError: The arguments contradict each other, or a message has no place in a chat.
    """
    call = prepare_core_call(model, to_wire(messages), stop, arguments, stream, face=_FACE)
    count = getattr(model, "custom_get_token_ids", None)
    if count is None:
        return call
    from g4f_integrations.core.tokens import LengthOf  # few models count in a way of their own

    return call._replace(request=call.request.replacing(counter=LengthOf(count)))
