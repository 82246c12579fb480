"""The invariants at the end of a history, checked against the world and not against the handlers' reports."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol
from urllib.parse import quote_plus, unquote_plus

from handlers.shared.object_keys import CANARIES, digest, object_identity
from simulation.handlers_in_world import ids_of_file, says_durable
from simulation.plan import CALL_FAULTS, Kind, Plan, Upload
from simulation.regions import Queued, Region, Version
from simulation.scheduler import EPOCH
from simulation.world import World, alive

_LOOK_SECONDS: Final = 900.0
"""Seconds, longer than the longest delay between two deliveries of a waiting message."""
_LISTED_SECONDS: Final = 800.0
"""Seconds, before the reconciler's first walk through the table, half an hour after the beginning."""
_OBJECTS_A_RUN: Final = 50
"""Maximum objects of a reconciler's run, which ends after 20 seconds. A walk through more would outlast the history."""
LIVE_MESSAGES: Final = 8
"""Maximum copies of a sent message on a queue at one time: one for each put-back between two notes.

Only every eighth put-back is noted; until then each crash after a send leaves one more copy. The maximum is not proven,
because two copies can have the same count. Measured in 30 waits of 2 hours at 1 % crashes: 5 objects had 9 to 16 messages;
without notes, 4 of the waits had 3,228 to 4,106.
"""


@dataclass
class Accepted:
    """An object that the issuer accepted from a client, with the version of its first put."""

    upload: Upload
    object_id: str
    version: Version
    region: str

    def __post_init__(self) -> None:
        self.quoted_key = quote_plus(self.version.key, safe="/")
        self._expected: dict[int, dict[int, dict[str, Any]]] = {}

    def expected(self, version: int) -> dict[int, dict[str, Any]]:
        """Return the file's records under a transform, by ordinal; none if it cannot be read."""
        if version not in self._expected:
            self._expected[version] = _expected(self.upload, version)
        return self._expected[version]

    def is_in(self, region: Region) -> bool:
        """Return whether a region's bucket holds the object. Every version of an upload is the same object."""
        key, version_id = self.version.key, self.version.version_id
        return (key, version_id) in region.ingest or (not self.upload.direct and any(one == key for one, _ in region.ingest))


class Judged(Protocol):
    """The part of a history that the checks read."""

    plan: Plan
    world: World
    accepted: list[Accepted]
    most_messages: dict[str, int]
    meddled: set[str]
    extra_puts: int
    rotations: int


def is_seldom(plan: Plan) -> bool:
    """Return whether the reconcilers run every half hour instead of on their own schedule."""
    return len(plan.uploads) <= _OBJECTS_A_RUN and not plan.watch


def check(history: Judged) -> Iterator[tuple[str, str]]:
    """Yield each broken invariant with its cause."""
    survivors = list(alive(history.world))
    archived = {key for region in survivors for key in region.archive}
    for region in survivors:
        keys = {key for key, _ in region.ingest}
        waiting = [one for one in history.accepted if _waits(history, one, region)]
        yield from _files(history, region)
        for accepted in history.accepted:
            if accepted not in waiting:
                yield from _object(accepted, region, keys, archived)
                yield from _noted(history, accepted, region)
            yield from _unfinished(accepted, region)
        yield from _strangers(history, region)
        yield from _secret(region)
        left = [one for one in region.queue.values() if not any(each.quoted_key in one.body for each in waiting)]
        if left:
            yield "the queue empties", f"{region.name}: {len(left)} messages are left"
        if region.dead:
            yield from _dead_letters(history, region)
    for name, most in sorted(history.most_messages.items()):
        sent = sum(1 + one.upload.twin for one in history.accepted) + len(history.plan.faults)
        sent += history.extra_puts
        if most > LIVE_MESSAGES * sent:
            yield "the shadow queue is bounded", f"{name}: {most} messages at a time of {len(history.accepted)} objects"
    for accepted in history.accepted:
        yield from _archived_content(accepted, survivors)
    yield from _unrepaired(history, survivors)
    yield from _reprocessed(history, survivors)
    if len(survivors) > 1:
        yield from _replicas(history, survivors)
        yield from _says_nothing_durable(history, survivors)


