"""Members of an object: keys in another spelling, keys that the schema does not know, keys that are missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from g4f_integrations.core.toolcalls.names import plain_name

_LONGEST_KEY = 128  # characters; longer ones are no property in another spelling


def settle_extras(box: dict[str, Any], schema: Mapping[str, Any], *, may_drop: bool) -> bool:
    """Give the surplus keys of `box` the names of missing properties that they spell otherwise, or leave them out.

    Returns:
        Whether anything was changed.
    """
    properties = _properties(schema)
    extras = _extras(box, schema)
    changed = _rename(box, extras, [name for name in properties if name not in box])
    if may_drop:
        for key in extras:
            changed = box.pop(key, extras) is not extras or changed
    return changed


def fill_required(box: dict[str, Any], schema: Mapping[str, Any]) -> bool:
    """Find the required properties that `box` lacks: under another spelling, else by their default.

    Returns:
        Whether anything was changed.
    """
    properties = _properties(schema)
    required = schema.get("required")
    missing = [name for name in required if name not in box] if isinstance(required, list) else []
    changed = _rename(box, _extras(box, schema), missing)
    for name in missing:
        wanted = properties.get(name)
        if name not in box and isinstance(wanted, dict) and "default" in wanted:
            box[name] = deepcopy(wanted["default"])
            changed = True
    return changed


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _extras(box: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    known = _properties(schema)
    patterns = schema.get("patternProperties")
    patterns = list(patterns) if isinstance(patterns, Mapping) else []
    return [key for key in box if key not in known and not any(re.search(pattern, key) for pattern in patterns)]


def _rename(box: dict[str, Any], extras: Iterable[str], missing: Iterable[str]) -> bool:
    """Rename where one surplus key and one missing property are the same but for the spelling."""
    given, wanted = _by_spelling(extras), _by_spelling(missing)
    changed = False
    for spelling, names in wanted.items():
        keys = given.get(spelling, [])
        if len(names) == len(keys) == 1:
            box[names[0]] = box.pop(keys[0])
            changed = True
    return changed


def _by_spelling(keys: Iterable[str]) -> dict[str, list[str]]:
    spelled: dict[str, list[str]] = {}
    for key in keys:
        if isinstance(key, str) and len(key) <= _LONGEST_KEY:
            spelled.setdefault(plain_name(key), []).append(key)
    return spelled
