"""Chance that depends on the seed and on what is drawn for, never on what was drawn before.

So a history that loses one event keeps every other lag and latency, and can be shrunk.
"""

import hashlib
import math
from typing import Final

_RANGE: Final = float(1 << 53)


class Chance:
    """Draws.

    Args:
        seed: The history's seed.
    """

    def __init__(self, seed: int) -> None:
        self._keyed = hashlib.blake2b(digest_size=8, key=seed.to_bytes(8, "big", signed=True))

    def unit(self, *what: object) -> float:
        """Return a number from 0 up to 1 for what is drawn; the same parts give the same number."""
        drawn = self._keyed.copy()
        drawn.update("\0".join(map(str, what)).encode())
        return (int.from_bytes(drawn.digest(), "big") >> 11) / _RANGE

    def below(self, limit: int, *what: object) -> int:
        """Return a whole number from 0 up to, not including, `limit`."""
        return int(self.unit(*what) * limit)

    def happens(self, probability: float, *what: object) -> bool:
        """Return whether something of this probability happens."""
        return self.unit(*what) < probability

    def lag(self, typical: float, longest: float, *what: object) -> float:
        """Return heavy-tailed seconds: half are below `typical`, one in twenty is above seventeen times that.

        A Pareto distribution of shape 0.8, cut at `longest`; division and roots of IEEE numbers are exact on any machine,
        logarithms and powers are not.
        """
        tail = max(1.0 - self.unit(*what), 1e-9)
        inverse = 1.0 / tail
        return min(typical * 0.41 * inverse * math.sqrt(math.sqrt(inverse)), longest)
