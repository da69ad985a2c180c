"""``order="adaptive"``: which of several equally good routes is asked. Two are drawn by weight, the cheaper one wins.

What a route costs is its latency (a rise shows at once and wears off) times the calls that are under way on it. Drawing
two of many and taking the better one spreads load nearly as well as comparing all, and does not send everybody to the
same route at once (Mitzenmacher's "power of two choices", as Finagle and linkerd do it).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.capacity import in_flight

_LEAST_LATENCY = 0.001  # seconds; below it, differences say nothing
_UNKNOWN_LATENCY = 1.0
_CLEARLY = 1.25  # times cheaper that the second one has to be, so that chance differences leave the weights in force


def draw(candidates: Sequence[Candidate], latencies: Sequence[float | None], chance: Callable[[], float]) -> int:
    """The index of the candidate to ask.

    Args:
        candidates: Two or more, all equally able to serve the call.
        latencies: Seconds to each one's first content, by now; ``None`` where nobody has asked yet.
        chance: A number of [0, 1).
    """
    weights = [float(candidate.route.weight) for candidate in candidates]
    first = _by_weight(weights, chance())
    others = [index for index in range(len(candidates)) if index != first]
    second = others[_by_weight([weights[index] for index in others], chance())]
    # A route that nobody has asked is taken for as fast as the fastest, so that it is tried; those under way on it
    # keep the rest of a crowd from following.
    unknown = min((latency for latency in latencies if latency is not None), default=_UNKNOWN_LATENCY)
    usual_weight = sum(weights) / len(weights)

    def cost(index: int) -> float:
        latency = latencies[index]
        under_way = in_flight(candidates[index].key) * usual_weight / weights[index]
        return max(unknown if latency is None else latency, _LEAST_LATENCY) * (under_way + 1)

    return second if cost(second) * _CLEARLY < cost(first) else first


def _by_weight(weights: Sequence[float], chance: float) -> int:
    mark = chance * sum(weights)
    for index, weight in enumerate(weights):
        mark -= weight
        if mark < 0:
            return index
    return len(weights) - 1
