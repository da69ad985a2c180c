"""Answers as instances of a pydantic class: what is asked for, what is read, and how a mistake is told to the model.

The engine sees to it that the answer is JSON of the right form, on every route. What is left for here is what only the
class knows: its validators, and objects that are shown while they grow.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from llama_index.core.base.llms.types import ChatMessage, MessageRole, ToolCallBlock
from llama_index.core.output_parsers.pydantic import PydanticOutputParser
from llama_index.core.program.utils import FlexibleModel, create_flexible_model
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from g4f_integrations.core.prompts import fill, load_prompt
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index._messages import wire_name

REASKS = 2
"""How often a model is asked again for an answer that its class refuses."""

OWN_MODES = frozenset({PydanticProgramMode.DEFAULT, PydanticProgramMode.LLM, PydanticProgramMode.FUNCTION})
"""The modes that are served here; the others are LlamaIndex's own programs."""

Partial: TypeAlias = BaseModel | FlexibleModel

_NOT_FOR_TEXT = frozenset({"tool_choice", "tool_required", "allow_parallel_tool_calls", "response_format"})
_GROWTH = 64  # an object is read anew when its text has grown by this fraction of itself, which keeps the work linear


class StructuredCall:
    """One question whose answer is to be an `output_cls`, and what has been tried so far.

    Args:
        llm: The model, for its prompts and settings.
        output_cls: The class of the answer.
        prompt: The question.
        llm_kwargs: Arguments for the model.
        prompt_args: What is filled into the question.
    """

    def __init__(
        self,
        llm: Any,
        output_cls: type[BaseModel],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None,
        prompt_args: dict[str, Any],
    ) -> None:
        self._class = output_cls
        self._folder = llm.prompts
        self._left = REASKS
        self.arguments = {name: value for name, value in (llm_kwargs or {}).items() if name not in _NOT_FOR_TEXT}
        messages = llm._extend_messages(prompt.format_messages(llm=llm, **prompt_args))  # noqa: SLF001  LlamaIndex's own
        self._format = to_response_format(output_cls)
        schema = self._format["json_schema"]["schema"]
        self._is_settled = False
        if llm.pydantic_program_mode is PydanticProgramMode.LLM:
            messages = PydanticOutputParser(output_cls).format_messages(messages)
        elif llm.pydantic_program_mode is PydanticProgramMode.FUNCTION and schema.get("type") == "object":
            self.arguments.update(tools=[_as_tool(schema)], tool_choice="required", parallel_tool_calls=False)
        else:
            self._is_settled = True  # the engine sees to it
            self.arguments["response_format"] = self._format
        self.messages: list[ChatMessage] = list(messages)

    def read(self, answer: ChatMessage | None) -> BaseModel | None:
        """The answer as an instance; ``None`` if the model is to be asked again, for which `messages` are ready.

        Raises:
            ValueError: It cannot be read, and the model was asked often enough.
        """
        text = (answer.content if answer is not None else None) or ""
        blocks = answer.blocks if answer is not None else []
        call = next((block for block in blocks if isinstance(block, ToolCallBlock)), None)
        if call is not None:
            held = call.tool_kwargs
            text = held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)
        try:
            return self._class.model_validate_json(text if self._is_settled else self._settled(text))
        except ValidationError as error:
            problems = _problems(error)
            if self._left == 0:
                lines = "\n".join(problems)
                message = f"No valid {self._class.__name__} after {REASKS + 1} answers. The last one:\n{lines}"
                raise ValueError(message) from error
        self._left -= 1
        request = fill(load_prompt("reask", self._folder), problems="\n".join(problems))
        if call is not None and answer is not None:
            identifier = {"tool_call_id": call.tool_call_id}
            self.messages += [answer, ChatMessage(role=MessageRole.TOOL, content=request, additional_kwargs=identifier)]
        else:
            self.messages += [
                ChatMessage(role=MessageRole.ASSISTANT, content=text or "(nothing)"),
                ChatMessage(role=MessageRole.USER, content=request),
            ]
        return None

    def partials(self) -> Partials:
        """What shows the answer while it grows."""
        return Partials(self._class)

    def _settled(self, text: str) -> str:
        from g4f_integrations.core.structured import settle_json

        return settle_json(text, self._format)[0]


class Partials:
    """Objects of a text of JSON that is still growing."""

    def __init__(self, output_cls: type[BaseModel]) -> None:
        self._class = output_cls
        self._flexible: type[BaseModel] = create_flexible_model(output_cls)
        self._read = 0
        self._last: Any = None

    def feed(self, text: str) -> Partial | None:
        """What is there by now, if it says more than before: an `output_cls`, or one whose fields may be missing."""
        if len(text) - self._read < len(text) // _GROWTH + 1:
            return None
        self._read = len(text)
        start = text.find("{")
        try:
            held = from_json(text[start:], allow_partial="trailing-strings") if start >= 0 else None
        except ValueError:
            return None
        if not isinstance(held, dict) or held == self._last:
            return None
        self._last = held
        try:
            return self._class.model_validate(held)
        except ValidationError:
            pass
        try:
            return self._flexible.model_validate(held)
        except ValidationError:
            return None


def to_response_format(schema: Any) -> dict[str, Any]:
    """`schema` as OpenAI's ``response_format``: a pydantic class, a JSON schema, or a dict that is one already.

    Raises:
        ConfigurationError: It is something else.
    """
    if isinstance(schema, dict):
        if schema.get("type") in {"json_schema", "json_object", "text"}:
            return schema
        name, described = schema.get("title", "answer"), schema
    elif not hasattr(schema, "model_json_schema"):
        message = f"response_format must be a pydantic class or a dict, not {schema!r}"
        raise ConfigurationError(message)
    else:
        name, described = schema.__name__, schema.model_json_schema()
    return {"type": "json_schema", "json_schema": {"name": wire_name(str(name)), "schema": described}}


def _as_tool(schema: dict[str, Any]) -> dict[str, Any]:
    name, description = str(schema.get("title", "answer")), str(schema.get("description", "Give the answer."))
    return {
        "type": "function",
        "function": {"name": wire_name(name), "description": description, "parameters": schema},
    }


def _problems(error: ValidationError) -> Sequence[str]:
    lines = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(map(str, detail["loc"]))
        lines.append(f"- {place}: {detail['msg']}" if place else f"- {detail['msg']}")
    return lines[:20]
