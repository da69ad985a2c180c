"""Request → the JSON body of ``POST /chat/completions`` or ``POST /completions``."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.request import COMPLETION_PARAMETERS, CallNotes, Request
from g4f_integrations.errors import ConfigurationError

TWINS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""Two names of one parameter: OpenAI's newer models refuse the old one, most other servers the new one."""


def build_body(candidate: Candidate, request: Request, refused: Collection[str], notes: CallNotes) -> dict[str, Any]:
    """The body for `request` on that endpoint; messages and tools are the caller's own objects, untouched.

    Args:
        candidate: Gives the model, left out where it is ``""``, and the provider to name in the body.
        request: What is asked. Members of its `extra_body` win over everything else.
        refused: Parameters that the endpoint is known to refuse; they are sent under their other name or left out.
        notes: Gets the names of what was left out.
    """
    body: dict[str, Any] = {"model": candidate.model} if candidate.model else {}
    if request.completion and request.completes and "completions" not in refused:
        _add_prompts(body, request)
    else:
        body["messages"] = request.messages
        body.update(request.params)
        if request.completion:
            if len(request.messages) > 1:
                message = f"{candidate.label} has no completions, so that each prompt needs a call of its own"
                raise ConfigurationError(message)
            notes.dropped += [name for name in COMPLETION_PARAMETERS if body.pop(name, None) is not None]
    if request.stop:
        body["stop"] = list(request.stop)
    if request.tools:
        _add_tools(body, request)
    body["stream"] = request.stream
    asks_usage = request.stream and "stream_options" not in body
    if asks_usage:
        body["stream_options"] = {"include_usage": True}
    elif not request.stream or body["stream_options"] is None:  # servers refuse it there; nobody wants the usage
        body.pop("stream_options", None)
    if candidate.body_provider is not None:
        body["provider"] = candidate.body_provider
    body.update(request.extra_body)
    if refused:
        ours = ("stream_options",) if asks_usage else ()
        notes.dropped += [name for name in _leave_out(body, refused) if name not in notes.dropped and name not in ours]
    return body


def _add_prompts(body: dict[str, Any], request: Request) -> None:
    texts = [message["content"] for message in request.messages]
    body["prompt"] = texts[0] if len(texts) == 1 else texts
    body.update(request.params)
    if type(body.get("logprobs")) is bool:  # a number here, and a chat's pair of parameters there
        wanted = body.pop("logprobs")
        alternatives = body.pop("top_logprobs", None) or 1
        if wanted:
            body["logprobs"] = alternatives


def _add_tools(body: dict[str, Any], request: Request) -> None:
    body["tools"] = request.tools
    if request.tool_choice is not None:
        body["tool_choice"] = request.tool_choice
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _leave_out(body: dict[str, Any], refused: Collection[str]) -> list[str]:
    dropped = []
    for name in refused:
        if name not in body:
            continue
        value = body.pop(name)
        twin = TWINS.get(name, name)
        if twin not in refused and twin not in body:
            body[twin] = value
        else:
            dropped.append(name)
    return dropped


def dump_body(body: Mapping[str, Any]) -> bytes:
    """`body` as JSON in UTF-8; what UTF-8 cannot hold (half an emoji) is escaped.

    Raises:
        ConfigurationError: It holds something that JSON cannot.
    """
    try:
        return to_json(body)
    except ValueError:  # lone surrogates, or a type that only the patient way knows
        pass
    try:
        return json.dumps(body, default=_plain, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        message = f"The request cannot be written as JSON: {error}"
        raise ConfigurationError(message) from error


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | AbstractSet) and not isinstance(value, bytes | bytearray | memoryview):
        return list(value)
    message = f"{type(value).__name__} is not a JSON type"
    raise TypeError(message)
