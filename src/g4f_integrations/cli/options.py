"""Options that several commands share, and the settings that they make."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from g4f_integrations.errors import ConfigurationError

Model = Annotated[str, typer.Option("--model", "-m", help="Model id; 'auto' takes what is known to work.")]
Providers = Annotated[
    list[str] | None, typer.Option("--provider", "-p", help="A g4f provider; several are asked in order.")
]
Routes = Annotated[
    list[str] | None,
    typer.Option("--route", "-r", help="Exactly this route: 'Provider:model' or an endpoint's URL; may be repeated."),
]
BaseURL = Annotated[
    str | None, typer.Option("--base-url", help="An OpenAI-compatible endpoint (also from G4F_BASE_URL).")
]
Key = Annotated[
    str | None,
    typer.Option("--api-key", help="Key for it. Others on this machine may see it; G4F_API_KEY is better."),
]
Fallbacks = Annotated[
    list[str] | None,
    typer.Option("--fallback", help="A model to try next; 'similar' takes models that do as much."),
]
Timeout = Annotated[float | None, typer.Option("--timeout", min=0.1, help="Seconds for one attempt.")]
System = Annotated[str | None, typer.Option("--system", "-s", help="What the model should be or keep to.")]
Temperature = Annotated[float | None, typer.Option("--temperature", help="Randomness of the answer.")]
MaxTokens = Annotated[int | None, typer.Option("--max-tokens", min=1, help="Tokens of the answer at the most.")]
Raw = Annotated[bool, typer.Option("--raw", help="Leave adverts in the answer.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]

_LONGEST_COUNT = 20  # characters
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([km]?)", re.IGNORECASE)


def settings_of(
    *,
    model: str = "auto",
    provider: list[str] | None = None,
    route: list[str] | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    fallback: list[str] | None = None,
    timeout: float | None = None,
    **others: Any,
) -> dict[str, Any]:
    """The arguments of a model class that the options stand for; what was not given is left out."""
    found = {
        "model": model,
        "provider": provider[0] if provider and len(provider) == 1 else provider,
        "routes": route,
        "base_url": base_url,
        "api_key": api_key,
        "fallback_models": fallback,
        "timeout": timeout,
        **others,
    }
    return {name: value for name, value in found.items() if value not in (None, [], "")}


def token_count(text: str | None) -> int | None:
    """A number of tokens as people write it: ``128000``, ``128k``, ``1.05M``.

    Raises:
        ConfigurationError: It is none.
    """
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip().replace(",", "").replace("_", ""))
    factor = {"": 1, "k": 1_000, "m": 1_000_000}
    count = int(float(found[1]) * factor[found[2].lower()]) if found and len(text) < _LONGEST_COUNT else 0
    if count < 1:
        message = f"{text[:40]!r} is no number of tokens; write 8192, 128k or 1M"
        raise ConfigurationError(message)
    return count
