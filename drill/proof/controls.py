"""Negative controls: damage done on purpose to the drill's own objects, which the proof must find, else it proves nothing.

| control            | what is done                                                            | how it is undone    |
|--------------------|-------------------------------------------------------------------------|---------------------|
| `duplicate`        | an upload's RESULT again, under an identity that holds the bucket's name | that row is deleted |
| `withheld_replica` | an object's versions are deleted in one region's bucket                 | it is put back      |
| `tampered_row`     | a record gets one more attribute, which the global table carries on     | it is removed       |
| `lost_receipt`     | a receipt is left out of what the proof is given                        | it was never gone   |

Which objects are damaged follows from the receipts alone, and each damage can be undone without knowing what was before.
So a drill that is killed anywhere in between injects again, or repairs, with the same outcome. A tamper is in both replicas,
for that is what a global table does: that replicas agree proves nothing, and only the effect digest convicts it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from drill.model import Finding, NegativeControl, NegativeControls, Proof
from drill.proof.rows import Row, count, text
from drill.proof.scope import ReceiptRow, Scope
from operations.deployment import Deployment
from operations.failure import RunFailure
from operations.ledger import Ledger

NAMES: Final = ("duplicate", "withheld_replica", "tampered_row", "lost_receipt")
MARK: Final = "lockstep_negative_control"
"""The attribute that a tampered record has too many."""

_BATCH: Final = 100
_THERE_ALREADY: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


@dataclass(frozen=True)
class Injected:
    """Which objects are damaged, and where.

    Attributes:
        duplicate: The identity that was made up.
        duplicate_of: The object whose effect is there twice.
        withheld: The object that one bucket lacks.
        withheld_key: Its key.
        withheld_sha256: Of its bytes.
        tampered: The object of which a record was changed.
        tampered_keys: Partition and sort key of that record.
        lost_receipt: The object whose receipt is left out.
        writer: The region whose replica is written to.
        lacking: The region whose bucket lacks an object.
    """

    duplicate: str
    duplicate_of: str
    withheld: str
    withheld_key: str
    withheld_sha256: str
    tampered: str
    tampered_keys: tuple[str, str]
    lost_receipt: str
    writer: str
    lacking: str

    @property
    def object_ids(self) -> dict[str, str]:
        """The object that each control is to be found by."""
        identities = (self.duplicate, self.withheld, self.tampered, self.lost_receipt)
        return dict(zip(NAMES, identities, strict=True))

    def receipts(self, receipts: Sequence[ReceiptRow]) -> list[ReceiptRow]:
        """Return the receipts without the one that is lost: what the proof is to be given."""
        return [receipt for receipt in receipts if receipt.object_id != self.lost_receipt]

    def as_dict(self) -> dict[str, Any]:
        """As the journal holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> Injected:
        """Read what `as_dict` gave, from JSON too."""
        return cls(**held | {"tampered_keys": tuple(held["tampered_keys"])})


def choose(deployment: Deployment, scope: Scope, receipts: Sequence[ReceiptRow]) -> Injected:
    """Say what `inject` would damage, and damage nothing: to be noted first, for a drill may be killed at any moment.

    Args:
        deployment: The platform; both regions must answer.
        scope: Whose objects.
        receipts: See `inject`.

    Raises:
        RunFailure: There are not enough objects to damage: four are needed, one of them with a record.
    """
    writer, lacking = deployment.target.regions
    return _choose(deployment, scope, receipts, writer, lacking)


def inject(deployment: Deployment, scope: Scope, receipts: Sequence[ReceiptRow]) -> Injected:
    """Do all the damage. To do it twice, or after a part of it was done, comes to the same.

    Args:
        deployment: The platform; both regions must answer.
        scope: Whose objects.
        receipts: Of uploads that are processed and proved equal.

    Raises:
        RunFailure: There are not enough objects to damage: four are needed, one of them with a record.
    """
    injected = choose(deployment, scope, receipts)
    _duplicate(deployment, injected)
    _withhold(deployment, injected)
    _tamper(deployment, injected)
    return injected


