"""What stands around calls and is no prose: the ends of tags, control tokens, and results that the model made up."""

from __future__ import annotations

import re

from g4f_integrations.core.toolcalls.dialects.tags import canonical
from g4f_integrations.core.toolcalls.source import Source

_CLOSED = {
    "tool_call", "tool_calls", "toolcall", "toolcalls", "function_call", "function_calls", "functioncall",
    "functioncalls", "tool_use", "longcat_tool_call", "tool", "call", "function", "action", "tool_code",
    "tool_request", "tool_invocation", "use_mcp_tool", "invoke", "parameter", "parameters", "arguments", "s",
    "python_tag", "tool_calls_section",
}  # fmt: skip
_TOKENS = {
    "tool_call_end", "tool_calls_end", "tool_calls_section_end", "tools_suffix", "action_end", "end_action",
    "eom_id", "eot_id", "eot", "im_end", "end", "call", "return", "end_of_turn", "endoftext", "end_of_text",
    "end_of_sentence", "eos", "turn_end", "im_middle",
}  # fmt: skip
_PLAIN_TOKENS = {"end_of_turn", "end_function_call", "bot_end", "eos", "endoftext"}
_RESULTS = {
    "tool_response", "tool_responses", "tool_result", "tool_results", "function_response", "function_result",
    "function_results", "function_responses", "tool_output", "tool_outputs", "observation", "tool_outputs_begin",
    "tool_output_begin", "start_header_id", "im_start", "start_of_role", "start_of_turn", "user", "turn", "ipython",
    "start_function_response", "start_tool_response", "tool_call_result", "response", "result",
}  # fmt: skip

LINES = (
    "observation:", "**observation", "tool result", "tool_result", "tool output", "tool response", "tool_response",
    "function result", "function output", "function response", "user:", "human:", "[tool_results]", "[tool result",
    "**tool result", "**tool output", "observation 1:",
    "```tool_output", "```tool_response", "```tool_result",
)  # fmt: skip
"""How a line begins that imitates a tool's result or the next turn, in lower case."""
_LONGEST_LINE = max(map(len, LINES))

_TAG = re.compile(r"<([^<>]{1,80})>")
_PART_OF_TAG = re.compile(r"<[^<>]{0,80}\Z")


def end_of_tag(source: Source, at: int) -> int:
    """The end of a closing tag or a control token at `at`, such as stand after calls; 0 if there is none."""
    tag = source.match(_TAG, at, _PART_OF_TAG)
    if tag is None:
        return 0
    inside = tag[1].replace("\uff5c", "|")
    plain = canonical(inside.lstrip("|").removeprefix("/"))
    closes = inside.lstrip("|").startswith("/") or (inside.endswith("|") and not inside.startswith("|"))
    token = plain in _PLAIN_TOKENS or (plain in _TOKENS and inside.startswith("|"))
    return tag.end() if token or (closes and plain in _CLOSED) else 0


def is_result(source: Source, at: int, *, head_of_line: bool) -> bool:
    """Whether a made-up result or the next turn begins at `at`: with a tag, or with words at the head of a line."""
    if source.sign(at) == "<":
        tag = source.match(_TAG, at, _PART_OF_TAG)
        return tag is not None and canonical(tag[1]).split(" ")[0] in _RESULTS
    if not head_of_line:
        return False
    head = source.text[at : at + _LONGEST_LINE].lower()
    if at + len(head) == len(source.text) and any(line.startswith(head) for line in LINES if line != head):
        source.more()
    return head.startswith(LINES)
