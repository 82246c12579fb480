"""Check observers, alarms and health checks against the plan's faults, not against their own reports."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from handlers.shared.object_keys import CANARY_SOURCE
from simulation.chance import Shape
from simulation.checks import Accepted, Judged, canary_ids, holds_records
from simulation.health_checks import HealthChecks
from simulation.plan import PRIMARY, REGIONS, SECONDARY, Kind, Plan, Watch
from simulation.regions import Region
from simulation.scheduler import EPOCH
from simulation.world import World, alive

_SEES_SECONDS: Final = 345.0
"""Seconds within which three runs of an observer, a minute apart, and its alarm detect a lasting fault; one run may fail. An
observer that waits until a heartbeat in its own replica is old needs two minutes more."""
_SILENT_SECONDS: Final = {"observer-silent": 480.0, "unreconciled": 3 * 900.0 + 180.0}
"""Seconds within which a silent schedule sets off an alarm; CloudWatch replaces missing datapoints by older ones until
then."""
_FIRST_SIGHT_SECONDS: Final = 100.0
"""Seconds, shorter than three consecutive runs, a minute apart."""
_PROMOTES_SECONDS: Final = _SEES_SECONDS + 300.0
"""Seconds within which a secondary that may promote itself does so, even if one or two runs fail."""
_MISSED_SECONDS: Final = 900.0 + 3600.0 + 2 * 300.0 + 900.0
"""Seconds within which the reconciler finds a missing object and its alarm is in ALARM: an object's grace, the pause between
two walks, two runs, and the alarm's period."""
_MISSED_EVERY: Final = 300
"""Seconds between two searches for missing objects."""
_ACTED_SECONDS: Final = 900.0
_YOUNG_SECONDS: Final = 60.0
"""Age of a message at the decision for which a failback does not wait."""
FAILBACK_SECONDS: Final = 1260.0
"""Seconds without faults within which the checks of a failback pass: the longest lag, and two runs of the reconcilers."""
_ILL: Final = (Kind.DESTROY, Kind.BLACKOUT, Kind.PARTITION, Kind.STALL, Kind.OUTAGE, Kind.SILENCE)

_LOSES_METRICS: Final = (
    Kind.CRASH_BEFORE,
    Kind.CRASH_AFTER,
    Kind.DESTROY,
    Kind.BLACKOUT,
    Kind.STALL,
    Kind.EXPIRED,
    Kind.REDRIVE,
)
Interval = tuple[Kind, float, float]
"""A fault of a region with its beginning and end, in seconds since the beginning of the history."""


def troubles(plan: Plan, region: str) -> list[Interval]:
    """Return the plan's faults of a region; all except its destruction end at the horizon."""
    found: list[Interval] = []
    for fault in plan.faults:
        if fault.kind is Kind.DESTROY and fault.region == region:
            found.append((fault.kind, fault.at, float("inf")))
        elif fault.kind in _ILL and (fault.region == region or fault.kind is Kind.PARTITION):
            found.append((fault.kind, fault.at, min(fault.at + fault.lasts, plan.horizon)))
    return found