def overdue(history: Judged) -> Iterator[tuple[str, str]]:
    """Yield each object that has waited too long in a region without RESULT, and has no dead letter with a note.

    The reconciler may have sent it again just before the limit, so it may wait twice as long.
    """
    world = history.world
    is_purged = any(fault.kind is Kind.LOSE_MESSAGES for fault in history.plan.faults)
    for accepted in [] if is_purged else history.accepted:
        for region in alive(world):
            held = region.ingest.get((accepted.version.key, accepted.version.version_id))
            if held is None or world.now - held.arrived_at < 2 * history.plan.overdue + _LOOK_SECONDS:
                continue
            identity = accepted.object_id
            if region.item(f"OBJ#{identity}", "RESULT"):
                continue
            if identity not in region.letters or f"quarantined/{identity}.overdue.json" not in region.archive:
                yield "what waits too long is a dead letter", f"{accepted.upload.name} in {region.name}"


def failed(region: Region, message: Queued) -> Iterator[tuple[str, str]]:
    """Yield each object of a message that has failed for the last time and has no note in the archive."""
    records = json.loads(message.body)["Records"]
    for stored in filter(None, map(_stored, records)):
        identity = object_identity("ingest", unquote_plus(stored["key"]), stored["versionId"])
        if f"quarantined/{identity}.last-receive.json" not in region.archive:
            yield "the last delivery leaves a note", f"{region.name}: {stored['key']}"


def holds_records(region: Region, accepted: Accepted) -> bool:
    """Return whether a replica holds RESULT and exactly the file's records."""
    result = region.item(f"OBJ#{accepted.object_id}", "RESULT")
    return result is not None and _records(region, accepted.object_id) == accepted.expected(_version(result))


def durable(history: Judged) -> Iterator[tuple[str, str]]:
    """Yield objects that an issuer reports as durable but that are not in both regions, while both are alive."""
    regions = list(alive(history.world))
    if len(regions) < len(history.world.regions):
        return
    keys = {region.name: {key for key, _ in region.ingest} for region in regions}
    for accepted in history.accepted:
        identity, key = accepted.object_id, accepted.version.key
        if identity in history.meddled:
            continue  # S3 does not withdraw COMPLETED, and a replica's note holds until the reconciler looks
        for region in regions:
            result = region.item(f"OBJ#{identity}", "RESULT")
            records = accepted.expected(_version(result)) if result else None
            missing: list[str] = []
            for other in regions:
                if key not in keys[other.name]:
                    missing.append(f"{other.name} has no copy of the object")
                is_right = records is None or _records(other, identity) == records
                if not (
                    is_right or _withdraws(history, region, other, result) or _overtaken(history, accepted, other, result)
                ):
                    missing.append(f"{other.name} does not hold its records")
            if missing and says_durable(history.world, region, identity, key):  # a durable object may be reported as durable
                for what in missing:
                    yield "durable never lies", f"{accepted.upload.name}: {region.name} says so, and {what}"


def _withdraws(history: Judged, region: Region, other: Region, result: Any) -> bool:  # noqa: ANN401 - a row
    """Return whether the other region has withdrawn its note of a RESULT, and the withdrawal has not arrived in this one.

    This region answers by the note that it sees. Both buckets hold the object, and either region makes its records again.
    """
    is_asked = any(fault.kind is Kind.REPROCESS for fault in history.plan.faults)
    place, version = (result["pk"]["S"], f"REPLICA#{other.name}"), result.get("processing_version")
    own, seen = ((one.item(*place) or {}).get("settled_version") for one in (other, region))
    return is_asked and own != version == seen


