"""Negative controls: deliberate damage to the drill's own objects. A proof that does not find it proves nothing.

| control            | damage                                                                  | repair              |
|--------------------|-------------------------------------------------------------------------|---------------------|
| `duplicate`        | an upload's RESULT is copied to an identity made with the bucket's name | the copy is deleted |
| `withheld_replica` | in each region's bucket, an object's versions are deleted               | they are restored   |
| `tampered_row`     | through each region's replica, a record gets one more attribute         | it is removed       |
| `lost_receipt`     | a receipt is left out of the proof's input                              | nothing to repair   |
| `forged_receipt`   | a receipt in the proof's input is signed with another key               | nothing to repair   |
| `emptied_archive`  | in each region's archive, an object's entry is deleted                  | its marker is removed |
| `result_without_records` | through each region's replica, the records of an object are deleted | they are restored   |

Damage in each region must be found in the bucket or replica where it was done: a proof that reads one region twice finds
half of it. A global table replicates a tampered record, so that both replicas agree and only the effect digest reveals it.
Where the drill can withhold replication, the damage stays in one replica.

The receipts alone determine the damaged objects, and each repair works without knowledge of the earlier state. A killed
drill can therefore inject again, or repair, with the same outcome.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, NamedTuple

import jwt
from botocore.exceptions import ClientError

from drill.model import Finding, NegativeControl, NegativeControls, Proof
from drill.proof.rows import Row, count, text
from drill.proof.scope import ReceiptRow, Scope
from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.ledger import Ledger

NAMES: Final = (
    *("duplicate", "withheld_replica", "tampered_row", "lost_receipt"),
    *("forged_receipt", "emptied_archive", "result_without_records"),
)
SAMPLES: Final = "forged_samples"
"""The negative control of the samples, which the proof does not read."""
OBJECTS: Final = 10
"""Number of damaged objects: one duplicated, two by their receipts, one in both archives, and three in each region."""
_MOST_RECORDS: Final = 100
"""Maximum number of records of an object whose records are deleted, because the journal keeps them."""
MARK: Final = "lockstep_negative_control"
"""The attribute that is added to a tampered record."""

_BATCH: Final = 100
_THERE_ALREADY: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


@dataclass(frozen=True)
class Withheld:
    """An object that the bucket of `region` lacks and that of `origin` has."""

    region: str
    origin: str
    object_id: str
    key: str
    sha256: str


@dataclass(frozen=True)
class Tampered:
    """A record that is changed through the replica of `region`."""

    region: str
    object_id: str
    pk: str
    sk: str


@dataclass(frozen=True)
class Archived:
    """An entry that is deleted in the archive of `region`."""

    region: str
    object_id: str
    key: str
    content: str


@dataclass(frozen=True)
class Emptied:
    """An object whose records, with the given rows, are deleted through the replica of `region`."""

    region: str
    object_id: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Injected:
    """The damaged objects, and the place of each damage.

    Attributes:
        duplicate: The invented identity.
        duplicate_of: The object whose RESULT is copied.
        duplicate_in: The region whose replica gets the copy.
        withheld: One in each region.
        tampered: One in each region.
        lost_receipt: The object whose receipt is left out.
        forged_receipt: The object whose receipt is signed with another key.
        archived: The same entry in each region.
        emptied: One in each region.
        regions: The regions that are damaged.
    """

    duplicate: str
    duplicate_of: str
    duplicate_in: str
    withheld: tuple[Withheld, ...]
    tampered: tuple[Tampered, ...]
    lost_receipt: str
    forged_receipt: str = ""
    archived: tuple[Archived, ...] = ()
    emptied: tuple[Emptied, ...] = ()
    regions: tuple[str, ...] = ()

    @property
    def object_ids(self) -> dict[str, tuple[str, ...]]:
        """The objects whose findings reveal each control."""
        many = (self.withheld, self.tampered, self.archived, self.emptied)
        withheld, tampered, archived, emptied = (tuple(one.object_id for one in group) for group in many)
        receipts = (self.lost_receipt,), (self.forged_receipt,)
        return dict(zip(NAMES, ((self.duplicate,), withheld, tampered, *receipts, archived, emptied), strict=True))

    @property
    def all_object_ids(self) -> tuple[str, ...]:
        """All these objects."""
        return tuple(one for many in self.object_ids.values() for one in many)

    def receipts(self, receipts: Sequence[ReceiptRow]) -> list[ReceiptRow]:
        """Return the receipts for the proof: without the lost one, and with the forged one."""
        return [
            replace(one, signed=_forged(one.signed)) if one.object_id == self.forged_receipt else one
            for one in receipts
            if one.object_id != self.lost_receipt
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the journal's data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> Injected:
        """Read the data of `as_dict`, also after it was JSON."""
        lists = {
            "withheld": tuple(Withheld(**one) for one in held["withheld"]),
            "tampered": tuple(Tampered(**one) for one in held["tampered"]),
            "archived": tuple(Archived(**one) for one in held["archived"]),
            "regions": tuple(held["regions"]),
            "emptied": tuple(Emptied(**one | {"rows": tuple(one["rows"])}) for one in held["emptied"]),
        }
        return cls(**held | lists)


def choose(
    deployment: Deployment, scope: Scope, receipts: Sequence[ReceiptRow], *, regions: Sequence[str] | None = None
) -> Injected:
    """Return the damage that `inject` would do. A drill records it first, because it may be killed at any time.

    Args:
        deployment: The platform; both regions must answer.
        scope: The objects to choose from.
        receipts: The receipts of uploads that are processed and proved equal.
        regions: The regions that exist; both by default. With one region no replica is withheld, because nothing could
            restore it.
    """
    certain = sorted(
        (one for one in receipts if one.is_certain and one.source == scope.source and not one.version_id),
        key=lambda receipt: receipt.object_id,
    )
    chosen = tuple(regions or deployment.target.regions)
    archived = next((one for one in certain if one.rejected or one.is_unreadable), None)
    rest = [one for one in certain if one is not archived]
    with_records = list(itertools.islice(_with_a_record(deployment, chosen[0], rest), 4))
    tampered = {one.object_id for one, _ in with_records}
    others = [one for one in rest if one.object_id not in tampered][: OBJECTS - len(tampered) - 1]
    if archived is None or len(with_records) + len(others) + 1 < OBJECTS:
        raise RunFailure(
            f"The negative controls need {OBJECTS} processed objects of {scope.source}, four of them with a record, and one "
            f"that is archived; there are {len(certain)} receipts, and {len(with_records)} of four with a record.",
            hint="Drill with more objects: nox -s drill -- run --objects 100",
        )
    twice, lost, forged, *withheld = others
    origins = dict(zip(chosen, chosen[::-1], strict=True)) if len(chosen) > 1 else {}
    return Injected(
        duplicate=_made_up(twice, deployment.ingest_bucket(chosen[-1])),
        duplicate_of=twice.object_id,
        duplicate_in=chosen[0],
        withheld=tuple(
            Withheld(region, origin, one.object_id, one.object_key, one.sha256)
            for (region, origin), one in zip(origins.items(), withheld, strict=False)
        ),
        tampered=tuple(
            Tampered(region, one.object_id, *keys) for region, (one, keys) in zip(chosen, with_records[:2], strict=False)
        ),
        lost_receipt=lost.object_id,
        forged_receipt=forged.object_id,
        archived=tuple(_archived(deployment, region, archived) for region in chosen),
        emptied=tuple(
            Emptied(region, one.object_id, tuple(_record_rows(deployment, region, one.object_id)))
            for region, (one, _) in zip(chosen, with_records[2:], strict=False)
        ),
        regions=chosen,
    )


def inject(deployment: Deployment, injected: Injected) -> None:
    """Do the chosen damage. The call is idempotent."""
    _duplicate(deployment, injected)
    for withheld in injected.withheld:
        _withhold(deployment, withheld)
    for tampered in injected.tampered:
        _tamper(deployment, tampered)
    for entry in injected.archived:
        deployment.client("s3", entry.region).delete_object(Bucket=deployment.archive_bucket(entry.region), Key=entry.key)
    for emptied in injected.emptied:
        client, table = deployment.client("dynamodb", emptied.region), deployment.table(emptied.region)
        for row in emptied.rows:
            client.delete_item(TableName=table, Key={"pk": row["pk"], "sk": row["sk"]})


def find(injected: Injected, proof: Proof) -> NegativeControls:
    """Return the controls that a proof has found: each part with the right kind, object and source."""
    controls = tuple(_control(name, parts, proof) for name, parts in _expectations(injected) if parts)
    return NegativeControls(injected=len(controls), found=sum(one.found for one in controls), controls=controls)


def _control(name: str, parts: Sequence[_Part], proof: Proof) -> NegativeControl:
    by = [_by(proof, part) for part in parts]
    return NegativeControl(
        name=name,
        injected="; ".join(part.done for part in parts),
        object_id=", ".join(part.object_id for part in parts),
        found=all(by),
        how="; ".join(f"{one.kind} in {one.where}: {one.what}" for found in by for one in found),
    )


def repair_records(deployment: Deployment, injected: Injected) -> None:
    """Restore deleted records. Call it before replication continues, so that no replica lacks them for long."""
    for emptied in injected.emptied:
        client, table = deployment.client("dynamodb", emptied.region), deployment.table(emptied.region)
        for row in emptied.rows:
            client.put_item(TableName=table, Item=row)


def repair(deployment: Deployment, injected: Injected) -> None:
    """Undo all damage, even if only part of it was done. The call is idempotent."""
    repair_records(deployment, injected)
    for entry in injected.archived:
        _unhide(deployment, entry)
    for withheld in injected.withheld:
        _put_back(deployment, withheld)
    for tampered in injected.tampered:
        gone = deployment.client("dynamodb", tampered.region).exceptions.ConditionalCheckFailedException
        with suppress(gone):  # the next proof reports a missing record
            _update_record(deployment, tampered, "REMOVE #record.#mark", {})
    deployment.client("dynamodb", injected.duplicate_in).delete_item(
        TableName=deployment.table(injected.duplicate_in), Key=_key(f"OBJ#{injected.duplicate}", "RESULT")
    )


def is_repaired(deployment: Deployment, injected: Injected) -> bool:
    """Return whether the repair has reached both regions; until then a proof still finds the damage."""
    return all(_is_there(deployment, one) for one in injected.withheld) and all(
        _rows_are_clean(deployment, injected, region) for region in injected.regions
    )


def _rows_are_clean(deployment: Deployment, injected: Injected, region: str) -> bool:
    if _row(deployment, region, f"OBJ#{injected.duplicate}", "RESULT"):
        return False
    for emptied in injected.emptied:
        if len(list(_record_rows(deployment, region, emptied.object_id))) != len(emptied.rows):
            return False
    records = [_row(deployment, region, one.pk, one.sk) for one in injected.tampered]
    return not any(MARK in record.get("record", {}).get("M", {}) for record in records)


def _row(deployment: Deployment, region: str, pk: str, sk: str) -> Row:
    dynamodb = deployment.client("dynamodb", region)
    answer = dynamodb.get_item(TableName=deployment.table(region), Key=_key(pk, sk), ConsistentRead=True)
    return dict(answer.get("Item", {}))


def _is_there(deployment: Deployment, withheld: Withheld) -> bool:
    listed = deployment.client("s3", withheld.region).list_object_versions(
        Bucket=deployment.ingest_bucket(withheld.region), Prefix=withheld.key
    )
    return any(version["Key"] == withheld.key for version in listed.get("Versions", []))


def repaired(controls: NegativeControls) -> NegativeControls:
    """Return the controls, marked as repaired."""
    undone = tuple(control.model_copy(update={"repaired": True}) for control in controls.controls)
    return controls.model_copy(update={"controls": undone})


# --- the choice of objects --------------------------------------------------------------------------------------


def _with_a_record(
    deployment: Deployment, region: str, receipts: Sequence[ReceiptRow]
) -> Iterator[tuple[ReceiptRow, tuple[str, str]]]:
    """Yield the uploads that have a record, and the keys of the first record."""
    ledger = Ledger(deployment, region)
    for start in range(0, len(receipts), _BATCH):
        batch = receipts[start : start + _BATCH]
        rows = ledger.results(receipt.object_id for receipt in batch)
        for receipt in batch:
            keys = _a_record(deployment, region, rows.get(receipt.object_id))
            if keys:
                yield receipt, keys


def _a_record(deployment: Deployment, region: str, result: Row | None) -> tuple[str, str] | None:
    """Return the keys of an object's first record."""
    if result is None or not 0 < (count(result, "accepted") or 0) <= _MOST_RECORDS:
        return None
    found = deployment.client("dynamodb", region).query(
        TableName=deployment.table(region),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"REC#{text(result, 'object_id')}#000000"}},
        ProjectionExpression="pk, sk",
        ConsistentRead=True,
        Limit=1,
    )["Items"]
    return (found[0]["pk"]["S"], found[0]["sk"]["S"]) if found else None


