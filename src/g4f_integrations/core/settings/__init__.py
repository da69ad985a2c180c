"""The settings that the faces share: what users give to a constructor or a call → what the engine takes.

Free of both frameworks. A face adds only how its framework names things: messages, tools, schemas. What only calls need
is in `core.settings.calls`, which the faces load with the first one.
"""

from g4f_integrations.core.settings.choices import to_tool_choice, tool_names
from g4f_integrations.core.settings.fields import ModelFields
from g4f_integrations.core.settings.names import ALIASES, PARAMETERS
from g4f_integrations.core.settings.showing import shown_arguments
from g4f_integrations.core.settings.values import API_KEY_VARIABLE

__all__ = [
    "ALIASES",
    "API_KEY_VARIABLE",
    "PARAMETERS",
    "ModelFields",
    "shown_arguments",
    "to_tool_choice",
    "tool_names",
]