def find(injected: Injected, proof: Proof) -> NegativeControls:
    """Say which of the controls a proof has found: by the right kind, of the right object, in the right source."""
    controls = tuple(
        NegativeControl(
            name=name,
            injected=done,
            object_id=injected.object_ids[name],
            found=bool(by := _by(proof, injected.object_ids[name], is_it)),
            how="; ".join(f"{one.kind} in {one.where}: {one.what}" for one in by),
        )
        for name, done, is_it in _expectations(injected)
    )
    return NegativeControls(injected=len(controls), found=sum(one.found for one in controls), controls=controls)


def repair(deployment: Deployment, injected: Injected) -> None:
    """Undo all the damage, whether all of it was done or not. To do it twice comes to the same.

    Raises:
        RunFailure: The object that was withheld is in neither bucket.
    """
    dynamodb = deployment.client("dynamodb", injected.writer)
    _put_back(deployment, injected)
    with suppress(dynamodb.exceptions.ConditionalCheckFailedException):  # of a record that is gone, the next proof tells
        _update_record(deployment, injected, "REMOVE #record.#mark", {})
    dynamodb.delete_item(TableName=deployment.table(injected.writer), Key=_key(f"OBJ#{injected.duplicate}", "RESULT"))


def is_repaired(deployment: Deployment, injected: Injected) -> bool:
    """Say whether what was undone in one region is undone in both: until then a proof still finds it."""
    return all(_is_clean(deployment, injected, region) for region in (injected.writer, injected.lacking))


def _is_clean(deployment: Deployment, injected: Injected, region: str) -> bool:
    dynamodb, table = deployment.client("dynamodb", region), deployment.table(region)
    made_up = dynamodb.get_item(TableName=table, Key=_key(f"OBJ#{injected.duplicate}", "RESULT"), ConsistentRead=True)
    record = dynamodb.get_item(TableName=table, Key=_key(*injected.tampered_keys), ConsistentRead=True)
    listed = deployment.client("s3", region).list_object_versions(
        Bucket=deployment.ingest_bucket(region), Prefix=injected.withheld_key
    )
    is_there = any(version["Key"] == injected.withheld_key for version in listed.get("Versions", []))
    return "Item" not in made_up and MARK not in record.get("Item", {}).get("record", {}).get("M", {}) and is_there


def repaired(controls: NegativeControls) -> NegativeControls:
    """Return the same, with the damage undone."""
    undone = tuple(control.model_copy(update={"repaired": True}) for control in controls.controls)
    return controls.model_copy(update={"controls": undone})


# --- which objects ----------------------------------------------------------------------------------------------


def _choose(deployment: Deployment, scope: Scope, receipts: Sequence[ReceiptRow], writer: str, lacking: str) -> Injected:
    certain = sorted(
        (receipt for receipt in receipts if receipt.is_certain and receipt.source == scope.source),
        key=lambda receipt: receipt.object_id,
    )
    ledger = Ledger(deployment, writer)
    for start in range(0, len(certain), _BATCH):
        rows = ledger.results(receipt.object_id for receipt in certain[start : start + _BATCH])
        for receipt in certain[start : start + _BATCH]:
            keys = _a_record(deployment, writer, rows.get(receipt.object_id))
            others = [other for other in certain if other.object_id != receipt.object_id][:3]
            if keys and len(others) == 3:  # noqa: PLR2004 - the other controls
                twice, withheld, lost = others
                return Injected(
                    duplicate=_made_up(twice, deployment.ingest_bucket(lacking)),
                    duplicate_of=twice.object_id,
                    withheld=withheld.object_id,
                    withheld_key=withheld.object_key,
                    withheld_sha256=withheld.sha256,
                    tampered=receipt.object_id,
                    tampered_keys=keys,
                    lost_receipt=lost.object_id,
                    writer=writer,
                    lacking=lacking,
                )
    raise RunFailure(
        f"The negative controls need four processed objects of {scope.source}, one of them with a record; "
        f"there are {len(certain)} receipts, and none fits.",
        hint="Drill with more objects: nox -s drill -- run --objects 100",
    )


def _a_record(deployment: Deployment, region: str, result: Row | None) -> tuple[str, str] | None:
    """Return the keys of an object's first record."""
    if result is None or not count(result, "accepted"):
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


def _made_up(receipt: ReceiptRow, bucket: str) -> str:
    """Return the identity that a processor would give that takes the bucket's name into it."""
    parts = ("upload", bucket, receipt.source, receipt.upload_id, receipt.sha256)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