def _record_rows(deployment: Deployment, region: str, object_id: str) -> Iterator[Row]:
    """Yield the rows of an object's records; there are few enough for one partition key."""
    yield from deployment.client("dynamodb", region).query(
        TableName=deployment.table(region),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"REC#{object_id}#000000"}},
        ConsistentRead=True,
    )["Items"]


def _archived(deployment: Deployment, region: str, one: ReceiptRow) -> Archived:
    key = f"rejected/{one.object_id}.ndjson" if one.rejected else f"quarantined/{one.object_id}.json"
    try:
        found = deployment.client("s3", region).get_object(Bucket=deployment.archive_bucket(region), Key=key)
    except ClientError as error:
        raise RunFailure(
            f"{key} is not in the archive of {region}: {error.response['Error']['Message']}",
            hint="Negative controls come after a proof that found nothing.",
        ) from error
    return Archived(region, one.object_id, key, found["Body"].read().decode())


def _unhide(deployment: Deployment, entry: Archived) -> None:
    """Remove the delete markers of an entry. If no version of it is left, write its text again."""
    s3, bucket = deployment.client("s3", entry.region), deployment.archive_bucket(entry.region)
    held = s3.list_object_versions(Bucket=bucket, Prefix=entry.key)
    for marker in held.get("DeleteMarkers", []):
        if marker["Key"] == entry.key:
            s3.delete_object(Bucket=bucket, Key=entry.key, VersionId=marker["VersionId"])
    if not held.get("Versions"):
        s3.put_object(Bucket=bucket, Key=entry.key, Body=entry.content.encode())


