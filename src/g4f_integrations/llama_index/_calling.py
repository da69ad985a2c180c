"""LlamaIndex's way of calling tools, on top of chat endpoints that take tools in OpenAI's form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, ToolCallBlock
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from pydantic import ConfigDict

from g4f_integrations.llama_index._observed import veiled_span
from g4f_integrations.llama_index._tools import (
    arun_calls,
    called,
    meant_calls,
    original_names,
    run_calls,
    to_openai_tools,
    to_selections,
    wire_choice,
)

if TYPE_CHECKING:
    from llama_index.core.chat_engine.types import AgentChatResponse
    from llama_index.core.tools.types import BaseTool


_NO_CALL = "Expected at least one tool call, but got 0 tool calls."


class ToolCaller(FunctionCallingLLM):
    """An LLM whose endpoints take `tools`, `tool_choice` and `parallel_tool_calls`, natively or by prompt."""

    model_config = ConfigDict(defer_build=True)

    @veiled_span
    def _prepare_chat_with_tools(  # noqa: PLR0917  LlamaIndex's own signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,  # noqa: ARG002  LlamaIndex's own signature
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The arguments of a chat endpoint for a question with tools.

        Args:
            tools: LlamaIndex's tools.
            user_msg: What the user says after `chat_history`.
            chat_history: The conversation; it is not changed.
            verbose: Of no effect.
            allow_parallel_tool_calls: Whether one answer may hold several calls.
            tool_required: Whether some tool has to be called.
            tool_choice: Says it more exactly: ``"auto"``, ``"none"``, ``"required"``, a tool's name, or a dict in
                OpenAI's form. Wins over `tool_required`.
            **kwargs: Further arguments of the endpoint.
        """
        messages = list(chat_history or ())
        if isinstance(user_msg, str):
            user_msg = ChatMessage(role=MessageRole.USER, content=user_msg)
        if user_msg is not None:
            messages.append(user_msg)
        if not tools:
            return {"messages": messages, **kwargs}
        specs = to_openai_tools(tools)
        names = original_names(tools, specs)
        choice = wire_choice(tool_choice, names) if tool_choice is not None else "required" if tool_required else None
        offered: dict[str, Any] = {"tools": specs, "parallel_tool_calls": allow_parallel_tool_calls}
        if choice is not None:
            offered["tool_choice"] = choice
        if names:
            offered["tool_names"] = names
        return {"messages": messages, **offered, **kwargs}

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],  # noqa: ARG002  LlamaIndex's own signature
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,  # noqa: ARG002  see above
    ) -> ChatResponse:
        """The response with one call at the most, unless several are allowed."""
        message = response.message
        calls = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
        if not allow_parallel_tool_calls and len(calls) > 1:
            others = [block for block in message.blocks if not isinstance(block, ToolCallBlock)]
            message.blocks = [*others, calls[0]]
            message.additional_kwargs["tool_calls"] = message.additional_kwargs.get("tool_calls", [])[:1]
        return response

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,
        **kwargs: Any,  # noqa: ARG002  LlamaIndex's own signature
    ) -> list[ToolSelection]:
        """The calls of a response, of ours or of another integration, whole or still growing.

        Args:
            response: The response.
            error_on_no_tool_call: Whether an answer without a call is an error.
            **kwargs: Of no effect.

        Raises:
            ValueError: There is none, and there has to be one.
        """
        selections = to_selections(response)
        if not selections and error_on_no_tool_call:
            raise ValueError(_NO_CALL)
        return selections

    @veiled_span
    def predict_and_call(  # noqa: PLR0917  LlamaIndex's own signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        error_on_no_tool_call: bool = True,
        error_on_tool_error: bool = False,
        **kwargs: Any,
    ) -> AgentChatResponse:
        """Let the model call tools, and run them.

        A call of a tool that does not exist is an output that says so, as is a tool's own failure.

        Raises:
            ValueError: No tool was called, or one failed, and that is an error by the arguments.
        """
        response = self.chat_with_tools(
            tools,
            user_msg=user_msg,
            chat_history=self._with_system_prompt(chat_history),
            verbose=verbose,
            allow_parallel_tool_calls=allow_parallel_tool_calls,
            **kwargs,
        )
        selections = self._selected(response, tools, error_on_no_tool_call, kwargs)
        outputs = run_calls(selections, tools, verbose=verbose)
        return called(response, outputs, parallel=allow_parallel_tool_calls, raise_tool_error=error_on_tool_error)

    @veiled_span
    async def apredict_and_call(  # noqa: PLR0917  LlamaIndex's own signature
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        error_on_no_tool_call: bool = True,
        error_on_tool_error: bool = False,
        **kwargs: Any,
    ) -> AgentChatResponse:
        """Let the model call tools, and run them side by side; see `predict_and_call`."""
        response = await self.achat_with_tools(
            tools,
            user_msg=user_msg,
            chat_history=self._with_system_prompt(chat_history),
            verbose=verbose,
            allow_parallel_tool_calls=allow_parallel_tool_calls,
            **kwargs,
        )
        selections = self._selected(response, tools, error_on_no_tool_call, kwargs)
        outputs = await arun_calls(selections, tools, verbose=verbose)
        return called(response, outputs, parallel=allow_parallel_tool_calls, raise_tool_error=error_on_tool_error)

    def _selected(
        self, response: ChatResponse, tools: Sequence[BaseTool], required: bool, asked: Mapping[str, Any]
    ) -> list[ToolSelection]:
        selections = self.get_tool_calls_from_response(response, error_on_no_tool_call=False)
        selections = selections or meant_calls(response, tools, **asked)
        if not selections and required:
            raise ValueError(_NO_CALL)
        return selections

    def _with_system_prompt(self, history: Sequence[ChatMessage] | None) -> list[ChatMessage]:
        """`history` after the model's own system prompt: LlamaIndex's programs add it in their sync form only."""
        messages = list(history or ())
        if self.system_prompt and not any(
            message.role is MessageRole.SYSTEM and message.content == self.system_prompt for message in messages
        ):
            messages.insert(0, ChatMessage(role=MessageRole.SYSTEM, content=self.system_prompt))
        return messages
