"""A call's request → what one route is asked, and what form its answer must have.

Tools and response formats reach a route natively where it takes them, and in words where it does not. Which of the two
is found out by asking: a route that refuses is remembered, and asked again in words at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from g4f_integrations.core.call_state import CallState
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.endpoint import refused_parameters
from g4f_integrations.core.events import InvalidToolCall, ToolCall
from g4f_integrations.core.failures import Failure
from g4f_integrations.core.request import Message, Request
from g4f_integrations.core.roles import tells_of_tools
from g4f_integrations.core.transport import takes_parameter
from g4f_integrations.core.wire.refusals import is_about_one_schema
from g4f_integrations.errors import ConfigurationError

if TYPE_CHECKING:  # loaded when they are asked for
    from g4f_integrations.core.structured import JSONAnswer
    from g4f_integrations.core.toolcalls import CallSplitter

Way: TypeAlias = Literal["native", "prompt"]
_JSON_FORMATS = frozenset({"json_schema", "json_object"})

# What Ollama, OpenRouter, vLLM, llama.cpp, Groq, Together, Mistral, Cohere, Gemini and g4f say when there are no tools.
_TOOL_USE = r"(?:tools|functions|(?:tool|function)[ _/-]?(?:use|usage|calls?|calling|choice|tool calling))\b"
_NO_TOOLS = re.compile(
    r"(?:not|n't) (?:\w+ )?support (?:[\w/]+ ){0,2}(?:tool|function)"
    rf"|{_TOOL_USE}[^.]{{0,40}}(?:(?:not|n't) (?:\w+ )?(?:supported|available|enabled|allowed|implemented|permitted)"
    r"|not (?:a )?valid (?:parameter|argument|field|property)|(?:is|are) unsupported)"
    r"|(?:not|n't) supported for [^.]{0,20}(?:tool|function)[ _-](?:call|use)"
    r"|can(?:not|'t) use (?:tools|functions)|no (?:tool|function)[ _-]?(?:use |call\w* )?support"
    r"|no (?:endpoints?|models?|providers?) [^.]{0,40}support[^.]{0,20}(?:tool|function)"
    r"|(?:unsupported|unknown|unrecogni[sz]ed|unexpected|extra) [^.]{0,20}"
    r"(?:parameter|argument|field|input|property|key|name)[^.]{0,60}['\"`\s](?:tools|functions)\b(?!['\"`]?(?:\[|\.)\s*\w)"
    r"|['\"](?:tools|functions)['\"]\], ['\"]msg['\"]: ['\"]extra"
    r"|(?:tools|functions)['\"`]?:? (?:extra|unexpected|unsupported)"
    r"|requires? [^.]{0,30}(?:--enable-auto-tool-choice|--tool-call-parser|--jinja)",
    re.IGNORECASE,
)
# What is said of one tool, of its schema or of how many there may be, all of which is the caller's to mend.
_ONE_TOOL = re.compile(
    r"(?:tools?|functions?)['\"`]?\s?(?:\[|\.)\s*\d|(?:tool|function)s? ['\"`]|function_?declaration"
    r"|(?:tool|function)s?[ _](?:name|parameter|schema|description|argument)|schema for|duplicate|strict"
    r"|more than \d|too many|at most|maximum|parallel",
    re.IGNORECASE,
)
_BEFORE = 40  # characters before such words that say what they are about
# Gemini, Groq, Cerebras, Mistral and llama.cpp enforce a format or take tools, and refuse both at once.
_FORMAT = r"(?:json|response[ _](?:format|mime|type)|grammar)"
_NOT_TOGETHER = re.compile(
    rf"(?:{_FORMAT}[^.]{{0,80}}(?:tool|function)|(?:tool|function)[^.]{{0,80}}{_FORMAT})", re.IGNORECASE
)
_REFUSAL = re.compile(
    r"can(?:not|'t)|incompatible|unsupported|not (?:\w+ )?(?:supported|allowed|compatible)", re.IGNORECASE
)
# Groq checks calls itself, and answers a model's faulty one with an error.
_FAULTY_CALL = re.compile(r"tool_use_failed|failed to call a function|tool call validation failed", re.IGNORECASE)
# What is remembered of a route beside names of parameters, which are left out of requests that hold them nevertheless.
_TOOLS = "native tools"
_FORMAT_BESIDE_TOOLS = "response_format beside tools"
_REFUSING = frozenset({"bad_request", "model_not_found", "unknown", "overloaded", "content_filter"})


@dataclass(slots=True)
class Asked:
    """What one route is asked.

    Attributes:
        request: The request in the route's own terms.
        tools: The tools that were offered, however they reach the route.
        choice: Which of them must be called: ``"required"``, a name in OpenAI's form, or neither.
        tools_by: How they reach the route; ``None`` when none were offered.
        format: The JSON format of the answer that was asked for, in OpenAI's form, if any.
        format_by: How that reaches the route.
        one_call: Whether one call at the most is wanted.
    """

    request: Request
    tools: Sequence[Mapping[str, Any]] = ()
    choice: str | Mapping[str, Any] | None = None
    tools_by: Way | None = None
    format: Mapping[str, Any] | None = None
    format_by: Way | None = None
    one_call: bool = False

    def splitter(self) -> CallSplitter | None:
        """What takes the tool calls out of a text: of models without native calls, and of servers that forget to."""
        if not self.tools:
            return None
        from g4f_integrations.core.toolcalls import CallSplitter  # only calls with tools need it

        return CallSplitter(self.tools)

    def json_stage(self) -> JSONAnswer | None:
        """What makes bare JSON of a text, if that was asked for."""
        if self.format is None:
            return None
        from g4f_integrations.core.structured import JSONAnswer  # only calls with a format need it

        return JSONAnswer(self.format)

    def problems(
        self, calls: Sequence[ToolCall], invalid: Sequence[InvalidToolCall], in_text: str | None
    ) -> tuple[str, ...]:
        """What is wrong with an answer's form, one line each.

        Args:
            calls: Its valid calls.
            invalid: Its other calls.
            in_text: What is wrong with its text.
        """
        found = [call.error for call in invalid]
        if self.choice == "required" and not calls and not invalid:
            found.append("A tool has to be called, and none was.")
        elif isinstance(self.choice, Mapping):
            name = self.choice.get("function", {}).get("name")
            if name and not invalid and not any(call.name == name for call in calls):
                found.append(f"The tool {name} has to be called, and was not.")
        if in_text is not None and not calls and not invalid:
            found.append(in_text)
        return tuple(found)


def ask(candidate: Candidate, call: CallState, request: Request) -> Asked:
    """What `candidate` is asked in this call.

    Args:
        candidate: The route.
        call: What the attempts of the call share.
        request: The call's request, made to fit the route.
    """
    wants = request.tools or "response_format" in request.params or call.mistakes
    if not wants:
        takes_calls = candidate.native_tools
        if takes_calls is None and candidate.provider is None:
            takes_calls = not refused_parameters.names or _TOOLS not in refused_parameters.of(candidate)
        if takes_calls or not tells_of_tools(request.messages):
            return Asked(request)
    try:
        return _ask_in_its_terms(candidate, call, request)
    except RecursionError:
        message = "a tool's schema, a response_format or a call in the history is nested too deeply (or holds itself)"
        raise ConfigurationError(message) from None


def in_words(candidate: Candidate, call: CallState) -> Callable[[Sequence[Message]], Request] | None:
    """What makes of a conversation what `candidate` is asked, where that is more than messages and tools.

    ``None`` where the route takes tools and formats by itself, or none are wanted, and it is not told of a mistake.
    """
    request = call.request
    if not (request.tools or "response_format" in request.params or call.mistakes):
        return None
    wanted = _format(request)
    by_prompt = _way_of_tools(candidate, call) == "prompt"
    if not by_prompt and wanted is not None:
        by_prompt = _way_of_format(candidate, call, _way_of_tools(candidate, call)) == "prompt"
    if not by_prompt and not (call.mistakes and candidate.key in call.mistakes):
        return None
    return lambda messages: ask(candidate, call, request.replacing(messages=messages)).request


def _ask_in_its_terms(candidate: Candidate, call: CallState, request: Request) -> Asked:
    mistake = call.mistakes.get(candidate.key) if call.mistakes else None
    if mistake is not None:
        from g4f_integrations.core.toolcalls.emulation import reask_messages

        # Before the rest: what is told in words ends with a reminder, which belongs behind the question.
        messages = reask_messages(request.messages, mistake.text, mistake.problems, folder=request.prompts)
        request = request.replacing(messages=messages)
    tools_by = _way_of_tools(candidate, call)
    wanted = _format(request)
    format_by = None if wanted is None else _way_of_format(candidate, call, tools_by)
    offered = () if request.tool_choice == "none" else request.tools
    if tools_by == "prompt" or (tools_by is None and _takes_no_calls(candidate) and tells_of_tools(request.messages)):
        request = _with_tools_in_words(request, wanted if format_by == "prompt" else None)
    elif format_by == "prompt":
        request = _with_format_in_words(request, wanted)
    return Asked(
        request,
        tools=offered,
        choice=call.request.tool_choice if offered else None,
        tools_by=tools_by,
        format=wanted,
        format_by=format_by,
        one_call=call.request.parallel_tool_calls is False,
    )


def _way_of_tools(candidate: Candidate, call: CallState) -> Way | None:
    request = call.request
    if not request.tools:
        return None
    if request.tool_calling != "auto":
        return "native" if request.tool_calling == "native" else "prompt"
    if candidate.native_tools is False or (call.by_prompt and candidate.key in call.by_prompt):
        return "prompt"
    refused = refused_parameters.of(candidate)
    return "prompt" if _TOOLS in refused or (_is_forced(request.tool_choice) and "tool_choice" in refused) else "native"


def _is_forced(choice: str | Mapping[str, Any] | None) -> bool:
    return isinstance(choice, Mapping) or choice == "required"


def _takes_no_calls(candidate: Candidate) -> bool:
    """Whether calls and their results in the history are known to be more than the route takes."""
    return candidate.native_tools is False or _TOOLS in refused_parameters.of(candidate)


def _way_of_format(candidate: Candidate, call: CallState, tools_by: Way | None) -> Way:
    # A format that the route enforces would keep a model from calling tools in words.
    refused = refused_parameters.of(candidate)
    if tools_by == "prompt" or "response_format" in refused or (tools_by and _FORMAT_BESIDE_TOOLS in refused):
        return "prompt"
    for told in (call.by_prompt, call.formats_by_prompt):
        if told and candidate.key in told:
            return "prompt"
    return "native" if takes_parameter(candidate, "response_format") else "prompt"


def _format(request: Request) -> Mapping[str, Any] | None:
    wanted = request.params.get("response_format")
    return wanted if isinstance(wanted, Mapping) and wanted.get("type") in _JSON_FORMATS else None


def _without_format(request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.params.items() if name != "response_format"}


def _with_tools_in_words(request: Request, wanted: Mapping[str, Any] | None) -> Request:
    from g4f_integrations.core.toolcalls.emulation import emulate_tools  # only some routes need it

    messages = emulate_tools(
        request.messages,
        request.tools,
        tool_choice=request.tool_choice,
        parallel_tool_calls=request.parallel_tool_calls,
        response_format=wanted,
        folder=request.prompts,
    )
    params = request.params if wanted is None else _without_format(request)
    return request.replacing(messages=messages, tools=(), tool_choice=None, parallel_tool_calls=None, params=params)


def _with_format_in_words(request: Request, wanted: Mapping[str, Any] | None) -> Request:
    from g4f_integrations.core.structured import ask_for_json  # only some routes need it

    assert wanted is not None
    messages = ask_for_json(request.messages, wanted, folder=request.prompts)
    return request.replacing(messages=messages, params=_without_format(request))


def learn_refusal(candidate: Candidate, asked: Asked, failure: Failure, call: CallState) -> bool:
    """Remember what a route refuses of tools, if that is what `failure` says; whether to ask it again without that."""
    if failure.kind not in _REFUSING or "native" not in {asked.tools_by, asked.format_by}:
        return False
    said = f"{failure.message} {failure.body}"
    if asked.format_by == "native" and is_about_one_schema(said):  # another schema may do
        call.formats_by_prompt = {*(call.formats_by_prompt or ()), candidate.key}
        return True
    return asked.tools_by == "native" and _learn_of_tools(candidate, asked, said, call)


def _learn_of_tools(candidate: Candidate, asked: Asked, said: str, call: CallState) -> bool:
    if asked.format_by == "native" and _NOT_TOGETHER.search(said) and _REFUSAL.search(said):
        refused_parameters.add(candidate, (_FORMAT_BESIDE_TOOLS,))
        return True
    if asked.request.tool_calling == "native":
        return False
    if _FAULTY_CALL.search(said):
        call.by_prompt = {*(call.by_prompt or ()), candidate.key}
        return True
    words = _refusing_words(said)
    if words is not None:
        is_about_choice = _is_forced(asked.choice) and re.search(r"tool[ _]choice", words, re.IGNORECASE)
        refused_parameters.add(candidate, ("tool_choice" if is_about_choice else _TOOLS,))
    return words is not None


def _refusing_words(said: str) -> str | None:
    """Where a route says that it takes no tools at all, in its own words."""
    for found in _NO_TOOLS.finditer(said):
        words = said[max(found.start() - _BEFORE, 0) : found.end()]
        if _ONE_TOOL.search(words) is None:
            return said[found.start() : found.end() + len("_choice")]
    return None
