"""The distribution of the measured values of one measure."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TAIL: Final = 0.025
"""Probability on each side of the interval of the median."""
_LEAST_FOR_A_SLOPE: Final = 3


@dataclass(frozen=True)
class Distribution:
    """The measured values of one measure, in seconds.

    Percentiles are values that were measured (nearest rank): p95 is the worst one below 20 values, p99 below 100.

    Attributes:
        n: Number of values.
        p50: Median.
        low: Lower end of the 95 % interval of the median, from its order statistics; None below six values.
        high: Upper end.
        p95: 95th percentile.
        p99: 99th percentile.
        worst: The longest one.
        chain_n: Number of values of the earlier comparable drills of the chain.
        chain_p50: Their median; None without one.
        trend: Median slope in seconds a drill over the chain and this campaign (Theil and Sen); None below three values.
    """

    n: int
    p50: float
    low: float | None
    high: float | None
    p95: float
    p99: float
    worst: float
    chain_n: int
    chain_p50: float | None
    trend: float | None

    @classmethod
    def of(cls, values: Sequence[float], chain: Sequence[float] = ()) -> Distribution:
        """Compute it from the values of a campaign, one at least, and of earlier drills, each in the order of the drills."""
        ordered = sorted(values)

        def rank(share: float) -> float:
            return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

        outside = _outside(len(ordered))
        return cls(
            n=len(ordered),
            p50=rank(0.5),
            low=None if outside is None else ordered[outside],
            high=None if outside is None else ordered[-1 - outside],
            p95=rank(0.95),
            p99=rank(0.99),
            worst=ordered[-1],
            chain_n=len(chain),
            chain_p50=statistics.median_low(chain) if chain else None,
            trend=_slope([*chain, *values]),
        )


def _outside(count: int) -> int | None:
    """Return how many ordered values lie outside the 95 % interval of the median on each side; None if all would."""
    total, outside = 0.0, None
    for number in range(count // 2):
        total += math.comb(count, number) / 2**count
        if total > _TAIL:
            break
        outside = number
    return outside


def _slope(values: Sequence[float]) -> float | None:
    slopes = [(values[b] - values[a]) / (b - a) for a, b in itertools.combinations(range(len(values)), 2)]
    return round(statistics.median(slopes), 4) if len(values) >= _LEAST_FOR_A_SLOPE else None
