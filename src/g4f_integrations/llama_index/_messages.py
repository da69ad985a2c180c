"""LlamaIndex's messages → chat messages in OpenAI wire form, whoever wrote them.

Histories come from every integration: calls as blocks or in `additional_kwargs`, their arguments as dicts or as text,
results with an id or only in the order of the calls. Nothing of the caller's is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ToolCallBlock

from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index._blocks import to_parts

WireMessage: TypeAlias = dict[str, Any]

_ROLES = {
    "user": "user",
    "system": "system",
    "developer": "developer",
    "assistant": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}
# What vendors call the parts of a call: OpenAI, LlamaIndex and Ollama; Anthropic and Bedrock; Gemini; Cohere.
_WRAPPERS = ("function", "function_call", "toolUse")
_IDS = ("call_id", "id", "tool_id", "tool_call_id", "toolUseId")  # OpenAI's responses have an `id` of another kind, too
_RESULT_IDS = ("tool_call_id", "tool_use_id", "toolUseId", "call_id", "id")
_NAMES = ("name", "tool_name", "function")
_ARGUMENTS = ("arguments", "tool_kwargs", "input", "args", "parameters")
_ILL_NAMED = re.compile(r"[^a-zA-Z0-9_-]")


def to_wire(messages: Sequence[ChatMessage]) -> list[WireMessage]:
    """`messages` in OpenAI wire form.

    Raises:
        ConfigurationError: Something among them is no message, or a block's file cannot be read; the error names its
            position.
    """
    wire: list[WireMessage] = []
    waiting: _Waiting | None = None
    for index, message in enumerate(messages):
        try:
            role = _ROLES[message.role]  # roles are texts
            if waiting is not None and role != "tool" and (waiting.calls or waiting.late):
                wire += waiting.end()
            blocks = message.blocks
            # The common case, kept short: histories can hold a thousand of them.
            if len(blocks) == 1 and type(blocks[0]) is TextBlock and role != "tool" and not message.additional_kwargs:
                wire.append({"role": role, "content": blocks[0].text})
            else:
                waiting = waiting or _Waiting()
                made = _convert(message, role, waiting)
                is_late = role == "tool" != made["role"] and (waiting.calls or waiting.late)
                (waiting.late if is_late else wire).append(made)
        except (TypeError, ValueError, AttributeError, LookupError, OSError) as error:
            problem = f"messages[{index}] ({type(message).__name__}) cannot be sent: {error}"
            raise ConfigurationError(problem) from error
    if waiting is not None:
        wire += waiting.end()
    return wire


def wire_name(name: str) -> str:
    """A tool's name as routes take it: at most 64 letters, digits, hyphens and underscores."""
    return _ILL_NAMED.sub("_", name)[:64] or "_"


class _Waiting:
    """The calls of the newest assistant's message that no result has answered yet.

    Endpoints refuse a whole conversation for a call without its result, or a result without its call; memories that
    drop old messages leave both.

    Attributes:
        calls: The calls, as they stand on the wire.
        late: Results of no known call, told in text, which would part the calls from the results after them.
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.late: list[WireMessage] = []
        self._message: WireMessage = {}
        self._invented: set[str] = set()
        self._count = 0

    def begin(self, message: WireMessage, calls: Iterable[tuple[str | None, str, Any]]) -> None:
        """Put `calls` into an assistant's message; one without an id gets the same one whenever it is converted."""
        for identifier, name, held in calls:
            self._count += 1
            if not identifier or any(call["id"] == identifier for call in self.calls):  # some give a tool's name as id
                identifier = f"call{self._count:05}"  # noqa: PLW2901  nine alphanumerics, which every provider accepts
                self._invented.add(identifier)
            self.calls.append(_wire_call(identifier, name, held))
        if self.calls:
            # The wire's own form of "called a tool and said nothing".
            message.update(content=message["content"] or None, tool_calls=self.calls.copy())
            self._message = message

    def answer(self, identifier: Any, name: Any) -> str | None:
        """The id of the call that a result belongs to, which has an id and its tool's name or lacks them."""
        ids = [call["id"] for call in self.calls]
        if identifier in ids:
            return self._done(ids.index(identifier))
        lost = [index for index, one in enumerate(ids) if not identifier or one in self._invented]
        if not lost:
            return None
        # Results of calls that ran side by side come in any order; some integrations give the tool's name as the id.
        names = {wire_name(one) for one in (name, identifier) if isinstance(one, str)}
        own = (index for index in lost if self.calls[index]["function"]["name"] in names)
        return self._done(next(own, lost[0]))

    def _done(self, index: int) -> str:
        return str(self.calls.pop(index)["id"])

    def end(self) -> list[WireMessage]:
        """No more results come: the calls that have none are told in text, and what is late follows."""
        late, self.late = self.late, []
        if not self.calls:
            return late
        message, told = self._message, [call["function"] for call in self.calls]
        left = {id(call) for call in self.calls}  # by identity: two calls can say the same
        kept = [call for call in message["tool_calls"] if id(call) not in left]
        lines = [f"{function['name']}({function['arguments']})" for function in told]
        message["content"] = "\n".join(filter(None, [message["content"], *lines]))
        if kept:
            message["tool_calls"] = kept
        else:
            del message["tool_calls"]
        self.calls = []
        return late


