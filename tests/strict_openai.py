"""What a server that follows OpenAI's rules to the letter finds wrong with a chat request. Pure."""

import base64
import binascii
import json
import re

KNOWN = frozenset(
    [
        "model",
        "messages",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "n",
        "seed",
        "logprobs",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "response_format",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "metadata",
        "user",
        "reasoning_effort",
        "modalities",
        "audio",
        "service_tier",
        "store",
    ]
)
# Pictures and files in tool results are what the vision models of most compatible servers take; OpenAI itself does not.
_PARTS = {
    "system": {"text"},
    "developer": {"text"},
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
    "tool": {"text", "image_url", "file"},
}
_MEMBERS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "refusal", "audio"},
    "tool": {"role", "content", "tool_call_id"},
}
_SPEAKER = re.compile(r"[^\s<|\\/>]+")
_FUNCTION = re.compile(r"[A-Za-z0-9_-]{1,64}")


def message_fault(messages):
    """What OpenAI would find wrong with these messages, or ``None``."""
    if not messages or not isinstance(messages, list):
        return "[] is too short - 'messages'"
    waiting = set()
    for number, message in enumerate(messages):
        fault = next(_faults(number, message, waiting), None)
        if fault:
            return fault
    return "The last 'tool_calls' have not been answered." if waiting else None


def _faults(number, message, waiting):
    """The faults of one message; `waiting` holds the ids of the calls that no tool has answered yet."""
    place = f"messages[{number}]"
    role, calls = message.get("role"), message.get("tool_calls")
    if role not in _PARTS:
        yield f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'developer' and 'tool'."
    for strange in sorted(message.keys() - _MEMBERS[role]):
        yield f"Unknown parameter: '{place}.{strange}'."
    yield from _content_faults(f"{place}.content", role, message.get("content"), optional=bool(calls))
    if not _SPEAKER.fullmatch(message.get("name", "x")):
        yield f"Invalid '{place}.name'."
    if role == "tool":
        if message.get("tool_call_id") not in waiting:
            yield "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
        waiting.discard(message["tool_call_id"])
    elif waiting:
        yield "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'."
    if calls is not None and not (isinstance(calls, list) and calls and all(map(_is_call, calls))):
        yield f"Invalid '{place}.tool_calls'."
    waiting |= {call["id"] for call in calls or ()}


def _content_faults(place, role, content, *, optional):
    if content == "" and role == "system":
        return  # OpenAI takes it, and agents without instructions send it
    if content is None and not optional:
        yield f"Invalid value for '{place}': expected a string, got null."
    elif content is not None and (not isinstance(content, str | list) or not content):
        yield f"Invalid value for '{place}': expected a text or a list of parts that is not empty."
    for number, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS[role]:
            yield f"Invalid value: '{kind}' of '{place}[{number}].type'. Supported values are: {sorted(_PARTS[role])}."
        if not _GOOD[kind](part.get(kind)):
            yield f"Invalid '{place}[{number}].{kind}'."


def _is_text(text):
    return isinstance(text, str) and text != ""


def _is_picture(picture):
    if not isinstance(picture, dict) or not picture.keys() <= {"url", "detail"}:
        return False
    url = picture.get("url", "")
    return url.startswith(("http://", "https://")) or _is_data(url, "image/")


def _is_sound(sound):
    return (
        isinstance(sound, dict)
        and sound.keys() == {"data", "format"}
        and sound["format"] in {"wav", "mp3"}
        and _is_base64(sound["data"])
    )


def _is_file(file):
    if not isinstance(file, dict):
        return False
    if file.keys() == {"file_id"}:
        return _is_text(file["file_id"])
    return (
        file.keys() == {"filename", "file_data"}
        and bool(file["filename"])
        and _is_data(file["file_data"], "application/")
    )


_GOOD = {"text": _is_text, "refusal": _is_text, "image_url": _is_picture, "input_audio": _is_sound, "file": _is_file}


def _is_data(url, family):
    head, _, data = url.partition(";base64,")
    return head.startswith(f"data:{family}") and _is_base64(data)


def _is_base64(data):
    try:
        return bool(base64.b64decode(data, validate=True))
    except (binascii.Error, TypeError, ValueError):
        return False


def _is_call(call):
    """Whether an assistant's call is written as OpenAI writes it, its arguments as JSON text in plain characters."""
    if not isinstance(call, dict) or call.keys() != {"id", "type", "function"} or call["type"] != "function":
        return False
    function = call["function"]
    if not call["id"] or function.keys() != {"name", "arguments"} or not _FUNCTION.fullmatch(function["name"]):
        return False
    try:
        return isinstance(json.loads(function["arguments"]), dict) and "\\u" not in function["arguments"]
    except ValueError:
        return False


