"""The tools of one request, prepared for looking names up while an answer is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.toolcalls.names import match_name

_LONGEST_NAME = 128  # characters; no provider takes more than 64, and prefixes come on top
_MOST_GUESSES = 64  # names that fit no tool and were compared with all; more is an attack or no list of calls


class Offer:
    """The tools that a call may name.

    Attributes:
        tools: The tools as they were given, in OpenAI form.
        names: Their names, in order.
    """

    __slots__ = ("_guesses", "_known", "_schemas", "names", "tools")

    def __init__(self, tools: Sequence[Mapping[str, Any]]) -> None:
        self.tools = tools
        self._schemas: dict[str, Mapping[str, Any]] = {}
        for tool in tools:
            function = tool.get("function")
            function = function if isinstance(function, Mapping) else tool
            name, schema = function.get("name"), function.get("parameters")
            if isinstance(name, str) and name:
                self._schemas.setdefault(name, schema if isinstance(schema, Mapping) else {})
        self.names = tuple(self._schemas)
        self._known: dict[str, str | None] = {name: name for name in self.names}
        self._guesses = 0

    def has(self, name: str) -> bool:
        """Whether a tool is called exactly so."""
        return name in self._schemas

    def match(self, name: str) -> str | None:
        """The tool that `name` means: exactly, normalised or as the one close match."""
        if name in self._known:
            return self._known[name]
        if len(name) > _LONGEST_NAME or not name.strip() or self._guesses >= _MOST_GUESSES:
            return None
        matched = self._known[name] = match_name(name, self.tools)
        self._guesses += matched is None
        return matched

    def properties(self, name: str) -> Mapping[str, Any]:
        """The properties of the tool's arguments, in the order of its schema; empty where it tells none."""
        properties = self._schemas.get(name, {}).get("properties")
        return properties if isinstance(properties, Mapping) else {}

    def required(self, name: str) -> tuple[str, ...]:
        """The names of the arguments that the tool cannot do without."""
        required = self._schemas.get(name, {}).get("required")
        return tuple(key for key in required if isinstance(key, str)) if isinstance(required, Sequence) else ()

    def takes(self, name: str, keys: object) -> bool:
        """Whether `keys` can be all of the arguments of a call of the tool: each known, none missing."""
        properties, given = self.properties(name), set(keys) if isinstance(keys, Mapping) else set()
        return given <= set(properties) and set(self.required(name)) <= given

    def lone_property(self, name: str) -> str | None:
        """The one argument that a bare value must mean: the tool's only one, or its only required one."""
        for keys in (tuple(self.properties(name)), self.required(name)):
            if len(keys) == 1:
                return keys[0]
        return None

    def named(self, name: str, values: Sequence[Any]) -> dict[str, Any] | None:
        """Values without names as arguments, in the order of the schema; ``None`` if there are too many."""
        keys = tuple(self.properties(name))
        return dict(zip(keys, values, strict=False)) if len(values) <= len(keys) else None
