"""The cloud's clock: the factor by which it shortens the times that a drill would otherwise wait for.

It shortens the interval of health checkers, the TTL of DNS answers, the periods of alarms and of GetMetricData, and the
rates of EventBridge rules. It changes nothing else: functions, timeouts, queues' delays and replication use this machine's
clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LARGEST_FACTOR: Final = 100.0
"""Maximum factor. A health check every ten seconds becomes one every tenth of a second, the fastest that the cloud can
do."""


@dataclass
class Clock:
    """The speed of AWS's clocks: `factor` is the number of AWS's seconds in a second of this machine."""

    factor: float = 1.0

    def seconds(self, of_aws: float) -> float:
        """Return the seconds of this machine for a duration on AWS."""
        return of_aws / self.factor


clock: Final = Clock()


def checked_factor(factor: float) -> float:
    """Return the factor after a check."""
    if not 1 <= factor <= LARGEST_FACTOR:
        raise ValueError(f"The time factor must be from 1 to {LARGEST_FACTOR:g}; got {factor:g}.")
    return factor
