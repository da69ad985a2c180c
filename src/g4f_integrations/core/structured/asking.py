"""The request for JSON in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.prompts import add_reminder, add_to_system
from g4f_integrations.core.prompts.answers import describe_answer


def ask_for_json(
    messages: Sequence[Mapping[str, Any]], response_format: Mapping[str, Any], *, folder: str | None = None
) -> list[dict[str, Any]]:
    """`messages` for a route that has no ``response_format``: the form is asked for in words.

    Where tools are told in words as well, `core.toolcalls.emulation.emulate_tools` says both.

    Args:
        messages: Chat messages in OpenAI wire form; they are not changed. Those that need no change are handed on as
            they are.
        response_format: In OpenAI's form; ``{"type": "text"}`` asks for nothing.
        folder: The user's folder of prompts.

    Returns:
        The messages: the instruction with the schema in the system message, and a reminder at the end of the newest
        user message.

    Raises:
        ConfigurationError: A prompt file of the user's is not usable.
    """
    asked = [message if isinstance(message, dict) else dict(message) for message in messages]
    answer = describe_answer(response_format, folder)
    if answer is not None:
        instruction, reminder = answer
        add_to_system(asked, instruction)
        add_reminder(asked, reminder)
    return asked