def _forged(signed: str) -> str:
    """Return a receipt with the same claims, signed with another key."""
    try:
        claims = jwt.decode(signed, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        claims = {}
    return jwt.encode(claims, secrets.token_urlsafe(48), algorithm="HS256")


def _made_up(receipt: ReceiptRow, bucket: str) -> str:
    """Return the identity that a faulty processor would compute, one that includes the bucket's name."""
    parts = ("upload", bucket, receipt.source, receipt.upload_id, receipt.sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# --- the damage -------------------------------------------------------------------------------------------------


def _duplicate(deployment: Deployment, injected: Injected) -> None:
    region = injected.duplicate_in
    row = Ledger(deployment, region).results([injected.duplicate_of]).get(injected.duplicate_of)
    if row is None:
        raise RunFailure(
            f"{injected.duplicate_of} has no RESULT in {region}, so it cannot be duplicated.",
            hint="Negative controls come after a proof that found nothing.",
        )
    order = f"{text(row, 'received_at')}#{injected.duplicate}"
    doubled = row | {
        "pk": {"S": f"OBJ#{injected.duplicate}"},
        **{name: {"S": order} for name in ("file_order", "state_order")},
        "object_id": {"S": injected.duplicate},
    }
    deployment.client("dynamodb", region).put_item(TableName=deployment.table(region), Item=doubled)


def _withhold(deployment: Deployment, withheld: Withheld) -> None:
    """Delete the object's versions in one bucket. S3 does not replicate a deletion that names a version."""
    s3, bucket = deployment.client("s3", withheld.region), deployment.ingest_bucket(withheld.region)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=withheld.key)
    for page in pages:
        for version in page.get("Versions", []):
            if version["Key"] == withheld.key:
                s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def _tamper(deployment: Deployment, tampered: Tampered) -> None:
    _update_record(deployment, tampered, "SET #record.#mark = :mark", {":mark": {"S": "tampered"}})


def _update_record(deployment: Deployment, tampered: Tampered, expression: str, values: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {
        "TableName": deployment.table(tampered.region),
        "Key": _key(tampered.pk, tampered.sk),
        "UpdateExpression": expression,
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeNames": {"#record": "record", "#mark": MARK},
    }
    if values:
        arguments["ExpressionAttributeValues"] = values
    deployment.client("dynamodb", tampered.region).update_item(**arguments)


def _put_back(deployment: Deployment, withheld: Withheld) -> None:
    """Restore the bytes from the other bucket; an object that exists stays unchanged."""
    origin = deployment.client("s3", withheld.origin)
    try:
        found = origin.get_object(Bucket=deployment.ingest_bucket(withheld.origin), Key=withheld.key)
    except ClientError as error:
        raise RunFailure(
            f"{withheld.key}, which was deleted in {withheld.region}, cannot be read in {withheld.origin}: "
            f"{error.response['Error']['Message']}",
            hint="Put the file there again under that key; its client has it.",
        ) from error
    try:
        deployment.client("s3", withheld.region).put_object(
            Bucket=deployment.ingest_bucket(withheld.region),
            Key=withheld.key,
            Body=found["Body"].read(),
            ChecksumSHA256=base64.b64encode(bytes.fromhex(withheld.sha256)).decode(),
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _THERE_ALREADY:
            raise


def _key(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


# --- the expected findings --------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """A damage, and the finding that reveals it."""

    object_id: str
    done: str
    kind: str
    where: str
    says: str = ""


def _expectations(injected: Injected) -> Iterator[tuple[str, list[_Part]]]:
    copy_of, copy, where = injected.duplicate_of, injected.duplicate, injected.duplicate_in
    copied = f"RESULT of {copy_of} written again as that of {copy} in {where}"
    left_out = f"the receipt of {injected.lost_receipt} left out of the proof's input"
    signed = f"the receipt of {injected.forged_receipt} signed with another key"
    parts = (
        [_Part(copy, copied, "duplicated", f"ledger {where}")],
        [
            _Part(one.object_id, f"all versions of {one.key} deleted in {one.region}", "lost", f"objects {one.region}")
            for one in injected.withheld
        ],
        [
            _Part(
                one.object_id,
                f"an attribute added to the record {one.pk} / {one.sk} in {one.region}",
                "divergent",
                f"ledger {one.region}",
                "effect_digest",
            )
            for one in injected.tampered
        ],
        [_Part(injected.lost_receipt, left_out, "lost", "receipts")],
        [_Part(injected.forged_receipt, signed, "divergent", "receipts", "no valid key")],
        [
            _Part(one.object_id, f"{one.key} deleted in {one.region}", "lost", f"archive {one.region}")
            for one in injected.archived
        ],
        [
            _Part(
                one.object_id,
                f"all records of {one.object_id} deleted in {one.region}",
                "divergent",
                f"ledger {one.region}",
                "and there are 0",
            )
            for one in injected.emptied
        ],
    )
    return zip(NAMES, parts, strict=True)


def _by(proof: Proof, part: _Part) -> list[Finding]:
    return [
        one
        for one in proof.findings
        if (one.object_id, one.kind, one.where) == (part.object_id, part.kind, part.where) and part.says in one.what
    ]
