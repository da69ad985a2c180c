"""`ModelInfo`: all that is known of one model, joined from g4f's registry, our tables and the providers' lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from g4f_integrations.core.catalog.abilities import ABILITIES, TABLE, UNKNOWN, Abilities, table_abilities
from g4f_integrations.core.catalog.listed import ListedModel, listed_model, listings
from g4f_integrations.core.catalog.loading import g4f_version, load_g4f
from g4f_integrations.core.catalog.registry import listed_by_providers, may_serve, registry_entry, registry_id, serving
from g4f_integrations.core.catalog.reviews import review_of
from g4f_integrations.core.trimming import known_limits

_KINDS = {"ImageModel": "image", "AudioModel": "audio", "VideoModel": "video"}
_WINDOWS = "core/data/context_windows.toml"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model.

    Attributes:
        id: The model's id.
        kind: chat, image, audio or video.
        family: Who makes the model, as g4f's registry has it.
        aliases: Further ids that lead to it.
        providers: Providers that serve it, best first.
        default_providers: Those of them that may be chosen without being named.
        free_providers: Those that serve it without a key, a login or cookies of one.
        window: Tokens that it reads and writes together; ``None`` if nobody knows. Hosts may offer less.
        max_output: Tokens that it writes at the most; ``None`` if nobody knows.
        abilities: What it is known to do: chat, vision, tools, reasoning, image, audio, video, web_search.
        lacks: What it is known not to do.
        listed_by: Providers and endpoints whose own lists name it.
        sources: Where each of these facts comes from.
    """

    id: str
    kind: str = "chat"
    family: str = ""
    aliases: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    default_providers: tuple[str, ...] = ()
    free_providers: tuple[str, ...] = ()
    window: int | None = None
    max_output: int | None = None
    abilities: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    listed_by: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def vision(self) -> bool:
        """Whether it is known to read pictures."""
        return "vision" in self.abilities

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON data."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


@lru_cache(maxsize=1)
def _aliases() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for alias, model in load_g4f().model_aliases.items():
        if alias not in {"", model}:
            found.setdefault(model, []).append(alias)
    return {model: tuple(sorted(aliases)) for model, aliases in found.items()}


def _is_free(provider: Any, model: str | None) -> bool:
    review = review_of(provider if isinstance(provider, str) else provider.__name__)
    return review is not None and review.free and review.offers(model or "")


def _kind(model: str, entry: Any, abilities: Abilities) -> str:
    parts = load_g4f()
    if model in parts.image_models:
        return "image"
    if model in parts.video_models:
        return "video"
    if entry is not None and type(entry).__name__ in _KINDS:
        return _KINDS[type(entry).__name__]
    makes = (kind for kind in ("image", "video", "audio") if kind in abilities.has and "chat" not in abilities.has)
    return "chat" if registry_id(model) else next(makes, "chat")


def model_info(model: str) -> ModelInfo:
    """All that is known of `model`, an id of the catalogue."""
    entry = registry_entry(model)
    rows = serving(model)
    told = _told(model)
    sources = {"id": _registry() if registry_id(model) else f"the list of {', '.join(told)}"}
    abilities = _abilities(model, entry, told, sources)
    kind = _kind(model, entry, abilities)
    if kind == "chat" or kind in ABILITIES:
        abilities = Abilities(frozenset({kind})).over(abilities)
    if kind != "chat" and "chat" in abilities.has:
        abilities = Abilities(abilities.has - {"chat"}, abilities.lacks)
    sources.setdefault(kind, sources["id"])
    window, max_output = _limits(model, told, sources)
    return ModelInfo(
        model,
        kind,
        getattr(entry, "base_provider", None) or "",
        _aliases().get(model, ()),
        tuple(rows),
        tuple(name for name, (provider, model_id) in rows.items() if may_serve(provider, model_id)),
        tuple(name for name, (provider, model_id) in rows.items() if _is_free(provider, model_id)),
        window,
        max_output,
        tuple(name for name in ABILITIES if name in abilities.has),
        tuple(name for name in ABILITIES if name in abilities.lacks),
        tuple(told),
        {**dict.fromkeys(("kind", "providers"), sources["id"]), **sources},
    )


@lru_cache(maxsize=1)
def _registry() -> str:
    return f"g4f {g4f_version()}"


def _told(model: str) -> dict[str, ListedModel]:
    """What providers and endpoints listed of a model, by their names."""
    by_provider = listed_by_providers().get(model, {})
    found = {name: row for name, own_id in by_provider.items() if (row := listed_model(name, own_id)) is not None}
    for listing in listings().values():
        if listing.kind == "endpoint" and (row := listing.models.get(model)) is not None:
            found[listing.source] = row
    return found


def _abilities(model: str, entry: Any, told: Mapping[str, ListedModel], sources: dict[str, str]) -> Abilities:
    # The same model can do less at one host than at another, but what one host tells it can do, it can.
    found = UNKNOWN
    for source, abilities in (
        *((f"the list of {name}", Abilities(row.abilities.has)) for name, row in told.items()),
        (_registry(), Abilities(frozenset({"vision"} if type(entry).__name__ == "VisionModel" else ()))),
        (TABLE, table_abilities(model)),
        *((f"the list of {name}", row.abilities) for name, row in told.items()),
    ):
        joined = found.over(abilities)
        for ability in (joined.has - found.has) | (joined.lacks - found.lacks):
            sources.setdefault(ability, source)
        found = joined
    return found


def _limits(model: str, told: Mapping[str, ListedModel], sources: dict[str, str]) -> tuple[int | None, int | None]:
    known = known_limits("", model)
    found: list[int | None] = []
    for name, ours in (
        ("window", known.window if known is not None else None),
        ("max_output", known.max_output if known is not None else None),
    ):
        value, source = ours, _WINDOWS
        if value is None:
            value, source = max(
                ((figure, f"the list of {who}") for who, row in told.items() if (figure := getattr(row, name))),
                default=(None, ""),
            )
        if value is not None:
            sources[name] = source
        found.append(value)
    return found[0], found[1]
