"""Most arguments are right: a schema compiled to plain functions that say so in a microsecond.

A function's yes is certain; its no only means that the real validator must look, at twenty times the cost. So
whatever a function does not know makes it say no.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote

from g4f_integrations.core.toolcalls.budget import BUDGET
from g4f_integrations.core.toolcalls.conversions import LINK_FORMATS, PLAIN_TYPES, link_target

Check: TypeAlias = Callable[[Any], bool]
_Build: TypeAlias = Callable[["_Compiler", Any], Check]

_SCALARS: Mapping[str, Check] = {
    "string": lambda value: type(value) is str,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) is int or type(value) is float,
    "boolean": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
}
_BEYOND = frozenset(  # keywords of any draft that forbid something and have no function here
    (
        *("$dynamicRef", "$recursiveRef", "additionalItems", "contains", "dependencies", "dependentRequired"),
        *("dependentSchemas", "disallow", "divisibleBy", "extends", "if", "maxProperties", "minProperties"),
        *("multipleOf", "not", "oneOf", "patternProperties", "prefixItems", "propertyNames", "unevaluatedItems"),
        *("unevaluatedProperties", "uniqueItems"),
    )
)
_PLAIN = frozenset((str, int, bool, type(None)))
_NUMBERS: frozenset[type] = frozenset((int, float))
_STRINGS: frozenset[type] = frozenset((str,))
_LISTS: frozenset[type] = frozenset((list,))
_LONGEST = 10_000  # characters of a string that a pattern is tried on
_OBJECTS = frozenset(("properties", "required", "additionalProperties"))


def compile_check(schema: Mapping[str, Any]) -> Check:
    """A function that is true only for values that `schema`, which is plain JSON data, allows."""
    return _Compiler(schema).compile(schema)


def _always(_: Any) -> bool:
    return True


def _never(_: Any) -> bool:
    return False


def _every(checks: Sequence[Check]) -> Check:
    def check(value: Any) -> bool:
        return all(part(value) for part in checks)

    return check


class _Compiler:
    """Compiles one schema; a reference is compiled when it is first met, once, and may lead back to itself."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._targets: dict[str, Check] = {}

    def compile(self, schema: Any) -> Check:
        if schema is True:
            return _always
        if not isinstance(schema, dict) or (schema is not self._root and ("$id" in schema or "id" in schema)):
            return _never
        checks: list[Check] = []
        for keyword, wanted in schema.items():
            if keyword in _OBJECTS:
                continue
            build = _KEYWORDS.get(keyword)
            if build is not None:
                checks.append(build(self, wanted))
            elif keyword in _BEYOND:
                return _never
        if _OBJECTS & schema.keys():
            checks.append(self._object(schema))
        if len(checks) == 1:
            return checks[0]
        if not checks:
            return _always
        return _every(checks)

    def _object(self, schema: dict[str, Any]) -> Check:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list) or "patternProperties" in schema:
            return _never
        known = {name: self.compile(wanted) for name, wanted in properties.items()}
        other = self.compile(schema.get("additionalProperties", True))
        needed = frozenset(name for name in required if isinstance(name, str))

        def check(value: Any) -> bool:
            if type(value) is not dict:
                return False
            return needed <= value.keys() and all(known.get(name, other)(item) for name, item in value.items())

        return check

    def type(self, wanted: Any) -> Check:
        names = wanted if isinstance(wanted, list) else [wanted]
        checks = [_SCALARS.get(PLAIN_TYPES.get(name, ""), _never) for name in names if isinstance(name, str)]
        return checks[0] if len(checks) == 1 else lambda value: any(check(value) for check in checks)

    def enum(self, wanted: Any) -> Check:
        if not isinstance(wanted, list):
            return _never
        allowed = {(type(option), option) for option in wanted if type(option) in _PLAIN}
        return lambda value: type(value) in _PLAIN and (type(value), value) in allowed

    def const(self, wanted: Any) -> Check:
        return self.enum([wanted])

    def items(self, wanted: Any) -> Check:
        check = self.compile(wanted)
        return lambda value: type(value) is not list or all(map(check, value))

    def any_of(self, wanted: Any) -> Check:
        checks = [self.compile(branch) for branch in wanted] if isinstance(wanted, list) else []
        return lambda value: any(check(value) for check in checks)

    def all_of(self, wanted: Any) -> Check:
        return _every([self.compile(branch) for branch in wanted]) if isinstance(wanted, list) else _never

    def reference(self, wanted: Any) -> Check:
        if not isinstance(wanted, str) or not wanted.startswith("#"):
            return _never

        def check(value: Any) -> bool:
            BUDGET.spend()
            target = self._targets.get(wanted)
            if target is None:
                target = self._targets[wanted] = self.compile(self._find(wanted))
            return target(value)

        return check

    def _find(self, pointer: str) -> Any:
        found: Any = self._root
        for part in pointer[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, dict) else None
        return found

    def format(self, wanted: Any) -> Check:
        if not isinstance(wanted, str) or wanted not in LINK_FORMATS:
            return _always
        return lambda value: type(value) is not str or link_target(value) is None

    def pattern(self, wanted: Any) -> Check:
        try:
            search = re.compile(wanted).search
        except (re.error, TypeError, OverflowError, RecursionError):
            return _never
        return lambda value: type(value) is not str or (len(value) <= _LONGEST and search(value) is not None)


def _bound(holds: Callable[[Any, Any], bool], types: frozenset[type], measure: Callable[[Any], Any]) -> _Build:
    def build(_: _Compiler, wanted: Any) -> Check:
        if type(wanted) not in _NUMBERS:
            return _never
        return lambda value: type(value) not in types or holds(measure(value), wanted)

    return build


def _as_it_is(value: Any) -> Any:
    return value


_KEYWORDS: Mapping[str, _Build] = {
    "type": _Compiler.type,
    "enum": _Compiler.enum,
    "const": _Compiler.const,
    "items": _Compiler.items,
    "anyOf": _Compiler.any_of,
    "allOf": _Compiler.all_of,
    "$ref": _Compiler.reference,
    "format": _Compiler.format,
    "pattern": _Compiler.pattern,
    "minimum": _bound(operator.ge, _NUMBERS, _as_it_is),
    "maximum": _bound(operator.le, _NUMBERS, _as_it_is),
    "exclusiveMinimum": _bound(operator.gt, _NUMBERS, _as_it_is),
    "exclusiveMaximum": _bound(operator.lt, _NUMBERS, _as_it_is),
    "minLength": _bound(operator.ge, _STRINGS, len),
    "maxLength": _bound(operator.le, _STRINGS, len),
    "minItems": _bound(operator.ge, _LISTS, len),
    "maxItems": _bound(operator.le, _LISTS, len),
}