def _overtaken(history: Judged, accepted: Accepted, region: Region, result: Any) -> bool:  # noqa: ANN401 - a row
    """Return whether only records that replicated after the region's note differ from those of a RESULT.

    Either the other region reprocesses the object, and its withdrawal has not arrived here; or both regions have written the
    object, in two versions. Items replicate in no order, so no condition prevents it.
    """
    peer = history.world.peer(region)
    is_contested = {Kind.PROMOTE, Kind.DEPLOY} <= {one.kind for one in history.plan.faults}
    is_contested = is_contested or _withdraws(history, region, peer, result)
    note = region.table.get((result["pk"]["S"], f"REPLICA#{region.name}"))
    if not is_contested or note is None:
        return False
    wanted, held = accepted.expected(_version(result)), _records(region, accepted.object_id)
    for place in wanted.keys() | held.keys():
        if wanted.get(place) == held.get(place):
            continue
        key = (f"REC#{accepted.object_id}#{place // 1000:06d}", f"{place:012d}")
        entry = region.table.get(key)
        if entry is None or entry.stamp[2] == region.name or entry.written_at < note.written_at:
            return False
    return True


def acknowledged(history: Judged, region: Region, message: Queued) -> Iterator[tuple[str, str]]:
    """Yield each record of an acknowledged message that has no trace in its region any more.

    Its object must be settled here, noted as gone, or in another message of the queue or a dead letter of its own. A record
    without an object must be in the archive and among the dead letters. After a purge of the queue, an older copy of a
    message may end without the newer one; the reconciler finds its object.
    """
    records = json.loads(message.body).get("Records", [])
    is_purged = any(fault.kind is Kind.LOSE_MESSAGES for fault in history.plan.faults)
    for place, record in enumerate(records):
        stored = _stored(record)
        if stored is None:
            refused = digest("message", f"message-{message.number}") + (f"-{place}" if len(records) > 1 else "")
            if refused not in region.letters or f"quarantined/{refused}.json" not in region.archive:
                yield "a refused record has its note and its dead letter", f"{region.name}: message {message.number}"
        elif not is_purged:
            yield from _stands(history, region, message, stored)


def _stored(record: object) -> dict[str, Any] | None:
    """Return the object in S3's record of a creation; None if there is none."""
    if not isinstance(record, dict) or not str(record.get("eventName")).startswith("ObjectCreated:"):
        return None
    stored: dict[str, Any] = record["s3"]["object"]
    return stored if stored["key"].startswith("incoming/") else None


def _stands(history: Judged, region: Region, message: Queued, stored: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for accepted in history.accepted:
        is_named = accepted.quoted_key == stored["key"]
        if not is_named or (accepted.upload.direct and accepted.version.version_id != stored["versionId"]):
            continue
        if message.receives > 1 and holds_records(region, accepted):
            continue  # another invocation has the same message, and may have unsettled the object to look at it anew
        identity = accepted.object_id
        is_noted = is_settled(region, identity) or _is_noted_as_gone(region, identity)
        if not is_noted and not _is_queued(region, stored, identity):
            yield (
                "a message is acknowledged for what is settled, queued or gone",
                f"{accepted.upload.name} in {region.name}: message {message.number}, and nothing is left",
            )


def _is_noted_as_gone(region: Region, identity: str) -> bool:
    return "gone" in (region.item(f"OBJ#{identity}", f"ATTEMPT#{region.name}") or {})


def _is_queued(region: Region, stored: dict[str, Any], identity: str) -> bool:
    key = stored["key"]
    if any(key in one.keys for one in region.queue.values()):
        return True
    letters = (one for one in region.dead.values() if key in one.keys)  # of SQS, without an object id, or of the processor
    return any(one.attributes.get("object_id", {"stringValue": identity})["stringValue"] == identity for one in letters)


def _expected(upload: Upload, version: int) -> dict[int, dict[str, Any]]:
    if upload.is_unreadable:
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
    state = "QUARANTINED" if upload.is_unreadable else "COMPLETED"
    if result["state"]["S"] != state:
        yield "RESULT says what the file is", f"{where}: {result['state']['S']}, expected {state}"
        return
    records = _records(region, identity)
    version = _version(result)
    wanted = accepted.expected(version)
    accepted_count, rejected = int(result["accepted"]["N"]), int(result["rejected"]["N"])
    if not upload.is_unreadable and accepted_count + rejected != len(upload.records):
        yield "every record is counted", f"{where}: {accepted_count} + {rejected} of {len(upload.records)} records"
    if accepted_count != len(wanted):
        yield "RESULT says what the file is", f"{where}: {accepted_count} accepted, expected {len(wanted)}"
    yield from _facts(accepted, result, wanted, where)
    yield from _archive(archived, identity, where, is_damaged=upload.is_unreadable, rejected=rejected)
    yield from _compare(where, wanted, records)


def _files(history: Judged, region: Region) -> Iterator[tuple[str, str]]:
    """Yield each object with a RESULT that the issuer does not find by its file's key."""
    for accepted in history.accepted:
        result = region.item(f"OBJ#{accepted.object_id}", "RESULT")
        if result and accepted.object_id not in ids_of_file(history.world, region, result["file_key"]["S"]):
            yield "a file is found by its key", f"{accepted.upload.name} in {region.name}"


def _facts(
    accepted: Accepted, result: dict[str, Any], wanted: dict[int, dict[str, Any]], where: str
) -> Iterator[tuple[str, str]]:
    """Compare the attributes and the digest of RESULT with the file."""
    upload, version, identity = accepted.upload, accepted.version, accepted.object_id
    put_at = int(version.created_at) if upload.direct else _issued_at(version.key)
    received = f"{datetime.fromtimestamp(put_at, UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    facts = {
        "source": {"S": "ingest" if upload.direct else "simulation"},
        "file_key": {"S": f"{upload.name}.{'json' if upload.damaged else 'ndjson'}"},
        "object_key": {"S": version.key},
        "size": {"N": str(len(version.body))},
        "effect_digest": {"S": _effect_digest(accepted.object_id, wanted)},
        "records": {"N": str(int(result["accepted"]["N"]) + int(result["rejected"]["N"]))},
        "received_at": {"S": received},
        "file_order": {"S": f"{received}#{identity}"},
        "state_order": {"S": f"{received}#{identity}"},
        "state_hour": {"S": f"{result['state']['S']}#{received[:13]}#{int(identity[:8], 16) % 4:02d}"},
        "version_id": {"S": version.version_id} if upload.direct else result["version_id"],
    }
    for name, value in facts.items():
        if result.get(name) != value:
            yield "RESULT says what the file is", f"{where}: {name} is {result.get(name)}, expected {value}"


