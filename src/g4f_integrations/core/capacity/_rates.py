"""How much of a route has been used in the last minute, and how much it says is left. Pure: time is passed in."""

from __future__ import annotations

from collections import deque

MINUTE = 60.0

_GRAIN = 0.1  # seconds whose requests are counted together; they are forgotten together, the later ones on time


class Minute:
    """The requests and tokens of the last 60 seconds, whichever 60 seconds these are.

    Unlike a bucket that is filled up again, and unlike minutes by the clock, it never lets through more in any minute.
    """

    __slots__ = ("_entries", "_requests", "_tokens")

    def __init__(self) -> None:
        self._entries: deque[list[float]] = deque()  # end of the grain, requests, tokens
        self._requests = self._tokens = 0.0

    def add(self, now: float, tokens: int) -> list[float]:
        """Count a request; gives what `correct` takes."""
        self._forget(now)
        if not self._entries or self._entries[-1][0] <= now:
            self._entries.append([now + _GRAIN, 0.0, 0.0])
        entry = self._entries[-1]
        entry[1] += 1
        entry[2] += tokens
        self._requests += 1
        self._tokens += tokens
        return entry

    def correct(self, entry: list[float], by: int) -> None:
        """The request that was counted in `entry` took so many tokens more."""
        entry[2] += by
        if self._entries and entry[0] >= self._entries[0][0]:
            self._tokens += by

    def wait(self, now: float, requests: int | None, tokens: int | None, need: int) -> float:
        """Seconds until one more request fits.

        Args:
            now: The time.
            requests: Requests in a minute at the most.
            tokens: Tokens in a minute at the most.
            need: Tokens of the request; one larger than the limit fits when nothing else is counted.
        """
        self._forget(now)
        left_requests, left_tokens = self._requests, self._tokens

        def fits() -> bool:
            return (requests is None or left_requests < requests) and (
                tokens is None or not left_tokens or left_tokens + need <= tokens
            )

        if fits():
            return 0.0
        for end, entry_requests, entry_tokens in self._entries:
            left_requests -= entry_requests
            left_tokens -= entry_tokens
            if fits():
                return end + MINUTE - now
        return 0.0

    def _forget(self, now: float) -> None:
        while self._entries and self._entries[0][0] + MINUTE <= now:
            _, requests, tokens = self._entries.popleft()
            self._requests -= requests
            self._tokens -= tokens


class Allowance:
    """What a route's headers say is left of requests or of tokens.

    Args:
        left: How much.
        resets_in: Seconds until it is whole again.
        limit: How much that is, if the route told.
        now: The time.
    """

    __slots__ = ("_left", "_limit", "_period", "_resets_at")

    def __init__(self, left: int, resets_in: float, limit: int | None, now: float) -> None:
        self._left = left
        self._limit = limit
        self._period = max(resets_in, 1.0)
        self._resets_at = now + resets_in

    def wait(self, now: float, need: int) -> float:
        """Seconds until `need` is allowed; more than the whole allowance is allowed when it is whole."""
        if self._resets_at <= now:
            # Nothing has been heard since. One request then tells how things stand, if the limit is not known.
            self._left = need if self._limit is None else self._limit
            self._resets_at = now + self._period
        if self._left >= min(need, self._limit or need):
            return 0.0
        return self._resets_at - now

    def take(self, need: int) -> None:
        """`need` is used."""
        self._left = max(self._left - need, 0)
