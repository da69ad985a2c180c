"""Token counts of LangChain's messages and tools; what it takes is loaded when somebody counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage


def count_text(text: str, model: str) -> int:
    """Estimated tokens of `text`."""
    from g4f_integrations.core.tokens import count_tokens

    return count_tokens(text, model)


def text_ids(text: str, model: str) -> list[int]:
    """A number for each token of `text`."""
    from g4f_integrations.core.tokens import token_ids

    return token_ids(text, model)


def count_conversation(messages: Sequence[BaseMessage], tools: Sequence[Any], model: str) -> int:
    """Estimated tokens of `messages` as they go over the wire, and of the schemas of `tools`."""
    from g4f_integrations.core.tokens import count_message_tokens
    from g4f_integrations.langchain._messages import to_wire
    from g4f_integrations.langchain._tools import to_openai_tools

    total = sum(count_message_tokens(message, model) for message in to_wire(messages))
    return total + count_text(json.dumps(to_openai_tools(tools), ensure_ascii=False), model) if tools else total
