"""Tool calls of models that have only text: the prompt, the parser of what they answer, the repair of arguments.

The names below are loaded when they are first used, because most calls of a model offer no tools.
"""

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from g4f_integrations.core.toolcalls.parsing import Parsed
    from g4f_integrations.core.toolcalls.splitter import CallSplitter, parse_tool_calls

_HOMES = {"CallSplitter": "splitter", "Parsed": "parsing", "parse_tool_calls": "splitter"}

__all__ = ["CallSplitter", "Parsed", "parse_tool_calls"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
