"""A user's choice → ordered candidates."""

from g4f_integrations.core.candidates.choosing import elsewhere, serves_fully, usable
from g4f_integrations.core.candidates.plans import resolve, resolve_cached

__all__ = ["elsewhere", "resolve", "resolve_cached", "serves_fully", "usable"]
