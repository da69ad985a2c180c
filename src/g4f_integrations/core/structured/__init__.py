"""Answers that must be JSON, on routes that have no parameter for it, or that do not keep to it.

`ask_for_json` tells the model, `settle_json` makes bare valid JSON of what it wrote, and `JSONAnswer` does so while the
answer comes in.
"""

from g4f_integrations.core.structured.asking import ask_for_json
from g4f_integrations.core.structured.settling import settle_json
from g4f_integrations.core.structured.streaming import JSONAnswer

__all__ = ["JSONAnswer", "ask_for_json", "settle_json"]
