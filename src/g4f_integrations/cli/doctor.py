"""``doctor``: asks routes a tiny question, side by side, and shows what works."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from g4f_integrations.cli import options
from g4f_integrations.cli.console import console, for_terminal, remark, table, tokens, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from g4f_integrations.core.inventory import RouteInfo

_QUESTION = "Reply with the word ready, and nothing else."
_TOOL_QUESTION = "Call the tool `report` with the word ready."
_TOOL = {
    "type": "function",
    "function": {
        "name": "report",
        "description": "Report a word.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
}
_COLUMNS = ("route", "works", "first", "tok/s", "adverts", "tools", "window")
_NUMBERS = ("first", "tok/s", "window")


@dataclass
class Finding:
    """What came of asking one route.

    Attributes:
        route: ``"Provider:model"``.
        works: Whether it answered; ``None`` while it is being asked.
        first_token: Seconds to its first text.
        tokens_per_second: Of its answer, from the first text on; ``None`` for answers that came at once.
        adverts: How many adverts were taken out of its answer.
        tools: ``"native"``, ``"prompt"`` (told in words), ``"no"``, or ``None`` where it was not tried.
        window: Tokens that it is known to take.
        error: What went wrong: the kind, and a line.
    """

    route: str
    works: bool | None = None
    first_token: float | None = None
    tokens_per_second: float | None = None
    adverts: int = 0
    tools: str | None = None
    window: int | None = None
    error: str = ""


def doctor(
    *,
    provider: options.Providers = None,
    route: options.Routes = None,
    model: options.Model = "auto",
    base_url: options.BaseURL = None,
    api_key: options.Key = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds for each question.")] = 20.0,
    tools: Annotated[bool, typer.Option("--tools/--no-tools", help="Also see whether it calls tools.")] = True,
    strict: Annotated[bool, typer.Option("--strict", help="Succeed only if every route works.")] = False,
    as_json: options.Json = False,
) -> None:
    """Ask routes a tiny question and show what works.

    Without names, only routes that are safe by default are asked. The exit
    status is 0 if any of them works (with --strict: if all do).

    Examples:
      g4f-integrations doctor
      g4f-integrations doctor -p Groq -p LLM7 --strict
      g4f-integrations doctor --base-url http://localhost:1337/v1 -m gpt-4o
    """
    settings = options.settings_of(model=model, provider=provider, route=route, base_url=base_url, api_key=api_key)
    from g4f_integrations.core.loop import run_blocking  # --help needs no engine

    examined = _Examination(settings, timeout=timeout, with_tools=tools)
    shown = console()
    live: Any = nullcontext()
    if shown.is_terminal and not as_json:
        from rich.live import Live  # only terminals are drawn on

        live = Live(get_renderable=examined.table, console=shown, refresh_per_second=8, transient=True)
    try:
        with live:
            run_blocking(examined.run)
    finally:
        findings = examined.findings
        if as_json:
            write_json([asdict(finding) for finding in findings])
        elif findings:
            shown.print(examined.table())
    for finding in findings:
        if finding.error and not as_json:
            remark(for_terminal(f"{finding.route}: {finding.error}"))
    working = [bool(finding.works) for finding in findings]
    if not (all(working) if strict else any(working)):
        raise typer.Exit(1)


class _Examination:
    """All routes, each asked on its own, with what has been found so far.

    Args:
        settings: Which routes, as a model class takes them.
        timeout: Seconds for each question.
        with_tools: Whether tools are tried, too.
    """

    def __init__(self, settings: dict[str, Any], *, timeout: float, with_tools: bool) -> None:
        self._settings = settings
        self._timeout = timeout
        self._with_tools = with_tools
        self.findings: list[Finding] = []

    def table(self) -> Table:
        """What has been found so far."""
        return table(_COLUMNS, map(_cells, self.findings), numbers=_NUMBERS)

    async def run(self) -> None:
        """Ask every route; a route that fails is a finding."""
        infos = await asyncio.to_thread(self._routes)
        self.findings = [Finding(info.label, window=info.window) for info in infos]
        await asyncio.gather(*(self._examine(*pair) for pair in zip(infos, self.findings, strict=True)))

    def _routes(self) -> list[RouteInfo]:
        from g4f_integrations.core.inventory.joining import route_infos  # loads g4f

        return list(route_infos(self._call([], {}).choice, _store()))

    def _call(self, messages: list[dict[str, Any]], arguments: dict[str, Any], **settings: Any) -> Any:
        from g4f_integrations.cli.conversing import model_of
        from g4f_integrations.core.settings.calls import make_face, prepare_call

        model = model_of({**self._settings, **settings})
        return prepare_call(model, messages, None, arguments, stream=True, face=make_face(list, dict))

    async def _examine(self, info: RouteInfo, finding: Finding) -> None:
        from g4f_integrations.cli.failing import line_of
        from g4f_integrations.errors import IntegrationError

        try:
            await self._ask(info, finding)
        except IntegrationError as error:
            finding.works = False
            finding.error = f"{error.kind}: {line_of(error, advise=False)}"
            return
        if self._with_tools:
            try:
                await self._ask_for_call(info, finding)
            except IntegrationError as error:
                finding.tools = "no"
                finding.error = f"tools: {error.kind}"
        choice = self._call([], {}, **_only(self._settings, info)).choice
        finding.window = await asyncio.to_thread(_window, choice) or finding.window

    def _batches(self, info: RouteInfo, question: str, **arguments: Any) -> Any:
        clocks = {
            "timeout": self._timeout,
            "resilience": {"max_attempts": 1, "deadline": self._timeout, "total_timeout": self._timeout},
        }
        messages = [{"role": "user", "content": question}]
        return self._call(messages, arguments, **_only(self._settings, info), **clocks).batches()

    async def _ask(self, info: RouteInfo, finding: Finding) -> None:
        from g4f_integrations.core.events import AnswerInfo, TextDelta, Usage

        began = time.monotonic()
        first = None
        async with aclosing(self._batches(info, _QUESTION)) as batches:
            async for batch in batches:
                for event in batch:
                    if isinstance(event, TextDelta) and first is None:
                        first = time.monotonic()
                        finding.first_token = first - began
                    elif isinstance(event, Usage) and first is not None:
                        seconds = time.monotonic() - first
                        finding.tokens_per_second = event.output_tokens / seconds if seconds > 0.001 else None
                    elif isinstance(event, AnswerInfo):
                        finding.adverts = len(event.cleaned)
        finding.works = True

    async def _ask_for_call(self, info: RouteInfo, finding: Finding) -> None:
        from g4f_integrations.core.events import AnswerInfo, ToolCall

        called = False
        async with aclosing(self._batches(info, _TOOL_QUESTION, tools=[_TOOL])) as batches:
            async for batch in batches:
                for event in batch:
                    called = called or isinstance(event, ToolCall)
                    if isinstance(event, AnswerInfo):
                        finding.tools = event.tools if called else "no"


def _only(settings: dict[str, Any], info: RouteInfo) -> dict[str, Any]:
    """What narrows the settings to one route; endpoints keep the key that was given for them."""
    from g4f_integrations.core.routes import Endpoint

    if isinstance(info.route, Endpoint):
        kept = {"base_url": info.route.base_url, "model": info.model or "auto", "routes": None}
        return {**kept, "api_key": info.route.api_key or settings.get("api_key"), "provider": None}
    return {"routes": [info.route], "provider": None, "base_url": None}


def _store() -> Any:
    from g4f_integrations.core.health import default_store

    return default_store()


def _window(choice: Any) -> int | None:
    """What is known of the route's window now that it was asked."""
    from g4f_integrations.core.inventory.joining import route_infos

    return next((info.window for info in route_infos(choice, _store())), None)


def _cells(finding: Finding) -> tuple[str, ...]:
    works = {None: "…", True: "yes", False: "no"}[finding.works]
    told = {None: "-", "native": "native", "prompt": "in words", "no": "no"}.get(finding.tools, "-")
    first = "-" if finding.first_token is None else f"{finding.first_token:.1f}s"
    speed = "-" if finding.tokens_per_second is None else f"{finding.tokens_per_second:.0f}"
    adverts = "-" if not finding.works else str(finding.adverts) if finding.adverts else "none"
    return (finding.route, works, first, speed, adverts, told, tokens(finding.window))
