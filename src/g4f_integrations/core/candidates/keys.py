"""Whose key is whose: a key goes to the one place that it was given for, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.catalog import provider_names, review_of, unknown_provider
from g4f_integrations.core.catalog.reviews import normalised
from g4f_integrations.core.credentials import Secret
from g4f_integrations.errors import ConfigurationError

Keys: TypeAlias = Secret | tuple[tuple[str, Secret], ...] | None
"""One key, or keys by provider name."""


def key_for(given: Keys, provider: Any, *names: str | None) -> Secret | None:
    """The user's key for a candidate: a plain key belongs to the only one there is, others go by name."""
    if given is None or isinstance(given, Secret):
        return given
    own = {normalised(name) for name in (*names, *_names_of(provider)) if name}
    return next((key for name, key in given if normalised(name) in own), None)


def check_names(given: Keys, candidates: Sequence[Candidate]) -> None:
    """Complain about keys for names that nobody has: a key that silently goes nowhere looks like a wrong key.

    Raises:
        ConfigurationError: A key is given for an unknown provider; the message names close matches.
    """
    if given is None or isinstance(given, Secret):
        return
    used = {normalised(name) for one in candidates for name in (one.name, *_names_of(one.provider))}
    used |= {normalised(one.body_provider) for one in candidates if one.body_provider}
    left = [name for name, _ in given if normalised(name) not in used and review_of(name) is None]
    known = {normalised(name) for name in provider_names()} if left else set()
    for name in left:
        if normalised(name) not in known:
            raise unknown_provider(name, "api_key")


def _names_of(provider: Any) -> list[str]:
    """A provider's own name, its parent's, under which g4f keeps keys, and older names."""
    if provider is None:
        return []
    review = review_of(provider.__name__)
    parent = getattr(provider, "parent", None)
    return [
        provider.__name__,
        *([parent] if isinstance(parent, str) else []),
        *(review.aliases if review is not None else ()),
    ]


def too_many(field_name: str) -> ConfigurationError:
    """The error for one key and several owners."""
    message = (
        f"api_key: {field_name} names several, so one key has no single owner; "
        "give api_key={'Provider': key, …}, or Route(..., api_key=…) for each"
    )
    return ConfigurationError(message)
