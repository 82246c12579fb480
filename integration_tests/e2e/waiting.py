"""Wait for a condition, or until a timeout."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from operations.target import Mode, Target

_PAUSE_SECONDS = {Mode.LOCAL: 0.25, Mode.LIVE: 2.0}
_LIMIT_SECONDS = {Mode.LOCAL: 150.0, Mode.LIVE: 600.0}
"""Far more than the condition needs, because a busy machine is not a failure."""
_SHORT: Final = 0.1
_timeouts: list[float] = []
"""The times of past timeouts. After one, waits are short: the run has failed and should end soon."""


def wait_until(target: Target, holds: Callable[[], bool], *, patience: float = 1.0) -> bool:
    """Call `holds` until it returns True; return False on a timeout.

    The timeout is 2.5 minutes (10 on AWS), and a tenth of that after a first timeout.

    Args:
        target: The cloud.
        holds: The condition.
        patience: Fraction of the timeout; less than 1 if only replication is missing.
    """
    deadline = time.monotonic() + (_SHORT if _timeouts else patience) * _LIMIT_SECONDS[target.mode]
    while not holds():
        if time.monotonic() > deadline:
            _timeouts.append(time.monotonic())
            return False
        time.sleep(_PAUSE_SECONDS[target.mode])
    return True
