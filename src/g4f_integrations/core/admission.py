"""A place for an attempt: on the route that was chosen, on another one that is free, or after a wait in the queue."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.capacity import Lease, Unit, allow, is_short, read_allowances, try_enter, wait_for_place
from g4f_integrations.core.events import Attempt
from g4f_integrations.core.health import HealthStore
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.rotation import Choice, Rotation
from g4f_integrations.core.tokens import estimate_message_tokens
from g4f_integrations.errors import RateLimitError

_FEW: dict[Unit, int] = {"requests": 64, "tokens": 16_384}
"""From what is left of a route's allowance on its calls are counted; while there is plenty, a call costs nothing."""


class Admission:
    """Finds places for the attempts of one call.

    Args:
        request: What is asked.
        policy: How long to wait.
        store: Knows of routes with little left of what they allow.

    Attributes:
        waited: Seconds spent in queues so far, which do not count against the call's deadline.
    """

    __slots__ = ("_need", "_policy", "_request", "_store", "waited")

    def __init__(self, request: Request, policy: Resilience, store: HealthStore) -> None:
        self._request = request
        self._policy = policy
        self._store = store
        self._need: int | None = None
        self.waited = 0.0

    async def enter(self, chosen: Choice, rotation: Rotation, attempts: Sequence[Attempt]) -> Lease | None:
        """A place for the next attempt, ``None`` where nobody counts the route's calls.

        Args:
            chosen: Where it should be made.
            rotation: Knows who else could serve the call.
            attempts: Those made so far, for the error.

        Raises:
            RateLimitError: Every route was at its cap for longer than the policy's `queue_timeout`.
        """
        candidate, policy = chosen.candidate, self._policy
        if not candidate.is_capped and policy.order == "given" and not self._store.view(candidate.key).is_short:
            return None
        lease = self._try(candidate)
        if lease is not None:
            return lease
        others = rotation.others(time.monotonic(), candidate)
        for other in others:
            lease = self._try(other)
            if lease is not None:
                return lease
        began = time.monotonic()
        lease = await wait_for_place([candidate, *others], self._tokens(), policy.max_retry_after, policy.queue_timeout)
        self.waited += time.monotonic() - began
        if lease is None:
            raise _too_long_in_the_queue(candidate, policy, attempts)
        return lease

    def enter_at_once(self, candidate: Candidate) -> tuple[bool, Lease | None]:
        """Whether there is a place on a route without a wait, and the place where they are counted."""
        if not candidate.is_capped and not self._store.view(candidate.key).is_short:
            return True, None
        lease = self._try(candidate)
        return lease is not None, lease

    def _try(self, candidate: Candidate) -> Lease | None:
        counts_tokens = candidate.route.tokens_per_minute is not None or is_short(candidate.key)
        return try_enter(candidate, self._tokens() if counts_tokens else 0, self._policy.max_retry_after)

    def _tokens(self) -> int:
        """What the call may take: its messages by estimate, and the longest answer that it asks for."""
        if self._need is None:
            asked = self._request.params.get("max_tokens")
            answer = asked if isinstance(asked, int) else 0
            self._need = sum(map(estimate_message_tokens, self._request.messages)) + answer
        return self._need


async def place_on(candidate: Candidate, policy: Resilience, attempts: Sequence[Attempt]) -> Lease | None:
    """A place on one certain route, for what is no chat; ``None`` where the user has not capped it.

    Args:
        candidate: The route.
        policy: How long to wait.
        attempts: Those made so far, for the error.

    Raises:
        RateLimitError: The route was at its cap for longer than the policy's `queue_timeout`.
    """
    if not candidate.is_capped:
        return None
    patience = policy.max_retry_after
    lease = try_enter(candidate, 0, patience)
    lease = lease or await wait_for_place([candidate], 0, patience, policy.queue_timeout)
    if lease is None:
        raise _too_long_in_the_queue(candidate, policy, attempts)
    return lease


def _too_long_in_the_queue(candidate: Candidate, policy: Resilience, attempts: Sequence[Attempt]) -> RateLimitError:
    message = (
        f"{candidate.label} and whoever could serve as well were at their caps for the "
        f"{policy.queue_timeout:g} s of Resilience(queue_timeout=…). Raise it, raise the caps, or add routes."
    )
    return RateLimitError(message, route=candidate.label, attempts=attempts)


def heed_headers(key: RouteKey, headers: Mapping[str, str], store: HealthStore) -> None:
    """Learn from the headers of a good answer how much more the route allows.

    Args:
        key: The route.
        headers: Those that are worth showing, with lower-cased names.
        store: Is told when nothing is left, so that others know, too.
    """
    for name in headers:  # no generator: this runs on every call
        if "ratelimit" in name:
            break
    else:
        return
    few = {unit: told for unit, told in read_allowances(headers).items() if told.left <= _FEW[unit]}
    if not few and not is_short(key):
        return
    allow(key, few)
    health = store.view(key)
    health.is_short = bool(few)
    health.look_again()
    spent = max((told.resets_in for told in few.values() if not told.left), default=0.0)
    if spent > 0:
        store.push_back(key, spent)
