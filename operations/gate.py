"""The gate before a failback: what must hold before the other region may become active again."""

from __future__ import annotations

from operations.status import RegionStatus

MOST_SECONDS_SINCE_HEARTBEAT = 180.0


def reasons(statuses: list[RegionStatus], *, back_to: str, now: float) -> list[str]:
    """Say why the gate is shut, worst first; nothing if it is open.

    Args:
        statuses: Of both regions.
        back_to: The region that is to become active.
        now: Epoch seconds.
    """
    found = [f"{one.region} does not answer: {'; '.join(one.problems)}" for one in statuses if one.claims is None]
    found += [
        f"GET /ready of {one.region} does not answer 200" for one in statuses if one.claims is not None and not one.ready
    ]
    known = [one.claims for one in statuses if one.claims is not None]
    if any(claims != known[0] for claims in known):
        told = ", ".join(f"{one.region} holds {one.claims}" for one in statuses)
        found.append(f"the replicas disagree on who is active, so replication is behind: {told}")
    return found + [reason for one in statuses if one.region == back_to for reason in _behind(one, now)]


def _behind(status: RegionStatus, now: float) -> list[str]:
    """The region that is gone back to must see the other one's heartbeats, which come to it by replication alone."""
    stale = {
        region: now - held["at"]
        for region, held in status.heartbeats.items()
        if region != status.region and now - held.get("at", now) > MOST_SECONDS_SINCE_HEARTBEAT
    }
    return [
        f"{status.region} last heard of {region} {age:.0f} s ago, so replication is behind" for region, age in stale.items()
    ]
