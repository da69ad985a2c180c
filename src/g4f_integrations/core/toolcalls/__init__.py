"""Tool calls of models that have only text: the prompt, the parser of what they answer, the repair of arguments."""

from __future__ import annotations

from g4f_integrations.core.toolcalls.parsing import Parsed
from g4f_integrations.core.toolcalls.splitter import CallSplitter, parse_tool_calls

__all__ = ["CallSplitter", "Parsed", "parse_tool_calls"]
