"""``models`` and ``providers``: the catalogue as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from g4f_integrations.cli import options
from g4f_integrations.cli.console import console, for_terminal, remark, table, tokens, write_json
from g4f_integrations.errors import ModelNotFoundError

if TYPE_CHECKING:
    from g4f_integrations.core.inventory import Catalog

Ability = Annotated[
    list[str] | None,
    typer.Option("--ability", "-a", help="chat, vision, tools, reasoning, image, audio, video or web_search."),
]
Free = Annotated[bool, typer.Option("--free", help="Only what needs neither a key nor a login.")]
Safe = Annotated[bool, typer.Option("--safe", help="Only what may be chosen without being named.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Ask the safe providers for their lists first.")]
Endpoints = Annotated[
    list[str] | None, typer.Option("--endpoint", help="Ask this endpoint for its list first; may be repeated.")
]


def models(
    *,
    name: Annotated[str | None, typer.Argument(help="A model, or a part of its id.")] = None,
    ability: Ability = None,
    provider: Annotated[str | None, typer.Option("--provider", "-p", help="Only models that this one serves.")] = None,
    min_window: Annotated[str | None, typer.Option("--min-window", help="Tokens: 8192, 128k, 1M.")] = None,
    free: Free = False,
    safe: Safe = False,
    refresh: Refresh = False,
    endpoint: Endpoints = None,
    as_json: options.Json = False,
) -> None:
    """Models: what they do, take, and who serves them.

    Examples:
      g4f-integrations models --ability vision --free
      g4f-integrations models gpt-4o
      g4f-integrations models --min-window 128k --json
    """
    catalog = _catalog(refresh=refresh, endpoints=endpoint)
    found = catalog.models(
        ability=ability, provider=provider, min_window=options.token_count(min_window), free=free, safe=safe
    )
    if name is not None:
        wanted = name.lower()
        found[:] = [info for info in found if wanted in info.id.lower() or name in info.aliases]
        if not found and not (ability or provider or min_window or free or safe):
            catalog.model(name)  # says which names are close
    if as_json:
        write_json(found.to_dict())
    elif not found:
        message = "no model is known to be all of that; fewer conditions may find some"
        raise ModelNotFoundError(message, kind="configuration")
    else:
        rows = (
            (info.id, tokens(info.window), " ".join(info.abilities), " ".join(info.default_providers) or "(named only)")
            for info in found
        )
        console().print(table(("model", "window", "abilities", "providers"), rows, numbers=("window",)))
        remark(_counted(len(found), "model"))


def providers(
    *,
    name: Annotated[str | None, typer.Argument(help="A provider, or a part of its name.")] = None,
    ability: Ability = None,
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only providers that serve this model.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="chat, image, audio, video, search or tools.")] = None,
    free: Free = False,
    safe: Safe = False,
    refresh: Refresh = False,
    as_json: options.Json = False,
) -> None:
    """Providers: what for, and what hinders them.

    Examples:
      g4f-integrations providers --safe
      g4f-integrations providers --model gpt-4o
      g4f-integrations providers Groq --json
    """
    catalog = _catalog(refresh=refresh, endpoints=None)
    found = catalog.providers(ability=ability, model=model, kind=kind, free=free, safe=safe)
    if name is not None:
        wanted = name.lower()
        found[:] = [info for info in found if wanted in info.name.lower()]
        if not found and not (ability or model or kind or free or safe):
            found.append(catalog.provider(name))  # or says which names are close
    if as_json:
        write_json(found.to_dict())
    elif not found:
        message = "no provider is known to be all of that; fewer conditions may find some"
        raise ModelNotFoundError(message, kind="configuration")
    else:
        rows = (
            (info.name, "yes" if info.safe else "named", " ".join(info.abilities), "; ".join(info.hindrances) or "-")
            for info in found
        )
        console().print(table(("provider", "used", "abilities", "because it"), rows))
        remark(f"{_counted(len(found), 'provider')}; 'named': used only where you name it")


def _catalog(*, refresh: bool, endpoints: list[str] | None) -> Catalog:
    """The catalogue, with fresh lists where they were asked for; sources that failed are told."""
    from g4f_integrations.core.inventory import Catalog  # --help needs no catalogue

    catalog = Catalog()
    rows = [*(catalog.refresh() if refresh else ()), *(catalog.refresh(*endpoints) if endpoints else ())]
    for row in rows:
        if not row.ok:
            told = row.error if row.error.startswith(row.source) else f"{row.source}: {row.error}"
            remark(for_terminal(told))
    return catalog


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
