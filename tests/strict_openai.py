"""What a server that follows OpenAI's rules to the letter finds wrong with a chat request. Pure."""

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


def message_fault(messages):
    """What OpenAI would find wrong with these messages, or ``None``."""
    if not messages or not isinstance(messages, list):
        return "[] is too short - 'messages'"
    waiting = set()
    for number, message in enumerate(messages):
        fault = _fault(number, message, waiting)
        if fault:
            return fault
    return "The last 'tool_calls' have not been answered." if waiting else None


def _fault(number, message, waiting):
    """The fault of one message; `waiting` holds the ids of the calls that no tool has answered yet."""
    role, content, calls = message.get("role"), message.get("content"), message.get("tool_calls")
    if role == "tool":
        if message.get("tool_call_id") in waiting:
            waiting.discard(message["tool_call_id"])
            return None
        return "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
    waiting_before = bool(waiting)
    waiting |= {call["id"] for call in calls or ()}
    faults = {
        f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'developer' and 'tool'.": (
            role not in {"system", "developer", "user", "assistant"}
        ),
        "An assistant message with 'tool_calls' must be followed by tool messages for each 'tool_call_id'.": waiting_before,
        f"Invalid value for 'content' of messages[{number}]: expected a string, got null.": content is None
        and not calls,
        f"Invalid 'messages[{number}].tool_calls'.": calls is not None and (role != "assistant" or not calls),
    }
    return next((fault for fault, is_so in faults.items() if is_so), None)


def request_fault(body, refuses=frozenset()):
    """Message, parameter and code of the first fault of a request body, or ``None``; `refuses` names more unknowns."""
    if not isinstance(body, dict):
        return "We could not parse the JSON body of your request.", None, None
    unknown = [name for name in body if name in refuses or name not in KNOWN]
    if unknown:
        return f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter"
    fault = message_fault(body.get("messages"))
    faults = {
        ("you must provide a model parameter", "model"): not body.get("model"),
        ("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options"): (
            "stream_options" in body and not body.get("stream")
        ),
        ("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"): (
            "tool_choice" in body and not body.get("tools")
        ),
        (fault, "messages"): fault is not None,
    }
    return next(((*found, None) for found, is_so in faults.items() if is_so), None)
