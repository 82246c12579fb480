"""Conclude from the status of both regions what is wrong, and which command comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from operations import status
from operations.heartbeats import MOST_SECONDS
from operations.status import NO_CREDENTIALS, RegionStatus

_GROWN: Final = "look again in a minute; if it still fails after 5 minutes"


@dataclass(frozen=True)
class Verdict:
    """The state of a platform in a sentence.

    Attributes:
        sentence: Which region processes, and what is wrong.
        then: What to do, for example "look again in a minute"; "" if nothing precedes the command.
        command: A command of `lockstep` without its name and shared options; "" if none is needed.
    """

    sentence: str
    then: str = ""
    command: str = ""


def conclude(found: list[RegionStatus], *, primary: str, now: float) -> Verdict:
    """Return the verdict on both regions, as section 1 of docs/runbook.md decides; `now` is in epoch seconds."""
    if any(one.silence == NO_CREDENTIALS and one.claims is None for one in found):
        return Verdict("UNKNOWN: there are no credentials, which is no fault of a region.", "log in", "status")
    active = status.active(found, primary=primary)
    if active is None:
        return Verdict("UNKNOWN: no replica answers.", "make sure that this machine is on the network", "status")
    views = status.views(found, primary=primary)
    if len(set(views.values())) > 1:
        return Verdict(
            "SPLIT BRAIN: the replicas hold different regions active.",
            "wait for replication; if it lasts longer than 3 minutes after a promotion, make one region active",
            f"promote {active}",
        )
    here, other = sorted(found, key=lambda one: one.region != active)
    return _of_regions(here, other, found, primary=primary, now=now)


def _of_regions(here: RegionStatus, other: RegionStatus, found: list[RegionStatus], *, primary: str, now: float) -> Verdict:
    """Return the verdict where one region is active by all replicas that answer."""
    active = here.region
    unready, doubts = _unready(here), _doubts(here, found, now)
    peer_unready, peer_doubts = _unready(other), _doubts(other, found, now)
    if (unready or doubts) and peer_unready:
        sentence = f"BOTH REGIONS FAIL: {active} {_and(unready or doubts)}; {other.region} {_and(peer_unready)}."
        return Verdict(sentence, "do not promote; escalate, and read the logs", "logs")
    if not (unready or peer_unready) and not any(status.newest_heartbeat(found, one.region) for one in found):
        sentence = f"NEW: {active} processes, {other.region} is ready. No observer has written a heartbeat yet."
        return Verdict(sentence, "look again in two minutes; if there is still none, read why", "logs")
    if unready or doubts:
        # Only its readiness decides, as in section 2 of the runbook: a promotion that was not needed does no harm.
        but = f", but {_and(peer_doubts)}" if peer_doubts else ""
        sentence = f"{active} IS ACTIVE AND FAILS: {_and(unready + doubts)}. {other.region} is ready{but}."
        return Verdict(sentence, _GROWN, f"promote {other.region}")
    if peer_unready or peer_doubts:
        sentence = f"{active} processes. {other.region} FAILS: {_and(peer_unready + peer_doubts)}. No failover is needed."
        return Verdict(sentence, f"fix {other.region}", f"logs --region {other.region}")
    return _healthy(here, other, primary=primary)


def _healthy(here: RegionStatus, other: RegionStatus, *, primary: str) -> Verdict:
    """Return the verdict on two regions that work: on what waits for an operator, the most urgent first."""
    state = f"{here.region} processes, {other.region} is ready."
    if here.region != primary:
        sentence = f"PROMOTED: {state} {primary} is the primary."
        return Verdict(sentence, "when nothing is urgent, on the next working day", "failback")
    for one in (here, other):
        if one.dead:
            return Verdict(
                f"HEALTHY, dead letters in {one.region} ({one.dead}): {state}",
                "find out why",
                f"dlq list --region {one.region}",
            )
    for one in (here, other):
        if one.reconciled is not None and one.reconciled.work:
            return Verdict(
                f"HEALTHY, unreconciled objects in {one.region} ({one.reconciled.work}): {state}", "wait an hour", "status"
            )
    if ringing := [one.region for one in (here, other) if one.ringing]:
        return Verdict(f"HEALTHY, but alarms of {' and '.join(ringing)} are in ALARM: {state}", "read why", "logs")
    return Verdict(f"HEALTHY: {state}")


def _unready(one: RegionStatus) -> list[str]:
    """Return why a region cannot take over; a lost region needs no further reason."""
    if one.claims is None:
        return [one.silence]
    if one.ready is None:
        return ["does not answer GET /ready"]
    return [] if one.ready else ["is not ready"]


def _doubts(one: RegionStatus, found: list[RegionStatus], now: float) -> list[str]:
    """Return what its observer shows against a region that answers."""
    if one.claims is None:
        return []
    heartbeat = status.newest_heartbeat(found, one.region)
    if heartbeat is None or heartbeat.age(now) > MOST_SECONDS:
        return ["has no fresh heartbeat"]
    return ["did not process its canary in time"] if heartbeat.numbers.get("canary_seconds", 0.0) < 0 else []


def _and(faults: list[str]) -> str:
    return " and ".join(faults)
