"""What we know of g4f's providers from reading their sources: the packaged tables, without g4f itself."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from typing import Any

from g4f_integrations.core.catalog.abilities import ABILITIES
from g4f_integrations.core.catalog.measured import Measured

_LONGEST_NAME = 100  # difflib is quadratic, and a name can be anything that a user's program was given
_MOST_SUGGESTIONS = 5
_CLOSE = 0.75  # share of common characters; at less, "my-own-model" is close to "qwen-3-coder"
_SHORTEST_START = 3  # characters of a name's beginning that stand for the name, as "qwen" does

# What keeps a provider from being chosen unasked, in words for an error.
_HINDRANCES = {
    "missing": "is not part of the installed g4f",
    "auth": "needs a key or a login",
    "browser": "drives a browser",
    "cookies": "reads cookies or HAR files",
    "runs_code": "runs code on this machine",
    "local_server": "uses a server on this machine",
    "load_network": "reaches the network when it is loaded",
}


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """One provider as reviewed; see ``core/data/providers.toml`` for the meaning of every flag.

    Attributes:
        name: The provider's name in g4f.
        kind: What it answers with: chat, image, audio, video, search or tools.
        safe: Whether it may be chosen without being named.
        auth: Needs a key or a login.
        browser: Drives or opens a web browser.
        cookies: Reads cookies, HAR files or saved sessions.
        runs_code: Runs code or tools on this machine at a model's request.
        local_server: Asks a server, or runs a model, on this machine.
        starts_server: Serves a login callback on localhost.
        writes_files: Writes media, caches or credentials.
        blocks: Blocks its event loop.
        load_network: Reaches the network when its class is loaded.
        network_models: May fetch a list of models before the answer.
        relay: Prompts pass through a relay before the model's own host.
        adverts: Known for adverts or notices inside answers.
        template: Built on g4f's OpenAI template.
        missing: Listed by g4f, but not loadable.
        kwargs: ``"forwarded"`` or ``"ignored"``: what becomes of arguments that its signature does not name.
        max_tokens: ``"ignored"`` where the limit never reaches the upstream, else ``""``.
        default_model: Taken where the class states no default model of its own.
        default_models: Patterns of the model ids that may be chosen by default; empty for all.
        aliases: Further names that g4f knows it by.
        note: What else a user should know.
        reviewed: Day of the review; ``None`` if nobody has read its source.
        source: File inside g4f and the version that was read.
        tools: Takes tools by itself.
        pictures: Hands pictures on to its models.
        models: Ids of the models that it serves; filled in by `Catalog`, as is what follows.
        listed_at: When it last told its models, in seconds since the epoch.
        list_error: Why it did not, the last time that it was asked; empty if it did.
        measured: What calls have shown of its routes: this process's, or of all that share the catalogue's store.
    """

    name: str
    kind: str = "chat"
    safe: bool = False
    auth: bool = False
    browser: bool = False
    cookies: bool = False
    runs_code: bool = False
    local_server: bool = False
    starts_server: bool = False
    writes_files: bool = False
    blocks: bool = False
    load_network: bool = False
    network_models: bool = False
    relay: bool = False
    adverts: bool = False
    template: bool = False
    missing: bool = False
    kwargs: str = ""
    max_tokens: str = ""
    default_model: str = ""
    default_models: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    note: str = ""
    reviewed: date | None = None
    source: str = ""
    tools: bool = False
    pictures: bool = False
    models: tuple[str, ...] = ()
    listed_at: float | None = None
    list_error: str = ""
    measured: tuple[Measured, ...] = ()

    @property
    def free(self) -> bool:
        """Whether it needs neither a key nor a login, nor cookies of one."""
        return self.reviewed is not None and not (self.auth or self.cookies or self.missing)

    @property
    def abilities(self) -> tuple[str, ...]:
        """What it is for: chat, vision, tools, image, audio, video, web_search."""
        kind = "web_search" if self.kind == "search" else self.kind
        found = {
            kind,
            *(["vision"] if self.pictures and self.kind == "chat" else []),
            *(["tools"] if self.tools else []),
        }
        return tuple(name for name in ABILITIES if name in found)

    @property
    def works(self) -> bool | None:
        """Whether any of its routes has answered lately; ``None`` if none was asked."""
        told = [one.works for one in self.measured if one.works is not None]
        return any(told) if told else None

    @property
    def hindrances(self) -> tuple[str, ...]:
        """Why it is used only where it is named, in words; empty for a safe provider."""
        if self.safe:
            return ()
        if self.reviewed is None:
            return ("has not been reviewed",)
        return tuple(words for flag, words in _HINDRANCES.items() if getattr(self, flag)) or (self.note.rstrip("."),)

    def serves_by_default(self, model: str) -> bool:
        """Whether it may be chosen unasked for the model id `model`."""
        return self.safe and self.offers(model)

    def offers(self, model: str) -> bool:
        """Whether the model id `model` is among those that it serves to everybody."""
        patterns = self.default_models
        return not patterns or any(fnmatchcase(model, pattern) for pattern in patterns)

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain JSON data."""
        reviewed = self.reviewed.isoformat() if self.reviewed else None
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        told = {"hindrances": list(self.hindrances), "abilities": list(self.abilities), "free": self.free}
        return {**plain, "reviewed": reviewed, **told}


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """One row of ``core/data/default_routes.toml``: a route of ``model="auto"``."""

    route: str
    note: str
    reviewed: date

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.route.partition(":")[0]

    @property
    def model(self) -> str:
        """The model id as the provider knows it."""
        return self.route.partition(":")[2]


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("g4f_integrations.core").joinpath("data", name).read_text(encoding="utf-8"))