def _tool_faults(body):
    tools = body.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if name in body:
                yield f"'{name}' is only allowed when 'tools' are specified."
        return
    functions = [tool.get("function") for tool in tools if isinstance(tool, dict) and tool.get("type") == "function"]
    if not tools or len(functions) != len(tools):
        yield "Invalid 'tools'."
    names = [function.get("name", "") for function in functions]
    if not all(map(_FUNCTION.fullmatch, names)) or len({*names}) != len(names):
        yield "Invalid 'tools': the names must be there, well formed and unique."
    for number, function in enumerate(functions):
        for fault in _function_faults(function):
            yield f"Invalid schema for 'tools[{number}].function': {fault}"
    yield from _choice_faults(body.get("tool_choice", "auto"), names)


def _choice_faults(choice, names):
    if isinstance(choice, dict):
        choice = choice.get("function", {}).get("name") if choice.keys() == {"type", "function"} else None
        if choice not in names:
            yield f"Invalid 'tool_choice': {choice!r}."
    elif choice not in {"auto", "none", "required"}:
        yield f"Invalid 'tool_choice': {choice!r}."


def _function_faults(function):
    for strange in sorted(function.keys() - {"name", "description", "parameters", "strict"}):
        yield f"Unknown parameter: '{strange}'."
    if not isinstance(function.get("description", ""), str):
        yield "a description is a text."
    parameters = function.get("parameters", {"type": "object", "properties": {}})
    if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
        yield f"schema must be a JSON Schema of 'type: \"object\"', got {parameters!r}."
    yield from _schema_faults(parameters, strict=bool(function.get("strict")))


def _schema_faults(schema, *, strict):
    """What a server finds wrong with a schema that it is to follow, to the letter if `strict`."""
    if not isinstance(schema, dict):
        yield f"{schema!r} is not a schema."
    properties = schema.get("properties", {})
    if strict and (schema.get("type") == "object" or properties):
        if schema.get("additionalProperties") is not False:
            yield "'additionalProperties' is required to be supplied and to be false."
        if {*schema.get("required", ())} != {*properties}:
            yield "'required' is required to be supplied and to be an array including every key in properties."
    parts = [*properties.values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    for part in [*parts, *([schema["items"]] if isinstance(schema.get("items"), dict) else [])]:
        yield from _schema_faults(part, strict=strict)


def _format_faults(body):
    form = body.get("response_format", {"type": "text"})
    kind = form.get("type") if isinstance(form, dict) else None
    if kind not in {"text", "json_object", "json_schema"}:
        yield f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'."
    for strange in sorted(form.keys() - {"type", kind}):
        yield f"Unknown parameter: 'response_format.{strange}'."
    if kind == "json_object" and "json" not in json.dumps(body.get("messages")).lower():
        yield "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
    if kind != "json_schema":
        return
    wrapped = form.get("json_schema")
    if not isinstance(wrapped, dict) or wrapped.keys() - {"name", "description", "schema", "strict"}:
        yield "Invalid 'response_format.json_schema'."
    if not _FUNCTION.fullmatch(wrapped.get("name", "")):
        yield f"Invalid 'response_format.json_schema.name': {wrapped.get('name')!r}."
    schema = wrapped.get("schema")
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        yield f"Invalid schema for response_format '{wrapped['name']}': schema must be of 'type: \"object\"'."
    yield from _schema_faults(schema, strict=bool(wrapped.get("strict")))


def request_fault(body, refuses=frozenset()):
    """Message, parameter and code of the first fault of a request body, or ``None``; `refuses` names more unknowns."""
    if not isinstance(body, dict):
        return "We could not parse the JSON body of your request.", None, None
    unknown = [name for name in body if name in refuses or name not in KNOWN]
    if unknown:
        return f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter"
    fault = message_fault(body.get("messages"))
    tool_fault, format_fault = next(_tool_faults(body), None), next(_format_faults(body), None)
    faults = {
        ("you must provide a model parameter", "model"): not body.get("model"),
        ("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"): (
            "stream_options" in body and not body.get("stream")
        ),
        (tool_fault, "tools"): tool_fault is not None,
        (format_fault, "response_format"): format_fault is not None,
        (fault, "messages"): fault is not None,
    }
    return next(((*found, None) for found, is_so in faults.items() if is_so), None)
