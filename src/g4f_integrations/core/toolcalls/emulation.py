"""Tools for models that have only text: the tools, the calls so far and their results, all told in words.

A model is asked for its calls as a list of ``{"id", "name", "arguments"}`` in a json fence, and sees its earlier ones
in that same form. Of the formats that models without tools of their own can be asked for, bare JSON in a fence is the
one that they get right most often (Berkeley function calling leaderboard V4, format sensitivity, April 2026: 75.8 %
of 200 cases as the mean of 34 models, against 58.7 % for JSON in tags of its own), and the names ``name`` and
``arguments`` are those that most open models were trained on. Because models forget a format over several turns, a
short form of the instruction stands at the end of the newest turn too.
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.prompts import add_reminder, add_to_system, fill, load_prompt, readable_json
from g4f_integrations.core.prompts.answers import describe_answer
from g4f_integrations.core.request import FailedToolResult

EMPTY_RESULT = "(empty result)"
_ODD_RESULT = "(a result that cannot be written as text)"
_EMPTY_ANSWER = "(no answer)"
_UNWRITABLE = (ValueError, TypeError, RecursionError)  # numbers of thousands of digits, odd keys, too many levels
_LONGEST_ANSWER = 32_000  # characters of a faulty answer that is shown again, about 8,000 tokens
_MOST_PROBLEMS, _LONGEST_PROBLEM = 10, 500  # characters
_RESULT_END = re.compile(r"<(?=/tool_result)", re.IGNORECASE)
_TEXTS: dict[bytes, str] = {}  # the descriptions of tools, by what they describe
_MOST_TEXTS = 64


def emulate_tools(
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]],
    *,
    tool_choice: str | bool | Mapping[str, Any] | None = None,
    parallel_tool_calls: bool | None = None,
    response_format: Mapping[str, Any] | None = None,
    folder: str | None = None,
) -> list[dict[str, Any]]:
    """`messages` for a model that has only text: no tool calls and no tool roles are left in them.

    Args:
        messages: Chat messages in OpenAI wire form; they are not changed. Those that need no change are handed on as
            they are. A tool's result may be a `FailedToolResult` or say ``"status": "error"``.
        tools: Tools in OpenAI's function form. What is no function is left out.
        tool_choice: ``"auto"`` or ``None``, ``"none"``, ``"required"`` or ``"any"`` or ``True``, a tool's name, or a
            dict in OpenAI's form. A name that is not among the tools means any tool.
        parallel_tool_calls: ``False`` asks for one call at a time.
        response_format: The form of the final answer, which must not be a parameter of the request then: a model that
            is held to it could call no tool.
        folder: The user's folder of prompts.

    Returns:
        The messages: earlier calls and results as text, the instruction in the system message, and its short form at
        the end of the newest user message or tool result.

    Raises:
        ConfigurationError: A prompt file of the user's is not usable.
    """
    told, had_calls = _told(messages)
    functions = [function for tool in tools if (function := _function_of(tool)) is not None]
    mode, name = _choice(tool_choice, functions)
    answer = describe_answer(response_format, folder)
    if functions and mode != "none":
        several = load_prompt("tools_one_call" if parallel_tool_calls is False else "tools_many_calls", folder)
        rule = _rule(mode, name, json_answer=answer is not None, folder=folder)
        instruction = load_prompt("tools", folder)
        add_to_system(told, fill(instruction, tools=_description(functions), rule=rule, several=several))
        if mode == "required" and _follows_result(messages, folder):
            rule = f"{rule} {fill(load_prompt('tools_finish', folder), last=functions[-1]['name'])}"
        if parallel_tool_calls is False and mode != "named":
            rule = f"{rule} {several}"
        names = ", ".join(str(function["name"]) for function in functions)
        reminder = fill(load_prompt("tools_reminder", folder), names=names, rule=rule)
    else:
        reminder = load_prompt("tools_none", folder) if had_calls else ""
    if answer is not None:
        add_to_system(told, answer[0])
        reminder = f"{reminder}\n\n{answer[1]}" if reminder else answer[1]
    if reminder:
        add_reminder(told, reminder)
    return told


def tell_calls(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """`messages` with calls and results as text and nothing added, for a route that cannot see its earlier turns."""
    return _told(messages)[0]


def reask_messages(
    messages: Sequence[Mapping[str, Any]], answer_text: str, problems: Sequence[str], *, folder: str | None = None
) -> list[dict[str, Any]]:
    """`messages`, the model's faulty answer, and a request to put it right.

    Args:
        messages: The conversation that the answer was given to; it is not changed.
        answer_text: What the model wrote, or its refused call as text. Of a very long answer the start and the end
            are shown.
        problems: What was wrong with it, one line each.
        folder: The user's folder of prompts.

    Raises:
        ConfigurationError: A prompt file of the user's is not usable.
    """
    said = answer_text if answer_text.strip() else _EMPTY_ANSWER  # an assistant message without text is refused by many
    if len(said) > _LONGEST_ANSWER:
        half = _LONGEST_ANSWER // 2
        said = f"{said[:half]}\n[…]\n{said[-half:]}"
    lines = [f"- {' '.join(problem[:_LONGEST_PROBLEM].split())}" for problem in problems[:_MOST_PROBLEMS]]
    request = fill(load_prompt("reask", folder), problems="\n".join(lines) or "- it is not in the form asked for")
    return [
        *_as_dicts(messages),
        {"role": "assistant", "content": said},
        {"role": "user", "content": request},
    ]


def _as_dicts(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [message if isinstance(message, dict) else dict(message) for message in messages]


# The history


def _told(messages: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """The messages with calls and results as text, and whether there were any."""
    told: list[dict[str, Any]] = []
    names: dict[str, str] = {}  # of the calls so far, by id; an id that is used again means the newer call
    pieces: list[Any] = []  # of the results in a row
    had_calls = False
    for message in _as_dicts(messages):
        role = message.get("role")
        if role in {"tool", "function"}:
            pieces += _result(message, names)
            had_calls = True
            continue
        if pieces:
            told.append(_user_message(pieces))
            pieces = []
        if "tool_calls" in message or "function_call" in message:
            calls = _calls_of(message)
            names.update((str(call["id"]), str(call["name"])) for call in calls if "id" in call and "name" in call)
            had_calls |= bool(calls)
            told.append(_with_calls(message, calls))
        else:
            told.append(message)
    if pieces:
        told.append(_user_message(pieces))
    return told, had_calls


def _follows_result(messages: Sequence[Mapping[str, Any]], folder: str | None) -> bool:
    """Whether the newest turn is a tool's result; faulty answers to it that were asked for again do not count."""
    asked_again = load_prompt("reask", folder).partition("{{problems}}")[0]
    last = len(messages) - 1
    while asked_again and last > 1 and str(messages[last].get("content")).startswith(asked_again):
        last -= 2
    return last >= 0 and messages[last].get("role") in {"tool", "function"}


