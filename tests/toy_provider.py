"""g4f providers in this process that answer by the toy model's rules, and reject what real servers reject."""

import json

from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import FinishReason, ToolCalls, Usage

from stand_in import USAGE, reply_to
from strict_openai import message_fault
from toy_model import in_words, say, wish_of, wish_of_words


def strict_provider(*, has_tools, mind=say, fails_every=None):
    """A g4f provider that takes roles and parameters natively, and tools if it has them; and what it is asked.

    `mind` decides what is said; every so many calls end in an error if `fails_every` says so.
    """

    received = []
    take = wish_of if has_tools else wish_of_words

    class Strict(AsyncGeneratorProvider):
        working = supports_stream = supports_system_message = supports_message_history = True
        supports_native_tools = has_tools

        @classmethod
        async def create_async_generator(cls, model, messages, stream=True, media=None, **params):
            request = {"model": model, "messages": messages, "stream": stream, **params}
            received.append(request)
            complaint = message_fault(messages)
            if complaint:
                raise ValueError(complaint)
            if fails_every is not None and len(received) % fails_every == 0:
                raise ConnectionResetError("connection reset by peer")
            said = mind(take(request), reply_to(messages))
            if said.calls and has_tools:
                yield ToolCalls([_as_openai_writes(call) for call in said.calls])
            for word in said.texts if has_tools else in_words(said):
                yield word
            yield Usage(**USAGE)
            yield FinishReason("tool_calls" if said.calls and has_tools else "stop")

    return Strict, received


def _as_openai_writes(call):
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
    return {"id": call["id"], "type": "function", "function": function}
