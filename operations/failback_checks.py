"""Conditions for a failback, and what to do about each one that is not met.

A busy platform always has messages in its queues and objects on their way. A failback waits only for what was there when it
was decided: what comes later is young, and the region that is to become active processes it like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from operations import status
from operations.heartbeats import MOST_SECONDS
from operations.reconciler import MOST_SECONDS as MOST_SECONDS_OF_RECONCILER
from operations.status import RegionStatus

MOST_SECONDS_OF_SHADOW: Final = 60.0
"""Maximum age of a waiting message at the heartbeat, or the time from the decision to it, if that is longer. Without a
decision, `SECONDS_OF_METRICS` more, because the observer adds to an age the time since CloudWatch's number."""
SECONDS_OF_REPLICATION: Final = 900.0
"""Seconds in which S3 Replication Time Control replicates nearly every object
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html). After that time since the decision,
what is on its way is younger than the decision."""
_SECONDS_ON_THE_WAY: Final = 10.0
"""A heartbeat of this age has arrived in the other region, unless replication is behind."""

CANARIES_ON_THE_WAY: Final = 1
"""Canaries that are normally in replication in one direction: each observer uploads one a minute."""
SECONDS_OF_METRICS: Final = 180.0
"""A heartbeat this long after the decision counts what was on its way then: S3 publishes the number of a minute late, and in
each whole minute the canary adds one to it."""


@dataclass(frozen=True)
class Reason:
    """A condition that is not met.

    Attributes:
        text: The condition, and what to do.
        passes: Whether it is met by itself after a time.
        left: What is still to be done, as a number that falls; None if it cannot be counted.
    """

    text: str
    passes: bool = False
    left: float | None = None


def unmet(
    statuses: list[RegionStatus],
    *,
    back_to: str,
    now: float,
    decided_at: float | None = None,
    time_factor: float = 1.0,
) -> list[Reason]:
    """Return why a failback is refused and what to do, worst first; nothing if it is allowed.

    Args:
        statuses: The status of both regions.
        back_to: The region that is to become active.
        now: Epoch seconds.
        decided_at: When the failback was decided, epoch seconds; by default, the last heartbeats decide.
        time_factor: Factor by which the observers run faster than on AWS.
    """
    silent = [Reason(f"{one.region} {one.silence}: {'; '.join(one.problems)}") for one in statuses if one.claims is None]
    not_ready = [
        Reason(f"GET /ready of {one.region} does not answer 200: fix it first, the region cannot serve traffic")
        for one in statuses
        if one.claims is not None and not one.ready
    ]
    if silent:
        return silent + not_ready
    return [
        *not_ready,
        *(Reason(text, passes=True) for text in _disagreement(statuses)),
        *(reason for one in statuses for reason in _heartbeats(statuses, one, now)),
        *(reason for one in statuses for reason in _pending(one, now, decided_at, SECONDS_OF_METRICS / time_factor)),
        *(reason for one in statuses if one.region == back_to for reason in _backlog(one, decided_at)),
        *(Reason(text) for text in _digests(statuses)),
        *(Reason(text) for one in statuses for text in _unreconciled(one, now)),
    ]


class Estimate:
    """Estimates when a condition is met, from how fast what is left has fallen so far.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first: dict[str, tuple[float, float]] = {}

    def sentence(self, reason: Reason) -> str:
        """Return the condition, with the time that is left as far as it can be estimated."""
        return f"{reason.text} ({self._left(reason)})" if reason.passes else reason.text

    def _left(self, reason: Reason) -> str:
        if reason.left is None:
            return "no estimate: it cannot be counted"
        kind = "".join(letter for letter in reason.text if not letter.isdigit())
        now = self._clock()
        began, first = self._first.setdefault(kind, (now, reason.left))
        if reason.left > first:  # it grew: what was seen before says nothing about the rest
            self._first[kind] = now, reason.left
        if reason.left >= first or now <= began:
            return "no estimate yet: it has not fallen"
        seconds = reason.left * (now - began) / (first - reason.left)
        return f"about {seconds:.0f} s left at the present rate"


def _disagreement(statuses: list[RegionStatus]) -> list[str]:
    if status.agree(statuses):
        return []
    claims = ", ".join(f"{one.region} holds {one.claims}" for one in statuses)
    return [f"the replicas disagree on who is active, so replication is behind: wait until they agree ({claims})"]


def _heartbeats(statuses: list[RegionStatus], one: RegionStatus, now: float) -> Iterator[Reason]:
    """Check that the region's observer runs and that replication brings its heartbeats to the other region."""
    own = one.heartbeats.get(one.region)
    if own is None or own.age(now) > MOST_SECONDS:
        last = "has written no heartbeat" if own is None else f"wrote its last heartbeat {own.age(now):.0f} s ago"
        yield Reason(f"the observer of {one.region} {last}: fix it (see its log), its numbers are out of date")
        return
    for other in statuses:
        copy = other.heartbeats.get(one.region)
        if copy is None:
            text = f"{other.region} holds no heartbeat of {one.region}, so replication is behind: wait for one"
            yield Reason(text, passes=True)
        elif copy.age(now) > MOST_SECONDS or (copy.at < own.at and own.age(now) > _SECONDS_ON_THE_WAY):
            text = f"the last heartbeat of {one.region} in {other.region} is {copy.age(now):.0f} s old: wait for replication"
            yield Reason(text, passes=True)