def _calls_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls of an assistant message, as the model is asked to write them."""
    calls = message.get("tool_calls")
    found = [call for call in calls if isinstance(call, Mapping)] if isinstance(calls, list | tuple) else []
    if not found and isinstance(message.get("function_call"), Mapping):
        found = [{"function": message["function_call"]}]
    return [_written(call) for call in found]


def _written(call: Mapping[str, Any]) -> dict[str, Any]:
    function = next((call[key] for key in ("function", "custom") if isinstance(call.get(key), Mapping)), call)
    written = {"id": call.get("id"), "name": function.get("name")}
    written = {key: value for key, value in written.items() if value}
    return {**written, "arguments": _arguments(function.get("arguments", function.get("input")))}


def _arguments(given: Any) -> Any:
    """A call's arguments as an object where they are one; text that is no JSON stays what it is."""
    if not isinstance(given, str):
        return {} if given is None else given
    if not given.strip():
        return {}
    try:
        parsed = json.loads(given)
    except (ValueError, RecursionError):
        return given
    return {} if parsed is None else parsed


def _with_calls(message: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """An assistant message whose calls have become the last part of its text."""
    plain = {key: value for key, value in message.items() if key not in {"tool_calls", "function_call"}}
    content = plain.get("content")
    if not calls:
        return {**plain, "content": "" if content is None else content}
    block = f"```json\n[{', '.join(map(_call_text, calls))}]\n```"
    if isinstance(content, list | tuple) and content:
        return {**plain, "content": [*content, {"type": "text", "text": block}]}
    return {**plain, "content": f"{content}\n\n{block}" if content else block}


def _call_text(call: Mapping[str, Any]) -> str:
    try:
        return readable_json(call)
    except _UNWRITABLE:
        return readable_json({**call, "arguments": {}})


def _result(message: Mapping[str, Any], names: Mapping[str, str]) -> list[Any]:
    """A tool's result as texts and other content parts, in their order, between two marks."""
    identifier = message.get("tool_call_id")
    name = message.get("name") or names.get(str(identifier))
    failed = (
        isinstance(message, FailedToolResult) or message.get("status") == "error" or message.get("is_error") is True
    )
    told = (("id", identifier), ("name", name), ("status", "error" if failed else None))
    marks = "".join(f" {key}={json.dumps(str(value), ensure_ascii=False)}" for key, value in told if value)
    content = message.get("content")
    parts = content if isinstance(content, list | tuple) else [content]
    body = [piece for piece in map(_piece, parts) if piece != ""]
    return [f"<tool_result{marks}>", *(body or [EMPTY_RESULT]), "</tool_result>"]


def _piece(part: Any) -> Any:
    """A part of a result: text, or a part that is no text as it is."""
    if isinstance(part, Mapping):
        if part.get("type", "text") != "text":
            return part
        part = part.get("text", part)
    if part is None:
        return ""
    try:
        text = part if isinstance(part, str) else readable_json(part)
    except _UNWRITABLE:
        return _ODD_RESULT
    return _RESULT_END.sub(r"<\\", text) if text.strip() else ""  # no result can close its own marks


def _user_message(pieces: Sequence[Any]) -> dict[str, Any]:
    """One user message of texts and other parts; texts in a row are one."""
    parts: list[Any] = []
    lines: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            lines.append(piece)
            continue
        parts += [{"type": "text", "text": "\n".join(lines)}, piece]  # a result always begins with text
        lines = []
    text = "\n".join(lines)
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}] if parts else text}


