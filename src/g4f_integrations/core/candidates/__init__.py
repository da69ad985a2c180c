"""A user's choice → ordered candidates."""

from g4f_integrations.core.candidates.choosing import abilities_lacking, elsewhere, usable
from g4f_integrations.core.candidates.plans import resolve, resolve_cached

__all__ = ["abilities_lacking", "elsewhere", "resolve", "resolve_cached", "usable"]
