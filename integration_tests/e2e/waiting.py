"""Waiting for what happens elsewhere: until it has, or until it is too late."""

from __future__ import annotations

import time
from collections.abc import Callable

from integration_tests.e2e.target import Mode, Target

_PAUSE_SECONDS = {Mode.LOCAL: 0.25, Mode.LIVE: 2.0}
_LIMIT_SECONDS = {Mode.LOCAL: 60.0, Mode.LIVE: 600.0}


def wait_until(target: Target, holds: Callable[[], bool]) -> bool:
    """Ask again and again until something holds; return False if it did not within a minute (10 minutes on AWS)."""
    deadline = time.monotonic() + _LIMIT_SECONDS[target.mode]
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS[target.mode])
    return True
