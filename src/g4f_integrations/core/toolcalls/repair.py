"""Values that do not fit their schema, repaired where it is plain what was meant.

The validator's errors lead: only what it complains about is touched. So a string where the schema takes a string is
never parsed, whatever it looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from itertools import islice
from typing import TYPE_CHECKING, Any

from g4f_integrations.core.toolcalls.budget import BUDGET, MAX_DEPTH, BudgetExceededError, measure
from g4f_integrations.core.toolcalls.conversions import conversions, link_target, matching_options
from g4f_integrations.core.toolcalls.members import fill_required, settle_extras
from g4f_integrations.core.toolcalls.problems import describe
from g4f_integrations.core.toolcalls.schemas import Checker, Violation, checker_of

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_ROUNDS = 6  # one repair can bring another error to light; few values need more than two rounds
_NESTED = 2 * MAX_DEPTH  # repairs inside trials of other repairs: a choice at every level, and its branch
_MOST_NODES = 50_000  # values in a value that is not right at once; jsonschema takes a second for so many
_TOO_MANY = "the value: is made of {} values, too many to look for what is wrong"
_MANY_NODES = 1_000  # a value of so many that cannot be checked is to blame for it; else the schema is
_MOST_PROBLEMS = 20  # told to the caller


def repair_value(value: Any, schema: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """`value`, changed where `schema` is violated and it is plain what was meant.

    Repaired are: numbers, booleans and null given as text, and numbers given where text is wanted; JSON text where an
    object or array is wanted, one item where an array is; options in another case; null for what may be left out;
    keys in another spelling, surplus keys; missing properties that have a default; links written as markdown.

    Args:
        value: Plain JSON data; it is not changed.
        schema: A JSON schema. One that is broken, or leads nowhere, counts as none.

    Returns:
        The same object if it is valid, else a repaired copy; and what is still wrong with it, in words.

    Example:
        >>> repair_value({"days": "3"}, {"properties": {"days": {"type": "integer"}}})
        ({'days': 3}, [])
    """
    depth, nodes = measure(value)
    if depth > MAX_DEPTH:
        return value, [f"the value: nests deeper than {MAX_DEPTH} levels"]
    checker = checker_of(schema)
    if checker is None:
        return value, []
    found = _first_error(value, checker, nodes)
    if isinstance(found, str):
        return value, [found]
    return (value, []) if found is None else _repaired(value, checker, found)


def _first_error(value: Any, checker: Checker, nodes: int) -> Violation | str | None:
    """What is wrong with `value` first, if anything; in words where it is its size."""
    BUDGET.start(nodes)
    try:
        if checker.surely_allows(value):
            return None
        return next(checker.errors(value), None) if nodes <= _MOST_NODES else _TOO_MANY.format(nodes)
    except BudgetExceededError:
        return _TOO_MANY.format(nodes) if nodes > _MANY_NODES else None
    except Exception:  # a broken schema can raise anything, and is the tool's fault, not the call's
        return None


def _repaired(value: Any, checker: Checker, found: Violation) -> tuple[Any, list[str]]:
    try:
        repaired, errors = _Repair().settle(value, checker.validator)
    except Exception:  # nothing was repaired then; what is wrong is told all the same
        repaired, errors = value, list(islice(_errors_so_far(checker, value), _MOST_PROBLEMS)) or [found]
    return repaired, list(dict.fromkeys(describe(error) for error in errors[:_MOST_PROBLEMS]))


def _errors_so_far(checker: Checker, value: Any) -> Iterator[Violation]:
    BUDGET.start()
    try:
        yield from checker.errors(value)
    except Exception:
        return


class _Repair:
    """One value's repair. Trials of several readings share one budget of work."""

    def __init__(self) -> None:
        self._may_drop = True  # whether keys may be lost
        self._in_branch = False  # whether a branch of a choice is being tried
        self._dropped: dict[tuple[int, Any], Any] = {}  # nulls left out: their objects, kept alive for their ids

    def settle(self, value: Any, validator: Validator, depth: int = 0) -> tuple[Any, list[Violation]]:
        """A repaired copy of `value`, and the errors that are left."""
        BUDGET.check_stack()
        root = [deepcopy(value)]
        errors: list[Violation] = []
        for _ in range(_ROUNDS):
            BUDGET.spend(1 + measure(root[0])[1])
            errors = list(validator.iter_errors(root[0]))
            seen: set[tuple[int, int, str]] = set()
            changes = [self._fix(root, error, validator, depth, seen) for error in errors] if depth <= _NESTED else []
            if not any(changes):
                break
        return root[0], errors

    def _fix(
        self, root: list[Any], error: Violation, validator: Validator, depth: int, seen: set[tuple[int, int, str]]
    ) -> bool:
        """Repair what one error is about; whether anything was changed. `seen` are objects whose keys are done."""
        box: Any = root
        key: Any = 0
        try:
            for part in error.path:
                box, key = box[key], part
            value = box[key]
        except (KeyError, IndexError, TypeError):
            return False
        if value is not error.instance:
            return False  # an earlier repair has changed it; the next round looks again
        if error.validator in {"required", "additionalProperties"}:
            return self._settle_keys(value, error, seen)
        return (value is None and self._drop(box, key)) or self._choose(box, key, error, validator, depth)

    def _settle_keys(self, box: dict[str, Any], error: Violation, seen: set[tuple[int, int, str]]) -> bool:
        """Repair all keys of an object at once, though each missing one is an error of its own."""
        keys = (id(box), id(error.schema), error.validator)
        if keys in seen:
            return False
        seen.add(keys)
        if error.validator == "required":
            return self._fill(box, error.schema)
        return settle_extras(box, error.schema, may_drop=self._may_drop)

    def _drop(self, box: Any, key: Any) -> bool:
        """Leave out a null; should the property be required, it comes back."""
        if not isinstance(box, dict) or not self._may_drop or (id(box), key) in self._dropped:
            return False
        self._dropped[id(box), key] = box
        del box[key]
        return True

    def _fill(self, box: dict[str, Any], schema: Mapping[str, Any]) -> bool:
        changed = fill_required(box, schema)
        for name in schema.get("required", ()):
            if name not in box and (id(box), name) in self._dropped:
                box[name] = None
                changed = True
        return changed

    def _choose(self, box: Any, key: Any, error: Violation, validator: Validator, depth: int) -> bool:
        """Take the first reading of a value that its schema allows, else the first that has the right type."""
        fitting = validator.evolve(schema=error.schema)
        better: list[Any] = []
        for reading in self._readings(error, validator, depth):
            settled, errors = self.settle(reading, fitting, depth + 1)
            if not errors:
                box[key] = settled
                return True
            if error.validator == "type" and not any(left.validator == "type" and not left.path for left in errors):
                better.append(settled)
        if better:
            box[key] = better[0]
        return bool(better)

    def _readings(self, error: Violation, validator: Validator, depth: int) -> Iterator[Any]:
        value, wanted = error.instance, error.validator_value
        if error.validator == "type":
            types = wanted if isinstance(wanted, list) else [wanted]
            yield from conversions(value, [name for name in types if isinstance(name, str)])
        elif error.validator in {"enum", "const"}:
            yield from matching_options(value, wanted if error.validator == "enum" else [wanted])
        elif error.validator in {"format", "pattern"}:
            target = link_target(value)
            if target is not None:
                yield target
        elif error.validator in {"anyOf", "oneOf"}:
            yield from self._branches(error, validator, depth)

    def _branches(self, error: Violation, validator: Validator, depth: int) -> Iterator[Any]:
        """`error.instance` as each branch of a choice takes it: where nothing is lost first, then the right type."""
        other_type = {inner.relative_schema_path[0] for inner in error.context or () if _is_wrong_type(inner)}
        order = sorted(range(len(error.validator_value)), key=lambda index: index in other_type)
        for may_drop in (self._may_drop,) if self._in_branch else (False, True):
            for index in order:
                settled, errors = self._try(error.instance, validator, error.validator_value[index], depth, may_drop)
                if not errors:
                    yield settled

    def _try(
        self, value: Any, validator: Validator, branch: Any, depth: int, may_drop: bool
    ) -> tuple[Any, list[Violation]]:
        before = self._may_drop, self._in_branch
        self._may_drop, self._in_branch = may_drop, True
        try:
            return self.settle(value, validator.evolve(schema=branch), depth + 1)
        finally:
            self._may_drop, self._in_branch = before


def _is_wrong_type(error: Violation) -> bool:
    return error.validator == "type" and not error.relative_path
