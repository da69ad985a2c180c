"""A user's choice of routes → one piece of work done, for what is no chat: pictures, speech, transcripts, films."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from g4f_integrations.core.calling import RouteCall
from g4f_integrations.core.candidates import resolve, resolve_cached, usable
from g4f_integrations.core.candidates.candidate import Candidate, Plan
from g4f_integrations.core.events import Attempt
from g4f_integrations.core.failures import preload
from g4f_integrations.core.observing import watch_work
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import RouteChoice

T = TypeVar("T")
Work = Callable[[Candidate], Awaitable[T]]
Adapting = Callable[[Sequence[Candidate]], Sequence[Candidate]]


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The result of some work, and how it came to be.

    Attributes:
        value: What the route gave.
        candidate: The route that gave it.
        attempts: All attempts, the good one included, in order.
    """

    value: T
    candidate: Candidate
    attempts: tuple[Attempt, ...]


async def run_job(
    choice: RouteChoice, policy: Resilience, work: Work[T], *, output: str, adapting: Adapting | None = None
) -> Done[T]:
    """Let the candidates of `choice` do `work` until one has done it.

    Args:
        choice: Which routes may serve.
        policy: How hard to try. `attempt_timeout` bounds an attempt, `deadline` the whole.
        work: Does it on one route; see `RouteCall`. It is cancelled when its time is over.
        output: What is made, in the words of OpenTelemetry's conventions (``"image"``).
        adapting: Turns the candidates into those of this sort of work.

    Raises:
        IntegrationError: The settings are wrong, or every attempt failed.
    """
    if not policy.rotate_models:
        choice = choice._replace(fallback_models=())
    plan = resolve_cached(choice)
    if plan is None:
        plan = await asyncio.get_running_loop().run_in_executor(None, _prepare, choice)
    candidates = usable(plan, choice, Request(messages=()), policy)
    if adapting is not None:
        candidates = adapting(candidates)

    async def ask(candidate: Candidate) -> tuple[T, Candidate]:
        return await work(candidate), candidate

    watch = watch_work("generate_content", candidates[0].model, {"gen_ai.output.type": output})
    call = RouteCall(candidates, ask, policy, watch)
    value, candidate = await (call.run() if watch is None else watch.whole(call.run()))
    return Done(value, candidate, tuple(call.attempts))


def _prepare(choice: RouteChoice) -> Plan:
    """What is slow the first time, in a worker thread: g4f and the tables of notices."""
    plan = resolve(choice)
    preload()
    return plan
