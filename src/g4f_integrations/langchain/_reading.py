"""Answers in the form of a schema: how an object is read out of one, whole or growing, and what is wrong if not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal, TypeAlias

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.ai import add_ai_message_chunks
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.v1 import BaseModel as BaseModelV1
from pydantic.v1 import ValidationError as ValidationErrorV1
from pydantic_core import from_json

from g4f_integrations.core.events import Attempt
from g4f_integrations.langchain._errors import G4FContentFilterError, G4FStructuredOutputError
from g4f_integrations.langchain._tools import Described

Method: TypeAlias = Literal["function_calling", "json_schema", "json_mode"]

_SHOWN = 500  # characters of an answer that an error shows
_MOST_PROBLEMS = 10
_GROWTH = 64  # a preview is read anew when its text has grown by this fraction of itself: that keeps the work linear
_INVALID = (ValidationError, ValidationErrorV1, ValueError, TypeError)


class UnreadableAnswer(Exception):  # noqa: N818  a verdict on an answer, which never leaves this package
    """An answer that cannot be read.

    Attributes:
        problems: What is wrong, one line each.
        answer: What the model said.
    """

    def __init__(self, problems: Sequence[str], answer: str) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)
        self.answer = answer


@dataclass(frozen=True)
class AnswerReader:
    """Makes an object of an answer.

    Attributes:
        schema: What the user gave: a class makes instances, everything else gives plain JSON values; ``None`` takes
            any JSON object.
        described: The same as routes are told of it.
        method: How it is asked for.
        has_tools: Whether the model may call tools instead, for which there is no object.
    """

    schema: Any
    described: Described | None
    method: Method
    has_tools: bool = False

    @property
    def name(self) -> str:
        """What the answer is called."""
        return "JSON" if self.described is None else self.described.name

    def read(self, message: AIMessage) -> Any:
        """The object in `message`; ``None`` only where it calls one of the tools instead.

        Raises:
            G4FContentFilterError: The model refused to answer.
            UnreadableAnswer: There is no object of the right form.
        """
        text = self._text_of(message)
        if text is None:
            return None
        from g4f_integrations.core.structured import settle_json  # only structured calls need it

        text, problem = settle_json(text, self._format())
        if problem is not None:
            _raise_if_refused(message)
            raise UnreadableAnswer([problem], text)
        return self._load(text)

    def previews(self) -> Previews:
        """What shows an answer while it grows."""
        return Previews(self)

    def preview(self, text: str) -> Any:
        """What there is of an object whose text is still growing; ``None`` if nothing can be shown."""
        start = text.find("{")
        if start < 0:
            return None
        try:
            value = from_json(text[start:], allow_partial="trailing-strings")
            return self._instance(value, text=None)
        except _INVALID:
            return None

    def _format(self) -> Mapping[str, Any]:
        return {"type": "json_object"} if self.described is None else self.described.as_response_format()

    def _text_of(self, message: AIMessage) -> str | None:
        """The JSON text in which the answer should be."""
        name = self.name
        call = next((call for call in message.tool_calls if call["name"] == name), None)
        if call is not None:  # whatever was asked for: some models call what they were only shown
            return json.dumps(call["args"], ensure_ascii=False)
        if self.has_tools and message.tool_calls:
            return None
        if self.method != "function_calling":
            return str(message.text)
        _raise_if_refused(message)
        invalid = [f"{call['error']}" for call in message.invalid_tool_calls]
        said = [str(message.text), *(f"{call['args']}" for call in message.invalid_tool_calls)]
        raise UnreadableAnswer(invalid or [f"The tool {name} was not called."], "\n".join(filter(None, said)))

    def _load(self, text: str) -> Any:
        try:
            return self._instance(None, text=text)
        except _INVALID as error:
            raise UnreadableAnswer(_problems(error), text) from error

    def _instance(self, value: Any, *, text: str | None) -> Any:
        """An instance of the schema; of `text` by preference, which a strict class reads more of than of `value`."""
        schema = self.schema
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return schema.model_validate(value) if text is None else schema.model_validate_json(text)
        if isinstance(schema, type) and is_dataclass(schema):
            adapter: TypeAdapter[Any] = TypeAdapter(schema)
            return adapter.validate_python(value) if text is None else adapter.validate_json(text)
        value = value if text is None else json.loads(text)
        return schema.parse_obj(value) if isinstance(schema, type) and issubclass(schema, BaseModelV1) else value


class Previews:
    """Shows an answer while it grows, each time that there is more to show."""

    def __init__(self, reader: AnswerReader) -> None:
        self._reader = reader
        self._chunks: list[AIMessage] = []
        self._pieces: list[str] = []
        self._size = self._read = 0
        self._last: Any = None

    def feed(self, chunk: AIMessage) -> Any:
        """The object as far as it has come, ``None`` if it says no more than before."""
        self._chunks.append(chunk)
        text = str(chunk.text)
        if self._reader.method == "function_calling" or not text:
            return None  # a call comes whole, and is read at the end
        self._pieces.append(text)
        self._size += len(text)
        if self._size - self._read < self._size // _GROWTH + 1:
            return None
        self._read = self._size
        value = self._reader.preview("".join(self._pieces))
        if value is None or value == self._last:
            return None
        self._last = value
        return value

    def whole(self) -> AIMessage:
        """The answer in one piece."""
        if len(self._chunks) == 1:  # perhaps no chunk at all, where streaming is disabled
            return self._chunks[0]
        chunks = [chunk for chunk in self._chunks if isinstance(chunk, AIMessageChunk)]
        return add_ai_message_chunks(*chunks) if chunks else AIMessage("")

    def is_news(self, value: Any) -> bool:
        """Whether the whole object is another than the last preview."""
        return self._last is None or value != self._last


def error_of(
    message: AIMessage, unreadable: UnreadableAnswer, name: str, attempts: Sequence[Mapping[str, Any]]
) -> G4FStructuredOutputError:
    """The error that a user gets for an answer that is not in the form that was asked for.

    Args:
        message: The last answer.
        unreadable: What is wrong with it.
        name: What was asked for.
        attempts: All attempts, as metadata tell them.
    """
    said = unreadable.answer.strip()
    shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
    count = f"{len(attempts)} attempt{'s' if len(attempts) != 1 else ''}" if attempts else "an answer"
    text = (
        f"No valid {name} after {count}: {'; '.join(unreadable.problems)}. The last answer: {shown or '(nothing)'}. "
        "Describe the fields in the schema, try another `method`, or add providers or models to rotate over."
    )
    error = G4FStructuredOutputError(text, attempts=[Attempt(**attempt) for attempt in attempts])
    error.llm_output = said
    told = message.response_metadata.get("g4f") or {}
    error.route = f"{told.get('provider')}:{told.get('model')}" if told else None
    return error


def is_engines_verdict(message: AIMessage) -> bool:
    """Whether the engine has found the answer wanting already, and asked again as often as it may."""
    told = message.response_metadata.get("g4f") or {}
    return told.get("suspect") == "invalid" or bool(message.invalid_tool_calls)


def _raise_if_refused(message: AIMessage) -> None:
    said = message.additional_kwargs.get("refusal")
    blocks = message.content if isinstance(message.content, list) else ()
    for block in blocks:
        if isinstance(block, Mapping) and block.get("type") == "refusal":
            said = said or block.get("refusal")
    if not said and message.response_metadata.get("finish_reason") != "content_filter":
        return
    text = f"The model refused to answer: {said or message.text or 'by its policy'}"
    attempts = attempts_of(message)
    raise G4FContentFilterError(text, attempts=[Attempt(**attempt) for attempt in attempts])


def attempts_of(message: AIMessage) -> list[dict[str, Any]]:
    """The attempts that led to `message`, as its metadata tell them."""
    told = message.response_metadata.get("g4f") or {}
    return list(told.get("attempts") or ())


def _problems(error: Exception) -> list[str]:
    """What a class finds wrong, a line for each field."""
    if not isinstance(error, ValidationError | ValidationErrorV1):
        return [str(error)]
    lines = []
    for detail in error.errors()[:_MOST_PROBLEMS]:
        place = ".".join(map(str, detail["loc"]))
        lines.append(f"{place}: {detail['msg']}" if place else detail["msg"])
    return lines
