"""Probes: whether a route that was taken out is well again, found out beside the user's calls.

A probe asks for one word, of our own choosing: it neither costs what the user's request costs nor shows what it says
to a route that does not serve it. It delays nobody, for it runs on a background loop, and ends by the policy's clocks.
"""

from __future__ import annotations

import asyncio
import time

from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.call_state import CallState
from g4f_integrations.core.candidates.candidate import Candidate, secrets_of
from g4f_integrations.core.capacity import try_enter
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures import AttemptFailed, Failure
from g4f_integrations.core.health import BreakerSettings, HealthStore
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.prompts import load_prompt
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import Route
from g4f_integrations.core.threads import background_loop
from g4f_integrations.errors import IntegrationError

logger = call_logger("health")

_ANSWERED: frozenset[Outcome] = frozenset({"bad_request", "context_length", "content_filter", "invalid"})
"""What only a route says that is there and well, and minds the question."""

_under_way: set[asyncio.Task[None]] = set()  # a loop alone holds its tasks weakly


def probe_beside(candidate: Candidate, request: Request, policy: Resilience, store: HealthStore) -> None:
    """Begin a probe, which tells `store` how it went, and return at once.

    Args:
        candidate: The route, for which `store` has granted the probe.
        request: The call beside which it runs; lends its headers, its folder of prompts, and whether it streams.
        policy: The probe's clocks, and how long the route stays out if it fails.
        store: Where the route's health is kept.
    """
    try:
        words = load_prompt("probe", request.prompts)
    except IntegrationError as error:
        logger.warning("no probe of %s: %s", candidate.label, error)
        store.end_probe(candidate.key)
        return
    asked = Request(
        [{"role": "user", "content": words}],
        stream=request.stream,
        headers=request.headers,
        extra_body=request.extra_body,
    )

    def begin() -> None:
        task = asyncio.get_running_loop().create_task(_probe(candidate, asked, policy, store))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)

    route = candidate.route
    if (isinstance(route, Route) and route.inline) or bool(getattr(candidate.provider, "runs_inline", False)):
        begin()  # such a route may be at home in this loop alone
        return
    try:
        background_loop().call_soon_threadsafe(begin)
    except RuntimeError:  # the interpreter is shutting down
        store.end_probe(candidate.key)


async def _probe(candidate: Candidate, request: Request, policy: Resilience, store: HealthStore) -> None:
    lease = try_enter(candidate, 0, 0.0) if candidate.is_capped else None
    if lease is None and candidate.is_capped:
        store.end_probe(candidate.key)  # its places are taken, so that somebody is finding out already
        return
    began = time.monotonic()
    try:
        await _ask(candidate, request, policy)
    except AttemptFailed as failed:
        failure = failed.failure.masking(secrets_of(candidate, request.headers))
        _tell_failure(candidate, failure, policy, store, time.monotonic() - began)
    except asyncio.CancelledError:
        store.end_probe(candidate.key)
        raise
    except Exception as error:  # a mistake in the settings, or a bug; the user's own call will show it
        logger.info("the probe of %s could not be made: %s", candidate.label, type(error).__name__)
        store.end_probe(candidate.key)
    else:
        logger.info("%s is well again", candidate.label)
        store.recovered(candidate.key)
    finally:
        if lease is not None:
            lease.release()


async def _ask(candidate: Candidate, request: Request, policy: Resilience) -> None:
    """One attempt, up to its first content.

    Raises:
        AttemptFailed: It failed.
        IntegrationError: A mistake in the settings.
    """
    loop = asyncio.get_running_loop()
    deadline = None if policy.deadline is None else loop.time() + policy.deadline
    run = AttemptRun(candidate, CallState(request, policy, deadline))
    try:
        await (run.read() if request.stream else run.whole())
    finally:
        await run.aclose()


def _tell_failure(
    candidate: Candidate, failure: Failure, policy: Resilience, store: HealthStore, seconds: float
) -> None:
    if failure.kind in _ANSWERED:
        store.recovered(candidate.key)
        return
    logger.info("%s is not well yet (%s: %s)", candidate.label, failure.kind, failure.message)
    breaker = BreakerSettings(policy.breaker_failures, policy.breaker_cooldown)
    store.failed(candidate.key, failure.kind, failure.retry_after, breaker, scope=failure.scope, seconds=seconds)
