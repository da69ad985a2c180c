"""How the tests ask the engine: one call, all its events, and what they add up to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

from g4f_integrations.core.engine import answer
from g4f_integrations.core.events import AnswerInfo, Event, Finish, ReasoningDelta, TextDelta, ToolCall, Usage
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import RouteChoice

FAST = Resilience(backoff_initial=0.001, backoff_max=0.002)
"""The default policy without its waits."""


@dataclass
class Answer:
    """One call's events, and the usual questions about them."""

    events: list[Event] = field(default_factory=list)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.of(TextDelta))

    @property
    def reasoning(self) -> str:
        return "".join(event.text for event in self.of(ReasoningDelta))

    @property
    def info(self) -> AnswerInfo:
        (info,) = self.of(AnswerInfo)
        return info

    @property
    def usage(self) -> Usage:
        (usage,) = self.of(Usage)
        return usage

    @property
    def finish(self) -> str:
        (finish,) = self.of(Finish)
        return finish.reason

    @property
    def calls(self) -> list[ToolCall]:
        return self.of(ToolCall)

    @property
    def outcomes(self) -> list[str]:
        return [attempt.outcome for attempt in self.info.attempts]

    @property
    def providers(self) -> list[str]:
        return [attempt.provider for attempt in self.info.attempts]


def start(*providers: Any, policy: Resilience = FAST, stream: bool = True, **details: Any) -> Any:
    """The engine's generator for one call over `providers`; details go to the choice or to the request."""
    for_choice = {name: details.pop(name) for name in tuple(details) if name in RouteChoice._fields}
    if "call_headers" in details:
        details["headers"] = details.pop("call_headers")
    messages = details.pop("messages", [{"role": "user", "content": "Say something."}])
    if providers:
        for_choice["provider"] = providers
    return answer(RouteChoice(**for_choice), Request(messages, stream=stream, **details), policy)


async def ask(*providers: Any, into: Answer | None = None, **details: Any) -> Answer:
    """One whole answer; see `start` for the arguments. `into` keeps what came before an error."""
    collected = into or Answer()
    async for batch in start(*providers, **details):
        assert batch, "the engine handed over an empty batch"
        collected.events += batch
    return collected


class Ticker:
    """Measures how long the running loop was kept from turning."""

    async def __aenter__(self) -> Self:
        self.worst = 0.0
        self._task = asyncio.create_task(self._tick())
        await asyncio.sleep(0)
        return self

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(0.005)
            now = loop.time()
            self.worst = max(self.worst, now - last)
            last = now

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