@dataclass
class WatchedChecks:
    """The checks in each minute of a watched history and at its end."""

    history: Judged
    health_checks: HealthChecks
    violations: list[tuple[str, str]] = field(default_factory=list)
    _troubles: dict[str, list[Interval]] = field(init=False)
    _claim: str = ""
    _missing_since: dict[tuple[str, str], float] = field(default_factory=dict)
    _broken: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._troubles = {name: troubles(self.history.plan, name) for name in REGIONS}

    @property
    def _has_observers(self) -> bool:
        return self.history.plan.watch is Watch.OBSERVERS

    def look(self, region: Region) -> None:
        """Check a region after the evaluation of its alarms."""
        seconds = self.history.world.now - EPOCH
        if region.is_destroyed:
            return
        if self._has_observers:
            self._loss_is_seen(region, seconds)
            self._promotion_is_justified(region)
        self._silence_is_heard(region, seconds)
        if int(seconds) % _MISSED_EVERY < 60:  # noqa: PLR2004 - a minute
            self._missing_rings(region, seconds)

    def end(self) -> None:
        """Check the state at the end, long after the faults were healed."""
        world = self.history.world
        survivors = list(alive(world))
        for region in survivors:
            for detail in _ringing(self.history, region, is_peer_lost=world.peer(region).is_destroyed):
                self._break("no false alarm", detail)
            for detail in _quarantined(self.history, region):
                self._break("a quarantined object alarms", detail)
            for detail in _work(self.history, region):
                self._break("the reconciler's work ends", detail)
        self._one_is_active(survivors)
        if self._has_observers:
            self._clients_are_well(survivors)
            for region in survivors:
                for detail in _canaries(self.history, region):
                    self._break("a canary is not a user's record", detail)

    # --- a failback --------------------------------------------------------------------------------------------------

    def fails_back(self, region: Region, decided_at: float | None) -> None:
        """Check that nothing which is older than the decision is lost with the region that is left.

        Args:
            region: The region that becomes active.
            decided_at: When it was decided, in epoch seconds; None if it was refused until the end.
        """
        history, kinds = self.history, {one.kind for one in self.history.plan.faults}
        if decided_at is None:
            if Kind.UNREPLICATED not in kinds:  # what the other region alone holds refuses it for good
                self._break("a quiet platform allows a failback", f"to {region.name}: refused until the end")
            return
        for one in history.accepted:
            if one.version.arrived_at < decided_at and not (one.is_in(region) or holds_records(region, one)):
                self._break("a failback loses nothing", f"{one.upload.name} is not in {region.name}")
        for message in region.queue.values():
            seen = float(message.attributes.get("first_seen", {"stringValue": message.sent_at * 1000})["stringValue"]) / 1000
            waits = any(one.quoted_key in message.keys and not holds_records(region, one) for one in history.accepted)
            if waits and seen < decided_at - _YOUNG_SECONDS:
                self._break("a failback leaves no backlog", f"{message.about} waits in {region.name}")
        self._troubles[history.world.peer(region).name].append((Kind.DESTROY, history.world.now - EPOCH, float("inf")))

    # --- every minute ------------------------------------------------------------------------------------------------

    def _well_since(self, name: str, seconds: float) -> float | None:
        """Return the time since when a region has no fault, in seconds since the beginning; None if it has one."""
        ended = [0.0]
        for _, begins, ends in self._troubles[name]:
            if begins <= seconds < ends:
                return None
            if ends <= seconds:
                ended.append(ends)
        return max(ended)

    def _loss_is_seen(self, region: Region, seconds: float) -> None:
        well_since = self._well_since(region.name, seconds)
        peer = self.history.world.peer(region).name
        for kind, begins, ends in self._troubles[peer]:
            is_lost = kind in (Kind.DESTROY, Kind.BLACKOUT) and begins <= seconds < ends
            if not is_lost or well_since is None or seconds - max(begins, well_since) < _SEES_SECONDS:
                continue
            if region.cloudwatch.states.get("peer-unhealthy") != "ALARM":
                self._break("the loss of a region alarms in the other", f"{peer} is gone since {begins:g} s")
            is_late = seconds - max(begins, well_since) >= _PROMOTES_SECONDS
            if is_late and self.history.plan.auto_promote and peer == PRIMARY and _active(region) == PRIMARY:
                self._break("the secondary promotes itself", f"{peer} is gone since {begins:g} s")

    def _silence_is_heard(self, region: Region, seconds: float) -> None:
        for kind, begins, ends in self._troubles[region.name]:
            if kind is not Kind.SILENCE or not begins <= seconds < ends:
                continue
            others = [one for one in self._troubles[region.name] if one[0] is not kind and one[1] <= seconds]
            since = max([begins, *(end for _, _, end in others)])
            for resource, bound in _SILENT_SECONDS.items():
                is_watched = self._has_observers or resource == "unreconciled"
                if is_watched and seconds - since >= bound and region.cloudwatch.states.get(resource) != "ALARM":
                    self._break("silence alarms", f"{resource} of {region.name}: its schedule is silent since {begins:g} s")

    def _promotion_is_justified(self, region: Region) -> None:
        """Check that the observer claims only after the other region had faults for the time of three runs."""
        row = region.item(f"CONTROL#{region.name}", "ACTIVE") or {}
        claim = row.get("epoch", {}).get("N", "")
        if claim == self._claim or row.get("claimed_by", {}).get("S") != "observer":
            return
        self._claim = claim
        claimed_at = region.table[f"CONTROL#{region.name}", "ACTIVE"].written_at - EPOCH
        peer = self.history.world.peer(region).name
        both = [*self._troubles[peer], *(one for one in self._troubles[region.name] if one[0] is Kind.STALL)]
        since = [begins for _, begins, ends in both if begins < claimed_at and ends > claimed_at - 180]
        if not since or claimed_at - min(since) < _FIRST_SIGHT_SECONDS:
            ill = f"is ill since {min(since):g} s" if since else "is well"
            self._break("no region promotes itself too early", f"{region.name} claims at {claimed_at:g} s; {peer} {ill}")

    def _missing_rings(self, region: Region, seconds: float) -> None:
        """Check that an alarm is in ALARM for each object that is missing longer than the alarm's evaluation takes."""
        world, well_since = self.history.world, self._well_since(region.name, seconds)
        for one in self.history.accepted:
            place = (region.name, one.object_id)
            if well_since is None or not _is_missing(region, one):
                self._missing_since.pop(place, None)
                continue
            since = max(self._missing_since.setdefault(place, seconds), well_since)
            rings = any("ALARM" in one.cloudwatch.states.values() for one in alive(world))
            if seconds - since > _MISSED_SECONDS and not rings:
                self._break("missing data alarms", f"{one.upload.name} in {region.name} since {since:g} s")

    # --- at the end --------------------------------------------------------------------------------------------------

    def _one_is_active(self, survivors: list[Region]) -> None:
        actives = {region.name: _active(region) for region in survivors}
        names = {region.name for region in survivors}
        if len(set(actives.values())) > 1 or not set(actives.values()) <= names:
            self._break(
                "one region is active", ", ".join(f"{name} takes {active} for it" for name, active in actives.items())
            )
            return
        for region in survivors:
            for pk in region.partitions:
                result = region.item(pk, "RESULT") if pk.startswith("OBJ#") else None
                if (
                    result
                    and _age(self.history.world, result) < _ACTED_SECONDS
                    and result["region"]["S"] not in actives.values()
                ):
                    self._break("one region is active", f"{pk}: RESULT of {result['region']['S']}")

    def _clients_are_well(self, survivors: list[Region]) -> None:
        names = {region.name for region in survivors}
        if (answer := self.health_checks.answer()) not in names:
            self._break("clients reach a working region", f"Route 53 answers {answer}")
        elif len(names) > 1 and answer != PRIMARY:
            self._break("clients return", f"Route 53 answers {answer}")

    def _break(self, invariant: str, detail: str) -> None:
        if (invariant, detail) not in self._broken:
            self._broken.add((invariant, detail))
            self.violations.append((invariant, detail))


