"""The share of good answers among the newest ones, exactly: counted by buckets of time, never by a moving average.

An average that weighs each sample by the time since the last one can hide a total outage behind a burst of successes
(which is why linkerd counts in buckets, too).
"""

from __future__ import annotations

import math

WINDOW_SECONDS = 60.0
"""How far back the ratio looks: a minute, as LiteLLM and Helicone do."""

_BUCKETS = 10
_BUCKET_SECONDS = WINDOW_SECONDS / _BUCKETS
_FEWEST = 10  # attempts below which a ratio says nothing: between LiteLLM's 5 and Helicone's 20
_WORST_RATIO = 0.5  # LiteLLM's
_Z = 1.64  # one-sided confidence of 95 %


class SuccessWindow:
    """Attempts of the last minute and the good ones among them, in ten buckets of six seconds."""

    __slots__ = ("_ends", "_goods", "_turns")

    def __init__(self) -> None:
        self._turns = [0] * _BUCKETS  # which stretch of time a bucket counts
        self._ends = [0] * _BUCKETS
        self._goods = [0] * _BUCKETS

    def add(self, now: float, good: int) -> None:
        """Count one attempt.

        Args:
            now: Seconds on any clock that never goes back.
            good: 1 if it ended well, else 0.
        """
        turn = int(now / _BUCKET_SECONDS)
        bucket = turn % _BUCKETS
        if self._turns[bucket] != turn:
            self._turns[bucket] = turn
            self._ends[bucket] = self._goods[bucket] = 0
        self._ends[bucket] += 1
        self._goods[bucket] += good

    def counts(self, now: float) -> tuple[int, int]:
        """``(good, all)`` attempts of the last minute."""
        oldest = int(now / _BUCKET_SECONDS) - _BUCKETS
        live = [bucket for bucket, turn in enumerate(self._turns) if turn > oldest]
        return sum(self._goods[bucket] for bucket in live), sum(self._ends[bucket] for bucket in live)

    def is_bad(self, now: float) -> bool:
        """Whether less than half of the attempts end well, beyond what chance would explain."""
        good, all_ = self.counts(now)
        return all_ >= _FEWEST and upper_bound(good, all_) < _WORST_RATIO

    def clear(self) -> None:
        """Forget all attempts."""
        self._turns = [0] * _BUCKETS
        self._ends = [0] * _BUCKETS
        self._goods = [0] * _BUCKETS


def upper_bound(good: int, all_: int) -> float:
    """The highest share of successes that `good` of `all_` are still likely to come from (Wilson's bound, 95 %).

    Example:
        >>> round(upper_bound(0, 10), 2), round(upper_bound(5, 10), 2)
        (0.21, 0.73)
    """
    share, z2 = good / all_, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / all_ + z2 / (4 * all_ * all_))
    return (share + z2 / (2 * all_) + spread) / (1 + z2 / all_)
