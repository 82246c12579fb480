"""The active faults of the regions, which the control surface sets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from local_cloud import hazards
from local_cloud.fault_injector import USUAL_LAG_SECONDS


class Outage(StrEnum):
    """The way in which a region that is down or stalled fails requests."""

    HANG = "hang"
    RESET = "reset"
    REFUSE = "refuse"


@dataclass
class Disturbance:
    """The active faults.

    Attributes:
        down: Regions that answer, run and deliver nothing.
        destroyed: Regions of `down` that never come back.
        stalled: Regions that accept requests and replicate, but run and deliver nothing.
        outage: The way in which a region that is down fails requests.
        lost: By region, the share of requests, without root's, that take effect and lose their response.
        cut: Whether replication between regions is cut.
        lag_seconds: Minimum seconds of replication.
        throttled: By region, the share of functions' calls that DynamoDB throttles.
    """

    down: set[str] = field(default_factory=set)
    destroyed: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    outage: Outage = Outage.HANG
    lost: dict[str, float] = field(default_factory=dict)
    cut: bool = False
    lag_seconds: float = USUAL_LAG_SECONDS
    throttled: dict[str, float] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition)


current = Disturbance()
# What waits for a region may be thousands of threads, so they have a condition that no write between regions notifies.
_resumed: Final = threading.Condition()


def is_down(region: str) -> bool:
    """Return whether the region is unavailable."""
    return region in current.down


def is_running(region: str) -> bool:
    """Return whether the region starts functions and delivers events, because it is neither down nor stalled."""
    return region not in current.down and region not in current.stalled


def set_down(region: str, *, down: bool) -> None:
    """Make a region unavailable or available again, and wake the threads that wait for it."""
    if region in current.destroyed and not down:
        raise ValueError(f"{region} is destroyed and does not come back; start another local cloud.")
    _set(lambda: (current.down.add if down else current.down.discard)(region))


def destroy(region: str) -> None:
    """Destroy a region."""
    current.destroyed.add(region)
    set_down(region, down=True)


def set_stalled(region: str, *, stalled: bool) -> None:
    """Stall a region or let it resume, and wake the threads that wait for it."""
    _set(lambda: (current.stalled.add if stalled else current.stalled.discard)(region))


def set_cut(*, cut: bool) -> None:
    """Cut or restore replication, and wake the replicator."""
    with current.changed:
        current.cut = cut
        current.changed.notify_all()


def set_lag(seconds: float) -> None:
    """Set the replication lag of later writes."""
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"The lag must be a number of seconds from 0 up; got {seconds}.")
    with current.changed:
        current.lag_seconds = seconds
        current.changed.notify_all()


def set_throttled(region: str, share: float) -> None:
    """Throttle a share of functions' calls to the region's DynamoDB; 0 ends it."""
    _set_share(current.throttled, region, share)


def set_outage(mode: str) -> None:
    """Set the way in which regions that are down fail requests."""
    if mode not in set(Outage):
        raise ValueError(f"The outage mode must be one of {', '.join(Outage)}; got {mode!r}.")
    current.outage = Outage(mode)


def set_lost_answers(region: str, share: float) -> None:
    """Lose the responses to a share of the region's requests after their effect; 0 ends it."""
    _set_share(current.lost, region, share)


def loses_answer(region: str) -> bool:
    """Draw whether this request loses its response."""
    share = current.lost.get(region)
    return share is not None and hazards.current.dice("lost-answers").random() < share


def _set_share(shares: dict[str, float], region: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"The share must be from 0 to 1; got {share}.")
    if share:
        shares[region] = share
    else:
        shares.pop(region, None)


def throttles(region: str) -> bool:
    """Draw whether the region throttles this call."""
    share = current.throttled.get(region)
    return share is not None and hazards.current.dice("throttle").random() < share


def may_replicate(source: str, destination: str) -> bool:
    """Return whether a write can replicate between the two regions now."""
    return not current.cut and not is_down(source) and not is_down(destination)


def wait_until_up(region: str) -> None:
    """Block while the region is down. Never call it on the event loop."""
    _wait(lambda: not is_down(region))


def wait_until_running(region: str) -> None:
    """Block while the region is down or stalled. Never call it on the event loop."""
    _wait(lambda: is_running(region))


def _wait(until: Callable[[], bool]) -> None:
    if until():
        return
    with _resumed:
        _resumed.wait_for(until)


def _set(change: Callable[[], None]) -> None:
    with current.changed:
        change()
        current.changed.notify_all()
    with _resumed:
        _resumed.notify_all()
