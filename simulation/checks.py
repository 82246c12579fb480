"""The invariants: what must hold when a history has ended, found from the world alone and not from the handlers' word."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from handlers.shared.object_keys import CANARIES, object_identity
from simulation.handlers_in_world import says_durable
from simulation.plan import Plan, Upload
from simulation.regions import Region, Version
from simulation.world import World, alive

LIVE_MESSAGES: Final = 8
"""Copies of a message that may be on a queue at one time, for each one sent: one for each put-back between two notes.

Only every eighth put-back is noted; until then each crash after a send leaves a copy more. It is no proven maximum, for
two copies can have one count. Measured in 30 waits of 2 hours at 1 % crashes: 5 objects had 9 to 16 messages; in four of
them without notes, 3,228 to 4,106.
"""


@dataclass
class Accepted:
    """An object that the issuer accepted from a client.

    Attributes:
        upload: What it was.
        object_id: Its identity.
        version: As it was put first.
        region: Where.
    """

    upload: Upload
    object_id: str
    version: Version
    region: str


class Judged(Protocol):
    """What the checks read of a history."""

    plan: Plan
    world: World
    accepted: list[Accepted]
    most_messages: dict[str, int]
    meddled: set[str]
    extra_puts: int
    rotations: int


def check(history: Judged) -> Iterator[tuple[str, str]]:
    """Yield each invariant that does not hold, and what broke it."""
    survivors = list(alive(history.world))
    archived = {key for region in survivors for key in region.archive}
    for region in survivors:
        keys = {key for key, _ in region.ingest}
        for accepted in history.accepted:
            yield from _object(accepted, region, keys, archived)
        yield from _strangers(history, region)
        if region.queue:
            yield "the queue empties", f"{region.name}: {len(region.queue)} messages are left"
        if region.dead:
            yield from _dead_letters(history, region)
    for name, most in sorted(history.most_messages.items()):
        sent = sum(1 + one.upload.twin for one in history.accepted) + len(history.plan.faults)
        sent += history.extra_puts
        if most > LIVE_MESSAGES * sent:
            yield "the shadow queue is bounded", f"{name}: {most} messages at a time of {len(history.accepted)} objects"
    if len(survivors) > 1:
        yield from _replicas(survivors)


def holds_records(region: Region, accepted: Accepted) -> bool:
    """Return whether a replica holds RESULT and the very records that the file becomes."""
    result = region.item(f"OBJ#{accepted.object_id}", "RESULT")
    return result is not None and _records(region, accepted.object_id) == expected(accepted.upload, _version(result))


def durable(history: Judged) -> Iterator[tuple[str, str]]:
    """Yield what an issuer says is durable, and is not in both regions; both must be alive to say more than S3 does."""
    regions = list(alive(history.world))
    if len(regions) < len(history.world.regions):
        return
    keys = {region.name: {key for key, _ in region.ingest} for region in regions}
    for accepted in history.accepted:
        identity, key = accepted.object_id, accepted.version.key
        if identity in history.meddled:
            continue  # S3 does not unsay that it made a copy, and a replica's note holds until the reconciler looks
        for region in regions:
            result = region.item(f"OBJ#{identity}", "RESULT")
            records = expected(accepted.upload, _version(result)) if result else None
            missing: list[str] = []
            for other in regions:
                if key not in keys[other.name]:
                    missing.append(f"{other.name} has no copy of the object")
                if records is not None and _records(other, identity) != records:
                    missing.append(f"{other.name} does not hold its records")
            if missing and says_durable(history.world, region, identity, key):  # what is durable may be called so
                for what in missing:
                    yield "durable never lies", f"{accepted.upload.name}: {region.name} says so, and {what}"


def expected(upload: Upload, version: int) -> dict[int, dict[str, Any]]:
    """Return the records that a file becomes under a transform, by ordinal; none if it cannot be read."""
    if upload.damaged:
        return {}
    records: dict[int, dict[str, Any]] = {}
    for place, kind in enumerate(upload.records):
        if kind == "b" or (kind == "v" and version > 1):
            continue
        record = {"file": {"S": upload.name}, "n": {"N": str(place)}, "kind": {"S": kind}}
        records[place] = record | ({"changed": {"N": str(version)}} if kind == "w" and version > 1 else {})
    return records


def _object(accepted: Accepted, region: Region, keys: set[str], archived: set[str]) -> Iterator[tuple[str, str]]:
    upload, identity, version_put = accepted.upload, accepted.object_id, accepted.version
    is_here = (version_put.key, version_put.version_id) in region.ingest if upload.direct else version_put.key in keys
    result = region.item(f"OBJ#{identity}", "RESULT")
    where = f"{upload.name} in {region.name}"
    if result is None:
        if is_here:
            yield "no accepted object is lost", f"{where}: the object is in the bucket and has no RESULT"
        return
    if not is_here:
        return  # it was lost with the other region before S3 replicated it: RESULT has nothing to be repaired from
    state = "QUARANTINED" if upload.damaged else "COMPLETED"
    if result["state"]["S"] != state:
        yield "RESULT says what the file is", f"{where}: {result['state']['S']}, expected {state}"
        return
    records = _records(region, identity)
    version = _version(result)
    wanted = expected(upload, version)
    accepted_count, rejected = int(result["accepted"]["N"]), int(result["rejected"]["N"])
    if not upload.damaged and accepted_count + rejected != len(upload.records):
        yield "every record is counted", f"{where}: {accepted_count} + {rejected} of {len(upload.records)} records"
    if accepted_count != len(wanted):
        yield "RESULT says what the file is", f"{where}: {accepted_count} accepted, expected {len(wanted)}"
    yield from _archive(archived, identity, where, is_damaged=upload.damaged, rejected=rejected)
    yield from _compare(where, wanted, records)


def _archive(archived: set[str], identity: str, where: str, *, is_damaged: bool, rejected: int) -> Iterator[tuple[str, str]]:
    if is_damaged and not {f"quarantined/{identity}.json", f"quarantined/{identity}/object"} <= archived:
        yield "a quarantined object has its note and its copy", f"{where}: not in a surviving region"
    if rejected and f"rejected/{identity}.ndjson" not in archived:
        yield "rejected lines are in an archive", f"{where}: {rejected} rejected lines are in no surviving archive"


def _compare(where: str, wanted: dict[int, dict[str, Any]], records: dict[int, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    if missing := sorted(wanted.keys() - records.keys()):
        yield (
            "every record of a COMPLETED object is there",
            f"{where}: {len(missing)} of {len(wanted)} missing: {missing[:5]}",
        )
    if excess := sorted(records.keys() - wanted.keys()):
        yield "each record is there once", f"{where}: {len(excess)} too many: {excess[:5]}"
    if changed := [place for place in sorted(wanted.keys() & records.keys()) if wanted[place] != records[place]]:
        yield "no record is changed", f"{where}: {changed[:5]}"


def _version(result: dict[str, Any]) -> int:
    return int(result.get("processing_version", {"S": "v1"})["S"].removeprefix("v"))


def _records(region: Region, identity: str) -> dict[int, dict[str, Any]]:
    """Return the records that a replica holds of an object, by ordinal."""
    return {int(item["ordinal"]["N"]): item["record"]["M"] for item in region.records.get(identity, {}).values()}


def canary_ids(world: World) -> set[str]:
    """Return the identities of the canaries that any bucket took, a lost one included."""
    objects = (place for region in world.regions.values() for place in region.ingest)
    return {object_identity("ingest", key, version) for key, version in objects if key.startswith(CANARIES)}


def _strangers(history: Judged, region: Region) -> Iterator[tuple[str, str]]:
    known = {one.object_id for one in history.accepted} | canary_ids(history.world)
    for object_id, records in region.records.items():
        if records and object_id not in known:
            pk, sk = next(iter(records))
            yield "no record comes from nowhere", f"{region.name}: {pk} {sk}"
            return


def _dead_letters(history: Judged, region: Region) -> Iterator[tuple[str, str]]:
    """A dead letter is right where its object is quarantined, or was deleted while its records were not all here."""
    damaged = {one.version.key for one in history.accepted if one.upload.damaged or one.object_id in history.meddled}
    for message in region.dead.values():
        key = json.loads(message.body)["Records"][0]["s3"]["object"]["key"]
        if key not in damaged:
            yield "no message dies", f"{region.name}: {key} is in the dead-letter queue"


def _replicas(survivors: list[Region]) -> Iterator[tuple[str, str]]:
    first, second = survivors
    for key in sorted(first.table.keys() | second.table.keys()):
        held = [region.item(*key) for region in survivors]
        if held[0] != held[1]:
            yield "replicas converge", f"{key[0]} {key[1]} differs between {first.name} and {second.name}"
            return
