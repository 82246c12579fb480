"""Waiting for what happens elsewhere: until it has, or until it is too late."""

from __future__ import annotations

import time
from collections.abc import Callable

from integration_tests.e2e.target import Mode, Target

_PAUSE_SECONDS = {Mode.LOCAL: 0.25, Mode.LIVE: 2.0}
_LIMIT_SECONDS = {Mode.LOCAL: 180.0, Mode.LIVE: 600.0}
"""Far more than is needed: a busy machine is no failure."""


def wait_until(target: Target, holds: Callable[[], bool], *, patience: float = 1.0) -> bool:
    """Ask again and again until something holds; return False if it did not within 3 minutes (10 on AWS).

    Args:
        target: Where it is waited.
        holds: What must hold.
        patience: As a share of that time; less where all should be there but for a replication lag.
    """
    deadline = time.monotonic() + patience * _LIMIT_SECONDS[target.mode]
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS[target.mode])
    return True