# The tools


def _function_of(tool: Any) -> dict[str, Any] | None:
    """Name, description and schema of a tool, ``None`` for what is no function."""
    if not isinstance(tool, Mapping):
        return None
    inner = tool.get("function")
    function = inner if isinstance(inner, Mapping) else tool
    name = function.get("name")
    if not isinstance(name, str) or not name or tool.get("type", "function") != "function":
        return None
    schema = function.get("parameters", function.get("input_schema"))
    described: dict[str, Any] = {"name": name}
    if function.get("description"):
        described["description"] = function["description"]
    described["parameters"] = schema if isinstance(schema, Mapping) else {"type": "object", "properties": {}}
    return described


def _description(functions: list[Any]) -> str:
    """The tools as a JSON list, one to a line."""
    try:
        key = marshal.dumps(functions, 2)  # exact, and much quicker than writing JSON; version 2 has no references
    except ValueError:  # a mapping of the user's own kind
        return _written_out(functions)
    text = _TEXTS.get(key)
    if text is None:
        while len(_TEXTS) >= _MOST_TEXTS:
            _TEXTS.pop(next(iter(_TEXTS)), None)
        text = _TEXTS[key] = _written_out(functions)
    return text


def _written_out(functions: Sequence[Mapping[str, Any]]) -> str:
    lines = ",\n".join(map(readable_json, functions))
    return f"[\n{lines}\n]"


def _choice(choice: Any, functions: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """``"auto"``, ``"none"``, ``"required"`` or ``"named"``, and the name."""
    if isinstance(choice, Mapping):
        function = choice.get("function")
        named = function.get("name") if isinstance(function, Mapping) else choice.get("name")
        choice = choice.get("type") if named is None else named
    if choice is True:
        return "required", ""
    if any(function["name"] == choice for function in functions):  # first, for a tool may be called "none"
        return "named", choice
    if choice in (None, False, "auto"):
        return "auto", ""
    if choice == "none":
        return "none", ""
    return "required", ""


def _rule(mode: str, name: str, *, json_answer: bool, folder: str | None) -> str:
    if mode == "named":
        return fill(load_prompt("tools_named", folder), name=name)
    if mode == "required":
        return load_prompt("tools_required", folder)
    return load_prompt("tools_auto_json" if json_answer else "tools_auto", folder)
