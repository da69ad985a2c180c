"""The rows of a list of models, in everybody's form → `ListedModel`. Pure and tolerant: a list is a stranger's text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from g4f_integrations.core.catalog import UNKNOWN, Abilities, ListedModel
from g4f_integrations.core.trimming import limits_in_list

_MOST_MODELS = 20_000
_LONGEST_ID = 200

# Words by which lists tell abilities. OpenRouter and Pollinations have modalities and parameters, Ollama, LM Studio and
# GitHub Models lists of capabilities, Mistral and LiteLLM members that are true, g4f's API server `image` and `vision`.
_WORDS = {
    "vision": "vision", "image_input": "vision", "supports_vision": "vision", "images": "vision",
    "tools": "tools", "tool_use": "tools", "tool-calling": "tools", "tool_calling": "tools",
    "function_calling": "tools", "functions": "tools", "supports_function_calling": "tools",
    "reasoning": "reasoning", "thinking": "reasoning", "include_reasoning": "reasoning",
    "supports_reasoning": "reasoning",
    "web_search": "web_search", "search": "web_search", "supports_web_search": "web_search",
    "audio": "audio", "video": "video",
}  # fmt: skip
_LISTS = ("capabilities", "supported_parameters", "features", "supported_features")
_INPUTS = ("input_modalities", "supported_input_modalities")
_OUTPUTS = ("output_modalities", "supported_output_modalities")
_INNER = ("architecture", "capabilities", "model_info", "modalities")
_MAKERS = {"image": "image", "audio": "audio", "speech": "audio", "video": "video"}


def read_rows(rows: Any) -> dict[str, ListedModel]:
    """The models of a list, by id, in its order; what is no model is left out.

    Args:
        rows: Ids, or dicts with an ``id`` (or ``name``), or a mapping of ids to such dicts.

    Example:
        >>> [found] = read_rows([{"id": "a", "context_length": 8192, "capabilities": ["tool_use"]}]).values()
        >>> found.window, found.abilities.of("tools")
        (8192, True)
    """
    found: dict[str, ListedModel] = {}
    for given, row in _pairs(rows):
        if len(found) >= _MOST_MODELS:
            break
        model = _id(given) or _id(row.get("id")) or _id(row.get("name"))
        if model and model not in found:
            limits = limits_in_list([{**row, "id": model}], model) if row else None
            found[model] = ListedModel(
                model,
                limits.window if limits is not None else None,
                limits.max_output if limits is not None else None,
                _abilities(row) if row else UNKNOWN,
            )
    return found


def _pairs(rows: Any) -> Iterable[tuple[Any, Mapping[str, Any]]]:
    if isinstance(rows, Mapping):
        for model, row in rows.items():
            yield model, row if isinstance(row, Mapping) else {}
    elif isinstance(rows, Iterable) and not isinstance(rows, str | bytes):
        for row in rows:
            yield (None, row) if isinstance(row, Mapping) else (row, {})


def _id(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    name = value.strip()
    return name if len(name) <= _LONGEST_ID and name.isprintable() else ""


def _abilities(row: Mapping[str, Any]) -> Abilities:
    has: set[str] = set()
    lacks: set[str] = set()
    for part in (row, *(inner for name in _INNER if isinstance(inner := row.get(name), Mapping))):
        for name, ability in _WORDS.items():
            if part.get(name) is True:
                has.add(ability)
            elif part.get(name) is False:
                lacks.add(ability)
        for words in (part.get(name) for name in _LISTS):
            has.update(_WORDS[word] for word in _texts(words) if word in _WORDS)
        taken = [word for name in (*_INPUTS, "input") for word in _texts(part.get(name))]
        if taken:
            (has if "image" in taken else lacks).add("vision")
            has.update({"audio"} & set(taken))
        made = [word for name in (*_OUTPUTS, "output") for word in _texts(part.get(name))]
        has.update(_MAKERS[word] for word in made if word in _MAKERS)
        if made and "text" not in made:
            lacks.add("chat")
    kind = row.get("type")
    if isinstance(kind, str):
        has.update(["vision"] if kind == "vlm" else [_MAKERS[kind]] if kind in _MAKERS else [])
    if row.get("image") is True:  # g4f's API server says so of models that make pictures
        has.add("image")
    return Abilities(frozenset(has), frozenset(lacks - has)) if has or lacks else UNKNOWN


def _texts(value: Any) -> list[str]:
    return [word for word in value[:64] if isinstance(word, str)] if isinstance(value, list | tuple) else []
