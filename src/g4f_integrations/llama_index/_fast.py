"""Plain answers made without pydantic's validation, and proved equal to validated ones before they are used.

Three validated objects for one text cost as much as everything else that this face does for a call. If anything about
them differs from the constructors' own, because LlamaIndex or pydantic changed, the constructors are used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock

from g4f_integrations.core.proving import anatomy, is_same, quick_or_real, share_nothing

ResponseMaker: TypeAlias = Callable[[str, dict[str, Any], dict[str, Any]], ChatResponse]
"""Makes an answer of its text, `raw` and `additional_kwargs`; keeps both as they are."""

_set = object.__setattr__  # pydantic's own __setattr__ validates


def validated_response(text: str, raw: dict[str, Any], details: dict[str, Any]) -> ChatResponse:
    """An answer made by the constructors."""
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=[TextBlock(text=text)])
    return ChatResponse(message=message, raw=raw, logprobs=None, additional_kwargs=details)


@cache
def response_maker() -> ResponseMaker:
    """The quickest way to make answers that is indistinguishable from the constructors', found out once."""
    return quick_or_real(_compile, _is_faithful, validated_response)


def _compile() -> ResponseMaker:
    real = validated_response("a", {"r": 1}, {"d": 1})
    real_message = real.message
    block_values, message_values, values = (dict(one.__dict__) for one in (real_message.blocks[0], real_message, real))
    block_fields, message_fields, fields = (
        one.model_fields_set for one in (real_message.blocks[0], real_message, real)
    )
    new_block, new_message, new = TextBlock.__new__, ChatMessage.__new__, ChatResponse.__new__

    def make(text: str, raw: dict[str, Any], details: dict[str, Any]) -> ChatResponse:
        state = block_values.copy()
        state["text"] = text
        block = new_block(TextBlock)
        _set(block, "__dict__", state)
        _set(block, "__pydantic_fields_set__", set(block_fields))
        _set(block, "__pydantic_extra__", None)
        _set(block, "__pydantic_private__", None)
        state = message_values.copy()
        state["additional_kwargs"] = {}
        state["blocks"] = [block]
        message = new_message(ChatMessage)
        _set(message, "__dict__", state)
        _set(message, "__pydantic_fields_set__", set(message_fields))
        _set(message, "__pydantic_extra__", None)
        _set(message, "__pydantic_private__", None)
        state = values.copy()
        state["message"] = message
        state["raw"] = raw
        state["additional_kwargs"] = details
        response = new(ChatResponse)
        _set(response, "__dict__", state)
        _set(response, "__pydantic_fields_set__", set(fields))
        _set(response, "__pydantic_extra__", None)
        _set(response, "__pydantic_private__", None)
        return response

    return make


def _is_faithful(fast: ResponseMaker) -> bool:
    pairs = [
        (fast("text", {"r": [1]}, {"d": {"e": 1}}), validated_response("text", {"r": [1]}, {"d": {"e": 1}})),
        (fast("", {}, {}), validated_response("", {}, {})),
    ]
    return _shares_nothing(fast) and all(is_same(made, real, *_VIEWS) for made, real in pairs)


_VIEWS: tuple[Callable[[Any], Any], ...] = (
    lambda made: anatomy(made.message),
    lambda made: anatomy(made.message.blocks[0]),
    str,
    lambda made: made.message.content,
)


def _shares_nothing(fast: ResponseMaker) -> bool:
    first, second = fast("a", {}, {}), fast("a", {}, {})
    parts = [(first, second), (first.message, second.message), (first.message.blocks[0], second.message.blocks[0])]
    return all(share_nothing(one, other) for one, other in parts)
