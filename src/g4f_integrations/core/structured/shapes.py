"""What a JSON schema says of a value that can be told while it comes in: its type, its keys, its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from typing import Any

KINDS = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_KIND_OF = {dict: "object", list: "array", str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One value of a schema. Where schemas are combined, it may allow more than they do, never less.

    Attributes:
        kinds: The JSON types that it may have.
        options: The strings that it may be, ``None`` if any.
        keys: The keys that an object may have, ``None`` if any.
        required: The keys that an object must have.
        members: The schemas of an object's members, by key.
        items: The schemas of an array's items, ``None`` if they may be anything.
    """

    kinds: frozenset[str] = KINDS
    options: frozenset[str] | None = None
    keys: frozenset[str] | None = None
    required: frozenset[str] = frozenset()
    members: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    items: tuple[Any, ...] | None = None

    def has_key(self, key: str) -> bool:
        """Whether an object may have this key."""
        return self.keys is None or key in self.keys

    def __or__(self, other: Shape) -> Shape:
        return Shape(
            self.kinds | other.kinds,
            None if self.options is None or other.options is None else self.options | other.options,
            None if self.keys is None or other.keys is None else self.keys | other.keys,
            _common(self, other),
            _merged(self.members, other.members),
            None if self.items is None or other.items is None else self.items + other.items,
        )

    def __and__(self, other: Shape) -> Shape:
        options = [shape.options for shape in (self, other) if shape.options is not None]
        keys = [shape.keys for shape in (self, other) if shape.keys is not None]
        items = [shape.items for shape in (self, other) if shape.items is not None]
        return Shape(
            self.kinds & other.kinds,
            reduce(and_, options) if options else None,
            reduce(or_, keys) if keys else None,
            self.required | other.required,
            _merged(self.members, other.members),
            sum(items, ()) if items else None,
        )


_ANY = Shape()


def _common(one: Shape, other: Shape) -> frozenset[str]:
    """The keys that an object must have in either shape, if it allows objects at all."""
    needs = [shape.required for shape in (one, other) if "object" in shape.kinds]
    return reduce(and_, needs) if needs else frozenset()


def _merged(one: Mapping[str, tuple[Any, ...]], other: Mapping[str, tuple[Any, ...]]) -> Mapping[str, tuple[Any, ...]]:
    if not one or not other:
        return one or other
    return {key: (*one.get(key, ()), *other.get(key, ())) for key in {**one, **other}}


def shape_of(schema: Any, root: Any = None) -> Shape:
    """What `schema`, a part of `root`, says; references to other documents and to itself may be anything.

    Example:
        >>> shape = shape_of({"type": "object", "properties": {"a": {"type": "string"}}})
        >>> (sorted(shape.kinds), shape.has_key("a"), shape.has_key("b"))
        (['object'], True, False)
    """
    return _shape(schema, schema if root is None else root, set())


def _shape(schema: Any, root: Any, followed: set[str]) -> Shape:
    if not isinstance(schema, Mapping):
        return _ANY
    shape = _own(schema)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        followed.add(reference)
        shape &= _shape(_target(reference, root), root, followed)
    for part in _parts(schema, "allOf"):
        shape &= _shape(part, root, followed)
    for word in ("anyOf", "oneOf"):
        choices = [_shape(part, root, followed) for part in _parts(schema, word)]
        if choices:
            shape &= reduce(or_, choices)
    return shape


def _parts(schema: Mapping[str, Any], word: str) -> list[Any]:
    parts = schema.get(word)
    return parts if isinstance(parts, list) else []


def _own(schema: Mapping[str, Any]) -> Shape:
    """What the schema says itself, without what it refers to."""
    kinds = _kinds(schema)
    values = _values(schema)
    required = schema.get("required")
    items, tupled = schema.get("items"), "prefixItems" in schema
    members, is_object = schema.get("properties"), "object" in kinds
    members = members if isinstance(members, Mapping) and is_object else {}
    return Shape(
        kinds=kinds,
        options=_options(values) if "string" in kinds else frozenset(),
        keys=_keys(schema, members) if is_object else frozenset(),
        required=frozenset(filter(_is_text, required)) if isinstance(required, list) else frozenset(),
        members={str(key): (member,) for key, member in members.items()},
        items=() if "array" not in kinds else (items,) if isinstance(items, Mapping) and not tupled else None,
    )


def _options(values: list[Any] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(filter(_is_text, values))


def _values(schema: Mapping[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def _kinds(schema: Mapping[str, Any]) -> frozenset[str]:
    named = schema.get("type")
    if isinstance(named, str | list):
        kinds = frozenset([named] if isinstance(named, str) else filter(_is_text, named)) & KINDS
        return kinds | {"integer"} if "number" in kinds else kinds or KINDS
    values = _values(schema)
    if values is not None:
        return frozenset(_KIND_OF.get(type(value), "null") for value in values)
    if "properties" in schema:
        return frozenset({"object"})
    return frozenset({"array"}) if "items" in schema else KINDS


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _keys(schema: Mapping[str, Any], members: Mapping[str, Any]) -> frozenset[str] | None:
    # Keys beyond those named are allowed by default, but are more often a mistake than meant.
    if not members or schema.get("patternProperties") or schema.get("additionalProperties", False) is not False:
        return None
    return frozenset(map(str, members))


def _target(reference: str, root: Any) -> Any:
    """What a reference within the schema means, ``None`` if it is none."""
    if not reference.startswith("#"):
        return None
    found = root
    for step in reference[1:].strip("/").split("/") if len(reference) > 1 else ():
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found
