"""Schemas of tools, prepared once: a quick check for arguments that are right, a validator for all others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from g4f_integrations.core.toolcalls.quick_check import Check, compile_check

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_MOST_SCHEMAS = 256  # kept prepared; one agent rarely has more than fifty tools


class Violation(Protocol):
    """What is read here of jsonschema's ``ValidationError``, whose own hints leave open what is always set."""

    message: str
    path: Any
    relative_path: Any
    relative_schema_path: Any
    context: Any
    validator: Any
    validator_value: Any
    instance: Any
    schema: Any

    @property
    def absolute_path(self) -> Any:
        """Keys and indices from the whole value to where the error is."""


class Checker:
    """What one schema allows.

    Attributes:
        schema: A copy of the schema, which nobody else changes.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    @cached_property
    def validator(self) -> Validator:
        """The real validator; jsonschema is loaded when the first one is needed."""
        from g4f_integrations.core.toolcalls.drafts import validator_of  # jsonschema: 0.2 s

        return validator_of(self.schema)

    @cached_property
    def surely_allows(self) -> Check:
        """A function that is true only for values that the schema allows."""
        return compile_check(self.schema)

    def errors(self, value: Any) -> Iterator[Violation]:
        """What is wrong with `value`."""
        return self.validator.iter_errors(value)


def checker_of(schema: Mapping[str, Any]) -> Checker | None:
    """The checker of `schema`; ``None`` if it says nothing or is no JSON.

    Checkers are kept by the schema's content, and found in less than a microsecond while the same object is given
    and has not been changed.
    """
    if not schema:
        return None
    try:
        kept = _by_identity.get(id(schema))
        if kept is not None and kept[0] is schema and kept[1].schema == schema:
            return kept[1]
        checker = _checker_of_text(json.dumps(schema, default=_as_dict))
    except (TypeError, ValueError, RecursionError):
        return None
    if len(_by_identity) >= _MOST_SCHEMAS:
        _by_identity.clear()
    _by_identity[id(schema)] = (schema, checker)  # what is kept here lives on, so its id is no other's
    return checker


_by_identity: dict[int, tuple[Mapping[str, Any], Checker]] = {}


@lru_cache(maxsize=_MOST_SCHEMAS)
def _checker_of_text(text: str) -> Checker:
    return Checker(json.loads(text))


def _as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    message = "A schema is plain JSON data"
    raise TypeError(message)
