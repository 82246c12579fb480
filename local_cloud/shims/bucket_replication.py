"""Replication between buckets: delayed, with the role's permissions, the source's version id and the destination's event.

Faithful: PENDING until the copy lands, then COMPLETED, or FAILED when the destination or a permission of the role is
missing; the replica has the same version id and time, the status REPLICA, the rule's key, under KMS another ETag, and its
tags and storage class; it fires ObjectCreated in the destination; replicas are not replicated again; delete markers
travel with their version id where the rule says so, deletions of a version never; KMS objects only with
SourceSelectionCriteria; the lag and the cut of the control surface hold; objects older than the rule stay;
ReplicationLatency, OperationsPendingReplication, BytesPendingReplication and OperationsFailedReplication are published,
each in AWS's region for it, where the rule has metrics on.
Different from AWS: a failed replication is not retried; later changes of a replica's metadata or tags do not travel
back (ReplicaModifications is stored only).
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import copy
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.core.responses import get_account_id, request_scope
from ministack.services import cloudwatch, s3

from local_cloud import regions
from local_cloud.replicator import BUCKETS, replicator
from local_cloud.shims import _permissions

_KEY_HEADER: Final = "x-amz-server-side-encryption-aws-kms-key-id"
_ALGORITHM_HEADER: Final = "x-amz-server-side-encryption"
_pending: Final[dict[int, _Journey]] = {}


@dataclass
class _Journey:
    """An object version or delete marker to replicate."""

    account: str
    source: str
    source_region: str
    destination: str
    destination_region: str
    key: str
    rule: dict[str, Any]
    role: str
    size: int = 0
    began: float = field(default_factory=time.time)

    @property
    def dimensions(self) -> dict[str, str]:
        return {"SourceBucket": self.source, "DestinationBucket": self.destination, "RuleId": self.rule.get("ID", "")}

    @property
    def measured(self) -> bool:
        status = (self.rule["Destination"].get("Metrics") or {}).get("Status")
        return bool(status == "Enabled")


def install() -> None:
    """Write copies through the replicator instead of at once."""
    s3._maybe_replicate = _replicate
    s3._maybe_replicate_delete_marker = _replicate_marker


def publish_progress() -> None:
    """Publish the pending operations of every rule with metrics, in the destination's region; zero if there are none.

    Called by the metrics clock.
    """
    on_their_way = list(_pending.values())
    for (account, bucket), configuration in list(s3._bucket_replication.to_dict().items()):
        with request_scope(account, s3._buckets.get_scoped(account, None, bucket, {}).get("region", "")):
            for rule in configuration["Rules"]:
                idle = _journey(bucket, "", rule, configuration["Role"])
                if idle is not None and idle.measured:
                    _publish_rule(idle, [one for one in on_their_way if one.dimensions == idle.dimensions])


def _publish_rule(rule: _Journey, journeys: list[_Journey]) -> None:
    if regions.is_down(rule.destination_region):
        return
    latency = max((time.time() - journey.began for journey in journeys), default=0.0)
    for name, value, unit in (
        ("OperationsPendingReplication", len(journeys), "Count"),
        ("BytesPendingReplication", sum(journey.size for journey in journeys), "Bytes"),
        ("ReplicationLatency", latency, "Seconds"),
    ):
        _measure(rule, rule.destination_region, name, value, unit)


def _replicate(bucket: str, key: str, record: dict[str, Any], data: Any, tags: dict[str, str] | None = None) -> None:  # noqa: ANN401
    rule, role = s3._replication_rule_for(bucket, key, tags)
    if rule is None or not _selected(rule, record):
        return
    record["replication_status"] = "PENDING"
    journey = _journey(bucket, key, rule, role)
    if journey is None:
        record["replication_status"] = "FAILED"
        return
    journey.size = record["size"]
    _pending[id(journey)] = journey
    # The version id is cut after this call, so it is read when the copy is made.
    _send(journey, lambda: _land(journey, record, data, dict(tags or {})))


def _selected(rule: dict[str, Any], record: dict[str, Any]) -> bool:
    """Return whether a rule selects the object. Objects under KMS need a rule that includes them."""
    if not record.get("preserved_headers", {}).get(_ALGORITHM_HEADER, "").startswith("aws:kms"):
        return True
    criteria = (rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}
    return bool(criteria.get("Status") == "Enabled")


def _journey(bucket: str, key: str, rule: dict[str, Any], role: str) -> _Journey | None:
    target = s3._replication_destination(bucket, key, rule, role)
    if target is None:
        return None
    name, _, record = target
    return _Journey(
        account=get_account_id(),
        source=bucket,
        source_region=s3._buckets[bucket]["region"],
        destination=name,
        destination_region=record["region"],
        key=key,
        rule=rule,
        role=role,
    )


def _land(journey: _Journey, record: dict[str, Any], data: Any, tags: dict[str, str]) -> None:  # noqa: ANN401
    """Write the replica, set the source's status, and send the destination's events."""
    _pending.pop(id(journey), None)
    version = record.get("version_id")
    if version is None or not _still_there(journey, version):
        return
    allowed = _allowed(journey, record)
    with request_scope(journey.account, journey.destination_region):
        bucket = s3._buckets.get(journey.destination)
        landed = allowed and bucket is not None
        if landed and not _versions(journey.destination, journey.key, version):
            _write_replica(journey, bucket, record, data, tags)
    _tell_source(journey, record, version, "COMPLETED" if landed else "FAILED")


def _write_replica(
    journey: _Journey,
    bucket: dict[str, Any],
    record: dict[str, Any],
    data: Any,  # noqa: ANN401  bytes, or a reference to a file
    tags: dict[str, str],
) -> None:
    replica = copy.deepcopy(record)
    replica["replication_status"] = "REPLICA"
    _encrypt_for_destination(journey, replica)
    if storage_class := journey.rule["Destination"].get("StorageClass"):
        replica["storage_class"] = storage_class
    prior = bucket["objects"].get(journey.key)
    bucket["objects"][journey.key] = replica
    s3._record_object_version(journey.destination, journey.key, prior, replica, data)
    entry = s3._object_versions[journey.destination, journey.key][-1]
    entry["version_id"] = replica["version_id"] = record["version_id"]
    if tags:
        s3._object_tags[journey.destination, journey.key, record["version_id"]] = tags
    s3._fire_s3_event_async(
        journey.destination,
        journey.key,
        "s3:ObjectCreated:Put",
        size=replica["size"],
        etag=replica["etag"],
        version_id=record["version_id"],
    )


def _encrypt_for_destination(journey: _Journey, replica: dict[str, Any]) -> None:
    headers = dict(replica.get("preserved_headers", {}))
    key = (journey.rule["Destination"].get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID")
    if found := _permissions.key_and_context(key, journey.destination_region, "s3") if key else None:
        key = found[0]
    if key and headers.get(_ALGORITHM_HEADER, "").startswith("aws:kms"):
        headers[_KEY_HEADER] = key
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html: under KMS it is no digest of the data.
        replica["etag"] = f'"{secrets.token_hex(16)}"'
    replica["preserved_headers"] = headers


def _allowed(journey: _Journey, record: dict[str, Any]) -> bool:
    """Return whether the replication role may read the source and write the destination, including keys."""
    needs: list[tuple[str, str, str, dict[str, Any]]] = [
        ("s3:GetObjectVersionForReplication", _object(journey.source, journey.key), journey.source_region, {}),
        ("s3:ReplicateObject", _object(journey.destination, journey.key), journey.destination_region, {}),
    ]
    headers = record.get("preserved_headers", {})
    if headers.get(_ALGORITHM_HEADER, "").startswith("aws:kms"):
        target = (journey.rule["Destination"].get("EncryptionConfiguration") or {}).get("ReplicaKmsKeyID", "")
        for action, key, region, bucket in (
            ("kms:Decrypt", headers.get(_KEY_HEADER, ""), journey.source_region, journey.source),
            ("kms:Encrypt", target, journey.destination_region, journey.destination),
        ):
            found = _permissions.key_and_context(key, region, "s3")
            if found is None:
                return False
            arn, context = found
            # With a bucket key the encryption context is the bucket's ARN, else the object's; both start alike.
            needs.append((action, arn, region, {**context, "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}))
    role = _permissions.of_role(journey.role)
    return all(
        _permissions.may(role, action, resource, region=region, context=context)
        for action, resource, region, context in needs
    )


def _tell_source(journey: _Journey, record: dict[str, Any], version: str, status: str) -> None:
    record["replication_status"] = status
    with request_scope(journey.account, journey.source_region):
        for entry in _versions(journey.source, journey.key, version):
            entry["replication_status"] = status
    if journey.measured:
        _measure(journey, journey.destination_region, "ReplicationLatency", time.time() - journey.began, "Seconds")
        # The failures are the one measure that belongs to the source's region.
        failed = float(status == "FAILED")
        _measure(journey, journey.source_region, "OperationsFailedReplication", failed, "Count")


def _replicate_marker(bucket: str, key: str) -> None:
    configuration = s3._bucket_replication.get(bucket) or {}
    rule, role = s3._replication_rule_for(bucket, key, None)
    if rule is None:
        return
    carried = (rule.get("DeleteMarkerReplication") or {}).get("Status") == "Enabled" and not s3._replication_rule_tags(rule)
    if "Filter" in rule and not carried:
        return
    journey = _journey(bucket, key, rule, configuration.get("Role", role))
    if journey is None:
        return
    marker = s3._object_versions[bucket, key][-1]["version_id"]
    _send(journey, lambda: _land_marker(journey, marker))


def _send(journey: _Journey, land: Callable[[], None]) -> None:
    """Replicate a version or a delete marker; those of one key keep their order."""
    replicator.send(
        journey.source_region,
        journey.destination_region,
        land,
        service=BUCKETS,
        identity=(journey.source, journey.destination, journey.key),
    )


def _land_marker(journey: _Journey, marker: str) -> None:
    resource = _object(journey.destination, journey.key)
    if not _permissions.may(
        _permissions.of_role(journey.role), "s3:ReplicateDelete", resource, region=journey.destination_region
    ):
        return
    with request_scope(journey.account, journey.destination_region):
        bucket = s3._buckets.get(journey.destination)
        if bucket is None or _versions(journey.destination, journey.key, marker):
            return
        s3._record_delete_marker(journey.destination, journey.key, bucket["objects"].get(journey.key))
        s3._object_versions[journey.destination, journey.key][-1]["version_id"] = marker
        bucket["objects"].pop(journey.key, None)


def _still_there(journey: _Journey, version: str) -> bool:
    with request_scope(journey.account, journey.source_region):
        return bool(_versions(journey.source, journey.key, version))


def _versions(bucket: str, key: str, version: str) -> list[dict[str, Any]]:
    return [entry for entry in s3._object_versions.get((bucket, key)) or [] if entry["version_id"] == version]


def _object(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{bucket}/{key}"


def _measure(journey: _Journey, region: str, name: str, value: float, unit: str) -> None:
    with request_scope(journey.account, region):
        cloudwatch.record_metric("AWS/S3", name, value, unit, journey.dimensions)
