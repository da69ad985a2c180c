"""What a JSON schema says of the outermost value: its types, and the keys that it can begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_KIND_OF = {dict: "object", list: "array", str: "string", int: "integer", float: "number", bool: "boolean"}


@dataclass(frozen=True, slots=True)
class Shape:
    """The outermost value of a schema.

    Attributes:
        kinds: The JSON types that it may have.
        keys: The keys that an object may have, ``None`` if any.
    """

    kinds: frozenset[str]
    keys: frozenset[str] | None

    def has_key(self, key: str) -> bool:
        """Whether an object may have this key."""
        return self.keys is None or key in self.keys

    def __or__(self, other: Shape) -> Shape:
        keys = None if self.keys is None or other.keys is None else self.keys | other.keys
        return Shape(self.kinds | other.kinds, keys)

    def __and__(self, other: Shape) -> Shape:
        known = [shape.keys for shape in (self, other) if shape.keys is not None]
        return Shape(self.kinds & other.kinds, frozenset().union(*known) if known else None)


_ANY = Shape(KINDS, None)


def shape_of(schema: Any) -> Shape:
    """What `schema` says of the outermost value; references to other documents and to itself may be anything.

    Example:
        >>> shape = shape_of({"type": "object", "properties": {"a": {"type": "string"}}})
        >>> (sorted(shape.kinds), shape.has_key("a"), shape.has_key("b"))
        (['object'], True, False)
    """
    return _shape(schema, schema, set())


def _shape(schema: Any, root: Any, followed: set[str]) -> Shape:
    if not isinstance(schema, Mapping):
        return _ANY
    shape = Shape(_own_kinds(schema), _own_keys(schema))
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference not in followed:
        followed.add(reference)
        shape &= _shape(_target(reference, root), root, followed)
    for part in _members(schema, "allOf"):
        shape &= _shape(part, root, followed)
    for word in ("anyOf", "oneOf"):
        choices = [_shape(part, root, followed) for part in _members(schema, word)]
        if choices:
            either = choices[0]
            for choice in choices[1:]:
                either |= choice
            shape &= either
    return shape


def _members(schema: Mapping[str, Any], word: str) -> list[Any]:
    members = schema.get(word)
    return members if isinstance(members, list) else []


def _own_kinds(schema: Mapping[str, Any]) -> frozenset[str]:
    named = schema.get("type")
    if isinstance(named, str | list):
        kinds = frozenset([named] if isinstance(named, str) else filter(_is_text, named)) & KINDS
        return kinds | {"integer"} if "number" in kinds else kinds or KINDS
    if "const" in schema or isinstance(schema.get("enum"), list):
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return frozenset(_KIND_OF.get(type(value), "null") for value in values)
    if "properties" in schema:
        return frozenset({"object"})
    return frozenset({"array"}) if "items" in schema else KINDS


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _own_keys(schema: Mapping[str, Any]) -> frozenset[str] | None:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties or schema.get("patternProperties"):
        named = schema.get("type")
        # A type that is no object's has no keys, so that a choice between it and an object has the object's.
        return None if named is None or named == "object" or isinstance(named, list) else frozenset()
    if schema.get("additionalProperties", False) is not False:
        return None
    return frozenset(map(str, properties))


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