def _pending(one: RegionStatus, now: float, decided_at: float | None, late: float) -> Iterator[Reason]:
    own = one.heartbeats.get(one.region)
    if own is None or (decided_at is not None and now - decided_at >= SECONDS_OF_REPLICATION):
        return
    pending = own.numbers.get("replication_pending")
    if pending is None:
        text = f"the observer of {one.region} could not measure what is on its way to it: wait for the next heartbeat"
        yield Reason(text, passes=True)
    elif pending > CANARIES_ON_THE_WAY:
        text = f"{pending:.0f} objects of the other region's bucket have not arrived in {one.region}'s: wait for them"
        yield Reason(text, passes=True, left=pending - CANARIES_ON_THE_WAY)
    elif decided_at is not None and own.at < decided_at + late:
        left = max(0.0, decided_at + late - now)
        text = f"what was on its way to {one.region} is not measured yet: wait for its first heartbeat after {left:.0f} s"
        yield Reason(text, passes=True, left=left)


def _backlog(one: RegionStatus, decided_at: float | None) -> Iterator[Reason]:
    if one.waiting is None:
        yield Reason(f"the depth of the ingest queue of {one.region} could not be read: check the queue, and try again")
        return
    own = one.heartbeats.get(one.region)
    depth, age = (own.numbers.get(name) for name in ("queue_depth", "shadow_age")) if own else (None, None)
    since = own.at - decided_at if own and decided_at is not None else MOST_SECONDS_OF_SHADOW + SECONDS_OF_METRICS
    most = max(MOST_SECONDS_OF_SHADOW, since)
    is_young = bool(depth) and age is not None and age <= most
    if not one.waiting or is_young:
        return
    waited = "their age is unknown" if age is None or not depth else f"the oldest for {age:.0f} s"
    waiting = f"{one.waiting} messages in {one.region} are not verified yet ({waited})"
    text = f"{waiting}: they leave as the other region's results arrive; wait until none is older than the decision"
    yield Reason(text, passes=True, left=float(one.waiting))


def _unreconciled(one: RegionStatus, now: float) -> list[str]:
    found = one.reconciled
    if found is None:  # it has not run yet; an alarm reports a reconciler that never runs
        return []
    if found.age(now) > MOST_SECONDS_OF_RECONCILER:
        return [f"the reconciler of {one.region} last ran {found.age(now) / 60:.0f} minutes ago: fix it (see its log)"]
    if not found.work:
        return []
    found_first = f" ({found.findings[0]})" if found.findings else ""
    listed = f"the reconciler of {one.region} lists {found.work} objects with a wrong state{found_first}"
    return [f"{listed}: it sends them again by itself; fix those that `status` still lists after that"]


def _digests(statuses: list[RegionStatus]) -> list[str]:
    unread = [one.region for one in statuses if one.region not in one.digests]
    if unread:
        return [f"the digests of {' and '.join(unread)} could not be read: try again"]
    differing = status.compared_digests(statuses).differing
    if not differing:
        return []
    hours = f"the digests of {len(differing)} closed hours differ, the first is {differing[0]} (UTC)"
    return [f"{hours}: each is computed again within an hour; if they still differ, find the rows that one region lacks"]
