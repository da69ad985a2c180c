"""The tenacity objects of a call: what stops it, how long it waits, and what is worth another attempt.

A successful first attempt never comes here. After a failure a fresh copy of the policy's template takes over; a
shared one would mix up concurrent calls.
"""

from __future__ import annotations

from typing import Protocol

from tenacity import AsyncRetrying, DoSleep, RetryCallState
from tenacity.retry import retry_base
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from g4f_integrations.core.failures import AttemptFailed


class RetryingCall(Protocol):
    """What the tenacity objects ask of the call that they serve."""

    def can_go_on(self) -> bool:
        """Whether attempts are left and the newest failure is not final."""

    def next_wait(self) -> float | None:
        """Seconds before the next attempt; ``None`` when no candidate is left."""

    def time_left(self) -> float | None:
        """Seconds to the deadline, ``None`` without one."""


def _call_of(state: RetryCallState) -> RetryingCall:
    call: RetryingCall = state.args[0]
    return call


class retry_if_attempt_failed(retry_base):  # noqa: N801  tenacity's objects are named like functions
    """Another attempt after a failed one. Cancellations and bugs of our own pass through."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Whether the outcome is a classified failure that another attempt may mend."""
        outcome = retry_state.outcome
        error = outcome.exception() if outcome is not None else None
        return isinstance(error, AttemptFailed) and _call_of(retry_state).can_go_on()


class wait_for_route(wait_base):  # noqa: N801  see above
    """Zero when another route is ready, else until the first one is."""

    def __call__(self, retry_state: RetryCallState) -> float:
        """Seconds to wait."""
        return _call_of(retry_state).next_wait() or 0.0


class stop_without_candidate(stop_base):  # noqa: N801  see above
    """No candidate is left."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Whether to stop."""
        return _call_of(retry_state).next_wait() is None


class stop_before_deadline(stop_base):  # noqa: N801  see above
    """The wait alone would pass the deadline. tenacity asks for the wait before it asks this."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        """Whether to stop."""
        left = _call_of(retry_state).time_left()
        return left is not None and retry_state.upcoming_sleep >= left


class RetryDriver:
    """Drives tenacity's `AsyncRetrying` by hand, so that a stream can be retried and its waits be told to the user.

    Args:
        call: The call that is retried.
        seconds: How long the first attempt took, for tenacity's statistics.

    Attributes:
        state: tenacity's own account of the call, as callbacks want it.
    """

    __slots__ = ("_retrying", "state")

    def __init__(self, call: RetryingCall, seconds: float) -> None:
        self._retrying = _TEMPLATE.copy()
        self._retrying.begin()
        self.state = RetryCallState(retry_object=self._retrying, fn=None, args=(call,), kwargs={})
        self.state.start_time -= seconds

    async def decide(self, failed: AttemptFailed) -> float | None:
        """Seconds to wait before the next attempt, or ``None`` when there is to be none.

        Args:
            failed: How the newest attempt ended.
        """
        self.state.set_exception((type(failed), failed, None))
        try:
            do = await self._retrying.iter(retry_state=self.state)
        except AttemptFailed:
            return None
        return self.state.upcoming_sleep if isinstance(do, DoSleep) else None

    def replaced(self, failed: AttemptFailed) -> None:
        """Note an attempt whose place another one takes at once, beside those under way, without a decision."""
        self.state.set_exception((type(failed), failed, None))
        self.state.upcoming_sleep = 0.0

    def go_on(self) -> None:
        """The wait is over and the next attempt begins."""
        self.state.prepare_for_next_attempt()


_TEMPLATE = AsyncRetrying(
    stop=stop_without_candidate() | stop_before_deadline(),
    wait=wait_for_route(),
    retry=retry_if_attempt_failed(),
    reraise=True,
)
