"""The cloud's clock: how many times faster than AWS it keeps the times that a drill would otherwise wait for.

Faster run: the interval of health checkers, the TTL of DNS answers, the periods of alarms and the rates of EventBridge
rules. Nothing else does: a function sees this machine's clock, and timeouts, queues' delays and replication keep theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LARGEST_FACTOR: Final = 100.0
"""A health check every ten seconds would be one every tenth of a second; faster than that nothing here can follow."""


@dataclass
class Clock:
    """How fast time passes for what AWS does by the clock.

    Attributes:
        factor: How many of AWS's seconds pass in one of this machine's.
    """

    factor: float = 1.0

    def seconds(self, of_aws: float) -> float:
        """How long AWS's time takes here.

        Args:
            of_aws: Seconds, as a template gives them.
        """
        return of_aws / self.factor


clock: Final = Clock()


def checked_factor(factor: float) -> float:
    """The factor, if it is one.

    Raises:
        ValueError: It is below 1 or above `LARGEST_FACTOR`.
    """
    if not 1 <= factor <= LARGEST_FACTOR:
        raise ValueError(f"The time factor must be from 1 to {LARGEST_FACTOR:g}; got {factor:g}.")
    return factor
