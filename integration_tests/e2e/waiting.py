"""Waiting for what happens elsewhere: until it has, or until it is too late."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from operations.target import Mode, Target

_PAUSE_SECONDS = {Mode.LOCAL: 0.25, Mode.LIVE: 2.0}
_LIMIT_SECONDS = {Mode.LOCAL: 150.0, Mode.LIVE: 600.0}
"""Far more than is needed: a busy machine is no failure."""
_SHORT: Final = 0.1
_in_vain: list[float] = []
"""When something was waited for in vain. From then on waits are short: the run has failed, and is to say so soon."""


def wait_until(target: Target, holds: Callable[[], bool], *, patience: float = 1.0) -> bool:
    """Ask again and again until something holds; return False if it did not in time.

    That is 2.5 minutes (10 on AWS), and a tenth of that once something was waited for in vain.

    Args:
        target: Where it is waited.
        holds: What must hold.
        patience: As a share of that time; less where all should be there but for a replication lag.
    """
    deadline = time.monotonic() + (_SHORT if _in_vain else patience) * _LIMIT_SECONDS[target.mode]
    while not holds():
        if time.monotonic() > deadline:
            _in_vain.append(time.monotonic())
            return False
        time.sleep(_PAUSE_SECONDS[target.mode])
    return True
