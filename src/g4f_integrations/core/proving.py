"""Quick ways of making a framework's objects, used only where nobody could tell what they make from the real ones.

Validating an object costs more than all that this package does for it, so the faces put some together directly. How
pydantic and the frameworks keep their state is theirs to change: before a quick way is used for the first time, what it
makes is compared with what the constructors make.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, TypeVar, TypeVarTuple

from pydantic import BaseModel

Made = TypeVar("Made")
Given = TypeVarTuple("Given")


def quick_or_real(
    compiled: Callable[[], Callable[[*Given], Made]],
    is_faithful: Callable[[Callable[[*Given], Made]], bool],
    real: Callable[[*Given], Made],
) -> Callable[[*Given], Made]:
    """The quick way, if it is shown to be faithful, else the real one.

    Args:
        compiled: Makes the quick way.
        is_faithful: Whether what it makes is what the real one makes.
        real: The way through the constructors.
    """
    try:
        quick = compiled()
        return quick if is_faithful(quick) else real
    except Exception:  # whatever the reason, the constructors work
        return real


def is_same(made: BaseModel, real: BaseModel, *views: Callable[[Any], Any]) -> bool:
    """Whether two objects are alike in all that pydantic and Python show of them, and in further views."""
    return made == real and all(view(made) == view(real) for view in (*_VIEWS, *views))


def anatomy(model: BaseModel) -> tuple[Any, ...]:
    """All of an instance's state, down to the order of its fields."""
    slots = {name for cls in type(model).__mro__ for name in getattr(cls, "__slots__", ())}
    slots -= {"__dict__", "__weakref__", "__pydantic_fields_set__"}
    others = sorted((name, repr(getattr(model, name, "unset"))) for name in slots)
    types = [(name, type(value)) for name, value in model.__dict__.items()]
    return types, sorted(model.model_fields_set), others


def share_nothing(one: BaseModel, other: BaseModel) -> bool:
    """Whether no list, dict or model of one is the other's as well."""
    return not any(
        value is other.__dict__[name]
        for name, value in one.__dict__.items()
        if isinstance(value, list | dict | BaseModel)
    )


_VIEWS: tuple[Callable[[BaseModel], Any], ...] = (
    anatomy,
    repr,
    lambda made: made.model_dump(),
    lambda made: made.model_dump_json(exclude_unset=True),
    lambda made: pickle.loads(pickle.dumps(made)),  # noqa: S301  our own object, pickled a moment ago
    lambda made: made.model_copy(deep=True),
)
