"""The clocks of an attempt. Times are of the running loop, and passed in."""

from __future__ import annotations

import math

from g4f_integrations.core.call_state import CallState

_AFTER_FINISH_SECONDS = 2.0  # that a route may take to hang up after its finish reason


class AttemptClocks:
    """What bounds one attempt: its first token, its silences, and the clocks of the whole call.

    Args:
        call: The call, whose deadline and waiting are shared by all its attempts.
        started: When the attempt began.

    Attributes:
        streams: Whether the route really streams; if not, only the clock of the whole attempt counts.
        spoke: Whether anything, be it reasoning, has been handed over; the deadline counts until then.
        finished: Whether the route has told its finish reason.
        out_of_time: Whether a clock of the whole call ended the attempt, for which the route is not to blame.
        first_content: Seconds to the first content, ``None`` before it.
    """

    __slots__ = ("_call", "_since", "_started", "finished", "first_content", "out_of_time", "spoke", "streams")

    def __init__(self, call: CallState, started: float) -> None:
        self._call = call
        self._started = self._since = started
        self.streams = True
        self.spoke = self.finished = self.out_of_time = False
        self.first_content: float | None = None

    def wait_begins(self, now: float) -> None:
        """The consumer asks for more: from now on silence is the route's."""
        self._since = now

    def wait_ends(self, now: float) -> None:
        """The consumer gets something, and what it does with its time is its own affair."""
        self._call.waited += now - self._since
        self._since = now

    def content_came(self, now: float) -> None:
        """Text, reasoning, a tool call or media came; keep-alives do not count."""
        if self.first_content is None:
            self.first_content = now - self._started
        self.wait_ends(now)  # the silence begins anew, and the time until now is booked

    def finish_came(self, now: float) -> None:
        """The route told its finish reason; from now on it has a moment left for the usage."""
        self.finished = True
        self.wait_ends(now)

    def due_of_whole(self) -> float | None:
        """When the next clock runs out, for an answer that comes in one piece."""
        call, policy = self._call, self._call.policy
        due = math.inf if policy.attempt_timeout is None else self._started + policy.attempt_timeout
        if call.deadline is not None and call.deadline < due:
            due = call.deadline
        if policy.total_timeout is not None:
            due = min(due, self._since + policy.total_timeout - call.waited)
        return None if due == math.inf else due

    @property
    def elapsed(self) -> float:
        """Seconds from the beginning to the newest sign of life, or the end."""
        return self._since - self._started

    def due(self) -> float | None:
        """When the next clock runs out."""
        call = self._call
        policy = call.policy
        due = self._silence_due()
        if not self.spoke and call.deadline is not None and call.deadline < due:
            due = call.deadline
        if policy.total_timeout is not None:
            due = min(due, self._since + policy.total_timeout - call.waited)
        return None if due == math.inf else due

    def _silence_due(self) -> float:
        policy = self._call.policy
        if self.finished and self.first_content is not None:
            # All that can still come is the usage; a route that does not hang up must not cost the answer.
            return self._since + min(_AFTER_FINISH_SECONDS, policy.stall_timeout or math.inf)
        if not self.streams:
            return math.inf if policy.attempt_timeout is None else self._started + policy.attempt_timeout
        if self.first_content is None:
            return math.inf if policy.first_token_timeout is None else self._started + policy.first_token_timeout
        return math.inf if policy.stall_timeout is None else self._since + policy.stall_timeout

    def name_of_expired(self, now: float) -> str:
        """The clock that has just run out, in words; notes whether it is one of the whole call."""
        policy = self._call.policy
        if self._silence_due() <= (self.due() or 0.0):
            if self.finished and self.first_content is not None:
                return "the route did not hang up after its finish reason"
            if not self.streams:
                return f"no answer within {policy.attempt_timeout:g} s"
            if self.first_content is None:
                return f"no first token within {policy.first_token_timeout:g} s"
            return f"stalled for {policy.stall_timeout:g} s"
        self.out_of_time = True
        if self._call.deadline is not None and not self.spoke and self._call.deadline <= now:
            return f"the deadline of {policy.deadline:g} s for the whole call passed"
        return f"the total time of {policy.total_timeout:g} s is used up"
