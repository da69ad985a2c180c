"""LlamaIndex's tools → OpenAI's form, and calls → what LlamaIndex's agents and programs run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.llms.utils import parse_partial_json
from llama_index.core.tools.types import ToolMetadata, ToolOutput

from g4f_integrations.errors import ConfigurationError
from g4f_integrations.llama_index._messages import read_calls, wire_name

if TYPE_CHECKING:
    from llama_index.core.chat_engine.types import AgentChatResponse
    from llama_index.core.tools.types import BaseTool


_INVALID = "invalid_arguments: "
_SHOWN = 500  # characters of what is wrong with a call


def to_openai_tools(tools: Sequence[Any]) -> list[dict[str, Any]]:
    """`tools` in OpenAI's form, each with a name of its own; dicts that have it already stay as they are.

    Raises:
        ConfigurationError: One is neither a tool of LlamaIndex's nor a dict.
    """
    specs: list[dict[str, Any]] = []
    taken: set[str] = set()
    for tool in tools:
        spec = dict(tool) if isinstance(tool, Mapping) else _spec(tool)
        function = spec.get("function")
        if isinstance(function, Mapping):
            name = _unique(wire_name(str(function.get("name"))), taken)
            taken.add(name)
            if name != function.get("name"):
                spec["function"] = {**function, "name": name}
        specs.append(spec)
    return specs


def original_names(tools: Sequence[Any], specs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The names on the wire → the tools' own, where they differ (``Box[int]`` has no place on a wire)."""
    names = {}
    for tool, spec in zip(tools, specs, strict=True):
        if not isinstance(tool, Mapping):
            own, sent = tool.metadata.get_name(), spec["function"]["name"]
            if own != sent:
                names[sent] = own
    return names


