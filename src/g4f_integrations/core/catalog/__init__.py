"""What is known about models and providers, without asking anybody: the packaged tables and g4f's own registry.

What providers and endpoints list is added where somebody asked them (`publish`). For users, all of it is told by
`Catalog`, which stands in `core.inventory`, above the health that it joins.
"""

from __future__ import annotations

from g4f_integrations.core.catalog.abilities import (
    ABILITIES,
    UNKNOWN,
    Abilities,
    table_abilities,
    wanted_abilities,
)
from g4f_integrations.core.catalog.listed import (
    ListedModel,
    Listing,
    forget_lists,
    generation,
    listed_model,
    listings,
    publish,
)
from g4f_integrations.core.catalog.loading import (
    G4F,
    environment_key,
    find_provider,
    g4f_version,
    load_g4f,
    provider_names,
    unknown_provider,
)
from g4f_integrations.core.catalog.models import ModelInfo, model_info
from g4f_integrations.core.catalog.pictures import sees_pictures
from g4f_integrations.core.catalog.registry import (
    AUTO,
    Served,
    canonical_model,
    is_users_own,
    model_ids,
    reviewed,
    served_by_default,
    static_model,
)
from g4f_integrations.core.catalog.reviews import (
    DefaultRoute,
    ProviderInfo,
    default_routes,
    review_of,
    reviews,
    suggestion,
)
from g4f_integrations.core.catalog.similar import SIMILAR, similar_models

__all__ = [
    "ABILITIES",
    "AUTO",
    "G4F",
    "SIMILAR",
    "UNKNOWN",
    "Abilities",
    "DefaultRoute",
    "ListedModel",
    "Listing",
    "ModelInfo",
    "ProviderInfo",
    "Served",
    "canonical_model",
    "default_routes",
    "environment_key",
    "find_provider",
    "forget_lists",
    "g4f_version",
    "generation",
    "is_users_own",
    "listed_model",
    "listings",
    "load_g4f",
    "model_ids",
    "model_info",
    "provider_names",
    "publish",
    "review_of",
    "reviewed",
    "reviews",
    "sees_pictures",
    "served_by_default",
    "similar_models",
    "static_model",
    "suggestion",
    "table_abilities",
    "unknown_provider",
    "wanted_abilities",
]
