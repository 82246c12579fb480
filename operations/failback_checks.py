"""What must hold before the other region may become active again, and what to do if it does not."""

from __future__ import annotations

from typing import Final

from operations import status
from operations.heartbeats import MOST_SECONDS
from operations.reconciler import MOST_SECONDS as MOST_SECONDS_OF_RECONCILER
from operations.status import RegionStatus

MOST_SECONDS_OF_SHADOW: Final = 60.0
"""What waits longer was looked at several times and is not proved done; on a busy platform something always waits."""
_SECONDS_ON_THE_WAY: Final = 10.0
"""A heartbeat that was written so long ago has come to the other region, or replication is behind."""

CANARIES_ON_THE_WAY: Final = 2
"""Each region's observer uploads one a minute, just before it measures: a well platform is never at 0 for long."""


def reasons(statuses: list[RegionStatus], *, back_to: str, now: float) -> list[str]:
    """Return why a failback is refused and what to do, worst first; nothing if it is allowed.

    Args:
        statuses: Of both regions.
        back_to: The region that is to become active.
        now: Epoch seconds.
    """
    silent = [f"{one.region} {one.silence}: {'; '.join(one.problems)}" for one in statuses if one.claims is None]
    not_ready = [
        f"GET /ready of {one.region} does not answer 200: mend it, for it cannot serve"
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
    told = ", ".join(f"{one.region} holds {one.claims}" for one in statuses)
    return [f"the replicas disagree on who is active, so replication is behind: wait for it ({told})"]


def _heartbeats(statuses: list[RegionStatus], one: RegionStatus, now: float) -> list[str]:
    """The region's observer must run, and its heartbeats must come to the other region, which is by replication alone."""
    own = one.heartbeats.get(one.region)
    if own is None or own.age(now) > MOST_SECONDS:
        last = "has written no heartbeat" if own is None else f"wrote its last heartbeat {own.age(now):.0f} s ago"
        return [f"the observer of {one.region} {last}: mend it (its log says why), for its numbers are not to be trusted"]
    found = []
    for other in statuses:
        copy = other.heartbeats.get(one.region)
        if copy is None:
            found.append(f"{other.region} never heard of {one.region}, so replication is behind: wait for it")
        elif copy.age(now) > MOST_SECONDS or (copy.at < own.at and own.age(now) > _SECONDS_ON_THE_WAY):
            found.append(
                f"{other.region} last heard of {one.region} {copy.age(now):.0f} s ago, so replication is behind: wait for it"
            )
    return found


def _pending(one: RegionStatus) -> list[str]:
    own = one.heartbeats.get(one.region)
    pending = own.numbers.get("replication_pending", 0.0) if own else 0.0
    if pending <= CANARIES_ON_THE_WAY:
        return []
    return [f"{pending:.0f} objects of the other region's bucket have not arrived in {one.region}'s: wait for it"]


def _backlog(one: RegionStatus) -> list[str]:
    if one.waiting is None:
        return [f"the ingest queue of {one.region} did not say what it holds: look at it, and try again"]
    own = one.heartbeats.get(one.region)
    depth, age = (own.numbers.get(name) for name in ("queue_depth", "shadow_age")) if own else (None, None)
    is_young = bool(depth) and age is not None and age <= MOST_SECONDS_OF_SHADOW
    if not one.waiting or is_young:
        return []
    waited = "for how long is not known" if age is None or not depth else f"the oldest for {age:.0f} s"
    told = f"{one.waiting} messages in {one.region} are not proved done yet ({waited})"
    return [f"{told}: they go as the other region's results arrive; wait until its queue depth falls to 0"]


def _unreconciled(one: RegionStatus, now: float) -> list[str]:
    found = one.reconciled
    if found is None:  # it has not run yet: its alarm rings if it does not
        return []
    if found.age(now) > MOST_SECONDS_OF_RECONCILER:
        return [f"the reconciler of {one.region} last ran {found.age(now) / 60:.0f} minutes ago: fix it (its log says why)"]
    if not found.work:
        return []
    found_first = f" ({found.findings[0]})" if found.findings else ""
    listed = f"the reconciler of {one.region} lists {found.work} objects that are not what they must be{found_first}"
    return [f"{listed}: `status` lists them; it sends them again by itself, what stays is for you"]


def _digests(statuses: list[RegionStatus]) -> list[str]:
    unread = [one.region for one in statuses if one.region not in one.digests]
    if unread:
        return [f"the digests of {' and '.join(unread)} could not be read: try again"]
    differing = status.compared_digests(statuses).differing
    if not differing:
        return []
    told = f"the digests of {len(differing)} closed hours differ, from {differing[0]} on (UTC)"
    what = "an hour is looked at again within the hour; if they differ then, find out which rows are missing where"
    return [f"{told}: {what}"]