def _issued_at(key: str) -> float:
    """Return the epoch seconds of the upload id in a key, which begins with the milliseconds in hexadecimal."""
    upload_id = key.split("/")[3]
    return int(upload_id[:8] + upload_id[9:13], 16) / 1000


def _effect_digest(identity: str, records: dict[int, dict[str, Any]]) -> str:
    """Return the digest that docs/data.md defines, without the handlers' code."""
    total = 0
    for ordinal, record in records.items():
        text = json.dumps({"M": record}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        content = f"REC#{identity}#{ordinal // 1000:06d}\0{ordinal:012d}\0{text}".encode()
        total += int.from_bytes(hashlib.sha256(content).digest(), "big")
    return f"{total % (1 << 256):064x}"


def _unfinished(accepted: Accepted, region: Region) -> Iterator[tuple[str, str]]:
    """Find an attempt of this region that is unfinished or has a checkpoint, although its RESULT is settled here."""
    attempt = region.item(f"OBJ#{accepted.object_id}", f"ATTEMPT#{region.name}") or {}
    is_listed = attempt.get("state_hour", {"S": ""})["S"].startswith("UNFINISHED") or "checkpoint" in attempt
    if is_listed and is_settled(region, accepted.object_id):
        yield "no processed object is listed as unfinished", f"{accepted.upload.name} in {region.name}"


def _unrepaired(history: Judged, survivors: list[Region]) -> Iterator[tuple[str, str]]:
    """Yield objects that were lost with a region, cannot be repaired, and are not listed by the survivor's reconciler."""
    lost = [one.at for one in history.plan.faults if one.kind is Kind.DESTROY]
    if len(survivors) > 1 or not lost or lost[0] > _LISTED_SECONDS or not is_seldom(history.plan):
        return  # a walk through the table that began earlier left out what was too young; the next begins a week later
    (region,) = survivors
    listed = _listed(region)
    for accepted in history.accepted:
        identity = accepted.object_id
        has_rows = region.item(f"OBJ#{identity}", "RESULT") or region.records.get(identity)
        if has_rows and not accepted.is_in(region) and not holds_records(region, accepted) and identity not in listed:
            yield "what nobody can repair is listed", f"{accepted.upload.name} in {region.name}"


def _reprocessed(history: Judged, survivors: list[Region]) -> Iterator[tuple[str, str]]:
    """Yield objects that still have the old version, although an operator reprocessed them under a new transform."""
    faults = history.plan.faults
    asked = next((one for one in faults if one.kind is Kind.REPROCESS), None)
    spoils = (Kind.PROMOTE, Kind.DESTROY, Kind.BLACKOUT, Kind.LOSE_MESSAGES, Kind.EXPIRED, *CALL_FAULTS)
    if asked is None or any(one.kind in spoils for one in faults):
        return
    deployed = [one for one in faults if one.kind is Kind.DEPLOY]
    for accepted in history.accepted:
        for region in survivors if len(deployed) == len(survivors) else ():
            result = region.item(f"OBJ#{accepted.object_id}", "RESULT")
            held = region.ingest.get((accepted.version.key, accepted.version.version_id))
            held = held if accepted.is_in(history.world.regions[asked.region]) else None  # the command lists that bucket
            if result and held and held.arrived_at < EPOCH + asked.at - 60 and _version(result) < deployed[0].amount:
                yield "what is reprocessed has the new version", f"{accepted.upload.name} in {region.name}"


def _noted(history: Judged, accepted: Accepted, region: Region) -> Iterator[tuple[str, str]]:
    """Compare the region's note about its replica with the replica."""
    where = f"{accepted.upload.name} in {region.name}"
    if is_settled(region, accepted.object_id):
        is_listed = any(_waits(history, accepted, one) for one in history.world.regions.values())
        if not holds_records(region, accepted) and not is_listed:
            yield "what is noted as settled is there", where
    elif accepted.is_in(region) and accepted.object_id not in history.meddled:
        yield "what a region holds is settled there", where


def is_settled(region: Region, object_id: str) -> bool:
    """Return whether a region has noted that its replica holds every record of the RESULT that it holds."""
    pk = f"OBJ#{object_id}"
    result, replica = region.item(pk, "RESULT"), region.item(pk, f"REPLICA#{region.name}")
    return (
        result is not None
        and replica is not None
        and replica.get("settled_digest") == result["effect_digest"]
        and replica.get("settled_version") == result.get("processing_version")
    )


def _says_nothing_durable(history: Judged, regions: list[Region]) -> Iterator[tuple[str, str]]:
    """Find objects that are complete in both regions and not reported as durable; the issuer knows uploads only.

    It asks for the newest version. If S3 never replicated that one, an older version in both buckets does not count.
    """
    for accepted in history.accepted:
        identity, key = accepted.object_id, accepted.version.key
        if accepted.upload.direct or identity in history.meddled:
            continue
        for region in regions:
            is_whole = all(is_settled(one, identity) and accepted.is_in(one) for one in regions)
            failed = any(held == key and one.replication == "FAILED" for (held, _), one in region.ingest.items())
            if is_whole and not failed and not says_durable(history.world, region, identity, key):
                yield "what both regions hold is durable", f"{accepted.upload.name}: {region.name} does not say so"


def _archived_content(accepted: Accepted, survivors: list[Region]) -> Iterator[tuple[str, str]]:
    """Compare the archives with the file: the rejected lines of one of the transforms, or the whole object."""
    upload, identity = accepted.upload, accepted.object_id
    rejected = [[n for n in range(len(upload.records)) if n not in accepted.expected(version)] for version in (1, 2)]
    for region in survivors:
        lines = region.archive.get(f"rejected/{identity}.ndjson")
        if lines is not None and [json.loads(line)["ordinal"] for line in lines.splitlines()] not in rejected:
            yield (
                "rejected lines are in an archive",
                f"{upload.name} in {region.name}: {lines[:100]!r} is not what was rejected",
            )
        copy, note = (region.archive.get(f"quarantined/{identity}{rest}") for rest in ("/object", ".json"))
        if copy is not None and copy != accepted.version.body:
            yield "a quarantined object has its note and its copy", f"{upload.name} in {region.name}: the copy is not it"
        if note is not None and not json.loads(note).get("reason"):
            yield "a quarantined object has its note and its copy", f"{upload.name} in {region.name}: the note has no reason"


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
    """Return the records of an object in a replica, by ordinal."""
    return {int(item["ordinal"]["N"]): item["record"]["M"] for item in region.records.get(identity, {}).values()}


def canary_ids(world: World) -> set[str]:
    """Return the identities of the canaries in all buckets, including lost ones."""
    objects = (place for region in world.regions.values() for place in region.ingest)
    return {object_identity("ingest", key, version) for key, version in objects if key.startswith(CANARIES)}


def _secret(region: Region) -> Iterator[tuple[str, str]]:
    """Find versions of the secret with the same key."""
    versions = set(region.secret.stages.values())
    keys = {region.secret.values.get(version) for version in versions}
    if len(keys) < len(versions):
        yield "a rotation makes a new key", f"{region.name}: {len(versions)} versions hold {len(keys)} keys"


def _strangers(history: Judged, region: Region) -> Iterator[tuple[str, str]]:
    known = {one.object_id for one in history.accepted} | canary_ids(history.world)
    for object_id, records in region.records.items():
        if records and object_id not in known:
            pk, sk = next(iter(records))
            yield "no record comes from nowhere", f"{region.name}: {pk} {sk}"
            return


def _dead_letters(history: Judged, region: Region) -> Iterator[tuple[str, str]]:
    """Yield the dead letters of objects that are neither quarantined, nor deleted before all their records were here.

    The processor names the object or the refused record; a message that SQS moved has only its body.
    """
    expected = [one for one in history.accepted if one.upload.is_unreadable or one.object_id in history.meddled]
    ids, keys = {one.object_id for one in expected}, {one.quoted_key for one in expected}
    for message in region.dead.values():
        attributes = {name: value["stringValue"] for name, value in message.attributes.items()}
        if attributes.get("fault") == "not_an_s3_event" or attributes.get("object_id") in ids:
            continue
        named = [stored["key"] for one in json.loads(message.body)["Records"] if (stored := _stored(one))]
        if "fault" in attributes or not keys.intersection(named):
            yield "no message dies", f"{region.name}: {', '.join(named)} is in the dead-letter queue"


def _replicas(history: Judged, survivors: list[Region]) -> Iterator[tuple[str, str]]:
    first, second = survivors
    under_way = history.world.now - history.world.longest_lag
    waiting = {one.object_id for one in history.accepted for region in survivors if _waits(history, one, region)}
    for key in sorted(first.table.keys() | second.table.keys()):
        held = [region.item(*key) for region in survivors]
        if any(key in region.table and region.table[key].written_at > under_way for region in survivors):
            continue  # a reconciler's row, which is written until the end
        if held[0] != held[1] and key[0].partition("#")[2].partition("#")[0] not in waiting:
            yield "replicas converge", f"{key[0]} {key[1]} differs between {first.name} and {second.name}"
            return


def _waits(history: Judged, accepted: Accepted, region: Region) -> bool:
    """Return whether an object may lack records in a passive region, a limit of the platform that the reconciler lists.

    The region's replica alone lost or changed a record after another transform was deployed. The region cannot make the
    records of RESULT's version again, and the active region, whose records are complete, does not write them again. If S3
    never replicated the object, that region alone holds it: the records may then be missing in both regions. If the object
    was deleted in the region, only the weekly walk through its table finds the record, after the end of the history.
    """
    alone, where = {Kind.LOSE_IN_REPLICA, Kind.CHANGE_IN_REPLICA}, (region.name, accepted.upload.name)
    if any(one.kind in alone and (one.region, one.name) == where for one in history.plan.faults) and not accepted.is_in(
        region
    ):
        return True
    result = region.item(f"OBJ#{accepted.object_id}", "RESULT")
    if accepted.object_id not in history.meddled or result is None or _version(result) == region.transform_version:
        return False
    return accepted.object_id in _listed(region)


def _listed(region: Region) -> str:
    """Return the text of all entries that a region's reconciler lists; empty if its alarm counts none."""
    row = region.item(f"RECONCILER#{region.name}", "LATEST")
    return str(row["notes"]["S"]) if row and row["work"]["N"] != "0" else ""