def _convert(message: ChatMessage, role: str, waiting: _Waiting) -> WireMessage:
    if role == "tool":
        return _result(message, waiting)
    wire: WireMessage = {"role": role, "content": _content(message, role)}
    name = message.additional_kwargs.get("name")
    if isinstance(name, str) and role != "assistant":
        wire["name"] = name
    if role == "assistant":
        waiting.begin(wire, _calls(message))
    return wire


def _result(message: ChatMessage, waiting: _Waiting) -> WireMessage:
    extra = message.additional_kwargs
    name = extra.get("name")
    call_id = waiting.answer(_member(extra, _RESULT_IDS), name)
    content = _content(message, "tool")
    if not call_id:  # the answer to nothing that is known: it would be refused as a result, but is not lost as text
        text = f"Result of the tool {name}: " if name else "Tool result: "
        told = [{"type": "text", "text": text}, *content] if isinstance(content, list) else text + content
        return {"role": "user", "content": told}
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def _content(message: ChatMessage, role: str) -> str | list[dict[str, Any]]:
    blocks = message.blocks
    text = message.content or ""
    if all(type(block) is TextBlock for block in blocks):
        return text
    if role == "assistant":  # a picture that the text shows already is not told twice
        blocks = [
            block
            for block in blocks
            if not (isinstance(block, ImageBlock) and block.url is not None and str(block.url) in text)
        ]
    parts = to_parts(blocks, role)
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _calls(message: ChatMessage) -> list[tuple[str | None, str, Any]]:
    """Ids, names and arguments of an assistant's calls, from its blocks or from where older integrations keep them."""
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if blocks:
        return [(block.tool_call_id, block.tool_name, block.tool_kwargs) for block in blocks]
    return read_calls(message.additional_kwargs)


def read_calls(extra: Mapping[str, Any]) -> list[tuple[str | None, str, Any]]:
    """Ids, names and arguments of calls as integrations keep them in a message's `additional_kwargs`."""
    held = extra.get("tool_calls") or extra.get("function_call") or ()  # the latter is OpenAI's older form
    if isinstance(held, Mapping) or not isinstance(held, Iterable):
        held = [held]
    return [call for call in map(_read_call, held) if call is not None]


def _read_call(call: Any) -> tuple[str | None, str, Any] | None:
    """Id, name and arguments of a call in the form of one of the vendors, as a dict or as an object."""
    function = _member(call, _WRAPPERS)
    if isinstance(function, str) or function is None:
        function = call
    name = _member(function, _NAMES)
    if not name:
        return None
    identifier = _member(call, _IDS) or _member(function, _IDS)
    return identifier if isinstance(identifier, str) else None, str(name), _member(function, _ARGUMENTS)


def _member(held: Any, names: Sequence[str]) -> Any:
    """The first of the members that `held`, a dict or an object, has."""
    for name in names:
        value = held.get(name) if isinstance(held, Mapping) else getattr(held, name, None)
        if value is not None:
            return value
    return None


def _wire_call(identifier: str, name: str, arguments: Any) -> dict[str, Any]:
    function = {"name": wire_name(name), "arguments": _argument_text(arguments)}
    return {"type": "function", "id": identifier, "function": function}


def _argument_text(arguments: Any) -> str:
    if not isinstance(arguments, str):
        given = arguments if isinstance(arguments, Mapping) else {"input": arguments}
        return json.dumps(dict(given) if arguments else {}, ensure_ascii=False, default=str)
    if not arguments.strip():
        return "{}"
    try:
        held = json.loads(arguments)
    except (ValueError, RecursionError):
        held = None
    # Servers refuse a whole conversation for one call whose arguments are no JSON object.
    return arguments if isinstance(held, dict) else json.dumps({"input": arguments}, ensure_ascii=False)
