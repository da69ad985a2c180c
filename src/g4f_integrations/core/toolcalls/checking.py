"""Tools as the user gives them: what is wrong with them is said before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from g4f_integrations.errors import ConfigurationError


def check_tools(tools: Any, choice: Any = None) -> None:
    """Look whether tools have OpenAI's form.

    Args:
        tools: A list of them; also without the wrapping ``function``. Tools of other types, which a server has itself,
            are not looked into.
        choice: Which of them is to be called.

    Raises:
        ConfigurationError: They have not; the message names the member that is wrong.
    """
    if not isinstance(tools, list | tuple):
        _fail("tools", "a list of tools in OpenAI's form", tools)
    names = [name for place, tool in enumerate(tools) if (name := _name_of(f"tools[{place}]", tool)) is not None]
    if choice is None or isinstance(choice, str):
        return
    if not isinstance(choice, Mapping):
        _fail("tool_choice", "a word or {'type': 'function', 'function': {'name': …}}", choice)
    function = choice.get("function")
    wanted = function.get("name") if isinstance(function, Mapping) else None
    if wanted is not None and len(names) == len(tools) and wanted not in names:
        message = f"tool_choice names {wanted!r}, which is none of the tools: {', '.join(names)}"
        raise ConfigurationError(message)


def _name_of(place: str, tool: Any) -> str | None:
    """The tool's name; ``None`` for a tool that is no function of the user's."""
    if not isinstance(tool, Mapping):
        _fail(place, "a tool in OpenAI's form, that is a dict", tool)
    if tool.get("type", "function") != "function":
        return None
    function: Any = tool
    if "function" in tool or "name" not in tool:
        place, function = f"{place}.function", tool.get("function")
    if not isinstance(function, Mapping):
        _fail(place, "a dict with name, description and parameters", function)
    name = function.get("name")
    if not isinstance(name, str) or not name:
        _fail(f"{place}.name", "the tool's name", name)
    parameters = function.get("parameters")
    if parameters is not None and not isinstance(parameters, Mapping):
        _fail(f"{place}.parameters", "a JSON schema, that is a dict", parameters)
    properties = None if parameters is None else parameters.get("properties")
    if properties is not None and not isinstance(properties, Mapping):
        _fail(f"{place}.parameters.properties", "a dict of schemas by name", properties)
    return name


def _fail(place: str, wanted: str, value: Any) -> NoReturn:
    message = f"{place} must be {wanted}, not {repr(value)[:100] if value is not None else 'absent'}"
    raise ConfigurationError(message)
