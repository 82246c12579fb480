"""Draws that depend on the seed and the purpose, never on earlier draws.

A history without one event therefore keeps every other lag and latency, so that it can be shrunk.
"""

import hashlib
import math
from enum import StrEnum
from typing import Final

_RANGE: Final = float(1 << 53)


class Shape(StrEnum):
    """The distribution of a history's lags. AWS states none, so each history has one of these."""

    HEAVY_TAIL = "heavy tail"
    EXPONENTIAL = "exponential"
    BIMODAL = "bimodal"
    CONSTANT = "constant"
    UNIFORM = "uniform"
    STRAGGLERS = "stragglers"


class Chance:
    """Draws."""

    def __init__(self, seed: int) -> None:
        self._keyed = hashlib.blake2b(digest_size=8, key=seed.to_bytes(8, "big", signed=True))

    def unit(self, *what: object) -> float:
        """Return a number from 0 up to 1; the same parts give the same number."""
        drawn = self._keyed.copy()
        drawn.update("\0".join(map(str, what)).encode())
        return (int.from_bytes(drawn.digest(), "big") >> 11) / _RANGE

    def below(self, limit: int, *what: object) -> int:
        """Return a whole number from 0 up to, but not including, `limit`."""
        return int(self.unit(*what) * limit)

    def happens(self, probability: float, *what: object) -> bool:
        """Return whether an event of this probability happens."""
        return self.unit(*what) < probability

    def lag(self, typical: float, longest: float, *what: object, shape: Shape = Shape.HEAVY_TAIL) -> float:
        """Return a duration in seconds.

        A heavy tail is a Pareto distribution of shape 0.8, cut at `longest`: half are below `typical`, one in twenty is
        above seventeen times that. It uses only additions, multiplications, divisions and roots of IEEE numbers, which are
        exact on any machine; logarithms and powers of the machine's library are not.

        Args:
            typical: Approximate median.
            longest: Maximum.
            what: The purpose of the lag.
            shape: The distribution.
        """
        unit = self.unit(*what)
        match shape:
            case Shape.HEAVY_TAIL:
                inverse = 1.0 / max(1.0 - unit, 1e-9)
                seconds = typical * 0.41 * inverse * math.sqrt(math.sqrt(inverse))
            case Shape.EXPONENTIAL:
                seconds = typical * 1.44 * _minus_logarithm(1.0 - unit)
            case Shape.BIMODAL:  # five of six at once, the sixth after minutes
                seconds = typical * (0.5 + unit) * (1.0 if unit < 5 / 6 else 200.0)
            case Shape.CONSTANT:  # what is written first arrives first
                seconds = typical
            case Shape.UNIFORM:  # what is written within a minute arrives in any order
                seconds = typical * 100.0 * unit
            case Shape.STRAGGLERS:  # one in thirty takes as long as can be
                seconds = typical * unit if unit < 29 / 30 else longest
        return min(seconds, longest)


def _minus_logarithm(number: float) -> float:
    """Return minus the natural logarithm of a number above 0 and up to 1: ln(m * 2^e) by the series of artanh."""
    mantissa, exponent = math.frexp(number)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square, power, total = ratio * ratio, ratio, 0.0
    for odd in range(1, 40, 2):
        total += power / odd
        power *= square
    return -(2.0 * total + exponent * 0.6931471805599453)
