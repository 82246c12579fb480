"""Upload an evidence bundle to a bucket under Object Lock, where nobody can change or delete it before its date.

Object Lock: https://docs.aws.amazonaws.com/AmazonS3/latest/userguide/object-lock.html.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from compliance.reports.attestation import SUFFIX
from reporting.bundle import fingerprint, verify

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MODES: Final = ("COMPLIANCE", "GOVERNANCE")


class UploadError(Exception):
    """Raised where a bundle cannot be kept under a lock. The message says what to give or to set up."""


@dataclass(frozen=True, slots=True)
class Locked:
    """An object that Object Lock protects."""

    uri: str
    version: str
    mode: str
    until: datetime
    is_new: bool
    """False if an earlier run uploaded the same bytes."""


def upload(bundle: Path, bucket: str, prefix: str) -> list[Locked]:
    """Upload a bundle, and its attestation if one lies beside it, and read back the retention of each.

    The key contains the SHA-256 of the bundle's manifest, and an object that exists is not replaced.

    Args:
        bundle: An evidence.zip that its own manifest confirms.
        bucket: A bucket with versioning, Object Lock and a default retention. Account and region are boto3's.
        prefix: Beginning of the keys, without a slash at its end.

    Raises:
        UploadError: The bundle was changed, S3 refuses a call, or the object is not under retention.
    """
    if problems := verify(bundle):
        raise UploadError(f"{problems[0]}; upload the evidence.zip as the gate wrote it")
    folder = f"{prefix.strip('/')}/{fingerprint(bundle)}".lstrip("/")
    client = boto3.client("s3")
    try:
        _check_default_retention(client, bucket)
        return [
            _put(client, bucket, f"{folder}/evidence.zip{suffix}", bundle.with_name(bundle.name + suffix).read_bytes())
            for suffix in ("", SUFFIX)
            if bundle.with_name(bundle.name + suffix).is_file()
        ]
    except (BotoCoreError, ClientError) as error:
        raise UploadError(f"s3://{bucket}: {error}") from error


def _check_default_retention(client: "S3Client", bucket: str) -> None:
    try:
        lock = client.get_object_lock_configuration(Bucket=bucket).get("ObjectLockConfiguration", {})
    except ClientError as error:
        if error.response["Error"]["Code"] != "ObjectLockConfigurationNotFoundError":
            raise
        lock = {}
    if lock.get("Rule", {}).get("DefaultRetention", {}).get("Mode") not in _MODES:
        raise UploadError(
            f"s3://{bucket} has no default retention, so what is uploaded can be deleted; create a bucket with Object Lock "
            "and set a retention: aws s3api put-object-lock-configuration --help"
        )


def _put(client: "S3Client", bucket: str, key: str, body: bytes) -> Locked:
    is_new = True
    try:
        client.put_object(Bucket=bucket, Key=key, Body=body, ChecksumAlgorithm="SHA256", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
        is_new = False
        if client.get_object(Bucket=bucket, Key=key)["Body"].read() != body:
            raise UploadError(
                f"s3://{bucket}/{key} exists with other bytes, and is not replaced; give another --prefix"
            ) from error
    head = client.head_object(Bucket=bucket, Key=key)
    until, mode = head.get("ObjectLockRetainUntilDate"), head.get("ObjectLockMode")
    if mode not in _MODES or until is None or until <= datetime.now(UTC):
        raise UploadError(
            f"s3://{bucket}/{key} was uploaded, but S3 names no retention for it; allow s3:GetObjectRetention, "
            "and see the bucket's default retention"
        )
    return Locked(f"s3://{bucket}/{key}", head["VersionId"], mode, until, is_new)
