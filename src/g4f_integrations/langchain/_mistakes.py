"""What a model is told of arguments that break a tool's schema, so that it can mend them."""

from __future__ import annotations

from typing import Any

_MOST_TOLD = 5


def tell_mistakes(error: Any) -> str:
    """Each mistake by the argument's name, without the values, which may be long.

    Args:
        error: pydantic's `ValidationError`, of its first or its second version.
    """
    rows = error.errors()
    told = [f"{'.'.join(map(str, row['loc'])) or 'arguments'}: {row['msg']}" for row in rows[:_MOST_TOLD]]
    more = [f"and {len(rows) - _MOST_TOLD} more"] if len(rows) > _MOST_TOLD else []
    return "The arguments are wrong. " + "; ".join(told + more)