def with_wire_names(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call whose tools are LlamaIndex's own, with the names that these have on the wire.

    Raises:
        ConfigurationError: They are no list of tools.
    """
    tools = arguments["tools"]
    if not isinstance(tools, Iterable) or isinstance(tools, str | Mapping):
        message = f"tools: expected a list of tools, not {type(tools).__name__}"
        raise ConfigurationError(message)
    tools = list(tools)
    specs = to_openai_tools(tools)
    names = original_names(tools, specs)
    ready = {**arguments, "tools": specs}
    return (
        {**ready, "tool_choice": wire_choice(arguments.get("tool_choice"), names), "tool_names": names}
        if names
        else ready
    )


def wire_choice(choice: Any, names: Mapping[str, str]) -> Any:
    """`choice` with the name that the chosen tool has on the wire."""
    sent = {own: name for name, own in names.items()}
    if isinstance(choice, str):
        return sent.get(choice, choice)
    if isinstance(choice, Mapping) and isinstance(choice.get("function"), Mapping):
        function = choice["function"]
        return {**choice, "function": {**function, "name": sent.get(function.get("name"), function.get("name"))}}
    return choice


def _spec(tool: Any) -> dict[str, Any]:
    metadata = getattr(tool, "metadata", None)
    if not isinstance(metadata, ToolMetadata):
        message = f"tools: expected LlamaIndex's tools or dicts in OpenAI's form, not {type(tool).__name__}"
        raise ConfigurationError(message)
    metadata.get_name()  # says that a tool has no name
    spec: dict[str, Any] = metadata.to_openai_tool(skip_length_check=True)
    return spec


def _unique(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    return next(free for count in range(2, len(taken) + 3) if (free := f"{name[:60]}_{count}") not in taken)


# --- Calls ------------------------------------------------------------------------------------------------------------


def to_selections(response: ChatResponse) -> list[ToolSelection]:
    """The calls of a response, of ours or of another integration, whole or still growing."""
    message = response.message
    refused = {call.get("id"): call for call in response.additional_kwargs.get("invalid_tool_calls") or ()}
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if blocks:
        found = [(block.tool_call_id, block.tool_name, block.tool_kwargs) for block in blocks]
    else:
        found = read_calls(message.additional_kwargs)
    selections = []
    for identifier, name, held in found:
        if identifier in refused:
            # Two arguments that no tool has: it is not run, and its complaint tells an agent's model why.
            error = str(refused[identifier].get("error"))
            arguments: Any = {f"{_INVALID}{error[:_SHOWN]}": held, "error": error}
        else:
            arguments = _read_arguments(held)
        selections.append(ToolSelection(tool_id=identifier or "", tool_name=name, tool_kwargs=arguments))
    return selections


def meant_calls(
    response: ChatResponse, tools: Sequence[Any], *, tool_required: bool = False, tool_choice: Any = None, **_: Any
) -> list[ToolSelection]:
    """The call of the only tool where a call was required and the model has given the bare arguments, else none.

    Models without tools of their own do so, in spite of being asked for the call again.
    """
    if len(tools) != 1 or not (tool_required or str(tool_choice) not in {"None", "auto", "none"}):
        return []
    from g4f_integrations.core.structured import settle_json
    from g4f_integrations.core.toolcalls.ids import new_call_id

    function = to_openai_tools(tools)[0].get("function") or {}
    form = {"type": "json_schema", "json_schema": {"name": "arguments", "schema": function.get("parameters") or {}}}
    text, problem = settle_json(response.message.content or "", form)
    if problem is not None:
        return []
    held = _read_arguments(text)
    if not isinstance(held, dict) or not held:
        return []
    name = original_names(tools, [{"function": function}]).get(function["name"], function["name"])
    return [ToolSelection(tool_id=new_call_id(), tool_name=name, tool_kwargs=held)]


def _read_arguments(held: Any) -> Any:
    if not isinstance(held, str):
        return held or {}
    try:
        return json.loads(held) if held.strip() else {}
    except (ValueError, RecursionError):
        pass
    try:
        return parse_partial_json(held)
    except (ValueError, TypeError, IndexError, RecursionError):
        return {}


def run_calls(selections: Sequence[ToolSelection], tools: Sequence[BaseTool], *, verbose: bool) -> list[ToolOutput]:
    """What the tools return; a call that cannot be made is an output that says so."""
    from llama_index.core.tools.calling import call_tool_with_selection  # imports the tools' classes

    names = {tool.metadata.get_name() for tool in tools}
    return [_impossible(one, names) or call_tool_with_selection(one, tools, verbose=verbose) for one in selections]


async def arun_calls(
    selections: Sequence[ToolSelection], tools: Sequence[BaseTool], *, verbose: bool
) -> list[ToolOutput]:
    """What the tools return, run side by side; a call that cannot be made is an output that says so."""
    from llama_index.core.tools.calling import acall_tool_with_selection  # imports the tools' classes

    names = {tool.metadata.get_name() for tool in tools}

    async def run(one: ToolSelection) -> ToolOutput:
        return _impossible(one, names) or await acall_tool_with_selection(one, tools, verbose=verbose)

    return list(await asyncio.gather(*map(run, selections)))


def _impossible(selection: ToolSelection, names: set[str]) -> ToolOutput | None:
    """The output of a call that cannot be made, which says why."""
    if selection.tool_name not in names:
        known = ", ".join(map(repr, sorted(names))) or "none"
        problem = f"The tool {selection.tool_name!r} does not exist; the tools are: {known}."
    elif any(name.startswith(_INVALID) for name in selection.tool_kwargs):
        problem = f"The tool {selection.tool_name!r} was not called. {selection.tool_kwargs.get('error')}"
    else:
        return None
    return ToolOutput(
        tool_name=selection.tool_name,
        content=problem,
        raw_input=selection.tool_kwargs,
        raw_output=problem,
        is_error=True,
        exception=ValueError(problem),
    )


def called(
    response: ChatResponse, outputs: Sequence[ToolOutput], *, parallel: bool, raise_tool_error: bool
) -> AgentChatResponse:
    """What `predict_and_call` returns for the outputs of the called tools.

    Raises:
        ValueError: A tool failed, and `raise_tool_error` is set.
    """
    from llama_index.core.chat_engine.types import AgentChatResponse  # imports chat engines

    if raise_tool_error and any(output.is_error for output in outputs):
        raise ValueError("\n\n".join(output.content for output in outputs))
    sources = list(outputs)
    if not outputs and not parallel:
        return AgentChatResponse(response=response.message.content or "", sources=sources)
    return AgentChatResponse(response="\n\n".join(output.content for output in outputs), sources=sources)
