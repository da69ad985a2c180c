"""A schema, followed along a value that comes in: whether each next thing can be right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from g4f_integrations.core.structured.shapes import Shape, shape_of

_KINDS_OF_BEGINNING = {
    "{": frozenset({"object"}),
    "[": frozenset({"array"}),
    '"': frozenset({"string"}),
    "t": frozenset({"boolean"}),
    "f": frozenset({"boolean"}),
    "n": frozenset({"null"}),
}
_NUMBERS = frozenset({"number", "integer"})
_ANYTHING = Shape()


class Guide:
    """Says of each beginning of a value, key and end of a container whether the schema can allow it.

    A yes is no promise: lengths, patterns and choices between schemas are judged when the value is whole.
    """

    __slots__ = ("_open", "_root", "_seen", "_shapes", "next")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._shapes: dict[tuple[int, ...], Shape] = {}  # by the identities of their schemas, which live in the root
        self._open: list[Shape] = []  # the shapes of the open containers
        self._seen: list[set[str]] = []  # their keys so far
        self.next = shape_of(schema)
        """What the next value must be."""

    def allows_value(self, char: str) -> bool:
        """Whether the next value may begin with `char`; if it is a container, it is open then."""
        if self.next.kinds.isdisjoint(_KINDS_OF_BEGINNING.get(char, _NUMBERS)):
            return False
        if char in "{[":
            self._open.append(self.next)
            self._seen.append(set())
            self._expect_item()
        return True

    def allows_number(self, text: str) -> bool:
        """Whether the value may be this number."""
        return "number" in self.next.kinds or text.lstrip("-").isdigit()

    def allows_key(self, key: str) -> bool:
        """Whether the innermost object may have the member `key`, which comes next."""
        shape = self._open[-1]
        self._seen[-1].add(key)
        schemas = shape.members.get(key)
        self.next = self._shape(schemas) if schemas else _ANYTHING
        return shape.has_key(key)

    def allows_end(self, bracket: str) -> bool:
        """Whether the innermost container, which began with `bracket`, may end here; it is closed then."""
        shape = self._open.pop()
        seen = self._seen.pop()
        self._expect_item()
        return bracket == "[" or shape.required <= seen

    def _expect_item(self) -> None:
        if self._open:
            items = self._open[-1].items
            self.next = self._shape(items) if items else _ANYTHING

    def _shape(self, schemas: tuple[Any, ...]) -> Shape:
        key = tuple(map(id, schemas))
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = reduce(or_, [shape_of(schema, self._root) for schema in schemas])
        return shape
