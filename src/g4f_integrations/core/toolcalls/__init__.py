"""Tool calls of models that have only text: the prompt, the parser of what they answer, the repair of arguments.

The names below are loaded when they are first used, because most calls of a model offer no tools.
"""

from g4f_integrations._lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from g4f_integrations.core.toolcalls.parsing import Parsed
    from g4f_integrations.core.toolcalls.splitter import CallSplitter, parse_tool_calls

_HOMES = {"CallSplitter": "splitter", "Parsed": "parsing", "parse_tool_calls": "splitter"}

__all__ = ["CallSplitter", "Parsed", "parse_tool_calls"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
