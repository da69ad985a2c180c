"""`model.health()`: what is known of a model's routes."""

from __future__ import annotations

from collections.abc import Awaitable

from g4f_integrations.core.candidates import resolve
from g4f_integrations.core.health import HealthStore, default_store, report
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.settings.fields import ModelFields
from g4f_integrations.core.settings.routing import own_choice
from g4f_integrations.core.status import HealthReport


def health_of(model: ModelFields) -> HealthReport:
    """The state of a model's routes.

    Raises:
        ConfigurationError: The settings contradict each other, or name an unknown provider.
        ModelNotFoundError: Nobody is known to serve the model.
    """
    store: HealthStore = default_store() if model.resilience.store is None else model.resilience.store
    candidates = resolve(own_choice(model.__dict__)).candidates
    loading = store.loading([candidate.key for candidate in candidates])
    if loading is not None:
        run_blocking(lambda: _ended(loading))
    return report(candidates, store)


async def _ended(loading: Awaitable[None]) -> None:
    await loading
