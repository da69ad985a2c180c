"""How an answer that broke off and its continuation by another route become one text."""

from __future__ import annotations

from g4f_integrations.core.joining._doubt import Doubt
from g4f_integrations.core.joining._joint import DONE, Joint

__all__ = ["DONE", "Doubt", "Joint"]
