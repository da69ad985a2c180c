"""Known windows: the packaged table, and what an endpoint's list of models tells."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from g4f_integrations.core.trimming._budgets import KnownLimits

_LONGEST_ID = 200  # a model id can be anything that a user's program was given
_MOST_MODELS = 10_000  # of one list
_LARGEST = 100_000_000  # tokens; more is no window but an error
# Members of a model's entry in the lists of vLLM, SGLang, OpenRouter, Groq, Together, Mistral, LM Studio, llama.cpp,
# Ollama, GitHub Models, Copilot, LiteLLM and Anthropic. The window is the smallest of what is told.
_WINDOWS = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "max_context_window",
    "max_context_window_tokens",
    "loaded_context_length",
    "max_input_tokens",
    "max_prompt_tokens",
    "contextWindow",
    "contextLength",
    "context_size",
    "n_ctx",
    "inputTokenLimit",
)
_OUTPUTS = ("max_completion_tokens", "max_output_tokens", "outputTokenLimit", "max_output_length")
_INNER = ("top_provider", "limits", "capabilities", "meta", "model_info", "limit")


@cache
def _table() -> dict[str, Any]:
    path = files("g4f_integrations.core").joinpath("data", "context_windows.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _models() -> tuple[tuple[re.Pattern[str], KnownLimits], ...]:
    rows = _table()["models"]
    return tuple((re.compile(row["match"]), KnownLimits(row["window"], row.get("output"))) for row in rows)


@lru_cache(maxsize=1024)
def known_limits(provider: str, model: str) -> KnownLimits | None:
    """What our table says of a model, and of a provider that takes less; ``None`` if it knows neither.

    Args:
        provider: The provider's name in g4f, or an endpoint's host.
        model: The model id, with or without its owner.

    Example:
        >>> known_limits("Groq", "openai/gpt-oss-120b").window
        131072
        >>> known_limits("Somebody", "a-model-nobody-knows") is None
        True
    """
    name = model[:_LONGEST_ID].lower().rsplit("/", 1)[-1]
    found = next((limits for pattern, limits in _models() if pattern.search(name)), None)
    for row in _table()["providers"]:
        if row["provider"] == provider:
            own = KnownLimits(row.get("window"), row.get("output"), row.get("characters"))
            return own.over(found)
    return found


def limits_in_list(answer: Any, model: str) -> KnownLimits | None:
    """What an endpoint's ``/v1/models`` tells of a model; ``None`` if it tells nothing.

    Args:
        answer: The decoded JSON: an object with ``data`` or ``models``, or a list.
        model: The model id.

    Example:
        >>> limits_in_list({"data": [{"id": "a", "max_model_len": 4096}]}, "a")
        KnownLimits(window=4096, max_output=None, characters=None, source='endpoint')
    """
    return limits_by_model(answer).get(model)


def limits_by_model(answer: Any) -> dict[str, KnownLimits]:
    """What an endpoint's ``/v1/models`` tells, by the names of those models of which it tells anything.

    Args:
        answer: As for `limits_in_list`.
    """
    if isinstance(answer, Mapping):
        answer = answer.get("data") or answer.get("models")
    found: dict[str, KnownLimits] = {}
    for entry in answer if isinstance(answer, list) else ():
        if not isinstance(entry, Mapping):
            continue
        window, output = _told(entry, _WINDOWS), _told(entry, _OUTPUTS)
        if window is None and output is None:
            continue
        limits = KnownLimits(window, output, source="endpoint")
        for name in ("id", "name", "model", "key"):
            model = entry.get(name)
            if isinstance(model, str) and model not in found and len(found) < _MOST_MODELS:
                found[model] = limits
    return found


def _told(entry: Mapping[str, Any], names: tuple[str, ...], depth: int = 2) -> int | None:
    """The smallest of the figures under `names`, here or in the objects that such lists put them into."""
    found = [value for name in names if (value := _figure(entry.get(name))) is not None]
    if depth:
        inner = (entry.get(name) for name in _INNER)
        figures = (_told(value, names, depth - 1) for value in inner if isinstance(value, Mapping))
        found += [value for value in figures if value is not None]
    return min(found, default=None)


def _figure(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST else None
