"""How a model is told that its answer must be JSON, in words, for routes that have no parameter for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.prompts import fill, load_prompt, readable_json


def schema_of(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The JSON schema that the answer must meet, ``None`` if it may be any text.

    Args:
        response_format: In OpenAI's form: ``{"type": "json_schema", "json_schema": {"name", "schema", "strict"}}``,
            ``{"type": "json_object"}`` or ``{"type": "text"}``. A schema that stands directly under ``json_schema``
            or ``schema`` is found as well.
    """
    kind = response_format.get("type") if response_format else None
    if response_format is None or kind not in {"json_schema", "json_object"}:
        return None
    wrapped = response_format.get("json_schema")
    for place in (wrapped if isinstance(wrapped, Mapping) else {}, response_format):
        if isinstance(place.get("schema"), Mapping):
            schema: Mapping[str, Any] = place["schema"]
            return schema
    if kind == "json_object":
        return {"type": "object"}
    return wrapped if isinstance(wrapped, Mapping) and "name" not in wrapped else {}


def describe_answer(response_format: Mapping[str, Any] | None, folder: str | None = None) -> tuple[str, str] | None:
    """The instruction for the system message and the reminder for the end; ``None`` if the answer may be any text.

    Args:
        response_format: In OpenAI's form, as `schema_of` takes it.
        folder: The user's folder of prompts.
    """
    schema = schema_of(response_format)
    if response_format is None or schema is None:
        return None
    reminder = load_prompt("json_reminder", folder)
    if schema == {"type": "object"}:
        return load_prompt("json_object", folder), reminder
    wrapped = response_format.get("json_schema")
    description = wrapped.get("description") if isinstance(wrapped, Mapping) else None
    if description and "description" not in schema:
        schema = {"description": description, **schema}
    return fill(load_prompt("json_schema", folder), schema=readable_json(schema)), reminder
