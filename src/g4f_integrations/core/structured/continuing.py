"""The rest of a JSON text whose beginning is fixed, because it has been handed over already."""

from __future__ import annotations

import json
from typing import Any

from g4f_integrations.core.prompts import readable_json


def rest_of(beginning: str, closers: str, value: Any) -> str | None:
    """What makes `beginning` a JSON text of `value`; ``None`` if it says something else already.

    Args:
        beginning: Strict JSON up to the end of a value, or into a string that is one.
        closers: What closes the open string and containers of `beginning`, in this order.
        value: The value that the whole text must have.

    Example:
        >>> rest_of('{"a": [1, "x', '"]}', {"a": [1, "xy"], "b": None})
        'y"], "b": null}'
    """
    said = json.loads(beginning + closers, object_pairs_hook=_in_order)
    rests: list[str] = []
    for closer in reversed(closers.removeprefix('"')):
        if type(said) is not type(value) or not said:
            return None
        if closer == "}":
            open_key = next(reversed(said))
            if open_key not in value or any(value.get(key, said) != said[key] for key in said if key != open_key):
                return None
            more = [f"{readable_json(key)}: {readable_json(value[key])}" for key in value if key not in said]
            said, value = said[open_key], value[open_key]
        else:
            size = len(said)
            if len(value) < size or value[: size - 1] != said[:-1]:
                return None
            more = [readable_json(item) for item in value[size:]]
            said, value = said[-1], value[size - 1]
        rests.append("".join(f", {member}" for member in more) + closer)
    inner = _rest_of_string(said, value) if closers.startswith('"') else "" if said == value else None
    return None if inner is None else inner + "".join(reversed(rests))


def _in_order(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose last key is the last one written, also when it stands there twice."""
    members: dict[str, Any] = {}
    for key, value in pairs:
        members.pop(key, None)
        members[key] = value
    return members


def _rest_of_string(said: Any, value: Any) -> str | None:
    if not isinstance(said, str) or not isinstance(value, str) or not value.startswith(said):
        return None
    return readable_json(value[len(said) :])[1:]