def _review(name: str, row: dict[str, Any]) -> ProviderInfo:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return ProviderInfo(name=name, **values)


@lru_cache(maxsize=1)
def reviews() -> Mapping[str, ProviderInfo]:
    """All reviewed providers by name."""
    rows: dict[str, dict[str, Any]] = _table("providers.toml")["providers"]
    return {name: _review(name, row) for name, row in rows.items()}


@lru_cache(maxsize=1)
def default_routes() -> tuple[DefaultRoute, ...]:
    """The reviewed routes of ``model="auto"``, in order."""
    return tuple(DefaultRoute(**row) for row in _table("default_routes.toml")["routes"])


def normalised(name: str) -> str:
    """`name` as g4f compares provider names: without case, dashes and underscores."""
    return name.lower().replace("-", "").replace("_", "")


@lru_cache(maxsize=1)
def _by_normalised_name() -> Mapping[str, ProviderInfo]:
    rows = {normalised(alias): info for info in reviews().values() for alias in info.aliases}
    rows.update({normalised(name): info for name, info in reviews().items()})
    return rows


def review_of(name: str) -> ProviderInfo | None:
    """The review of the provider `name` (case, dashes and older names do not matter), or ``None``.

    Example:
        >>> review_of("agent-tools").runs_code
        True
        >>> review_of("NobodyHasReadThis") is None
        True
    """
    return reviews().get(name) or _by_normalised_name().get(normalised(name))


def suggestion(wanted: str, known: list[str]) -> str:
    """``"; did you mean 'A', 'B'?"`` for at most five of `known` that are close, the closest first, or nothing.

    Case, separators and a model's owner (``owner/model``) do not count; of names alike but for these, the shortest is
    offered.

    Example:
        >>> suggestion("OpenAI/GPT 4o", ["gpt-4o-mini", "claude", "gpt-4o"])
        "; did you mean 'gpt-4o', 'gpt-4o-mini'?"
    """
    target = _bare(wanted[:_LONGEST_NAME])
    matcher = SequenceMatcher(b=target, autojunk=False)
    scores: dict[str, float] = {}
    shortest: dict[str, str] = {}
    for name in sorted(known, key=len):
        if shortest.setdefault(bare := _bare(name), name) != name:
            continue
        begins = len(target) >= _SHORTEST_START and bare.startswith(target)
        matcher.set_seq1(bare)
        if begins or (matcher.real_quick_ratio() >= _CLOSE and matcher.quick_ratio() >= _CLOSE):
            ratio = matcher.ratio()
            if begins or ratio >= _CLOSE:
                scores[name] = ratio
    closest = sorted(scores, key=lambda name: (-scores[name], len(name)))[:_MOST_SUGGESTIONS]
    return f"; did you mean {', '.join(map(repr, closest))}?" if closest else ""


def closeness(one: str, other: str) -> float:
    """How much of two names is the same, from 0 to 1; case, separators and owners do not count."""
    return SequenceMatcher(None, _bare(one[:_LONGEST_NAME]), _bare(other[:_LONGEST_NAME]), autojunk=False).ratio()


def _bare(name: str) -> str:
    return re.sub(r"[\s_.:-]+", "", name.lower().rpartition("/")[2])
