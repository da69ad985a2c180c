"""JSON schema validators for the schemas that tools really have. Loading this module loads jsonschema.

They differ from jsonschema's own in this: no reference is ever fetched, and one that leads nowhere forbids nothing;
patterns that Python cannot read forbid nothing; the type names of Python and of Gemini are understood, and unknown
ones allow everything; OpenAPI's ``nullable`` counts; ``3.0`` is no integer, since a tool that gets it fails; of the
formats only those of links and paths are looked at; equal items are found in linear time; work is metered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

import referencing
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import UndefinedTypeCheck, UnknownType
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing.exceptions import Unresolvable

from g4f_integrations.core.toolcalls.budget import BUDGET
from g4f_integrations.core.toolcalls.conversions import LINK_FORMATS, PLAIN_TYPES, link_target

_Keyword: TypeAlias = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]

_LONGEST_MATCHED = 10_000  # characters of a string that a schema's pattern is tried on
_CHOICES = ("anyOf", "oneOf", "allOf")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def validator_of(schema: Mapping[str, Any]) -> Validator:
    """A validator for `schema`, by the draft that it names, else by 2020-12."""
    draft = validator_for(schema, default=Draft202012Validator)
    validator: Validator = _tolerant(draft)(schema, registry=referencing.Registry(), format_checker=_links())
    return validator


_extend: Callable[..., Any] = extend  # jsonschema's own hints leave it half typed


@cache
def _tolerant(draft: Any) -> Any:
    references = {name: _safe_reference(draft.VALIDATORS[name]) for name in _REFERENCES if name in draft.VALIDATORS}
    keywords = {
        "type": _type,
        "enum": _enum_after(draft.VALIDATORS["enum"]),
        **{name: _metered(draft.VALIDATORS[name]) for name in _CHOICES if name in draft.VALIDATORS},
        "required": _required,
        "pattern": _pattern,
        "uniqueItems": _unique_items,
        "additionalProperties": _additional_properties,
    }
    return _extend(
        draft,
        {**keywords, **references},
        type_checker=_Types(),
    )


@cache
def _links() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name in LINK_FORMATS:
        checker.checks(name)(lambda value: not isinstance(value, str) or link_target(value) is None)
    return checker


class _Types:
    """What values are of which type; jsonschema's own asks a map in Rust, which panics near the end of the stack."""

    @staticmethod
    def is_type(value: Any, name: str) -> bool:
        plain = PLAIN_TYPES.get(name)
        if plain is None:
            raise UndefinedTypeCheck(name)
        return isinstance(value, _PYTHON_TYPES[plain]) and (plain == "boolean" or not isinstance(value, bool))


def _metered(check: _Keyword) -> _Keyword:
    def keyword(validator: Any, branches: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        BUDGET.spend()
        yield from check(validator, branches, instance, schema)

    return keyword


def _safe_reference(follow: _Keyword) -> _Keyword:
    def reference(validator: Any, target: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        BUDGET.spend()
        BUDGET.check_stack()
        try:
            yield from follow(validator, target, instance, schema)
        except Unresolvable:
            return

    return reference


def _nullable(check: _Keyword) -> _Keyword:
    def keyword(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if instance is not None or schema.get("nullable") is not True:
            yield from check(validator, wanted, instance, schema)

    return keyword


def _enum_after(compare: _Keyword) -> _Keyword:
    """Look for the very option first: jsonschema compares one by one, a thousand times slower than a list does."""

    @_nullable
    def keyword(validator: Any, options: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if not isinstance(options, list):
            return
        if not isinstance(instance, str):
            yield from compare(validator, options, instance, schema)
        elif instance not in options:
            yield ValidationError("no option")

    return keyword


@_nullable
def _type(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    BUDGET.spend()
    types = wanted if isinstance(wanted, list) else [wanted]
    try:
        fits = any(validator.is_type(instance, name) for name in types)
    except (UnknownType, TypeError):
        return
    if not fits:
        yield ValidationError("wrong type")


def _required(validator: Any, names: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    # Hand-made schemas still say "required": true beside a property, as the third draft did.
    if isinstance(names, list) and validator.is_type(instance, "object"):
        yield from (ValidationError(name) for name in names if name not in instance)


def _additional_properties(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # Jsonschema's own tells the errors in another order each time, and sorts keys that need not be comparable.
    if not validator.is_type(instance, "object") or wanted is True:
        return
    known = schema.get("properties", {})
    patterns = list(schema.get("patternProperties", ()))
    extras = [key for key in instance if key not in known and not any(re.search(each, key) for each in patterns)]
    if wanted is False and extras:
        yield ValidationError("surplus keys")
    elif isinstance(wanted, dict):
        for key in extras:
            yield from validator.descend(instance[key], wanted, path=key)


def _pattern(validator: Any, pattern: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "string") or len(instance) > _LONGEST_MATCHED:
        return
    try:
        found = re.search(pattern, instance)
    except (re.error, TypeError, OverflowError, RecursionError):
        return
    if found is None:
        yield ValidationError("no match")


def _unique_items(validator: Any, unique: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if unique is True and validator.is_type(instance, "array"):
        seen = {json.dumps(_comparable(item), sort_keys=True, default=repr) for item in instance}
        if len(seen) < len(instance):
            yield ValidationError("equal items")


def _comparable(value: Any) -> Any:
    """`value` such that numbers that JSON schema takes for equal (``1`` and ``1.0``) look the same."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _comparable(item) for key, item in value.items()}
    return value
