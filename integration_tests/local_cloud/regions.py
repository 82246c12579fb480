"""Which regions are down, and how replication between regions is disturbed: the state that the control surface sets."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Disturbance:
    """What is wrong with the cloud right now.

    Attributes:
        down: Regions that answer nothing, run nothing and deliver nothing.
        cut: Whether replication between regions is cut.
        lag_seconds: How long a write takes to reach another region.
    """

    down: set[str] = field(default_factory=set)
    cut: bool = False
    lag_seconds: float = 0.05
    changed: threading.Condition = field(default_factory=threading.Condition)


current = Disturbance()


def is_down(region: str) -> bool:
    """Whether the region has been taken away."""
    return region in current.down


def set_down(region: str, *, down: bool) -> None:
    """Take a region away or bring it back, and wake whatever waited for it."""
    with current.changed:
        (current.down.add if down else current.down.discard)(region)
        current.changed.notify_all()


def set_cut(*, cut: bool) -> None:
    """Cut or restore replication, and wake what waits to be replicated."""
    with current.changed:
        current.cut = cut
        current.changed.notify_all()


def set_lag(seconds: float) -> None:
    """Set the replication lag for writes from now on."""
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"The lag must be a number of seconds from 0 up; got {seconds}.")
    with current.changed:
        current.lag_seconds = seconds
        current.changed.notify_all()


def may_replicate(source: str, destination: str) -> bool:
    """Whether a write can travel between the two regions right now."""
    return not current.cut and not is_down(source) and not is_down(destination)


def wait_until_up(region: str) -> None:
    """Block while the region is down. Never call it on the event loop."""
    if not is_down(region):
        return
    with current.changed:
        current.changed.wait_for(lambda: not is_down(region))