def _is_missing(region: Region, one: Accepted) -> bool:
    """Return whether an object in a region's bucket lacks its RESULT there, or some of its records."""
    if not one.is_in(region):
        return False
    result = region.item(f"OBJ#{one.object_id}", "RESULT")
    return result is None or len(region.records.get(one.object_id, ())) < int(result["accepted"]["N"])


def _ringing(history: Judged, region: Region, *, is_peer_lost: bool) -> Iterator[str]:
    """Yield the alarms in ALARM without a lasting reason."""
    reasons = {
        "dlq-depth": bool(region.dead),
        "digest-mismatch": any(one.kind is Kind.LOSE_IN_REPLICA and one.amount for one in history.plan.faults),
        "peer-unhealthy": is_peer_lost,
        "unreconciled": _listed(region) > 0 and not list(_work(history, region)),
        # Events of these shapes often take longer than the minute after which the observer judges a canary.
        "canary-failed": history.plan.lags in {Shape.UNIFORM, Shape.BIMODAL},
    }
    for resource, state in sorted(region.cloudwatch.states.items()):
        if state == "ALARM" and not reasons.get(resource):
            yield f"{resource} of {region.name}"


def _listed(region: Region) -> int:
    row = region.item(f"RECONCILER#{region.name}", "LATEST")
    return int(row["work"]["N"]) if row else 0


def _work(history: Judged, region: Region) -> Iterator[str]:
    """Yield the objects that the reconciler lists although they are present and no fault changed them."""
    row = region.item(f"RECONCILER#{region.name}", "LATEST")
    if not row or not int(row["work"]["N"]):
        return
    for one in history.accepted:
        if one.object_id in row["notes"]["S"] and one.is_in(region) and one.object_id not in history.meddled:
            yield f"{one.upload.name} in {region.name}"


def _quarantined(history: Judged, region: Region) -> Iterator[str]:
    """Yield each object that a region quarantined without an alarm, unless a fault lost metrics or dead letters."""
    if any(fault.kind in _LOSES_METRICS for fault in history.plan.faults):
        return
    for one in history.accepted:
        result = region.item(f"OBJ#{one.object_id}", "RESULT") or {}
        if result.get("state") == {"S": "QUARANTINED"} and result["region"]["S"] == region.name:
            for resource in sorted({"quarantined", "dlq-depth"} - region.cloudwatch.rang):
                yield f"{one.upload.name} in {region.name}: {resource}"


def _canaries(history: Judged, region: Region) -> Iterator[str]:
    """Yield traits that make a canary look like a user's file, or the reverse."""
    canaries = canary_ids(history.world)
    for one in history.accepted:
        if one.object_id in canaries:
            yield f"{one.upload.name} has the identity of a canary in {region.name}"
    for pk in sorted(region.partitions):
        kind, _, rest = pk.partition("#")
        if kind not in ("OBJ", "REC"):
            continue
        is_canary = rest.partition("#")[0] in canaries
        for item in region.partition(pk):
            if kind == "OBJ" and item["sk"]["S"] != "RESULT":
                continue
            where = f"{pk} {item['sk']['S']} in {region.name}"
            if is_canary and "expires_at" not in item:
                yield f"{where} is a canary's and never expires"
            is_of_canary = item.get("source", {}).get("S") == CANARY_SOURCE or "canary" in item.get("record", {}).get(
                "M", {}
            )
            if is_of_canary and not is_canary:
                yield f"{where} holds a canary's content"


def _active(region: Region) -> str:
    """Return the active region by a region's replica: the highest epoch, or the primary of equals."""
    epochs = {name: int((region.item(f"CONTROL#{name}", "ACTIVE") or {}).get("epoch", {"N": "0"})["N"]) for name in REGIONS}
    return SECONDARY if epochs[SECONDARY] > epochs[PRIMARY] else PRIMARY


def _age(world: World, result: dict[str, dict[str, str]]) -> float:
    return world.now - datetime.fromisoformat(result["processed_at"]["S"]).timestamp()
