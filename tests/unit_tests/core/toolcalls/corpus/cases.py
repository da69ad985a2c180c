"""The form of a case, and the tools that are on offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One answer.

    Attributes:
        dialect: The form in which the model writes.
        answer: What it wrote.
        text: The prose that is left of it.
        calls: The calls, as (name, arguments).
        invalid: The names in calls that are none.
        tools: Which of the sets of tools is on offer.
    """

    dialect: str
    answer: str
    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    invalid: tuple[str, ...] = ()
    tools: str = "house"


@dataclass
class Dialect:
    """Collects the cases of one dialect."""

    name: str
    tools: str = "house"
    cases: list[Case] = field(default_factory=list)

    def reads(self, answer: str, *calls: tuple[str, dict[str, Any]], text: str = "", invalid: str = "") -> None:
        """`answer` holds `calls`, the prose `text` and calls of the names `invalid`, which are none."""
        self.cases.append(Case(self.name, answer, text, calls, tuple(invalid.split()), self.tools))

    def leaves(self, answer: str) -> None:
        """`answer` holds no call and stays as it is."""
        self.cases.append(Case(self.name, answer, answer, (), (), self.tools))


def tool(name: str, properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """A tool in OpenAI's form; a property is given by its type or by its schema."""
    schemas = {key: {"type": value} if isinstance(value, str) else value for key, value in properties.items()}
    parameters = {
        "type": "object",
        "properties": schemas,
        "required": list(properties) if required is None else required,
    }
    return {"type": "function", "function": {"name": name, "description": f"Does {name}.", "parameters": parameters}}


HOUSE = [
    tool("get_weather", {"city": "string", "days": "integer", "metric": "boolean"}, ["city"]),
    tool("search", {"query": "string"}),
    tool("get_time", {}),
    tool("add", {"a": "number", "b": "number"}),
    tool(
        "send_email",
        {"to": {"type": "array", "items": {"type": "string"}}, "subject": "string", "body": "string"},
        ["to"],
    ),
    tool("run_python", {"code": "string"}),
    tool("plan", {"steps": {"type": "array", "items": {"type": "object"}}, "options": {"type": "object"}}, []),
]
TOOLS = {
    "house": HOUSE,
    "weather": HOUSE[:1],
    "awkward": [
        tool("list-files", {"path": "string"}),
        tool("Calendar_Create", {"title": "string", "when": "string"}, ["title"]),
        tool("fs.read", {"path": "string"}),
        tool("name", {"name": "string"}),
    ],
}

PARIS = ("get_weather", {"city": "Paris"})
OSLO = ("get_weather", {"city": "Oslo"})
CATS = ("search", {"query": "cats"})
NOW = ("get_time", {})
SUM = ("add", {"a": 1, "b": 2})
