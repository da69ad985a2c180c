"""`Catalog`: what models and providers there are, what they can do, and what works."""

from g4f_integrations.core.inventory.asking import Source
from g4f_integrations.core.inventory.overview import Catalog
from g4f_integrations.core.inventory.results import Asked, RouteInfo, Rows

__all__ = ["Asked", "Catalog", "RouteInfo", "Rows", "Source"]
