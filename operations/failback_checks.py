"""Conditions for a failback, and what to do about each one that is not met."""

from __future__ import annotations

from typing import Final

from operations import status
from operations.heartbeats import MOST_SECONDS
from operations.reconciler import MOST_SECONDS as MOST_SECONDS_OF_RECONCILER
from operations.status import RegionStatus

MOST_SECONDS_OF_SHADOW: Final = 60.0
"""Maximum age of a waiting message. A busy platform always has younger ones; an older one was retried several times."""
_SECONDS_ON_THE_WAY: Final = 10.0
"""A heartbeat of this age has arrived in the other region, unless replication is behind."""

CANARIES_ON_THE_WAY: Final = 2
"""Canaries that are normally in replication: each observer uploads one a minute, just before it measures."""


def reasons(statuses: list[RegionStatus], *, back_to: str, now: float) -> list[str]:
    """Return why a failback is refused and what to do, worst first; nothing if it is allowed.

    Args:
        statuses: The status of both regions.
        back_to: The region that is to become active.
        now: Epoch seconds.
    """
    silent = [f"{one.region} {one.silence}: {'; '.join(one.problems)}" for one in statuses if one.claims is None]
    not_ready = [
        f"GET /ready of {one.region} does not answer 200: fix it first, the region cannot serve traffic"
        for one in statuses
        if one.claims is not None and not one.ready
    ]
    if silent:
        return silent + not_ready
    return [
        *not_ready,
        *_disagreement(statuses),
        *(reason for one in statuses for reason in _heartbeats(statuses, one, now)),
        *(reason for one in statuses for reason in _pending(one)),
        *(reason for one in statuses if one.region == back_to for reason in _backlog(one)),
        *_digests(statuses),
        *(reason for one in statuses for reason in _unreconciled(one, now)),
    ]


def _disagreement(statuses: list[RegionStatus]) -> list[str]:
    if status.agree(statuses):
        return []
    claims = ", ".join(f"{one.region} holds {one.claims}" for one in statuses)
    return [f"the replicas disagree on who is active, so replication is behind: wait until they agree ({claims})"]


def _heartbeats(statuses: list[RegionStatus], one: RegionStatus, now: float) -> list[str]:
    """Check that the region's observer runs and that replication brings its heartbeats to the other region."""
    own = one.heartbeats.get(one.region)
    if own is None or own.age(now) > MOST_SECONDS:
        last = "has written no heartbeat" if own is None else f"wrote its last heartbeat {own.age(now):.0f} s ago"
        return [f"the observer of {one.region} {last}: fix it (see its log), its numbers are out of date"]
    found = []
    for other in statuses:
        copy = other.heartbeats.get(one.region)
        if copy is None:
            found.append(f"{other.region} holds no heartbeat of {one.region}, so replication is behind: wait for one")
        elif copy.age(now) > MOST_SECONDS or (copy.at < own.at and own.age(now) > _SECONDS_ON_THE_WAY):
            found.append(
                f"the last heartbeat of {one.region} in {other.region} is {copy.age(now):.0f} s old: wait for replication"
            )
    return found


def _pending(one: RegionStatus) -> list[str]:
    own = one.heartbeats.get(one.region)
    pending = own.numbers.get("replication_pending", 0.0) if own else 0.0
    if pending <= CANARIES_ON_THE_WAY:
        return []
    return [f"{pending:.0f} objects of the other region's bucket have not arrived in {one.region}'s: wait for them"]


def _backlog(one: RegionStatus) -> list[str]:
    if one.waiting is None:
        return [f"the depth of the ingest queue of {one.region} could not be read: check the queue, and try again"]
    own = one.heartbeats.get(one.region)
    depth, age = (own.numbers.get(name) for name in ("queue_depth", "shadow_age")) if own else (None, None)
    is_young = bool(depth) and age is not None and age <= MOST_SECONDS_OF_SHADOW
    if not one.waiting or is_young:
        return []
    waited = "their age is unknown" if age is None or not depth else f"the oldest for {age:.0f} s"
    waiting = f"{one.waiting} messages in {one.region} are not verified yet ({waited})"
    return [f"{waiting}: they leave as the other region's results arrive; wait until its queue depth falls to 0"]


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