# --- the damage -------------------------------------------------------------------------------------------------


def _duplicate(deployment: Deployment, injected: Injected) -> None:
    row = Ledger(deployment, injected.writer).results([injected.duplicate_of]).get(injected.duplicate_of)
    if row is None:
        raise RunFailure(
            f"{injected.duplicate_of} has no RESULT in {injected.writer}, so it cannot be doubled.",
            hint="Negative controls come after a proof that found nothing.",
        )
    order = f"{text(row, 'received_at')}#{injected.duplicate}"
    doubled = row | {
        "pk": {"S": f"OBJ#{injected.duplicate}"},
        **{name: {"S": order} for name in ("file_order", "state_order")},
        "object_id": {"S": injected.duplicate},
    }
    deployment.client("dynamodb", injected.writer).put_item(TableName=deployment.table(injected.writer), Item=doubled)


def _withhold(deployment: Deployment, injected: Injected) -> None:
    """Delete the object's versions in one bucket. A deletion that names its version is replicated nowhere."""
    s3, bucket = deployment.client("s3", injected.lacking), deployment.ingest_bucket(injected.lacking)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=injected.withheld_key)
    for page in pages:
        for version in page.get("Versions", []):
            if version["Key"] == injected.withheld_key:
                s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def _tamper(deployment: Deployment, injected: Injected) -> None:
    _update_record(deployment, injected, "SET #record.#mark = :mark", {":mark": {"S": "tampered"}})


def _update_record(deployment: Deployment, injected: Injected, expression: str, values: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {
        "TableName": deployment.table(injected.writer),
        "Key": _key(*injected.tampered_keys),
        "UpdateExpression": expression,
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeNames": {"#record": "record", "#mark": MARK},
    }
    if values:
        arguments["ExpressionAttributeValues"] = values
    deployment.client("dynamodb", injected.writer).update_item(**arguments)


def _put_back(deployment: Deployment, injected: Injected) -> None:
    """Put the bytes back that the other bucket has; an object that is there is left as it is."""
    origin = deployment.client("s3", injected.writer)
    try:
        found = origin.get_object(Bucket=deployment.ingest_bucket(injected.writer), Key=injected.withheld_key)
    except ClientError as error:
        raise RunFailure(
            f"{injected.withheld_key}, which was deleted in {injected.lacking}, cannot be read in {injected.writer}: "
            f"{error.response['Error']['Message']}",
            hint="Put the file there again under that key; its client has it.",
        ) from error
    try:
        deployment.client("s3", injected.lacking).put_object(
            Bucket=deployment.ingest_bucket(injected.lacking),
            Key=injected.withheld_key,
            Body=found["Body"].read(),
            ChecksumSHA256=base64.b64encode(bytes.fromhex(injected.withheld_sha256)).decode(),
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _THERE_ALREADY:
            raise


def _key(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


# --- what is to be found ----------------------------------------------------------------------------------------

_IsIt = Callable[[Finding], bool]


def _expectations(injected: Injected) -> tuple[tuple[str, str, _IsIt], ...]:
    in_ledgers = f"RESULT of {injected.duplicate_of} written again as that of {injected.duplicate} in {injected.writer}"
    return (
        ("duplicate", in_ledgers, lambda one: one.kind == "duplicated" and one.where.startswith("ledger ")),
        (
            "withheld_replica",
            f"all versions of {injected.withheld_key} deleted in {injected.lacking}",
            lambda one: one.kind == "lost" and one.where == f"objects {injected.lacking}",
        ),
        (
            "tampered_row",
            f"an attribute added to the record {' / '.join(injected.tampered_keys)} in {injected.writer}",
            lambda one: one.kind == "divergent" and one.where.startswith("ledger ") and "effect_digest" in one.what,
        ),
        (
            "lost_receipt",
            f"the receipt of {injected.lost_receipt} kept from the proof",
            lambda one: one.kind == "lost" and one.where == "receipts",
        ),
    )


def _by(proof: Proof, object_id: str, is_it: _IsIt) -> list[Finding]:
    return [finding for finding in proof.findings if finding.object_id == object_id and is_it(finding)]
