"""`Catalog`: the one place where users ask what there is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from g4f_integrations.core.catalog import (
    AUTO,
    ModelInfo,
    ProviderInfo,
    canonical_model,
    listings,
    model_ids,
    model_info,
    provider_names,
    publish,
    review_of,
    reviews,
    suggestion,
    unknown_provider,
    wanted_abilities,
)
from g4f_integrations.core.catalog.measured import Measured
from g4f_integrations.core.catalog.reviews import normalised
from g4f_integrations.core.health import HealthStore, default_store
from g4f_integrations.core.inventory.asking import Source, ask_all, name_of, safe_sources, to_source
from g4f_integrations.core.inventory.joining import measured_by_provider, route_infos
from g4f_integrations.core.inventory.needs import CLASS_FACTS, has
from g4f_integrations.core.inventory.results import Asked, RouteInfo, Rows
from g4f_integrations.core.inventory.stored import FILE_NAME, ListStore, user_folder
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.routes import Endpoint, RouteChoice
from g4f_integrations.errors import ModelNotFoundError

_SOON = 300.0  # seconds after which a source that failed may be asked again, whatever `max_age` says


class Catalog:
    """Models, providers and routes: offline at once, fresher when it is told to ask, joined with what calls have shown.

    What it knows comes from the installed g4f's registry, from this package's reviewed tables, from what providers and
    endpoints listed when they were asked (`refresh`), and from the health of the routes that were used. Every fact
    names its source. Constructing one reads and sends nothing; its first question loads g4f, in about a second, and
    reads the lists that earlier processes stored.

    Example:
        >>> catalog = Catalog()
        >>> catalog.provider("AgentTools").runs_code
        True
        >>> catalog.model("gpt-4o").window
        128000
        >>> "gpt-4o" in [model.id for model in catalog.models(ability=["vision", "tools"], min_window=100_000)]
        True

    Args:
        endpoints: Endpoints (`Endpoint` or URL) that `refresh` asks, too.
        cache_dir: Folder of the stored lists; ``None`` takes the user's cache folder, ``False`` stores nothing.
        max_age: Seconds after which a question asks for fresh lists first; ``None`` never does.
        timeout: Seconds for each list that is asked for.
        concurrency: How many are asked at a time.
        store: The health store to join, or its URL, as `Resilience` takes it; ``None`` takes this process's. One that
            processes share tells what the others have found out, too.
    """

    def __init__(
        self,
        *,
        endpoints: Sequence[Endpoint | str] = (),
        cache_dir: str | Path | bool | None = None,
        max_age: float | None = None,
        timeout: float = 10.0,
        concurrency: int = 8,
        store: HealthStore | str | None = None,
    ) -> None:
        self._endpoints = tuple(map(to_source, endpoints))
        self._cache_dir = cache_dir
        self._max_age = max_age
        self._timeout = timeout
        self._concurrency = concurrency
        self._store: HealthStore | None = Resilience(store=store).store
        self._asked: dict[str, Asked] | None = None  # by source; not read yet

    # Asking for fresh lists ------------------------------------------------------------------------------------

    def refresh(self, *sources: Source, max_age: float | None = None) -> Rows[Asked]:
        """Ask providers and endpoints for their models, side by side, and store what they say.

        Works inside a running event loop, too, which it blocks; `arefresh` does not.

        Args:
            *sources: Providers (name or class) and endpoints (`Endpoint` or URL). By default all providers that may be
                chosen without being named, and the catalogue's `endpoints`; others are asked only where they are named.
            max_age: Seconds; what was asked less than that ago is not asked again. ``None`` asks everybody.

        Returns:
            What came of it, one row for each that was asked. A failure is a row, and no exception.

        Raises:
            ConfigurationError: A source is neither a provider nor an endpoint.
        """
        return run_blocking(lambda: self.arefresh(*sources, max_age=max_age))

    async def arefresh(self, *sources: Source, max_age: float | None = None) -> Rows[Asked]:
        """Like `refresh`, for callers in an event loop."""
        checked = [to_source(source) for source in sources] or [*safe_sources(), *self._endpoints]
        known = await asyncio.to_thread(self._known)
        due = [source for source in checked if _is_due(known.get(name_of(source)), max_age)]
        told = await ask_all(due, self._timeout, self._concurrency)
        publish(one.listing for one in told if one.listing is not None)
        store = self._file()
        if store is not None and told:
            await asyncio.to_thread(store.write, told)
        rows = Rows[Asked]()
        for one in told:
            before = known.get(one.asked.source)
            row = one.asked
            if not row.ok and before is not None:
                row = replace(row, models=before.models, told_at=before.told_at)
            known[row.source] = row
            rows.append(row)
        return rows

    def asked(self) -> Rows[Asked]:
        """What came of asking each source the last time, in this process or an earlier one; asks nobody."""
        return Rows(sorted(self._known().values(), key=lambda row: row.source.lower()))

    def _file(self) -> ListStore | None:
        if self._cache_dir is False:
            return None
        folder = user_folder() if self._cache_dir in {None, True} else Path(str(self._cache_dir))
        return ListStore(folder.expanduser() / FILE_NAME)

    def _known(self) -> dict[str, Asked]:
        """What is known of the sources; the first time with what is stored."""
        if self._asked is None:
            store = self._file()
            stored = store.read() if store is not None else []
            publish(told.listing for told in stored if told.listing is not None)
            self._asked = {told.asked.source: told.asked for told in stored}
        return self._asked

    def _ready(self) -> None:
        """Before a question: read what is stored, and ask where it is too old."""
        known = self._known()
        if self._max_age is not None:
            sources = [*safe_sources(), *self._endpoints]
            if any(_is_due(known.get(name_of(source)), self._max_age) for source in sources):
                self.refresh(max_age=self._max_age)

    # Models ----------------------------------------------------------------------------------------------------

    def models(
        self,
        *,
        ability: str | Iterable[str] | None = None,
        provider: str | None = None,
        min_window: int | None = None,
        free: bool = False,
        kind: str | None = None,
        safe: bool = False,
    ) -> Rows[ModelInfo]:
        """Models that are known to be what is wanted, sorted by id.

        Args:
            ability: One ability or several, all of which it must have: chat, vision, tools, reasoning, image, audio,
                video, web_search.
            provider: Only models that this provider, or the endpoint at this host, serves.
            min_window: Only models with a window of so many tokens at least; models of unknown window are left out.
            free: Only models with a provider that needs neither a key nor a login.
            kind: Only chat, image, audio or video models.
            safe: Only models with a provider that may be chosen without being named.

        Raises:
            ConfigurationError: Nobody knows `provider`, or an ability is none.
        """
        wanted = wanted_abilities(ability)
        self._ready()
        name = None if provider is None else self._source_name(provider)
        of_endpoints = (listing.models for listing in listings().values() if listing.kind == "endpoint")
        found = sorted({*model_ids(), *(model for models in of_endpoints for model in models)})
        return Rows(
            info
            for info in map(model_info, found)
            if kind in {None, info.kind}
            and (name is None or name in info.providers or name in info.listed_by)
            and (info.default_providers or not safe)
            and (info.free_providers or not free)
            and (min_window is None or (info.window or 0) >= min_window)
            and wanted <= frozenset(info.abilities)
        )

    def model(self, model: str) -> ModelInfo:
        """What is known of one model, found by its id or an alias.

        Raises:
            ModelNotFoundError: Nobody knows it; the message names close matches.
        """
        self._ready()
        found = canonical_model(model)
        if found is None and any(model in listing.models for listing in listings().values()):
            found = model
        if found is None:
            message = f"model: unknown model {model[:100]!r}{suggestion(model, model_ids())}"
            raise ModelNotFoundError(message)
        return model_info(found)

    def compare(self, *models: str) -> Rows[ModelInfo]:
        """What is known of several models, side by side: `to_pandas` or `to_dict` makes the table.

        Example:
            >>> [(row.id, row.window, row.vision) for row in Catalog().compare("gpt-4o", "gpt-oss-120b")]
            [('gpt-4o', 128000, True), ('gpt-oss-120b', 131072, False)]

        Raises:
            ModelNotFoundError: Nobody knows one of them.
        """
        return Rows(map(self.model, models))

    # Providers -------------------------------------------------------------------------------------------------

    def providers(
        self,
        *,
        kind: str | None = None,
        safe: bool = False,
        ability: str | Iterable[str] | None = None,
        model: str | None = None,
        free: bool = False,
    ) -> Rows[ProviderInfo]:
        """All reviewed providers, sorted by name.

        Args:
            kind: Only providers of this kind: chat, image, audio, video, search, tools.
            safe: Only those that may be chosen without being named.
            ability: One ability or several that the provider must have; vision means that it hands pictures on.
            model: Only those that serve this model.
            free: Only those that need neither a key nor a login.

        Raises:
            ModelNotFoundError: Nobody knows `model`.
            ConfigurationError: An ability is none.

        Example:
            >>> {provider.browser for provider in Catalog().providers(safe=True)}
            {False}
        """
        wanted = wanted_abilities(ability)
        self._ready()
        serving = None if model is None else frozenset(self.model(model).providers)
        rows = sorted(reviews().values(), key=lambda info: info.name.lower())
        measured = measured_by_provider(self._health())
        return Rows(
            self._joined(info, measured)
            for info in rows
            if kind in {None, info.kind}
            and (info.safe or not safe)
            and (info.free or not free)
            and (serving is None or info.name in serving)
            and wanted <= frozenset(info.abilities)
        )

    def provider(self, name: str) -> ProviderInfo:
        """The review of a provider; one that g4f knows and nobody has reviewed comes without a date.

        Raises:
            ConfigurationError: Nobody knows it; the message names close matches.
        """
        self._ready()
        found = review_of(name)
        if found is None:
            if name not in provider_names():
                raise unknown_provider(name)
            found = ProviderInfo(name, note="Not reviewed; used only where it is named.")
        served = tuple(info.id for info in map(model_info, model_ids()) if found.name in info.providers)
        return self._joined(found, measured_by_provider(self._health()), served)

    def _joined(
        self, info: ProviderInfo, measured: Mapping[str, tuple[Measured, ...]], models: tuple[str, ...] = ()
    ) -> ProviderInfo:
        asked = self._known().get(info.name)
        return replace(
            info,
            models=models,
            listed_at=None if asked is None else asked.told_at,
            list_error="" if asked is None else asked.error,
            measured=measured.get(info.name, ()),
        )

    @staticmethod
    def _source_name(name: str) -> str:
        review = review_of(name)
        if review is not None:
            return review.name
        wanted = normalised(name)
        found = next((known for known in (*listings(), *provider_names()) if normalised(known) == wanted), None)
        if found is None:
            raise unknown_provider(name)
        return found

    # Routes ----------------------------------------------------------------------------------------------------

    def routes(
        self,
        model: str = AUTO,
        needs: str | Iterable[str] = (),
        *,
        provider: Any = None,
        endpoint: Endpoint | str | None = None,
    ) -> Rows[RouteInfo]:
        """The routes that a model would take, in order; the model classes take them as `routes`.

        Args:
            model: A model's id or alias, ``"auto"`` for the default routes.
            needs: What the route must have by itself: an ability, or ``"history"``, ``"system"``, ``"stream"`` of its
                provider. Routes that are not known to have it are left out.
            provider: Providers as the model classes take them; ``None`` takes those that may be chosen unasked.
            endpoint: Instead of a provider, an OpenAI-compatible endpoint.

        Raises:
            ModelNotFoundError: Nobody knows the model.
            ConfigurationError: Only providers that have to be named serve it, or a need is unknown.
        """
        wanted = wanted_abilities(needs, "needs", also=CLASS_FACTS)
        self._ready()
        named = tuple(provider) if isinstance(provider, list) else provider
        choice = RouteChoice(model=model, provider=named)
        if endpoint is not None:
            choice = RouteChoice(model=model, routes=(Endpoint(endpoint) if isinstance(endpoint, str) else endpoint,))
        return Rows(info for info in route_infos(choice, self._health()) if all(has(info, need) for need in wanted))

    def _health(self) -> HealthStore:
        return default_store() if self._store is None else self._store

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_asked": None}  # another process reads what is stored there


def _is_due(asked: Asked | None, max_age: float | None) -> bool:
    if asked is None or max_age is None:
        return True
    age = time.time() - asked.asked_at
    return age < 0 or age > (max_age if asked.ok else min(max_age, _SOON))
