"""Remove what a run made, and nothing else: object versions in both regions, rows, dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from integration_tests.e2e.waiting import wait_until
from operations.attribute_values import Wire
from operations.dead_letters import DeadLetterQueue
from operations.deployment import Deployment
from operations.ledger import Ledger, object_id
from operations.queues import backlog

_PER_REQUEST: Final = 1000


@dataclass(frozen=True)
class Made:
    """An object that the run made.

    Attributes:
        object_id: Its identity.
        records: Number of records that the table may hold of it.
        upload_id: Id of its upload through the issuer; "" for a direct put.
    """

    object_id: str
    records: int = 0
    upload_id: str = ""


@dataclass
class Cleanup:
    """The removed things, and those that could not be removed.

    Attributes:
        object_versions: Versions and delete markers removed from buckets.
        rows: Rows removed from the table.
        letters: Messages removed from dead-letter queues.
        kept: The objects that stay, each with the end of its Object Lock or the error.
        waiting: The queues that did not become empty: a message waits in them, or nobody acknowledges it.
    """

    object_versions: int = 0
    rows: int = 0
    letters: int = 0
    kept: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def clean_up(deployment: Deployment, made: Iterable[Made]) -> Cleanup:
    """Remove what the run made: the objects in `made`, and every object under the run's own prefixes.

    An interrupted run does not know every upload that it began, but the buckets hold them.

    Rows are removed last, after the queues are empty. The passive region acknowledges a message only when its RESULT
    row exists, so a message would wait forever for a removed row.
    """
    done = Cleanup(waiting=_let_queues_drain(deployment))
    all_made = _with_found(deployment, made)
    for region in deployment.target.regions:
        _remove_objects(deployment, region, all_made, done)
        _remove_letters(deployment, region, done)
    _remove_rows(deployment, all_made, done)
    return done


def leftovers(deployment: Deployment, made: Iterable[Made]) -> list[str]:
    """Return the objects and rows of the run that still exist in either region and have no Object Lock."""
    left: list[str] = []
    all_made = _with_found(deployment, made)
    for region in deployment.target.regions:
        for bucket, prefix in _places(deployment, region, all_made):
            versions = _versions(deployment.client("s3", region), bucket, prefix)
            left += [f"s3://{bucket}/{one['Key']}" for one in versions if not _locked(deployment, region, bucket, one)]
            parts = _begun(deployment.client("s3", region), bucket, prefix)
            left += [f"s3://{bucket}/{one['Key']}: parts of an upload" for one in parts]
        ledger = Ledger(deployment, region)
        left += [
            f"{region}: row {row['pk']['S']} / {row['sk']['S']}"
            for one in all_made
            for row in _rows(ledger, one, deployment.target.source)
        ]
    return left


def _with_found(deployment: Deployment, made: Iterable[Made]) -> list[Made]:
    known = {one.object_id: one for one in made}
    target = deployment.target
    for region in target.regions:
        s3, bucket = deployment.client("s3", region), deployment.ingest_bucket(region)
        for prefix in (target.object_prefix, target.upload_prefix):
            for version in _versions(s3, bucket, prefix):
                identity = object_id(version["Key"], version["VersionId"])
                known.setdefault(identity, Made(identity))
    return list(known.values())


def _rows(ledger: Ledger, one: Made, source: str) -> Iterator[dict[str, Wire]]:
    yield from ledger.object_rows(one.object_id, one.records)
    if one.upload_id:
        yield from ledger.upload_claims(source, one.upload_id)


def _let_queues_drain(deployment: Deployment) -> list[str]:
    """Wait until the ingest queues are empty, and return those that are not."""

    def waiting() -> list[str]:
        counts = {region: backlog(deployment, region, "IngestQueueUrl") for region in deployment.target.regions}
        return [f"{region}: {held}" for region, held in counts.items() if any(held.values())]

    is_empty = wait_until(deployment.target, lambda: not waiting())
    return [] if is_empty else waiting()


def _places(deployment: Deployment, region: str, made: list[Made]) -> Iterator[tuple[str, str]]:
    """Yield bucket and prefix of everything that the run may have left in a region."""
    target = deployment.target
    yield deployment.ingest_bucket(region), target.object_prefix
    yield deployment.ingest_bucket(region), target.upload_prefix
    for one in made:
        yield deployment.archive_bucket(region), f"rejected/{one.object_id}"
        yield deployment.archive_bucket(region), f"quarantined/{one.object_id}"


def _remove_objects(deployment: Deployment, region: str, made: list[Made], done: Cleanup) -> None:
    s3 = deployment.client("s3", region)
    for bucket, prefix in _places(deployment, region, made):
        free: list[dict[str, str]] = []
        for version in _versions(s3, bucket, prefix):
            until = _locked(deployment, region, bucket, version)
            if until:
                done.kept.append(f"s3://{bucket}/{version['Key']} (Object Lock until {until})")
            else:
                free.append({"Key": version["Key"], "VersionId": version["VersionId"]})
        for upload in _begun(s3, bucket, prefix):
            s3.abort_multipart_upload(Bucket=bucket, **upload)
        for start in range(0, len(free), _PER_REQUEST):
            # A version's deletion is never replicated, so each region removes its own.
            part = free[start : start + _PER_REQUEST]
            errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": part, "Quiet": True}).get("Errors", [])
            done.kept += [f"s3://{bucket}/{one['Key']} ({one.get('Message') or one['Code']})" for one in errors]
            done.object_versions -= len(errors)
        done.object_versions += len(free)


def _versions(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a boto3 client
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Versions", [])
        yield from page.get("DeleteMarkers", [])


def _begun(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, str]]:  # noqa: ANN401 - a boto3 client
    """Yield the key and S3's id of each incomplete multipart upload."""
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        yield from ({"Key": one["Key"], "UploadId": one["UploadId"]} for one in page.get("Uploads", []))


def _locked(deployment: Deployment, region: str, bucket: str, version: dict[str, Any]) -> str:
    """Return the day on which a version's Object Lock ends; "" if it has no lock."""
    if bucket != deployment.archive_bucket(region):
        return ""
    where = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
    try:
        head = deployment.client("s3", region).head_object(**where)
    except ClientError as error:
        # A delete marker has no head, and no lock.
        if error.response["Error"]["Code"] in {"405", "MethodNotAllowed", "404", "NoSuchKey"}:
            return ""
        raise
    until = head.get("ObjectLockRetainUntilDate")
    return str(until.date()) if until and until > datetime.now(UTC) else ""


def _remove_letters(deployment: Deployment, region: str, done: Cleanup) -> None:
    queue = DeadLetterQueue(deployment, region)
    for letter in queue.of_prefixes(deployment.target.object_prefix, deployment.target.upload_prefix):
        queue.delete(letter)
        done.letters += 1


def _remove_rows(deployment: Deployment, made: list[Made], done: Cleanup) -> None:
    ledger = Ledger(deployment, deployment.target.primary)
    for one in made:
        done.rows += ledger.delete(_rows(ledger, one, deployment.target.source))
